#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"

/* A scale for each 16 elements stands behind d, then the codes of each part of 32. */
#define SCALES_AT (2 * CK_GROUP)
#define PARTS_AT (SCALES_AT + 16 * CK_GROUP)

static inline void load_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_Q3_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + 2 * row;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    w->first = (float)(int8_t)scales[0];
    w->second = (float)(int8_t)scales[1];
    const uint8_t *triples = group + PARTS_AT + part * CK_TRIPLES_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = (int8_t)(ck_triple(triples, i) - 4);
}

void ck_multiply_q3_k_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_scalar, CK_SMALL_HALVES, CK_Q3_K_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
CK_AVX2_INLINE void load_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_Q3_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + 16 * half;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    w->scales = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)scales));
    ck_load_triples_avx2(group + PARTS_AT + part * CK_TRIPLES_GROUP + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2 void ck_multiply_q3_k_avx2(CK_BLOCKS_PARAMETERS)
{
    /* 4 * 2 * 7 * 127 fits in 16 bits. */
    ck_multiply_blocks_avx2(load_avx2, CK_SMALL_HALVES, CK_CODES, 4, CK_Q3_K_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512_INLINE void load_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_Q3_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP;
    w->scale = ck_load_halves_avx512(group);
    w->scales = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)scales));
    ck_load_triples_avx512(group + PARTS_AT + part * CK_TRIPLES_GROUP, w->q);
}

CK_AVX512 void ck_multiply_q3_k_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_avx512, CK_SMALL_HALVES, 0, CK_Q3_K_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE void load_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_Q3_K_GROUP;
    size_t part = block % CK_PARTS;
    const uint8_t *scales = group + SCALES_AT + 2 * part * CK_GROUP + 8 * quarter;
    int32x4_t both = vreinterpretq_s32_s16(vmovl_s8(vreinterpret_s8_u8(vld1_u8(scales))));
    w->scale = ck_load_halves_neon(group + 8 * quarter);
    w->first = vcvtq_f32_s32(vshrq_n_s32(vshlq_n_s32(both, 16), 16));
    w->second = vcvtq_f32_s32(vshrq_n_s32(both, 16));
    ck_load_triples_neon(group + PARTS_AT + part * CK_TRIPLES_GROUP + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_DEFINE_MULTIPLY_NEON(q3_k, load_neon, CK_SMALL_HALVES, 0, CK_Q3_K_GROUP * (k / CK_SUPER_BLOCK))
#endif
