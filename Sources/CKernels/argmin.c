#include "kernels.h"

/* NaN ranks with +infinity: a broken score is the last to be given up. */
static inline float rank_scalar(float x) { return x != x ? INFINITY : x; }

size_t ck_argmin_newest_f32_scalar(size_t n, const float *x, const int32_t *positions)
{
    assert(n > 0);
    size_t best = 0;
    for (size_t j = 1; j < n; j++) {
        float a = rank_scalar(x[j]), b = rank_scalar(x[best]);
        if (a < b || (a == b && positions[j] > positions[best])) best = j;
    }
    return best;
}
