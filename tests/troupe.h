/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A troupe that plays calls through <mikey/mikey.h>: Alice calls Bob, a KMS
 * knows both. Each step can be taken alone, and each message be changed on its
 * way.
 */
#ifndef TESTS_TROUPE_H
#define TESTS_TROUPE_H

#include "mikey/mikey.h"
#include "mikey/srtp.h"
#include "tests/unit.h"

#define TROUPE_MAX   2048
#define TROUPE_FLAGS MIKEY_FLAGS_USUAL

struct troupe_message {
    size_t n;
    uint8_t b[TROUPE_MAX];
};

struct troupe {
    struct mikey_party alice, bob;
    struct mikey_kms kms;
    struct mikey_now now;
    uint64_t drawn; /* the random source counts */
    bool no_random; /* and may fail */

    struct mikey_id responder;
    struct mikey_wish wish;
    struct mikey_session session[2];
    struct mikey_srtp_policy policy;
    struct mikey_offer offer;
    struct mikey_answer answer;

    bool self_made, local; /* modes 3 and 4; modes 2 and 4 */
    unsigned asked;        /* how often the KMS was */
    struct mikey_initiator *i;
    struct mikey_responder *r;
    struct mikey_bundle *at_i, *at_r;
    struct mikey_offered offered;

    struct troupe_message request, granted, transfer, resolve, resolved, resp;
    _Alignas(16) uint8_t mem_i[16384], mem_r[16384];
    _Alignas(16) uint8_t mem_at_i[16384], mem_at_r[16384];
};

/** All as it should be, for a suite of 128 or 256 bits. */
void troupe_begin(struct troupe *t, unsigned bits);

/** A URI as an identity. */
struct mikey_id troupe_uri(const char *text);

/** The steps. Each fails the test unless it is said to give an error. */
TS_MUST enum ts_err troupe_request(struct troupe *t);
TS_MUST enum ts_err troupe_grant(struct troupe *t);
TS_MUST enum ts_err troupe_granted(struct troupe *t);
TS_MUST enum ts_err troupe_transfer(struct troupe *t);
TS_MUST enum ts_err troupe_offered(struct troupe *t);
TS_MUST enum ts_err troupe_resolve(struct troupe *t);
TS_MUST enum ts_err troupe_resolved(struct troupe *t);
TS_MUST enum ts_err troupe_answer(struct troupe *t);
TS_MUST enum ts_err troupe_answered(struct troupe *t);

/** A ticket in Alice's hand, from the KMS or self-made. */
void troupe_ticket(struct troupe *t);

/** Up to a verified offer at Bob. */
void troupe_verified(struct troupe *t);

/** A whole call. */
void troupe_call(struct troupe *t);

#endif
