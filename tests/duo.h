/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alice and Bob through <mikey/rfc3830.h>: each step can be taken alone, and
 * each message be changed on its way.
 */
#ifndef TESTS_DUO_H
#define TESTS_DUO_H

#include "mikey/rfc3830.h"
#include "tests/pair.h"

/** What a peer knows, held fast. */
struct duo_held {
    uint8_t b[16384];
};

struct duo {
    struct pair pair; /* names, PSK and toy keys */
    struct mikey_peer_party alice, bob;
    struct mikey_now now;
    unsigned draws;   /* how often random numbers were asked for, */
    unsigned fail_at; /* and which time fails; 0: none */
    bool strict;      /* Bob accepts no policy */

    struct mikey_session session[3]; /* Alice's SSRC, then unknown ones */
    struct mikey_srtp_policy policy;
    struct mikey_terms terms;     /* of the next offer or update */
    struct mikey_session bobs[2]; /* SSRCs of sessions 2 and 3 */
    size_t n_bobs;

    struct mikey_peer *a, *b;
    struct mikey_proposal proposal;
    uint8_t error;
    struct bytes init, resp;
    _Alignas(16) uint8_t mem_a[32768], mem_b[32768];
};

/** All as it should be, for a suite of 128 or 256 bits; with a PSK. */
void duo_begin(struct duo *d, unsigned bits);

/** The same with the toy's public keys. */
void duo_begin_pk(struct duo *d, unsigned bits);

/** New objects, as the parties are now. */
void duo_again(struct duo *d);

/** Terms that change nothing, a second later. */
void duo_later(struct duo *d);

/** The steps, one of each side. */
TS_MUST enum ts_err duo_offer(struct duo *d);
TS_MUST enum ts_err duo_offered(struct duo *d, struct ts_span message);
TS_MUST enum ts_err duo_answer(struct duo *d);
TS_MUST enum ts_err duo_answered(struct duo *d, struct ts_span message);
TS_MUST enum ts_err duo_update(struct duo *d);
TS_MUST enum ts_err duo_updated(struct duo *d, struct ts_span message);

/** A whole offer, a whole update. */
void duo_call(struct duo *d);
void duo_renew(struct duo *d);

/** Both have the same key, salt and policy for a session; out may be NULL. */
void duo_same_keys(struct duo *d, uint8_t cs, struct mikey_srtp_key *out);

/** Both have what they had for a session. */
void duo_same_as(struct duo *d, uint8_t cs, const struct mikey_srtp_key *old);

/** Hold fast what a peer knows, and see that it still does. */
void duo_hold(const struct mikey_peer *p, struct duo_held *held);
void duo_unchanged(const struct mikey_peer *p, const struct duo_held *held);

#endif
