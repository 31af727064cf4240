// Types shared by the front's own files, which include it first. Everything here belongs to one loop thread unless it
// says otherwise.
#ifndef CF_INTERNAL_H
#define CF_INTERNAL_H

#define _GNU_SOURCE  // accept4, EPOLLRDHUP, pthread_setname_np

#include "front.h"

#if !defined(H2O_USE_LIBUV) || !H2O_USE_LIBUV
#error "compile with H2O_USE_LIBUV=1 and link libh2o: the evloop build has other struct layouts"
#endif

#include <h2o.h>
#include <h2o/http1.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "chunks.h"

typedef struct cf_loop cf_loop;
typedef struct cf_connection cf_connection;
typedef struct cf_addresses cf_addresses;

/// A descriptor in the loop's nested epoll set (watch.c). Embedded in what it is for.
typedef struct cf_watch {
    void (*on_event)(struct cf_watch *watch, uint32_t events);
    int fd;
    bool armed;
} cf_watch;

/// The part of a call that lives in the request's memory pool. Its disposal is the end of the call.
typedef struct cf_token {
    h2o_generator_t generator;
    h2o_timeout_entry_t stall;
    cf_call *call;
} cf_token;

struct cf_call {
    h2o_multithread_message_t message;  // must be first: h2o hands it back by this address
    atomic_int references;
    pthread_mutex_t mutex;
    size_t drain_threshold_bytes;  // constant
    size_t max_queued_bytes;       // constant

    // Guarded by mutex. The loop thread closes the call under it, so an open call has a living loop.
    cf_loop *loop;
    cf_chunks queue;
    size_t queued_bytes;  // queue and in flight
    bool posted;          // the message is under way, or the handler runs: cf_call_take_notice will come
    bool answered;        // status, fields and content_length below are set and final
    bool finish_wanted;
    bool abort_wanted;
    bool overflowed;
    bool above_threshold;
    bool closed;
    int status;
    char *fields;  // name NUL value NUL ..., field_count times; owned
    size_t field_count;
    size_t content_length;  // SIZE_MAX for a stream

    // Loop thread only.
    h2o_req_t *request;  // null once disposed
    cf_token *token;
    cf_connection *connection;
    cf_chunks in_flight;
    size_t in_flight_bytes;
    size_t unsent_bytes;      // cf_connection_unsent_bytes when the stall timer was last set
    bool started;             // h2o_start_response was called
    bool sending;             // h2o_send is under way: no second one until proceed
    bool finished;            // the last h2o_send was issued
    bool has_reason;
    cf_close_reason reason;
    cf_watch peer;
    bool has_observer;
    cf_observer observer;
};

struct cf_connection {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;  // must be first: the close callback gets its address
    h2o_linklist_t link;
    h2o_socket_t *socket;
    cf_loop *loop;
    cf_call *call;           // the request being answered, if any
    uint64_t idle_since_ms;  // loop time of accept or of the last answer's end
    uint64_t request_since_ms;  // loop time when a request's first bytes were noticed, or 0
    SSL_CTX *tls;            // a reference, or null
    int linger_fd;           // duplicate kept open past the close, or -1
    uint64_t address;        // what counts for cf_addresses, or 0
    char remote_address[64];
};

struct cf_loop {
    cf_server *server;
    pthread_t thread;
    uv_loop_t uv;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    h2o_timeout_t stall_timeout;
    uv_poll_t listener;
    uv_async_t stop_request;
    uv_timer_t tick;
    h2o_linklist_t connections;
    h2o_linklist_t lingers;
    size_t linger_count;
    int listen_fd;
    int watch_fd;
    uv_poll_t watch;
    uint64_t drain_deadline_ms;
    uint64_t give_up_ms;
    size_t cut_count;
    bool accepting;
    bool draining;
    bool cut;
    bool abandoned;  // ended with connections left: never freed
};

struct cf_server {
    cf_settings settings;  // strings and bodies are copies in `storage`
    char *storage;
    h2o_globalconf_t configuration;
    int listen_fd;
    uint16_t port;
    char *socket_path;  // of a unix socket, or null
    atomic_size_t connection_count;
    cf_addresses *addresses;  // null without a limit for one address
    atomic_uint grace_ms;
    pthread_mutex_t tls_mutex;
    SSL_CTX *tls;  // a reference guarded by tls_mutex; null: clear text
    pthread_mutex_t stop_mutex;
    bool stopped;  // guarded by stop_mutex
    uint32_t loop_count;
    cf_loop *loops;
};

// memory.c
/// Zeroed memory; aborts when there is none.
void *cf_allocate(size_t size);

// addresses.c
/// Room for the addresses of so many connections.
cf_addresses *cf_addresses_create(size_t max_connections);
void cf_addresses_free(cf_addresses *addresses);
/// What stands for the client's address, of IPv6 for its network of 64 bits; 0 for one that has no limit.
uint64_t cf_address_of(const struct sockaddr_storage *address, bool spares_loopback);
/// Counts a connection unless the address has `most`. Any thread; null and 0 have room always.
bool cf_addresses_enter(cf_addresses *addresses, uint64_t address, size_t most);
/// Takes back what cf_addresses_enter counted.
void cf_addresses_leave(cf_addresses *addresses, uint64_t address);

// tls.c
/// A reference to the context for a new connection; null in clear text. Any thread.
SSL_CTX *cf_server_take_tls(cf_server *server);

// listener.c
cf_status cf_listener_open(cf_server *server, int *system_error);
void cf_listener_close(cf_server *server);
/// Accepts until the queue is empty or a limit is reached; pauses itself at the limit.
void cf_listener_on_readable(uv_poll_t *poll, int status, int events);
void cf_listener_resume(cf_loop *loop);
void cf_listener_pause(cf_loop *loop);

// loop.c
cf_status cf_loop_init(cf_loop *loop, cf_server *server);
/// Frees a loop whose thread does not run.
void cf_loop_dispose(cf_loop *loop);
cf_status cf_loop_run_thread(cf_loop *loop, int *system_error);
/// Starts the periodic look at connections, if it does not run.
void cf_loop_need_tick(cf_loop *loop);
uint64_t cf_loop_now_ms(cf_loop *loop);

// connection.c
/// Takes ownership of fd.
void cf_connection_open(cf_loop *loop, int fd, const char *remote_address, uint64_t address);
/// Closes connections that were idle or reading for too long.
void cf_connection_check_timeouts(cf_connection *connection, uint64_t now_ms);
/// Whether it waits for the first byte of a request.
bool cf_connection_is_idle(const cf_connection *connection);
/// Ends a connection on which nothing is being answered.
void cf_connection_close_reading(cf_connection *connection);
/// Breaks the connection under a write in flight; h2o then sees an error and closes it.
void cf_connection_break(cf_connection *connection);
int cf_connection_fd(const cf_connection *connection);
/// 0 once the kernel has taken everything, else the bytes in libuv's queue and those the client has not acknowledged.
size_t cf_connection_unsent_bytes(const cf_connection *connection);
bool cf_connection_is_reset(const cf_connection *connection);

// linger.c
/// Makes the coming close of the connection a lingering one, so that the answer is not lost in a reset.
void cf_linger_prepare(cf_connection *connection);
/// Reads and drops what the client still sends, for a short time. Takes ownership of fd.
void cf_linger_start(cf_loop *loop, int fd);
void cf_linger_check(cf_loop *loop, uint64_t now_ms);
void cf_linger_end_all(cf_loop *loop);

// watch.c
void cf_watch_arm(cf_loop *loop, cf_watch *watch, int fd, uint32_t events);
void cf_watch_disarm(cf_loop *loop, cf_watch *watch);
void cf_watch_on_readable(uv_poll_t *poll, int status, int events);

// head.c
typedef enum cf_head_verdict {
    CF_HEAD_SOUND,
    CF_HEAD_TOO_LARGE,
    CF_HEAD_MALFORMED,
    CF_HEAD_AMBIGUOUS_LENGTH,
    CF_HEAD_WITHOUT_HOST
} cf_head_verdict;
/// Judges a raw request head that h2o has already accepted. Pure.
cf_head_verdict cf_head_judge(const char *bytes, size_t length, size_t max_head_bytes);
/// Whether a head ends within the first max_head_bytes. Pure.
bool cf_head_ends_within(const char *bytes, size_t length, size_t max_head_bytes);

// refusal.c
cf_bytes cf_refusal_body(const cf_server *server, cf_refusal refusal);
/// Lets the owner of the server count a request that its handler does not see.
void cf_refusal_report(const cf_server *server, cf_refusal refusal);
/// Registers the filter that gives libh2o's own error answers our body.
void cf_refusal_register_filter(h2o_pathconf_t *path);
/// Writes a whole 408 or 431 past h2o, which is not writing while it reads a request.
void cf_refusal_send_raw(cf_connection *connection, cf_refusal refusal);

// answer_head.c
const char *cf_reason_phrase(int status);
/// Whether every field is one a handler may send.
bool cf_fields_are_legal(const cf_field *fields, size_t field_count);
/// The fields as one owned block: name NUL value NUL, names in lower case.
char *cf_fields_copy(const cf_field *fields, size_t field_count);
/// Puts the call's head into the request.
void cf_answer_head_apply(cf_call *call);

// request.c
void cf_request_register_handler(h2o_pathconf_t *path, cf_server *server);

// call.c
cf_call *cf_call_create(cf_connection *connection, h2o_req_t *request);
/// Gives the call an answer of the front itself unless it has one. Returns false if it had.
bool cf_call_refuse(cf_call *call, cf_refusal refusal);

// stream.c (loop thread)
void cf_call_attach(cf_call *call);
/// Sends what there is to send, unless a send is under way.
void cf_call_pump(cf_call *call);
/// Allows the next message, then pumps: when the last one was taken off the receiver, or after the handler.
void cf_call_take_notice(cf_call *call);
/// Ends the call before its time: `refusal` is what a client without an answer gets.
void cf_call_cut(cf_call *call, cf_close_reason reason, cf_refusal refusal);
void cf_call_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

#endif
