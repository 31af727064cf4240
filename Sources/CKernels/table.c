#include "packed_rows.h"

/* Products of 8-bit integers. */
#define CK_PRODUCTS(name)                                                                                   \
    .multiply_q8_0 = ck_multiply_q8_0_##name,                                                               \
    .multiply_q4_0 = ck_multiply_q4_0_##name,                                                               \
    .multiply_q4_1 = ck_multiply_q4_1_##name,                                                               \
    .multiply_q5_0 = ck_multiply_q5_0_##name,                                                               \
    .multiply_q5_1 = ck_multiply_q5_1_##name,                                                               \
    .multiply_q2_k = ck_multiply_q2_k_##name,                                                               \
    .multiply_q3_k = ck_multiply_q3_k_##name,                                                               \
    .multiply_q4_k = ck_multiply_q4_k_##name,                                                               \
    .multiply_q5_k = ck_multiply_q5_k_##name,                                                               \
    .multiply_q6_k = ck_multiply_q6_k_##name,                                                               \
    .multiply_q8_k = ck_multiply_q8_k_##name,                                                               \
    .multiply_iq4_nl = ck_multiply_iq4_nl_##name,                                                           \
    .multiply_iq4_xs = ck_multiply_iq4_xs_##name,                                                           \
    .multiply_tq2_0 = ck_multiply_tq2_0_##name,                                                             \
    .attention_logits_q8 = ck_attention_logits_q8_##name,                                                   \
    .attention_logits_q4 = ck_attention_logits_q4_##name

/* Slots with variants for AVX-512 and NEON. */
#define CK_WIDE(name)                                                                                       \
    .multiply_f32 = ck_multiply_f32_##name,                                                                 \
    .multiply_f16 = ck_multiply_f16_##name,                                                                 \
    .multiply_bf16 = ck_multiply_bf16_##name,                                                               \
    .quantize = ck_quantize_##name,                                                                         \
    .attention_logits_f32 = ck_attention_logits_f32_##name,                                                 \
    .attention_logits_f16 = ck_attention_logits_f16_##name,                                                 \
    .attention_logits_bf16 = ck_attention_logits_bf16_##name,                                               \
    .exp_sum_f32 = ck_exp_sum_f32_##name,                                                                   \
    .weighted_sum_f32 = ck_weighted_sum_f32_##name,                                                         \
    .weighted_sum_f16 = ck_weighted_sum_f16_##name,                                                         \
    .weighted_sum_bf16 = ck_weighted_sum_bf16_##name,                                                       \
    .weighted_sum_q8 = ck_weighted_sum_q8_##name,                                                           \
    .weighted_sum_q4 = ck_weighted_sum_q4_##name,                                                           \
    .noisy_exp_sums_f32 = ck_noisy_exp_sums_f32_##name,                                                     \
    .add_rows_f32 = ck_add_rows_f32_##name,                                                                 \
    .tile_logits_f32 = ck_tile_logits_f32_##name,                                                           \
    .silu_multiply_f32 = ck_silu_multiply_f32_##name

/* Rows of activations side by side, of which only some variants make use. */
#define CK_PACKING(name, rows) .pack_rows = ck_pack_rows_##name, .packed_rows = rows

/* Slots with variants for AVX-512, but not for NEON. */
#define CK_CHOICES(name)                                                                                    \
    .gumbel_f32 = ck_gumbel_f32_##name,                                                                     \
    .argmin_newest_f32 = ck_argmin_newest_f32_##name

/* Slots with variants for AVX2 and NEON. */
#define CK_ELEMENTS(name)                                                                                   \
    .rms_norm_f32 = ck_rms_norm_f32_##name,                                                                 \
    .add_f32 = ck_add_f32_##name,                                                                           \
    .gelu_tanh_f32 = ck_gelu_tanh_f32_##name,                                                               \
    .rope_half_f32 = ck_rope_half_f32_##name,                                                               \
    .rope_interleaved_f32 = ck_rope_interleaved_f32_##name

/* All other slots. On arm64 the compiler makes NEON of the scalar ones, as far as it can. */
#define CK_OTHERS(name)                                                                                     \
    .dequantize_q4_1 = ck_dequantize_q4_1_scalar,                                                           \
    .dequantize_q5_0 = ck_dequantize_q5_0_scalar,                                                           \
    .dequantize_q5_1 = ck_dequantize_q5_1_scalar,                                                           \
    .dequantize_q2_k = ck_dequantize_q2_k_scalar,                                                           \
    .dequantize_q3_k = ck_dequantize_q3_k_scalar,                                                           \
    .dequantize_q4_k = ck_dequantize_q4_k_scalar,                                                           \
    .dequantize_q5_k = ck_dequantize_q5_k_scalar,                                                           \
    .dequantize_q6_k = ck_dequantize_q6_k_scalar,                                                           \
    .dequantize_q8_k = ck_dequantize_q8_k_scalar,                                                           \
    .dequantize_iq4_nl = ck_dequantize_iq4_nl_scalar,                                                       \
    .dequantize_iq4_xs = ck_dequantize_iq4_xs_scalar,                                                       \
    .dequantize_tq1_0 = ck_dequantize_tq1_0_scalar,                                                         \
    .dequantize_tq2_0 = ck_dequantize_tq2_0_scalar,                                                         \
    .dequantize_f16 = ck_dequantize_f16_##name,                                                             \
    .dequantize_bf16 = ck_dequantize_bf16_##name,                                                           \
    .dequantize_q8_0 = ck_dequantize_q8_0_##name,                                                           \
    .dequantize_q4_0 = ck_dequantize_q4_0_##name,                                                           \
    .to_f16 = ck_to_f16_##name,                                                                             \
    .to_bf16 = ck_to_bf16_##name,                                                                           \
    .to_q8_rows = ck_to_q8_rows_##name,                                                                     \
    .to_q4_rows = ck_to_q4_rows_##name,                                                                     \
    .layer_norm_f32 = ck_layer_norm_f32_##name,                                                             \
    .multiply_elements = ck_multiply_elements_##name,                                                       \
    .scale = ck_scale_##name,                                                                               \
    .add_scaled = ck_add_scaled_##name,                                                                     \
    .clamp = ck_clamp_##name,                                                                               \
    .soft_cap_f32 = ck_soft_cap_f32_##name,                                                                 \
    .gelu_erf_f32 = ck_gelu_erf_f32_##name,                                                                 \
    .tile_keys_f32 = ck_tile_keys_f32_##name,                                                               \
    .tile_keys_f16 = ck_tile_keys_f16_##name,                                                               \
    .tile_keys_bf16 = ck_tile_keys_bf16_##name,                                                             \
    .alibi_f32 = ck_alibi_f32_##name

/* The tables are constants, so nothing is filled at run time and no thread can see a half-made one. */
static const ck_table scalar_table = {
    .isa = "scalar", CK_PACKING(scalar, 1), CK_PRODUCTS(scalar), CK_WIDE(scalar), CK_CHOICES(scalar),
    CK_ELEMENTS(scalar), CK_OTHERS(scalar)};
#if defined(__x86_64__)
static const ck_table avx2_table = {
    .isa = "avx2", CK_PACKING(scalar, 1), CK_PRODUCTS(avx2), CK_WIDE(avx2), CK_CHOICES(avx2),
    CK_ELEMENTS(avx2), CK_OTHERS(avx2)};
static const ck_table avx512_table = {
    .isa = "avx512", CK_PACKING(avx512, CK_PACKED_ROWS_AVX512), CK_PRODUCTS(avx512), CK_WIDE(avx512),
    CK_CHOICES(avx512), CK_ELEMENTS(avx2), CK_OTHERS(avx2)};
#elif defined(__aarch64__)
static const ck_table neon_table = {
    .isa = "neon", CK_PACKING(scalar, 1), CK_PRODUCTS(neon), CK_WIDE(neon), CK_CHOICES(scalar),
    CK_ELEMENTS(neon), CK_OTHERS(scalar)};
static const ck_table dotprod_table = {
    .isa = "dotprod", CK_PACKING(scalar, 1), CK_PRODUCTS(dotprod), CK_WIDE(neon), CK_CHOICES(scalar),
    CK_ELEMENTS(neon), CK_OTHERS(scalar)};
#endif

/* A slot added to ck_table and forgotten above would be a null pointer: found here, not in a request. */
static int is_complete(const ck_table *table)
{
    static const char zeros[sizeof(void *)] = {0};
    const char *bytes = (const char *)table;
    for (size_t at = 0; at < sizeof *table; at += sizeof(void *))
        if (memcmp(bytes + at, zeros, sizeof zeros) == 0) return 0;
    return 1;
}

const ck_table *ck_table_scalar(void)
{
    assert(is_complete(&scalar_table));
    return &scalar_table;
}

const ck_table *ck_table_named(const char *isa)
{
#if defined(__x86_64__)
    if (strcmp(isa, "avx512") == 0) {
        assert(is_complete(&avx512_table));
        return ck_cpu_has_avx512() ? &avx512_table : NULL;
    }
    if (strcmp(isa, "avx2") == 0) {
        assert(is_complete(&avx2_table));
        return ck_cpu_has_avx2() ? &avx2_table : NULL;
    }
#elif defined(__aarch64__)
    if (strcmp(isa, "dotprod") == 0) {
        assert(is_complete(&dotprod_table));
        return ck_cpu_has_dotprod() ? &dotprod_table : NULL;
    }
    if (strcmp(isa, "neon") == 0) {
        assert(is_complete(&neon_table));
        return &neon_table;
    }
#endif
    return strcmp(isa, "scalar") == 0 ? ck_table_scalar() : NULL;
}

const ck_table *ck_table_best(void)
{
    static const char *const fastest_first[] = {"avx512", "avx2", "dotprod", "neon"};
    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        const ck_table *table = ck_table_named(fastest_first[i]);
        if (table) return table;
    }
    return ck_table_scalar();
}
