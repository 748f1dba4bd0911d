/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the KMS: POST of one MIKEY message over HTTP or HTTPS, without
 * waiting, in libre's event loop.
 */
#ifndef UE_KMS_H
#define UE_KMS_H

#include "base/bytes.h"
#include "base/err.h"

/** Time that a request may take, in seconds. */
#define UE_KMS_TIMEOUT 10
/** Largest answer, in bytes. */
#define UE_KMS_ANSWER_MAX 65536

struct ue_kms;
struct ue_kms_request;

/** How a request ended. */
struct ue_kms_answer {
    enum ts_err err;     /* OK: body is the KMS's MIKEY message; E_IO not
                            reached or cut; E_EXPIRED timed out; E_DENIED
                            HTTP 401 or 403; E_AGAIN overloaded; E_PEER other
                            HTTP status; E_FORMAT other content; E_FULL */
    struct ts_span body; /* valid during the callback */
    char text[160];      /* one line for a person */
};

/**
 * Called once for every request that was not cancelled. The request is over
 * then: it must not be cancelled any more.
 */
typedef void (*ue_kms_fn)(const struct ue_kms_answer *answer, void *arg);

/**
 * @param out  gets the state; ue_kms_close() releases it
 * @param url  "http://kms:8080/keymanagement", borrowed
 * @param ca   file with the certificates that are trusted for https, borrowed;
 *             NULL: those of the system
 * @return OK, E_CONFIG for a URL that is neither http nor https, E_NOMEM
 */
TS_MUST enum ts_err ue_kms_open(struct ue_kms **out, const char *url,
                                const char *ca);

/**
 * Send a request. 503 with Retry-After of up to 5 seconds is tried once more;
 * redirects are not followed and proxies of the environment are not used.
 *
 * @param out   gets the request, valid until done was called or cancelled
 * @param type  "ticketrequest" or "ticketresolve"
 * @param body  a MIKEY message, copied
 * @return OK or E_NOMEM
 */
TS_MUST enum ts_err ue_kms_post(struct ue_kms_request **out, struct ue_kms *kms,
                                const char *type, struct ts_span body,
                                ue_kms_fn done, void *arg);

/** Drop a request; done is not called. NULL is ignored. */
void ue_kms_cancel(struct ue_kms_request *req);

/** Release; no request may be under way. NULL is ignored. */
void ue_kms_close(struct ue_kms *kms);

#endif
