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
enum { DESCRIPTION_FD = 3, REPORT_FD = 4, LIFE_FD = 5, CONTROL_FD = 6, FIRST_FOREIGN_FD = 7 };

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
  /// MOUNT_TMPFS alone; bytes as text, or NULL, and whether it belongs to the command's user instead of everybody.
  const char *size;
  bool is_own;
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
  /// The upper directory is in memory, of that many bytes as text, instead of `layers.upper`; else NULL.
  const char *memory_size;
  /// Nobody may write to the root once its mount points are made.
  bool read_only_root;
  /// A container that may do as little as possible: no capability for anybody, no_new_privs, `filter_run`.
  bool strict;
  /// The command goes on until it is told to end: it is said that it runs, and signals are passed on to it.
  bool resident;
  /// Connections beyond its own network are the server's to make, which is sent the questions on CONTROL_FD.
  bool outbound;
  /// USER as the image has it, looked up in the root; instead of `uid`, `gid` and `groups`. Else NULL.
  const char *user;
  /// Directories of control groups everything inside belongs to, and the file that counts kills for memory or NULL.
  const char **cgroups;
  size_t cgroup_count;
  const char *cgroup_events;
  /// Where there is no control group for it; 0 is no limit.
  uint64_t data_bytes, processes;
};

/// The root being put together: the mounted overlay and its upper directory.
struct root {
  int fd;
  int upper;
};

/// Says on the report pipe what failed, with errno, and ends this process.
_Noreturn void fail(const char *step, const char *detail);

struct description *description_read(int fd);

int sandbox_init(void);
/// Tells the server one line; nobody to hear it is no error.
void report(const char *how, long value);

/// Makes everything inside what the kernel kills first when the machine has no memory left.
void resident_offer(void);
/// Starts the command of a resident sandbox; returns when it has been executed, or has said why not.
pid_t resident_start(const struct description *description);
/// Finds the ids for `user` in the root's own files.
void identity_resolve(const struct root *root, struct description *description);

/// Moves a process, and with it all it will start, into the description's control groups.
void cgroups_join(const struct description *description, pid_t process);
/// Says how many processes were killed for memory, if any, and removes the groups; all in them must be dead.
void cgroups_end(const struct description *description);

/// Makes the calls of `connect` of this process, and of all it starts, questions to the server.
void outbound_ask(void);
/// A new socket in the network `network`. Returns -1 with errno.
int network_socket(int network, int family, int type);

_Noreturn void command_run(const struct description *description);

/// Mounts the overlay at the description's mount point, or below it when the upper directory is in memory.
struct root overlay_mount(const struct description *description);
/// Mounts an overlay over whatever is at `mount_point`; returns its root.
int overlay_at(const struct layers *layers, const char *mount_point, bool in_user_namespace);
/// Makes an overlay of directories below `directory` that is seen nowhere. Returns 0 or -1 with errno; `takes_many`
/// says whether lower directories can be given one by one.
int overlay_try(const char *directory, bool in_user_namespace, bool *takes_many);

void mounts_make(const struct root *root, const struct description *description);
void root_enter(int root);
int network_up(void);
/// Gives lo an address that is not loopback's: C libraries ask for addresses of a family only when they see one.
void network_pretend(void);

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
