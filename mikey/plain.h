/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIKEY without tickets (RFC 3830), for peers that know nothing else: one
 * message each way, under a key that both share, or under public keys. Beside
 * <mikey/mikey.h> and like it: octets go in and come out, memory, time and
 * random octets are lent.
 *
 * Caller:
 *
 *     mikey_plain_offer()     -> I_MESSAGE, into the SDP offer
 *     mikey_plain_answered()  <- R_MESSAGE
 *
 * Callee:
 *
 *     mikey_plain_offered()   <- I_MESSAGE
 *     mikey_plain_answer()    -> R_MESSAGE
 *
 * Then mikey_plain_srtp() gives the keys of each crypto session. What a ticket
 * adds is not there: the keys are the caller's alone, and nothing but the
 * shared key or the certificate says who the other one is. There are no
 * Diffie-Hellman, no RSA-R and no updates here; who wants new keys offers anew.
 */
#ifndef MIKEY_PLAIN_H
#define MIKEY_PLAIN_H

#include "mikey/mikey.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a callee finds what it believes. */
struct mikey_plain_trust {
    void *arg; /* of psk() */
    /** The key that is shared with an Initiator, by its IDi; psk->p is NULL
     *  before and stays so for one that nobody knows. NULL: the party's. */
    enum ts_err (*psk)(void *arg, const struct mikey_id *initiator,
                       struct ts_span *psk);
    const struct mikey_verifier *verifier; /* public keys: both or none */
    const struct mikey_opener *opener;
};

/** One end of an exchange. */
struct mikey_plain;

/** Bytes of memory for messages of at most max bytes. */
size_t mikey_plain_size(size_t max);

/**
 * Make one end, for one exchange at a time.
 *
 * @param mem, n  memory, aligned as malloc() does it
 * @param party   borrowed. self, bits, skew, acceptable, arg and random count;
 *                and psk, which is shared with the peer, or signer and sealer:
 *                our key, and the peer's
 * @param trust   borrowed; NULL for a caller, or with the party's psk only
 * @return NULL when n is too small or the party cannot be used
 */
struct mikey_plain *mikey_plain_init(void *mem, size_t n,
                                     const struct mikey_party *party,
                                     const struct mikey_plain_trust *trust);

/** Wipe. NULL is ignored. */
void mikey_plain_wipe(struct mikey_plain *p);

/**
 * Offer crypto sessions, with one fresh TGK for all of them (3.1, 3.2). An
 * answer is asked for. What was before this is over.
 *
 * @param p, now   the Initiator, and the time
 * @param offer    to, session, policy and sdp_ids count. CS IDs are 1, 2, ...
 *                 as the sessions stand; each has one policy, ssrc if it is
 *                 known, else 0, and no SPI
 * @param out, cap, n  get the message: n bytes, at most cap
 * @return OK; E_RANGE (sessions or policies that cannot be written); E_DENIED
 *         (nothing to prove ourselves with); E_SPACE; E_IO (no random numbers);
 *         what signer and sealer give
 */
TS_MUST enum ts_err mikey_plain_offer(struct mikey_plain *p,
                                      const struct mikey_now *now,
                                      const struct mikey_offer *offer,
                                      uint8_t *out, size_t cap, size_t *n);

/**
 * Take the answer.
 *
 * @param p       the Initiator
 * @param answer  the message
 * @return OK; E_PEER for an Error: mikey_plain_refusal(); E_AUTH; E_MISMATCH
 *         (another's answer, or sessions that are not ours); E_MISSING;
 *         E_STATE; and what mikey_look() gives
 */
TS_MUST enum ts_err mikey_plain_answered(struct mikey_plain *p,
                                         struct ts_span answer);

/** What the Error said after which E_PEER was returned. */
const struct mikey_refusal *mikey_plain_refusal(const struct mikey_plain *p);

/**
 * Take an offer, and verify it. Whether it was here before (tag) is the
 * caller's to say before it goes on, and to remember.
 *
 * @param p, now   the Responder, and the time
 * @param message  the message
 * @param offered  filled in on OK; its ticket is zeros. initiator is proven:
 *                 it has the shared key, or the certificate
 * @param error    on failure the number for an Error message; NULL: not wanted
 * @return OK; E_UNKNOWN (no I_MESSAGE that is done here), E_UNSUPPORTED,
 *         E_MISSING, E_FORMAT, E_DUPLICATE, E_ORDER, E_TIME, E_MISMATCH (not
 *         for us), E_NOTFOUND (an Initiator that nobody knows), E_AUTH,
 *         E_SPACE, and what psk(), verifier and opener give
 */
TS_MUST enum ts_err mikey_plain_offered(struct mikey_plain *p,
                                        const struct mikey_now *now,
                                        struct ts_span message,
                                        struct mikey_offered *offered,
                                        uint8_t *error);

/**
 * Answer an offer that was taken. Where none is asked for, *n is 0.
 *
 * @param p             the Responder
 * @param ssrc, n_ssrc  ours, for the sessions that the offer left open, in
 *                      their order
 * @param out, cap, n   get the message: n bytes, at most cap
 * @return OK; E_STATE; E_RANGE (more or fewer SSRCs than were left open);
 *         E_SPACE
 */
TS_MUST enum ts_err mikey_plain_answer(struct mikey_plain *p,
                                       const uint32_t *ssrc, size_t n_ssrc,
                                       uint8_t *out, size_t cap, size_t *n);

/**
 * An Error about the offer that was given to mikey_plain_offered() last; under
 * a MAC if it was taken (5.1.2).
 *
 * @param p             the Responder
 * @param error, n_errors  enum mikey_error_no, one to eight of them
 * @param out, cap, n   get the message: n bytes, at most cap
 * @return OK; E_STATE (no offer whose header could be read); E_RANGE; E_SPACE
 */
TS_MUST enum ts_err mikey_plain_refuse(const struct mikey_plain *p,
                                       const uint8_t *error, size_t n_errors,
                                       uint8_t *out, size_t cap, size_t *n);

/** The nth crypto session, from 0: of the offer, and once there is an answer
 *  of that. @return OK, E_NOTFOUND, E_STATE */
TS_MUST enum ts_err mikey_plain_session(const struct mikey_plain *p, size_t nth,
                                        struct mikey_session *session);

/**
 * SRTP key and salt of a crypto session (4.1.3), once it is answered.
 *
 * @param p    either side
 * @param cs   CS ID
 * @param out  filled in on OK; wipe it
 * @return OK; E_STATE; E_NOTFOUND (no such session, policy or key);
 *         E_UNSUPPORTED (not SRTP; several keys and no SPI; a TEK or salt of
 *         another length than the policy's)
 */
TS_MUST enum ts_err mikey_plain_srtp(const struct mikey_plain *p, uint8_t cs,
                                     struct mikey_srtp_key *out);

#ifdef __cplusplus
}
#endif

#endif
