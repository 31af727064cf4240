#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"

/* Blocks of 256 hold 16 scales, each for 16 elements, and two halves of 128 elements. Of a half's block j = 0 to 3, the
 * lower 4 bits are the nibbles j / 2 of the 8 steps from 8 * (j % 2) on, the upper 2 bits are bits 2j and 2j + 1 of
 * the 8 steps of high bits. */
#define SCALES_AT (2 * CK_GROUP)
#define LOW_AT (SCALES_AT + 16 * CK_GROUP)
#define HIGH_AT (LOW_AT + 32 * CK_STEP_BYTES)

/* Where the bits of a block begin. */
typedef struct {
    const uint8_t *low, *high;
    int low_shift, high_shift;
} bits;

static inline bits bits_of(const uint8_t *group, size_t part)
{
    size_t half = part / 4, j = part % 4;
    return (bits){group + LOW_AT + (16 * half + 8 * (j % 2)) * CK_STEP_BYTES,
                  group + HIGH_AT + 8 * half * CK_STEP_BYTES, 4 * (int)(j / 2), 2 * (int)j};
}

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q6_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + row;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    w->first = (float)(int8_t)scales[0];
    w->second = (float)(int8_t)scales[CK_GROUP];
    bits from = bits_of(group, part);
    for (size_t i = 0; i < CK_BLOCK; i++) {
        size_t at = i / 4 * CK_STEP_BYTES + 4 * row + i % 4;
        w->q[i] = (int8_t)((from.low[at] >> from.low_shift & 15) + ((from.high[at] >> from.high_shift & 3) << 4) - 32);
    }
}

void ck_multiply_q6_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_HALVES, CK_Q6_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_Q6_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + 8 * half;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    w->first = ck_load_bytes_avx2(scales);
    w->second = ck_load_bytes_avx2(scales + CK_GROUP);
    bits from = bits_of(group + CK_STEP_BYTES / 2 * half, part);
    __m128i low_shift = _mm_cvtsi32_si128(from.low_shift), high_shift = _mm_cvtsi32_si128(from.high_shift);
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(from.low + CK_STEP_BYTES * step));
        __m256i high = _mm256_loadu_si256((const __m256i *)(from.high + CK_STEP_BYTES * step));
        low = _mm256_and_si256(_mm256_srl_epi16(low, low_shift), _mm256_set1_epi8(15));
        high = _mm256_and_si256(_mm256_srl_epi16(high, high_shift), _mm256_set1_epi8(3));
        w->q[step] = _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
    }
}

CK_AVX2 void ck_multiply_q6_k_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 2 * 2 * 63 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_HALVES, CK_CODES, 2, CK_Q6_K_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q6_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP;
    w->scale = ck_load_halves_avx512(group);
    w->first = ck_load_bytes_avx512(scales);
    w->second = ck_load_bytes_avx512(scales + CK_GROUP);
    bits from = bits_of(group, part);
    __m128i low_shift = _mm_cvtsi32_si128(from.low_shift), high_shift = _mm_cvtsi32_si128(from.high_shift);
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m512i low = _mm512_loadu_si512(from.low + CK_STEP_BYTES * step);
        __m512i high = _mm512_loadu_si512(from.high + CK_STEP_BYTES * step);
        low = _mm512_and_si512(_mm512_srl_epi16(low, low_shift), _mm512_set1_epi8(15));
        high = _mm512_and_si512(_mm512_srl_epi16(high, high_shift), _mm512_set1_epi8(3));
        w->q[step] = _mm512_or_si512(low, _mm512_slli_epi16(high, 4));
    }
}

CK_AVX512 void ck_multiply_q6_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_HALVES, 0, CK_Q6_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q6_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + 4 * quarter;
    w->scale = ck_load_halves_neon(group + 8 * quarter);
    w->first = ck_load_bytes_neon(scales);
    w->second = ck_load_bytes_neon(scales + CK_GROUP);
    bits from = bits_of(group + CK_STEP_BYTES / 4 * quarter, part);
    int8x16_t low_shift = vdupq_n_s8((int8_t)-from.low_shift), high_shift = vdupq_n_s8((int8_t)-from.high_shift);
    for (size_t step = 0; step < CK_STEPS; step++) {
        uint8x16_t low = vshlq_u8(vld1q_u8(from.low + CK_STEP_BYTES * step), low_shift);
        uint8x16_t high = vshlq_u8(vld1q_u8(from.high + CK_STEP_BYTES * step), high_shift);
        high = vshlq_n_u8(vandq_u8(high, vdupq_n_u8(3)), 4);
        w->q[step] = ck_codes_neon(vorrq_u8(vandq_u8(low, vdupq_n_u8(15)), high));
    }
}

CK_DEFINE_MULTIPLY_NEON(q6_k, load_neon, CK_HALVES, 0, CK_Q6_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
