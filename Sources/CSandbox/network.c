// Sockets in the networks of other namespaces, for a process that itself stays in its own.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

// A thread that once went into another network can't come back where the server is an ordinary user's, whom the
// machine's network does not belong to. So one thread does it for all, and rests in a network of its own, so that it
// keeps nobody's alive.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { NOT_STARTED, RESTING, ASKED, ANSWERED } state;
static struct { int network, family, type, socket, error; } question;

static int make_socket(int network, int family, int type, int home) {
  if (setns(network, CLONE_NEWNET) != 0) return -1;
  int made = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int saved = errno;
  if (home >= 0) setns(home, CLONE_NEWNET);
  errno = saved;
  return made;
}

static void *serve(void *unused) {
  (void)unused;
  int home = unshare(CLONE_NEWNET) == 0 ? open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC) : -1;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (state != ASKED) pthread_cond_wait(&changed, &lock);
    question.socket = make_socket(question.network, question.family, question.type, home);
    question.error = errno;
    state = ANSWERED;
    pthread_cond_broadcast(&changed);
  }
  return NULL;
}

/// With the lock held. Returns 0 or an errno.
static int start_thread(void) {
  if (state != NOT_STARTED) return 0;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  int error = pthread_create(&thread, &attributes, serve, NULL);
  pthread_attr_destroy(&attributes);
  if (error == 0) state = RESTING;
  return error;
}

int network_socket(int network, int family, int type) {
  pthread_mutex_lock(&lock);
  int error = start_thread();
  int made = -1;
  if (error == 0) {
    while (state != RESTING) pthread_cond_wait(&changed, &lock);
    question.network = network;
    question.family = family;
    question.type = type;
    state = ASKED;
    pthread_cond_broadcast(&changed);
    while (state != ANSWERED) pthread_cond_wait(&changed, &lock);
    made = question.socket;
    error = question.error;
    state = RESTING;
    pthread_cond_broadcast(&changed);
  }
  pthread_mutex_unlock(&lock);
  int yes = 1;
  if (made >= 0 && type == SOCK_STREAM) setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  errno = error;
  return made;
}

void network_pretend(void) {
  int handle = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo:1"};
  // RFC 5737: nobody's.
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
  memcpy(&request.ifr_addr, &address, sizeof address);
  // Without it little is lost.
  int ignored = ioctl(handle, SIOCSIFADDR, &request);
  (void)ignored;
  close(handle);
}

int csandbox_socket(int network, int type) { return network_socket(network, AF_INET, type); }

int csandbox_bound_socket(int network, int type, uint16_t port) {
  int made = network_socket(network, AF_INET, type);
  if (made < 0) return -1;
  int yes = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (type == SOCK_STREAM) setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  bool bound = bind(made, (struct sockaddr *)&address, sizeof address) == 0
      && (type != SOCK_STREAM || listen(made, 128) == 0);
  if (bound) return made;
  int saved = errno;
  close(made);
  errno = saved;
  return -1;
}
