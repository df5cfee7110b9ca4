// What the files of CSandbox say to each other. Nothing here is seen by Swift.
#ifndef CSANDBOX_INTERNAL_H
#define CSANDBOX_INTERNAL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "CSandbox.h"

#define SANDBOX_INIT "__sandbox-init"
#define SANDBOX_PROBE "__sandbox-probe"
#define SANDBOX_USER_NAMESPACE "__in-user-namespace"

/// The descriptors every init finds itself with, after stdin, stdout and stderr.
enum { DESCRIPTION_FD = 3, REPORT_FD = 4, LIFE_FD = 5, FIRST_FOREIGN_FD = 6 };

enum { MAXIMUM_MOUNTS = 256, MAXIMUM_GROUPS = 65536 };

/// The directories of an overlay, the lower ones topmost first.
struct layers {
  const char **lowers;
  size_t lower_count;
  const char *upper, *work;
};

struct sandbox_mount {
  enum { MOUNT_BIND, MOUNT_TMPFS, MOUNT_LAYERS, MOUNT_CONTENT } kind;
  const char *target;
  bool read_only;
  /// MOUNT_BIND: the file or directory. MOUNT_CONTENT: the file's bytes in hexadecimal digits.
  const char *source;
  /// MOUNT_TMPFS alone; bytes as text, or NULL.
  const char *size;
  /// MOUNT_LAYERS alone: an overlay, and what of it is shown.
  struct layers layers;
  const char *inside;
  /// MOUNT_CONTENT alone.
  uid_t uid;
  gid_t gid;
  mode_t mode;
};

/// What to run and in what; every pointer leads into the description's own bytes.
struct description {
  struct layers layers;
  const char *mount_point;
  char **arguments;
  char **environment;
  const char *working_directory, *hostname;
  uid_t uid;
  gid_t gid;
  gid_t *groups;
  size_t group_count;
  struct sandbox_mount *mounts;
  size_t mount_count;
  uint64_t open_files_soft, open_files_hard, core_bytes;
  mode_t mask;
  /// Whether ids are mapped: overlay must keep its marks in user.*, and devices can't be made.
  bool in_user_namespace;
  bool own_network;
  /// BuildKit's `--security=insecure`: every capability, and nothing of proc and sys is hidden.
  bool privileged;
};

/// Says on the report pipe what failed, with errno, and ends this process.
_Noreturn void fail(const char *step, const char *detail);

struct description *description_read(int fd);

/// The root being put together: the mounted overlay and its upper directory.
struct root {
  int fd;
  int upper;
};

int sandbox_init(void);
_Noreturn void command_run(const struct description *description);

/// Mounts the overlay at the description's mount point.
struct root overlay_mount(const struct description *description);
/// Mounts an overlay over whatever is at `mount_point`; returns its root.
int overlay_at(const struct layers *layers, const char *mount_point, bool in_user_namespace);
/// Makes an overlay of directories below `directory` that is seen nowhere. Returns 0 or -1 with errno; `takes_many`
/// says whether lower directories can be given one by one.
int overlay_try(const char *directory, bool in_user_namespace, bool *takes_many);

void mounts_make(const struct root *root, const struct description *description);
void root_enter(int root);
int network_up(void);

/// Opens the place for a mount inside the root, making what is missing.
int mount_point_open(const struct root *root, const char *path, bool directory);
/// Takes away what `mount_point_open` made, and every trace of it in the upper directory.
void mount_points_remove(const struct root *root);

/// openat2 that never leaves `root`, whatever symbolic links the image has.
int open_inside(int root, const char *path, uint64_t flags);
int set_mount_attributes(int fd, const char *path, bool recursive, uint64_t attributes);

int user_namespace_main(int argc, char **argv);
/// Enters a user namespace with nothing but ourselves mapped, to its root. Returns 0 or -1 with errno.
int user_namespace_single(void);
int probe_main(const char *directory);

/// Lifts the descriptor above those an init expects, so that placing one never overwrites another. Closes `fd`.
int lift(int fd);

#endif
