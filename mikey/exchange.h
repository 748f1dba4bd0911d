/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the three exchanges, each built and opened: Ticket Request,
 * Ticket Transfer and Ticket Resolve, the CSB update, and Error (RFC 6043
 * sections 4 and 5).
 *
 * Whoever builds a message gives all that is fresh in it (CSB ID, timestamp,
 * RANDs, keys), so that a message is a function of its arguments. Builders
 * latch a failure in the writer; what they hand back is valid only if it is
 * clean.
 *
 * "Key of a message" below: the PSK or the envelope key in Request and
 * Resolve, MPKi or MPKr' in Transfer and update.
 */
#ifndef MIKEY_EXCHANGE_H
#define MIKEY_EXCHANGE_H

#include "mikey/pk.h"
#include "mikey/ticket.h"

/** What proves a user to the KMS: a PSK, or a signature. */
struct mikey_credential {
    struct ts_span key;    /* PSK, or the fresh envelope key (12, 17) */
    struct ts_span key_id; /* IDRpsk; empty: left out (R20, R106) */
    const struct mikey_signer *signer; /* NULL: PSK variant */
    const struct mikey_sealer *sealer; /* with signer: the KMS's public key */
};

/** Identities for the MAC where a message leaves an IDR out (AMB 2). */
struct mikey_names {
    struct ts_span i, r, kms;
};

/* IDRs that a builder leaves out of the message, as bits (R17, R19, R24, R55,
 * R56, R103, R105, R110); they count in the MAC all the same. */
#define MIKEY_OMIT(role) (1u << (role))

/** REQUEST_INIT_PSK and REQUEST_INIT_PK (4.2.1.2, 4.2.1.3). */
struct mikey_request_new {
    const struct mikey_suite *suite;
    uint32_t csb;
    struct mikey_time t;
    struct ts_span rand_i; /* as long as the key at least (R272) */
    struct mikey_id idr_i, idr_kms;
    unsigned omit;                     /* MIKEY_OMIT(MIKEY_IDR_...) */
    struct mikey_kind kind;            /* zeros: the base ticket */
    uint16_t flags;                    /* K is left out (R225) */
    const struct mikey_policy *policy; /* what is asked for */
    const struct mikey_key *want;      /* keys asked for; NULL: the default */
    size_t n_want;
    struct mikey_credential cred;
};

/** RESOLVE_INIT_PSK and RESOLVE_INIT_PK (4.2.3.2, 4.2.3.3). */
struct mikey_resolve_new {
    const struct mikey_suite *suite;
    uint32_t csb;
    struct mikey_time t;
    struct ts_span rand_r;          /* as long as the key at least */
    struct mikey_id idr_r, idr_kms; /* between two KMSs IDRr is still R's: it
                                       is the user who will answer (R259) */
    unsigned omit;
    const struct mikey_ticket *ticket; /* with Initiator Data */
    struct mikey_credential cred;
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
    unsigned omit;
    const struct mikey_sp *sp;
    size_t n_sp;
    const struct mikey_ticket *ticket; /* as granted */
    struct ts_span sdp_ids;            /* General Extension, or empty */
    const struct ts_key *mpk_i;
    const struct ts_key *mpk_r;   /* unforked; used if I=1 */
    const struct mikey_key *keys; /* of the Initiator; only if L=1 */
    size_t n_keys;
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
    const struct ts_key *mpk;     /* MPKi (I=0) or MPKr' (I=1) (R83) */
    const struct mikey_key *keys; /* of the Responder; only if M=1 */
    size_t n_keys;
};

/** What both sides remember of a CSB, for its updates. */
struct mikey_csb {
    struct mikey_protect keys; /* of the last message of the initial exchange
                                  (R164): mikey_protect_of() */
    uint16_t flags;            /* of the Ticket Policy: L, M */
    struct mikey_id i, r;      /* by role in the initial exchange (AMB 6) */
    /* What the initial exchange held and an update may repeat (R162): RANDs by
     * role, TICKET from its Ticket Type on. NULL: there was none. */
    struct ts_span rand[4], ticket;
};

/** A message of a CSB update (5.2). */
struct mikey_update_new {
    enum mikey_side from;
    bool response;       /* TRANSFER_RESP, else TRANSFER_INIT */
    struct ts_span init; /* the update's TRANSFER_INIT, for a response */
    bool want_response;  /* V flag (R161) */
    struct mikey_time t;
    uint8_t n_cs;
    struct ts_span map;
    unsigned omit; /* MIKEY_OMIT(MIKEY_IDR_I), ..._R */
    const struct mikey_sp *sp;
    size_t n_sp;
    const struct mikey_key *new_keys; /* none if n_keys is 0 */
    size_t n_keys;
};

/** Error (5.4). */
struct mikey_error_new {
    const struct mikey_hdr *about; /* HDR of the message in error (R183) */
    struct mikey_time t;
    uint8_t no[MIKEY_ERR_MAX]; /* enum mikey_error_no */
    size_t n_no;               /* one at least */
    const struct mikey_sp *sp; /* policies we could do (R182) */
    size_t n_sp;
    struct mikey_protect *auth;        /* keys of that message (R187): V */
    const struct mikey_signer *signer; /* or SIGN; both NULL: neither */
};

/*
 * The builders. Each appends one message to w, which the caller owns; a
 * failure latches there (E_SPACE, or as said).
 */

/**
 * REQUEST_INIT_PSK or _PK (R5, R7-R27). Latches E_RANGE when RANDRi is shorter
 * than the key (R272) or there is no responder, and what the signer says.
 */
void mikey_build_request_init(struct ts_writer *w,
                              const struct mikey_request_new *in);

/** RESOLVE_INIT_PSK or _PK (R92, R94-R113). E_RANGE as above, for RANDRr. */
void mikey_build_resolve_init(struct ts_writer *w,
                              const struct mikey_resolve_new *in);

/** REQUEST_RESP with a new ticket (R31-R44). Leaves in->psk with the
 *  selector RESP. */
void mikey_build_request_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in);

/** RESOLVE_RESP (R117-R132). Leaves in->psk with the selector RESP. */
void mikey_build_resolve_resp(struct ts_writer *w,
                              const struct mikey_reply_new *in);

/**
 * TRANSFER_INIT, with Initiator Data if I=1 (R50-R61, R241). Latches E_DENIED
 * for keys where L=0 (R59), E_RANGE for an RANDRi shorter than MPKi (R272).
 */
void mikey_build_transfer_init(struct ts_writer *w,
                               const struct mikey_transfer_new *in);

/** TRANSFER_RESP (R66-R84). Latches E_DENIED for keys where M=0 (R82). */
void mikey_build_transfer_resp(struct ts_writer *w,
                               const struct mikey_answer_new *in);

/**
 * A message of a CSB update, by either side (R159-R170). Latches E_DENIED for
 * keys that L or M forbids this side (R166).
 */
void mikey_build_update(struct ts_writer *w, struct mikey_csb *csb,
                        const struct mikey_update_new *in);

/** Error (R183-R187). */
void mikey_build_error(struct ts_writer *w, const struct mikey_error_new *in);

/**
 * Begin the keys that protect a message: K1 of an initial message, K2 of its
 * response (R145-R148). RAND views are borrowed from the messages.
 *
 * @param init  REQUEST_INIT, RESOLVE_INIT or TRANSFER_INIT
 * @param resp  its response, or NULL for the keys of init itself
 * @param key   key of that message
 */
void mikey_protect_of(const struct mikey_msg *init,
                      const struct mikey_msg *resp, struct ts_span key,
                      struct mikey_protect *keys);

/** Whether a data type is one of REQUEST_INIT; of RESOLVE_INIT. */
bool mikey_is_request_init(uint8_t type);
bool mikey_is_resolve_init(uint8_t type);

/**
 * KMS: the public form of REQUEST_INIT or RESOLVE_INIT of either variant,
 * before any key is looked up (R7, R13, R14, R94, R100, R101).
 *
 * @param m      as mikey_msg_read() gave it
 * @param type   the data type that it must have
 * @param error  on failure the number for the Error message
 * @return OK, E_UNKNOWN, E_UNSUPPORTED, E_MISSING, E_FORMAT
 */
TS_MUST enum ts_err mikey_init_check(const struct mikey_msg *m,
                                     enum mikey_type type, uint8_t *error);

/**
 * KMS: verify the V of a PSK message (R22, R108).
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
 * KMS: verify the SIGN of a PK message, then open its envelope key (R5, R22,
 * R92, R108).
 *
 * @param m     passed mikey_init_check()
 * @param kms   IDRkms to use where the message leaves it out
 * @param now   Unix seconds, for the certificates
 * @param who   gets the identity that signed; a view of the verifier's
 * @param keys  begun with the envelope key, selector RESP, on OK only; end it
 * @return OK, E_AUTH and whatever else verifier and opener give, E_UNSUPPORTED
 *         for an envelope key below 128 bits (R271)
 */
TS_MUST enum ts_err mikey_init_verify_pk(const struct mikey_msg *m,
                                         const struct mikey_verifier *verifier,
                                         const struct mikey_opener *opener,
                                         struct ts_span kms, uint64_t now,
                                         struct mikey_id *who,
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
    bool fork;              /* I=1 in the ticket that it is about */
    struct mikey_keys keys; /* MPKi, [MPKr or MPKr' if fork], session keys */
};

/**
 * UE: open REQUEST_RESP or RESOLVE_RESP. How many MPKs it must hold follows
 * from the I flag of the ticket: the one granted, or the one to resolve (R38,
 * R39, R123, R124).
 *
 * @param init   the message we sent, as mikey_msg_read() reads it
 * @param raw    the reply, which must outlive out
 * @param key    our PSK, or the envelope key that we sent
 * @param out    filled in on OK
 * @return OK; E_PEER for an Error message (out->msg holds it, authenticated
 *         or not: mikey_error_verify()); E_MISMATCH (HDR: R31, R117); E_AUTH;
 *         E_MISSING (with key forking also of IDRr or RANDRkms: R128) and
 *         parse errors
 */
TS_MUST enum ts_err mikey_reply_open(const struct mikey_msg *init,
                                     struct ts_span raw, struct ts_span key,
                                     struct mikey_reply *out);

/**
 * Verify the V of an Error with the auth_key of the message that it is about
 * (R187).
 *
 * @param init  that message, or the one that it answers
 * @param resp  the response that the Error is about; NULL: it is about init
 * @param key   key of that message
 * @return OK, E_MISSING (no V: only a hint), E_AUTH, E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_error_verify(const struct mikey_msg *init,
                                       const struct mikey_msg *resp,
                                       const struct mikey_msg *error,
                                       struct ts_span key);

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
 * The same for a Responder that knows this kind of ticket, or does not.
 *
 * @param known  what O=0 asks for will be done (R229)
 */
TS_MUST enum ts_err mikey_transfer_check_kind(const struct mikey_msg *m,
                                              bool known,
                                              struct mikey_policy *policy,
                                              uint8_t *error);

/**
 * Responder: verify TRANSFER_INIT with MPKi and, if I=1, against Vi (R133,
 * R134, R189); then decrypt the Initiator's keys, if it has any.
 *
 * @param m     passed mikey_transfer_check()
 * @param names  i and r: identities to use where the message has no IDR
 * @param keys  gets the Initiator's keys, none without KEMAC; wipe it. NULL:
 *              not wanted
 * @return OK, E_AUTH, and what mikey_kemac_open() gives
 */
TS_MUST enum ts_err mikey_transfer_verify(const struct mikey_msg *m,
                                          const struct ts_key *mpk_i,
                                          const struct mikey_names *names,
                                          struct mikey_keys *keys);

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
 * Initiator: verify TRANSFER_RESP (R84), then decrypt the Responder's keys.
 *
 * @param mpk   MPKi (I=0) or MPKr' (I=1)
 * @param keys  gets the Responder's keys, none without KEMAC; wipe it. NULL:
 *              not wanted
 * @return OK, E_AUTH, and what mikey_kemac_open() gives
 */
TS_MUST enum ts_err mikey_answer_verify(const struct mikey_msg *init,
                                        const struct mikey_msg *m,
                                        const struct ts_key *mpk,
                                        struct mikey_keys *keys);

/**
 * Open a message of a CSB update.
 *
 * @param m     TRANSFER_INIT or TRANSFER_RESP
 * @param from  who must have sent it
 * @param init  for a response the update's TRANSFER_INIT, else empty
 * @param out   new keys, if there are any; wipe it
 * @return OK, E_AUTH, E_MISMATCH (CSB ID), E_ORDER (new RANDs or another
 *         ticket: R163), E_DENIED (keys that L or M forbids: R166), E_FORMAT
 */
TS_MUST enum ts_err mikey_update_open(struct mikey_csb *csb,
                                      const struct mikey_msg *m,
                                      enum mikey_side from, struct ts_span init,
                                      struct mikey_keys *out);

#endif
