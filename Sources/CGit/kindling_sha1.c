#include "kindling_sha1.h"

#include <string.h>

static inline uint32_t left(uint32_t word, int by) { return word << by | word >> (32 - by); }

static inline uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// FIPS 180-4, section 6.1.
static void compress(uint32_t state[5], const uint8_t *block) {
  uint32_t w[80];
  for (int t = 0; t < 16; t++) w[t] = big_endian(block + 4 * t);
  for (int t = 16; t < 80; t++) w[t] = left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int t = 0; t < 80; t++) {
    uint32_t f, k;
    if (t < 20) {
      f = (b & c) | (~b & d);
      k = 0x5A827999;
    } else if (t < 40) {
      f = b ^ c ^ d;
      k = 0x6ED9EBA1;
    } else if (t < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8F1BBCDC;
    } else {
      f = b ^ c ^ d;
      k = 0xCA62C1D6;
    }
    uint32_t next = left(a, 5) + f + e + k + w[t];
    e = d;
    d = c;
    c = left(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
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
  if (count == 0) return;
  hash->length += count;
  if (hash->held) {
    size_t fit = 64 - hash->held;
    if (fit > count) fit = count;
    memcpy(hash->block + hash->held, next, fit);
    hash->held += (uint32_t)fit;
    next += fit;
    count -= fit;
    if (hash->held < 64) return;
    compress(hash->state, hash->block);
    hash->held = 0;
  }
  for (; count >= 64; next += 64, count -= 64) compress(hash->state, next);
  if (count) memcpy(hash->block, next, count);
  hash->held = (uint32_t)count;
}

int kindling_sha1_end(kindling_sha1 *hash, uint8_t digest[20]) {
  uint64_t bits = hash->length * 8;
  uint8_t padding[128] = {0x80};
  size_t zeros = (hash->held < 56 ? 56 : 120) - hash->held;
  for (int i = 0; i < 8; i++) padding[zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
  kindling_sha1_add(hash, padding, zeros + 8);
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
  return hash->collision;
}
