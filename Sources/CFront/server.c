// Start, stop and what the loops share.
#include "internal.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void ignore_sigpipe(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        signal(SIGPIPE, SIG_IGN);
    }
}

static char *copy_bytes(char **cursor, const void *bytes, size_t length) {
    char *copy = *cursor;
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    *cursor += length + 1;
    return copy;
}

/// Takes the settings with copies of all that they point to, in one block.
static void copy_settings(cf_server *server, const cf_settings *settings) {
    const size_t host_length = strlen(settings->host);
    const size_t type_length = strlen(settings->refusal_content_type);
    size_t size = CF_REFUSAL_COUNT * sizeof(cf_bytes) + host_length + 1 + type_length + 1;
    for (size_t i = 0; i < CF_REFUSAL_COUNT; i++) {
        size += settings->refusal_bodies[i].length + 1;
    }
    server->storage = cf_allocate(size);
    server->settings = *settings;
    cf_bytes *bodies = (cf_bytes *)server->storage;
    char *cursor = server->storage + CF_REFUSAL_COUNT * sizeof(cf_bytes);
    for (size_t i = 0; i < CF_REFUSAL_COUNT; i++) {
        const cf_bytes body = settings->refusal_bodies[i];
        bodies[i] = (cf_bytes){.start = copy_bytes(&cursor, body.start, body.length), .length = body.length};
    }
    server->settings.refusal_bodies = bodies;
    server->settings.host = copy_bytes(&cursor, settings->host, host_length);
    server->settings.refusal_content_type = copy_bytes(&cursor, settings->refusal_content_type, type_length);
}

static void configure_h2o(cf_server *server) {
    const cf_settings *settings = &server->settings;
    h2o_globalconf_t *configuration = &server->configuration;
    h2o_config_init(configuration);
    configuration->server_name = h2o_iovec_init(NULL, 0);  // no Server field
    configuration->http1.upgrade_to_http2 = 0;
    // One more than ours: a body of exactly this length is read and refused by us, with the connection kept; the
    // library refuses longer ones before it reads them. (For chunked bodies its limit is exclusive.)
    configuration->max_request_entity_size = settings->max_body_bytes + 1;
    // One absolute timer over idling, head and body. Ours (connection.c) come first.
    configuration->http1.req_timeout =
        (uint64_t)settings->idle_timeout_ms + (uint64_t)settings->request_timeout_ms + 1000;
    configuration->handshake_timeout = settings->request_timeout_ms;
    // Never put a client's text into a file under /tmp.
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    h2o_hostconf_t *host = h2o_config_register_host(configuration, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    cf_request_register_handler(&host->fallback_path, server);
    cf_refusal_register_filter(&host->fallback_path);
}

static void free_server(cf_server *server) {
    cf_listener_close(server);
    h2o_config_dispose(&server->configuration);
    server->settings.release_context(server->settings.context);
    pthread_mutex_destroy(&server->stop_mutex);
    pthread_mutex_destroy(&server->tls_mutex);
    SSL_CTX_free(server->tls);
    cf_addresses_free(server->addresses);
    free(server->loops);
    free(server->storage);
    free(server);
}

static void ask_loops_to_stop(cf_server *server, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uv_async_send(&server->loops[i].stop_request);
    }
}

static cf_status start_threads(cf_server *server, int *system_error) {
    cf_status status = CF_STATUS_OK;
    uint32_t initialised = 0;
    uint32_t running = 0;
    while (status == CF_STATUS_OK && initialised < server->loop_count) {
        status = cf_loop_init(&server->loops[initialised], server);
        initialised += status == CF_STATUS_OK;
    }
    while (status == CF_STATUS_OK && running < server->loop_count) {
        status = cf_loop_run_thread(&server->loops[running], system_error);
        running += status == CF_STATUS_OK;
    }
    if (status == CF_STATUS_OK) {
        return status;
    }
    ask_loops_to_stop(server, running);
    for (uint32_t i = 0; i < initialised; i++) {
        if (i < running) {
            pthread_join(server->loops[i].thread, NULL);
        } else {
            cf_loop_dispose(&server->loops[i]);
        }
    }
    return status;
}

cf_status cf_server_start(const cf_settings *settings, cf_server **server, int *system_error) {
    assert(settings->loop_count > 0);
    assert(settings->max_connections > 0);
    *server = NULL;
    *system_error = 0;
    ignore_sigpipe();
    cf_server *started = cf_allocate(sizeof *started);
    started->listen_fd = -1;
    started->loop_count = settings->loop_count;
    started->loops = cf_allocate(settings->loop_count * sizeof(cf_loop));
    pthread_mutex_init(&started->stop_mutex, NULL);
    pthread_mutex_init(&started->tls_mutex, NULL);
    copy_settings(started, settings);
    if (settings->tls != NULL) {
        cf_server_set_tls(started, settings->tls);
    }
    started->settings.tls = NULL;
    if (settings->max_connections_per_address > 0) {
        started->addresses = cf_addresses_create(settings->max_connections);
    }
    configure_h2o(started);
    cf_status status = cf_listener_open(started, system_error);
    if (status == CF_STATUS_OK) {
        status = start_threads(started, system_error);
    }
    if (status != CF_STATUS_OK) {
        free_server(started);
        return status;
    }
    *server = started;
    return CF_STATUS_OK;
}

uint16_t cf_server_port(const cf_server *server) {
    return server->port;
}

size_t cf_server_connection_count(cf_server *server) {
    return atomic_load_explicit(&server->connection_count, memory_order_relaxed);
}

bool cf_server_is_loop_thread(const cf_server *server) {
    for (uint32_t i = 0; i < server->loop_count; i++) {
        if (pthread_equal(pthread_self(), server->loops[i].thread)) {
            return true;
        }
    }
    return false;
}

size_t cf_server_stop(cf_server *server, uint32_t grace_ms) {
    size_t cut_count = 0;
    pthread_mutex_lock(&server->stop_mutex);
    if (!server->stopped) {
        server->stopped = true;
        atomic_store(&server->grace_ms, grace_ms);
        cf_listener_close(server);
        ask_loops_to_stop(server, server->loop_count);
        for (uint32_t i = 0; i < server->loop_count; i++) {
            pthread_join(server->loops[i].thread, NULL);
            cut_count += server->loops[i].cut_count;
        }
    }
    pthread_mutex_unlock(&server->stop_mutex);
    return cut_count;
}

void cf_server_free(cf_server *server) {
    assert(server->stopped);
    for (uint32_t i = 0; i < server->loop_count; i++) {
        if (server->loops[i].abandoned) {
            return;
        }
    }
    free_server(server);
}
