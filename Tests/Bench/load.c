// Calls one URL over kept connections for a while and prints what it took, as one JSON object: for Tests/Bench/apps.
//
// load PORT CONNECTIONS SECONDS REQUEST: the request goes out as it is on every connection, the next one when the answer
// (with a Content-Length) is there. One thread; it has to leave room for what it measures.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  char bytes[65536];
  size_t have;
  uint64_t sent;
};

static const char *request;
static size_t length;
static uint32_t *times;  // microseconds
static size_t calls, failures, capacity = 1 << 22;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int ask(struct connection *c) {
  c->have = 0;
  c->sent = now();
  return send(c->fd, request, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

// 1 when the answer is whole, 0 when more has to come.
static int answered(struct connection *c) {
  c->bytes[c->have] = 0;
  char *end = strstr(c->bytes, "\r\n\r\n");
  if (!end) return 0;
  char *found = strcasestr(c->bytes, "content-length:");
  size_t body = found && found < end ? (size_t)atol(found + 15) : 0;
  if (c->have < (size_t)(end + 4 - c->bytes) + body) return 0;
  if (strncmp(c->bytes, "HTTP/1.1 200", 12)) failures++;
  return 1;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int count = atoi(argv[2]), loop = epoll_create1(0), yes = 1;
  uint64_t until = now() + (uint64_t)(atof(argv[3]) * 1e9), start = now();
  request = argv[4];
  length = strlen(request);
  times = malloc(capacity * sizeof *times);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  struct connection *all = calloc((size_t)count, sizeof *all);
  for (int i = 0; i < count; i++) {
    all[i].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(all[i].fd, (struct sockaddr *)&address, sizeof address)) return perror("connect"), 1;
    setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(loop, EPOLL_CTL_ADD, all[i].fd, &event);
    if (ask(&all[i])) return perror("send"), 1;
  }
  while (now() < until) {
    struct epoll_event events[64];
    int ready = epoll_wait(loop, events, 64, 100);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      ssize_t got = recv(c->fd, c->bytes + c->have, sizeof c->bytes - 1 - c->have, 0);
      if (got <= 0) return fprintf(stderr, "a connection ended after %zu calls: %s\n", calls, strerror(errno)), 1;
      c->have += (size_t)got;
      if (!answered(c)) continue;
      if (calls < capacity) times[calls] = (uint32_t)((now() - c->sent) / 1000);
      calls++;
      if (ask(c)) return perror("send"), 1;
    }
  }
  double seconds = (double)(now() - start) / 1e9;
  size_t kept = calls < capacity ? calls : capacity;
  if (!kept) return fprintf(stderr, "no call was answered\n"), 1;
  qsort(times, kept, sizeof *times, by_size);
  printf("{\"calls\": %zu, \"failures\": %zu, \"per_second\": %.0f, \"median_us\": %u, \"p99_us\": %u}\n", calls, failures,
         (double)calls / seconds, times[kept / 2], times[kept * 99 / 100]);
  return 0;
}
