#include "kindling_sha1.h"

#include <string.h>

#include "internal.h"

static void take(kindling_sha1 *hash, const uint8_t *blocks, int count) {
  uint32_t candidates[kindling_sha1_batch];
  kindling_sha1_filter(blocks, count, candidates);
  for (int i = 0; i < count; i++) {
    const uint8_t *block = blocks + 64 * i;
    if (!candidates[i]) {
      kindling_sha1_compress(hash->state, block);
      continue;
    }
    uint32_t before[5];
    memcpy(before, hash->state, sizeof before);
    kindling_sha1_compress(hash->state, block);
    hash->collision |= kindling_sha1_has_sibling(before, hash->state, block, candidates[i]);
  }
}

void kindling_sha1_begin(kindling_sha1 *hash) {
  static const uint32_t start[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  memcpy(hash->state, start, sizeof start);
  hash->held = 0;
  hash->length = 0;
  hash->collision = 0;
}

void kindling_sha1_add(kindling_sha1 *hash, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  const size_t whole = sizeof hash->bytes;
  if (count == 0) return;
  hash->length += count;
  if (hash->held) {
    size_t fit = whole - hash->held;
    if (fit > count) fit = count;
    memcpy(hash->bytes + hash->held, next, fit);
    hash->held += (uint32_t)fit;
    next += fit;
    count -= fit;
    if (hash->held < whole) return;
    take(hash, hash->bytes, kindling_sha1_batch);
    hash->held = 0;
  }
  for (; count >= whole; next += whole, count -= whole) take(hash, next, kindling_sha1_batch);
  if (count) memcpy(hash->bytes, next, count);
  hash->held = (uint32_t)count;
}

int kindling_sha1_end(kindling_sha1 *hash, uint8_t digest[20]) {
  uint64_t bits = hash->length * 8;
  uint8_t padding[128] = {0x80};
  size_t zeros = 119 - hash->held % 64;
  if (zeros >= 64) zeros -= 64;
  for (int i = 0; i < 8; i++) padding[zeros + 1 + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
  kindling_sha1_add(hash, padding, zeros + 9);
  if (hash->held) take(hash, hash->bytes, (int)(hash->held / 64));
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
  return hash->collision;
}
