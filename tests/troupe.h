/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A troupe that plays calls through <mikey/mikey.h>: Alice calls Bob, or Carol
 * or Dave, and a KMS knows them all. Each step can be taken alone, and each
 * message be changed on its way.
 *
 *     troupe_begin(&t, 256);
 *     troupe_mode(&t, 1, MIKEY_FLAG_I);
 *     troupe_call(&t);
 *     troupe_same_keys(&t, 1);
 */
#ifndef TESTS_TROUPE_H
#define TESTS_TROUPE_H

#include "mikey/bundle_state.h"
#include "mikey/initiator_state.h"
#include "mikey/mikey.h"
#include "mikey/responder_state.h"
#include "mikey/srtp.h"
#include "tests/unit.h"

#define TROUPE_MAX 4096
#define TROUPE_MEM 49152

#define SECONDS UINT64_C(1000000)

/* Flags that fit every mode; E comes with the mode. */
#define TROUPE_FLAGS                                                           \
    (MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H | MIKEY_FLAG_N | MIKEY_FLAG_O)

#define TEAM "sip:team@example.org" /* Bob, Carol and Dave */

struct troupe_message {
    size_t n;
    uint8_t b[TROUPE_MAX];
};

/** One who is called. */
struct troupe_callee {
    struct mikey_party party;
    struct mikey_responder *r;
    struct mikey_offered offered;
    struct mikey_answer answer;
    struct mikey_session session; /* of its answer */
    struct troupe_message resolve, resolved, resp;
    struct mikey_bundle *at_i, *at_r; /* Alice's end, and its own */
    _Alignas(16) uint8_t mem_r[TROUPE_MEM];
    _Alignas(16) uint8_t mem_at_i[TROUPE_MEM], mem_at_r[TROUPE_MEM];
};

struct troupe {
    struct mikey_party alice;
    struct mikey_kms kms;
    struct ts_span psk[4]; /* as the KMS knows them: Alice, Bob, Carol, Dave */
    struct mikey_now now;
    uint64_t drawn;             /* the random source counts */
    unsigned draws, fails_from; /* and fails from this draw on; 0: never */

    struct mikey_id responder;
    struct mikey_wish wish;
    struct mikey_session session[2];
    struct mikey_srtp_policy policy;
    struct mikey_offer offer;

    bool self_made, local; /* modes 3 and 4; modes 2 and 4 */
    unsigned asked;        /* how often the KMS was */
    struct mikey_initiator *i;
    struct troupe_callee callee[3], *bob; /* bob: whose turn it is */

    struct troupe_message request, granted, transfer;
    _Alignas(16) uint8_t mem_i[TROUPE_MEM];
};

/** All as it should be, for a suite of 128 or 256 bits, mode 1, and flags
 *  TROUPE_FLAGS, D, E and I. */
void troupe_begin(struct troupe *t, unsigned bits);

/** Modes 1 to 4 (1.3), with TROUPE_FLAGS and more. */
void troupe_mode(struct troupe *t, unsigned mode, unsigned more);

/** The same with these flags only, beside D, E and L of the mode. */
void troupe_flags(struct troupe *t, unsigned mode, unsigned flags);

/** A URI as an identity. */
struct mikey_id troupe_uri(const char *text);

/** Whether a is b, or a group of which b is a member: for mikey_party.same. */
bool troupe_same(void *arg, const struct mikey_id *a, const struct mikey_id *b);

/** A key of ours: n octets that begin with first; its SPI has one octet. */
struct mikey_key troupe_key(uint8_t type, size_t n, uint8_t first, char spi);

/** What was written, as a view. */
static inline struct ts_span troupe_view(const struct troupe_message *m)
{
    return ts_span(m->b, m->n);
}

/** Read a message; fails the test when it is refused. */
struct mikey_msg troupe_read(const struct troupe_message *m);

/** The steps. */
TS_MUST enum ts_err troupe_request(struct troupe *t);
TS_MUST enum ts_err troupe_grant(struct troupe *t);
TS_MUST enum ts_err troupe_granted(struct troupe *t);
TS_MUST enum ts_err troupe_transfer(struct troupe *t);
TS_MUST enum ts_err troupe_offered(struct troupe *t);
TS_MUST enum ts_err troupe_resolve(struct troupe *t);
TS_MUST enum ts_err troupe_resolve_at_kms(struct troupe *t);
TS_MUST enum ts_err troupe_resolved(struct troupe *t);
TS_MUST enum ts_err troupe_answer(struct troupe *t);
TS_MUST enum ts_err troupe_answered(struct troupe *t);

/** A ticket in Alice's hand, from the KMS or self-made. */
void troupe_ticket(struct troupe *t);

/** Bob hears the offer and has the ticket opened; gives how that went. */
TS_MUST enum ts_err troupe_verify(struct troupe *t);

/** Up to a verified offer at Bob. */
void troupe_verified(struct troupe *t);

/** A whole call. */
void troupe_call(struct troupe *t);

/** Bob answers an offer that he verified, and Alice takes it. */
void troupe_finish(struct troupe *t);

/** Give Alice's offer, which was changed, the MACs that she would give it. */
void troupe_sign_offer(struct troupe *t);

/** Both ends have the same key and salt for a session; out may be NULL. */
void troupe_same_keys(const struct troupe *t, uint8_t cs,
                      struct mikey_srtp_key *out);

/** One end starts an update, the other takes it, with the answer if there is
 *  one. Gives the first failure; m gets the TRANSFER_INIT. */
TS_MUST enum ts_err troupe_update(struct troupe *t, enum mikey_side from,
                                  const struct mikey_update *update,
                                  struct troupe_message *m);

/** One end of the bundle with Bob. */
static inline struct mikey_bundle *troupe_end(const struct troupe *t,
                                              enum mikey_side side)
{
    return side == MIKEY_INITIATOR ? t->bob->at_i : t->bob->at_r;
}

/** What an object is before a step that must leave it as it was. */
struct troupe_still {
    struct mikey_initiator i;
    struct mikey_responder r;
    struct mikey_bundle end[2];
    uint8_t bytes[8][TROUPE_MAX];
};

/** Remember Alice, Bob and the bundles that there are; then compare. What was
 *  refused may be known afterwards, but nothing else. */
void troupe_freeze(const struct troupe *t, struct troupe_still *s);
void troupe_unchanged(const struct troupe *t, const struct troupe_still *s);

#endif
