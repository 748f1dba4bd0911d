/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage for the keying of two UEs: KMS and peer are played by libmikey with
 * MACs that are right, and each word of theirs can be turned wrong.
 *
 *     stage_set(s, 256);
 *     OK(stage_offered(s));        our callee hears a right offer
 *     s->late = 301 * SECONDS;     the KMS's reply is of another time
 *     FAILS(TS_E_TIME, stage_resolved(s));
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include "mikey/srtp.h"
#include "tests/unit.h"
#include "ue/keying.h"

#define NOW     (UINT64_C(1795456800) * 1000000) /* 2026-11-23 18:00 UTC */
#define SECONDS 1000000

#define KMS   "sip:kms@example.org"
#define ALICE "sip:alice@example.org"
#define BOB   "sip:bob@example.org"
#define EVE   "sip:eve@example.org"

#define SSRC_ALICE 0xa11ce000u
#define SSRC_BOB   0x0b0b0b0bu

/** Everything that a test may turn wrong. */
struct stage {
    const struct mikey_suite *suite;
    struct ue_credential alice, bob;
    struct ue_keying *caller, *callee, *now; /* now: who did the last step */

    /* the ticket */
    uint8_t subtype, version;
    uint16_t type, flags;
    const struct mikey_suite *ticket_suite;
    struct mikey_policy policy;
    struct ts_key mpk_i, mpk_r, tgk;

    /* each message */
    int late;     /* microseconds that its T is off */
    bool counter; /* T is one */
    size_t n_keys;
    struct mikey_key keys[4]; /* of a reply */
    size_t n_cs;
    struct mikey_cs cs[3]; /* of an offer or answer */
    uint8_t ssrc[2][4];
    struct mikey_srtp_policy srtp;
    size_t n_sp;
    struct mikey_sp sp[2];
    const char *sdp_ids;
    struct mikey_id idr_i, idr_r;
    struct ts_key rand_i, rand_r, rand_kms;
    bool altered; /* the last octet of its MAC is wrong */

    size_t n;
    uint8_t raw[UE_MIKEY_MAX]; /* the last message written */
    size_t asked;
    uint8_t body[UE_MIKEY_MAX]; /* what a UE sent to the KMS */
    size_t cap;                 /* of line and offer, for our UEs */
    char line[UE_LINE_MAX], offer[UE_LINE_MAX];
    char claimed[257];
    struct ue_media_keys got;
};

/** All as it should be, with two fresh UEs; 128 or 256. */
void stage_set(struct stage *s, int suite);

/** An identity. */
struct mikey_id stage_uri(const char *text);

/** A key of len bytes that count up from the first one. */
struct ts_key stage_key(uint8_t first, uint8_t len);

/** A crypto session with the stage's key; ssrc may be NULL: not known. */
struct mikey_cs stage_session(uint8_t id, const uint8_t *ssrc);

/** An SSRC as Session Data. */
void stage_put_ssrc(uint8_t to[static 4], uint32_t ssrc);

/** From now on the sessions are those of an answer: Bob's SSRC, no policy. */
void stage_answering(struct stage *s);

/** Nothing of keys is left in got. */
void stage_no_keys(const struct stage *s);

/** Alice's TRANSFER_INIT goes into raw and offer. */
void stage_write_offer(struct stage *s);

/** Bob's TRANSFER_RESP to offer goes into raw and line. */
void stage_write_answer(struct stage *s);

/** Our caller asks and hears the KMS's reply; its offer goes into offer. */
TS_MUST enum ts_err stage_granted(struct stage *s);

/** Our callee hears Alice's offer; what it asks goes into body. */
TS_MUST enum ts_err stage_offered(struct stage *s);

/** It hears the KMS's reply to that; its keys go into got. */
TS_MUST enum ts_err stage_resolved(struct stage *s);

/** Our caller hears Bob's answer; its keys go into got. */
TS_MUST enum ts_err stage_answered(struct stage *s);

#endif
