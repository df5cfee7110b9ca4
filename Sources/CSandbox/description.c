// The description: NUL-terminated records, a tag letter and its value. Arrays are records of one tag, in order.
//   l lower  u upper  w work  m mount point  a argument  e K=V  c working directory  h hostname
//   U uid  G gid  g supplementary gid  S H open files, soft and hard  C core size  M umask
//   b bind source  f tmpfs  o overlay  s content in hexadecimal digits
//   then for that mount: t target  r read-only  z size  O the user's own  L lower  K upper  W work  p path inside  i uid  j gid  n mode
//   N own network  P privileged  x ids are mapped
//   A strict  E resident  R read-only root  T size of an upper directory in memory  Y user by name or number
//   B connections are asked for  v directory of a control group  V its file of events  D data size  F number of processes
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static uint64_t number(const char *text, uint64_t maximum) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || end == text || *end || value > maximum) {
    errno = EINVAL;
    fail("description", text);
  }
  return value;
}

static void *array(size_t count, size_t size) {
  void *memory = calloc(count + 1, size);
  if (!memory) fail("description", "memory");
  return memory;
}

static struct sandbox_mount *last_mount(struct description *d) {
  if (d->mount_count > 0) return &d->mounts[d->mount_count - 1];
  errno = EINVAL;
  fail("description", "mount");
}

struct cursors {
  size_t arguments, environment;
  /// The place for the next lower directory of a mount.
  const char **lowers;
};

static void begin_mount(struct description *d, struct cursors *at, int kind, const char *value) {
  struct sandbox_mount *mount = &d->mounts[d->mount_count++];
  mount->kind = kind;
  mount->source = value;
  mount->layers.lowers = at->lowers;
}

static void record_mount(struct description *d, struct cursors *at, char tag, const char *value) {
  switch (tag) {
  case 'b': begin_mount(d, at, MOUNT_BIND, value); break;
  case 'f': begin_mount(d, at, MOUNT_TMPFS, value); break;
  case 'o': begin_mount(d, at, MOUNT_LAYERS, value); break;
  case 's': begin_mount(d, at, MOUNT_CONTENT, value); break;
  case 't': last_mount(d)->target = value; break;
  case 'r': last_mount(d)->read_only = true; break;
  case 'z': last_mount(d)->size = value; break;
  case 'O': last_mount(d)->is_own = true; break;
  case 'K': last_mount(d)->layers.upper = value; break;
  case 'W': last_mount(d)->layers.work = value; break;
  case 'p': last_mount(d)->inside = value; break;
  case 'i': last_mount(d)->uid = (uid_t)number(value, UINT32_MAX - 1); break;
  case 'j': last_mount(d)->gid = (gid_t)number(value, UINT32_MAX - 1); break;
  case 'n': last_mount(d)->mode = (mode_t)number(value, 07777); break;
  case 'L':
    last_mount(d)->layers.lower_count++;
    *at->lowers++ = value;
    break;
  }
}

static void record(struct description *d, struct cursors *at, char *text) {
  char *value = text + 1;
  switch (text[0]) {
  case 'l': d->layers.lowers[d->layers.lower_count++] = value; break;
  case 'u': d->layers.upper = value; break;
  case 'w': d->layers.work = value; break;
  case 'm': d->mount_point = value; break;
  case 'a': d->arguments[at->arguments++] = value; break;
  case 'e': d->environment[at->environment++] = value; break;
  case 'c': d->working_directory = value; break;
  case 'h': d->hostname = value; break;
  case 'U': d->uid = (uid_t)number(value, UINT32_MAX - 1); break;
  case 'G': d->gid = (gid_t)number(value, UINT32_MAX - 1); break;
  case 'g': d->groups[d->group_count++] = (gid_t)number(value, UINT32_MAX - 1); break;
  case 'S': d->open_files_soft = number(value, UINT64_MAX); break;
  case 'H': d->open_files_hard = number(value, UINT64_MAX); break;
  case 'C': d->core_bytes = number(value, UINT64_MAX); break;
  case 'M': d->mask = (mode_t)number(value, 0777); break;
  case 'N': d->own_network = true; break;
  case 'P': d->privileged = true; break;
  case 'x': d->in_user_namespace = true; break;
  case 'A': d->strict = true; break;
  case 'B': d->outbound = true; break;
  case 'E': d->resident = true; break;
  case 'R': d->read_only_root = true; break;
  case 'T': d->memory_size = value; break;
  case 'Y': d->user = value; break;
  case 'v': d->cgroups[d->cgroup_count++] = value; break;
  case 'V': d->cgroup_events = value; break;
  case 'D': d->data_bytes = number(value, INT64_MAX); break;
  case 'F': d->processes = number(value, INT32_MAX); break;
  default: record_mount(d, at, text[0], value);
  }
}

static bool are_complete(const struct layers *layers) {
  return layers->lower_count > 0 && layers->upper && layers->work;
}

static void check(const struct description *d) {
  bool has_root = d->memory_size ? d->layers.lower_count > 0 : are_complete(&d->layers);
  bool complete = has_root && d->mount_point && d->arguments[0] && d->working_directory
      && d->mount_count <= MAXIMUM_MOUNTS && d->group_count <= MAXIMUM_GROUPS;
  for (size_t i = 0; i < d->mount_count; i++) {
    const struct sandbox_mount *mount = &d->mounts[i];
    complete = complete && mount->target
        && (mount->kind != MOUNT_LAYERS || (are_complete(&mount->layers) && mount->inside));
  }
  if (complete) return;
  errno = EINVAL;
  fail("description", "incomplete");
}

struct description *description_read(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) fail("description", "size");
  size_t length = (size_t)status.st_size;
  char *bytes = length > 0 ? mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  if (bytes == MAP_FAILED || bytes[length - 1] != 0) fail("description", "bytes");
  size_t counts[128] = {0};
  for (size_t i = 0; i < length; i += strlen(bytes + i) + 1) counts[(unsigned char)bytes[i] & 127]++;
  struct description *d = array(1, sizeof *d);
  d->layers.lowers = array(counts['l'], sizeof *d->layers.lowers);
  d->arguments = array(counts['a'], sizeof *d->arguments);
  d->environment = array(counts['e'], sizeof *d->environment);
  d->groups = array(counts['g'], sizeof *d->groups);
  d->cgroups = array(counts['v'], sizeof *d->cgroups);
  d->mounts = array(counts['b'] + counts['f'] + counts['o'] + counts['s'], sizeof *d->mounts);
  struct cursors at = {.lowers = array(counts['L'], sizeof *at.lowers)};
  for (size_t i = 0; i < length; i += strlen(bytes + i) + 1) record(d, &at, bytes + i);
  check(d);
  return d;
}
