#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"

/* Three values, -d, 0 and d (and 2d, which no quantiser writes); TQ1_0 is packed as this. */
#define Q_AT (2 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_TQ2_0_GROUP;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    const uint8_t *pairs = group + Q_AT + block % CK_PARTS * CK_PAIRS_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = (int8_t)(ck_pair(pairs, i) - 1);
}

void ck_multiply_tq2_0_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_PLAIN, CK_TQ2_0_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_TQ2_0_GROUP;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    ck_load_pairs_avx2(group + Q_AT + block % CK_PARTS * CK_PAIRS_GROUP + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2 void ck_multiply_tq2_0_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 8 * 2 * 3 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_PLAIN, CK_PAIRS, 8, CK_TQ2_0_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_TQ2_0_GROUP;
    w->scale = ck_load_halves_avx512(group);
    ck_load_pairs_avx512(group + Q_AT + block % CK_PARTS * CK_PAIRS_GROUP, w->q);
}

CK_AVX512_INLINE void load_fourfold_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_TQ2_0_GROUP;
    w->scale = ck_load_halves_avx512(group);
    ck_load_fourfold_avx512(group + Q_AT + block % CK_PARTS * CK_PAIRS_GROUP, w->q);
}

CK_AVX512 void ck_multiply_tq2_0_avx512(CK_BLOCKS_PARAMETERS)
{
    size_t done = ck_multiply_row_avx512(load_fourfold_avx512, CK_FOURFOLD, CK_PARTS, CK_TQ2_0_GROUP / CK_PARTS,
                                         CK_BLOCKS_ARGUMENTS);
    CK_SKIP_OUTPUTS(done, CK_TQ2_0_GROUP * (k / CK_SUPER_BLOCK));
    ck_multiply_blocks_avx512(load_avx512, CK_PLAIN, 0, CK_TQ2_0_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_TQ2_0_GROUP;
    w->scale = ck_load_halves_neon(group + 8 * quarter);
    ck_load_pairs_neon(group + Q_AT + block % CK_PARTS * CK_PAIRS_GROUP + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_DEFINE_MULTIPLY_NEON(tq2_0, load_neon, CK_PLAIN, 0, CK_TQ2_0_GROUP * (k / CK_SUPER_BLOCK))
#endif
