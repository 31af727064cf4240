// A queue of bytes in heap chunks. Small writes share a chunk, so that a token costs a copy and not an allocation.
#ifndef CF_CHUNKS_H
#define CF_CHUNKS_H

#include <stddef.h>

typedef struct cf_chunk {
    struct cf_chunk *next;
    size_t length;
    size_t capacity;
    char bytes[];
} cf_chunk;

typedef struct cf_chunks {
    cf_chunk *first;
    cf_chunk *last;
} cf_chunks;

/// Copies the bytes to the end of the queue.
void cf_chunks_append(cf_chunks *chunks, const void *bytes, size_t length);

/// Moves at most max_count chunks from the front into `taken`, which is empty before. Returns their bytes.
size_t cf_chunks_take(cf_chunks *chunks, size_t max_count, cf_chunks *taken);

void cf_chunks_clear(cf_chunks *chunks);

#endif
