/* SPDX-License-Identifier: Apache-2.0 */
/* What keying.c, keying_caller.c and keying_callee.c share. */
#ifndef UE_KEYING_STATE_H
#define UE_KEYING_STATE_H

#include "mikey/srtp.h"
#include "ue/keying.h"

#define UE_SKEW     300 /* seconds that a peer's clock may be off */
#define UE_RAND_MAX 255 /* longest RANDR */

/** CS IDs of the only m-line (RFC 4567 7.1; design section 7). */
enum { UE_CS_CALLER = 1, UE_CS_CALLEE = 2 };

/* What may come next; ue_keying_request() and ue_keying_offered() begin. */
enum ue_step {
    UE_IDLE,
    UE_ASKED,   /* the KMS's REQUEST_RESP */
    UE_GRANTED, /* answers to our offer, one for each early dialog */
    UE_OFFERED, /* the KMS's RESOLVE_RESP */
};

struct ue_keying {
    enum ue_step step;
    const struct ue_credential *cred;
    const struct mikey_suite *suite;
    uint32_t ssrc;
    int64_t clock_off; /* microseconds to add to our clock for the KMS */
    bool corrected;    /* the clock was corrected once already */
    char peer[257];    /* the callee that was asked for, or the caller */
    char reason[192];
    size_t sent_n; /* REQUEST_INIT or RESOLVE_INIT */
    uint8_t sent[UE_MIKEY_MAX];
    size_t transfer_n; /* TRANSFER_INIT, ours or the caller's */
    uint8_t transfer[UE_MIKEY_MAX];
    struct ts_key mpk_i;
    struct ts_key mpk_r;    /* MPKr for the caller, MPKr' for the callee */
    struct mikey_keys keys; /* as the KMS gave them */
};

/** Forget a call that was begun, and why the last step failed. */
void ue_begin(struct ue_keying *k);

/**
 * The call is at this step.
 *
 * @return OK, or E_STATE
 */
TS_MUST enum ts_err ue_expect(struct ue_keying *k, enum ue_step step);

/** Remember why, for ue_keying_reason(), and pass err on. */
enum ts_err ue_fail(struct ue_keying *k, enum ts_err err, const char *why);

/** Time as the KMS sees it, in microseconds. */
uint64_t ue_kms_time(const struct ue_keying *k, uint64_t now);

/** n random bytes and a random CSB ID. */
TS_MUST enum ts_err ue_draw(struct ue_keying *k, uint32_t *csb, uint8_t *rand,
                            size_t n);

/** Bytes a RAND needs so that it is as long as the PSK and as any key that the
 *  KMS gave (R272). */
size_t ue_rand_len(const struct ue_keying *k);

/** An identity of ours as a URI. */
struct mikey_id ue_uri(const char *text);

/**
 * Open the KMS's reply to what was sent. MPKs and keys are kept in k.
 *
 * @return as ue_keying_granted()
 */
TS_MUST enum ts_err ue_open_reply(struct ue_keying *k, struct ts_span body,
                                  uint64_t now, struct mikey_msg *reply);

/** Read a key-mgmt value into buf; n is 0 on failure. */
TS_MUST enum ts_err ue_line_read(struct ue_keying *k, const char *line,
                                 uint8_t *buf, size_t *n);

/** Write a key-mgmt value. */
TS_MUST enum ts_err ue_line_write(struct ue_keying *k, struct ts_span msg,
                                  char *line, size_t cap);

/** The ticket is a MIKEY base ticket and has all these flags. */
TS_MUST enum ts_err ue_check_ticket(struct ue_keying *k,
                                    const struct mikey_tp *tp, uint16_t must);

/** A session key that is forked: TGKs are, TEKs and GTGKs are not (R142). */
bool ue_is_forked(const struct mikey_key *key);

/** RANDRkms is as long as the keys that it forks (R273). */
TS_MUST enum ts_err ue_check_rand_kms(struct ue_keying *k, struct ts_span rand);

/** The SRTP policy must be the one we can do, for the suite. */
TS_MUST enum ts_err ue_check_policy(struct ue_keying *k,
                                    const struct mikey_sp *sp,
                                    const struct mikey_suite *suite);

/**
 * SRTP keys of both crypto sessions.
 *
 * @param init, answer  TRANSFER_INIT and TRANSFER_RESP; init gives the flags
 * @param caller        we sent init
 */
TS_MUST enum ts_err ue_derive(struct ue_keying *k,
                              const struct mikey_keys *keys,
                              const struct mikey_msg *init,
                              const struct mikey_msg *answer, bool caller,
                              struct ue_media_keys *out);

#endif
