// Lingering close. Closing a socket that still receives makes the kernel send a reset, and a reset makes the client
// lose the answer it has not read yet (a 413, say, while it still uploads). So a duplicate of the descriptor stays open
// after h2o's close: our sending side is shut, what arrives is dropped, until the client closes or the time is over.
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct cf_linger {
    h2o_linklist_t link;
    cf_watch watch;
    cf_loop *loop;
    uint64_t deadline_ms;
} cf_linger;

static const uint64_t linger_ms = 2000;
static const size_t max_lingers = 64;

static void end(cf_linger *linger) {
    cf_loop *loop = linger->loop;
    cf_watch_disarm(loop, &linger->watch);
    close(linger->watch.fd);
    h2o_linklist_unlink(&linger->link);
    loop->linger_count--;
    free(linger);
}

static void on_event(cf_watch *watch, uint32_t events) {
    (void)events;
    cf_linger *linger = H2O_STRUCT_FROM_MEMBER(cf_linger, watch, watch);
    char dropped[16384];
    for (int reads = 0; reads < 16; reads++) {
        ssize_t count = recv(watch->fd, dropped, sizeof dropped, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        if (count <= 0) {
            end(linger);
            return;
        }
    }
}

void cf_linger_prepare(cf_connection *connection) {
    if (connection->linger_fd < 0 && connection->loop->linger_count < max_lingers) {
        connection->linger_fd = fcntl(cf_connection_fd(connection), F_DUPFD_CLOEXEC, 0);
    }
}

void cf_linger_start(cf_loop *loop, int fd) {
    if (loop->draining || loop->linger_count >= max_lingers || shutdown(fd, SHUT_WR) != 0) {
        close(fd);
        return;
    }
    cf_linger *linger = cf_allocate(sizeof *linger);
    linger->loop = loop;
    linger->deadline_ms = cf_loop_now_ms(loop) + linger_ms;
    linger->watch.on_event = on_event;
    h2o_linklist_insert(&loop->lingers, &linger->link);
    loop->linger_count++;
    cf_watch_arm(loop, &linger->watch, fd, EPOLLIN | EPOLLRDHUP);
    linger->watch.fd = fd;
    cf_loop_need_tick(loop);
}

void cf_linger_check(cf_loop *loop, uint64_t now_ms) {
    h2o_linklist_t *next = loop->lingers.next;
    while (next != &loop->lingers) {
        cf_linger *linger = H2O_STRUCT_FROM_MEMBER(cf_linger, link, next);
        next = next->next;
        if (now_ms >= linger->deadline_ms) {
            end(linger);
        }
    }
}

void cf_linger_end_all(cf_loop *loop) {
    cf_linger_check(loop, UINT64_MAX);
}
