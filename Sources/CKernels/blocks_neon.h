/* Register tiles of packed quantised weights for NEON: 16 weight rows, four at a time, x up to 4 activation rows.
 * Each type has two variants, which differ in how four bytes are multiplied and added. */
#ifndef CK_BLOCKS_NEON_H
#define CK_BLOCKS_NEON_H
#include "blocks.h"
#include "neon.h"
#if defined(__aarch64__)

/* One block of 4 weight rows: row r stands in 32-bit lane r. The q have a sign bit. */
typedef struct {
    int8x16_t q[CK_STEPS];
    float32x4_t scale, minimum, first, second;
    int32x4_t minimums[2];
} ck_block_neon;

/* quarter is 0 to 3: rows 4 * quarter to 4 * quarter + 3 of the group. */
typedef void ck_load_neon_fn(const uint8_t *group, size_t block, size_t quarter, ck_block_neon *w);

/* start + the products of 16 elements, in four steps, of each of 4 weight rows. */
typedef int32x4_t ck_dot_neon_fn(const int8x16_t q[4], int8x16_t x, int32x4_t start);

/* Two products of any signed bytes of which one is above -128 fit in 16 bits. */
CK_NEON_INLINE int32x4_t ck_dot_neon(const int8x16_t q[4], int8x16_t x, int32x4_t start)
{
    int32x4_t words = vreinterpretq_s32_s8(x);
    int8x8_t four[4] = {vreinterpret_s8_s32(vdup_laneq_s32(words, 0)), vreinterpret_s8_s32(vdup_laneq_s32(words, 1)),
                        vreinterpret_s8_s32(vdup_laneq_s32(words, 2)), vreinterpret_s8_s32(vdup_laneq_s32(words, 3))};
    int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
    for (size_t step = 0; step < 4; step += 2) {
        int16x8_t pair = vmull_s8(vget_low_s8(q[step]), four[step]);
        low = vpadalq_s16(low, vmlal_s8(pair, vget_low_s8(q[step + 1]), four[step + 1]));
        pair = vmull_s8(vget_high_s8(q[step]), four[step]);
        high = vpadalq_s16(high, vmlal_s8(pair, vget_high_s8(q[step + 1]), four[step + 1]));
    }
    return vaddq_s32(start, vpaddq_s32(low, high));
}

CK_DOTPROD_INLINE int32x4_t ck_dot_dotprod(const int8x16_t q[4], int8x16_t x, int32x4_t start)
{
    start = vdotq_laneq_s32(start, q[0], x, 0);
    start = vdotq_laneq_s32(start, q[1], x, 1);
    start = vdotq_laneq_s32(start, q[2], x, 2);
    return vdotq_laneq_s32(start, q[3], x, 3);
}

/* 4 scales of f16. */
CK_NEON_INLINE float32x4_t ck_load_halves_neon(const uint8_t *halves)
{
    return ck_widen_neon(CK_F16, vreinterpret_u16_u8(vld1_u8(halves)));
}

CK_NEON_INLINE uint8x8_t ck_load_four_neon(const uint8_t *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    return vreinterpret_u8_u32(vdup_n_u32(four));
}

/* 4 bytes without sign as floats: the low half of `bytes`. */
CK_NEON_INLINE float32x4_t ck_unsigned_neon(uint8x8_t bytes)
{
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}

/* 4 signed bytes as floats. */
CK_NEON_INLINE float32x4_t ck_load_bytes_neon(const uint8_t *bytes)
{
    int8x8_t four = vreinterpret_s8_u8(ck_load_four_neon(bytes));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(four))));
}

CK_NEON_INLINE int8x16_t ck_codes_neon(uint8x16_t codes) { return vreinterpretq_s8_u8(codes); }

/* The codes of one block of 32, as blocks.h lays them out; they begin with those of the quarter's first row. */
CK_NEON_INLINE void ck_load_nibbles_neon(const uint8_t *nibbles, int8x16_t q[CK_STEPS])
{
    for (size_t step = 0; step < CK_STEPS / 2; step++) {
        uint8x16_t both = vld1q_u8(nibbles + CK_STEP_BYTES * step);
        q[step] = ck_codes_neon(vandq_u8(both, vdupq_n_u8(15)));
        q[step + CK_STEPS / 2] = ck_codes_neon(vshrq_n_u8(both, 4));
    }
}

CK_NEON_INLINE void ck_load_pairs_neon(const uint8_t *pairs, int8x16_t q[CK_STEPS])
{
    for (size_t i = 0; i < 2; i++, q += 2) {
        uint8x16_t four = vld1q_u8(pairs + CK_STEP_BYTES * i), mask = vdupq_n_u8(3);
        q[0] = ck_codes_neon(vandq_u8(four, mask));
        q[CK_STEPS / 2] = ck_codes_neon(vandq_u8(vshrq_n_u8(four, 2), mask));
        q[1] = ck_codes_neon(vandq_u8(vshrq_n_u8(four, 4), mask));
        q[CK_STEPS / 2 + 1] = ck_codes_neon(vshrq_n_u8(four, 6));
    }
}

CK_NEON_INLINE void ck_load_triples_neon(const uint8_t *triples, int8x16_t q[CK_STEPS])
{
    const uint8x16_t codes = vdupq_n_u8(7);
    uint8x16_t rest = vdupq_n_u8(0);
    for (int i = 0; i < 3; i++) {
        uint8x16_t two = vld1q_u8(triples + CK_STEP_BYTES * i);
        q[2 * i] = ck_codes_neon(vandq_u8(two, codes));
        q[2 * i + 1] = ck_codes_neon(vandq_u8(vshrq_n_u8(two, 4), codes));
        rest = vorrq_u8(rest, vshlq_u8(vandq_u8(two, vdupq_n_u8(0x88)), vdupq_n_s8((int8_t)(i - 3))));
    }
    q[6] = ck_codes_neon(vandq_u8(rest, codes));
    q[7] = ck_codes_neon(vshrq_n_u8(rest, 4));
}

CK_NEON_INLINE void ck_load_fives_neon(const uint8_t *fives, int8x16_t q[CK_STEPS])
{
    uint8x16_t byte[5], above[3];
    for (int i = 0; i < 5; i++) {
        byte[i] = vld1q_u8(fives + CK_STEP_BYTES * i);
        q[i] = ck_codes_neon(vandq_u8(byte[i], vdupq_n_u8(31)));
    }
    for (int i = 0; i < 3; i++) above[i] = vshrq_n_u8(byte[2 * i], 5);
    for (int i = 0; i < 2; i++)
        q[5 + i] = ck_codes_neon(
            vorrq_u8(above[i], vandq_u8(vshrq_n_u8(byte[2 * i + 1], 2), vdupq_n_u8(24))));
    uint8x16_t fourth = vandq_u8(vshrq_n_u8(byte[3], 4), vdupq_n_u8(8));
    uint8x16_t fifth = vandq_u8(vshrq_n_u8(byte[1], 3), vdupq_n_u8(16));
    q[7] = ck_codes_neon(vorrq_u8(above[2], vorrq_u8(fourth, fifth)));
}

/* The scales and minimums of one part of 32 of Q4_K and Q5_K: d, dmin and 12 bytes (file_blocks.h) of 4 rows. */
CK_NEON_INLINE void ck_load_k_scales_neon(const uint8_t *group, size_t part, size_t quarter, ck_block_neon *w)
{
    const uint8_t *bytes = group + 4 * CK_GROUP + 4 * quarter;
#define BYTES(i) ck_load_four_neon(bytes + (i) * CK_GROUP)
    uint8x8_t scale, minimum, six_bits = vdup_n_u8(63);
    if (part < 4) {
        scale = vand_u8(BYTES(part), six_bits);
        minimum = vand_u8(BYTES(part + 4), six_bits);
    } else {
        uint8x8_t lower = BYTES(part + 4);
        scale = vorr_u8(vand_u8(lower, vdup_n_u8(15)), vshl_n_u8(vshr_n_u8(BYTES(part - 4), 6), 4));
        minimum = vorr_u8(vshr_n_u8(lower, 4), vshl_n_u8(vshr_n_u8(BYTES(part), 6), 4));
    }
#undef BYTES
    w->scale = vmulq_f32(ck_load_halves_neon(group + 8 * quarter), ck_unsigned_neon(scale));
    w->minimum = vmulq_f32(ck_load_halves_neon(group + 2 * CK_GROUP + 8 * quarter), ck_unsigned_neon(minimum));
}

/* ck_add_block_scalar of 4 rows. With `is_signed` the q are the weights' own integers, else codes, whose dot products
 * begin with the activations' start. */
CK_NEON_INLINE float32x4_t ck_add_block_neon(enum ck_scaling scaling, int is_signed, ck_dot_neon_fn *dot,
                                             const ck_block_neon *w, const ck_block *x, float32x4_t sum)
{
    int8x16_t low = vld1q_s8(x->q), high = vld1q_s8(x->q + 16);
    int has_minimums = scaling == CK_SMALL_HALVES_MINIMUMS, has_start = !is_signed && !has_minimums;
    int32x4_t first = dot(w->q, low, vdupq_n_s32(has_start ? x->start[0] : 0));
    float32x4_t scale = vmulq_n_f32(w->scale, x->scale);
    if (scaling == CK_HALVES || scaling == CK_SMALL_HALVES || has_minimums) {
        int32x4_t second = dot(w->q + CK_STEPS / 2, high, vdupq_n_s32(has_start ? x->start[1] : 0));
        float32x4_t dots = vmulq_f32(vcvtq_f32_s32(first), w->first);
        dots = vfmaq_f32(dots, vcvtq_f32_s32(second), w->second);
        if (!has_minimums) return vfmaq_f32(sum, dots, scale);
        int32x4_t sums = vmulq_n_s32(w->minimums[0], x->start[0]);
        sums = vmlaq_n_s32(sums, w->minimums[1], x->start[1]);
        float32x4_t minimums = vmulq_f32(w->minimum, vcvtq_f32_s32(sums));
        return vfmaq_n_f32(sum, vfmaq_f32(minimums, w->scale, dots), x->scale);
    }
    sum = vfmaq_f32(sum, vcvtq_f32_s32(dot(w->q + CK_STEPS / 2, high, first)), scale);
    return scaling == CK_MINIMUMS ? vfmsq_f32(sum, w->minimum, vdupq_n_f32(x->scaled_sum)) : sum;
}

#define CK_TILE_ROWS_NEON 4
#define CK_ACTIVATION_BYTES_NEON (256 * 1024)

/* The 16 outputs of a group, of which `outputs` exist, for `rows` rows. rows is a constant at each call. */
CK_NEON_INLINE void ck_tile_neon(ck_load_neon_fn *load, enum ck_scaling scaling, int is_signed, ck_dot_neon_fn *dot,
                                 size_t rows, size_t blocks, const uint8_t *group, size_t block_bytes,
                                 const ck_block *x, size_t x_stride, size_t outputs, const float *bias, float *y,
                                 size_t y_stride)
{
    float32x4_t sums[CK_TILE_ROWS_NEON][4];
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = sums[r][2] = sums[r][3] = vdupq_n_f32(0);
    for (size_t b = 0; b < blocks; b++) {
        ck_ask_ahead(group + b * block_bytes, block_bytes);
        /* Written out, so that the sums are registers where there are few. */
#define CK_QUARTER(quarter)                                                                                 \
    {                                                                                                       \
        ck_block_neon w;                                                                                    \
        load(group, b, quarter, &w);                                                                        \
        for (size_t r = 0; r < rows; r++)                                                                   \
            sums[r][quarter] = ck_add_block_neon(scaling, is_signed, dot, &w, x + r * x_stride + b, sums[r][quarter]); \
    }
        CK_QUARTER(0) CK_QUARTER(1) CK_QUARTER(2) CK_QUARTER(3)
#undef CK_QUARTER
    }
    size_t count = outputs < CK_GROUP ? outputs : CK_GROUP;
    for (size_t r = 0; r < rows; r++) {
        float all[CK_GROUP];
        for (size_t quarter = 0; quarter < 4; quarter++) vst1q_f32(all + 4 * quarter, sums[r][quarter]);
        for (size_t i = 0; bias && i < count; i++) all[i] += bias[i];
        memcpy(y + r * y_stride, all, count * sizeof *y);
    }
}

/* The multiplication for one type; see ck_multiply_blocks_avx512 for the order of the loops. */
CK_NEON_INLINE void ck_multiply_blocks_neon(ck_load_neon_fn *load, enum ck_scaling scaling, int is_signed,
                                            ck_dot_neon_fn *dot, size_t group_bytes, CK_BLOCKS_PARAMETERS)
{
    (void)packed;
    size_t blocks = k / CK_BLOCK, row_bytes = blocks * sizeof *x + 1;
    size_t most = CK_ACTIVATION_BYTES_NEON / row_bytes / CK_TILE_ROWS_NEON * CK_TILE_ROWS_NEON;
    if (most < 2 * CK_TILE_ROWS_NEON) most = 2 * CK_TILE_ROWS_NEON;
    for (size_t from = 0; from < rows; from += most) {
        size_t to = rows - from < most ? rows : from + most;
        for (size_t j = 0; j < m; j += CK_GROUP) {
            const uint8_t *group = (const uint8_t *)w + j / CK_GROUP * group_bytes;
            for (size_t r = from; r < to; r += CK_TILE_ROWS_NEON) {
#define CK_TILE(n)                                                                                          \
    ck_tile_neon(load, scaling, is_signed, dot, n, blocks, group, r == from && blocks > 0 ? group_bytes / blocks : 0, \
                 x + r * x_stride, x_stride, m - j, bias ? bias + j : bias, y + r * y_stride + j, y_stride)
                switch (to - r) {
                case 1: CK_TILE(1); break;
                case 2: CK_TILE(2); break;
                case 3: CK_TILE(3); break;
                default: CK_TILE(4);
                }
#undef CK_TILE
            }
        }
    }
}

/* Both variants of ck_multiply_<type>. */
#define CK_DEFINE_MULTIPLY_NEON(type, load, scaling, is_signed, group_bytes)                                \
    void ck_multiply_##type##_neon(CK_BLOCKS_PARAMETERS)                                                    \
    {                                                                                                       \
        ck_multiply_blocks_neon(load, scaling, is_signed, ck_dot_neon, group_bytes, CK_BLOCKS_ARGUMENTS);   \
    }                                                                                                       \
    CK_DOTPROD void ck_multiply_##type##_dotprod(CK_BLOCKS_PARAMETERS)                                      \
    {                                                                                                       \
        ck_multiply_blocks_neon(load, scaling, is_signed, ck_dot_dotprod, group_bytes, CK_BLOCKS_ARGUMENTS); \
    }

#endif
#endif
