#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"
#include "file_blocks.h"

/* Where a super-block's codes begin, behind d, dmin and 12 bytes of scales. */
#define Q_AT (16 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q4_K_GROUP;
    size_t part = block % CK_PARTS;
    uint8_t scale, minimum;
    ck_k_scale(group + 4 * CK_GROUP + row, CK_GROUP, part, &scale, &minimum);
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row)) * (float)scale;
    w->minimum = ck_from_f16(ck_load_u16(group + 2 * CK_GROUP + 2 * row)) * (float)minimum;
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
    group += block / CK_PARTS * CK_Q4_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_avx2(group, part, half, w);
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES + CK_STEP_BYTES / 2 * half;
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(q + CK_STEP_BYTES * step));
        if (part % 2 == 1) both = _mm256_srli_epi16(both, 4);
        w->q[step] = _mm256_and_si256(both, _mm256_set1_epi8(15));
    }
}

CK_AVX2 void ck_multiply_q4_k_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_avx2, CK_MINIMUMS, CK_CODES, 8, CK_Q4_K_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q4_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_avx512(group, part, w);
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES;
    for (size_t step = 0; step < CK_STEPS; step++) {
        __m512i both = _mm512_loadu_si512(q + CK_STEP_BYTES * step);
        if (part % 2 == 1) both = _mm512_srli_epi16(both, 4);
        w->q[step] = _mm512_and_si512(both, _mm512_set1_epi8(15));
    }
}

CK_AVX512 void ck_multiply_q4_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_MINIMUMS, 0, CK_Q4_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q4_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_neon(group, part, quarter, w);
    const uint8_t *q = group + Q_AT + part / 2 * CK_STEPS * CK_STEP_BYTES + CK_STEP_BYTES / 4 * quarter;
    for (size_t step = 0; step < CK_STEPS; step++) {
        uint8x16_t both = vld1q_u8(q + CK_STEP_BYTES * step);
        w->q[step] = ck_codes_neon(part % 2 == 0 ? vandq_u8(both, vdupq_n_u8(15)) : vshrq_n_u8(both, 4));
    }
}

CK_DEFINE_MULTIPLY_NEON(q4_k, load_neon, CK_MINIMUMS, 0, CK_Q4_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
