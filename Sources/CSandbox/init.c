// Two processes: the watcher, which stays in the host's namespaces of mounts and processes and ends everything when
// our server goes away, and its child, process 1 of the sandbox, which puts the root together and runs the command.
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

void fail(const char *step, const char *detail) {
  char line[1024];
  int length = snprintf(line, sizeof line, "failed %s %d %s\n", step, errno, detail ? detail : "");
  if (length >= (int)sizeof line) length = sizeof line - 1;
  // Nobody to tell is no reason to live on.
  ssize_t ignored = write(REPORT_FD, line, (size_t)length);
  (void)ignored;
  _exit(125);
}

void report(const char *how, long value) {
  char line[64];
  int length = snprintf(line, sizeof line, "%s %ld\n", how, value);
  ssize_t ignored = write(REPORT_FD, line, (size_t)length);
  (void)ignored;
}

/// Signals as a fresh program has them (the server ignores SIGPIPE), and no descriptor we weren't meant to have.
static void forget_parent(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  // posix_spawn leaves the C library's own two ignored, which only the kernel itself is willing to change.
  const unsigned long usual[4] = {0};
  for (int number = 32; number <= 33; number++) syscall(SYS_rt_sigaction, number, usual, NULL, 8);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setsid();
  close_range(FIRST_FOREIGN_FD, ~0U, 0);
  for (int fd = DESCRIPTION_FD; fd < FIRST_FOREIGN_FD; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/// Kills and reaps whatever is left, so that nobody writes while mount points are taken away.
static void kill_everyone(void) {
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {}
}

/// Waits for the command, reaping orphans on the way; its wait status.
static int wait_for(pid_t command) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid == command) return status;
    if (pid < 0 && errno != EINTR) fail("wait", "command");
  }
}

/// Process 1. `watcher` is a pipe's read end that hangs up when the watcher dies.
_Noreturn static void first_process(struct description *d, int watcher) {
  // The watcher has one thread, so the signal means the process; if it died before this line, the pipe says so.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct pollfd alive = {.fd = watcher, .events = 0};
  if (poll(&alive, 1, 0) != 0) _exit(1);
  if (d->resident) resident_offer();
  // Keeps /proc/1/exe and its memory, the server's binary, closed to the command.
  prctl(PR_SET_DUMPABLE, 0);
  umask(0);
  if (unshare(CLONE_NEWNS) != 0) fail("namespace", "mount");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("namespace", "private");
  struct root root = overlay_mount(d);
  if (d->user) identity_resolve(&root, d);
  mounts_make(&root, d);
  if (d->read_only_root && set_mount_attributes(root.fd, "", false, MOUNT_ATTR_RDONLY) != 0) fail("mount", "/");
  root_enter(root.fd);
  if (d->hostname && sethostname(d->hostname, strlen(d->hostname)) != 0) fail("hostname", d->hostname);
  if (d->own_network && network_up() != 0) fail("network", "lo");
  if (d->outbound) network_pretend();
  char joined;
  if (d->cgroup_count > 0 && read(watcher, &joined, 1) != 1) _exit(1);
  pid_t command = d->resident ? resident_start(d) : fork();
  if (command < 0) fail("fork", "command");
  if (command == 0) command_run(d);
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  int status = wait_for(command);
  kill_everyone();
  // An upper directory in memory goes as it is.
  if (!d->memory_size) mount_points_remove(&root);
  if (WIFSIGNALED(status))
    report("signalled", WTERMSIG(status));
  else
    report("exited", WEXITSTATUS(status));
  _exit(0);
}

/// Whether the server has written something; it is the number of a signal for process 1.
static bool pass_signal(pid_t first, short events) {
  unsigned char number;
  if (!(events & POLLIN) || read(LIFE_FD, &number, 1) != 1) return false;
  kill(first, number);
  return true;
}

/// Until process 1 is dead; hurries it when the server has closed the life pipe or died.
static void watch(pid_t first) {
  int handle = (int)syscall(SYS_pidfd_open, first, 0);
  if (handle < 0) {
    int error = errno;
    kill(first, SIGKILL);
    errno = error;
    fail("watch", "pidfd_open");
  }
  struct pollfd both[] = {{.fd = LIFE_FD, .events = POLLIN}, {.fd = handle, .events = POLLIN}};
  do {
    while (poll(both, 2, -1) < 0 && errno == EINTR) {}
  } while (both[1].revents == 0 && pass_signal(first, both[0].revents));
  if (both[1].revents == 0) kill(first, SIGKILL);
  // Returns when every process of the namespace is dead: the kernel kills and reaps them with their process 1.
  while (waitpid(first, NULL, 0) < 0 && errno == EINTR) {}
}

int sandbox_init(void) {
  forget_parent();
  struct description *d = description_read(DESCRIPTION_FD);
  int flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (d->own_network ? CLONE_NEWNET : 0);
  if (unshare(flags) != 0) fail("namespace", "process");
  int alive[2];
  if (pipe2(alive, O_CLOEXEC) != 0) fail("fork", "pipe");
  pid_t first = fork();
  if (first < 0) fail("fork", "process 1");
  if (first == 0) {
    close(alive[1]);
    first_process(d, alive[0]);
  }
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  // While process 1 puts the root together: the kernel can take ten milliseconds for it.
  cgroups_join(d, first);
  if (d->cgroup_count > 0 && write(alive[1], "", 1) != 1) fail("cgroup", "pipe");
  watch(first);
  cgroups_end(d);
  return 0;
}
