// What docker puts into a container's root: proc, dev, sys, and what the caller asks for.
#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

#define PLAIN (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/// Options as pairs of key and value, ended by NULL; returns the detached mount.
static int new_mount(const char *type, const char *const *options, unsigned attributes) {
  int context = fsopen(type, FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int mounted = -1;
  bool taken = true;
  for (; options && *options && taken; options += 2)
    taken = fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0) == 0;
  if (taken && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
    mounted = fsmount(context, FSMOUNT_CLOEXEC, attributes);
  int saved = errno;
  close(context);
  errno = saved;
  return mounted;
}

/// Puts a detached mount on an open place.
static void attach(int mounted, int place, const char *target) {
  if (mounted < 0 || place < 0) fail("mount", target);
  if (move_mount(mounted, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) fail("mount", target);
  close(place);
}

static void attach_inside(int mounted, const struct root *root, const char *target) {
  if (mounted < 0) fail("mount", target);
  int place = mount_point_open(root, target, true);
  if (place < 0) fail("mount-point", target);
  attach(mounted, place, target);
}

static int host_tree(const char *path) {
  return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/// Shows an empty file or directory in place of `path`, if the kernel has it.
static void mask(const struct root *root, const char *path) {
  int place = open_inside(root->fd, path, O_PATH | O_NOFOLLOW);
  struct stat status;
  if (place < 0 || fstat(place, &status) != 0) return;
  int cover;
  if (S_ISDIR(status.st_mode)) {
    cover = new_mount("tmpfs", (const char *const[]){"nr_inodes", "1", NULL}, PLAIN | MOUNT_ATTR_RDONLY);
  } else {
    // In two steps, as only the first stays inside the root when the image's /dev is a symbolic link.
    int null = open_inside(root->fd, "dev/null", O_PATH);
    cover = open_tree(null, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    close(null);
  }
  attach(cover, place, path);
  close(cover);
}

static void make_read_only(const struct root *root, const char *path) {
  int place = open_inside(root->fd, path, O_PATH | O_NOFOLLOW);
  if (place < 0) return;
  int tree = open_tree(place, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0 || set_mount_attributes(tree, "", false, MOUNT_ATTR_RDONLY | PLAIN) != 0) fail("mount", path);
  attach(tree, place, path);
  close(tree);
}

static void mount_proc(const struct root *root) {
  int proc = new_mount("proc", NULL, PLAIN);
  // Inside a container whose /proc is masked the kernel refuses a fresh one to a user namespace. The outer one shows
  // outer process numbers, but /proc/self is right in it.
  if (proc < 0 && errno == EPERM) proc = host_tree("/proc");
  attach_inside(proc, root, "/proc");
  if (proc >= 0) close(proc);
}

static void mount_sys(const struct root *root, bool writable) {
  int sys = new_mount("sysfs", NULL, PLAIN | (writable ? 0 : MOUNT_ATTR_RDONLY));
  if (sys < 0 && errno == EPERM) {
    sys = host_tree("/sys");
    if (sys >= 0 && set_mount_attributes(sys, "", true, MOUNT_ATTR_RDONLY) != 0) fail("mount", "/sys");
  }
  attach_inside(sys, root, "/sys");
  close(sys);
}

/// A device node, or in a user namespace, where none can be made, the host's.
static void make_device(int dev, const char *name, unsigned minor_number, unsigned major_number) {
  if (mknodat(dev, name, S_IFCHR | 0666, makedev(major_number, minor_number)) == 0) return;
  if (errno != EPERM) fail("device", name);
  char path[64];
  snprintf(path, sizeof path, "/dev/%s", name);
  int file = openat(dev, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file >= 0) close(file);
  int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  attach(tree, openat(dev, name, O_PATH | O_CLOEXEC), path);
  close(tree);
}

static void mount_under(int dev, const char *name, int mounted) {
  if (mounted < 0 || mkdirat(dev, name, 0755) != 0) fail("mount", name);
  attach(mounted, openat(dev, name, O_PATH | O_DIRECTORY | O_CLOEXEC), name);
  close(mounted);
}

static int new_pts(void) {
  // Group 5 is tty in every distribution; a user namespace may not have it mapped.
  const char *const options[] = {"ptmxmode", "0666", "mode", "0620", "gid", "5", NULL};
  const char *const without_group[] = {"ptmxmode", "0666", "mode", "0620", NULL};
  int pts = new_mount("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  return pts >= 0 ? pts : new_mount("devpts", without_group, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

static void mount_dev(const struct root *root) {
  static const struct { const char *name; unsigned minor, major; } devices[] = {
      {"null", 3, 1}, {"zero", 5, 1}, {"full", 7, 1}, {"random", 8, 1}, {"urandom", 9, 1}, {"tty", 0, 5},
  };
  static const char *const links[][2] = {
      {"/proc/self/fd", "fd"},         {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
      {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},      {"pts/ptmx", "ptmx"},
  };
  int dev = new_mount(
      "tmpfs", (const char *const[]){"mode", "755", "size", "65536k", NULL}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
  attach_inside(dev, root, "/dev");
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    make_device(dev, devices[i].name, devices[i].minor, devices[i].major);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlinkat(links[i][0], dev, links[i][1]) != 0) fail("device", links[i][1]);
  mount_under(dev, "pts", new_pts());
  mount_under(
      dev, "shm", new_mount("tmpfs", (const char *const[]){"mode", "1777", "size", "65536k", NULL}, PLAIN));
  int queues = new_mount("mqueue", NULL, PLAIN);
  // A kernel can be built without them; nothing in a build is lost.
  if (queues >= 0) mount_under(dev, "mqueue", queues);
  close(dev);
}

/// A mount of its own of what is at `path` in a mounted tree, whose links are followed without leaving it.
///
/// The tree has to be mounted somewhere for that: before Linux 6.15 nothing can be taken out of a detached one.
static int take_out(int tree, const char *path, const struct sandbox_mount *wanted) {
  int found = open_inside(tree, path, O_PATH);
  if (found < 0) fail("bind", wanted->target);
  int taken = open_tree(found, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (taken < 0) fail("bind", wanted->target);
  close(found);
  close(tree);
  return taken;
}

/// The value of a hexadecimal digit; the description has no others.
static unsigned char digit(char character) {
  return (unsigned char)(character <= '9' ? character - '0' : character - 'a' + 10);
}

static void write_content(int fd, const char *digits, const char *target) {
  char bytes[4096];
  while (digits[0]) {
    size_t length = 0;
    for (; length < sizeof bytes && digits[0] && digits[1]; digits += 2)
      bytes[length++] = (char)(digit(digits[0]) << 4 | digit(digits[1]));
    // Memory takes all or nothing of so little.
    if (length == 0 || write(fd, bytes, length) != (ssize_t)length) fail("content", target);
  }
}

/// A file in memory alone, whatever it is for never reaches a disk of ours.
static int new_content(const struct sandbox_mount *wanted, const char *place) {
  const char *const options[] = {"mode", "755", NULL};
  int memory = new_mount("tmpfs", options, PLAIN);
  if (memory < 0 || move_mount(memory, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) != 0) fail("mount", wanted->target);
  int file = openat(memory, "content", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) fail("content", wanted->target);
  write_content(file, wanted->source, wanted->target);
  char who[64];
  snprintf(who, sizeof who, "%u:%u", wanted->uid, wanted->gid);
  if (fchown(file, wanted->uid, wanted->gid) != 0) fail("user", who);
  if (fchmod(file, wanted->mode) != 0) fail("content", wanted->target);
  close(file);
  return take_out(memory, "content", wanted);
}

/// A directory in memory that belongs to the wanted owner.
static int new_memory(const struct sandbox_mount *wanted, const struct description *d) {
  const char *const options[] = {"mode", "1777", wanted->size ? "size" : NULL, wanted->size, NULL};
  int mounted = new_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (mounted < 0) fail("mount", wanted->target);
  if (!wanted->is_own) return mounted;
  int place = openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  char who[64];
  snprintf(who, sizeof who, "%u:%u", d->uid, d->gid);
  if (place < 0 || fchown(place, d->uid, d->gid) != 0) fail("user", who);
  if (fchmod(place, 0755) != 0) fail("mount", wanted->target);
  close(place);
  return mounted;
}

static int new_wanted(const struct sandbox_mount *wanted, const struct description *d) {
  int mounted = -1;
  switch (wanted->kind) {
  case MOUNT_BIND:
    mounted = host_tree(wanted->source);
    if (mounted < 0) fail("bind", wanted->source);
    return mounted;
  case MOUNT_TMPFS: return new_memory(wanted, d);
  // Over the command's own root, of which only the descriptor is used, until the wanted part is taken out.
  case MOUNT_LAYERS:
    mounted = take_out(overlay_at(&wanted->layers, d->mount_point, d->in_user_namespace), wanted->inside, wanted);
    break;
  case MOUNT_CONTENT: mounted = new_content(wanted, d->mount_point); break;
  }
  if (umount2(d->mount_point, MNT_DETACH) != 0) fail("mount", wanted->target);
  return mounted;
}

static void mount_wanted(const struct root *root, const struct sandbox_mount *wanted, const struct description *d) {
  int mounted = new_wanted(wanted, d);
  struct stat status;
  if (fstat(mounted, &status) != 0) fail("bind", wanted->target);
  if (wanted->read_only && set_mount_attributes(mounted, "", true, MOUNT_ATTR_RDONLY) != 0)
    fail("bind", wanted->target);
  int place = mount_point_open(root, wanted->target, S_ISDIR(status.st_mode));
  if (place < 0) fail("mount-point", wanted->target);
  attach(mounted, place, wanted->target);
  close(mounted);
}

/// Docker: ports from 0 on are anybody's to listen on, as the network is the container's own.
static void free_low_ports(const struct root *root) {
  static const char path[] = "proc/sys/net/ipv4/ip_unprivileged_port_start";
  int file = open_inside(root->fd, path, O_WRONLY);
  if (file < 0 || write(file, "0", 1) != 1) fail("network", path);
  close(file);
}

void mounts_make(const struct root *root, const struct description *d) {
  // Docker: what its runtime hides and protects.
  static const char *const masked[] = {
      "proc/asound", "proc/acpi", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list",
      "proc/timer_stats", "proc/sched_debug", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
  };
  static const char *const read_only[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  mount_proc(root);
  mount_dev(root);
  mount_sys(root, d->privileged);
  if (d->resident && d->own_network) free_low_ports(root);
  for (size_t i = 0; i < sizeof read_only / sizeof *read_only && !d->privileged; i++)
    make_read_only(root, read_only[i]);
  for (size_t i = 0; i < sizeof masked / sizeof *masked && !d->privileged; i++) mask(root, masked[i]);
  for (size_t i = 0; i < d->mount_count; i++) mount_wanted(root, &d->mounts[i], d);
}

void root_enter(int root) {
  if (fchdir(root) != 0) fail("pivot", "fchdir");
  if (syscall(SYS_pivot_root, ".", ".") == 0) {
    // The old root now lies over the new one; what is looked up from "." is the old one's mount.
    if (umount2(".", MNT_DETACH) != 0) fail("pivot", "umount");
  } else {
    // pivot_root can't leave the kernel's first ramfs, which some virtual machines run from.
    if (errno != EINVAL) fail("pivot", "pivot_root");
    if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) fail("pivot", "move");
  }
  if (chdir("/") != 0) fail("pivot", "chdir");
}

int network_up(void) {
  int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (handle < 0) return -1;
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int result = ioctl(handle, SIOCSIFFLAGS, &request);
  close(handle);
  return result;
}
