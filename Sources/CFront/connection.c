// One accepted socket: its libuv handle, its place in the loop's list, its timeouts.
#include "internal.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char closed_by_us[] = "closed by the server";

static void on_handle_closed(uv_handle_t *handle) {
    free((cf_connection *)handle);
}

/// h2o has closed the socket; the memory lives until libuv lets go of the handle.
static void on_socket_closed(void *context) {
    cf_connection *connection = context;
    cf_loop *loop = connection->loop;
    assert(connection->call == NULL);
    h2o_linklist_unlink(&connection->link);
    atomic_fetch_sub_explicit(&loop->server->connection_count, 1, memory_order_relaxed);
    cf_addresses_leave(loop->server->addresses, connection->address);
    if (connection->linger_fd >= 0) {
        cf_linger_start(loop, connection->linger_fd);
        connection->linger_fd = -1;
    }
    connection->socket = NULL;
    SSL_CTX_free(connection->tls);
    connection->tls = NULL;
    cf_listener_resume(loop);
}

void cf_connection_open(cf_loop *loop, int fd, const char *remote_address, uint64_t address) {
    cf_connection *connection = cf_allocate(sizeof *connection);
    connection->loop = loop;
    connection->linger_fd = -1;
    connection->idle_since_ms = cf_loop_now_ms(loop);
    strcpy(connection->remote_address, remote_address);
    connection->address = address;
    int result = 0;
    if (loop->server->socket_path != NULL) {
        uv_pipe_init(&loop->uv, &connection->handle.pipe, 0);
        result = uv_pipe_open(&connection->handle.pipe, fd);
    } else {
        uv_tcp_init(&loop->uv, &connection->handle.tcp);
        result = uv_tcp_open(&connection->handle.tcp, fd);
    }
    if (result != 0) {
        cf_addresses_leave(loop->server->addresses, address);
        close(fd);
        uv_close((uv_handle_t *)&connection->handle, on_handle_closed);
        return;
    }
    atomic_fetch_add_explicit(&loop->server->connection_count, 1, memory_order_relaxed);
    h2o_linklist_insert(&loop->connections, &connection->link);
    connection->socket = h2o_uv_socket_create(&connection->handle.stream, on_handle_closed);
    connection->socket->on_close.cb = on_socket_closed;
    connection->socket->on_close.data = connection;
    cf_loop_need_tick(loop);
    connection->tls = cf_server_take_tls(loop->server);
    loop->accept.ssl_ctx = connection->tls;
    h2o_accept(&loop->accept, connection->socket);
}

int cf_connection_fd(const cf_connection *connection) {
    uv_os_fd_t fd = -1;
    return uv_fileno((const uv_handle_t *)&connection->handle, &fd) == 0 ? fd : -1;
}

size_t cf_connection_unsent_bytes(const cf_connection *connection) {
    const size_t queued = uv_stream_get_write_queue_size(&connection->handle.stream);
    // The kernel asks for more only when a third of its buffer of megabytes is free: a slow client's progress shows in
    // what it has acknowledged, long before it shows in the queue.
    int unacknowledged = 0;
    if (queued == 0 || ioctl(cf_connection_fd(connection), SIOCOUTQ, &unacknowledged) != 0) {
        return queued;
    }
    return queued + (size_t)unacknowledged;
}

bool cf_connection_is_reset(const cf_connection *connection) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    return getsockopt(cf_connection_fd(connection), IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           info.tcpi_state == TCP_CLOSE;
}

void cf_connection_break(cf_connection *connection) {
    shutdown(cf_connection_fd(connection), SHUT_RDWR);
}

void cf_connection_close_reading(cf_connection *connection) {
    assert(connection->call == NULL);
    h2o_socket_t *socket = connection->socket;
    if (socket->_cb.read != NULL && socket->_cb.write == NULL) {
        // What the library's own socket layer does on an error. Unlike shutdown() it leaves the receiving side open
        // for the linger, and it takes effect now.
        socket->_cb.read(socket, closed_by_us);
    } else {
        cf_connection_break(connection);
    }
}

bool cf_connection_is_idle(const cf_connection *connection) {
    return connection->call == NULL && connection->socket->input->size == 0;
}

static void refuse_reading(cf_connection *connection, cf_refusal refusal) {
    if (connection->socket->_cb.write == NULL && connection->tls == NULL) {
        cf_refusal_send_raw(connection, refusal);
        cf_linger_prepare(connection);
    }
    cf_connection_close_reading(connection);
}

void cf_connection_check_timeouts(cf_connection *connection, uint64_t now_ms) {
    if (connection->call != NULL) {
        return;
    }
    const cf_settings *settings = &connection->loop->server->settings;
    const h2o_buffer_t *input = connection->socket->input;
    if (cf_connection_is_idle(connection)) {
        connection->request_since_ms = 0;
        if (now_ms - connection->idle_since_ms >= settings->idle_timeout_ms) {
            cf_connection_close_reading(connection);
        }
        return;
    }
    if (connection->request_since_ms == 0) {
        connection->request_since_ms = now_ms;
    }
    if (now_ms - connection->request_since_ms >= settings->request_timeout_ms) {
        refuse_reading(connection, CF_REFUSAL_TIMEOUT);
    } else if (input->size > settings->max_head_bytes &&
               !cf_head_ends_within(input->bytes, input->size, settings->max_head_bytes)) {
        refuse_reading(connection, CF_REFUSAL_HEAD_TOO_LARGE);
    }
}
