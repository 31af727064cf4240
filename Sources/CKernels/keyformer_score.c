#include "expf.h"

void ck_keyformer_score_f32_scalar(size_t n, float inverse_tau, const float *logits, const float *noise, float *scratch,
                                   float *score)
{
    assert(n > 0);
    float max = -INFINITY, s[CK_LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        scratch[j] = (noise ? logits[j] + noise[j] : logits[j]) * inverse_tau;
        max = scratch[j] > max ? scratch[j] : max;
    }
    for (size_t j = 0; j < n; j++) s[j % CK_LANES] += scratch[j] = ck_exp_scalar(scratch[j] - max);
    float inverse = 1.0f / ck_lanes_sum(s);
    for (size_t j = 0; j < n; j++) score[j] = fmaf(scratch[j], inverse, score[j]);
}
