// The side of a call that any thread may use.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

cf_call *cf_call_create(cf_connection *connection, h2o_req_t *request) {
    const cf_settings *settings = &connection->loop->server->settings;
    cf_call *call = cf_allocate(sizeof *call);
    atomic_init(&call->references, 1);
    pthread_mutex_init(&call->mutex, NULL);
    call->drain_threshold_bytes = settings->drain_threshold_bytes;
    call->max_queued_bytes = settings->max_queued_bytes;
    call->loop = connection->loop;
    call->content_length = SIZE_MAX;
    call->posted = true;  // on_request takes notice after the handler
    call->connection = connection;
    call->request = request;
    return call;
}

void cf_call_observe(cf_call *call, cf_observer observer) {
    assert(!call->has_observer);
    call->has_observer = true;
    call->observer = observer;
}

void cf_call_retain(cf_call *call) {
    atomic_fetch_add_explicit(&call->references, 1, memory_order_relaxed);
}

void cf_call_release(cf_call *call) {
    // Release pairs with the acquire of whoever drops the last reference and frees.
    if (atomic_fetch_sub_explicit(&call->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    cf_chunks_clear(&call->queue);
    cf_chunks_clear(&call->in_flight);
    free(call->fields);
    pthread_mutex_destroy(&call->mutex);
    free(call);
}

/// Tells the loop thread to look at the call. The mutex is held: the call is open, so its loop lives and will take the
/// message before it ends; and one message is enough until it is taken.
static void post(cf_call *call) {
    if (call->posted) {
        return;
    }
    call->posted = true;
    cf_call_retain(call);
    h2o_multithread_send_message(&call->loop->receiver, &call->message);
}

/// The mutex is held and the call has no answer yet. A body of null starts a stream.
static void answer(cf_call *call, int status, const cf_field *fields, size_t field_count, const cf_bytes *body) {
    call->answered = true;
    call->status = status;
    call->fields = cf_fields_copy(fields, field_count);
    call->field_count = field_count;
    if (body != NULL) {
        call->content_length = body->length;
        cf_chunks_append(&call->queue, body->start, body->length);
        call->queued_bytes = body->length;
        call->finish_wanted = true;
    }
    post(call);
}

/// The mutex is held, the call is open and has no answer yet.
static void answer_refusal(cf_call *call, cf_refusal refusal) {
    const cf_server *server = call->loop->server;
    const char *type = server->settings.refusal_content_type;
    const cf_field field = {.name = {"content-type", strlen("content-type")}, .value = {type, strlen(type)}};
    const cf_bytes body = cf_refusal_body(server, refusal);
    answer(call, cf_refusal_status(refusal), &field, 1, &body);
}

static cf_answer give_answer(cf_call *call, int status, const cf_field *fields, size_t field_count,
                             const cf_bytes *body) {
    cf_answer result = CF_ANSWER_TAKEN;
    pthread_mutex_lock(&call->mutex);
    if (call->closed) {
        result = CF_ANSWER_CLOSED;
    } else if (call->answered) {
        result = CF_ANSWER_REPEATED;
    } else if (status < 200 || status > 599 || !cf_fields_are_legal(fields, field_count)) {
        answer_refusal(call, CF_REFUSAL_BAD_ANSWER);
        result = CF_ANSWER_BAD_HEADER;
    } else {
        answer(call, status, fields, field_count, body);
    }
    pthread_mutex_unlock(&call->mutex);
    return result;
}

cf_answer cf_call_respond(cf_call *call, int status, const cf_field *fields, size_t field_count, cf_bytes body) {
    return give_answer(call, status, fields, field_count, &body);
}

cf_answer cf_call_start_stream(cf_call *call, int status, const cf_field *fields, size_t field_count) {
    return give_answer(call, status, fields, field_count, NULL);
}

bool cf_call_refuse(cf_call *call, cf_refusal refusal) {
    pthread_mutex_lock(&call->mutex);
    const bool is_first = !call->closed && !call->answered;
    if (is_first) {
        answer_refusal(call, refusal);
    }
    pthread_mutex_unlock(&call->mutex);
    return is_first;
}

ptrdiff_t cf_call_write(cf_call *call, cf_bytes bytes) {
    ptrdiff_t queued = -1;
    pthread_mutex_lock(&call->mutex);
    const bool is_open = call->answered && !call->closed && !call->finish_wanted && !call->abort_wanted;
    if (is_open && bytes.length > call->max_queued_bytes - call->queued_bytes) {
        call->overflowed = true;
        call->abort_wanted = true;
        post(call);
    } else if (is_open) {
        cf_chunks_append(&call->queue, bytes.start, bytes.length);
        call->queued_bytes += bytes.length;
        call->above_threshold = call->above_threshold || call->queued_bytes > call->drain_threshold_bytes;
        queued = (ptrdiff_t)call->queued_bytes;
        post(call);
    }
    pthread_mutex_unlock(&call->mutex);
    return queued;
}

void cf_call_finish(cf_call *call) {
    pthread_mutex_lock(&call->mutex);
    if (call->answered && !call->closed && !call->finish_wanted) {
        call->finish_wanted = true;
        post(call);
    }
    pthread_mutex_unlock(&call->mutex);
}

void cf_call_abort(cf_call *call) {
    pthread_mutex_lock(&call->mutex);
    if (call->answered && !call->closed && !call->finish_wanted) {
        call->abort_wanted = true;
        post(call);
    }
    pthread_mutex_unlock(&call->mutex);
}

void cf_call_fail(cf_call *call) {
    (void)cf_call_refuse(call, CF_REFUSAL_BAD_ANSWER);
}
