#include "ckernels.h"
#include <math.h>

uint64_t ck_absorb(uint64_t h, uint64_t v)
{
    uint64_t z = (h ^ v) + UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double ck_uniform(uint64_t bits) { return ((double)(bits >> 12) + 0.5) * 0x1p-52; }

double ck_gumbel(double u) { return -log(-log(u)); }
