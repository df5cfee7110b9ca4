// Whom an image's USER means, by the image's own files.
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

enum { MAXIMUM_MEMBERSHIPS = 1024 };

/// A file of the image; NULL when it has none, or something else in its place.
static FILE *open_file(const struct root *root, const char *path) {
  // An image may have put a pipe there, which would hold us up for ever.
  int fd = open_inside(root->fd, path, O_RDONLY | O_NONBLOCK);
  struct stat status;
  if (fd < 0) return NULL;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return fdopen(fd, "re");
  close(fd);
  return NULL;
}

static bool read_number(const char *text, unsigned *value) {
  if (!text[0] || strspn(text, "0123456789") != strlen(text)) return false;
  errno = 0;
  unsigned long long number = strtoull(text, NULL, 10);
  if (errno || number >= UINT32_MAX) return false;
  *value = (unsigned)number;
  return true;
}

/// The user's line, by name or number; its name is copied into `name`.
static bool find_user(const struct root *root, const char *user, struct description *d, char name[256]) {
  bool is_number = read_number(user, &d->uid), found = false;
  FILE *file = open_file(root, "etc/passwd");
  for (struct passwd *entry; file && !found && (entry = fgetpwent(file));) {
    found = is_number ? entry->pw_uid == d->uid : strcmp(entry->pw_name, user) == 0;
    if (!found) continue;
    d->uid = entry->pw_uid;
    d->gid = entry->pw_gid;
    snprintf(name, 256, "%s", entry->pw_name);
  }
  if (file) fclose(file);
  // Docker: a number that the image does not know has group 0.
  if (!found) d->gid = 0;
  return found || is_number;
}

static bool find_group(const struct root *root, const char *group, struct description *d) {
  if (read_number(group, &d->gid)) return true;
  FILE *file = open_file(root, "etc/group");
  bool found = false;
  for (struct group *entry; file && !found && (entry = fgetgrent(file));) {
    found = strcmp(entry->gr_name, group) == 0;
    if (found) d->gid = entry->gr_gid;
  }
  if (file) fclose(file);
  return found;
}

static void find_memberships(const struct root *root, const char *name, struct description *d) {
  FILE *file = open_file(root, "etc/group");
  gid_t *groups = calloc(MAXIMUM_MEMBERSHIPS, sizeof *groups);
  if (!groups) fail("user", name);
  d->groups = groups;
  for (struct group *entry; file && d->group_count < MAXIMUM_MEMBERSHIPS && (entry = fgetgrent(file));)
    for (char **member = entry->gr_mem; *member; member++)
      if (strcmp(*member, name) == 0) {
        groups[d->group_count++] = entry->gr_gid;
        break;
      }
  if (file) fclose(file);
}

void identity_resolve(const struct root *root, struct description *d) {
  char user[256], name[256] = "";
  snprintf(user, sizeof user, "%s", d->user);
  char *group = strchr(user, ':');
  if (group) *group++ = 0;
  d->group_count = 0;
  errno = ENOENT;
  if (!find_user(root, user, d, name)) fail("user-unknown", user);
  errno = ENOENT;
  // Docker: a group that is named replaces all others.
  if (group && *group) {
    if (!find_group(root, group, d)) fail("group-unknown", group);
  } else if (name[0]) {
    find_memberships(root, name, d);
  }
}
