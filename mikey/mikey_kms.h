/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key management server, as part of <mikey/mikey.h>: octets go in and an
 * answer comes out. It keeps no state: users, ticket keys, what was here before
 * and who may do what are told by functions of its owner.
 */
#ifndef MIKEY_MIKEY_KMS_H
#define MIKEY_MIKEY_KMS_H

#include "mikey/mikey.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A user as the KMS knows it. */
struct mikey_user {
    struct ts_span psk;   /* 16 to 64 bytes; empty: no such user */
    struct mikey_id self; /* its identity, among several the one claimed */
    bool is_kms;          /* another KMS: it resolves for IDRr (section 10) */
};

/** A request, as the KMS's owner judges it; its views are good for the call. */
struct mikey_case {
    bool resolve;         /* else a ticket is asked for */
    struct mikey_id user; /* authenticated */
    bool is_kms;
    struct mikey_ticket_info ticket;  /* as asked for; to resolve: verified */
    const struct mikey_id *responder; /* ticket.n_responders of them */
    struct mikey_id who; /* resolve, in and out: who will answer (R128, R129),
                            1 to 255 bytes */
    /* Of a new ticket, in and out; in, they are mode 1 and as asked for. */
    uint16_t flags;
    uint32_t rekey;      /* TRr, seconds; 0: not said */
    uint64_t start, end; /* Unix seconds */
    /* Of a new ticket in and out: in mode 2 the key shared with the Responder.
     * To resolve: the key that opened it, and its id; of another kind neither.
     * Whoever else holds this key may have written the ticket, initiator and
     * all: in modes 2 and 3 allow only what it may say. */
    struct ts_span tpk, tpk_id;
};

/** A key management server. */
struct mikey_kms {
    struct mikey_id self;       /* IDRkms */
    uint32_t skew;              /* seconds; 0: 300 */
    uint32_t lifetime;          /* of tickets, seconds; 0: 86400 */
    struct ts_span tpk, tpk_id; /* the ticket key that is used: 16 to 64 bytes,
                                   or empty: there is none */
    void *arg;                  /* of the functions */
    mikey_random_fn random;     /* its arg is this arg, too */
    /**
     * Find a user by IDRpsk, else by what it claims to be; OK also for nobody.
     * NULL: there is the public-key variant only.
     *
     * @param key_id   IDRpsk, else IDRi or IDRr; data.p NULL: neither is there
     * @param claimed  IDRi or IDRr, data.p NULL where it is left out. A user
     *                 that is somebody else will be refused
     */
    enum ts_err (*user)(void *arg, const struct mikey_id *key_id,
                        const struct mikey_id *claimed,
                        struct mikey_user *user);
    /** Find another ticket key by its id (p NULL: the ticket has none): an
     *  older one, or one that a user has, too (modes 2 and 3), at which decide
     *  must look then. NULL: there is only tpk. */
    enum ts_err (*ticket_key)(void *arg, struct ts_span id,
                              struct ts_span *tpk);
    /** Allow or refuse (E_DENIED), and decide the out members. NULL: a user
     *  may ask for anything, and resolve what names its identity; that is for
     *  ticket keys that no user has. */
    enum ts_err (*decide)(void *arg, struct mikey_case *c);
    /** Whether a message was here before (OK: no), and remember it: only what
     *  is authenticated comes here. Of a COUNTER also whether it is above all
     *  before. NULL: not checked, and a COUNTER is not taken. */
    enum ts_err (*replay)(void *arg, struct ts_span message,
                          struct mikey_time t);
    const struct mikey_verifier *verifier; /* public-key variants, or NULL */
    const struct mikey_opener *opener;
    const struct mikey_ticket_type *types;
    size_t n_types;
};

/**
 * Answer a REQUEST_INIT or RESOLVE_INIT: with REQUEST_RESP, RESOLVE_RESP or an
 * Error, whose number tells no more than the message itself did.
 *
 * @param kms, now     the server, and the time
 * @param message      any octets
 * @param out, cap, n  get n bytes, at most cap; 0 when there is no readable
 *                     HDR, or the message is itself an Error. Nothing behind
 *                     them is secret
 * @return OK when something was granted; else the reason, for the log
 */
TS_MUST enum ts_err mikey_kms_answer(const struct mikey_kms *kms,
                                     const struct mikey_now *now,
                                     struct ts_span message, uint8_t *out,
                                     size_t cap, size_t *n);

/**
 * Between two KMSs (section 10): a RESOLVE_INIT about a ticket of another KMS.
 * Verifies it and writes a RESOLVE_INIT of our own, with the same IDRr and
 * TICKET, to that KMS. Who may resolve the ticket is for that KMS to decide.
 *
 * @param kms, now     the server, and the time
 * @param message      the user's
 * @param as           our party with the other KMS: psk and psk_id; kms is the
 *                     other KMS
 * @param out, cap, n  on OK get the message for it; keep it for
 *                     mikey_kms_pass_on(). Else the Error for the user, as
 *                     mikey_kms_answer()
 * @return OK; E_UNSUPPORTED (as has a signer), E_DENIED (a REQUEST_INIT; from
 *         a KMS: one hop; as has no psk), E_RANGE (as cannot be used), and the
 *         reasons of mikey_kms_answer()
 */
TS_MUST enum ts_err mikey_kms_forward(const struct mikey_kms *kms,
                                      const struct mikey_now *now,
                                      struct ts_span message,
                                      const struct mikey_party *as,
                                      uint8_t *out, size_t cap, size_t *n);

/**
 * And its answer, passed on to the user under the user's key.
 *
 * @param kms, now     the server, and the time
 * @param message      the user's RESOLVE_INIT
 * @param as           our party with the other KMS
 * @param sent         our own to the other KMS
 * @param reply        the other KMS's answer; an Error becomes one of ours
 * @param out, cap, n  as mikey_kms_answer()
 * @return OK; E_MISMATCH (message and sent do not belong together); E_PEER (an
 *         Error); and the reasons of mikey_kms_answer()
 */
TS_MUST enum ts_err mikey_kms_pass_on(const struct mikey_kms *kms,
                                      const struct mikey_now *now,
                                      struct ts_span message,
                                      const struct mikey_party *as,
                                      struct ts_span sent, struct ts_span reply,
                                      uint8_t *out, size_t cap, size_t *n);

#ifdef __cplusplus
}
#endif

#endif
