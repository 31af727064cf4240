#include "blocks_avx2.h"
#include "blocks_avx512.h"

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    const uint8_t *q = group + 2 * CK_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK / 2; i++) {
        uint8_t both = q[i / 4 * CK_STEP_BYTES + i % 4];
        w->q[i] = (int8_t)((both & 15) - 8);
        w->q[i + CK_BLOCK / 2] = (int8_t)((both >> 4) - 8);
    }
}

void ck_multiply_q4_0_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_PLAIN, CK_Q4_0_GROUP * (k / CK_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    const uint8_t *q = group + 2 * CK_GROUP + CK_STEP_BYTES / 2 * half;
    __m256i low_bits = _mm256_set1_epi8(15);
    for (size_t step = 0; step < CK_STEPS / 2; step++) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(q + CK_STEP_BYTES * step));
        w->q[step] = _mm256_and_si256(both, low_bits);
        w->q[step + CK_STEPS / 2] = _mm256_and_si256(_mm256_srli_epi16(both, 4), low_bits);
    }
}

CK_AVX2 void ck_multiply_q4_0_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 8 * 2 * 15 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_PLAIN, 0, 8, CK_Q4_0_GROUP * (k / CK_BLOCK), CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_load_halves_avx512(group);
    __m512i low_bits = _mm512_set1_epi8(15);
    for (size_t step = 0; step < CK_STEPS / 2; step++) {
        __m512i both = _mm512_loadu_si512(group + 2 * CK_GROUP + CK_STEP_BYTES * step);
        w->q[step] = _mm512_and_si512(both, low_bits);
        w->q[step + CK_STEPS / 2] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_bits);
    }
}

CK_AVX512 void ck_multiply_q4_0_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_PLAIN, CK_Q4_0_GROUP, CK_BLOCKS_ARGUMENTS);
}
#endif
