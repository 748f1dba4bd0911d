/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front's requests: from the first header to the answer, and the table of
 * those that wait for the engine.
 */
#ifndef KMS_FRONTREQ_H
#define KMS_FRONTREQ_H

#include "kms/front.h"
#include "kms/frontwire.h"

/** What becomes of a request; the order of the table in frontreq.c. */
enum kms_verdict {
    KMS_V_SERVED, /* 200, a MIKEY message */
    KMS_V_PATH,   /* 404 */
    KMS_V_METHOD, /* 405 */
    KMS_V_TYPE,   /* 415 */
    KMS_V_QUERY,  /* 400: no or unknown requesttype */
    KMS_V_SIZE,   /* 413 */
    KMS_V_EMPTY,  /* 400: no body */
    KMS_V_FORM,   /* 400: neither MIKEY nor its base64 */
    KMS_V_HDR,    /* 400: the engine found no readable HDR */
    KMS_V_BUSY,   /* 503: too many at once, or the engine says so */
    KMS_V_LATE,   /* 503: the engine did not answer in time */
    KMS_V_LOST,   /* 503: the engine restarted meanwhile */
    KMS_VERDICTS,
};

struct kms_front;

/**
 * @param conf     limits
 * @param asks     ring to the engine, borrowed
 * @param replies  ring from the engine, borrowed
 * @return OK, E_NOMEM, E_IO
 */
TS_MUST enum ts_err kms_front_new(const struct kms_front_conf *conf,
                                  struct ts_ring *asks, struct ts_ring *replies,
                                  struct kms_front **out);

/** Release. Nothing may wait any more. NULL is ignored. */
void kms_front_free(struct kms_front *front);

/** The handler of libmicrohttpd; cls is a struct kms_front. */
enum MHD_Result kms_front_handle(void *cls, struct MHD_Connection *mhd,
                                 const char *url, const char *method,
                                 const char *version, const char *data,
                                 size_t *n, void **request);

/** libmicrohttpd is done with a request, served or not. */
void kms_front_done(void *cls, struct MHD_Connection *mhd, void **request,
                    enum MHD_RequestTerminationCode code);

/** Take the engine's records and answer whom they belong to. */
void kms_front_take(struct kms_front *front);

/** Give up on what has waited too long. Cheap; call it often. */
void kms_front_expire(struct kms_front *front);

/** Answer everything that waits with 503. */
void kms_front_drop_all(struct kms_front *front);

/** Requests that wait for the engine. */
size_t kms_front_waiting(const struct kms_front *front);

/** Write the counters to the log: event=front-counts. */
void kms_front_count(const struct kms_front *front);

#endif
