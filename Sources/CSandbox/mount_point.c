// Places for mounts inside the root. What an image lacks is made for the run, and leaves no trace in its layer:
// neither the placeholder nor the directories the overlay had to copy up to hold it.
#include <errno.h>
#include <linux/openat2.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "internal.h"

enum { MAXIMUM_PLACES = 1024, MAXIMUM_LINKS = 40 };

/// A file or directory made to be mounted on.
static struct placeholder {
  int parent;
  char *name;
  bool directory;
} placeholders[MAXIMUM_PLACES];
static size_t placeholder_count;

/// A directory that wasn't in the upper directory before a placeholder was made below it.
static struct copied {
  char *path;
  struct stat before;
} copies[MAXIMUM_PLACES];
static size_t copy_count;

static char *copy_of(const char *text) {
  char *copy = strdup(text);
  if (!copy) fail("mount-point", text);
  return copy;
}

static void set_modified(int directory, struct timespec modified) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, modified};
  utimensat(directory, ".", times, 0);
}

/// Notes `path` and the directories above it that are in no upper directory yet, the outer ones first.
static void note_copies(const struct root *root, const char *path) {
  char prefix[PATH_MAX];
  for (const char *end = path; *end;) {
    end = strchrnul(end + 1, '/');
    snprintf(prefix, sizeof prefix, "%.*s", (int)(end - path), path);
    struct copied copied;
    if (fstatat(root->upper, prefix, &copied.before, AT_SYMLINK_NOFOLLOW) == 0) continue;
    if (fstatat(root->fd, prefix, &copied.before, AT_SYMLINK_NOFOLLOW) != 0) continue;
    bool known = false;
    for (size_t i = 0; i < copy_count; i++) known = known || strcmp(copies[i].path, prefix) == 0;
    if (known || copy_count == MAXIMUM_PLACES) continue;
    copied.path = copy_of(prefix);
    copies[copy_count++] = copied;
  }
}

/// Makes `name` in the directory `parent_path`, whose time of change stays as it was.
static int make_placeholder(const struct root *root, const char *parent_path, const char *name, bool directory) {
  note_copies(root, parent_path);
  int parent = open_inside(root->fd, parent_path, O_PATH | O_DIRECTORY);
  struct stat before;
  if (parent < 0 || fstat(parent, &before) != 0) return -1;
  if (placeholder_count == MAXIMUM_PLACES) {
    errno = ENOSPC;
    return -1;
  }
  if (directory) {
    if (mkdirat(parent, name, 0755) != 0) return -1;
  } else {
    int file = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (file < 0) return -1;
    close(file);
  }
  set_modified(parent, before.st_mtim);
  placeholders[placeholder_count++] =
      (struct placeholder){.parent = parent, .name = copy_of(name), .directory = directory};
  return 0;
}

/// A path on its way through the image's symbolic links: `done` has none left, `rest` is still to go.
struct walk {
  char done[PATH_MAX], rest[PATH_MAX];
  int links;
};

static void walk_up(struct walk *walk) {
  char *slash = strrchr(walk->done, '/');
  *(slash ? slash : walk->done) = 0;
}

/// Replaces the link just reached by its target.
static int walk_follow(struct walk *walk, int link) {
  char target[PATH_MAX], rest[PATH_MAX];
  ssize_t length = readlinkat(link, "", target, sizeof target - 1);
  if (length < 0) return -1;
  target[length] = 0;
  int needed = snprintf(rest, sizeof rest, "%s/%s", target, walk->rest);
  if (needed >= (int)sizeof rest || ++walk->links > MAXIMUM_LINKS) {
    errno = ELOOP;
    return -1;
  }
  strcpy(walk->rest, rest);
  if (target[0] == '/') walk->done[0] = 0;
  return 0;
}

/// One component further. Returns -1 with errno.
static int walk_step(struct walk *walk, const struct root *root, const char *name, bool directory) {
  char path[PATH_MAX];
  int length = snprintf(path, sizeof path, "%s%s%s", walk->done, walk->done[0] ? "/" : "", name);
  if (length >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int fd = open_inside(root->fd, path, O_PATH | O_NOFOLLOW);
  struct stat status;
  if (fd < 0) {
    if (errno != ENOENT || make_placeholder(root, walk->done, name, directory) != 0) return -1;
  } else if (fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
    int result = walk_follow(walk, fd);
    close(fd);
    return result;
  } else {
    close(fd);
  }
  strcpy(walk->done, path);
  return 0;
}

int mount_point_open(const struct root *root, const char *path, bool directory) {
  struct walk walk = {.links = 0};
  if (snprintf(walk.rest, sizeof walk.rest, "%s", path) >= (int)sizeof walk.rest) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (;;) {
    size_t skipped = strspn(walk.rest, "/");
    size_t length = strcspn(walk.rest + skipped, "/");
    if (length == 0) break;
    char name[NAME_MAX + 1];
    if (length > NAME_MAX) {
      errno = ENAMETOOLONG;
      return -1;
    }
    memcpy(name, walk.rest + skipped, length);
    name[length] = 0;
    memmove(walk.rest, walk.rest + skipped + length, strlen(walk.rest + skipped + length) + 1);
    bool last = strspn(walk.rest, "/") == strlen(walk.rest);
    if (strcmp(name, ".") == 0) continue;
    if (strcmp(name, "..") == 0)
      walk_up(&walk);
    else if (walk_step(&walk, root, name, directory || !last) != 0)
      return -1;
  }
  if (!walk.done[0]) {
    // A mount over the root itself would hide everything put together so far.
    errno = EBUSY;
    return -1;
  }
  return open_inside(root->fd, walk.done, O_PATH | O_NOFOLLOW);
}

/// Removes a directory from the upper directory if it holds nothing and is as it was before we made the overlay copy
/// it. Whatever a command did to it shows in its mode, owner or time.
static void forget_copy(const struct root *root, const struct copied *copied) {
  char parent_path[PATH_MAX];
  snprintf(parent_path, sizeof parent_path, "%s", copied->path);
  char *slash = strrchr(parent_path, '/');
  const char *name = copied->path + (slash ? slash - parent_path + 1 : 0);
  *(slash ? slash : parent_path) = 0;
  int parent = open_inside(root->upper, parent_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  int fd = parent < 0 ? -1 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat now, above;
  if (fd >= 0 && fstat(fd, &now) == 0 && fstat(parent, &above) == 0) {
    const struct stat *before = &copied->before;
    bool same = now.st_mode == before->st_mode && now.st_uid == before->st_uid && now.st_gid == before->st_gid
        && now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
    bool opaque = fgetxattr(fd, "trusted.overlay.opaque", NULL, 0) >= 0
        || fgetxattr(fd, "user.overlay.opaque", NULL, 0) >= 0;
    if (same && !opaque && unlinkat(parent, name, AT_REMOVEDIR) == 0) set_modified(parent, above.st_mtim);
  }
  if (fd >= 0) close(fd);
  if (parent >= 0) close(parent);
}

void mount_points_remove(const struct root *root) {
  // Through the overlay, which knows whether the name needs a whiteout; the inner ones were made last.
  for (size_t i = placeholder_count; i-- > 0;) {
    const struct placeholder *made = &placeholders[i];
    struct stat before;
    if (fstat(made->parent, &before) != 0 || fchdir(made->parent) != 0) continue;
    umount2(made->name, MNT_DETACH | UMOUNT_NOFOLLOW);
    // A directory the command has put something into is the command's, and stays.
    if (unlinkat(made->parent, made->name, made->directory ? AT_REMOVEDIR : 0) == 0)
      set_modified(made->parent, before.st_mtim);
  }
  for (size_t i = copy_count; i-- > 0;) forget_copy(root, &copies[i]);
}
