#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

int kindling_sha1_plain = 0;

static void compress_plain(uint32_t state[5], const uint8_t *block) {
  uint32_t w[80];
  for (int t = 0; t < 16; t++) w[t] = kindling_big_endian(block + 4 * t);
  for (int t = 16; t < 80; t++) w[t] = kindling_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
#define STEP(function, constant)                                                      \
  {                                                                                   \
    uint32_t next = kindling_left(a, 5) + (function) + e + (constant) + w[t];         \
    e = d, d = c, c = kindling_left(b, 30), b = a, a = next;                          \
  }
  int t = 0;
  for (; t < 20; t++) STEP((b & c) | (~b & d), 0x5A827999)
  for (; t < 40; t++) STEP(b ^ c ^ d, 0x6ED9EBA1)
  for (; t < 60; t++) STEP((b & c) | (b & d) | (c & d), 0x8F1BBCDC)
  for (; t < 80; t++) STEP(b ^ c ^ d, 0xCA62C1D6)
#undef STEP
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

#if defined(__x86_64__)
// Four steps with the processor's SHA instructions; `m` holds the last sixteen message words.
#define GROUP(number, kind)                                                                                 \
  {                                                                                                         \
    __m128i e = (number) == 0 ? _mm_add_epi32(first, m[0]) : _mm_sha1nexte_epu32(previous, m[(number) % 4]); \
    previous = abcd;                                                                                        \
    abcd = _mm_sha1rnds4_epu32(abcd, e, kind);                                                              \
    m[(number) % 4] = _mm_sha1msg2_epu32(                                                                   \
        _mm_xor_si128(_mm_sha1msg1_epu32(m[(number) % 4], m[((number) + 1) % 4]), m[((number) + 2) % 4]),   \
        m[((number) + 3) % 4]);                                                                             \
  }
#define FIVE(number, kind) \
  GROUP(number, kind) GROUP((number) + 1, kind) GROUP((number) + 2, kind) GROUP((number) + 3, kind) GROUP((number) + 4, kind)

__attribute__((target("sha,ssse3,sse4.1"))) static void compress_native(uint32_t state[5], const uint8_t *block) {
  const __m128i order = _mm_set_epi64x(0x0001020304050607, 0x08090A0B0C0D0E0F);
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0x1B);
  const __m128i start = abcd;
  const __m128i first = _mm_set_epi32((int)state[4], 0, 0, 0);
  __m128i previous = abcd;
  __m128i m[4];
  for (int i = 0; i < 4; i++) m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), order);
  FIVE(0, 0) FIVE(5, 1) FIVE(10, 2) FIVE(15, 3)
  __m128i e = _mm_sha1nexte_epu32(previous, first);
  abcd = _mm_add_epi32(abcd, start);
  _mm_storeu_si128((__m128i *)state, _mm_shuffle_epi32(abcd, 0x1B));
  state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

static int has_native(void) {
  static int known = 0;
  if (!__atomic_load_n(&known, __ATOMIC_RELAXED)) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    int has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
    __atomic_store_n(&known, has ? 2 : 1, __ATOMIC_RELAXED);
  }
  return known == 2;
}
#endif

void kindling_sha1_compress(uint32_t state[5], const uint8_t *block) {
#if defined(__x86_64__)
  if (!__atomic_load_n(&kindling_sha1_plain, __ATOMIC_RELAXED) && has_native()) return compress_native(state, block);
#endif
  compress_plain(state, block);
}

void kindling_sha1_use_plain(int plain) { __atomic_store_n(&kindling_sha1_plain, plain, __ATOMIC_RELAXED); }
