// The side of a call that belongs to the loop thread: from the queue into h2o, one send at a time.
#include "internal.h"

#include <string.h>
#include <sys/epoll.h>

// Bounds the arrays that h2o puts on the stack for each send.
enum { max_chunks_per_send = 64 };

static bool is_head_request(const h2o_req_t *request) {
    return h2o_memis(request->input.method.base, request->input.method.len, H2O_STRLIT("HEAD"));
}

static void set_reason(cf_call *call, cf_close_reason reason) {
    if (!call->has_reason) {
        call->has_reason = true;
        call->reason = reason;
    }
}

static cf_close_reason final_reason(const cf_call *call) {
    if (call->has_reason) {
        return call->reason;
    }
    if (!call->finished || cf_connection_is_reset(call->connection)) {
        return CF_CLOSED_CLIENT_GONE;
    }
    return CF_CLOSED_COMPLETE;
}

/// Runs when h2o clears the request's memory pool: the one moment that comes for every request, started or not.
static void on_token_disposed(void *context) {
    cf_call *call = ((cf_token *)context)->call;
    cf_connection *connection = call->connection;
    const cf_close_reason reason = final_reason(call);
    h2o_timeout_unlink(&call->token->stall);
    cf_watch_disarm(connection->loop, &call->peer);
    connection->call = NULL;
    connection->idle_since_ms = cf_loop_now_ms(connection->loop);
    pthread_mutex_lock(&call->mutex);
    call->closed = true;
    call->loop = NULL;
    call->queued_bytes = 0;
    cf_chunks_clear(&call->queue);
    pthread_mutex_unlock(&call->mutex);
    cf_chunks_clear(&call->in_flight);
    call->request = NULL;
    call->token = NULL;
    call->connection = NULL;
    if (call->has_observer) {
        call->observer.closed(call->observer.context, reason);
        call->observer.release(call->observer.context);
    }
    cf_call_release(call);
}

/// The client took what was in flight.
static void on_proceed(h2o_generator_t *generator, h2o_req_t *request) {
    (void)request;
    cf_call *call = ((cf_token *)generator)->call;
    h2o_timeout_unlink(&call->token->stall);
    cf_chunks_clear(&call->in_flight);
    call->sending = false;
    pthread_mutex_lock(&call->mutex);
    call->queued_bytes -= call->in_flight_bytes;
    const bool has_drained = call->above_threshold && call->queued_bytes <= call->drain_threshold_bytes;
    call->above_threshold = call->above_threshold && !has_drained;
    pthread_mutex_unlock(&call->mutex);
    call->in_flight_bytes = 0;
    if (call->has_reason) {  // cut while this send was under way, which nevertheless succeeded
        cf_call_cut(call, call->reason, CF_REFUSAL_BAD_ANSWER);
        return;
    }
    if (has_drained && call->has_observer) {
        call->observer.drained(call->observer.context);
    }
    cf_call_pump(call);
}

static void arm_stall_timer(cf_call *call) {
    h2o_timeout_link(&call->connection->loop->uv, &call->connection->loop->stall_timeout, &call->token->stall);
}

/// After a send: if the kernel did not take all of it at once, the client has to make room.
static void note_unsent_bytes(cf_call *call) {
    if (call->request != NULL) {
        call->unsent_bytes = cf_connection_unsent_bytes(call->connection);
    }
}

/// HTTP/1 in h2o has no write timeout of its own. A slow client that takes anything at all gets another period.
static void on_stall(h2o_timeout_entry_t *entry) {
    cf_call *call = H2O_STRUCT_FROM_MEMBER(cf_token, stall, entry)->call;
    if (cf_connection_unsent_bytes(call->connection) < call->unsent_bytes) {
        arm_stall_timer(call);
        note_unsent_bytes(call);
        return;
    }
    cf_call_cut(call, CF_CLOSED_CLIENT_GONE, CF_REFUSAL_HALF_CLOSED);
}

static void on_peer_event(cf_watch *watch, uint32_t events) {
    (void)events;
    cf_call *call = H2O_STRUCT_FROM_MEMBER(cf_call, peer, watch);
    cf_watch_disarm(call->connection->loop, watch);
    cf_call_cut(call, CF_CLOSED_CLIENT_GONE, CF_REFUSAL_HALF_CLOSED);
}

void cf_call_attach(cf_call *call) {
    h2o_req_t *request = call->request;
    call->token = h2o_mem_alloc_shared(&request->pool, sizeof *call->token, on_token_disposed);
    *call->token = (cf_token){.generator = {.proceed = on_proceed}, .stall = {.cb = on_stall}, .call = call};
    call->peer.on_event = on_peer_event;
    call->connection->call = call;
    call->connection->request_since_ms = 0;
}

/// What the next send has to carry.
typedef struct cf_step {
    bool is_ready;
    bool is_abort;
    bool is_final;
    cf_chunks chunks;
    size_t byte_count;
} cf_step;

static cf_step next_step(cf_call *call) {
    cf_step step = {0};
    pthread_mutex_lock(&call->mutex);
    if (call->answered) {
        step.is_ready = true;
        step.is_abort = call->abort_wanted;
        if (call->overflowed) {
            set_reason(call, CF_CLOSED_CLIENT_GONE);
        }
        const bool has_no_body = call->status == 204 || call->status == 304 || is_head_request(call->request);
        if (has_no_body) {
            step.is_final = true;
        } else if (!step.is_abort) {
            step.byte_count = cf_chunks_take(&call->queue, max_chunks_per_send, &step.chunks);
            step.is_final = call->finish_wanted && call->queue.first == NULL;
        }
    }
    pthread_mutex_unlock(&call->mutex);
    return step;
}

/// Sends the head alone. h2o sends it with the first bytes of the body only, and an empty send waits for ever; the last
/// output stream, which writes the head, does not mind.
static void send_head(cf_call *call) {
    h2o_ostream_t *last = call->request->_ostr_top;
    while (last->next != NULL) {
        last = last->next;
    }
    call->sending = true;
    arm_stall_timer(call);
    last->do_send(last, call->request, NULL, 0, H2O_SEND_STATE_IN_PROGRESS);
    note_unsent_bytes(call);
}

/// May dispose the request before it returns: the caller holds a reference.
static void send_step(cf_call *call, cf_step *step) {
    h2o_iovec_t parts[max_chunks_per_send];
    size_t count = 0;
    for (cf_chunk *chunk = step->chunks.first; chunk != NULL; chunk = chunk->next) {
        parts[count++] = h2o_iovec_init(chunk->bytes, chunk->length);
    }
    call->in_flight = step->chunks;
    call->in_flight_bytes = step->byte_count;
    call->sending = true;
    h2o_send_state_t state = H2O_SEND_STATE_IN_PROGRESS;
    if (step->is_abort || step->is_final) {
        state = step->is_abort ? H2O_SEND_STATE_ERROR : H2O_SEND_STATE_FINAL;
        call->finished = true;
        // The answer is out of our hands: a client that half-closes now still gets all of it.
        cf_watch_disarm(call->connection->loop, &call->peer);
    }
    arm_stall_timer(call);
    h2o_send(call->request, parts, count, state);
    note_unsent_bytes(call);
}

void cf_call_pump(cf_call *call) {
    if (call->request == NULL || call->finished) {
        return;
    }
    if (call->sending) {
        pthread_mutex_lock(&call->mutex);
        const bool is_abort = call->abort_wanted;
        const bool is_overflow = call->overflowed;
        pthread_mutex_unlock(&call->mutex);
        if (is_abort) {
            cf_call_cut(call, is_overflow ? CF_CLOSED_CLIENT_GONE : CF_CLOSED_ABORTED, CF_REFUSAL_BAD_ANSWER);
        }
        return;
    }
    cf_step step = next_step(call);
    if (!step.is_ready) {
        return;
    }
    cf_call_retain(call);
    if (step.is_abort) {
        set_reason(call, CF_CLOSED_ABORTED);
    }
    const bool is_first = !call->started;
    if (is_first) {
        call->started = true;
        cf_answer_head_apply(call);
        h2o_start_response(call->request, &call->token->generator);
    }
    if (step.is_abort || step.is_final || step.byte_count > 0) {
        send_step(call, &step);
    } else if (is_first) {
        send_head(call);
    }
    cf_call_release(call);
}

void cf_call_cut(cf_call *call, cf_close_reason reason, cf_refusal refusal) {
    if (call->request == NULL) {
        return;
    }
    set_reason(call, reason);
    if (call->sending) {
        cf_connection_break(call->connection);
        return;
    }
    call->request->http1_is_persistent = 0;
    if (!cf_call_refuse(call, refusal)) {
        pthread_mutex_lock(&call->mutex);
        call->abort_wanted = true;
        pthread_mutex_unlock(&call->mutex);
    }
    cf_call_pump(call);
}

void cf_call_take_notice(cf_call *call) {
    pthread_mutex_lock(&call->mutex);
    call->posted = false;
    pthread_mutex_unlock(&call->mutex);
    cf_call_pump(call);
}

void cf_call_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages) {
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        cf_call *call = (cf_call *)H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
        h2o_linklist_unlink(&call->message.link);
        cf_call_take_notice(call);
        cf_call_release(call);
    }
}
