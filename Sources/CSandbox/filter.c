// A profile as a program of the kernel's packet filter (seccomp(2)), assembled here: a library would be one more thing
// to install, and its programs ask for one call after the other. Ours halves the numbers, so that the kernel, which
// tries every number when a filter is installed, is done in a few microseconds.
#include "filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAXIMUM_STATEMENTS = 1024, MAXIMUM_SPANS = 256, VERDICTS = CALL_CHECK_PLAIN_SOCKET + 1 };

/// A branch of a question that leads to a verdict, whose place is not known yet.
struct branch {
  size_t question;
  bool on_true;
  enum call_verdict verdict;
};

struct assembly {
  struct sock_filter statements[MAXIMUM_STATEMENTS];
  size_t count;
  struct branch branches[MAXIMUM_SPANS];
  size_t branch_count;
  /// Something did not fit; the program is of no use.
  bool is_broken;
};

/// Numbers from `start` to the next span's.
struct span {
  uint32_t start;
  enum call_verdict verdict;
};

static size_t put(struct assembly *a, struct sock_filter statement) {
  if (a->count == MAXIMUM_STATEMENTS) {
    a->is_broken = true;
    return 0;
  }
  a->statements[a->count] = statement;
  return a->count++;
}

static void load(struct assembly *a, size_t offset) {
  put(a, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/// The low half alone: the kernel looks at no more of what these calls are given.
static void load_first_argument(struct assembly *a) { load(a, offsetof(struct seccomp_data, args[0])); }

static void allow(struct assembly *a) {
  put(a, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static void answer(struct assembly *a, int error) {
  put(a, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error));
}

/// Goes on behind the next statement unless the loaded value is `value`.
static void unless_equal_skip(struct assembly *a, uint32_t value) {
  put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
}

static void check_clone(struct assembly *a) {
  // CLONE_NEWTIME shares its bit with the signal's number and is clone3's alone.
  const uint32_t namespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  load_first_argument(a);
  put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, namespaces, 0, 1));
  answer(a, EPERM);
  allow(a);
}

static void check_personality(struct assembly *a) {
  // Docker: Linux as it is, of 32 bits or of an old version (UNAME26), and the question which one it is.
  static const uint32_t harmless[] = {PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, UINT32_MAX};
  load_first_argument(a);
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    unless_equal_skip(a, harmless[i]);
    allow(a);
  }
  answer(a, EPERM);
}

static void check_socket(struct assembly *a) {
  load_first_argument(a);
  unless_equal_skip(a, AF_VSOCK);
  answer(a, EPERM);
  unless_equal_skip(a, AF_ALG);
  answer(a, EPERM);
  allow(a);
}

/// Skips `over` statements unless the loaded value is `value`.
static void unless_equal_leap(struct assembly *a, uint32_t value, uint8_t over) {
  put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, over));
}

/// TCP, UDP, what stays in the machine, and the questions about interfaces that every C library asks.
static void check_plain_socket(struct assembly *a) {
  load_first_argument(a);
  unless_equal_skip(a, AF_UNIX);
  allow(a);
  unless_equal_leap(a, AF_NETLINK, 4);
  load(a, offsetof(struct seccomp_data, args[2]));
  unless_equal_skip(a, NETLINK_ROUTE);
  allow(a);
  answer(a, EPERM);
  put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0));
  unless_equal_leap(a, AF_INET6, 6);
  load(a, offsetof(struct seccomp_data, args[1]));
  // Beside the kind the flags SOCK_NONBLOCK and SOCK_CLOEXEC.
  put(a, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf));
  unless_equal_skip(a, SOCK_STREAM);
  allow(a);
  unless_equal_skip(a, SOCK_DGRAM);
  allow(a);
  answer(a, EPERM);
}

static void put_verdict(struct assembly *a, enum call_verdict verdict) {
  switch (verdict) {
  case CALL_ALLOWED: allow(a); break;
  case CALL_REFUSED: answer(a, EPERM); break;
  case CALL_MISSING: answer(a, ENOSYS); break;
  case CALL_CHECK_CLONE: check_clone(a); break;
  case CALL_CHECK_PERSONALITY: check_personality(a); break;
  case CALL_CHECK_SOCKET: check_socket(a); break;
  case CALL_CHECK_PLAIN_SOCKET: check_plain_socket(a); break;
  }
}

/// Leads a branch of `question` to the statement `target`. A conditional jump reaches 255 statements far.
static void lead(struct assembly *a, size_t question, bool on_true, size_t target) {
  size_t distance = target - question - 1;
  if (distance > UINT8_MAX) a->is_broken = true;
  if (on_true)
    a->statements[question].jt = (uint8_t)distance;
  else
    a->statements[question].jf = (uint8_t)distance;
}

static void put_questions(struct assembly *a, const struct span *spans, size_t count);

/// One branch of a question: to the verdict of the only span left, or to the next question, which comes here.
static void put_branch(struct assembly *a, size_t question, bool on_true, const struct span *spans, size_t count) {
  if (count > 1) {
    lead(a, question, on_true, a->count);
    put_questions(a, spans, count);
  } else {
    a->branches[a->branch_count++] = (struct branch){question, on_true, spans[0].verdict};
  }
}

/// Finds the loaded number's span by halving; two spans or more.
static void put_questions(struct assembly *a, const struct span *spans, size_t count) {
  size_t half = count / 2;
  size_t question = put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, spans[half].start, 0, 0));
  put_branch(a, question, false, spans, half);
  put_branch(a, question, true, spans + half, count - half);
}

/// The verdicts behind their questions, each once.
static void put_verdicts(struct assembly *a) {
  for (int verdict = 0; verdict < VERDICTS; verdict++) {
    size_t place = a->count;
    bool is_put = false;
    for (size_t i = 0; i < a->branch_count; i++) {
      const struct branch *branch = &a->branches[i];
      if ((int)branch->verdict != verdict) continue;
      if (!is_put) put_verdict(a, branch->verdict);
      is_put = true;
      lead(a, branch->question, branch->on_true, place);
    }
  }
  a->branch_count = 0;
}

static void put_set(struct assembly *a, const struct call_set *set) {
  struct span spans[MAXIMUM_SPANS];
  size_t count = 0;
  uint64_t next = 0;
  for (size_t i = 0; i < set->range_count && count + 2 < MAXIMUM_SPANS; i++) {
    const struct call_range *range = &set->ranges[i];
    if (range->first > next) spans[count++] = (struct span){(uint32_t)next, CALL_ALLOWED};
    spans[count++] = (struct span){range->first, range->verdict};
    next = (uint64_t)range->last + 1;
  }
  if (next <= UINT32_MAX) spans[count++] = (struct span){(uint32_t)next, CALL_ALLOWED};
  if (count < 2 || count + 2 >= MAXIMUM_SPANS) {
    a->is_broken = true;
    return;
  }
  load(a, offsetof(struct seccomp_data, nr));
  put_questions(a, spans, count);
  put_verdicts(a);
}

static void put_profile(struct assembly *a, const struct filter_profile *profile) {
  load(a, offsetof(struct seccomp_data, arch));
  for (size_t i = 0; i < profile->set_count; i++) {
    put(a, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, profile->sets[i].architecture, 1, 0));
    size_t over = put(a, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
    put_set(a, &profile->sets[i]);
    a->statements[over].k = (uint32_t)(a->count - over - 1);
  }
  answer(a, ENOSYS);
}

bool filter_exists(void) { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

int filter_install(const struct filter_profile *profile) {
  if (profile->set_count == 0 || !filter_exists()) {
    errno = ENOSYS;
    return -1;
  }
  struct assembly a = {.count = 0};
  put_profile(&a, profile);
  if (a.is_broken) {
    errno = E2BIG;
    return -1;
  }
  struct sock_fprog program = {.len = (unsigned short)a.count, .filter = a.statements};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
