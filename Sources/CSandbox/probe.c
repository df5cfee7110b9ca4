// What this machine allows, tried out in children, so that nothing is left changed.
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "internal.h"

/// Root as far as mounting goes: an ordinary user gets there by a user namespace.
static bool become_able(bool *in_user_namespace) {
  if (geteuid() == 0) return true;
  *in_user_namespace = true;
  return user_namespace_single() == 0;
}

static int try_user_namespace(void) { return user_namespace_single() == 0 ? 0 : errno; }

static int try_unshare(int flags) {
  bool ignored = false;
  return become_able(&ignored) && unshare(flags) == 0 ? 0 : errno;
}

static int try_namespaces(void) { return try_unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS); }
static int try_network(void) { return try_unshare(CLONE_NEWNET); }

static const char *place;
static bool mapped;

static int try_overlay(void) {
  bool many = false, in_user_namespace = mapped;
  if (!become_able(&in_user_namespace) || unshare(CLONE_NEWNS) != 0) return errno;
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return errno;
  return overlay_try(place, in_user_namespace, &many) == 0 ? 0 : errno;
}

static int try_many_layers(void) {
  bool many = false, in_user_namespace = mapped;
  if (!become_able(&in_user_namespace) || unshare(CLONE_NEWNS) != 0) return errno;
  overlay_try(place, in_user_namespace, &many);
  return many ? 0 : ENOSYS;
}

static int try_filter(void) {
  bool ignored = false;
  if (!become_able(&ignored)) return errno;
  if (filter_install(&filter_build) != 0) return errno;
  // Swapping is refused to everybody by the filter; without one there is no such file.
  return syscall(SYS_swapoff, "") != 0 && errno == EPERM ? 0 : ENOSYS;
}

/// The errno `question` ends with, asked in a child.
static int ask(int (*question)(void)) {
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(question());
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

int probe_main(const char *directory) {
  static const struct { const char *name; int (*question)(void); } questions[] = {
      {"user-namespace", try_user_namespace}, {"namespaces", try_namespaces}, {"network", try_network},
      {"overlay", try_overlay},               {"many-layers", try_many_layers},
      {"seccomp", try_filter},
  };
  place = directory;
  unsigned first = 0, start = 0, count = 0;
  FILE *map = fopen("/proc/self/uid_map", "re");
  if (map) {
    mapped = fscanf(map, "%u %u %u", &first, &start, &count) == 3 && (start != 0 || count != UINT32_MAX);
    fclose(map);
  }
  for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
    dprintf(STDOUT_FILENO, "%s %d\n", questions[i].name, ask(questions[i].question));
  return 0;
}
