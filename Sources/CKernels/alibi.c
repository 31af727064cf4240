#include "kernels.h"

void ck_alibi_f32_scalar(size_t n, float slope, int32_t query_position, const int32_t *positions, float *logits)
{
    for (size_t j = 0; j < n; j++) logits[j] = fmaf(slope, (float)(positions[j] - query_position), logits[j]);
}
