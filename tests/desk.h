/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's core on a desk: three users, a ticket key, a clock that the
 * test sets, and the messages that the users write to the KMS. Whatever is
 * asked, its audit record is read back and searched for keys.
 *
 *     struct desk *d = desk_open(256);
 *     desk_request(d);              Alice asks for a ticket for Bob
 *     desk_granted(d);
 *     desk_transfer(d);             she writes to Bob
 *     desk_resolve(d, &d->bob);     he asks for the keys
 *     desk_granted(d);
 */
#ifndef TESTS_DESK_H
#define TESTS_DESK_H

#include <jansson.h>

#include "kms/engine.h"
#include "tests/unit.h"

/** 2026-11-23 18:00:00 UTC, in seconds and microseconds. */
#define DESK_TIME UINT64_C(1795456800)
#define DESK_NOW  (DESK_TIME * 1000000)
#define MINUTES   UINT64_C(60000000)

#define DESK_KMS   "sip:kms@example.org"
#define DESK_ALICE "sip:alice@example.org"
#define DESK_BOB   "sip:bob@example.org"
#define DESK_EVE   "sip:eve@example.org"

/** Bytes of a message. */
struct desk_bytes {
    size_t n;
    uint8_t b[KMS_BODY_MAX];
};

struct desk {
    struct kms_engine engine;
    struct kms_user alice, bob, eve;
    const struct mikey_suite *suite;
    uint64_t now; /* Unix microseconds */
    uint32_t csb; /* of the next message; each has its own */
    int fd;       /* of the replay memory */

    /* what Alice asks for */
    uint16_t flags;
    struct mikey_policy want;
    size_t n_keys;
    struct mikey_key keys[MIKEY_KEYS_MAX];

    /* what the next message says of its sender and receiver; p NULL: leaves
       it out */
    struct mikey_id self, kms;
    bool name_key; /* with IDRpsk */
    struct mikey_time t;

    unsigned kind; /* enum kms_ask_kind of the message sent */
    const struct kms_user *sender;
    struct desk_bytes sent, got;
    struct kms_question q;
    json_t *audit; /* the record of the last question */

    struct mikey_msg init, transfer, error;
    struct desk_bytes transfer_raw;
    struct mikey_reply grant, opened; /* of Request, of Resolve */
};

/** A fresh desk; the one before it is cleared away. */
struct desk *desk_open(unsigned bits);

/** Alice's REQUEST_INIT goes into sent. */
void desk_write_request(struct desk *d);

/** RESOLVE_INIT with the ticket of d->transfer goes into sent. */
void desk_write_resolve(struct desk *d, const struct kms_user *who);

/** Make the MAC of sent right again. */
void desk_sign(struct desk *d);

/** Put sent before the engine; the answer goes into q, got and audit. */
void desk_ask(struct desk *d);

/** Write and ask. */
void desk_request(struct desk *d);
void desk_resolve(struct desk *d, const struct kms_user *who);

/** The answer grants; it is opened into grant or opened. */
void desk_granted(struct desk *d);

/**
 * The answer is an Error about the message sent, correct in every field.
 *
 * @param no      its number
 * @param auth    with a V that its receiver can verify; else without
 * @param reason  what the audit says, or NULL
 */
void desk_refused(struct desk *d, enum mikey_error_no no, bool auth,
                  const char *reason);

/** Alice's TRANSFER_INIT with the ticket of d->grant goes into transfer. */
void desk_transfer(struct desk *d);

/** Request, transfer: what a Responder has before it asks. */
void desk_ring(struct desk *d);

/** A text member of the audit record. */
const char *desk_said(const struct desk *d, const char *member);

/** Bytes of sent, got or transfer that a view shows, to be changed. */
uint8_t *desk_edit(struct ts_span view);

/** From now on the source of random numbers fails, or does not. */
void desk_random_fails(bool fails);

/** A URI as an identity. */
struct mikey_id desk_id(const char *uri);

/** Ask for a key of that type and these lengths, with an SPI of n bytes. */
void desk_want(struct desk *d, enum mikey_key_type type, size_t key,
               size_t salt, size_t spi);

#endif
