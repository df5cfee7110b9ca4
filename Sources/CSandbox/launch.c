// The parent's side: pipes, a description in memory, and posix_spawn of ourselves.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

int lift(int fd) {
  if (fd < 0 || fd >= 10) return fd;
  int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  int saved = errno;
  close(fd);
  errno = saved;
  return lifted;
}

/// A pipe whose both ends are above the numbers a child is given.
static int high_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ends[0] = ends[1] = -1;
    return -1;
  }
  ends[0] = lift(ends[0]);
  ends[1] = lift(ends[1]);
  return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static void close_all(int *fds, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fds[i] >= 0) close(fds[i]);
}

static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return -1;
    bytes += written;
    length -= (size_t)written;
  }
  return 0;
}

static int description_memory(const void *description, size_t length) {
  int fd = lift(memfd_create("sandbox", MFD_CLOEXEC));
  if (fd < 0) return -1;
  if (write_all(fd, description, length) != 0) {
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
  }
  return fd;
}

/// Spawns with `fds[i]` as descriptor i. Only what the loader needs is passed of the environment: it may hold secrets.
static int spawn(const char *executable, char *const argv[], const int *fds, int count, pid_t *pid) {
  char loader[4096];
  char *environment[] = {NULL, NULL};
  const char *library_path = getenv("LD_LIBRARY_PATH");
  if (library_path && snprintf(loader, sizeof loader, "LD_LIBRARY_PATH=%s", library_path) < (int)sizeof loader)
    environment[0] = loader;
  posix_spawn_file_actions_t actions;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  for (int i = 0; i < count && !error; i++) error = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
  if (!error) error = posix_spawn(pid, executable, &actions, NULL, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int csandbox_launch(
    const char *executable, const void *description, size_t length, bool wants_control, struct csandbox_child *child) {
  int control[2] = {-1, -1};
  int out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1}, life[2] = {-1, -1};
  int memory = -1, null = -1;
  int error = 0;
  if (high_pipe(out) || high_pipe(err) || high_pipe(report) || high_pipe(life)) error = errno;
  if (!error && (null = lift(open("/dev/null", O_RDWR | O_CLOEXEC))) < 0) error = errno;
  if (!error && wants_control) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) error = errno;
    for (int i = 0; i < 2 && !error; i++)
      if ((control[i] = lift(control[i])) < 0) error = errno;
  }
  if (!error && (memory = description_memory(description, length)) < 0) error = errno;
  if (!error) {
    char *argv[] = {(char *)"kindling", (char *)SANDBOX_INIT, NULL};
    int fds[] = {null, out[1], err[1], memory, report[1], life[0], wants_control ? control[1] : null};
    error = spawn(executable, argv, fds, 7, &child->pid);
  }
  int given[] = {null, out[1], err[1], memory, report[1], life[0], control[1]};
  close_all(given, 7);
  int kept[] = {out[0], err[0], report[0], life[1], control[0]};
  if (error) {
    close_all(kept, 5);
    return error;
  }
  // The two streams are drained without blocking once everything is dead; see SandboxRun.
  for (int i = 0; i < 2; i++) fcntl(kept[i], F_SETFL, O_NONBLOCK);
  child->output = out[0];
  child->errors = err[0];
  child->report = report[0];
  child->life = life[1];
  child->control = control[0];
  return 0;
}

void csandbox_signal(int life, unsigned char number) {
  // All readers may have died just now, and not every program that links us ignores what a write raises then.
  sigset_t broken, before, pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  if (write(life, &number, 1) < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
    sigtimedwait(&broken, NULL, &(struct timespec){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

ssize_t csandbox_probe(const char *executable, const char *directory, char *buffer, size_t capacity) {
  int out[2];
  if (high_pipe(out) != 0) return -1;
  int null = lift(open("/dev/null", O_RDWR | O_CLOEXEC));
  char *argv[] = {(char *)"kindling", (char *)SANDBOX_PROBE, (char *)directory, NULL};
  int fds[] = {null, out[1], null};
  pid_t pid;
  int error = null < 0 ? errno : spawn(executable, argv, fds, 3, &pid);
  if (null >= 0) close(null);
  close(out[1]);
  size_t length = 0;
  while (!error && length < capacity) {
    ssize_t got = read(out[0], buffer + length, capacity - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += (size_t)got;
  }
  close(out[0]);
  if (error) {
    errno = error;
    return -1;
  }
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
  return (ssize_t)length;
}

int csandbox_enter_user_namespace(const char *uids, const char *gids, char *const arguments[]) {
  size_t count = 0;
  while (arguments[count]) count++;
  if (count == 0) return EINVAL;
  const char **argv = calloc(count + 4, sizeof *argv);
  if (!argv) return ENOMEM;
  argv[0] = arguments[0];
  argv[1] = SANDBOX_USER_NAMESPACE;
  argv[2] = uids;
  argv[3] = gids;
  for (size_t i = 1; i < count; i++) argv[i + 3] = arguments[i];
  execv("/proc/self/exe", (char *const *)argv);
  int error = errno;
  free(argv);
  return error;
}
