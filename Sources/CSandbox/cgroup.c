// Control groups: made and given their limits by the server, joined here, and removed here too, so that none is left
// when the server was killed.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

void cgroups_join(const struct description *d, pid_t process) {
  for (size_t i = 0; i < d->cgroup_count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", d->cgroups[i]);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || dprintf(file, "%d", process) < 0) fail("cgroup", path);
    close(file);
  }
}

/// The number on the line that begins with `oom_kill `, which memory.oom_control and memory.events both have.
static long kills_for_memory(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  char line[256];
  long count = 0;
  while (fgets(line, sizeof line, file))
    if (strncmp(line, "oom_kill ", 9) == 0) sscanf(line + 9, "%ld", &count);
  fclose(file);
  return count;
}

void cgroups_end(const struct description *d) {
  long kills = d->cgroup_events ? kills_for_memory(d->cgroup_events) : 0;
  if (kills > 0) report("oom", kills);
  for (size_t i = 0; i < d->cgroup_count; i++)
    // A process is still counted for a moment after it has been reaped.
    for (int attempt = 0; attempt < 100 && rmdir(d->cgroups[i]) != 0 && errno == EBUSY; attempt++)
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
