#include "blocks_avx2.h"
#include "blocks_avx512.h"

/* Blocks of 256 hold 8 blocks of 32, each with a scale and a minimum of 6 bits. Of the 12 bytes that hold them, bytes
 * 0 to 3 have the scales of blocks 0 to 3 in their lower 6 bits, bytes 4 to 7 their minimums, bytes 8 to 11 the lower
 * 4 bits of scale and minimum of blocks 4 to 7, whose upper 2 bits are those of bytes 0 to 3 and 4 to 7. */
#define PARTS 8

/* Where a super-block's parts begin. */
#define MINIMUM_AT (2 * CK_GROUP)
#define SCALES_AT (4 * CK_GROUP)
#define Q_AT (SCALES_AT + 12 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / PARTS * CK_Q4_K_GROUP;
    size_t part = block % PARTS;
    const uint8_t *bytes = group + SCALES_AT + row;
    uint8_t scale, minimum;
    if (part < 4) {
        scale = bytes[part * CK_GROUP] & 63;
        minimum = bytes[(part + 4) * CK_GROUP] & 63;
    } else {
        uint8_t lower = bytes[(part + 4) * CK_GROUP];
        scale = (uint8_t)((lower & 15) | bytes[(part - 4) * CK_GROUP] >> 6 << 4);
        minimum = (uint8_t)(lower >> 4 | bytes[part * CK_GROUP] >> 6 << 4);
    }
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row)) * (float)scale;
    w->minimum = ck_from_f16(ck_load_u16(group + MINIMUM_AT + 2 * row)) * (float)minimum;
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) {
        uint8_t both = q[i / 4 * CK_STEP_BYTES + i % 4];
        w->q[i] = (int8_t)(part % 2 == 0 ? both & 15 : both >> 4);
    }
}

void ck_multiply_q4_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_MINIMUMS, CK_Q4_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / PARTS * CK_Q4_K_GROUP;
    size_t part = block % PARTS;
    const uint8_t *bytes = group + SCALES_AT + 8 * half;
#define BYTES(i) _mm_loadl_epi64((const __m128i *)(bytes + (i) * CK_GROUP))
    __m128i scale, minimum, low_bits = _mm_set1_epi8(15);
    if (part < 4) {
        scale = _mm_and_si128(BYTES(part), _mm_set1_epi8(63));
        minimum = _mm_and_si128(BYTES(part + 4), _mm_set1_epi8(63));
    } else {
        __m128i lower = BYTES(part + 4), upper = _mm_set1_epi8(48);
        scale = _mm_or_si128(_mm_and_si128(lower, low_bits),
                             _mm_and_si128(_mm_srli_epi16(BYTES(part - 4), 2), upper));
        minimum = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(lower, 4), low_bits),
                               _mm_and_si128(_mm_srli_epi16(BYTES(part), 2), upper));
    }
#undef BYTES
    w->scale = _mm256_mul_ps(ck_load_halves_avx2(group + 16 * half),
                             _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(scale)));
    w->minimum = _mm256_mul_ps(ck_load_halves_avx2(group + MINIMUM_AT + 16 * half),
                               _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(minimum)));
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES + CK_STEP_BYTES / 2 * half;
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(q + CK_STEP_BYTES * step));
        if (part % 2 == 1) both = _mm256_srli_epi16(both, 4);
        w->q[step] = _mm256_and_si256(both, _mm256_set1_epi8(15));
    }
}

CK_AVX2 void ck_multiply_q4_k_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_avx2, CK_MINIMUMS, 0, 8, CK_Q4_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / PARTS * CK_Q4_K_GROUP;
    size_t part = block % PARTS;
    const uint8_t *bytes = group + SCALES_AT;
#define BYTES(i) _mm_loadu_si128((const __m128i *)(bytes + (i) * CK_GROUP))
    __m128i scale, minimum, low_bits = _mm_set1_epi8(15);
    if (part < 4) {
        scale = _mm_and_si128(BYTES(part), _mm_set1_epi8(63));
        minimum = _mm_and_si128(BYTES(part + 4), _mm_set1_epi8(63));
    } else {
        __m128i lower = BYTES(part + 4), upper = _mm_set1_epi8(48);
        scale = _mm_or_si128(_mm_and_si128(lower, low_bits),
                             _mm_and_si128(_mm_srli_epi16(BYTES(part - 4), 2), upper));
        minimum = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(lower, 4), low_bits),
                               _mm_and_si128(_mm_srli_epi16(BYTES(part), 2), upper));
    }
#undef BYTES
    w->scale = _mm512_mul_ps(ck_load_halves_avx512(group), _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(scale)));
    w->minimum = _mm512_mul_ps(ck_load_halves_avx512(group + MINIMUM_AT),
                               _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(minimum)));
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES;
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m512i both = _mm512_loadu_si512(q + CK_STEP_BYTES * step);
        if (part % 2 == 1) both = _mm512_srli_epi16(both, 4);
        w->q[step] = _mm512_and_si512(both, _mm512_set1_epi8(15));
    }
}

CK_AVX512 void ck_multiply_q4_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_MINIMUMS, CK_Q4_K_GROUP / PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif
