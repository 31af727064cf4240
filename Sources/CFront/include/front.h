// The HTTP front: an HTTP/1.1 server over libh2o (its libuv build) behind two opaque types.
//
// Threads. A server runs `loop_count` loop threads. The callbacks of cf_settings and cf_observer run on a loop thread
// and must not block. The functions of cf_call may be called from any thread, at any time while the caller holds a
// reference, also after the client has left and after the server has stopped; they then report CF_ANSWER_CLOSED.
//
// Memory. Bytes passed in are copied before the function returns. Bytes passed to on_request are valid only during
// that callback. Like libh2o itself, the front aborts the process when malloc fails.
//
// Protocol. HTTP/1.0 and HTTP/1.1, in clear text or over TLS 1.2 and 1.3; HTTP/2 is never offered. Over TLS a request
// that is too slow, or whose head grows too large before it ends, is cut without an answer.
// A client that shuts down its sending side is treated as gone, because over TCP this cannot be told from a closed
// socket until a write fails: answers given at once still reach it, pending ones are cancelled. A request whose head
// cannot be parsed at all gets libh2o's own plain-text 400; every other refusal carries the caller's body
// (cf_settings.refusal_bodies).
#ifndef CF_FRONT_H
#define CF_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct cf_server cf_server;

/// One request and its answer. Reference counted.
typedef struct cf_call cf_call;

/// A certificate chain with its private key.
typedef struct cf_tls cf_tls;

/// Borrowed bytes; `start` may be null when `length` is 0.
typedef struct cf_bytes {
    const void *_Nullable start;
    size_t length;
} cf_bytes;

/// One header field. Request names are in lower case.
typedef struct cf_field {
    cf_bytes name;
    cf_bytes value;
} cf_field;

/// One complete request, body included. Borrowed: valid only inside on_request.
typedef struct cf_request {
    cf_bytes method;
    cf_bytes path;            ///< Percent-decoded, dot segments resolved, begins with '/', without the query.
    cf_bytes query;           ///< Undecoded, without the '?'.
    cf_bytes body;            ///< Decoded from chunks, at most max_body_bytes.
    cf_bytes remote_address;  ///< "127.0.0.1:4000", "[::1]:4000" or "unix".
    const cf_field *fields;   ///< In order of arrival; content-length, transfer-encoding and expect are left out.
    size_t field_count;
} cf_request;

/// Why the front itself answers: the first seven keep a request from the handler, the others stand for its answer.
typedef enum cf_refusal {
    CF_REFUSAL_MALFORMED,         ///< 400: bad length, transfer coding, chunk or folded header line.
    CF_REFUSAL_AMBIGUOUS_LENGTH,  ///< 400: two lengths, or a length beside a transfer coding (request smuggling).
    CF_REFUSAL_HOST,              ///< 400: HTTP/1.1 without exactly one Host.
    CF_REFUSAL_TIMEOUT,           ///< 408: head and body took longer than request_timeout_ms.
    CF_REFUSAL_BODY_TOO_LARGE,    ///< 413
    CF_REFUSAL_EXPECTATION,       ///< 417: an Expect other than 100-continue.
    CF_REFUSAL_ADDRESS,           ///< 429 in counts alone: a connection beyond max_connections_per_address is closed.
    CF_REFUSAL_HEAD_TOO_LARGE,    ///< 431; the last that on_refusal is called for.
    CF_REFUSAL_HALF_CLOSED,       ///< 499: the client closed its sending side while the answer was pending.
    CF_REFUSAL_BAD_ANSWER,        ///< 500: the handler's header was not a legal header, or it gave no answer.
    CF_REFUSAL_STOPPING,          ///< 503: the server was stopped before the answer came.
    CF_REFUSAL_COUNT
} cf_refusal;

/// The HTTP status of a refusal.
int cf_refusal_status(cf_refusal refusal);

/// One English sentence for the client, in static memory.
const char *cf_refusal_message(cf_refusal refusal);

/// How a call ended.
typedef enum cf_close_reason {
    CF_CLOSED_COMPLETE,     ///< The whole answer was handed to the system.
    CF_CLOSED_CLIENT_GONE,  ///< The client left, half-closed, or stopped reading for write_stall_timeout_ms.
    CF_CLOSED_ABORTED       ///< cf_call_abort, or the server's grace was over.
} cf_close_reason;

/// What the owner of a call wants to hear. Callbacks run on the loop thread, `closed` exactly once, then `release`.
typedef struct cf_observer {
    void *context;
    void (*closed)(void *context, cf_close_reason reason);
    void (*drained)(void *context);  ///< The queue fell to drain_threshold_bytes after having been above it.
    void (*release)(void *context);  ///< Last call; gives `context` back.
} cf_observer;

typedef struct cf_settings {
    const char *host;  ///< Numeric IPv4 or IPv6 address (brackets allowed), "localhost", or "unix:/path".
    uint16_t port;     ///< 0: any free port.
    uint32_t loop_count;
    size_t max_body_bytes;
    size_t max_head_bytes;   ///< Request line and header fields; libh2o itself gives up at 417 kB and 100 fields.
    size_t max_connections;  ///< Further ones wait in the listen queue until one ends or has idled for a second.
    size_t max_connections_per_address;  ///< Further ones of that address are closed at once. 0: as many as there are.
    bool spares_loopback;  ///< Addresses of this machine have no limit of their own: a proxy may run on it.
    uint32_t request_timeout_ms;      ///< First byte of a request to last byte of its body, absolute.
    uint32_t idle_timeout_ms;         ///< Between requests, and before the first byte of a new connection.
    uint32_t write_stall_timeout_ms;  ///< Without a byte taken by the client while bytes wait for it.
    size_t drain_threshold_bytes;
    size_t max_queued_bytes;  ///< A stream that queues more than this is cut as a client that does not read.
    const cf_tls *_Nullable tls;  ///< Null: clear text. Borrowed for the call of cf_server_start.
    const char *refusal_content_type;
    const cf_bytes *refusal_bodies;  ///< CF_REFUSAL_COUNT of them.
    void *context;
    /// Called for each complete, well-formed request. Call cf_call_observe here to hear of its end; keep the call
    /// beyond the callback with cf_call_retain.
    void (*on_request)(void *context, cf_call *call, const cf_request *request);
    /// Called for each request that the front refused without asking on_request, so that it can be counted.
    void (*on_refusal)(void *context, cf_refusal refusal);
    /// Gives `context` back: when the server is freed, or before a failed cf_server_start returns.
    void (*release_context)(void *context);
} cf_settings;

typedef enum cf_status {
    CF_STATUS_OK,
    CF_STATUS_BAD_HOST,
    CF_STATUS_SOCKET_FAILED,
    CF_STATUS_BIND_FAILED,
    CF_STATUS_LISTEN_FAILED,
    CF_STATUS_LOOP_FAILED,
    CF_STATUS_THREAD_FAILED
} cf_status;

/// Reads a certificate chain and a private key without a password, both in PEM. Null if they cannot be used; `error`
/// then holds one line that names the file. Any thread.
cf_tls *_Nullable cf_tls_load(const char *certificate_path, const char *key_path, char *error, size_t error_capacity);

void cf_tls_free(cf_tls *tls);

/// Connections accepted from now on use `tls`, which is borrowed for the call. For a server that was started with TLS.
void cf_server_set_tls(cf_server *server, const cf_tls *tls);

/// Binds, listens and starts the loop threads. On failure *server is null and *system_error holds errno or 0.
/// Side effect on the process: SIGPIPE is ignored if it had its default action.
cf_status cf_server_start(const cf_settings *settings, cf_server *_Nullable *_Nonnull server, int *system_error);

/// The bound TCP port; 0 for a unix socket. Any thread.
uint16_t cf_server_port(const cf_server *server);

/// Open connections. Any thread.
size_t cf_server_connection_count(cf_server *server);

/// Whether the calling thread is one of the server's loop threads.
bool cf_server_is_loop_thread(const cf_server *server);

/// Stops accepting, closes idle connections, lets running requests finish for grace_ms, then cuts the rest. Blocks
/// until the loop threads have ended; every call has then been closed. Returns how many connections were cut.
/// A second call waits for the first and returns 0. Not from a loop thread.
size_t cf_server_stop(cf_server *server, uint32_t grace_ms);

/// Frees a stopped server. Calls that are still retained stay valid.
void cf_server_free(cf_server *server);

/// Sets who hears of the call's end. Once, inside on_request.
void cf_call_observe(cf_call *call, cf_observer observer);

void cf_call_retain(cf_call *call);
void cf_call_release(cf_call *call);

typedef enum cf_answer {
    CF_ANSWER_TAKEN,
    CF_ANSWER_REPEATED,    ///< The call had its answer already; nothing changed.
    CF_ANSWER_BAD_HEADER,  ///< Not a token, control characters, or a field that belongs to the front; a 500 was sent.
    CF_ANSWER_CLOSED       ///< Nobody is there to read it.
} cf_answer;

/// The whole answer. `status` is 200 to 599. Content-length is added; the body is left out for HEAD, 204 and 304.
cf_answer cf_call_respond(cf_call *call, int status, const cf_field *_Nullable fields, size_t field_count,
                          cf_bytes body);

/// Head of an answer whose length is not known; sent at once. Chunked if `status` is 200 and the client speaks
/// HTTP/1.1, else ended by closing the connection.
cf_answer cf_call_start_stream(cf_call *call, int status, const cf_field *_Nullable fields, size_t field_count);

/// Queues a piece of the stream. Returns the bytes that now wait for the client, or -1 if the stream is closed,
/// finished or not started.
ptrdiff_t cf_call_write(cf_call *call, cf_bytes bytes);

/// Ends the stream after what is queued.
void cf_call_finish(cf_call *call);

/// Cuts an unfinished stream so that the client sees it as broken.
void cf_call_abort(cf_call *call);

/// Answers 500 unless there is an answer already: for a handler that lost the call.
void cf_call_fail(cf_call *call);

#pragma clang assume_nonnull end

#endif
