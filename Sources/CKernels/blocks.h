/* The layouts of packed weights and the arithmetic on them that every variant keeps.
 *
 * A group is CK_GROUP weight rows; what belongs to the same place of the 16 rows stands side by side, so that one
 * register holds one number of each row. A group takes about the bytes of its rows in the file (ck_group_bytes).
 * Missing rows of the last group are zeros. With r the row in the group, a group is a sequence of
 *   F32, F16, BF16   value[16 r] for each i of k
 *   Q8_0             { f16 d[16 r]; u8 q[8 steps][16 r][4] } for each block of 32; q is 128 more than in the file
 *   Q4_0, IQ4_NL     { f16 d[16 r]; nibbles } for each block of 32
 *   Q4_1             { f16 d[16 r], m[16 r]; nibbles } for each block of 32
 *   Q5_0             { f16 d[16 r]; fives } for each block of 32
 *   Q5_1             { f16 d[16 r], m[16 r]; fives } for each block of 32
 *   Q2_K             { f32 d[16 r], dmin / 16[16 r]; u8 scales[4][16 r][2 halves][2 parts]; pairs[8 parts] }
 *   Q3_K             { f16 d[16 r]; s8 scales[8 parts][16 r][2]; triples[8 parts] } for each 256
 *   Q4_K             { f16 d[16 r], dmin[16 r]; u8 scales[12][16 r]; u8 q[4][8 steps][16 r][4] } for each 256
 *   Q5_K             { f16 d[16 r], dmin[16 r]; u8 scales[12][16 r]; fives[8 parts] } for each 256
 *   Q6_K             { f16 d[16 r]; s8 scales[16][16 r]; u8 low[2][16 steps][16 r][4]; u8 high[2][8 steps][16 r][4] }
 *   Q8_K             { f32 d[16 r]; u8 q[64 steps][16 r][4] } for each 256; q is 128 more than in the file
 *   IQ4_XS           { f16 d[16 r]; s8 scales[8][16 r]; nibbles[8 parts] } for each 256
 *   TQ2_0, TQ1_0     { f16 d[16 r]; pairs[8 parts] } for each 256
 * where the four bytes of a step are neighbours in the file's block. The codes of a block of 32, in 8 steps of 4:
 *   nibbles          u8 [4][16 r][4], the lower halves steps 0 to 3, the upper ones 4 to 7
 *   pairs            u8 [2][16 r][4], of the i-th bits 0 and 1 step 2i, then steps 4 + 2i, 2i + 1 and 5 + 2i
 *   triples          u8 [3][16 r][4], of the i-th bits 0 to 2 step 2i, bits 4 to 6 step 2i + 1, and bits 3 and 7 the
 *                    bits i of steps 6 and 7
 *   fives            u8 [5][16 r][4], of the i-th bits 0 to 4 step i; of step 5 bits 5 to 7 of the 0th, then bits 5
 *                    and 6 of the 1st; of step 6 the same of the 2nd and 3rd; of step 7 bits 5 to 7 of the 4th, then
 *                    bit 7 of the 3rd, then bit 7 of the 1st */
#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H
#include "kernels.h"

#define CK_STEPS (CK_BLOCK / 4)
#define CK_STEP_BYTES (4 * CK_GROUP)

#define CK_Q8_0_GROUP (CK_Q8_0_BYTES * CK_GROUP)
#define CK_Q4_0_GROUP (CK_Q4_0_BYTES * CK_GROUP)
#define CK_Q4_1_GROUP (CK_Q4_1_BYTES * CK_GROUP)
#define CK_Q5_0_GROUP (CK_Q5_0_BYTES * CK_GROUP)
#define CK_Q5_1_GROUP (CK_Q5_1_BYTES * CK_GROUP)
#define CK_Q2_K_GROUP ((8 + 16 + 64) * CK_GROUP)
#define CK_Q3_K_GROUP ((2 + 16 + 96) * CK_GROUP)
#define CK_Q4_K_GROUP (CK_Q4_K_BYTES * CK_GROUP)
#define CK_Q5_K_GROUP (CK_Q5_K_BYTES * CK_GROUP)
#define CK_Q6_K_GROUP (CK_Q6_K_BYTES * CK_GROUP)
#define CK_Q8_K_GROUP ((4 + 256) * CK_GROUP)
#define CK_IQ4_XS_GROUP ((2 + 8 + 128) * CK_GROUP)
#define CK_TQ2_0_GROUP (CK_TQ2_0_BYTES * CK_GROUP)

/* Blocks of 32 in one of 256. */
#define CK_PARTS (CK_SUPER_BLOCK / CK_BLOCK)
/* What the codes of a block of 32 take of a group. */
#define CK_NIBBLES_GROUP (16 * CK_GROUP)
#define CK_PAIRS_GROUP (8 * CK_GROUP)
#define CK_TRIPLES_GROUP (12 * CK_GROUP)
#define CK_FIVES_GROUP (20 * CK_GROUP)

#if defined(__clang__)
#define CK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CK_UNROLL _Pragma("GCC unroll 8")
#endif

/* How a block's integer sum enters the float sum; see ck_multiply_blocks_fn. */
enum ck_scaling {
    CK_PLAIN,    /* sum += dot * (scale * x.scale) */
    CK_FOURFOLD, /* the same, where a register's codes of the last four steps are 4 times what they stand for */
    CK_MINIMUMS, /* the same, then sum -= minimum * x.scaled_sum */
    CK_HALVES,   /* sum += (dot of the first 16 * first + dot of the last 16 * second) * (scale * x.scale) */
    CK_SMALL_HALVES, /* the same for codes below 8 and scales that, times their sums, fit a float exactly */
    /* sum += (scale * the same dots + minimum * (minimum of the first 16 * start[0] + of the last * start[1])) *
     * x.scale */
    CK_SMALL_HALVES_MINIMUMS,
};

/* The parameters of ck_multiply_blocks_fn, and their names. */
#define CK_BLOCKS_PARAMETERS                                                                                \
    size_t rows, size_t m, size_t k, const void *w, const ck_block *x, size_t x_stride,                     \
        const ck_block *packed, const float *bias, float *y, size_t y_stride
#define CK_BLOCKS_ARGUMENTS rows, m, k, w, x, x_stride, packed, bias, y, y_stride

/* Leaves out the first outputs, whole groups of these bytes. */
#define CK_SKIP_OUTPUTS(done, group_bytes)                                                                  \
    (m -= (done), w = (const uint8_t *)w + (done) / CK_GROUP * (group_bytes), y += (done),                  \
     bias = bias ? bias + (done) : bias)

/* One block of one weight row: value i is scale * q[i], less a constant of the type. */
typedef struct {
    int8_t q[CK_BLOCK];
    float scale, minimum, first, second;
    int16_t minimums[2];
} ck_weight_block;

static inline int32_t ck_dot_scalar(size_t n, const int8_t *w, const int8_t *x)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += w[i] * x[i];
    return sum;
}

/* Both starts of a block as 16-bit numbers, the first below: they are sums of 16 q where `zero` is 1. */
static inline int32_t ck_start_pair(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)second << 16 | (uint16_t)first);
}

/* One block's part of a float sum: the specification of the order and the roundings. */
static inline float ck_add_block_scalar(enum ck_scaling scaling, const ck_weight_block *w, const ck_block *x, float sum)
{
    float scale = w->scale * x->scale;
    if (scaling == CK_HALVES || scaling == CK_SMALL_HALVES || scaling == CK_SMALL_HALVES_MINIMUMS) {
        float first = (float)ck_dot_scalar(16, w->q, x->q), second = (float)ck_dot_scalar(16, w->q + 16, x->q + 16);
        float dots = fmaf(second, w->second, first * w->first);
        if (scaling != CK_SMALL_HALVES_MINIMUMS) return fmaf(dots, scale, sum);
        float minimums = (float)(w->minimums[0] * x->start[0] + w->minimums[1] * x->start[1]);
        return fmaf(fmaf(w->scale, dots, w->minimum * minimums), x->scale, sum);
    }
    sum = fmaf((float)ck_dot_scalar(CK_BLOCK, w->q, x->q), scale, sum);
    return scaling == CK_MINIMUMS ? fmaf(-w->minimum, x->scaled_sum, sum) : sum;
}

/* The code of element i among a row's nibbles, pairs, triples or fives. */
static inline uint8_t ck_nibble(const uint8_t *q, size_t i)
{
    return q[i / 4 % 4 * CK_STEP_BYTES + i % 4] >> (i / 16 * 4) & 15;
}

static inline uint8_t ck_pair(const uint8_t *q, size_t i)
{
    size_t step = i / 4 % 4;
    return q[step / 2 * CK_STEP_BYTES + i % 4] >> (step % 2 * 4 + i / 16 * 2) & 3;
}

static inline uint8_t ck_triple(const uint8_t *q, size_t i)
{
    size_t step = i / 4;
    q += i % 4;
    if (step < 6) return q[step / 2 * CK_STEP_BYTES] >> step % 2 * 4 & 7;
    uint8_t code = 0;
    for (size_t bit = 0; bit < 3; bit++) code |= (uint8_t)((q[bit * CK_STEP_BYTES] >> (step == 6 ? 3 : 7) & 1) << bit);
    return code;
}

static inline uint8_t ck_five(const uint8_t *q, size_t i)
{
    size_t step = i / 4;
    q += i % 4;
#define BITS(byte, low, mask) ((q[(byte) * CK_STEP_BYTES] >> (low)) & (mask))
    switch (step) {
    case 5: return (uint8_t)(BITS(0, 5, 7) | BITS(1, 5, 3) << 3);
    case 6: return (uint8_t)(BITS(2, 5, 7) | BITS(3, 5, 3) << 3);
    case 7: return (uint8_t)(BITS(4, 5, 7) | BITS(3, 7, 1) << 3 | BITS(1, 7, 1) << 4);
    default: return BITS(step, 0, 31);
    }
#undef BITS
}

typedef void ck_load_scalar_fn(const uint8_t *group, size_t block, size_t row, ck_weight_block *w);

/* The scalar multiplication for one type, whose loader reads one block of one row of a group. */
static inline void ck_multiply_blocks_scalar(ck_load_scalar_fn *load, enum ck_scaling scaling, size_t group_bytes,
                                             CK_BLOCKS_PARAMETERS)
{
    (void)packed;
    const uint8_t *group = w;
    for (size_t j = 0; j < m; j++) {
        if (j > 0 && j % CK_GROUP == 0) group += group_bytes;
        for (size_t r = 0; r < rows; r++) y[r * y_stride + j] = 0;
        for (size_t b = 0; b < k / CK_BLOCK; b++) {
            ck_weight_block block;
            load(group, b, j % CK_GROUP, &block);
            for (size_t r = 0; r < rows; r++) {
                float *sum = y + r * y_stride + j;
                *sum = ck_add_block_scalar(scaling, &block, x + r * x_stride + b, *sum);
            }
        }
        for (size_t r = 0; bias && r < rows; r++) y[r * y_stride + j] += bias[j];
    }
}

#endif
