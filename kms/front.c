/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/front.h"
#include "base/secret.h"
#include "kms/frontreq.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Descriptors beside connections: listeners, epolls, rings, log. */
#define SPARE 128
/* Largest certificate or key file. */
#define PEM_MAX 262144
/* Seconds that requests in flight have when the role is told to stop. */
#define DRAIN_S 2

/* What the role consists of while it runs. */
struct loop {
    struct ts_self *self;
    struct ts_ring *asks, *replies;
    struct kms_front *front;
    struct ts_http *http;
    time_t stop_by; /* 0 while serving */
};

static time_t now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* A whole file as text; the caller frees it. NULL with errno. */
static char *read_pem(const char *path)
{
    size_t n = 0;
    ssize_t got = -1;
    char *text = calloc(1, PEM_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (text && fd >= 0)
        while ((got = read(fd, text + n, PEM_MAX - n)) > 0)
            n += (size_t)got;
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (got == 0)
        return text;
    free(text);
    errno = err;
    return NULL;
}

static void free_pem(char *text)
{
    if (text)
        ts_wipe(text, PEM_MAX);
    free(text);
}

static int start_http(struct loop *l, const struct kms_front_conf *conf)
{
    int code = 0;
    char *cert = NULL, *key = NULL;
    struct ts_http_conf http = {.listeners = conf->listeners,
                                .n = conf->n,
                                .handler = kms_front_handle,
                                .done = kms_front_done,
                                .arg = l->front};
    if (conf->cert && !(cert = read_pem(conf->cert)))
        code = ts_role_fail(2, "front: cannot read %s: %m; see [https] cert",
                            conf->cert);
    else if (conf->key && !(key = read_pem(conf->key)))
        code = ts_role_fail(2, "front: cannot read %s: %m; see [https] key",
                            conf->key);
    if (code == 0) {
        http.cert = cert;
        http.key = key;
        http.connections = ts_http_room(conf->connections, SPARE);
        if (http.connections < conf->connections)
            ts_log(TS_WARN, "connections-lowered",
                   TS_UINT("wanted", conf->connections),
                   TS_UINT("limit", http.connections),
                   TS_STR("reason", "limit of open files (ulimit -Hn)"));
        enum ts_err err = ts_http_start(&http, &l->http);
        if (err == TS_E_CONFIG)
            code = ts_role_fail(2,
                                "front: %s and %s are no certificate and key "
                                "that belong together; see [https]",
                                conf->cert ? conf->cert : "(no cert)",
                                conf->key ? conf->key : "(no key)");
        else if (err)
            code = ts_role_fail(1, "front: cannot serve: %s", ts_strerror(err));
    }
    free_pem(cert);
    free_pem(key);
    return code;
}

static int start(struct loop *l, const struct kms_front_conf *conf)
{
    enum ts_err err = ts_ring_open(conf->asks, &l->asks);
    if (!err)
        err = ts_ring_open(conf->replies, &l->replies);
    if (!err)
        err = kms_front_new(conf, l->asks, l->replies, &l->front);
    if (err)
        return ts_role_fail(1, "front: cannot start: %s", ts_strerror(err));
    int code = start_http(l, conf);
    if (code)
        return code;
    err = ts_role_up(l->self);
    return err ? ts_role_fail(1, "front: cannot start: %s", ts_strerror(err))
               : 0;
}

static void take_signals(struct loop *l)
{
    int signo;
    while ((signo = ts_role_signal(l->self)) != 0) {
        if (signo == SIGUSR1)
            kms_front_count(l->front);
        if (signo == SIGTERM && !l->stop_by) {
            l->stop_by = now_s() + DRAIN_S;
            ts_http_quiesce(l->http);
        }
    }
}

static bool over(const struct loop *l)
{
    return l->stop_by &&
           (kms_front_waiting(l->front) == 0 || now_s() >= l->stop_by);
}

static void serve(struct loop *l)
{
    struct pollfd fds[] = {{ts_role_fd(l->self), POLLIN, 0},
                           {ts_ring_fd(l->replies), POLLIN, 0},
                           {ts_http_fd(l->http), POLLIN, 0}};
    while (!over(l)) {
        int wait = ts_http_wait(l->http);
        poll(fds, 3, ts_ring_sleep(l->replies) ? wait : 0);
        if (fds[0].revents)
            take_signals(l);
        if (fds[1].revents)
            ts_ring_drain(l->replies);
        kms_front_take(l->front);
        kms_front_expire(l->front);
        ts_http_run(l->http);
        ts_ring_wake(l->asks);
    }
    kms_front_drop_all(l->front);
    ts_http_run(l->http);
}

int kms_front_run(struct ts_self *self, const void *arg)
{
    struct loop l = {.self = self};
    int code = start(&l, arg);
    if (code == 0) {
        serve(&l);
        kms_front_count(l.front);
    }
    ts_http_stop(l.http);
    kms_front_free(l.front);
    ts_ring_close(l.asks);
    ts_ring_close(l.replies);
    return code;
}
