/* The layouts of packed weights and the arithmetic on them that every variant keeps.
 *
 * A group is CK_GROUP weight rows; what belongs to the same place of the 16 rows stands side by side, so that one
 * register holds one number of each row. A group takes the bytes of its rows in the file. Missing rows of the last
 * group are zeros. With r the row in the group, a group is a sequence of
 *   F32, F16, BF16   value[16 r] for each i of k
 *   Q8_0             { f16 d[16 r]; u8 q[8 steps][16 r][4] } for each block of 32; q is 128 more than in the file
 *   Q4_0             { f16 d[16 r]; u8 q[4 steps][16 r][4] } for each block of 32; nibbles as in the file
 *   Q4_K             { f16 d[16 r], dmin[16 r]; u8 scales[12][16 r]; u8 q[4][8 steps][16 r][4] } for each 256
 *   Q6_K             { f16 d[16 r]; s8 scales[16][16 r]; u8 low[2][16 steps][16 r][4]; u8 high[2][8 steps][16 r][4] }
 * where the four bytes of a step are neighbours in the file's block. */
#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H
#include "kernels.h"

#define CK_STEPS (CK_BLOCK / 4)
#define CK_STEP_BYTES (4 * CK_GROUP)

#define CK_Q8_0_GROUP (CK_Q8_0_BYTES * CK_GROUP)
#define CK_Q4_0_GROUP (CK_Q4_0_BYTES * CK_GROUP)
#define CK_Q4_K_GROUP (CK_Q4_K_BYTES * CK_GROUP)
#define CK_Q6_K_GROUP (CK_Q6_K_BYTES * CK_GROUP)

/* How a block's integer sum enters the float sum; see ck_multiply_blocks_fn. */
enum ck_scaling {
    CK_PLAIN,    /* sum += dot * (scale * x.scale) */
    CK_MINIMUMS, /* the same, then sum -= minimum * x.scaled_sum */
    CK_HALVES,   /* sum += (dot of the first 16 * first + dot of the last 16 * second) * (scale * x.scale) */
};

/* The parameters of ck_multiply_blocks_fn, and their names. */
#define CK_BLOCKS_PARAMETERS                                                                                \
    size_t rows, size_t m, size_t k, const void *w, const ck_block *x, size_t x_stride, const float *bias,  \
        float *y, size_t y_stride
#define CK_BLOCKS_ARGUMENTS rows, m, k, w, x, x_stride, bias, y, y_stride

/* One block of one weight row: value i is scale * q[i], less a constant of the type. */
typedef struct {
    int8_t q[CK_BLOCK];
    float scale, minimum, first, second;
} ck_weight_block;

static inline int32_t ck_dot_scalar(size_t n, const int8_t *w, const int8_t *x)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += w[i] * x[i];
    return sum;
}

/* One block's part of a float sum: the specification of the order and the roundings. */
static inline float ck_add_block_scalar(enum ck_scaling scaling, const ck_weight_block *w, const ck_block *x, float sum)
{
    float scale = w->scale * x->scale;
    if (scaling == CK_HALVES) {
        float first = (float)ck_dot_scalar(16, w->q, x->q), second = (float)ck_dot_scalar(16, w->q + 16, x->q + 16);
        return fmaf(fmaf(second, w->second, first * w->first), scale, sum);
    }
    sum = fmaf((float)ck_dot_scalar(CK_BLOCK, w->q, x->q), scale, sum);
    return scaling == CK_MINIMUMS ? fmaf(-w->minimum, x->scaled_sum, sum) : sum;
}

typedef void ck_load_scalar_fn(const uint8_t *group, size_t block, size_t row, ck_weight_block *w);

/* The scalar multiplication for one type, whose loader reads one block of one row of a group. */
static inline void ck_multiply_blocks_scalar(ck_load_scalar_fn *load, enum ck_scaling scaling, size_t group_bytes,
                                             CK_BLOCKS_PARAMETERS)
{
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
