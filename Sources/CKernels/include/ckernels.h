/* SIMD and scalar kernels behind one table of function pointers. Allocates nothing, knows no model.
 *
 * Order of sums. Products with weights are summed as their contracts below say. Every other reduction over n elements
 * uses LANES = 8 partial sums: element i goes to partial sum i % 8, in
 * rising order of i, by fused multiply-add (or plain add); a short tail is padded with zeros. The eight sums are then
 * added as ((s0+s4)+(s2+s6)) + ((s1+s5)+(s3+s7)). Every variant keeps this order and the same polynomials, so the
 * scalar reference and the SIMD variants agree bit for bit (but for the payload of a NaN), and a result does not depend
 * on how rows were grouped, how many rows there were or which thread ran them.
 *
 * Conventions: n, m, k count elements and may be 0 unless said. Pointers need the natural alignment of their type. No
 * aliasing unless said. Nothing outside the stated arrays is read or written. Kernels cannot fail; preconditions are
 * asserted. */
#ifndef CKERNELS_H
#define CKERNELS_H
#include <stddef.h>
#include <stdint.h>

/* Element types of weights; the quantised ones have GGUF's layouts (Tensors/DType.swift). */
typedef enum {
    CK_F32, CK_F16, CK_BF16,
    CK_Q8_0, CK_Q4_0, CK_Q4_1, CK_Q5_0, CK_Q5_1, CK_IQ4_NL,
    CK_Q2_K, CK_Q3_K, CK_Q4_K, CK_Q5_K, CK_Q6_K, CK_Q8_K, CK_IQ4_XS, CK_TQ1_0, CK_TQ2_0
} ck_type;

/* Weights are packed before use: CK_GROUP rows at a time, which then stand side by side (layouts in blocks.h). */
#define CK_GROUP 16
/* Bytes of a packed group of rows of k elements: those of CK_GROUP rows in the file, but for Q2_K (88 for 84), Q3_K
 * (114 for 110), Q8_K (260 for 292), IQ4_XS (138 for 136) and TQ1_0 (66 for 54). k fills whole blocks. */
size_t ck_group_bytes(ck_type type, size_t k);
/* Packs `rows` <= CK_GROUP rows of k elements, which stand row_bytes apart, into a group. Missing rows are zeros. */
void ck_pack(ck_type type, size_t rows, size_t k, size_t row_bytes, const void *w, void *group);

/* y[r*y_stride + j] = (sum over i of w[j, i] * x[r*x_stride + i]) + bias[j], for r < rows and j < m, as one chain of
 * fused multiply-adds from 0 over rising i. w is a packed [m, k] matrix of the type in the name, x is [rows, k] f32,
 * y is [rows, m]; strides count elements. bias may be NULL (nothing is added). */
typedef void ck_multiply_floats_fn(size_t rows, size_t m, size_t k, const void *w, const float *x, size_t x_stride,
                                   const float *bias, float *y, size_t y_stride);

/* 32 activations as 8-bit integers: value i is scale * q[i], -127 <= q[i] <= 127. */
typedef struct {
    float scale;
    float scaled_sum; /* scale * sum of q */
    int32_t start[2]; /* minus zero * sum of q, see ck_quantize_fn */
    int8_t q[32];
} ck_block;

/* y[b] = x[32b ..< 32b + 32] for the n / 32 blocks. n % 32 == 0. scale = largest magnitude / 127, q to nearest even of
 * x * (127 / largest magnitude). A block below 2^-100 counts as zeros; one with NaN or infinity has the scale NaN, so
 * that everything it is multiplied with becomes NaN. `zero` is the stored weight that stands for 0: with span 32,
 * start[0] = -zero * sum of q and start[1] = 0; with span 16, start[h] is of half h. */
typedef void ck_quantize_fn(size_t n, int32_t zero, size_t span, const float *x, ck_block *y);

/* Puts the blocks of some rows side by side, as the same table's multiplications read them best: `blocks` of each of
 * `rows` rows, which stand at a distance of x_stride. `packed` has room for as many of them as fill the rows up to a
 * multiple of the table's packed_rows. Does nothing where that is 1. */
typedef void ck_pack_rows_fn(size_t rows, size_t blocks, const ck_block *x, size_t x_stride, ck_block *packed);

/* y[r*y_stride + j] = (sum over i of w[j, i] * x[r, i]) + bias[j], for r < rows and j < m. w is a packed [m, k] matrix
 * of the type in the name, x is [rows, k / 32] blocks at a distance of x_stride blocks, quantised for the type, and
 * `packed` what the table's pack_rows makes of them, which fewer rows than half of its packed_rows need not. zero and
 * span are
 *   128, 32 for Q8_0, Q8_K, IQ4_NL, IQ4_XS    16, 32 for Q5_0    8, 32 for Q4_0    1, 32 for TQ2_0 (and TQ1_0)
 *   0, 32 for Q4_1, Q5_1, Q4_K, Q5_K          32, 16 for Q6_K    4, 16 for Q3_K    1, 16 for Q2_K
 * bias may be NULL (nothing is added).
 * The integer sums of a block are exact; blocks enter one float sum in rising order, with s = w.scale * x.scale and
 * w.scale = d, times sc for Q4_K, Q5_K and IQ4_XS:
 *   Q8_0, Q4_0, Q5_0, Q8_K, IQ4, TQ   sum = fma(dot, s, sum)
 *   Q4_1, Q5_1       sum = fma(m, x.scaled_sum, fma(dot, s, sum))
 *   Q4_K, Q5_K       sum = fma(-(dmin * m), x.scaled_sum, fma(dot, s, sum))
 *   Q3_K, Q6_K       sum = fma(fma(dot of the second half, sc2, dot of the first half * sc1), s, sum)
 *   Q2_K             sum = fma(fma(d, dots as above, dmin * (m1 * start[0] + m2 * start[1])), x.scale, sum) */
typedef void ck_multiply_blocks_fn(size_t rows, size_t m, size_t k, const void *w, const ck_block *x, size_t x_stride,
                                   const ck_block *packed, const float *bias, float *y, size_t y_stride);

/* y[i] = value of the i-th element, i < n; n fills whole blocks of the type (see Tensors/DType.swift for layouts).
 * The values are exact. w may have any alignment. */
typedef void ck_dequantize_fn(size_t n, const void *w, float *y);

/* y[i] = f16 or bf16 bits of x[i], round to nearest even (overflow gives infinity, NaN stays NaN). */
typedef void ck_to_f16_fn(size_t n, const float *x, uint16_t *y);

/* Stores n rows of d elements in blocks of 32, filled up with zeros, side by side without room between them:
 *   Q8   { bf16 scale[blocks]; s8 q[blocks][32] }   value scale * q
 *   Q4   { bf16 scale[blocks]; u8 q[blocks][16] }   value scale * (q - 8); byte i has element i (low) and i + 16 (high)
 * scale = largest magnitude / 127, or for Q4 the value of largest magnitude (the positive one of two) / -8, rounded
 * away from zero; q to nearest even of x * (1 / scale), for Q4 at most 7 more than 8. A block below 2^-100 has the
 * scale 0; one with NaN or infinity the scale NaN. `rows` may have any alignment. */
typedef void ck_to_rows_fn(size_t n, size_t d, const float *x, void *rows);

/* y[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i], n >= 1. y may be x. */
typedef void ck_rms_norm_f32_fn(size_t n, float eps, const float *x, const float *weight, float *y);

/* y[i] = (x[i] - mean) / sqrt(var + eps) * weight[i] + bias[i]; bias may be NULL (0). n >= 1.
 * y may be x. */
typedef void ck_layer_norm_f32_fn(size_t n, float eps, const float *x, const float *weight, const float *bias,
                                  float *y);

/* y[i] += x[i]. */
typedef void ck_add_f32_fn(size_t n, const float *x, float *y);

/* y[i] *= x[i]. */
typedef void ck_multiply_elements_fn(size_t n, const float *x, float *y);

/* x[i] *= factor. */
typedef void ck_scale_fn(size_t n, float factor, float *x);

/* y[i] = fma(factor, x[i], y[i]). */
typedef void ck_add_scaled_fn(size_t n, float factor, const float *x, float *y);

/* x[i] = x[i] brought between -bound and bound; NaN stays. bound > 0. */
typedef void ck_clamp_fn(size_t n, float bound, float *x);

/* x[i] = cap * tanh(x[i] / cap), within 2e-7 * cap of the mathematical value. cap > 0. */
typedef void ck_soft_cap_f32_fn(size_t n, float cap, float *x);

/* y[i] = silu(gate[i]) * up[i]. y may be gate. */
typedef void ck_silu_multiply_f32_fn(size_t n, const float *gate, const float *up, float *y);

/* x[i] = gelu(x[i]) for finite x[i]; "tanh" is gelu_new, 0.5x(1+tanh(sqrt(2/pi)(x+0.044715x^3))); "erf" is the exact
 * one, 0.5x(1+erf(x/sqrt 2)).
 * Both are within 1e-6 absolute of the mathematical value for |x| <= 20. */
typedef void ck_gelu_f32_fn(size_t n, float *x);

/* Rotates pairs of one head in place. cosine and sine are [n_pairs].
 * half: pairs (x[i], x[i+n_pairs]); interleaved: pairs (x[2i], x[2i+1]). Elements past 2*n_pairs stay. */
typedef void ck_rope_f32_fn(size_t n_pairs, const float *cosine, const float *sine, float *x);

/* logits[g*stride + j] = scale * (q[g*q_stride ...] . key[j]) for g < heads and j < n, where keys are read once for
 * some heads together. q is [heads, d] f32; keys is [n, d] of the type in the name. `ahead`, unless NULL, is what the
 * caller reads next: some KiB of it may be asked for meanwhile, whether they exist or not. */
typedef void ck_attention_logits_fn(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                    const void *keys, float *logits, size_t stride, const void *ahead);

/* logits[g*stride + j] = scale * (sum over blocks b of dot * (key scale * query scale)), b rising, one fma from 0 for
 * each, where dot is the exact sum of q * q over the block. q is [heads, ceil(d / 32)] blocks at a distance of q_stride
 * blocks, quantised with span 32 and zero 128 for Q8 or 8 for Q4, zeros after the d-th element; keys is [n, d] as
 * ck_to_rows_fn stores it. `ahead` as above. */
typedef void ck_block_logits_fn(size_t heads, size_t n, size_t d, float scale, const ck_block *q, size_t q_stride,
                                const void *keys, float *logits, size_t stride, const void *ahead);

/* Keys side by side for many queries: [ceil(n / CK_KEY_TILE), d, CK_KEY_TILE] f32, zeros after the n-th. keys is [n, d]
 * of the type in the name. */
#define CK_KEY_TILE 16
typedef void ck_tile_keys_fn(size_t n, size_t d, const void *keys, float *tiles);

/* ck_attention_logits_fn, with its bits, for keys that ck_tile_keys_fn wrote. n counts up to whole tiles: logits rows
 * have room for that, and what stands past the n-th logit means nothing. */
typedef void ck_tile_logits_fn(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                               const float *tiles, float *logits, size_t stride);

/* logits[j] += slope * (positions[j] - query_position): ALiBi (Press et al., arXiv 2108.12409). */
typedef void ck_alibi_f32_fn(size_t n, float slope, int32_t query_position, const int32_t *positions, float *logits);

/* In place: x[j] = exp(x[j] - max) with max, which is written too, the largest x[j] (NaN passed over); returns the sum
 * of the new x[j]. n >= 1. The sum becomes NaN where an x[j] is NaN or +infinity or none is finite. */
typedef float ck_exp_sum_f32_fn(size_t n, float *x, float *max);

/* out[g*stride + i] = (accumulate ? out[g*stride + i] : 0) + sum over j of p[g*p_stride + j] * values[j*d + i], j
 * rising, one fma per j, for g < heads; values are read once for some heads together. values is [n, d] of the type in
 * the name, out is [heads, d]. For Q8 and Q4 the fma takes (p * scale) and q. `ahead` as for the logits. */
typedef void ck_weighted_sum_fn(size_t heads, size_t n, size_t d, const float *p, size_t p_stride, const void *values,
                                int accumulate, float *out, size_t stride, const void *ahead);

/* What Keyformer's score (arXiv 2403.09054, Algorithm 1) is made of, for the query heads that share n entries. In
 * place: rows[h*stride + j] = exp(x - max) with x = (rows[h*stride + j] + noise of h and j) * inverse_tau and max,
 * which goes to maxima[h*step], the largest x of the head (NaN passed over); sums[h*step] = the sum of the head's new
 * elements, for h < heads. n >= 1. The noise is noise[positions[j]*heads + h], where CK_NOISE_SLACK more floats can be
 * read behind the last one; noise[h*noise_stride + j] where positions is NULL; and 0 where noise is NULL, too.
 * `ahead`, unless NULL, is what the caller reads next: some of it may be asked for meanwhile. */
#define CK_NOISE_SLACK 3
typedef void ck_noisy_exp_sums_fn(size_t heads, size_t n, float inverse_tau, const float *noise, size_t noise_stride,
                                  const int32_t *positions, float *rows, size_t stride, float *maxima, float *sums,
                                  size_t step, const void *ahead);

/* y[j] += rows[h*stride + j] * weights[h*step], h < heads rising, one fma each. */
typedef void ck_add_rows_fn(size_t heads, size_t n, const float *weights, size_t step, const float *rows, size_t stride,
                            float *y);

/* Gumbel(0,1) noise of one (layer, query head): noise[j] = -ln(-ln u(seed, layer, head, positions[j], qtag)), computed
 * in double and rounded to float. prefix = absorb(absorb(seed, layer), head), see ck_absorb.
 * SIMD variants, which agree among each other, may differ from the scalar one by 1e-6 absolute in -ln(-ln u). */
typedef void ck_gumbel_f32_fn(size_t n, uint64_t prefix, const int32_t *positions, uint64_t qtag, float *noise);

/* Index of the smallest x[j] among those with lowest <= positions[j] <= highest, or n where there is none. Among equals
 * the largest position wins (the older token survives); NaN counts as infinity. Positions are distinct and
 * lowest > INT32_MIN. */
typedef size_t ck_argmin_newest_fn(size_t n, const float *x, const int32_t *positions, int32_t lowest, int32_t highest);

/* Writes n values, which fill whole blocks, as blocks of the type: one of BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K,
 * Q5_K and Q6_K. Scales are searched for the least squared error. The bytes are the same on every CPU. The values are
 * such that ck_is_encodable. */
void ck_encode(ck_type type, size_t n, const float *x, void *w);
/* 1 where no value is NaN or larger than the largest f16. */
int ck_is_encodable(size_t n, const float *x);

typedef struct {
    const char *isa; /* "scalar"; "avx2", "avx512" on x86; "neon", "dotprod" on arm64 */
    ck_multiply_floats_fn *multiply_f32, *multiply_f16, *multiply_bf16;
    ck_multiply_blocks_fn *multiply_q8_0, *multiply_q4_0, *multiply_q4_1, *multiply_q5_0, *multiply_q5_1;
    ck_multiply_blocks_fn *multiply_q2_k, *multiply_q3_k, *multiply_q4_k, *multiply_q5_k, *multiply_q6_k;
    ck_multiply_blocks_fn *multiply_q8_k, *multiply_iq4_nl, *multiply_iq4_xs, *multiply_tq2_0;
    ck_quantize_fn *quantize;
    ck_pack_rows_fn *pack_rows;
    size_t packed_rows; /* that stand side by side: 16, or 1 where multiplications read rows where they are */
    ck_dequantize_fn *dequantize_f16, *dequantize_bf16, *dequantize_q8_0, *dequantize_q4_0;
    ck_dequantize_fn *dequantize_q4_1, *dequantize_q5_0, *dequantize_q5_1, *dequantize_q2_k, *dequantize_q3_k;
    ck_dequantize_fn *dequantize_q4_k, *dequantize_q5_k, *dequantize_q6_k, *dequantize_q8_k;
    ck_dequantize_fn *dequantize_iq4_nl, *dequantize_iq4_xs, *dequantize_tq1_0, *dequantize_tq2_0;
    ck_to_f16_fn *to_f16, *to_bf16;
    ck_to_rows_fn *to_q8_rows, *to_q4_rows;
    ck_rms_norm_f32_fn *rms_norm_f32;
    ck_layer_norm_f32_fn *layer_norm_f32;
    ck_add_f32_fn *add_f32;
    ck_multiply_elements_fn *multiply_elements;
    ck_scale_fn *scale;
    ck_add_scaled_fn *add_scaled;
    ck_clamp_fn *clamp;
    ck_soft_cap_f32_fn *soft_cap_f32;
    ck_silu_multiply_f32_fn *silu_multiply_f32;
    ck_gelu_f32_fn *gelu_tanh_f32, *gelu_erf_f32;
    ck_rope_f32_fn *rope_half_f32, *rope_interleaved_f32;
    ck_attention_logits_fn *attention_logits_f32, *attention_logits_f16, *attention_logits_bf16;
    ck_block_logits_fn *attention_logits_q8, *attention_logits_q4;
    ck_tile_keys_fn *tile_keys_f32, *tile_keys_f16, *tile_keys_bf16;
    ck_tile_logits_fn *tile_logits_f32;
    ck_alibi_f32_fn *alibi_f32;
    ck_exp_sum_f32_fn *exp_sum_f32;
    ck_weighted_sum_fn *weighted_sum_f32, *weighted_sum_f16, *weighted_sum_bf16, *weighted_sum_q8, *weighted_sum_q4;
    ck_noisy_exp_sums_fn *noisy_exp_sums_f32;
    ck_add_rows_fn *add_rows_f32;
    ck_gumbel_f32_fn *gumbel_f32;
    ck_argmin_newest_fn *argmin_newest_f32;
} ck_table;

/* The scalar reference: the specification that every variant is tested against. */
const ck_table *ck_table_scalar(void);
/* The table of that name, or NULL where there is none or this CPU does not run it. Thread-safe. */
const ck_table *ck_table_named(const char *isa);
/* The best table for this CPU; every slot is filled. Thread-safe, constant over the process's life. */
const ck_table *ck_table_best(void);

/* One SplitMix64 output step of (h xor v), all arithmetic mod 2^64: the noise generator's hash. */
uint64_t ck_absorb(uint64_t h, uint64_t v);
/* u = ((bits >> 12) + 0.5) * 2^-52, strictly between 0 and 1. */
double ck_uniform(uint64_t bits);
/* -ln(-ln u). */
double ck_gumbel(double u);

/* Gives memory that the allocator keeps for later back to the system, where it can be asked to. Thread-safe. */
void ck_release_free_memory(void);

/* Tells the CPU that the calling thread is looping until another one writes. */
static inline void ck_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
