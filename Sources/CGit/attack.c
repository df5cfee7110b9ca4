#include <string.h>

#include "internal.h"

// The disturbance vectors of all practical attacks: type I or II, place K, rotation b (see relations.h).
static const struct {
  uint8_t type, place, rotation;
} vectors[32] = {
    {1, 43, 0}, {1, 44, 0}, {1, 45, 0}, {1, 46, 0}, {1, 46, 2}, {1, 47, 0}, {1, 47, 2}, {1, 48, 0},
    {1, 48, 2}, {1, 49, 0}, {1, 49, 2}, {1, 50, 0}, {1, 50, 2}, {1, 51, 0}, {1, 51, 2}, {1, 52, 0},
    {2, 45, 0}, {2, 46, 0}, {2, 46, 2}, {2, 47, 0}, {2, 48, 0}, {2, 49, 0}, {2, 49, 2}, {2, 50, 0},
    {2, 50, 2}, {2, 51, 0}, {2, 51, 2}, {2, 52, 0}, {2, 53, 0}, {2, 54, 0}, {2, 55, 0}, {2, 56, 0},
};

// Eight blocks side by side: word t of block i is lane i of w[t].
typedef uint32_t lanes __attribute__((vector_size(32)));

#define EQUAL(x) ((x) - 1)
#define DIFFERENT(x) (-(x))
#define RELATION(i, from, j, other, holds, vectors) \
  left &= holds(((w[i] >> from) ^ (w[j] >> other)) & 1) | ~(uint32_t)(vectors);

static inline __attribute__((always_inline)) void filter(const uint8_t *blocks, int count, uint32_t *candidates) {
  lanes w[80];
  for (int t = 0; t < 16; t++) {
    lanes word;
    // Lanes without a block repeat the last one.
    for (int i = 0; i < 8; i++) word[i] = kindling_big_endian(blocks + 64 * (i < count ? i : count - 1) + 4 * t);
    w[t] = word;
  }
  for (int t = 16; t < 65; t++) {
    lanes x = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16];
    w[t] = x << 1 | x >> 31;
  }
  lanes left = ~(lanes){0};
#include "relations.h"
  memcpy(candidates, &left, sizeof left);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void filter_wide(const uint8_t *blocks, int count, uint32_t *candidates) {
  filter(blocks, count, candidates);
}
#endif

static void filter_plain(const uint8_t *blocks, int count, uint32_t *candidates) { filter(blocks, count, candidates); }

void kindling_sha1_filter(const uint8_t *blocks, int count, uint32_t candidates[kindling_sha1_batch]) {
#if defined(__x86_64__)
  if (!__atomic_load_n(&kindling_sha1_plain, __ATOMIC_RELAXED) && __builtin_cpu_supports("avx2"))
    return filter_wide(blocks, count, candidates);
#endif
  filter_plain(blocks, count, candidates);
}

// The local collision a disturbance in one step begins, put together for all steps: the vector's own words follow the
// message expansion, five of them even before the first step.
void kindling_sha1_difference(int vector, uint32_t words[80]) {
  uint32_t disturbances[85] = {0};
  uint32_t *dv = disturbances + 5;
  const int place = vectors[vector].place, rotation = vectors[vector].rotation;
  dv[place + 15] = kindling_left(1, rotation);
  if (vectors[vector].type == 2) dv[place + 1] = dv[place + 3] = kindling_left(1u << 31, rotation);
  for (int t = place + 16; t < 80; t++) dv[t] = kindling_left(dv[t - 3] ^ dv[t - 8] ^ dv[t - 14] ^ dv[t - 16], 1);
  for (int t = place - 1; t >= -5; t--) dv[t] = kindling_left(dv[t + 16], 31) ^ dv[t + 13] ^ dv[t + 8] ^ dv[t + 2];
  for (int t = 0; t < 80; t++)
    words[t] = dv[t] ^ kindling_left(dv[t - 1], 5) ^ dv[t - 2] ^ kindling_left(dv[t - 3] ^ dv[t - 4] ^ dv[t - 5], 30);
}

// Made once before main, in about ten microseconds, so that no thread waits for another.
static uint32_t differences[32][80];
__attribute__((constructor)) static void make_differences(void) {
  for (int vector = 0; vector < 32; vector++) kindling_sha1_difference(vector, differences[vector]);
}

static inline uint32_t mix(int t, uint32_t b, uint32_t c, uint32_t d) {
  if (t < 20) return ((b & c) | (~b & d)) + 0x5A827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ED9EBA1;
  if (t < 60) return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
  return (b ^ c ^ d) + 0xCA62C1D6;
}

static void forward(uint32_t s[5], const uint32_t *w, int from, int to) {
  for (int t = from; t < to; t++) {
    uint32_t next = kindling_left(s[0], 5) + mix(t, s[1], s[2], s[3]) + s[4] + w[t];
    s[4] = s[3], s[3] = s[2], s[2] = kindling_left(s[1], 30), s[1] = s[0], s[0] = next;
  }
}

static void backward(uint32_t s[5], const uint32_t *w, int from) {
  for (int t = from - 1; t >= 0; t--) {
    uint32_t next = s[0];
    s[0] = s[1], s[1] = kindling_left(s[2], 2), s[2] = s[3], s[3] = s[4];
    s[4] = next - kindling_left(s[0], 5) - mix(t, s[1], s[2], s[3]) - w[t];
  }
}

static int ends_alike(const uint32_t state[5], int step, const uint32_t w[80], const uint32_t after[5]) {
  uint32_t start[5], end[5];
  memcpy(start, state, sizeof start);
  memcpy(end, state, sizeof end);
  backward(start, w, step);
  forward(end, w, step, 80);
  for (int i = 0; i < 5; i++)
    if (start[i] + end[i] != after[i]) return 0;
  return 1;
}

int kindling_sha1_has_sibling(const uint32_t before[5], const uint32_t after[5], const uint8_t *block,
                              uint32_t candidates) {
  // Between these steps no vector disturbs the state: type I is quiet from K + 5 to K + 15, type II from K + 9.
  enum { early = 58, late = 65 };
  uint32_t w[80], at_early[5], at_late[5];
  for (int t = 0; t < 16; t++) w[t] = kindling_big_endian(block + 4 * t);
  for (int t = 16; t < 80; t++) w[t] = kindling_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  memcpy(at_early, before, sizeof at_early);
  forward(at_early, w, 0, early);
  memcpy(at_late, at_early, sizeof at_late);
  forward(at_late, w, early, late);
  for (int vector = 0; vector < 32; vector++) {
    if (!(candidates >> vector & 1)) continue;
    uint32_t sibling[80];
    for (int t = 0; t < 80; t++) sibling[t] = w[t] ^ differences[vector][t];
    int is_late = vectors[vector].place >= 50;
    if (ends_alike(is_late ? at_late : at_early, is_late ? late : early, sibling, after)) return 1;
  }
  return 0;
}

uint32_t kindling_sha1_candidates(const uint8_t block[64]) {
  uint32_t candidates[kindling_sha1_batch];
  kindling_sha1_filter(block, 1, candidates);
  return candidates[0];
}
