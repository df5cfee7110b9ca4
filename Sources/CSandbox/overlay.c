// The root: an overlay of the image's layers under a fresh upper directory.
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

int open_inside(int root, const char *path, uint64_t flags) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
}

int set_mount_attributes(int fd, const char *path, bool recursive, uint64_t attributes) {
  struct mount_attr wanted = {.attr_set = attributes};
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return (int)syscall(SYS_mount_setattr, fd, path, flags, &wanted, MOUNT_ATTR_SIZE_VER0);
}

/// Sets a directory option. fsconfig takes 255 bytes, so a longer path goes by its descriptor's name.
static int set_directory(int context, const char *key, const char *path) {
  if (strlen(path) < 256) return fsconfig(context, FSCONFIG_SET_STRING, key, path, 0);
  int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  char name[32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  // The kernel resolves the name within this call, so the descriptor need not outlive it.
  int result = fsconfig(context, FSCONFIG_SET_STRING, key, name, 0);
  int saved = errno;
  close(fd);
  errno = saved;
  return result;
}

/// Without index, metacopy and redirects the upper directory is the whole change and nothing else has to be known to
/// read it. Volatile: an interrupted build is thrown away, so nothing has to be flushed when the overlay goes.
static int set_modes(int context, bool in_user_namespace) {
  // "off" would still follow redirects found in a layer, which a user namespace is refused.
  static const char *const modes[][2] = {{"index", "off"}, {"metacopy", "off"}, {"redirect_dir", "nofollow"}};
  for (size_t i = 0; i < 3; i++)
    if (fsconfig(context, FSCONFIG_SET_STRING, modes[i][0], modes[i][1], 0) != 0) return -1;
  if (fsconfig(context, FSCONFIG_SET_FLAG, "volatile", NULL, 0) != 0) return -1;
  return in_user_namespace ? fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) : 0;
}

/// What the kernel says about a refused mount, such as `overlay: upper fs does not support …`, as the detail.
_Noreturn static void fail_with_log(int context, const char *step, const char *path) {
  int error = errno;
  char message[512], detail[900];
  ssize_t length = read(context, message, sizeof message - 1);
  if (length < 0) length = 0;
  while (length > 0 && message[length - 1] == '\n') length--;
  message[length] = 0;
  // The first two bytes are the message's class and a space.
  snprintf(detail, sizeof detail, "%s%s%s", path, length > 2 ? ": " : "", length > 2 ? message + 2 : "");
  errno = error;
  fail(step, detail);
}

/// mount(2) for kernels before 6.5: all options in one page, so directories go by the short names of descriptors.
static int mount_in_one_page(const struct layers *layers, const char *mount_point, bool in_user_namespace) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  char options[4096];
  size_t length = (size_t)snprintf(options, sizeof options, "index=off,metacopy=off,redirect_dir=nofollow,volatile%s",
                                   in_user_namespace ? ",userxattr" : "");
  for (size_t i = 0; i < layers->lower_count + 2; i++) {
    bool lower = i < layers->lower_count;
    const char *path = lower ? layers->lowers[i] : i == layers->lower_count ? layers->upper : layers->work;
    const char *key = i == 0 ? ",lowerdir=" : lower ? ":" : i == layers->lower_count ? ",upperdir=" : ",workdir=";
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail("layer", path);
    length += (size_t)snprintf(options + length, sizeof options - length, "%s/proc/self/fd/%d", key, fd);
    if (length >= sizeof options) {
      errno = E2BIG;
      fail("layers", "mount options");
    }
  }
  if (mount("overlay", mount_point, "overlay", 0, options) != 0) fail("overlay", layers->upper);
  return open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/// The mark a volatile overlay leaves so that nobody trusts its upper directory after a crash of the machine. The
/// builder throws such directories away; what it mounts twice is one it has just used.
static void remove_volatile_mark(const char *work) {
  int fd = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  if (unlinkat(fd, "work/incompat/volatile/dirty", 0) == 0) {
    unlinkat(fd, "work/incompat/volatile", AT_REMOVEDIR);
    unlinkat(fd, "work/incompat", AT_REMOVEDIR);
  }
  close(fd);
}

int overlay_at(const struct layers *layers, const char *mount_point, bool in_user_namespace) {
  remove_volatile_mark(layers->work);
  int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0) fail("overlay", "fsopen");
  for (size_t i = 0; i < layers->lower_count; i++) {
    if (set_directory(context, "lowerdir+", layers->lowers[i]) == 0) continue;
    if (errno == EINVAL && i == 0) {
      close(context);
      return mount_in_one_page(layers, mount_point, in_user_namespace);
    }
    fail_with_log(context, "layer", layers->lowers[i]);
  }
  if (set_directory(context, "upperdir", layers->upper) != 0) fail_with_log(context, "layer", layers->upper);
  if (set_directory(context, "workdir", layers->work) != 0) fail_with_log(context, "layer", layers->work);
  if (set_modes(context, in_user_namespace) != 0) fail_with_log(context, "overlay", "options");
  if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0) fail_with_log(context, "overlay", layers->upper);
  int mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
  if (mounted < 0) fail_with_log(context, "overlay", "fsmount");
  close(context);
  if (move_mount(mounted, "", AT_FDCWD, mount_point, MOVE_MOUNT_F_EMPTY_PATH) != 0) fail("mount-point", mount_point);
  return mounted;
}

/// An overlay below the mount point whose upper directory is in memory: nothing reaches a disk, and nothing is left.
static struct root memory_mount(const struct description *d) {
  char options[64], upper[PATH_MAX], work[PATH_MAX], place[PATH_MAX];
  snprintf(options, sizeof options, "mode=700,size=%s", d->memory_size);
  if (mount("tmpfs", d->mount_point, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) fail("mount", d->mount_point);
  snprintf(upper, sizeof upper, "%s/upper", d->mount_point);
  snprintf(work, sizeof work, "%s/work", d->mount_point);
  snprintf(place, sizeof place, "%s/root", d->mount_point);
  struct stat top;
  if (stat(d->layers.lowers[0], &top) != 0) fail("layer", d->layers.lowers[0]);
  if (mkdir(upper, 0755) != 0 || mkdir(work, 0700) != 0 || mkdir(place, 0700) != 0) fail("mount", d->mount_point);
  // `/` inside is the upper directory; an owner no id is mapped for can't be given.
  int ignored = chown(upper, top.st_uid, top.st_gid);
  (void)ignored;
  if (chmod(upper, top.st_mode & 07777) != 0) fail("mount", upper);
  struct layers layers = d->layers;
  layers.upper = upper;
  layers.work = work;
  struct root root = {.fd = -1, .upper = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (root.upper < 0) fail("layer", upper);
  root.fd = overlay_at(&layers, place, d->in_user_namespace);
  return root;
}

struct root overlay_mount(const struct description *d) {
  if (d->memory_size) return memory_mount(d);
  struct root root = {.fd = -1, .upper = open(d->layers.upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (root.upper < 0) fail("layer", d->layers.upper);
  root.fd = overlay_at(&d->layers, d->mount_point, d->in_user_namespace);
  return root;
}

int overlay_try(const char *directory, bool in_user_namespace, bool *takes_many) {
  static const char *const names[] = {"lower", "upper", "work"};
  static const char *const keys[] = {"lowerdir+", "upperdir", "workdir"};
  *takes_many = false;
  int context = fsopen("overlay", FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  for (int i = 0; i < 3; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return -1;
    if (set_directory(context, keys[i], path) == 0) {
      if (i == 0) *takes_many = true;
      continue;
    }
    if (i > 0 || errno != EINVAL || fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", path, 0) != 0) return -1;
  }
  if (set_modes(context, in_user_namespace) != 0) return -1;
  return fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}
