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

#if defined(__x86_64__)
CK_AVX2 void ck_keyformer_score_f32_avx2(size_t n, float inverse_tau, const float *logits, const float *noise,
                                         float *scratch, float *score)
{
    assert(n > 0);
    __m256 temperature = _mm256_set1_ps(inverse_tau);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256 logit = _mm256_loadu_ps(logits + j);
        if (noise) logit = _mm256_add_ps(logit, _mm256_loadu_ps(noise + j));
        _mm256_storeu_ps(scratch + j, _mm256_mul_ps(logit, temperature));
    }
    for (; j < n; j++) scratch[j] = (noise ? logits[j] + noise[j] : logits[j]) * inverse_tau;
    float inverse = 1.0f / ck_exp_sum_avx2(n, ck_max_avx2(n, scratch), scratch);
    __m256 factor = _mm256_set1_ps(inverse);
    for (j = 0; j + 8 <= n; j += 8) {
        __m256 sum = _mm256_fmadd_ps(_mm256_loadu_ps(scratch + j), factor, _mm256_loadu_ps(score + j));
        _mm256_storeu_ps(score + j, sum);
    }
    for (; j < n; j++) score[j] = fmaf(scratch[j], inverse, score[j]);
}

CK_AVX512 void ck_keyformer_score_f32_avx512(size_t n, float inverse_tau, const float *logits, const float *noise,
                                             float *scratch, float *score)
{
    assert(n > 0);
    __m512 temperature = _mm512_set1_ps(inverse_tau), largest = _mm512_set1_ps(-INFINITY);
    size_t j = 0;
    for (; j + 16 <= n; j += 16) {
        __m512 logit = _mm512_loadu_ps(logits + j);
        if (noise) logit = _mm512_add_ps(logit, _mm512_loadu_ps(noise + j));
        logit = _mm512_mul_ps(logit, temperature);
        largest = _mm512_max_ps(logit, largest);
        _mm512_storeu_ps(scratch + j, logit);
    }
    float max = _mm512_reduce_max_ps(largest);
    for (; j < n; j++) {
        scratch[j] = (noise ? logits[j] + noise[j] : logits[j]) * inverse_tau;
        max = scratch[j] > max ? scratch[j] : max;
    }
    float inverse = 1.0f / ck_exp_sum_avx512(n, max, scratch);
    __m512 factor = _mm512_set1_ps(inverse);
    for (j = 0; j + 16 <= n; j += 16) {
        __m512 sum = _mm512_fmadd_ps(_mm512_loadu_ps(scratch + j), factor, _mm512_loadu_ps(score + j));
        _mm512_storeu_ps(score + j, sum);
    }
    for (; j < n; j++) score[j] = fmaf(scratch[j], inverse, score[j]);
}
#endif
