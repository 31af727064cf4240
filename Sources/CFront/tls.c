// A certificate and its key as a context of libssl. TLS 1.2 and 1.3, HTTP/1.1 alone.
#include "internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cf_tls {
    SSL_CTX *context;
};

/// A client that names protocols must name ours: speaking another one than it expects helps nobody.
static int select_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *context) {
    (void)ssl;
    (void)context;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;
    if (SSL_select_next_proto(&found, chosen_length, ours, sizeof ours - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/// A key that needs a password is refused instead of asking for it on the terminal.
static int no_password(char *buffer, int capacity, int is_writing, void *context) {
    (void)buffer;
    (void)capacity;
    (void)is_writing;
    (void)context;
    return -1;
}

static void describe(const char *path, const char *what, char *error, size_t capacity) {
    const unsigned long code = ERR_peek_error();
    const char *reason = NULL;
    if (code != 0) {
        reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    }
    snprintf(error, capacity, "%s: %s%s%s", path, what, reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static bool configure(SSL_CTX *context, const char *certificate_path, const char *key_path, char *error,
                      size_t capacity) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need no memory here
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, certificate_path) != 1) {
        describe(certificate_path, "no certificate can be read", error, capacity);
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
        describe(key_path, "no private key can be read, or it is not the certificate's", error, capacity);
        return false;
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        describe(key_path, "the private key is not the certificate's", error, capacity);
        return false;
    }
    return true;
}

cf_tls *cf_tls_load(const char *certificate_path, const char *key_path, char *error, size_t error_capacity) {
    assert(error_capacity > 0);
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        describe(certificate_path, "TLS cannot be used", error, error_capacity);
        return NULL;
    }
    const bool is_usable = configure(context, certificate_path, key_path, error, error_capacity);
    ERR_clear_error();
    if (!is_usable) {
        SSL_CTX_free(context);
        return NULL;
    }
    cf_tls *tls = cf_allocate(sizeof *tls);
    tls->context = context;
    return tls;
}

void cf_tls_free(cf_tls *tls) {
    SSL_CTX_free(tls->context);
    free(tls);
}

void cf_server_set_tls(cf_server *server, const cf_tls *tls) {
    SSL_CTX_up_ref(tls->context);
    pthread_mutex_lock(&server->tls_mutex);
    SSL_CTX *previous = server->tls;
    server->tls = tls->context;
    pthread_mutex_unlock(&server->tls_mutex);
    SSL_CTX_free(previous);
}

SSL_CTX *cf_server_take_tls(cf_server *server) {
    pthread_mutex_lock(&server->tls_mutex);
    SSL_CTX *context = server->tls;
    if (context != NULL) {
        SSL_CTX_up_ref(context);
    }
    pthread_mutex_unlock(&server->tls_mutex);
    return context;
}
