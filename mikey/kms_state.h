/* SPDX-License-Identifier: Apache-2.0 */
/* What kms_answer.c and kms_relay.c share. */
#ifndef MIKEY_KMS_STATE_H
#define MIKEY_KMS_STATE_H

#include "mikey/kms.h"
#include "mikey/party.h"

/** One message on its way through the KMS. */
struct mikey_ask {
    const struct mikey_kms *kms;
    const struct mikey_now *now;
    bool request;
    struct mikey_msg m;
    struct mikey_policy policy; /* of TP or TICKET */
    struct mikey_user user;
    struct mikey_protect keys; /* valid when proven */
    bool proven;
    struct ts_span tpk, tpk_id; /* of a new ticket; or what opened one */
    uint8_t no;                 /* of the Error */
    struct ts_writer w;
};

/**
 * Begin with a message.
 *
 * @param out  the answer will go there, at most cap bytes
 * @return OK; what is wrong with the message
 */
TS_MUST enum ts_err mikey_ask_begin(struct mikey_ask *a,
                                    const struct mikey_kms *kms,
                                    const struct mikey_now *now,
                                    struct ts_span message, uint8_t *out,
                                    size_t cap);

/** What everybody can see, then who it is (R4, R91). On failure a->no is the
 *  number for the Error. */
TS_MUST enum ts_err mikey_ask_verify(struct mikey_ask *a);

/** Whether it was here before. */
TS_MUST enum ts_err mikey_ask_replay(struct mikey_ask *a);

/** What it says of sender and KMS is true. */
TS_MUST enum ts_err mikey_ask_honest(struct mikey_ask *a);

/** T of a reply with keys in it. */
struct mikey_time mikey_ask_t(const struct mikey_ask *a);

/** IDRi of a Request, IDRr of a Resolve; data.p NULL where it is left out. */
const struct mikey_id *mikey_ask_claimed(const struct mikey_ask *a);

/**
 * End: on failure what was written becomes an Error.
 *
 * @param err  how it went
 * @param n    gets the bytes in out
 * @return err
 */
TS_MUST enum ts_err mikey_ask_end(struct mikey_ask *a, enum ts_err err,
                                  size_t *n);

#endif
