// Sockets in the networks of other namespaces, for a process that itself stays in its own.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

// A thread that once went into another network can't come back where the server is an ordinary user's, whom the
// machine's network does not belong to. So one thread does it for all, and rests in a network of its own, so that it
// keeps nobody's alive.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { NOT_STARTED, RESTING, ASKED, ANSWERED } state;
static struct { int network, type, socket, error; } question;

static int make_socket(int network, int type, int home) {
  if (setns(network, CLONE_NEWNET) != 0) return -1;
  int made = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
    question.socket = make_socket(question.network, question.type, home);
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

int csandbox_socket(int network, int type) {
  pthread_mutex_lock(&lock);
  int error = start_thread();
  int made = -1;
  if (error == 0) {
    while (state != RESTING) pthread_cond_wait(&changed, &lock);
    question.network = network;
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
