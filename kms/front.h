/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front role: HTTP and TLS towards UEs, a ring towards the engine. It
 * takes a MIKEY message out of a POST, hands it on without looking into it,
 * and gives the answer back in the form of the request. It holds no ticket or
 * user key.
 */
#ifndef KMS_FRONT_H
#define KMS_FRONT_H

#include "service/http.h"
#include "service/role.h"

/** Requests that may wait for the engine; the rings hold at least as many. */
#define KMS_FRONT_WAITING 1024

struct kms_front_conf {
    struct ts_http_listener listeners[TS_HTTP_LISTENERS];
    size_t n;
    const char *cert, *key;     /* paths of PEM files, NULL without TLS */
    unsigned connections;       /* of all listeners together */
    size_t body_bytes;          /* for bodies beyond 2 KiB each, all together */
    struct ts_ring_fds asks;    /* to the engine: struct kms_ask */
    struct ts_ring_fds replies; /* from the engine: struct kms_reply */
};

/** The role's run function; arg is a struct kms_front_conf. NET profile. */
int kms_front_run(struct ts_self *self, const void *arg);

#endif
