// The head of an answer: which fields a handler may send, and how they get into the request.
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *cf_reason_phrase(int status) {
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

static bool is_token_character(unsigned char c) {
    return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_legal_name(cf_bytes name) {
    const unsigned char *bytes = name.start;
    for (size_t i = 0; i < name.length; i++) {
        if (!is_token_character(bytes[i])) {
            return false;
        }
    }
    return name.length > 0;
}

/// Control characters could end the field and begin another one, or another answer.
static bool is_legal_value(cf_bytes value) {
    const unsigned char *bytes = value.start;
    for (size_t i = 0; i < value.length; i++) {
        if ((bytes[i] < 0x20 && bytes[i] != '\t') || bytes[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/// Fields that describe the connection or the framing, which the front decides.
static bool is_reserved(cf_bytes name) {
    static const char *const reserved[] = {"connection", "content-length", "date",    "keep-alive",
                                           "trailer",    "te",             "upgrade", "transfer-encoding"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (name.length == strlen(reserved[i]) && strncasecmp(name.start, reserved[i], name.length) == 0) {
            return true;
        }
    }
    return false;
}

bool cf_fields_are_legal(const cf_field *fields, size_t field_count) {
    for (size_t i = 0; i < field_count; i++) {
        if (!is_legal_name(fields[i].name) || !is_legal_value(fields[i].value) || is_reserved(fields[i].name)) {
            return false;
        }
    }
    return true;
}

char *cf_fields_copy(const cf_field *fields, size_t field_count) {
    size_t size = 1;
    for (size_t i = 0; i < field_count; i++) {
        size += fields[i].name.length + 1 + fields[i].value.length + 1;
    }
    char *block = cf_allocate(size);
    char *cursor = block;
    for (size_t i = 0; i < field_count; i++) {
        const unsigned char *name = fields[i].name.start;
        for (size_t j = 0; j < fields[i].name.length; j++) {
            *cursor++ = (char)tolower(name[j]);
        }
        *cursor++ = '\0';
        if (fields[i].value.length > 0) {
            memcpy(cursor, fields[i].value.start, fields[i].value.length);
            cursor += fields[i].value.length;
        }
        *cursor++ = '\0';
    }
    return block;
}

static bool has_no_body(int status) {
    return status == 204 || status == 304;
}

void cf_answer_head_apply(cf_call *call) {
    h2o_req_t *request = call->request;
    request->res.status = call->status;
    request->res.reason = cf_reason_phrase(call->status);
    const char *cursor = call->fields;
    for (size_t i = 0; i < call->field_count; i++) {
        const size_t name_length = strlen(cursor);
        const h2o_iovec_t name = h2o_strdup(&request->pool, cursor, name_length);
        cursor += name_length + 1;
        const size_t value_length = strlen(cursor);
        const h2o_iovec_t value = h2o_strdup(&request->pool, cursor, value_length);
        cursor += value_length + 1;
        h2o_add_header_by_str(&request->pool, &request->res.headers, name.base, name.len, 1, NULL, value.base,
                              value.len);
    }
    request->res.content_length = has_no_body(call->status) ? SIZE_MAX : call->content_length;
    const bool ends_by_close =
        call->content_length == SIZE_MAX && !has_no_body(call->status) && request->version < 0x101;
    if (ends_by_close || call->connection->loop->draining) {
        request->http1_is_persistent = 0;
    }
}
