// The hidden first arguments, caught before main and before any thread.
#include <string.h>
#include <unistd.h>

#include "internal.h"

void csandbox_anchor(void) {}

static void start(int argc, char **argv, char **environment) {
  if (argc < 2 || argv[1][0] != '_') return;
  // The C library sets it in its own initializer, which comes after us.
  environ = environment;
  if (strcmp(argv[1], SANDBOX_INIT) == 0) _exit(sandbox_init());
  if (strcmp(argv[1], SANDBOX_PROBE) == 0 && argc == 3) _exit(probe_main(argv[2]));
  if (strcmp(argv[1], SANDBOX_USER_NAMESPACE) == 0) _exit(user_namespace_main(argc, argv));
}

// Not a constructor: this array runs before the initializers of shared libraries, so their work (0.8 ms for a Swift
// program) is not paid by a process that never reaches main, and no library can have started a thread.
__attribute__((section(".preinit_array"), used)) static void (*const start_hook)(int, char **, char **) = start;
