// The listening socket. Its own accept loop over uv_poll, because uv_listen can neither be paused at the connection
// limit nor be kept from spinning when the process runs out of descriptors.
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char unix_prefix[] = "unix:";
static const int backlog = 1024;

static int set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value);
}

/// Copies a host without IPv6 brackets; "localhost" is 127.0.0.1. False if it does not fit.
static bool copy_numeric_host(const char *host, char *copy, size_t capacity) {
    size_t length = strlen(host);
    if (strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
        length = strlen(host);
    } else if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host += 1;
        length -= 2;
    }
    if (length == 0 || length >= capacity) {
        return false;
    }
    memcpy(copy, host, length);
    copy[length] = '\0';
    return true;
}

static cf_status bind_address(int fd, const struct sockaddr *address, socklen_t length, int *system_error) {
    if (bind(fd, address, length) != 0) {
        *system_error = errno;
        return CF_STATUS_BIND_FAILED;
    }
    if (listen(fd, backlog) != 0) {
        *system_error = errno;
        return CF_STATUS_LISTEN_FAILED;
    }
    return CF_STATUS_OK;
}

static uint16_t bound_port(int fd) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static cf_status open_tcp(cf_server *server, int *system_error) {
    char host[128];
    char port[8];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    snprintf(port, sizeof port, "%u", server->settings.port);
    if (!copy_numeric_host(server->settings.host, host, sizeof host) || getaddrinfo(host, port, &hints, &found) != 0) {
        return CF_STATUS_BAD_HOST;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cf_status status = CF_STATUS_SOCKET_FAILED;
    *system_error = errno;
    if (fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0) {
        if (found->ai_family == AF_INET6) {
            (void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);  // "::" serves IPv4 clients too, where the system can
        }
        status = bind_address(fd, found->ai_addr, found->ai_addrlen, system_error);
    }
    freeaddrinfo(found);
    server->listen_fd = fd;
    if (status == CF_STATUS_OK) {
        server->port = bound_port(fd);
    }
    return status;
}

/// Removes a socket file that nobody listens on any more. Any other file stays, and bind fails.
static void remove_stale_socket(const struct sockaddr_un *address) {
    struct stat file;
    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return;
    }
    if (connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED) {
        unlink(address->sun_path);
    }
    close(probe);
}

static cf_status open_unix(cf_server *server, const char *path, int *system_error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] != '/' || strlen(path) >= sizeof address.sun_path) {
        return CF_STATUS_BAD_HOST;
    }
    strcpy(address.sun_path, path);
    remove_stale_socket(&address);
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listen_fd < 0) {
        *system_error = errno;
        return CF_STATUS_SOCKET_FAILED;
    }
    const cf_status status =
        bind_address(server->listen_fd, (const struct sockaddr *)&address, sizeof address, system_error);
    if (status == CF_STATUS_OK) {
        server->socket_path = strdup(path);
    }
    return status;
}

cf_status cf_listener_open(cf_server *server, int *system_error) {
    const char *host = server->settings.host;
    const size_t prefix_length = sizeof unix_prefix - 1;
    if (strncmp(host, unix_prefix, prefix_length) == 0) {
        return open_unix(server, host + prefix_length, system_error);
    }
    return open_tcp(server, system_error);
}

void cf_listener_close(cf_server *server) {
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
        server->listen_fd = -1;
    }
    if (server->socket_path != NULL) {
        unlink(server->socket_path);
        free(server->socket_path);
        server->socket_path = NULL;
    }
}

static void describe_peer(const struct sockaddr_storage *address, char *text, size_t capacity) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, capacity, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, capacity, "%s:%u", host, ntohs(v4->sin_port));
    } else {
        snprintf(text, capacity, "unix");
    }
}

/// Whether accept may go on after this failure: the client left the queue, or a signal came.
static bool is_passing_accept_error(int error) {
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH;
}

/// Connections closed at once, of addresses that have enough, before others have their turn.
enum { most_turned_away = 64 };

void cf_listener_on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    cf_loop *loop = poll->data;
    cf_server *server = loop->server;
    size_t turned_away = 0;
    while (atomic_load_explicit(&server->connection_count, memory_order_relaxed) < server->settings.max_connections) {
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof address;
        int fd = accept4(loop->listen_fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && is_passing_accept_error(errno)) {
            continue;
        }
        if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (fd < 0) {
            break;  // no descriptor or no memory: the tick tries again, other connections go on
        }
        const uint64_t client = cf_address_of(&address, server->settings.spares_loopback);
        if (!cf_addresses_enter(server->addresses, client, server->settings.max_connections_per_address)) {
            close(fd);
            cf_refusal_report(server, CF_REFUSAL_ADDRESS);
            if (++turned_away == most_turned_away) {
                return;  // the rest is still readable after what other connections need
            }
            continue;
        }
        if (address.ss_family != AF_UNIX) {
            (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        }
        char remote_address[sizeof((cf_connection *)0)->remote_address];
        describe_peer(&address, remote_address, sizeof remote_address);
        cf_connection_open(loop, fd, remote_address, client);
    }
    cf_listener_pause(loop);
    cf_loop_need_tick(loop);
}

void cf_listener_pause(cf_loop *loop) {
    if (loop->accepting) {
        loop->accepting = false;
        uv_poll_stop(&loop->listener);
    }
}

void cf_listener_resume(cf_loop *loop) {
    if (!loop->accepting && !loop->draining) {
        loop->accepting = true;
        uv_poll_start(&loop->listener, UV_READABLE, cf_listener_on_readable);
    }
}
