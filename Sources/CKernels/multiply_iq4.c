#include "blocks_avx2.h"
#include "tiles_avx512.h"
#include "blocks_neon.h"
#include "file_blocks.h"

/* IQ4_NL and IQ4_XS: 4-bit codes of 16 uneven values, with a scale d for each 32, or d * sc. */
#define XS_SCALES_AT (2 * CK_GROUP)
#define XS_Q_AT (XS_SCALES_AT + CK_PARTS * CK_GROUP)

static inline void load_nl_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row));
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = ck_iq4_values[ck_nibble(group + 2 * CK_GROUP + 4 * row, i)];
}

static inline void load_xs_scalar(const uint8_t *group, size_t block, size_t row, ck_weight_block *w)
{
    group += block / CK_PARTS * CK_IQ4_XS_GROUP;
    size_t part = block % CK_PARTS;
    w->scale = ck_from_f16(ck_load_u16(group + 2 * row)) * (float)(int8_t)group[XS_SCALES_AT + part * CK_GROUP + row];
    const uint8_t *q = group + XS_Q_AT + part * CK_NIBBLES_GROUP + 4 * row;
    for (size_t i = 0; i < CK_BLOCK; i++) w->q[i] = ck_iq4_values[ck_nibble(q, i)];
}

void ck_multiply_iq4_nl_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_nl_scalar, CK_PLAIN, CK_Q4_0_GROUP * (k / CK_BLOCK), CK_BLOCKS_ARGUMENTS);
}

void ck_multiply_iq4_xs_scalar(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_scalar(load_xs_scalar, CK_PLAIN, CK_IQ4_XS_GROUP * (k / CK_SUPER_BLOCK), CK_BLOCKS_ARGUMENTS);
}

#if defined(__x86_64__)
/* The signed values of 32 codes of each of 8 rows. */
CK_AVX2_INLINE void load_values_avx2(const uint8_t *nibbles, __m256i q[CK_STEPS])
{
    __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)ck_iq4_values));
    ck_load_nibbles_avx2(nibbles, q);
    for (size_t step = 0; step < CK_STEPS; step++) q[step] = _mm256_shuffle_epi8(values, q[step]);
}

CK_AVX2_INLINE void load_nl_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_load_halves_avx2(group + 16 * half);
    load_values_avx2(group + 2 * CK_GROUP + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2_INLINE void load_xs_avx2(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w)
{
    group += block / CK_PARTS * CK_IQ4_XS_GROUP;
    size_t part = block % CK_PARTS;
    w->scale = _mm256_mul_ps(ck_load_halves_avx2(group + 16 * half),
                             ck_load_bytes_avx2(group + XS_SCALES_AT + part * CK_GROUP + 8 * half));
    load_values_avx2(group + XS_Q_AT + part * CK_NIBBLES_GROUP + CK_STEP_BYTES / 2 * half, w->q);
}

CK_AVX2 void ck_multiply_iq4_nl_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_nl_avx2, CK_PLAIN, CK_ABOVE, 1, CK_Q4_0_GROUP, 1, CK_BLOCKS_ARGUMENTS);
}

CK_AVX2 void ck_multiply_iq4_xs_avx2(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx2(load_xs_avx2, CK_PLAIN, CK_ABOVE, 1, CK_IQ4_XS_GROUP, CK_PARTS, CK_BLOCKS_ARGUMENTS);
}

/* The values of 32 codes of each of 16 rows, plus 128. */
CK_AVX512_INLINE void load_values_avx512(const uint8_t *nibbles, __m512i q[CK_STEPS])
{
    __m128i values = _mm_xor_si128(_mm_loadu_si128((const __m128i *)ck_iq4_values), _mm_set1_epi8(-128));
    ck_load_nibbles_avx512(nibbles, q);
    for (size_t step = 0; step < CK_STEPS; step++)
        q[step] = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), q[step]);
}

CK_AVX512_INLINE void load_nl_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_load_halves_avx512(group);
    load_values_avx512(group + 2 * CK_GROUP, w->q);
}

CK_AVX512_INLINE void load_xs_avx512(const uint8_t *group, size_t block, ck_block_avx512 *w)
{
    group += block / CK_PARTS * CK_IQ4_XS_GROUP;
    size_t part = block % CK_PARTS;
    w->scale = _mm512_mul_ps(ck_load_halves_avx512(group),
                             ck_load_bytes_avx512(group + XS_SCALES_AT + part * CK_GROUP));
    load_values_avx512(group + XS_Q_AT + part * CK_NIBBLES_GROUP, w->q);
}

CK_AVX512 void ck_multiply_iq4_nl_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_nl_avx512, CK_PLAIN, 0, CK_Q4_0_GROUP, CK_BLOCKS_ARGUMENTS);
}

CK_AVX512 void ck_multiply_iq4_xs_avx512(CK_BLOCKS_PARAMETERS)
{
    ck_multiply_blocks_avx512(load_xs_avx512, CK_PLAIN, 0, CK_IQ4_XS_GROUP / CK_PARTS, CK_BLOCKS_ARGUMENTS);
}
#endif

#if defined(__aarch64__)
/* The signed values of 32 codes of each of 4 rows. */
CK_NEON_INLINE void load_values_neon(const uint8_t *nibbles, int8x16_t q[CK_STEPS])
{
    int8x16_t values = vld1q_s8(ck_iq4_values);
    ck_load_nibbles_neon(nibbles, q);
    for (size_t step = 0; step < CK_STEPS; step++) q[step] = vqtbl1q_s8(values, vreinterpretq_u8_s8(q[step]));
}

CK_NEON_INLINE void load_nl_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block * CK_Q4_0_GROUP;
    w->scale = ck_load_halves_neon(group + 8 * quarter);
    load_values_neon(group + 2 * CK_GROUP + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_NEON_INLINE void load_xs_neon(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w)
{
    group += block / CK_PARTS * CK_IQ4_XS_GROUP;
    size_t part = block % CK_PARTS;
    w->scale = vmulq_f32(ck_load_halves_neon(group + 8 * quarter),
                         ck_load_bytes_neon(group + XS_SCALES_AT + part * CK_GROUP + 4 * quarter));
    load_values_neon(group + XS_Q_AT + part * CK_NIBBLES_GROUP + CK_STEP_BYTES / 4 * quarter, w->q);
}

CK_DEFINE_MULTIPLY_NEON(iq4_nl, load_nl_neon, CK_PLAIN, 1, CK_Q4_0_GROUP * (k / CK_BLOCK))
CK_DEFINE_MULTIPLY_NEON(iq4_xs, load_xs_neon, CK_PLAIN, 1, CK_IQ4_XS_GROUP * (k / CK_SUPER_BLOCK))
#endif
