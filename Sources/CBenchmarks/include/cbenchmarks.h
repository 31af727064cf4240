/* What the machine can do at most, and the reading of HTTP answers. For benchmarks only: nothing here serves. */
#ifndef CBENCHMARKS_H
#define CBENCHMARKS_H
#include <stddef.h>
#include <stdint.h>

/* Each rate is the sum over `threads` threads that work at once for about `seconds` seconds each, 1 <= threads <= 1024.
 * 0 where a thread or memory is refused. */

/* f32 operations per second of independent multiply-add chains; a multiply-add counts as two. */
double cb_fma_f32_rate(int threads, double seconds);

/* Operations per second of int8 dot products into int32 with the best instruction of this CPU: VNNI, else
 * multiply-add pairs, else what the compiler makes of plain C. A multiply and an add count as two. */
double cb_int8_rate(int threads, double seconds);

/* Bytes per second read from a buffer of `bytes` bytes, each thread going over its own share again and again. */
double cb_read_rate(int threads, size_t bytes, double seconds);

/* The head of an HTTP/1 answer. */
typedef struct {
    int status;
    /* The body's length, or -1 where the head does not say. */
    int64_t content_length;
    int is_chunked;
    /* The server will close the connection after the answer. */
    int closes;
} cb_answer_head;

/* Reads the head at the start of `bytes`. Returns its length, 0 where more bytes are needed, -1 where it is none. */
long cb_answer_head_read(const char *bytes, size_t count, cb_answer_head *head);

/* State of a chunked body, zeroed before its first byte. */
typedef struct {
    uint64_t words[8];
} cb_chunks;

/* Removes the framing from the next bytes of a chunked body, in place. `count` becomes the number of body bytes.
 * Returns -1 where the body goes on, -2 where it is malformed, else the number of bytes behind its end, which stand
 * behind the body bytes. */
long cb_chunks_decode(cb_chunks *state, char *bytes, size_t *count);

#endif
