#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"

/* Value = d * q + m: m counts as a minimum of the other sign. */
#define Q_AT (4 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block * CK_Q4_1_GROUP;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    w->minimum = -ck_from_f16(ck_load_u16(group + 2 * CK_GROUP + 2 * row));
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = (int8_t)ck_nibble(group + Q_AT + 4 * row, i);
}

void ck_multiply_q4_1_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_MINIMUMS, CK_Q4_1_GROUP * (k / CK_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block * CK_Q4_1_GROUP;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    w->minimum = _mm256_xor_ps(ck_load_halves_avx2(group + 2 * CK_GROUP + 16 * half), _mm256_set1_ps(-0.0f));
    ck_load_nibbles_avx2(group + Q_AT + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2 void ck_multiply_q4_1_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 8 * 2 * 15 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_MINIMUMS, CK_CODES, 8, CK_Q4_1_GROUP, 1, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block * CK_Q4_1_GROUP;
    w->scale = ck_load_halves_avx512(group);
    w->minimum = _mm512_xor_ps(ck_load_halves_avx512(group + 2 * CK_GROUP), _mm512_set1_ps(-0.0f));
    ck_load_nibbles_avx512(group + Q_AT, w->q);
}

CK_AVX512 void ck_multiply_q4_1_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_MINIMUMS, 0, CK_Q4_1_GROUP, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block * CK_Q4_1_GROUP;
    w->scale = ck_load_halves_neon(group + 8 * quarter);
    w->minimum = vnegq_f32(ck_load_halves_neon(group + 2 * CK_GROUP + 8 * quarter));
    ck_load_nibbles_neon(group + Q_AT + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_DEFINE_MULTIPLY_NEON(q4_1, load_neon, CK_MINIMUMS, 0, CK_Q4_1_GROUP * (k / CK_BLOCK))
#endif
