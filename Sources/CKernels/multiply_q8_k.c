#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"
#include "file_blocks.h"

/* Q8_0 with one f32 scale for 256 elements. */
#define Q_AT (4 * CK_GROUP)
#define PART_GROUP (CK_STEPS * CK_STEP_BYTES)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q8_K_GROUP;
    w->scale = ck_load_f32(group + 4 * row);
    const uint8_t *q = group + Q_AT + block % CK_PARTS * PART_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = (int8_t)(q[i / 4 * CK_STEP_BYTES + i % 4] - 128);
}

void ck_multiply_q8_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_PLAIN, CK_Q8_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_Q8_K_GROUP;
    w->scale = _mm256_loadu_ps((const float *)(group + 32 * half));
    const uint8_t *q = group + Q_AT + block % CK_PARTS * PART_GROUP + CK_STEP_BYTES / 2 * half;
    for (size_t step = 0; step < CK_STEPS; step++)
        w->q[step] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(q + CK_STEP_BYTES * step)),
                                      _mm256_set1_epi8(-128));
}

CK_AVX2 void ck_multiply_q8_k_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_avx2, CK_PLAIN, CK_INTEGERS, 1, CK_Q8_K_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q8_K_GROUP;
    w->scale = _mm512_loadu_ps(group);
    const uint8_t *q = group + Q_AT + block % CK_PARTS * PART_GROUP;
    for (size_t step = 0; step < CK_STEPS; step++) w->q[step] = _mm512_loadu_si512(q + CK_STEP_BYTES * step);
}

CK_AVX512 void ck_multiply_q8_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_PLAIN, 1, CK_Q8_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q8_K_GROUP;
    w->scale = vld1q_f32((const float *)(group + 16 * quarter));
    const uint8_t *q = group + Q_AT + block % CK_PARTS * PART_GROUP + CK_STEP_BYTES / 4 * quarter;
    for (size_t step = 0; step < CK_STEPS; step++)
        w->q[step] = ck_codes_neon(veorq_u8(vld1q_u8(q + CK_STEP_BYTES * step), vdupq_n_u8(0x80)));
}

CK_DEFINE_MULTIPLY_NEON(q8_k, load_neon, CK_PLAIN, 1, CK_Q8_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
