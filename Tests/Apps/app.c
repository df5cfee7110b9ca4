// The app the tests deploy: an HTTP/1.1 server of one file that can behave as well or as badly as it is asked to.
//
// Environment: PORT (where it listens, 80 when absent), MODE (exit: ends at once with a word on stderr; port: listens
// somewhere else; deaf: never answers;
// stubborn: ignores SIGTERM), HEALTH (status of
// /healthz, 200), VERSION (what GET / says), WARMUP_MS (waits before it listens).
// Paths: see `answer`. A request's body is read whole, up to 64 MiB, but for /echo, which answers while it reads.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *value(const char *name, const char *usual) {
  const char *found = getenv(name);
  return found && *found ? found : usual;
}

struct request {
  int fd;
  char head[65536];
  size_t head_length;
  char method[16], path[4096], query[4096];
  long long length;  // -1: chunked
  char *body;
  size_t body_length;
  size_t early;  // bytes of the body that came with the head
  char early_bytes[65536];
  int closes;
};

static int put(int fd, const void *bytes, size_t count) {
  const char *at = bytes;
  while (count) {
    ssize_t done = send(fd, at, count, MSG_NOSIGNAL);
    if (done <= 0) return -1;
    at += done;
    count -= (size_t)done;
  }
  return 0;
}

static int say(int fd, const char *text) { return put(fd, text, strlen(text)); }

static int reply(struct request *r, int status, const char *type, const void *bytes, size_t count) {
  char head[512];
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\nx-app: test\r\n\r\n", status,
                        status < 400 ? "OK" : "Failed", type, count);
  if (put(r->fd, head, (size_t)length)) return -1;
  return strcmp(r->method, "HEAD") ? put(r->fd, bytes, count) : 0;
}

static int text(struct request *r, int status, const char *words) {
  return reply(r, status, "text/plain", words, strlen(words));
}

static int chunk(int fd, const char *bytes, size_t count) {
  char size[32];
  snprintf(size, sizeof size, "%zx\r\n", count);
  return say(fd, size) || put(fd, bytes, count) || say(fd, "\r\n") ? -1 : 0;
}

static const char *parameter(struct request *r, const char *name, const char *usual) {
  static __thread char found[4096];
  size_t length = strlen(name);
  for (const char *at = r->query; *at;) {
    const char *end = strchrnul(at, '&');
    if (!strncmp(at, name, length) && at[length] == '=') {
      snprintf(found, sizeof found, "%.*s", (int)(end - at - (long)length - 1), at + length + 1);
      return found;
    }
    at = *end ? end + 1 : end;
  }
  return usual;
}

static long number(struct request *r, const char *name, long usual) {
  const char *found = parameter(r, name, NULL);
  return found ? atol(found) : usual;
}

static int file(struct request *r, const char *path) {
  static __thread char bytes[65536];
  int fd = open(path, O_RDONLY);
  if (fd < 0) return text(r, 404, strerror(errno));
  ssize_t count = read(fd, bytes, sizeof bytes);
  close(fd);
  return reply(r, 200, "text/plain", bytes, count > 0 ? (size_t)count : 0);
}

// Answers while the body comes in, so that whoever holds back one half is found out.
static int echo(struct request *r) {
  char head[] = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  if (say(r->fd, head)) return -1;
  if (r->length < 0) return chunk(r->fd, r->body, r->body_length) || say(r->fd, "0\r\n\r\n") ? -1 : 0;
  long long left = r->length;
  if (r->early) {
    if (chunk(r->fd, r->early_bytes, r->early)) return -1;
    left -= (long long)r->early;
  }
  static __thread char piece[65536];
  while (left > 0) {
    ssize_t count = recv(r->fd, piece, left < (long long)sizeof piece ? (size_t)left : sizeof piece, 0);
    if (count <= 0) return -1;
    if (chunk(r->fd, piece, (size_t)count)) return -1;
    left -= count;
  }
  return say(r->fd, "0\r\n\r\n");
}

static int events(struct request *r) {
  long count = number(r, "n", 3), pause = number(r, "ms", 50);
  if (say(r->fd, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")) return -1;
  for (long i = 1; count < 0 || i <= count; i++) {
    char line[64];
    int length = snprintf(line, sizeof line, "id: %ld\ndata: event %ld\n\n", i, i);
    if (chunk(r->fd, line, (size_t)length)) return -1;
    usleep((useconds_t)pause * 1000);
  }
  return say(r->fd, "0\r\n\r\n");
}

static int upgrade(struct request *r) {
  if (say(r->fd, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")) return -1;
  char bytes[4096];
  if (r->early && put(r->fd, r->early_bytes, r->early)) return -1;
  for (;;) {
    ssize_t count = recv(r->fd, bytes, sizeof bytes, 0);
    if (count <= 0) return -1;
    if (put(r->fd, bytes, (size_t)count)) return -1;
  }
}

static int try_write(struct request *r) {
  const char *path = parameter(r, "path", "/probe");
  int fd = open(path, O_CREAT | O_WRONLY, 0644);
  if (fd < 0) return text(r, 500, strerror(errno));
  close(fd);
  return text(r, 200, "written");
}

static int try_connect(struct request *r) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(r, "port", 80))};
  inet_pton(AF_INET, parameter(r, "host", "127.0.0.1"), &address.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return text(r, 500, strerror(errno));
  // Drops every packet that has come over a router, and what the loopback device brings too.
  int nearest = 255;
  if (number(r, "minttl", 0)) setsockopt(fd, IPPROTO_IP, IP_MINTTL, &nearest, sizeof nearest);
  int failed = connect(fd, (struct sockaddr *)&address, sizeof address);
  char words[128];
  snprintf(words, sizeof words, "%s", failed ? strerror(errno) : "connected");
  close(fd);
  return text(r, failed ? 500 : 200, words);
}

// Sends a datagram to the name server and says what it answers.
static int ask(struct request *r) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const char *words = parameter(r, "words", "question");
  char bytes[512];
  struct pollfd wanted = {.fd = fd, .events = POLLIN};
  sendto(fd, words, strlen(words), 0, (struct sockaddr *)&address, sizeof address);
  ssize_t count = poll(&wanted, 1, 10000) == 1 ? recv(fd, bytes, sizeof bytes, 0) : -1;
  close(fd);
  return count < 0 ? text(r, 500, strerror(errno)) : reply(r, 200, "text/plain", bytes, (size_t)count);
}

// What a server that speaks first has to say; without `waits` as programs with an event loop connect.
static int exchange(struct request *r) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number(r, "port", 80))};
  inet_pton(AF_INET, parameter(r, "host", "127.0.0.1"), &address.sin_addr);
  int waits = number(r, "waits", 1) != 0;
  int fd = socket(AF_INET, SOCK_STREAM | (waits ? 0 : SOCK_NONBLOCK), 0);
  int failed = connect(fd, (struct sockaddr *)&address, sizeof address);
  if (failed && errno == EINPROGRESS && !waits) {
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    poll(&wanted, 1, 10000);
    socklen_t length = sizeof failed;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &length);
    errno = failed;
  }
  fcntl(fd, F_SETFL, 0);
  char *bytes = malloc(1 << 20);
  size_t have = 0;
  ssize_t count = -1;
  while (!failed && have < 1 << 20 && (count = recv(fd, bytes + have, (1 << 20) - have, 0)) > 0) have += (size_t)count;
  failed = count < 0 ? text(r, 500, strerror(errno)) : reply(r, 200, "text/plain", bytes, have);
  free(bytes);
  close(fd);
  return failed;
}

static int eat(struct request *r) {
  long megabytes = number(r, "mb", 64);
  for (long i = 0; i < megabytes; i++) {
    char *piece = malloc(1 << 20);
    if (!piece) return text(r, 500, "no memory");
    memset(piece, 1, 1 << 20);
    // Else the compiler sees that nobody reads it, and leaves it all out.
    static char *volatile eaten;
    eaten = piece;
  }
  return text(r, 200, "eaten");
}

static int fork_without_end(struct request *r) {
  long made = 0;
  for (;;) {
    pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      close(r->fd);
      for (;;) pause();
    }
    if (++made >= number(r, "n", 1000000)) break;
  }
  char words[64];
  snprintf(words, sizeof words, "%ld processes, then %s", made, strerror(errno));
  return text(r, 200, words);
}

static int endless_header(struct request *r) {
  if (say(r->fd, "HTTP/1.1 200 OK\r\nx-endless: ")) return -1;
  static const char piece[65536] = {[0 ... 65535] = 'a'};
  for (long i = 0; i < number(r, "mb", 1024) * 16; i++)
    if (put(r->fd, piece, sizeof piece)) return -1;
  return say(r->fd, "\r\ncontent-length: 0\r\n\r\n");
}

static int endless_body(struct request *r) {
  if (say(r->fd, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")) return -1;
  static const char piece[65536] = {[0 ... 65535] = 'b'};
  for (;;)
    if (chunk(r->fd, piece, sizeof piece)) return -1;
}

static int answer(struct request *r) {
  const char *p = r->path;
  if (!strcmp(p, "/healthz")) return text(r, atoi(value("HEALTH", "200")), "healthy?");
  if (!strcmp(p, "/")) {
    if (!strcmp(r->method, "POST")) return reply(r, 200, "application/json", r->body, r->body_length);
    char words[256];
    snprintf(words, sizeof words, "hello from %s\n", value("VERSION", "the app"));
    return text(r, 200, words);
  }
  if (!strcmp(p, "/echo")) return echo(r);
  if (!strcmp(p, "/head")) return reply(r, 200, "text/plain", r->head, r->head_length);
  if (!strcmp(p, "/events")) return events(r);
  if (!strcmp(p, "/upgrade")) return upgrade(r);
  if (!strcmp(p, "/status")) return text(r, (int)number(r, "code", 500), "as asked");
  if (!strcmp(p, "/slow")) return usleep((useconds_t)number(r, "ms", 1000) * 1000), text(r, 200, "late");
  if (!strcmp(p, "/bytes")) {
    size_t count = (size_t)number(r, "n", 1 << 20);
    char *bytes = calloc(1, count + 1);
    int failed = reply(r, 200, "application/octet-stream", bytes, count);
    free(bytes);
    return failed;
  }
  if (!strcmp(p, "/file")) return file(r, parameter(r, "path", "/proc/self/status"));
  if (!strcmp(p, "/write")) return try_write(r);
  if (!strcmp(p, "/connect")) return try_connect(r);
  if (!strcmp(p, "/exchange")) return exchange(r);
  if (!strcmp(p, "/ask")) return ask(r);
  if (!strcmp(p, "/eat")) return eat(r);
  if (!strcmp(p, "/fork")) return fork_without_end(r);
  if (!strcmp(p, "/print")) {
    for (long i = 0; i < number(r, "n", 1); i++) printf("line %ld\n", i);
    fprintf(stderr, "and one on stderr\n");
    return text(r, 200, "printed");
  }
  if (!strcmp(p, "/exit")) fprintf(stderr, "leaving as asked\n"), exit((int)number(r, "code", 3));
  if (!strcmp(p, "/crash")) abort();
  if (!strcmp(p, "/hang")) for (;;) pause();
  if (!strcmp(p, "/cut")) {
    say(r->fd, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    return -1;
  }
  if (!strcmp(p, "/garbage")) return say(r->fd, "this is not HTTP\r\n\r\n"), -1;
  if (!strcmp(p, "/endless-header")) return endless_header(r);
  if (!strcmp(p, "/endless-body")) return endless_body(r);
  return text(r, 404, "no such path");
}

static const char *header(struct request *r, const char *name) {
  static __thread char found[1024];
  size_t length = strlen(name);
  for (char *line = strstr(r->head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, length) || line[2 + length] != ':') continue;
    const char *start = line + 3 + length;
    while (*start == ' ') start++;
    snprintf(found, sizeof found, "%.*s", (int)strcspn(start, "\r"), start);
    return found;
  }
  return NULL;
}

static int fill(struct request *r, char *bytes, size_t *have, size_t want) {
  while (*have < want) {
    ssize_t count = recv(r->fd, bytes + *have, want - *have, 0);
    if (count <= 0) return -1;
    *have += (size_t)count;
  }
  return 0;
}

// A chunked body, byte by byte where its sizes are; tests send small ones.
static int read_chunks(struct request *r) {
  r->body = malloc(64 << 20);
  size_t early = 0;
  for (;;) {
    char line[64];
    size_t at = 0;
    for (;;) {
      char c;
      if (early < r->early) c = r->early_bytes[early++];
      else if (recv(r->fd, &c, 1, 0) <= 0) return -1;
      if (c == '\n') break;
      if (at < sizeof line - 1) line[at++] = c;
    }
    line[at] = 0;
    if (at <= 1) continue;  // the end of the chunk before
    size_t size = strtoul(line, NULL, 16);
    if (r->body_length + size > 64 << 20) return -1;
    for (size_t i = 0; i < size; i++) {
      if (early < r->early) r->body[r->body_length++] = r->early_bytes[early++];
      else {
        size_t have = r->body_length;
        if (fill(r, r->body, &have, r->body_length + size - i)) return -1;
        r->body_length = have;
        break;
      }
    }
    if (size == 0) return 0;
  }
}

static int read_request(struct request *r) {
  char *end = NULL;
  r->head_length = 0;
  while (!end) {
    if (r->head_length >= sizeof r->head - 1) return -1;
    ssize_t count = recv(r->fd, r->head + r->head_length, sizeof r->head - 1 - r->head_length, 0);
    if (count <= 0) return -1;
    r->head_length += (size_t)count;
    r->head[r->head_length] = 0;
    end = strstr(r->head, "\r\n\r\n");
  }
  r->early = r->head_length - (size_t)(end + 4 - r->head);
  memcpy(r->early_bytes, end + 4, r->early);
  r->head_length -= r->early;
  r->head[r->head_length] = 0;
  char target[8192];
  if (sscanf(r->head, "%15s %8191s", r->method, target) != 2) return -1;
  char *query = strchr(target, '?');
  snprintf(r->query, sizeof r->query, "%s", query ? query + 1 : "");
  if (query) *query = 0;
  snprintf(r->path, sizeof r->path, "%s", target);
  const char *found = header(r, "connection");
  r->closes = found && !strcasecmp(found, "close");
  found = header(r, "transfer-encoding");
  r->length = found ? -1 : 0;
  if (!found && (found = header(r, "content-length"))) r->length = atoll(found);
  if (header(r, "expect")) say(r->fd, "HTTP/1.1 100 Continue\r\n\r\n");
  if (r->length < 0) return read_chunks(r);
  if (!strcmp(r->path, "/echo") || !strcmp(r->path, "/upgrade")) return 0;
  if (r->length > 64 << 20) return -1;
  r->body = malloc((size_t)r->length + 1);
  r->body_length = r->early < (size_t)r->length ? r->early : (size_t)r->length;
  memcpy(r->body, r->early_bytes, r->body_length);
  return fill(r, r->body, &r->body_length, (size_t)r->length);
}

static void *serve(void *argument) {
  int fd = (int)(long)argument;
  struct request *r = malloc(sizeof *r);
  for (;;) {
    memset(r, 0, offsetof(struct request, head));
    r->fd = fd;
    r->body = NULL;
    r->body_length = 0;
    if (read_request(r)) break;
    int failed = answer(r);
    free(r->body);
    r->body = NULL;
    if (failed || r->closes) break;
  }
  free(r->body);
  free(r);
  close(fd);
  return NULL;
}

int main(void) {
  const char *mode = value("MODE", "");
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!strcmp(mode, "exit")) {
    fprintf(stderr, "configuration file is missing\n");
    return 7;
  }
  if (!strcmp(mode, "stubborn")) signal(SIGTERM, SIG_IGN);
  usleep((useconds_t)atol(value("WARMUP_MS", "0")) * 1000);
  int port = atoi(value("PORT", "80")) + (!strcmp(mode, "port") ? 1000 : 0);
  int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) {
    fprintf(stderr, "cannot listen on %d: %s\n", port, strerror(errno));
    return 1;
  }
  printf("listening on %d\n", port);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (!strcmp(mode, "deaf")) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    if (pthread_create(&thread, &small, serve, (void *)(long)fd)) close(fd);
  }
}
