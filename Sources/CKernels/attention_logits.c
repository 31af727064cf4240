#include "kernels.h"

void ck_attention_logits_f32_scalar(size_t n, size_t d, float scale, const float *q, const void *keys, float *logits)
{
    const float *key = keys;
    for (size_t j = 0; j < n; j++, key += d) {
        float s[CK_LANES] = {0};
        for (size_t i = 0; i < d; i += CK_LANES)
            for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < d ? fmaf(key[i + l], q[i + l], s[l]) : s[l] + 0.0f;
        logits[j] = scale * ck_lanes_sum(s);
    }
}

void ck_attention_logits_f16_scalar(size_t n, size_t d, float scale, const float *q, const void *keys, float *logits)
{
    const uint16_t *key = keys;
    for (size_t j = 0; j < n; j++, key += d) {
        float s[CK_LANES] = {0};
        for (size_t i = 0; i < d; i += CK_LANES)
            for (size_t l = 0; l < CK_LANES; l++)
                s[l] = i + l < d ? fmaf(ck_from_f16(key[i + l]), q[i + l], s[l]) : s[l] + 0.0f;
        logits[j] = scale * ck_lanes_sum(s);
    }
}
