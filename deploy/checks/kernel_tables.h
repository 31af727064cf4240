// What kernel_tables.c compares with: memory that ends where it must, samples of hostile numbers, and the bookkeeping.
#ifndef KERNEL_TABLES_H
#define KERNEL_TABLES_H
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ckernels.h"

static uint64_t state = 1;

// SplitMix64.
static inline uint64_t random_bits(void) { return ck_absorb(state += UINT64_C(0x9E3779B97F4A7C15), 0); }

static inline size_t random_below(size_t limit) { return (size_t)(random_bits() % limit); }

static inline float random_unit(void) { return (float)(random_bits() >> 40) * 0x1p-23f - 1.0f; }

static inline float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

// `bytes` bytes that a page without access follows, the same ones for the same place at each call.
static inline void *guarded(size_t place, size_t bytes) {
    enum { SIZE = 1 << 20, PLACES = 8 };
    static uint8_t *ends[PLACES];
    if (place >= PLACES || bytes > SIZE) abort();
    if (ends[place] == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        uint8_t *base = mmap(NULL, SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED || mprotect(base + SIZE, page, PROT_NONE) != 0) abort();
        ends[place] = base + SIZE;
    }
    return ends[place] - bytes;
}

enum sample { ZEROS, DENORMALS, ORDINARY, LARGE, OUTLIER, ONE_NAN, ONE_INFINITY, LARGEST, SAMPLES };

static inline float *fill(enum sample kind, size_t n, float *x) {
    for (size_t i = 0; i < n; i++) {
        int sign = random_bits() & 1;
        switch (kind) {
        case ZEROS: x[i] = sign ? 0.0f : -0.0f; break;
        case DENORMALS: x[i] = float_of((uint32_t)random_bits() & 0x807FFFFF); break;
        case LARGE: x[i] = random_unit() * 1e15f; break;
        case OUTLIER: x[i] = random_unit() * 1e-3f; break;
        case LARGEST: x[i] = sign ? 127.0f : -127.0f; break;
        default: x[i] = random_unit();
        }
    }
    if (n == 0) return x;
    if (kind == OUTLIER) x[random_below(n)] = 1e6f;
    if (kind == ONE_NAN) x[random_below(n)] = NAN;
    if (kind == ONE_INFINITY) x[random_below(n)] = random_bits() & 1 ? INFINITY : -INFINITY;
    return x;
}

static inline float *floats(size_t place, enum sample kind, size_t n) {
    return fill(kind, n, guarded(place, n * sizeof(float)));
}

static inline enum sample any_sample(void) { return (enum sample)random_below(SAMPLES); }

static inline void fill_bytes(size_t n, uint8_t *bytes) {
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)random_bits();
}

static size_t comparisons, differences;

static inline void differs(const char *what, size_t at, float found, float expected) {
    if (++differences <= 20)
        fprintf(stderr, "%s: element %zu is %g (%08x), not %g (%08x)\n", what, at, (double)found, bits_of(found),
                (double)expected, bits_of(expected));
}

// All NaN count as equal.
static inline void same_floats(const char *what, size_t n, const float *found, const float *expected) {
    comparisons++;
    for (size_t i = 0; i < n; i++)
        if (bits_of(found[i]) != bits_of(expected[i]) && !(isnan(found[i]) && isnan(expected[i])))
            return differs(what, i, found[i], expected[i]);
}
#endif
