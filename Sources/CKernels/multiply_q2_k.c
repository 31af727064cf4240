#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"
#include "file_blocks.h"

/* A scale (low half) and a minimum (high half) for each 16 elements stand behind d and dmin, then the codes. d and dmin
 * are f32, which saves taking them from f16 for every 32 elements; dmin is a 16th, and minimums stay where they stand
 * in their byte, 16 times as large. */
#define SCALES_AT (8 * CK_GROUP)
#define Q_AT (SCALES_AT + 16 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q2_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + part / 2 * CK_STEP_BYTES + 4 * row + part % 2;
    w->scale = ck_load_f32(group + 4 * row);
    w->minimum = ck_load_f32(group + 4 * CK_GROUP + 4 * row);
    w->first = (float)(scales[0] & 15);
    w->second = (float)(scales[2] & 15);
    w->minimums[0] = scales[0] & 0xF0;
    w->minimums[1] = scales[2] & 0xF0;
    for (size_t i = 0; i < CK_BLOCK; i++)
        w->q[i] = (int8_t)ck_pair(group + Q_AT + part * CK_PAIRS_GROUP + 4 * row, i);
}

void ck_multiply_q2_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_SMALL_HALVES_MINIMUMS, CK_Q2_K_GROUP * (k / CK_SUPER_BLOCK),
                              CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_Q2_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + part / 2 * CK_STEP_BYTES + CK_STEP_BYTES / 2 * half;
    __m256i both = _mm256_loadu_si256((const __m256i *)scales);
    if (part % 2 == 1) both = _mm256_srli_epi16(both, 8);
    w->scale = _mm256_loadu_ps((const float *)(group + 32 * half));
    w->minimum = _mm256_loadu_ps((const float *)(group + 4 * CK_GROUP + 32 * half));
    w->scales = _mm256_and_si256(both, ck_mask_avx2(CK_MASK_LOW_NIBBLES));
    w->minimums = _mm256_and_si256(both, ck_mask_avx2(CK_MASK_HIGH_NIBBLES));
    ck_load_pairs_avx2(group + Q_AT + part * CK_PAIRS_GROUP + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2 void ck_multiply_q2_k_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_avx2, CK_SMALL_HALVES_MINIMUMS, CK_PAIRS, 4, CK_Q2_K_GROUP, CK_PARTS,
                            CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q2_K_GROUP;
    size_t part = block % CK_PARTS;
    __m512i both = _mm512_loadu_si512(group + SCALES_AT + part / 2 * CK_STEP_BYTES);
    if (part % 2 == 1) both = _mm512_srli_epi16(both, 8);
    w->scale = _mm512_loadu_ps(group);
    w->minimum = _mm512_loadu_ps(group + 4 * CK_GROUP);
    w->scales = _mm512_and_si512(both, _mm512_set1_epi16(15));
    w->minimums = _mm512_and_si512(both, _mm512_set1_epi16(0xF0));
    ck_load_fourfold_avx512(group + Q_AT + part * CK_PAIRS_GROUP, w->q);
}

CK_AVX512 void ck_multiply_q2_k_avx512(CK_BLOCKS_PARAMETERS)
{
    size_t done = ck_multiply_row_avx512(load_avx512, CK_SMALL_HALVES_MINIMUMS, CK_PARTS, CK_Q2_K_GROUP / CK_PARTS,
                                         CK_BLOCKS_ARGUMENTS);
    CK_SKIP_OUTPUTS(done, CK_Q2_K_GROUP * (k / CK_SUPER_BLOCK));
    ck_multiply_blocks_avx512(load_avx512, CK_SMALL_HALVES_MINIMUMS, 0, CK_Q2_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q2_K_GROUP;
    size_t part = block % CK_PARTS;
    /* A row's two scales as one lane: that of the first half below, that of the second above. */
    const uint8_t *at = group + SCALES_AT + part / 2 * CK_STEP_BYTES + CK_STEP_BYTES / 4 * quarter;
    uint16x8_t both = vreinterpretq_u16_u8(vld1q_u8(at));
    if (part % 2 == 1) both = vshrq_n_u16(both, 8);
    uint32x4_t scales = vreinterpretq_u32_u16(vandq_u16(both, vdupq_n_u16(15)));
    uint32x4_t minimums = vreinterpretq_u32_u16(vandq_u16(both, vdupq_n_u16(0xF0)));
    w->scale = vld1q_f32((const float *)(group + 16 * quarter));
    w->minimum = vld1q_f32((const float *)(group + 4 * CK_GROUP + 16 * quarter));
    w->first = vcvtq_f32_u32(vandq_u32(scales, vdupq_n_u32(0xFFFF)));
    w->second = vcvtq_f32_u32(vshrq_n_u32(scales, 16));
    w->minimums[0] = vreinterpretq_s32_u32(vandq_u32(minimums, vdupq_n_u32(0xFFFF)));
    w->minimums[1] = vreinterpretq_s32_u32(vshrq_n_u32(minimums, 16));
    ck_load_pairs_neon(group + Q_AT + part * CK_PAIRS_GROUP + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_DEFINE_MULTIPLY_NEON(q2_k, load_neon, CK_SMALL_HALVES_MINIMUMS, 0, CK_Q2_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
