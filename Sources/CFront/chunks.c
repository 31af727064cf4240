#include "internal.h"

#include "chunks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// One memory page with malloc's own header: about a hundred tokens with their SSE frame.
static const size_t shared_chunk_bytes = 4096 - sizeof(cf_chunk) - 16;

void cf_chunks_append(cf_chunks *chunks, const void *bytes, size_t length) {
    if (length == 0) {
        return;
    }
    cf_chunk *last = chunks->last;
    if (last == NULL || last->capacity - last->length < length) {
        const size_t capacity = length > shared_chunk_bytes ? length : shared_chunk_bytes;
        cf_chunk *added = malloc(sizeof(cf_chunk) + capacity);
        if (added == NULL) {
            abort();
        }
        *added = (cf_chunk){.next = NULL, .length = 0, .capacity = capacity};
        if (last == NULL) {
            chunks->first = added;
        } else {
            last->next = added;
        }
        chunks->last = added;
        last = added;
    }
    memcpy(last->bytes + last->length, bytes, length);
    last->length += length;
}

size_t cf_chunks_take(cf_chunks *chunks, size_t max_count, cf_chunks *taken) {
    assert(taken->first == NULL);
    assert(max_count > 0);
    size_t byte_count = 0;
    cf_chunk *end = NULL;
    cf_chunk *next = chunks->first;
    for (size_t count = 0; next != NULL && count < max_count; count++) {
        byte_count += next->length;
        end = next;
        next = next->next;
    }
    if (end == NULL) {
        return 0;
    }
    *taken = (cf_chunks){.first = chunks->first, .last = end};
    end->next = NULL;
    *chunks = (cf_chunks){.first = next, .last = next == NULL ? NULL : chunks->last};
    return byte_count;
}

void cf_chunks_clear(cf_chunks *chunks) {
    cf_chunk *chunk = chunks->first;
    while (chunk != NULL) {
        cf_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *chunks = (cf_chunks){0};
}
