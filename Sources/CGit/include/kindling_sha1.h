// SHA-1 with detection of collision attacks, for the names of git objects.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A hash in the making; a plain value that needs no release.
typedef struct {
  uint32_t state[5];
  uint32_t held;
  uint64_t length;
  uint8_t block[64];
  int32_t collision;
} kindling_sha1;

void kindling_sha1_begin(kindling_sha1 *hash);
void kindling_sha1_add(kindling_sha1 *hash, const void *bytes, size_t count);

// Writes the 20 bytes of the hash; answers 0, or 1 when the bytes are one half of a collision attack, and then
// nothing may be named by the hash.
int kindling_sha1_end(kindling_sha1 *hash, uint8_t digest[20]);
