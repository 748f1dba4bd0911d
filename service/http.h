/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server on libmicrohttpd for a role with one thread and a loop of
 * its own: several listeners, plain and TLS, and time limits that a client who
 * sends a byte now and then cannot stretch.
 *
 * Each connection must bring a whole request within TS_HTTP_IDLE seconds of
 * its start, and each later request within that time of its first line. When
 * there are as many connections as may be, the one that has been without a
 * request for longest makes way for a new one.
 */
#ifndef SERVICE_HTTP_H
#define SERVICE_HTTP_H

#include <microhttpd.h>

#include "base/bytes.h"
#include "base/err.h"

/** Seconds: without a byte; and from the beginning of a request to its end. */
#define TS_HTTP_IDLE 15
/** Most listeners of one server. */
#define TS_HTTP_LISTENERS 32

struct ts_http;

/** A bound socket (service/listen.h). */
struct ts_http_listener {
    int fd;
    bool tls;
};

struct ts_http_conf {
    const struct ts_http_listener *listeners;
    size_t n;
    const char *cert, *key;            /* PEM text; NULL without TLS */
    unsigned connections;              /* of all listeners together */
    MHD_AccessHandlerCallback handler; /* as microhttpd.h says; may suspend */
    MHD_RequestCompletedCallback done; /* frees what the handler made */
    void *arg;                         /* first argument of both */
};

/**
 * Start serving. The listening sockets belong to the server from now on.
 *
 * @return OK; E_CONFIG for certificate or key that cannot be used; E_NOMEM
 */
TS_MUST enum ts_err ts_http_start(const struct ts_http_conf *conf,
                                  struct ts_http **out);

/** The descriptor to poll for reading. */
int ts_http_fd(const struct ts_http *http);

/** Milliseconds until ts_http_run() must be called without any event. */
int ts_http_wait(const struct ts_http *http);

/** Do what is due: accept, read, call the handler, send, cut off. */
void ts_http_run(struct ts_http *http);

/** Accept no more connections. */
void ts_http_quiesce(struct ts_http *http);

/**
 * End all connections and release. No connection may be suspended any more.
 * NULL is ignored.
 */
void ts_http_stop(struct ts_http *http);

/** Connections cut off since the start because their time was up. */
uint64_t ts_http_cut(const struct ts_http *http);

/**
 * Raise the limit of open descriptors as far as it goes.
 *
 * @param connections  wanted
 * @param spare        other descriptors that the process needs
 * @return how many connections fit, at most the number wanted
 */
unsigned ts_http_room(unsigned connections, unsigned spare);

#endif
