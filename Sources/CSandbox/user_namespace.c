// An ordinary user's way to be root of his own images: the whole program runs inside one user namespace.
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t written = write(fd, text, strlen(text));
  int saved = errno;
  close(fd);
  errno = saved;
  return written < 0 ? -1 : 0;
}

static int map_self(uid_t uid, gid_t gid) {
  char line[64];
  snprintf(line, sizeof line, "0 %u 1", uid);
  if (write_file("/proc/self/uid_map", line) != 0) return -1;
  // The kernel's condition for mapping a group without privilege.
  if (write_file("/proc/self/setgroups", "deny") != 0 && errno != ENOENT) return -1;
  snprintf(line, sizeof line, "0 %u 1", gid);
  return write_file("/proc/self/gid_map", line);
}

int user_namespace_single(void) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  return unshare(CLONE_NEWUSER) != 0 ? -1 : map_self(uid, gid);
}

/// Runs newuidmap or newgidmap for process `pid`: ourselves as 0, the subordinate range from 1 on.
static bool run_mapper(const char *program, pid_t pid, unsigned self, const char *range) {
  char process[16], own[16], start[32], *count;
  snprintf(process, sizeof process, "%d", pid);
  snprintf(own, sizeof own, "%u", self);
  snprintf(start, sizeof start, "%s", range);
  count = strchr(start, ':');
  if (!count) return false;
  *count++ = 0;
  pid_t child = fork();
  if (child == 0) {
    execlp(program, program, process, "0", own, "1", "1", start, count, (char *)NULL);
    _exit(127);
  }
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// A child outside the new namespace that maps its parent's ids when told to. newuidmap is setuid root, so it must run
/// out here; it must not be our parent, for our process number has to stay what the service manager knows.
static pid_t start_mapper(const char *uids, const char *gids, int *go) {
  pid_t target = getpid();
  uid_t uid = getuid();
  gid_t gid = getgid();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  pid_t mapper = fork();
  if (mapper == 0) {
    close(ends[1]);
    char byte;
    bool told = read(ends[0], &byte, 1) == 1;
    _exit(told && run_mapper("newuidmap", target, uid, uids) && run_mapper("newgidmap", target, gid, gids) ? 0 : 1);
  }
  close(ends[0]);
  *go = ends[1];
  return mapper;
}

static int enter_mapped(const char *uids, const char *gids) {
  // Once inside, an id that isn't mapped yet can't be asked for.
  uid_t uid = getuid();
  gid_t gid = getgid();
  int go = -1;
  pid_t mapper = start_mapper(uids, gids, &go);
  if (mapper < 0) return -1;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return -1;
  int status = -1;
  if (write(go, "x", 1) != 1) return -1;
  close(go);
  while (waitpid(mapper, &status, 0) < 0 && errno == EINTR) {}
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    dprintf(STDERR_FILENO, "warning: newuidmap or newgidmap refused the ranges %s and %s: only root inside images\n",
            uids, gids);
    // Nothing is mapped yet unless newgidmap alone failed, and then mapping ourselves fails too, and says so.
    return map_self(uid, gid);
  }
  if (setgroups(0, NULL) != 0) return -1;
  return setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0 ? -1 : 0;
}

/// argv: program, the hidden word, uid range, gid range, then the program's own arguments.
int user_namespace_main(int argc, char **argv) {
  if (argc < 4) return 2;
  int result = argv[2][0] && argv[3][0] ? enter_mapped(argv[2], argv[3]) : user_namespace_single();
  if (result != 0) {
    dprintf(STDERR_FILENO, "error: the user namespace was refused: %s\n", strerror(errno));
    return 1;
  }
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  argv[3] = argv[0];
  if (length > 0) {
    // By its own path, so that the process keeps its name in `ps`.
    path[length] = 0;
    execv(path, argv + 3);
  }
  execv("/proc/self/exe", argv + 3);
  dprintf(STDERR_FILENO, "error: the program can't start itself again: %s\n", strerror(errno));
  return 1;
}
