// From an h2o request to the handler's callback.
#include "internal.h"

#include <string.h>
#include <sys/epoll.h>

typedef struct request_handler {
    h2o_handler_t super;
    cf_server *server;
} request_handler;

static cf_bytes bytes_of(h2o_iovec_t vector) {
    return (cf_bytes){.start = vector.base, .length = vector.len};
}

static cf_bytes query_of(const h2o_req_t *request) {
    if (request->query_at == SIZE_MAX || request->query_at >= request->path.len) {
        return (cf_bytes){0};
    }
    const size_t start = request->query_at + 1;
    return (cf_bytes){.start = request->path.base + start, .length = request->path.len - start};
}

/// Decides whether the handler may see the request. h2o consumes a request's bytes only after the answer, so its raw
/// head is still at the front of the socket's input.
static bool is_refused(const cf_call *call, cf_refusal *refusal) {
    const cf_settings *settings = &call->connection->loop->server->settings;
    const h2o_buffer_t *input = call->connection->socket->input;
    switch (cf_head_judge(input->bytes, input->size, settings->max_head_bytes)) {
    case CF_HEAD_TOO_LARGE:
        *refusal = CF_REFUSAL_HEAD_TOO_LARGE;
        return true;
    case CF_HEAD_MALFORMED:
        *refusal = CF_REFUSAL_MALFORMED;
        return true;
    case CF_HEAD_AMBIGUOUS_LENGTH:
        *refusal = CF_REFUSAL_AMBIGUOUS_LENGTH;
        return true;
    case CF_HEAD_WITHOUT_HOST:
        *refusal = CF_REFUSAL_HOST;
        return true;
    case CF_HEAD_SOUND:
        break;
    }
    *refusal = CF_REFUSAL_BODY_TOO_LARGE;
    return call->request->entity.len > settings->max_body_bytes;
}

static void hand_over(const cf_server *server, cf_call *call) {
    const h2o_req_t *request = call->request;
    cf_field fields[H2O_MAX_HEADERS + 1];
    size_t count = 0;
    fields[count++] = (cf_field){.name = {"host", strlen("host")}, .value = bytes_of(request->input.authority)};
    for (size_t i = 0; i < request->headers.size && count < sizeof fields / sizeof fields[0]; i++) {
        const h2o_header_t *header = &request->headers.entries[i];
        fields[count++] = (cf_field){.name = bytes_of(*header->name), .value = bytes_of(header->value)};
    }
    const char *remote_address = call->connection->remote_address;
    const cf_request view = {
        .method = bytes_of(request->input.method),
        .path = bytes_of(request->path_normalized),
        .query = query_of(request),
        .body = bytes_of(request->entity),
        .remote_address = {.start = remote_address, .length = strlen(remote_address)},
        .fields = fields,
        .field_count = count,
    };
    server->settings.on_request(server->settings.context, call, &view);
}

static int on_request(h2o_handler_t *handler, h2o_req_t *request) {
    const cf_server *server = ((request_handler *)handler)->server;
    cf_connection *connection = request->conn->callbacks->get_socket(request->conn)->on_close.data;
    cf_call *call = cf_call_create(connection, request);
    cf_call_attach(call);
    cf_call_retain(call);
    cf_refusal refusal;
    if (is_refused(call, &refusal)) {
        if (refusal != CF_REFUSAL_BODY_TOO_LARGE) {  // where the next request would begin cannot be trusted
            request->http1_is_persistent = 0;
            cf_linger_prepare(connection);
        }
        cf_refusal_report(server, refusal);
        cf_call_refuse(call, refusal);
    } else {
        hand_over(server, call);
    }
    cf_call_take_notice(call);
    if (call->request != NULL && !call->finished) {
        cf_watch_arm(connection->loop, &call->peer, cf_connection_fd(connection), EPOLLRDHUP);
    }
    cf_call_release(call);
    return 0;
}

void cf_request_register_handler(h2o_pathconf_t *path, cf_server *server) {
    request_handler *handler = (request_handler *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->server = server;
}
