#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"
#include "file_blocks.h"

/* Where a super-block's parts of 32 begin, behind d, dmin and 12 bytes of scales. */
#define PARTS_AT (16 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q5_K_GROUP;
    size_t part = block % CK_PARTS;
    uint8_t scale, minimum;
    ck_k_scale(group + 4 * CK_GROUP + row, CK_GROUP, part, &scale, &minimum);
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row)) * (float)scale;
    w->minimum = ck_from_f16(ck_load_u16(group + 2 * CK_GROUP + 2 * row)) * (float)minimum;
    const uint8_t *fives = group + PARTS_AT + part * CK_FIVES_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = (int8_t)ck_five(fives, i);
}

void ck_multiply_q5_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_MINIMUMS, CK_Q5_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_Q5_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_avx2(group, part, half, w);
    const uint8_t *fives = group + PARTS_AT + part * CK_FIVES_GROUP + CK_STEP_BYTES / 2 * half;
    ck_load_fives_avx2(fives, w->q);
}

CK_AVX2 void ck_multiply_q5_k_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 4 * 2 * 31 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_MINIMUMS, CK_CODES, 4, CK_Q5_K_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q5_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_avx512(group, part, w);
    const uint8_t *fives = group + PARTS_AT + part * CK_FIVES_GROUP;
    ck_load_fives_avx512(fives, w->q);
}

CK_AVX512 void ck_multiply_q5_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_MINIMUMS, 0, CK_Q5_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q5_K_GROUP;
    size_t part = block % CK_PARTS;
    ck_load_k_scales_neon(group, part, quarter, w);
    const uint8_t *fives = group + PARTS_AT + part * CK_FIVES_GROUP + CK_STEP_BYTES / 4 * quarter;
    ck_load_fives_neon(fives, w->q);
}

CK_DEFINE_MULTIPLY_NEON(q5_k, load_neon, CK_MINIMUMS, 0, CK_Q5_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
