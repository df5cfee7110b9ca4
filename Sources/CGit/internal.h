// What the files of this library share.
#pragma once
#include <stdint.h>

#include "kindling_sha1.h"

static inline uint32_t kindling_left(uint32_t word, int by) { return word << by | word >> ((32 - by) & 31); }

static inline uint32_t kindling_big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// compress.c: adds `block` to `state` (FIPS 180-4, section 6.1).
void kindling_sha1_compress(uint32_t state[5], const uint8_t *block);
// compress.c: 1 to leave the processor's own instructions alone.
extern int kindling_sha1_plain;

// attack.c: the vectors whose conditions each of `count` blocks (at most 8) keeps.
void kindling_sha1_filter(const uint8_t *blocks, int count, uint32_t candidates[kindling_sha1_batch]);
// attack.c: 1 when the block, taken from `before` to `after`, has a sibling along one of the vectors in `candidates`
// that ends in the same state.
int kindling_sha1_has_sibling(const uint32_t before[5], const uint32_t after[5], const uint8_t *block,
                              uint32_t candidates);
