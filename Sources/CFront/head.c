// A second look at the raw request head. libh2o keeps only one of several content-length and transfer-encoding fields,
// prefers transfer-encoding over content-length, invents a missing host, and joins folded lines. Behind a proxy that
// decides otherwise each of these lets one request hide inside another (RFC 9112, sections 3.2, 5.2 and 6.3).
#include "internal.h"

#include <string.h>
#include <strings.h>

typedef struct head_counts {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    bool folded;
} head_counts;

static bool is_named(const char *line, size_t length, const char *name) {
    const size_t name_length = strlen(name);
    return length > name_length && line[name_length] == ':' && strncasecmp(line, name, name_length) == 0;
}

static void count_field(head_counts *counts, const char *line, size_t length) {
    if (line[0] == ' ' || line[0] == '\t') {
        counts->folded = true;
    } else if (is_named(line, length, "host")) {
        counts->hosts++;
    } else if (is_named(line, length, "content-length")) {
        counts->lengths++;
    } else if (is_named(line, length, "transfer-encoding")) {
        counts->codings++;
    }
}

/// The next line without its end, or null at the end of the bytes. Lines may end in LF alone, as in h2o's parser.
static const char *next_line(const char **cursor, const char *end, size_t *length) {
    const char *line = *cursor;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    if (newline == NULL) {
        return NULL;
    }
    *cursor = newline + 1;
    *length = (size_t)(newline - line);
    if (*length > 0 && line[*length - 1] == '\r') {
        *length -= 1;
    }
    return line;
}

static cf_head_verdict verdict_of(const head_counts *counts, bool is_http_1_1) {
    if (counts->folded) {
        return CF_HEAD_MALFORMED;
    }
    if (counts->lengths > 1 || counts->codings > 1 || (counts->lengths > 0 && counts->codings > 0)) {
        return CF_HEAD_AMBIGUOUS_LENGTH;
    }
    if (counts->codings > 0 && !is_http_1_1) {
        return CF_HEAD_AMBIGUOUS_LENGTH;
    }
    if (counts->hosts > 1 || (counts->hosts == 0 && is_http_1_1)) {
        return CF_HEAD_WITHOUT_HOST;
    }
    return CF_HEAD_SOUND;
}

cf_head_verdict cf_head_judge(const char *bytes, size_t length, size_t max_head_bytes) {
    const char *end = bytes + length;
    const char *cursor = bytes;
    size_t line_length = 0;
    const char *line = next_line(&cursor, end, &line_length);
    if (line != NULL && line_length == 0) {
        line = next_line(&cursor, end, &line_length);  // h2o's parser skips one empty line before a request
    }
    if (line == NULL || line_length == 0) {
        return CF_HEAD_MALFORMED;
    }
    const bool is_http_1_1 = line[line_length - 1] != '0';
    head_counts counts = {0};
    while ((line = next_line(&cursor, end, &line_length)) != NULL) {
        if ((size_t)(cursor - bytes) > max_head_bytes) {
            return CF_HEAD_TOO_LARGE;
        }
        if (line_length == 0) {
            return verdict_of(&counts, is_http_1_1);
        }
        count_field(&counts, line, line_length);
    }
    return CF_HEAD_MALFORMED;
}

bool cf_head_ends_within(const char *bytes, size_t length, size_t max_head_bytes) {
    const char *end = bytes + (length < max_head_bytes ? length : max_head_bytes);
    const char *cursor = bytes;
    size_t line_length = 0;
    for (size_t line = 0; next_line(&cursor, end, &line_length) != NULL; line++) {
        if (line_length == 0 && line > 0) {
            return true;
        }
    }
    return false;
}
