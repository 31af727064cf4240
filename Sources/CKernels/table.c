#include "kernels.h"

#define CK_TABLE(name)                                                                                      \
    {                                                                                                       \
        .isa = #name,                                                                                       \
        .matmul_f32 = ck_matmul_f32_##name,                                                                 \
        .dequantize_f16 = ck_dequantize_f16_##name,                                                         \
        .dequantize_bf16 = ck_dequantize_bf16_##name,                                                       \
        .dequantize_q8_0 = ck_dequantize_q8_0_##name,                                                       \
        .dequantize_q4_0 = ck_dequantize_q4_0_##name,                                                       \
        .to_f16 = ck_to_f16_##name,                                                                         \
        .rms_norm_f32 = ck_rms_norm_f32_##name,                                                             \
        .layer_norm_f32 = ck_layer_norm_f32_##name,                                                         \
        .add_f32 = ck_add_f32_##name,                                                                       \
        .silu_multiply_f32 = ck_silu_multiply_f32_##name,                                                   \
        .gelu_tanh_f32 = ck_gelu_tanh_f32_##name,                                                           \
        .gelu_erf_f32 = ck_gelu_erf_f32_##name,                                                             \
        .rope_half_f32 = ck_rope_half_f32_##name,                                                           \
        .rope_interleaved_f32 = ck_rope_interleaved_f32_##name,                                             \
        .attention_logits_f32 = ck_attention_logits_f32_##name,                                             \
        .attention_logits_f16 = ck_attention_logits_f16_##name,                                             \
        .alibi_f32 = ck_alibi_f32_##name,                                                                   \
        .softmax_f32 = ck_softmax_f32_##name,                                                               \
        .weighted_sum_f32 = ck_weighted_sum_f32_##name,                                                     \
        .weighted_sum_f16 = ck_weighted_sum_f16_##name,                                                     \
        .keyformer_score_f32 = ck_keyformer_score_f32_##name,                                               \
        .gumbel_f32 = ck_gumbel_f32_##name,                                                                 \
        .argmin_newest_f32 = ck_argmin_newest_f32_##name,                                                   \
    }

/* The tables are constants, so nothing is filled at run time and no thread can see a half-made one. */
static const ck_table scalar_table = CK_TABLE(scalar);
#if defined(__x86_64__)
static const ck_table avx2_table = CK_TABLE(avx2);
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

const ck_table *ck_table_best(void)
{
#if defined(__x86_64__)
    assert(is_complete(&avx2_table));
    if (ck_cpu_has_avx2()) return &avx2_table;
#endif
    return ck_table_scalar();
}
