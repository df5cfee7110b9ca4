// Connections beyond a sandbox's own network, which leads nowhere: the kernel asks the server about every call of
// `connect` (seccomp_unotify(2)), and the server joins the caller's socket, inside the caller's network, with a relay of
// its own. The caller never holds a socket of the machine's network, so that nothing it does with one, by whatever
// call and however fast, can reach what the server would not have let it reach.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if defined __x86_64__
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define OWN_ARCHITECTURE 0
#endif

static int install(void) {
  struct sock_filter statements[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof statements / sizeof *statements, .filter = statements};
  // Go interrupts its threads with signals, and an interrupted call would be asked about again; Linux 5.19.
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  if (listener >= 0 || errno != EINVAL) return listener;
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

void outbound_ask(void) {
  int listener = install();
  // The kernel has no listeners, or has one already for whoever runs us: the app reaches nothing, and the server knows.
  if (listener < 0) return;
  char byte = 0, space[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec piece = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &listener, sizeof listener);
  if (sendmsg(CONTROL_FD, &message, 0) != 1) fail("outbound", "listener");
  close(listener);
}

int csandbox_listener(int control) {
  char byte, space[CMSG_SPACE(sizeof(int))];
  struct iovec piece = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  if (recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  int listener = -1;
  if (header && header->cmsg_type == SCM_RIGHTS) memcpy(&listener, CMSG_DATA(header), sizeof listener);
  return listener;
}

static void answer(int listener, uint64_t id, int error, bool goes_on) {
  struct seccomp_notif_resp response = {
      .id = id, .error = -error, .flags = goes_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0};
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void csandbox_answer_connect(int listener, const struct csandbox_connect *call, int error) {
  answer(listener, call->id, error, false);
}

/// The process a thread belongs to; 0 when it is gone.
static pid_t process_of(pid_t thread) {
  char path[64], line[256];
  int process = 0;
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Tgid: %d", &process) == 1) break;
  if (file) fclose(file);
  return process;
}

static int socket_of(pid_t thread, int number) {
  pid_t process = process_of(thread);
  int handle = process > 0 ? (int)syscall(SYS_pidfd_open, process, 0) : -1;
  if (handle < 0) return -1;
  int taken = (int)syscall(SYS_pidfd_getfd, handle, number, 0);
  close(handle);
  return taken;
}

static bool is_inside_v4(uint32_t address) { return address >> 24 == 127 || address >> 24 == 0 || address >> 28 >= 14; }

/// What the caller's own network answers for: loopback, what means it, and groups of receivers.
static bool is_inside(const struct sockaddr_storage *address, socklen_t length) {
  if (address->ss_family == AF_INET && length >= sizeof(struct sockaddr_in))
    return is_inside_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
  if (address->ss_family != AF_INET6 || length < sizeof(struct sockaddr_in6)) return true;
  const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(six) || IN6_IS_ADDR_V4COMPAT(six)) {
    uint32_t four;
    memcpy(&four, six->s6_addr + 12, sizeof four);
    return is_inside_v4(ntohl(four));
  }
  return IN6_IS_ADDR_LOOPBACK(six) || IN6_IS_ADDR_UNSPECIFIED(six) || IN6_IS_ADDR_MULTICAST(six);
}

static bool is_unconnected_stream(int socket) {
  int type = 0;
  socklen_t length = sizeof type;
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM
      && getpeername(socket, (struct sockaddr *)&peer, &peer_length) != 0;
}

/// Whether the call is one for the server; its socket and address are in `call` then.
static bool takes(int listener, const struct seccomp_notif *asked, struct csandbox_connect *call) {
  call->id = asked->id;
  call->length = (unsigned)asked->data.args[2];
  if (call->length < sizeof(sa_family_t) || call->length > sizeof call->address) return false;
  memset(call->address, 0, sizeof call->address);
  struct iovec here = {.iov_base = call->address, .iov_len = call->length};
  struct iovec there = {.iov_base = (void *)(uintptr_t)asked->data.args[1], .iov_len = call->length};
  if (process_vm_readv((pid_t)asked->pid, &here, 1, &there, 1, 0) != (ssize_t)call->length) return false;
  struct sockaddr_storage address;
  memcpy(&address, call->address, sizeof address);
  if (is_inside(&address, call->length)) return false;
  call->socket = socket_of((pid_t)asked->pid, (int)asked->data.args[0]);
  if (call->socket < 0) return false;
  // The number may be another process's by now.
  bool is_valid = ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked->id) == 0;
  if (is_valid && is_unconnected_stream(call->socket)) {
    call->waits = !(fcntl(call->socket, F_GETFL) & O_NONBLOCK);
    return true;
  }
  close(call->socket);
  return false;
}

int csandbox_next_connect(int listener, struct csandbox_connect *call) {
  for (;;) {
    struct pollfd wanted = {.fd = listener, .events = POLLIN};
    if (poll(&wanted, 1, -1) < 0) {
      if (errno == EINTR) continue;
      return 0;
    }
    if (!(wanted.revents & POLLIN)) return 0;
    struct seccomp_notif asked = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    if (takes(listener, &asked, call)) return 1;
    answer(listener, asked.id, 0, true);
  }
}

static uint16_t port_of(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                        : ((const struct sockaddr_in *)address)->sin_port;
}

/// How long a connection within one machine may take. An app decides about the options of its socket, and with some of
/// them (IP_MINTTL) the answer to its own first packet is dropped.
enum { JOIN_MILLISECONDS = 1000 };

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// Accepts the caller's connection; anybody else's that found the port is turned away.
static int accept_from(int door, int socket, int64_t deadline) {
  struct sockaddr_storage own, peer;
  socklen_t length = sizeof own;
  if (getsockname(socket, (struct sockaddr *)&own, &length) != 0) return -1;
  for (;;) {
    int64_t left = deadline - milliseconds_now();
    struct pollfd wanted = {.fd = door, .events = POLLIN};
    if (left <= 0 || poll(&wanted, 1, (int)left) <= 0) break;
    length = sizeof peer;
    int end = accept4(door, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
    if (end >= 0 && port_of(&peer) == port_of(&own)) return end;
    if (end < 0 && errno != ECONNABORTED && errno != EINTR) return -1;
    if (end >= 0) close(end);
  }
  errno = ETIMEDOUT;
  return -1;
}

/// Connects the caller's socket without waiting for more than the deadline; a caller that gives it its waiting back
/// meanwhile waits here as long as the kernel does, on a thread that serves nobody else.
static int connect_caller(const struct csandbox_connect *call, const struct sockaddr *place, socklen_t size) {
  int flags = fcntl(call->socket, F_GETFL);
  fcntl(call->socket, F_SETFL, flags | O_NONBLOCK);
  int error = connect(call->socket, place, size) == 0 ? 0 : errno;
  fcntl(call->socket, F_SETFL, flags);
  return error;
}

int csandbox_join(int network, const struct csandbox_connect *call, int *error) {
  int family = AF_INET, length = sizeof family;
  getsockopt(call->socket, SOL_SOCKET, SO_DOMAIN, &family, (socklen_t *)&length);
  struct sockaddr_storage place = {.ss_family = (sa_family_t)family};
  socklen_t size = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  if (family == AF_INET6)
    ((struct sockaddr_in6 *)&place)->sin6_addr = in6addr_loopback;
  else
    ((struct sockaddr_in *)&place)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int door = network_socket(network, family, SOCK_STREAM), end = -1;
  *error = ENETUNREACH;
  if (door >= 0 && bind(door, (struct sockaddr *)&place, size) == 0 && listen(door, 8) == 0
      && getsockname(door, (struct sockaddr *)&place, &size) == 0) {
    int64_t deadline = milliseconds_now() + JOIN_MILLISECONDS;
    *error = connect_caller(call, (struct sockaddr *)&place, size);
    if (*error == 0 || *error == EINPROGRESS) end = accept_from(door, call->socket, deadline);
    if (end < 0 && (*error == 0 || *error == EINPROGRESS)) {
      *error = ETIMEDOUT;
      // Takes the attempt back, so that the socket can be used again.
      struct sockaddr nobody = {.sa_family = AF_UNSPEC};
      connect(call->socket, &nobody, sizeof nobody);
    }
    // Accepted means connected. A socket that does not wait is told what its own call would have said.
    if (end >= 0) *error = call->waits ? 0 : EINPROGRESS;
  }
  int saved = errno;
  if (door >= 0) close(door);
  errno = saved;
  return end;
}
