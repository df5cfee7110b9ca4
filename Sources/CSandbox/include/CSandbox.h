// The C floor of Sandbox: what has to happen where no other thread runs. Imported by the target Sandbox alone.
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Keeps the linker from dropping the object with the start-up hook; call it from Swift.
void csandbox_anchor(void);

/// What a started sandbox is watched by; the caller closes every descriptor and reaps `pid`.
struct csandbox_child {
  pid_t pid;
  /// Read ends of the command's output and error streams.
  int output;
  int errors;
  /// Read end of one line: `exited 3`, `signalled 9` or `failed STEP ERRNO DETAIL`. Its end says that all is dead.
  /// Of a resident command `running PID` comes before, and `oom COUNT` after it when processes were killed for memory.
  int report;
  /// Write end: closing it, or dying, kills everything inside. A byte is the number of a signal for a resident command.
  int life;
  /// Where the descriptor that `csandbox_listener` takes arrives before `running`; -1 unless it was wanted.
  int control;
};

/// Starts `executable` (a program this object is linked into) as the sandbox's init with `description`, a row of
/// NUL-terminated records (see description.c). Returns 0 or an errno.
int csandbox_launch(
    const char *executable, const void *description, size_t length, bool wants_control, struct csandbox_child *child);

/// Tries in a child of its own what a sandbox needs, with `directory` as the place of the overlay's upper directory.
/// Writes lines `NAME ERRNO` into `buffer` and returns their length, or -1 with errno.
ssize_t csandbox_probe(const char *executable, const char *directory, char *buffer, size_t capacity);

/// Replaces this process by itself inside a new user namespace, as its root. `uids` and `gids` are `START:COUNT` of the
/// subordinate ids to map from 1 on, or empty to map nothing but ourselves; `arguments` is the argument vector to have
/// there, ended by NULL. Returns only on failure, with an errno.
int csandbox_enter_user_namespace(const char *uids, const char *gids, char *const arguments[]);

/// Has the signal `number` passed on to the resident command whose life pipe it is; dead ones get none.
void csandbox_signal(int life, unsigned char number);

/// A new socket of the internet family in the network `network` (an open /proc/PID/ns/net), non-blocking and closed on
/// exec; TCP without delay. May be called by any thread. Returns -1 with errno on failure.
int csandbox_socket(int network, int type);

/// A call of `connect` somewhere outside that waits for its answer.
struct csandbox_connect {
  uint64_t id;
  /// The app's own socket, as a descriptor of ours to close.
  int socket;
  /// Whether the caller wants to wait for the connection.
  bool waits;
  /// A sockaddr_in or sockaddr_in6, by its first two bytes.
  _Alignas(8) unsigned char address[128];
  unsigned length;
};

/// The descriptor that calls are asked for on, from a child's `control`; -1 when none came.
int csandbox_listener(int control);

/// Blocks until there is a call to answer; 1 when there is one, 0 when all who could call are dead. What stays inside
/// has been let through.
int csandbox_next_connect(int listener, struct csandbox_connect *call);

/// Ends the call with an errno, or 0; nothing happens when the caller is dead.
void csandbox_answer_connect(int listener, const struct csandbox_connect *call, int error);

/// Connects the app's socket within the app's network `network`; returns the other end, blocking and closed on exec, or
/// -1 with errno. `error` is what the caller is to be told of his call.
int csandbox_join(int network, const struct csandbox_connect *call, int *error);

/// A socket bound to 127.0.0.1 in the network; TCP ones listen. Returns -1 with errno.
int csandbox_bound_socket(int network, int type, uint16_t port);

#endif
