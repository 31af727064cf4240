// Answers that the front gives by itself, and the filter that puts our body into libh2o's own ones.
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
    int status;
    const char *message;
} refusals[CF_REFUSAL_COUNT] = {
    [CF_REFUSAL_MALFORMED] = {400, "The request is malformed: check content-length, transfer-encoding and chunks."},
    [CF_REFUSAL_AMBIGUOUS_LENGTH] = {400, "The request states the length of its body more than once."},
    [CF_REFUSAL_HOST] = {400, "The request needs exactly one Host header."},
    [CF_REFUSAL_TIMEOUT] = {408, "The request took too long to arrive."},
    [CF_REFUSAL_BODY_TOO_LARGE] = {413, "The request body is larger than this server accepts."},
    [CF_REFUSAL_EXPECTATION] = {417, "The only supported Expect value is 100-continue."},
    [CF_REFUSAL_ADDRESS] = {429, "This address has too many connections."},
    [CF_REFUSAL_HEAD_TOO_LARGE] = {431, "The request line and headers are larger than this server accepts."},
    [CF_REFUSAL_HALF_CLOSED] = {499, "The client closed its side of the connection before the answer was ready."},
    [CF_REFUSAL_BAD_ANSWER] = {500, "The server could not form its answer."},
    [CF_REFUSAL_STOPPING] = {503, "The server is stopping."},
};

int cf_refusal_status(cf_refusal refusal) {
    assert(refusal < CF_REFUSAL_COUNT);
    return refusals[refusal].status;
}

const char *cf_refusal_message(cf_refusal refusal) {
    assert(refusal < CF_REFUSAL_COUNT);
    return refusals[refusal].message;
}

cf_bytes cf_refusal_body(const cf_server *server, cf_refusal refusal) {
    return server->settings.refusal_bodies[refusal];
}

void cf_refusal_report(const cf_server *server, cf_refusal refusal) {
    server->settings.on_refusal(server->settings.context, refusal);
}

void cf_refusal_send_raw(cf_connection *connection, cf_refusal refusal) {
    const cf_server *server = connection->loop->server;
    cf_refusal_report(server, refusal);
    const cf_bytes body = cf_refusal_body(server, refusal);
    const int status = cf_refusal_status(refusal);
    char head[512];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\ncontent-type: %s\r\n\r\n",
                          status, cf_reason_phrase(status), body.length, server->settings.refusal_content_type);
    if (length < 0 || (size_t)length >= sizeof head) {
        return;
    }
    struct iovec parts[] = {{head, (size_t)length}, {(void *)(uintptr_t)body.start, body.length}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    // Nothing else is in the socket's send queue, so this small answer fits or the client is lost anyway.
    (void)sendmsg(cf_connection_fd(connection), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// ---- libh2o's own errors -------------------------------------------------------------------------------------------

typedef struct replacement {
    h2o_ostream_t super;
    h2o_iovec_t body;
} replacement;

static void send_replacement(h2o_ostream_t *stream, h2o_req_t *request, h2o_iovec_t *bytes, size_t count,
                             h2o_send_state_t state) {
    (void)bytes;
    replacement *self = (replacement *)stream;
    // The library sends its errors in one piece, and for HEAD without one.
    h2o_ostream_send_next(stream, request, &self->body, count > 0 ? 1 : 0, state);
}

static cf_refusal refusal_of_library_status(int status) {
    switch (status) {
    case 413:
        return CF_REFUSAL_BODY_TOO_LARGE;
    case 417:
        return CF_REFUSAL_EXPECTATION;
    default:
        return CF_REFUSAL_MALFORMED;
    }
}

static void on_setup_ostream(h2o_filter_t *filter, h2o_req_t *request, h2o_ostream_t **slot) {
    (void)filter;
    cf_connection *connection = request->conn->callbacks->get_socket(request->conn)->on_close.data;
    if (connection->call == NULL) {  // no handler was called: the library answers
        const cf_server *server = connection->loop->server;
        const cf_refusal refusal = refusal_of_library_status(request->res.status);
        const cf_bytes body = cf_refusal_body(server, refusal);
        cf_refusal_report(server, refusal);
        replacement *stream = (replacement *)h2o_add_ostream(request, sizeof *stream, slot);
        stream->super.do_send = send_replacement;
        stream->body = h2o_iovec_init(body.start, body.length);
        slot = &stream->super.next;
        request->res.reason = cf_reason_phrase(request->res.status);
        request->res.content_length = body.length;
        request->res.headers.size = 0;
        const char *type = server->settings.refusal_content_type;
        h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type, strlen(type));
        cf_linger_prepare(connection);
    }
    h2o_setup_next_ostream(request, slot);
}

void cf_refusal_register_filter(h2o_pathconf_t *path) {
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup_ostream;
}
