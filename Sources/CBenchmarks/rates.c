#include "rates.h"
#include "cbenchmarks.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { MAX_THREADS = 1024 };

typedef struct {
    cb_work_fn *work;
    cb_scratch scratch;
    double seconds;
    double rate;
    int has_failed;
} worker;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Memory touched by the thread that reads it, in huge pages where the system has them. */
static int prepare(cb_scratch *scratch)
{
    if (scratch->count == 0) return 1;
    size_t bytes = scratch->count * sizeof(uint64_t);
    void *memory = NULL;
    if (posix_memalign(&memory, 2 << 20, bytes) != 0) return 0;
#if defined(__linux__)
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    memset(memory, 1, bytes);
    scratch->words = memory;
    return 1;
}

static void *run(void *argument)
{
    worker *self = argument;
    if (!prepare(&self->scratch)) {
        self->has_failed = 1;
        return NULL;
    }
    self->work(&self->scratch); /* warm-up: clocks and caches */
    double start = now(), elapsed = 0, done = 0;
    while (elapsed < self->seconds || done == 0) {
        done += self->work(&self->scratch);
        elapsed = now() - start;
    }
    self->rate = done / elapsed;
    free(self->scratch.words);
    return NULL;
}

/* `words` is each thread's share of the buffer. */
static double total_rate(int threads, double seconds, cb_work_fn *work, size_t words)
{
    assert(threads >= 1 && threads <= MAX_THREADS);
    worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_t *handles = calloc((size_t)threads, sizeof *handles);
    int started = 0;
    double rate = 0;
    if (workers != NULL && handles != NULL) {
        for (; started < threads; started++) {
            workers[started] = (worker){.work = work, .scratch = {.count = words}, .seconds = seconds};
            if (pthread_create(&handles[started], NULL, run, &workers[started]) != 0) break;
        }
    }
    int has_failed = started < threads;
    for (int i = 0; i < started; i++) {
        pthread_join(handles[i], NULL);
        rate += workers[i].rate;
        has_failed |= workers[i].has_failed;
    }
    free(workers);
    free(handles);
    return has_failed ? 0 : rate;
}

double cb_fma_f32_rate(int threads, double seconds)
{
    return total_rate(threads, seconds, cb_best_works().fma_f32, 0);
}

double cb_int8_rate(int threads, double seconds)
{
    return total_rate(threads, seconds, cb_best_works().int8, 0);
}

double cb_read_rate(int threads, size_t bytes, double seconds)
{
    size_t words = bytes / sizeof(uint64_t) / (size_t)threads / 64 * 64;
    return total_rate(threads, seconds, cb_best_works().read, words < 64 ? 64 : words);
}
