/* Shared by the kernel files: declarations of every variant, the order of sums, and the polynomials.
 * Names are ck_<op>_<isa>; the contract of each is the typedef of its slot in ckernels.h. */
#ifndef CK_KERNELS_H
#define CK_KERNELS_H
#include "ckernels.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* Products of 8-bit integers, which have most variants. */
#define CK_DECLARE_PRODUCTS(isa)                                                                            \
    ck_multiply_blocks_fn ck_multiply_q8_0_##isa, ck_multiply_q4_0_##isa;                                   \
    ck_multiply_blocks_fn ck_multiply_q4_1_##isa, ck_multiply_q5_0_##isa, ck_multiply_q5_1_##isa;           \
    ck_multiply_blocks_fn ck_multiply_q2_k_##isa, ck_multiply_q3_k_##isa, ck_multiply_q4_k_##isa;           \
    ck_multiply_blocks_fn ck_multiply_q5_k_##isa, ck_multiply_q6_k_##isa, ck_multiply_q8_k_##isa;           \
    ck_multiply_blocks_fn ck_multiply_iq4_nl_##isa, ck_multiply_iq4_xs_##isa, ck_multiply_tq2_0_##isa;      \
    ck_block_logits_fn ck_attention_logits_q8_##isa, ck_attention_logits_q4_##isa;

/* What has variants for AVX-512, too. */
#define CK_DECLARE_WIDE(isa)                                                                                \
    ck_multiply_floats_fn ck_multiply_f32_##isa, ck_multiply_f16_##isa, ck_multiply_bf16_##isa;             \
    ck_quantize_fn ck_quantize_##isa;                                                                       \
    ck_attention_logits_fn ck_attention_logits_f32_##isa, ck_attention_logits_f16_##isa;                    \
    ck_attention_logits_fn ck_attention_logits_bf16_##isa;                                                  \
    ck_tile_logits_fn ck_tile_logits_f32_##isa;                                                             \
    ck_exp_sum_f32_fn ck_exp_sum_f32_##isa;                                                                 \
    ck_weighted_sum_fn ck_weighted_sum_f32_##isa, ck_weighted_sum_f16_##isa, ck_weighted_sum_bf16_##isa;    \
    ck_weighted_sum_fn ck_weighted_sum_q8_##isa, ck_weighted_sum_q4_##isa;                                  \
    ck_noisy_exp_sums_fn ck_noisy_exp_sums_f32_##isa;                                                       \
    ck_add_rows_fn ck_add_rows_f32_##isa;                                                                   \
    ck_silu_multiply_f32_fn ck_silu_multiply_f32_##isa;

ck_pack_rows_fn ck_pack_rows_scalar, ck_pack_rows_avx512;

/* The same, but for NEON. */
#define CK_DECLARE_CHOICES(isa)                                                                             \
    ck_gumbel_f32_fn ck_gumbel_f32_##isa;                                                                   \
    ck_argmin_newest_fn ck_argmin_newest_f32_##isa;

/* What has variants for AVX2 and NEON. */
#define CK_DECLARE_ELEMENTS(isa)                                                                            \
    ck_rms_norm_f32_fn ck_rms_norm_f32_##isa;                                                               \
    ck_add_f32_fn ck_add_f32_##isa;                                                                         \
    ck_gelu_f32_fn ck_gelu_tanh_f32_##isa;                                                                  \
    ck_rope_f32_fn ck_rope_half_f32_##isa, ck_rope_interleaved_f32_##isa;

/* Everything else. */
#define CK_DECLARE(isa)                                                                                     \
    ck_dequantize_fn ck_dequantize_f16_##isa, ck_dequantize_bf16_##isa;                                     \
    ck_dequantize_fn ck_dequantize_q8_0_##isa, ck_dequantize_q4_0_##isa;                                    \
    ck_to_f16_fn ck_to_f16_##isa, ck_to_bf16_##isa;                                                         \
    ck_to_rows_fn ck_to_q8_rows_##isa, ck_to_q4_rows_##isa;                                                 \
    ck_layer_norm_f32_fn ck_layer_norm_f32_##isa;                                                           \
    ck_multiply_elements_fn ck_multiply_elements_##isa;                                                     \
    ck_scale_fn ck_scale_##isa;                                                                             \
    ck_add_scaled_fn ck_add_scaled_##isa;                                                                   \
    ck_clamp_fn ck_clamp_##isa;                                                                             \
    ck_soft_cap_f32_fn ck_soft_cap_f32_##isa;                                                               \
    ck_gelu_f32_fn ck_gelu_erf_f32_##isa;                                                                   \
    ck_tile_keys_fn ck_tile_keys_f32_##isa, ck_tile_keys_f16_##isa, ck_tile_keys_bf16_##isa;                \
    ck_alibi_f32_fn ck_alibi_f32_##isa;

CK_DECLARE_PRODUCTS(scalar)
CK_DECLARE_WIDE(scalar)
CK_DECLARE_CHOICES(scalar)
CK_DECLARE_ELEMENTS(scalar)
CK_DECLARE(scalar)
/* Read one row at a time, so they have no variants. */
ck_dequantize_fn ck_dequantize_q4_1_scalar, ck_dequantize_q5_0_scalar, ck_dequantize_q5_1_scalar;
ck_dequantize_fn ck_dequantize_q2_k_scalar, ck_dequantize_q3_k_scalar, ck_dequantize_q4_k_scalar;
ck_dequantize_fn ck_dequantize_q5_k_scalar, ck_dequantize_q6_k_scalar, ck_dequantize_q8_k_scalar;
ck_dequantize_fn ck_dequantize_iq4_nl_scalar, ck_dequantize_iq4_xs_scalar;
ck_dequantize_fn ck_dequantize_tq1_0_scalar, ck_dequantize_tq2_0_scalar;
#if defined(__x86_64__)
CK_DECLARE_PRODUCTS(avx2)
CK_DECLARE_WIDE(avx2)
CK_DECLARE_CHOICES(avx2)
CK_DECLARE_ELEMENTS(avx2)
CK_DECLARE(avx2)
CK_DECLARE_PRODUCTS(avx512)
CK_DECLARE_WIDE(avx512)
CK_DECLARE_CHOICES(avx512)
#elif defined(__aarch64__)
CK_DECLARE_PRODUCTS(neon)
CK_DECLARE_WIDE(neon)
CK_DECLARE_ELEMENTS(neon)
CK_DECLARE_PRODUCTS(dotprod)
#endif

/* 1 where the CPU and the operating system run AVX2, FMA and F16C. */
int ck_cpu_has_avx2(void);
/* 1 where they run, besides, AVX-512 F, BW, DQ, VL and VNNI. */
int ck_cpu_has_avx512(void);
/* 1 where the CPU has, besides the NEON of every 64-bit ARM, the dot products of 8-bit integers. */
int ck_cpu_has_dotprod(void);

/* Elements of a GGUF block and of a K block, and the bytes of a block of each type. */
#define CK_BLOCK 32
#define CK_SUPER_BLOCK 256
#define CK_Q8_0_BYTES 34
#define CK_Q4_0_BYTES 18
#define CK_Q4_1_BYTES 20
#define CK_Q5_0_BYTES 22
#define CK_Q5_1_BYTES 24
#define CK_Q2_K_BYTES 84
#define CK_Q3_K_BYTES 110
#define CK_Q4_K_BYTES 144
#define CK_Q5_K_BYTES 176
#define CK_Q6_K_BYTES 210
#define CK_Q8_K_BYTES 292
#define CK_IQ4_NL_BYTES 18
#define CK_IQ4_XS_BYTES 136
#define CK_TQ1_0_BYTES 54
#define CK_TQ2_0_BYTES 66

/* Number of partial sums of the reductions other than products with weights. */
#define CK_LANES 8

static inline float ck_lanes_sum(const float s[CK_LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static inline uint32_t ck_bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float ck_float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Keys and values come from memory once per step. The processor's own prefetcher keeps a fraction of the bandwidth
 * busy while a kernel computes, so kernels ask for what they will read this many bytes later. */
#define CK_AHEAD 4096

/* What to ask for while rows are read: those CK_AHEAD behind, and when none are left what comes after them. */
typedef struct {
    const char *rows, *next;
    size_t turn; /* what stands here or later asks for `next` */
} ck_asking;

/* `count` rows of `bytes` each, after which the caller reads `ahead`; NULL: what stands behind them, which need not
 * exist. */
static inline ck_asking ck_asking_of(const void *rows, size_t count, size_t bytes, const void *ahead)
{
    ck_asking asking = {(const char *)rows + CK_AHEAD, (const char *)rows + CK_AHEAD, 0};
    if (!ahead) return asking;
    if (count * bytes > CK_AHEAD) asking.turn = count * bytes - CK_AHEAD;
    asking.next = (const char *)((uintptr_t)ahead - asking.turn);
    return asking;
}

/* Where to ask while the row at byte `at` is read: at `at` from here. */
static inline const char *ck_asked(const ck_asking *asking, size_t at)
{
    return at < asking->turn ? asking->rows : asking->next;
}

/* The value of f16 bits, exactly; a NaN keeps its payload and becomes quiet. */
static inline float ck_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 0x1F, fraction = h & 0x3FF;
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return ck_float_of(sign | ck_bits_of(magnitude));
    }
    if (exponent == 31) return ck_float_of(sign | 0x7F800000 | (fraction ? 0x400000 | fraction << 13 : 0));
    return ck_float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Bytes of a plain type's element. */
#define CK_SIZE(type) ((type) == CK_F32 ? sizeof(float) : sizeof(uint16_t))

/* Element `at` of an array of f32, f16 or bf16. */
static inline float ck_element(ck_type type, const void *elements, size_t at)
{
    if (type == CK_F32) return ((const float *)elements)[at];
    uint16_t bits = ((const uint16_t *)elements)[at];
    return type == CK_F16 ? ck_from_f16(bits) : ck_float_of((uint32_t)bits << 16);
}

static inline uint16_t ck_load_u16(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Weights are asked for so many bytes before they are used: memory is far, and the processor does not see it coming
 * among so much arithmetic. */
#define CK_AHEAD 4096

/* Asks for `bytes` of weights. They may lie past the matrix: asking never fails. */
static inline void ck_ask_for(const void *weights, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const void *)((uintptr_t)weights + i));
}

/* Asks for the `bytes` that stand CK_AHEAD behind `weights`. */
static inline void ck_ask_ahead(const void *weights, size_t bytes)
{
    ck_ask_for((const void *)((uintptr_t)weights + CK_AHEAD), bytes);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_AVX2 __attribute__((target("avx2,fma,f16c")))
#define CK_AVX2_INLINE static inline __attribute__((target("avx2,fma,f16c"), always_inline))

#define CK_AVX512_TARGET "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#define CK_AVX512 __attribute__((target(CK_AVX512_TARGET)))
#define CK_AVX512_INLINE static inline __attribute__((target(CK_AVX512_TARGET), always_inline))

/* ck_lanes_sum of one register. */
CK_AVX2_INLINE float ck_lanes_sum_avx2(__m256 s)
{
    __m128 t = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    t = _mm_add_ps(t, _mm_movehl_ps(t, t));
    return _mm_cvtss_f32(_mm_add_ss(t, _mm_movehdup_ps(t)));
}

/* ck_lanes_sum of eight registers at once: element j of the result belongs to s[j]. */
CK_AVX2_INLINE __m256 ck_lanes_sum8_avx2(const __m256 s[8])
{
    __m256 t[4], u[2];
    for (int j = 0; j < 4; j++)
        t[j] = _mm256_add_ps(_mm256_permute2f128_ps(s[j], s[j + 4], 0x20),
                             _mm256_permute2f128_ps(s[j], s[j + 4], 0x31));
    for (int j = 0; j < 2; j++)
        u[j] = _mm256_add_ps(_mm256_shuffle_ps(t[2 * j], t[2 * j + 1], 0x44),
                             _mm256_shuffle_ps(t[2 * j], t[2 * j + 1], 0xEE));
    return _mm256_add_ps(_mm256_shuffle_ps(u[0], u[1], 0x88), _mm256_shuffle_ps(u[0], u[1], 0xDD));
}

/* Mask of the first n < 8 lanes, for masked loads and stores. */
CK_AVX2_INLINE __m256i ck_tail_mask_avx2(size_t n)
{
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(mask + 8 - n));
}

/* The first n < 8 values of two bytes at h, zeros after them; reads nothing past them. */
CK_AVX2_INLINE __m128i ck_load_u16_tail_avx2(const uint16_t *h, size_t n)
{
    uint16_t padded[8] = {0};
    memcpy(padded, h, n * sizeof *h);
    return _mm_loadu_si128((const __m128i *)padded);
}

/* Eight elements of f32, f16 or bf16 from `at` on, or `count` < 8 and zeros; type is a constant at each call. */
CK_AVX2_INLINE __m256 ck_load_avx2(ck_type type, const void *elements, size_t at, size_t count)
{
    if (type == CK_F32) {
        const float *wide = (const float *)elements + at;
        return count < 8 ? _mm256_maskload_ps(wide, ck_tail_mask_avx2(count)) : _mm256_loadu_ps(wide);
    }
    const uint16_t *half = (const uint16_t *)elements + at;
    __m128i bits = count < 8 ? ck_load_u16_tail_avx2(half, count) : _mm_loadu_si128((const __m128i *)half);
    if (type == CK_F16) return _mm256_cvtph_ps(bits);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
#endif

#endif
