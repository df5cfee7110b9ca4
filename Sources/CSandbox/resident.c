// Process 1 of an app: it passes on the signals it is sent, as an init for containers does.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "internal.h"

static volatile pid_t command;

static void forward(int number) {
  int saved = errno;
  if (command > 0) kill(command, number);
  errno = saved;
}

/// All but those that a fault of our own or a child's end would raise.
static void forward_signals(void) {
  static const int own[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
  for (int number = 1; number < NSIG; number++) {
    bool is_own = number == 32 || number == 33;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) is_own = is_own || own[i] == number;
    if (!is_own) sigaction(number, &action, NULL);
  }
}

void resident_offer(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t ignored = write(file, "500", 3);
  (void)ignored;
  close(file);
}

/// In the command, to count its processes apart from those the same user has in other sandboxes (RLIMIT_NPROC counts by
/// user and user namespace): a user namespace in which every id is what it was. Machines may refuse it; then they count
/// together.
static void own_ids(const int asked[2], const int mapped[2]) {
  // So that process 1 may write our maps where the machine's root is not ours.
  prctl(PR_SET_DUMPABLE, 1);
  char answer = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
  if (write(asked[1], &answer, 1) != 1 || read(mapped[0], &answer, 1) != 1) _exit(1);
  prctl(PR_SET_DUMPABLE, 0);
}

static void copy_map(pid_t process, const char *name) {
  char path[64], text[4096];
  size_t length = 0;
  snprintf(path, sizeof path, "/proc/self/%s", name);
  FILE *own = fopen(path, "re");
  unsigned first, outside, count;
  while (own && length < sizeof text - 40 && fscanf(own, "%u %u %u", &first, &outside, &count) == 3)
    length += (size_t)snprintf(text + length, sizeof text - length, "%u %u %u\n", first, first, count);
  if (own) fclose(own);
  snprintf(path, sizeof path, "/proc/%d/%s", process, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, length) != (ssize_t)length) fail("namespace", name);
  close(file);
}

static void map_ids(pid_t process, const int asked[2], const int mapped[2]) {
  char answer;
  if (read(asked[0], &answer, 1) != 1) fail("namespace", "user");
  if (answer == 'y') {
    copy_map(process, "uid_map");
    copy_map(process, "gid_map");
  }
  if (write(mapped[1], "", 1) != 1) fail("namespace", "user");
}

pid_t resident_start(const struct description *d) {
  int began[2];
  int asked[2], mapped[2];
  if (pipe2(began, O_CLOEXEC) != 0 || pipe2(asked, O_CLOEXEC) != 0 || pipe2(mapped, O_CLOEXEC) != 0)
    fail("fork", "pipe");
  pid_t child = fork();
  if (child < 0) fail("fork", "command");
  if (child == 0) {
    if (d->processes > 0) own_ids(asked, mapped);
    command_run(d);
  }
  if (d->processes > 0) map_ids(child, asked, mapped);
  command = child;
  forward_signals();
  close(began[1]);
  // Ends with the command's exec, or with the command, which has said why by then.
  char byte;
  while (read(began[0], &byte, 1) < 0 && errno == EINTR) {}
  for (int i = 0; i < 2; i++) {
    close(asked[i]);
    close(mapped[i]);
  }
  close(began[0]);
  report("running", child);
  return child;
}
