// A nested epoll set. HTTP/1 stops reading while an answer is pending, so h2o cannot see the client leave; and libuv
// refuses a second poll handle on a socket it already owns. An epoll descriptor of our own, itself polled by libuv,
// watches the same sockets for RDHUP.
#include "internal.h"

#include <errno.h>
#include <sys/epoll.h>

void cf_watch_arm(cf_loop *loop, cf_watch *watch, int fd, uint32_t events) {
    assert(!watch->armed);
    struct epoll_event event = {.events = events, .data.ptr = watch};
    watch->fd = fd;
    watch->armed = epoll_ctl(loop->watch_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void cf_watch_disarm(cf_loop *loop, cf_watch *watch) {
    if (watch->armed) {
        watch->armed = false;
        epoll_ctl(loop->watch_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    }
}

void cf_watch_on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    cf_loop *loop = poll->data;
    // One at a time: handling an event may free what another event of the same batch points to.
    // Bounded, so that a flood of leaving clients cannot starve the others; libuv calls again for the rest.
    for (int i = 0; i < 256; i++) {
        struct epoll_event event;
        if (epoll_wait(loop->watch_fd, &event, 1, 0) != 1) {
            return;
        }
        cf_watch *watch = event.data.ptr;
        watch->on_event(watch, event.events);
    }
}
