// One loop thread: a libuv loop, an h2o context, the periodic look at connections, and the end of it all.
#include "internal.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static const uint64_t tick_ms = 100;
static const uint64_t draining_tick_ms = 10;
// Cut connections close within a few turns of the loop. Should one not, a leak is better than a stop that hangs.
static const uint64_t patience_after_cut_ms = 5000;
// A connection idle for this long gives way to a newcomer when all places are taken.
static const uint64_t yielding_idle_ms = 1000;
static const size_t max_room_per_tick = 16;
static const size_t thread_stack_bytes = 8 * 1024 * 1024;

uint64_t cf_loop_now_ms(cf_loop *loop) {
    return uv_now(&loop->uv);
}

static cf_connection *connection_of(h2o_linklist_t *link) {
    return H2O_STRUCT_FROM_MEMBER(cf_connection, link, link);
}

/// Closes what is idle, cuts what is busy once the grace is over, and stops the loop when nothing is left.
static void drain(cf_loop *loop, uint64_t now_ms) {
    const bool is_late = now_ms >= loop->drain_deadline_ms;
    h2o_linklist_t *next = loop->connections.next;
    while (next != &loop->connections) {
        cf_connection *connection = connection_of(next);
        next = next->next;
        if (cf_connection_is_idle(connection)) {
            cf_connection_close_reading(connection);
        } else if (is_late && !loop->cut) {
            loop->cut_count++;
            if (connection->call != NULL) {
                cf_call_cut(connection->call, CF_CLOSED_ABORTED, CF_REFUSAL_STOPPING);
            } else {
                cf_connection_close_reading(connection);
            }
        }
    }
    if (is_late && !loop->cut) {
        loop->cut = true;
        loop->give_up_ms = now_ms + patience_after_cut_ms;
    }
    if (h2o_linklist_is_empty(&loop->connections) || (loop->cut && now_ms >= loop->give_up_ms)) {
        uv_stop(&loop->uv);
    }
}

/// At the connection limit, ends some connections that do nothing if others wait for a place.
static void make_room(cf_loop *loop, uint64_t now_ms) {
    struct pollfd newcomers = {.fd = loop->listen_fd, .events = POLLIN};
    if (loop->accepting || poll(&newcomers, 1, 0) != 1) {
        return;
    }
    size_t room = 0;
    h2o_linklist_t *next = loop->connections.next;
    while (next != &loop->connections && room < max_room_per_tick) {
        cf_connection *connection = connection_of(next);
        next = next->next;
        if (cf_connection_is_idle(connection) && now_ms - connection->idle_since_ms >= yielding_idle_ms) {
            cf_connection_close_reading(connection);
            room++;
        }
    }
}

static void on_tick(uv_timer_t *timer) {
    cf_loop *loop = timer->data;
    const uint64_t now_ms = cf_loop_now_ms(loop);
    h2o_linklist_t *next = loop->connections.next;
    while (next != &loop->connections) {
        cf_connection *connection = connection_of(next);
        next = next->next;
        cf_connection_check_timeouts(connection, now_ms);
    }
    cf_linger_check(loop, now_ms);
    if (loop->draining) {
        drain(loop, now_ms);
        return;
    }
    make_room(loop, now_ms);
    cf_listener_resume(loop);
    if (h2o_linklist_is_empty(&loop->connections) && loop->linger_count == 0) {
        uv_timer_stop(timer);  // an idle server sleeps
    }
}

void cf_loop_need_tick(cf_loop *loop) {
    if (!uv_is_active((uv_handle_t *)&loop->tick)) {
        uv_timer_start(&loop->tick, on_tick, tick_ms, tick_ms);
    }
}

static void on_stop_request(uv_async_t *async) {
    cf_loop *loop = async->data;
    if (loop->draining) {
        return;
    }
    cf_listener_pause(loop);
    close(loop->listen_fd);
    loop->listen_fd = -1;
    loop->draining = true;
    loop->drain_deadline_ms = cf_loop_now_ms(loop) + atomic_load(&loop->server->grace_ms);
    // Makes h2o answer with "connection: close" from now on. Its request_shutdown function would in addition arm an
    // HTTP/2 timer, and disposing the context with that timer armed is an abort.
    loop->context.shutdown_requested = 1;
    cf_linger_end_all(loop);
    uv_timer_start(&loop->tick, on_tick, 0, draining_tick_ms);
}

cf_status cf_loop_init(cf_loop *loop, cf_server *server) {
    *loop = (cf_loop){.server = server, .listen_fd = -1, .watch_fd = -1};
    h2o_linklist_init_anchor(&loop->connections);
    h2o_linklist_init_anchor(&loop->lingers);
    if (uv_loop_init(&loop->uv) != 0) {
        return CF_STATUS_LOOP_FAILED;
    }
    loop->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->listen_fd = dup(server->listen_fd);
    if (loop->watch_fd < 0 || loop->listen_fd < 0 || uv_poll_init(&loop->uv, &loop->watch, loop->watch_fd) != 0) {
        goto fail_descriptors;
    }
    if (uv_poll_init(&loop->uv, &loop->listener, loop->listen_fd) != 0) {
        goto fail_watch;
    }
    if (uv_async_init(&loop->uv, &loop->stop_request, on_stop_request) != 0) {
        goto fail_listener;
    }
    uv_timer_init(&loop->uv, &loop->tick);
    loop->watch.data = loop->listener.data = loop->stop_request.data = loop->tick.data = loop;
    h2o_context_init(&loop->context, &loop->uv, &server->configuration);
    h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, cf_call_on_messages);
    h2o_timeout_init(&loop->uv, &loop->stall_timeout, server->settings.write_stall_timeout_ms);
    loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = server->configuration.hosts};
    uv_poll_start(&loop->watch, UV_READABLE, cf_watch_on_readable);
    cf_listener_resume(loop);
    return CF_STATUS_OK;

fail_listener:
    uv_close((uv_handle_t *)&loop->listener, NULL);
fail_watch:
    uv_close((uv_handle_t *)&loop->watch, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
fail_descriptors:
    close(loop->watch_fd);
    close(loop->listen_fd);
    uv_loop_close(&loop->uv);
    return CF_STATUS_LOOP_FAILED;
}

void cf_loop_dispose(cf_loop *loop) {
    // Calls post their messages under their own mutex and only while open. All are closed, so this ends.
    while (!h2o_linklist_is_empty(&loop->receiver._messages)) {
        uv_run(&loop->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&loop->watch, NULL);
    uv_close((uv_handle_t *)&loop->listener, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->stop_request, NULL);
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
    h2o_timeout_dispose(&loop->uv, &loop->stall_timeout);
    h2o_context_dispose(&loop->context);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    close(loop->watch_fd);
    if (loop->listen_fd >= 0) {
        close(loop->listen_fd);
    }
}

/// h2o keeps 16 spare socket buffers per thread and never frees them. (It keeps 16 pool pages as well, 64 kB, which
/// cannot be reached from outside: what remains of a stopped loop thread.)
static void free_spare_buffers(void) {
    h2o_mem_recycle_t *spare = &h2o_socket_buffer_prototype.allocator;
    while (spare->cnt > 0) {
        free(h2o_mem_alloc_recycle(spare, 0));
    }
}

static void *run(void *context) {
    cf_loop *loop = context;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->abandoned = !h2o_linklist_is_empty(&loop->connections);
    if (!loop->abandoned) {
        cf_loop_dispose(loop);
        free_spare_buffers();
    }
    return NULL;
}

cf_status cf_loop_run_thread(cf_loop *loop, int *system_error) {
    // Signals belong to other threads. Those that the thread itself raises stay open, or a crash could not be reported.
    sigset_t blocked;
    sigset_t previous;
    sigfillset(&blocked);
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        sigdelset(&blocked, own[i]);
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, thread_stack_bytes);
    pthread_sigmask(SIG_BLOCK, &blocked, &previous);  // inherited, so no signal slips in before the thread blocks it
    *system_error = pthread_create(&loop->thread, &attributes, run, loop);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    pthread_attr_destroy(&attributes);
    if (*system_error != 0) {
        return CF_STATUS_THREAD_FAILED;
    }
    pthread_setname_np(loop->thread, "front-loop");
    return CF_STATUS_OK;
}
