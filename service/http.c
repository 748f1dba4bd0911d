/* SPDX-License-Identifier: Apache-2.0 */
#include "service/http.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Room for one request's head, and for the head of its answer. */
#define CONNECTION_MEMORY 8192
/* The first grabs of it, so that an idle connection touches one page. */
#define CONNECTION_INCREMENT 1024

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Milliseconds. */
#define REQUEST_MS (TS_HTTP_IDLE * 1000)
#define SWEEP_MS   1000

/* Connections above the limit while those that make way are being closed. */
#define OVERLAP 40

/* A connection: what it takes to cut it off. */
struct conn {
    struct conn *next, *prev;
    int fd;
    bool closing; /* shut down; libmicrohttpd has not closed it yet */
    int64_t deadline;
};

struct ts_http {
    struct MHD_Daemon *daemon[TS_HTTP_LISTENERS];
    size_t n;
    int epoll; /* holds the descriptors of all daemons */
    /* heads of two lists, newest first: no request under way, and the rest */
    struct conn idle, busy;
    unsigned n_conns, n_closing, max_conns;
    int64_t swept;
    uint64_t cut;
    MHD_RequestCompletedCallback done;
    void *arg;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- connections and their deadlines ---- */

static void leave_list(struct conn *c)
{
    c->prev->next = c->next;
    c->next->prev = c->prev;
}

static void join_list(struct conn *head, struct conn *c)
{
    c->next = head->next;
    c->prev = head;
    c->next->prev = c;
    head->next = c;
}

/* libmicrohttpd sees the end of the stream and closes. */
static void cut_off(struct ts_http *http, struct conn *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->closing = true;
    c->deadline = INT64_MAX;
    http->n_closing++;
    leave_list(c);
    join_list(&http->busy, c);
}

/*
 * The limit holds for all listeners together. At the limit the connection that
 * has been idle for longest makes way: silence must not keep others out.
 */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *addr,
                                 socklen_t len)
{
    struct ts_http *http = cls;
    (void)addr;
    (void)len;
    if (http->n_conns >= http->max_conns + OVERLAP)
        return MHD_NO;
    if (http->n_conns - http->n_closing < http->max_conns)
        return MHD_YES;
    if (http->idle.prev == &http->idle)
        return MHD_NO;
    cut_off(http, http->idle.prev);
    return MHD_YES;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **ctx,
                          enum MHD_ConnectionNotificationCode code)
{
    struct ts_http *http = cls;
    struct conn *c = *ctx;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c) {
            leave_list(c);
            http->n_closing -= c->closing;
            http->n_conns--;
            free(c);
        }
        *ctx = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = info ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        /* nobody could cut it off: not served */
        if (info)
            shutdown(info->connect_fd, SHUT_RDWR);
        return;
    }
    c->fd = info->connect_fd;
    c->deadline = now_ms() + REQUEST_MS;
    join_list(&http->idle, c);
    http->n_conns++;
    *ctx = c;
}

static void move_on(struct conn *list, struct MHD_Connection *mhd, int64_t ms)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *c = info ? info->socket_context : NULL;
    if (!c || c->closing)
        return;
    c->deadline = now_ms() + ms;
    leave_list(c);
    join_list(list, c);
}

/* The first line of a request has come. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct ts_http *http = cls;
    (void)uri;
    move_on(&http->busy, mhd, REQUEST_MS);
    return NULL;
}

/* Idle time until the next request begins, then time for its first line. */
static void on_done(void *cls, struct MHD_Connection *mhd, void **request,
                    enum MHD_RequestTerminationCode code)
{
    struct ts_http *http = cls;
    move_on(&http->idle, mhd, 2 * REQUEST_MS);
    http->done(http->arg, mhd, request, code);
}

static void sweep_list(struct ts_http *http, struct conn *head, int64_t now)
{
    for (struct conn *c = head->next, *next; c != head; c = next) {
        next = c->next;
        if (now < c->deadline)
            continue;
        cut_off(http, c);
        http->cut++;
    }
}

static void sweep(struct ts_http *http)
{
    int64_t now = now_ms();
    if (now < http->swept + SWEEP_MS)
        return;
    http->swept = now;
    sweep_list(http, &http->idle, now);
    sweep_list(http, &http->busy, now);
}

/* ---- the server ---- */

static struct MHD_Daemon *start_daemon(struct ts_http *http,
                                       const struct ts_http_conf *conf,
                                       const struct ts_http_listener *listener)
{
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)conf->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)conf->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem *more = listener->tls ? tls : tls + 3;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_USE_SUSPEND_RESUME |
                     (listener->tls ? MHD_USE_TLS : 0);
    return MHD_start_daemon(
        flags, 0, on_accept, http, conf->handler, conf->arg,
        MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_CONNECTION_LIMIT,
        conf->connections + OVERLAP, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TS_HTTP_IDLE, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
        (size_t)CONNECTION_INCREMENT, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_done, http,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, http, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
}

static enum ts_err add_daemon(struct ts_http *http, struct MHD_Daemon *daemon)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (!daemon)
        return TS_E_CONFIG;
    http->daemon[http->n++] = daemon;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info ||
        epoll_ctl(http->epoll, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0)
        return TS_E_IO;
    return TS_OK;
}

enum ts_err ts_http_start(const struct ts_http_conf *conf, struct ts_http **out)
{
    if (conf->n == 0 || conf->n > TS_HTTP_LISTENERS)
        return TS_E_RANGE;
    struct ts_http *http = calloc(1, sizeof *http);
    if (!http)
        return TS_E_NOMEM;
    http->idle.next = http->idle.prev = &http->idle;
    http->busy.next = http->busy.prev = &http->busy;
    http->max_conns = conf->connections;
    http->done = conf->done;
    http->arg = conf->arg;
    http->epoll = epoll_create1(EPOLL_CLOEXEC);
    enum ts_err err = http->epoll < 0 ? TS_E_IO : TS_OK;
    for (size_t i = 0; !err && i < conf->n; i++)
        err = add_daemon(http, start_daemon(http, conf, &conf->listeners[i]));
    if (err) {
        ts_http_stop(http);
        return err;
    }
    *out = http;
    return TS_OK;
}

int ts_http_fd(const struct ts_http *http)
{
    return http->epoll;
}

int ts_http_wait(const struct ts_http *http)
{
    unsigned long long wait = SWEEP_MS;
    for (size_t i = 0; i < http->n; i++) {
        MHD_UNSIGNED_LONG_LONG ms;
        if (MHD_get_timeout(http->daemon[i], &ms) == MHD_YES && ms < wait)
            wait = ms;
    }
    return (int)wait;
}

void ts_http_run(struct ts_http *http)
{
    for (size_t i = 0; i < http->n; i++)
        MHD_run(http->daemon[i]);
    sweep(http);
}

void ts_http_quiesce(struct ts_http *http)
{
    for (size_t i = 0; i < http->n; i++) {
        int fd = MHD_quiesce_daemon(http->daemon[i]);
        if (fd >= 0)
            close(fd);
    }
}

void ts_http_stop(struct ts_http *http)
{
    if (!http)
        return;
    for (size_t i = 0; i < http->n; i++)
        MHD_stop_daemon(http->daemon[i]);
    if (http->epoll >= 0)
        close(http->epoll);
    free(http);
}

uint64_t ts_http_cut(const struct ts_http *http)
{
    return http->cut;
}

unsigned ts_http_room(unsigned connections, unsigned spare)
{
    rlim_t want = (rlim_t)connections + spare;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections;
    if (limit.rlim_max < want) {
        /* only a privileged process may; no harm in trying */
        const struct rlimit more = {want, want};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return connections;
    }
    limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections;
    if (limit.rlim_cur >= want)
        return connections;
    return limit.rlim_cur > spare ? (unsigned)(limit.rlim_cur - spare) : 1;
}
