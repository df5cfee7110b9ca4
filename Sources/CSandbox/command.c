// The command itself: limits, identity and capabilities as docker gives them, then exec.
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter.h"
#include "internal.h"

// Docker: the default set. SYS_ADMIN is not in it, so no command can undo the masks over /proc.
static const int kept_capabilities[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER,  CAP_MKNOD,
    CAP_NET_RAW, CAP_SETGID,      CAP_SETUID, CAP_SETFCAP, CAP_SETPCAP,
    CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE,
};

static uint64_t kept_set(void) {
  uint64_t set = 0;
  for (size_t i = 0; i < sizeof kept_capabilities / sizeof *kept_capabilities; i++)
    set |= UINT64_C(1) << kept_capabilities[i];
  return set;
}

static void limit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit wanted = {.rlim_cur = soft, .rlim_max = hard};
  if (setrlimit(resource, &wanted) == 0) return;
  // Raising the hard limit is for the machine's root alone; as much as we have is the best an ordinary user can do.
  struct rlimit have;
  if (getrlimit(resource, &have) != 0) return;
  if (wanted.rlim_max > have.rlim_max) wanted.rlim_max = have.rlim_max;
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  setrlimit(resource, &wanted);
}

static void drop_bounding_set(uint64_t kept) {
  for (int capability = 0; capability < 64; capability++) {
    if (kept >> capability & 1) continue;
    if (prctl(PR_CAPBSET_DROP, capability) == 0) continue;
    if (errno == EINVAL) return;
    fail("capabilities", "bounding set");
  }
}

static void keep_capabilities(uint64_t kept, bool is_root) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0}, {0}};
  // Any other user lost them all by setresuid; asking for some again would be refused.
  if (is_root) {
    data[0].permitted = data[0].effective = (uint32_t)kept;
    data[1].permitted = data[1].effective = (uint32_t)(kept >> 32);
  }
  if (syscall(SYS_capset, &header, data) != 0) fail("capabilities", "set");
}

static void become(const struct description *d) {
  char who[64];
  snprintf(who, sizeof who, "%u:%u", d->uid, d->gid);
  if (setgroups(d->group_count, d->groups) != 0) {
    // With a single id mapped the kernel denies setgroups for good, and knows no other group that could be set.
    if (!(errno == EPERM && d->in_user_namespace)) fail("user", who);
  }
  if (setresgid(d->gid, d->gid, d->gid) != 0) fail("user", who);
  if (setresuid(d->uid, d->uid, d->uid) != 0) fail("user", who);
}

static const char *search_path(char **environment) {
  for (char **entry = environment; *entry; entry++)
    if (strncmp(*entry, "PATH=", 5) == 0) return *entry + 5;
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/// Executes `path`; returns the errno that says why not.
static int try_execute(const char *path, const struct description *d) {
  struct stat status;
  if (stat(path, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  execve(path, d->arguments, d->environment);
  // The file is there, so what is missing is its interpreter.
  if (d->resident && errno != EACCES) fail("exec-start", path);
  if (errno == ENOENT) dprintf(STDERR_FILENO, "exec %s: no such file or directory\n", path);
  if (errno == ENOEXEC) dprintf(STDERR_FILENO, "exec %s: exec format error\n", path);
  if (errno == E2BIG) dprintf(STDERR_FILENO, "exec %s: argument list too long\n", path);
  if (errno == ENOENT) _exit(127);
  if (errno == ENOEXEC || errno == E2BIG) _exit(126);
  return errno;
}

/// A container that never began is no command that ended.
static void refuse_start(const struct description *d, int error, const char *name) {
  errno = error;
  if (d->resident) fail("exec", name);
}

// Docker: the texts and statuses of its runtime: 127 for what is not there, 126 for what can't be run.
_Noreturn static void execute(const struct description *d) {
  const char *name = d->arguments[0];
  if (strchr(name, '/')) {
    int error = try_execute(name, d);
    refuse_start(d, error, name);
    if (error == ENOENT || error == ENOTDIR) {
      dprintf(STDERR_FILENO, "exec: \"%s\": stat %s: no such file or directory\n", name, name);
      _exit(127);
    }
    dprintf(STDERR_FILENO, "exec: \"%s\": %s\n", name, error == EISDIR ? "is a directory" : "permission denied");
    _exit(126);
  }
  int refused = 0;
  for (const char *rest = search_path(d->environment); name[0] && rest;) {
    const char *end = strchrnul(rest, ':');
    char path[4096];
    int length = snprintf(path, sizeof path, "%.*s%s%s", (int)(end - rest), rest, end > rest ? "/" : "./", name);
    if (length < (int)sizeof path && try_execute(path, d) == EACCES) refused = EACCES;
    rest = *end ? end + 1 : NULL;
  }
  refuse_start(d, refused ? refused : ENOENT, name);
  if (refused) {
    dprintf(STDERR_FILENO, "exec: \"%s\": permission denied\n", name);
    _exit(126);
  }
  dprintf(STDERR_FILENO, "exec: \"%s\": executable file not found in $PATH\n", name);
  _exit(127);
}

/// Before the user is changed, as only CAP_SYS_ADMIN may do it without no_new_privs, which would break `su`.
// Docker: where the kernel has no filters, commands run without one; the probe tells so.
static void restrict_calls(const struct filter_profile *profile) {
  if (filter_install(profile) != 0 && errno != ENOSYS) fail("seccomp", "filter");
}

static void forgo_privileges(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("capabilities", "no_new_privs");
  // Kernels before 4.3 have no ambient set.
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
    fail("capabilities", "ambient set");
}

void command_run(const struct description *d) {
  setsid();
  umask(d->mask);
  limit(RLIMIT_NOFILE, d->open_files_soft, d->open_files_hard);
  limit(RLIMIT_CORE, d->core_bytes, d->core_bytes);
  // A session keyring of its own: keyrings belong to no namespace, and the server's may hold keys.
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  if (d->data_bytes > 0) limit(RLIMIT_DATA, d->data_bytes, d->data_bytes);
  if (d->processes > 0) limit(RLIMIT_NPROC, d->processes, d->processes);
  if (chdir(d->working_directory) != 0) fail("workdir", d->working_directory);
  uint64_t kept = d->strict ? 0 : kept_set();
  if (d->strict) forgo_privileges();
  if (!d->privileged) {
    drop_bounding_set(kept);
    restrict_calls(d->strict ? &filter_run : &filter_build);
  }
  if (d->outbound) outbound_ask();
  become(d);
  if (!d->privileged) keep_capabilities(kept, d->uid == 0);
  close_range(DESCRIPTION_FD, ~0U, CLOSE_RANGE_CLOEXEC);
  execute(d);
}
