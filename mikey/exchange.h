/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the three exchanges, each built and opened: Ticket Request,
 * Ticket Transfer and Ticket Resolve in their pre-shared-key variants, the
 * CSB update, and Error (RFC 6043 section 4 and 5).
 *
 * Whoever builds a message gives all that is fresh in it (CSB ID, timestamp,
 * RANDs), so that a message is a function of its arguments. Builders latch a
 * failure in the writer; what they hand back is valid only if it is clean.
 */
#ifndef MIKEY_EXCHANGE_H
#define MIKEY_EXCHANGE_H

#include "mikey/ticket.h"

/** REQUEST_INIT_PSK (4.2.1.2). */
struct mikey_request_new {
    const struct mikey_suite *suite;
    uint32_t csb;
    struct mikey_time t;
    struct ts_span rand_i; /* as long as the PSK at least (R272) */
    struct mikey_id idr_i, idr_kms;
    uint16_t flags;                    /* K is left out (R225) */
    const struct mikey_policy *policy; /* what is asked for */
    const struct mikey_key *want;      /* keys asked for, may be none */
    size_t n_want;
    struct ts_span psk, psk_id; /* psk_id empty: no IDRpsk */
};

/** RESOLVE_INIT_PSK (4.2.3.2). */
struct mikey_resolve_new {
    const struct mikey_suite *suite;
    uint32_t csb;
    struct mikey_time t;
    struct ts_span rand_r; /* as long as the PSK at least */
    struct mikey_id idr_r, idr_kms;
    const struct mikey_ticket *ticket; /* with Initiator Data */
    struct ts_span psk, psk_id;
};

/** REQUEST_RESP (4.2.1.5) and RESOLVE_RESP (4.2.3.5). */
struct mikey_reply_new {
    const struct mikey_msg *init; /* the message that is answered */
    struct mikey_protect *psk;    /* as mikey_init_verify() left it */
    struct mikey_time t;
    struct mikey_id idr_kms;
    const struct mikey_key *keys; /* MPKi, [MPKr or MPKr'], session keys */
    size_t n_keys;
    const struct mikey_ticket_new *ticket; /* REQUEST_RESP only */
    struct mikey_id idr_r;                 /* RESOLVE_RESP: fork modifier */
    struct ts_span rand_kms;               /* RESOLVE_RESP, else empty */
};

/** TRANSFER_INIT (4.2.2.1). */
struct mikey_transfer_new {
    const struct mikey_suite *suite; /* of the ticket, too */
    uint32_t csb;
    struct mikey_time t;
    struct ts_span rand_i;
    uint8_t n_cs;
    struct ts_span map; /* GENERIC-ID */
    struct mikey_id idr_i, idr_r;
    const struct mikey_sp *sp;
    size_t n_sp;
    const struct mikey_ticket *ticket; /* as granted */
    struct ts_span sdp_ids;            /* General Extension, or empty */
    const struct ts_key *mpk_i;
    const struct ts_key *mpk_r; /* unforked; used if I=1 */
};

/** TRANSFER_RESP (4.2.2.3). */
struct mikey_answer_new {
    const struct mikey_msg *init; /* TRANSFER_INIT */
    const struct mikey_suite *suite;
    struct mikey_time t;
    struct ts_span rand_r;   /* iff G=1 */
    struct mikey_id idr_r;   /* as in RESOLVE_RESP (R75) */
    struct ts_span rand_kms; /* as in RESOLVE_RESP (R77) */
    uint8_t n_cs;
    struct ts_span map;
    const struct mikey_sp *sp; /* added policies */
    size_t n_sp;
    const struct ts_key *mpk; /* MPKi (I=0) or MPKr' (I=1) (R83) */
};

/** A message of a CSB update (5.2). */
struct mikey_update_new {
    bool response;              /* TRANSFER_RESP, else TRANSFER_INIT */
    struct ts_span init;        /* the update's TRANSFER_INIT, for a response */
    bool want_response;         /* V flag (R161) */
    struct mikey_protect *keys; /* of the last message of the exchange (R164) */
    struct mikey_time t;
    uint8_t n_cs;
    struct ts_span map;
    struct mikey_id idr_i, idr_r; /* data NULL: left out of the message */
    const struct mikey_sp *sp;
    size_t n_sp;
    const struct mikey_key *new_keys; /* none if n_keys is 0 */
    size_t n_keys;
};

/** Error (5.4). */
struct mikey_error_new {
    const struct mikey_hdr *about; /* HDR of the message in error (R183) */
    struct mikey_time t;
    uint8_t no;                 /* enum mikey_error_no */
    struct mikey_protect *auth; /* keys of that message (R187); NULL: no V */
};

/*
 * The builders. Each appends one message to w, which the caller owns; a
 * failure latches there (E_SPACE, or as said).
 */

/** REQUEST_INIT_PSK (R7-R22). E_RANGE latches in w when RANDRi is shorter
 *  than the PSK (R272). */
void mikey_build_request_init(struct ts_writer *w,
                              const struct mikey_request_new *in);

/** RESOLVE_INIT_PSK (R94-R108). E_RANGE as above, for RANDRr. */
void mikey_build_resolve_init(struct ts_writer *w,
                              const struct mikey_resolve_new *in);

/** REQUEST_RESP with a new ticket (R31-R44). Leaves in->psk with the
 *  selector RESP. */
void mikey_build_request_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in);

/** RESOLVE_RESP (R117-R132). Leaves in->psk with the selector RESP. */
void mikey_build_resolve_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in);

/** TRANSFER_INIT, with Initiator Data if I=1 (R50-R61, R241). */
void mikey_build_transfer_init(struct ts_writer *w,
                               const struct mikey_transfer_new *in);

/** TRANSFER_RESP (R66-R84). */
void mikey_build_transfer_resp(struct ts_writer *w,
                               const struct mikey_answer_new *in);

/** A message of a CSB update (R159-R170). */
void mikey_build_update(struct ts_writer *w, const struct mikey_update_new *in);

/** Error (R183-R187). */
void mikey_build_error(struct ts_writer *w, const struct mikey_error_new *in);

/**
 * KMS: the public form of REQUEST_INIT_PSK or RESOLVE_INIT_PSK, before any key
 * is looked up (R7, R13, R14, R94, R100, R101).
 *
 * @param m      as mikey_msg_read() gave it
 * @param type   MIKEY_REQUEST_INIT_PSK or MIKEY_RESOLVE_INIT_PSK
 * @param error  on failure the number for the Error message
 * @return OK, E_UNKNOWN, E_UNSUPPORTED, E_MISSING, E_FORMAT
 */
TS_MUST enum ts_err mikey_init_check(const struct mikey_msg *m,
                                     enum mikey_type type, uint8_t *error);

/**
 * KMS: verify the V of such a message (R22, R108).
 *
 * @param m     passed mikey_init_check()
 * @param psk   key of the sender
 * @param self, kms  identities to use where the message leaves its IDR out
 * @param keys  begun with the PSK, selector INIT; end it on every path. Switch
 *              its selector to RESP for the response
 * @return OK or E_AUTH
 */
TS_MUST enum ts_err mikey_init_verify(const struct mikey_msg *m,
                                      struct ts_span psk, struct ts_span self,
                                      struct ts_span kms,
                                      struct mikey_protect *keys);

/**
 * With key forking: whether an answer holds the modifier, IDRr and RANDRkms,
 * and IDRr is short enough for K0 (R75, R77, R128).
 *
 * @return OK, E_MISSING, E_UNSUPPORTED (longer than MIKEY_ID_MAX)
 */
TS_MUST enum ts_err mikey_fork_check(const struct mikey_msg *m);

/** What a reply of the KMS gave. Wipe with mikey_keys_wipe(). */
struct mikey_reply {
    struct mikey_msg msg;
    struct mikey_keys keys; /* MPKi, [MPKr or MPKr'], session keys */
};

/**
 * UE: open REQUEST_RESP or RESOLVE_RESP.
 *
 * @param init   the message we sent, as mikey_msg_read() reads it
 * @param raw    the reply, which must outlive out
 * @param psk    our key with the KMS
 * @param mpks   2 with key forking, else 1
 * @param out    filled in on OK
 * @return OK; E_PEER for an Error message (out->msg holds it, authenticated
 *         or not: mikey_error_verify()); E_MISMATCH (HDR: R31, R117); E_AUTH;
 *         E_MISSING (with key forking also of IDRr or RANDRkms: R128) and
 *         parse errors
 */
TS_MUST enum ts_err mikey_reply_open(const struct mikey_msg *init,
                                     struct ts_span raw, struct ts_span psk,
                                     unsigned mpks, struct mikey_reply *out);

/**
 * Verify the V of an Error about an initial PSK message of ours.
 *
 * @return OK, E_MISSING (no V: only a hint), E_AUTH, E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_error_verify(const struct mikey_msg *init,
                                       const struct mikey_msg *error,
                                       struct ts_span psk);

/**
 * Responder: check the form of TRANSFER_INIT and read its policy, before
 * anything can be verified (R50, R62).
 *
 * @param policy  filled in
 * @param error   on failure the number for an Error message
 * @return OK, E_UNKNOWN, E_UNSUPPORTED, E_MISSING, E_FORMAT
 */
TS_MUST enum ts_err mikey_transfer_check(const struct mikey_msg *m,
                                         struct mikey_policy *policy,
                                         uint8_t *error);

/**
 * Responder: verify TRANSFER_INIT with MPKi and, if I=1, against Vi (R133,
 * R134, R189).
 *
 * @param m     passed mikey_transfer_check()
 * @param self  identity to use as Identity_r if the message has no IDRr
 * @return OK, E_AUTH
 */
TS_MUST enum ts_err mikey_transfer_verify(const struct mikey_msg *m,
                                          const struct ts_key *mpk_i,
                                          struct ts_span self);

/**
 * Initiator: check the form of TRANSFER_RESP against our TRANSFER_INIT (R66,
 * R68, R74-R77).
 *
 * @return OK, E_PEER for an Error message, E_MISMATCH, E_MISSING, E_FORMAT,
 *         E_UNSUPPORTED (IDRr too long to fork with)
 */
TS_MUST enum ts_err mikey_answer_check(const struct mikey_msg *init,
                                       const struct mikey_msg *m);

/**
 * Initiator: verify TRANSFER_RESP (R84).
 *
 * @param mpk  MPKi (I=0) or MPKr' (I=1)
 * @return OK, E_AUTH
 */
TS_MUST enum ts_err mikey_answer_verify(const struct mikey_msg *init,
                                        const struct mikey_msg *m,
                                        const struct ts_key *mpk);

/**
 * Keys that protect the updates of a CSB: those of the last message of its
 * initial exchange (R164). Begins keys; rand views are borrowed.
 *
 * @param answer  TRANSFER_RESP, or NULL if there was none
 * @param mpk     the key that protected that message
 */
void mikey_update_keys(const struct mikey_msg *init,
                       const struct mikey_msg *answer, const struct ts_key *mpk,
                       struct mikey_protect *keys);

/**
 * Open a message of a CSB update.
 *
 * @param m        TRANSFER_INIT or TRANSFER_RESP
 * @param init     for a response the update's TRANSFER_INIT, else empty
 * @param idr_i, idr_r  identities by role in the initial exchange (AMB 6)
 * @param out      new keys, if there are any; wipe it
 * @return OK, E_AUTH, E_MISMATCH (CSB ID), E_ORDER (new RANDs or a ticket:
 *         R163), E_FORMAT
 */
TS_MUST enum ts_err mikey_update_open(const struct mikey_msg *m,
                                      struct ts_span init, struct ts_span idr_i,
                                      struct ts_span idr_r,
                                      struct mikey_protect *keys,
                                      struct mikey_keys *out);

#endif
