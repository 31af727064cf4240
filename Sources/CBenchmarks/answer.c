/* HTTP/1 answers through picohttpparser, which libh2o contains and exports without installing its header. */
#include "cbenchmarks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

struct phr_header {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

struct phr_chunked_decoder {
    size_t bytes_left_in_chunk;
    char consume_trailer;
    char hex_count;
    char state;
};

int phr_parse_response(const char *bytes, size_t count, int *minor_version, int *status, const char **message,
                       size_t *message_length, struct phr_header *headers, size_t *header_count, size_t last_count);
ssize_t phr_decode_chunked(struct phr_chunked_decoder *decoder, char *bytes, size_t *count);

_Static_assert(sizeof(struct phr_chunked_decoder) <= sizeof(cb_chunks), "room for the decoder and later fields of it");

static int is_name(const struct phr_header *header, const char *name)
{
    return header->name != NULL && header->name_len == strlen(name)
        && strncasecmp(header->name, name, header->name_len) == 0;
}

static int is_value(const struct phr_header *header, const char *value)
{
    return header->value_len == strlen(value) && strncasecmp(header->value, value, header->value_len) == 0;
}

/* -1 for anything but up to 18 digits. */
static int64_t digits(const char *text, size_t count)
{
    int64_t number = 0;
    if (count == 0 || count > 18) return -1;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

long cb_answer_head_read(const char *bytes, size_t count, cb_answer_head *head)
{
    struct phr_header headers[64];
    size_t header_count = sizeof headers / sizeof *headers, message_length;
    const char *message;
    int minor_version;
    memset(head, 0, sizeof *head);
    int length = phr_parse_response(bytes, count, &minor_version, &head->status, &message, &message_length, headers,
                                    &header_count, 0);
    if (length == -2) return 0;
    if (length < 0) return -1;
    head->content_length = -1;
    head->closes = minor_version == 0;
    for (size_t i = 0; i < header_count; i++) {
        const struct phr_header *header = &headers[i];
        if (is_name(header, "content-length")) {
            head->content_length = digits(header->value, header->value_len);
            if (head->content_length < 0) return -1;
        }
        if (is_name(header, "transfer-encoding")) head->is_chunked = is_value(header, "chunked");
        if (is_name(header, "connection")) {
            if (is_value(header, "close")) head->closes = 1;
            if (is_value(header, "keep-alive")) head->closes = 0;
        }
    }
    return length;
}

long cb_chunks_decode(cb_chunks *state, char *bytes, size_t *count)
{
    struct phr_chunked_decoder *decoder = (struct phr_chunked_decoder *)state->words;
    decoder->consume_trailer = 1;
    ssize_t rest = phr_decode_chunked(decoder, bytes, count);
    return rest == -2 ? -1 : rest == -1 ? -2 : (long)rest;
}
