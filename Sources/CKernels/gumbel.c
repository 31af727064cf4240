#include "kernels.h"

void ck_gumbel_f32_scalar(size_t n, uint64_t prefix, const int32_t *positions, uint64_t qtag, float *noise)
{
    for (size_t j = 0; j < n; j++) {
        assert(positions[j] >= 0);
        uint64_t bits = ck_absorb(ck_absorb(prefix, (uint64_t)positions[j]), qtag);
        noise[j] = (float)ck_gumbel(ck_uniform(bits));
    }
}
