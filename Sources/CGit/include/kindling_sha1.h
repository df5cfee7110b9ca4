// SHA-1 with detection of collision attacks, for the names of git objects.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Blocks are looked at eight at a time.
enum { kindling_sha1_batch = 8 };

// A hash in the making; a plain value that needs no release.
typedef struct {
  uint32_t state[5];
  uint32_t held;
  uint64_t length;
  uint8_t bytes[64 * kindling_sha1_batch];
  int32_t collision;
} kindling_sha1;

void kindling_sha1_begin(kindling_sha1 *hash);
void kindling_sha1_add(kindling_sha1 *hash, const void *bytes, size_t count);

// Writes the 20 bytes of the hash; answers 0, or 1 when the bytes are one half of a collision attack, and then
// nothing may be named by the hash.
int kindling_sha1_end(kindling_sha1 *hash, uint8_t digest[20]);

// For tests: without the processor's SHA and vector instructions from now on, when `plain` is not 0.
void kindling_sha1_use_plain(int plain);
// For tests: the difference that disturbance vector `vector` (0 to 31) makes in the 80 words of a message.
void kindling_sha1_difference(int vector, uint32_t words[80]);
// For tests: which disturbance vectors the message conditions leave over for one block, a bit each.
uint32_t kindling_sha1_candidates(const uint8_t block[64]);
