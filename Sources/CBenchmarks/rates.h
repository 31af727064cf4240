/* Work whose rate is a limit of the machine. */
#ifndef CB_RATES_H
#define CB_RATES_H
#include <stddef.h>
#include <stdint.h>

/* A thread's own memory; count is a multiple of 64, or 0 for none. */
typedef struct {
    uint64_t *words;
    size_t count;
    /* Keeps results alive. */
    volatile double sink;
} cb_scratch;

/* Does a piece of work and returns how much it was: operations or bytes. */
typedef double cb_work_fn(cb_scratch *scratch);

typedef struct {
    cb_work_fn *fma_f32, *int8, *read;
} cb_works;

/* The fastest that this CPU runs. */
cb_works cb_best_works(void);

#endif
