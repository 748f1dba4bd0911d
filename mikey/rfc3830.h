/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmikey: MIKEY itself (RFC 3830), between two peers that need no KMS, with
 * a pre-shared key or with public keys. Clauses without an RFC are 3830's.
 *
 * The Initiator:
 *
 *     mikey_peer_offer()     -> I_MESSAGE
 *     mikey_peer_answered()  <- R_MESSAGE or Error, if an answer was wanted
 *
 * The Responder:
 *
 *     mikey_peer_offered()   <- I_MESSAGE
 *     mikey_peer_answer()    -> R_MESSAGE, if it is wanted
 *
 * After that both have the SRTP keys of each crypto session. The Initiator may
 * update the bundle (4.5): mikey_peer_update() takes the place of _offer(),
 * mikey_peer_updated() that of _offered(), and the answer goes as above.
 *
 * What <mikey/mikey.h> says of objects, errors, time and random numbers is so
 * here, too. In particular: after an error a peer is as it was before.
 */
#ifndef MIKEY_RFC3830_H
#define MIKEY_RFC3830_H

#include "mikey/mikey.h"
#include "mikey/pk.h"
#include "mikey/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- who ---- */

/** What is refused unless a peer asks for it by name. */
enum mikey_peer_allow {
    /* NULL encryption and NULL MAC: only where what carries the messages
       protects them from end to end (4.2.3, 4.2.4), and only for a peer that
       has no key at all: one that has a key never takes less */
    MIKEY_ALLOW_NULL = 1,
    /* V over message || T, without identities (libmikey of minisip) */
    MIKEY_ALLOW_V_TIME = 2,
    /* V over message || IDi || IDr || T as whole payloads */
    MIKEY_ALLOW_V_PAYLOADS = 4,
    /* V of an Error with the tail of a verification message */
    MIKEY_ALLOW_ERROR_TAIL = 8,
};

/**
 * One of the two: who it is, whom it talks to, how they prove that, and what
 * it lends the library. With a signer offers are of the public key method
 * (3.2), else of the pre-shared key method (3.1); each message that comes is
 * of the method that it names, if there is what it takes.
 */
struct mikey_peer_party {
    struct mikey_id self; /* at most 255 bytes */
    struct mikey_id peer; /* data.p NULL: as a Responder whoever proves it. Of a
                             certified name the type counts, too */
    unsigned bits;        /* suite of our offers: 128 or 256 */

    struct ts_span psk; /* at most 64 bytes; 16 or more, if you may choose */
    const struct mikey_signer *signer;     /* our key and certificates, and */
    const struct mikey_sealer *sealer;     /* the peer's public key, to offer */
    const struct mikey_verifier *verifier; /* whom we believe, and */
    const struct mikey_opener *opener;     /* our private key, to answer */

    uint32_t skew; /* seconds that a peer's clock may be off; 0: 300 */
    void *arg;     /* of the functions */
    mikey_random_fn random;
    /* Responder: whether a policy will do. NULL: any that can be read. */
    bool (*acceptable)(void *arg, const struct mikey_srtp_policy *policy);
    unsigned allow; /* of enum mikey_peer_allow */
    unsigned omit;  /* IDs to leave out of messages of ours, if the peer knows
                       them: bits 1 << MIKEY_IDR_I and 1 << MIKEY_IDR_R */
};

/**
 * Whom an I_MESSAGE names, for whoever has several peers to choose from:
 * before anything in it is proven.
 *
 * @param message  as it came
 * @param from, to  IDi and IDr; data.p NULL: it does not say
 * @return OK; E_UNKNOWN (not a PSK or PK message); E_DUPLICATE, E_ORDER,
 *         E_MISSING, E_FORMAT, and what mikey_look() gives
 */
TS_MUST enum ts_err mikey_peer_names(struct ts_span message,
                                     struct mikey_id *from,
                                     struct mikey_id *to);

/* ---- the object ---- */

struct mikey_peer;

/** Bytes of memory for messages of at most max bytes. */
size_t mikey_peer_size(size_t max);

/**
 * Make a peer: for one bundle, as its Initiator or its Responder.
 *
 * @param mem    the memory, aligned as malloc() does it
 * @param n      mikey_peer_size() bytes of it
 * @param party  borrowed for as long as the peer lives
 * @return NULL when n is too small or the party cannot be used
 */
struct mikey_peer *mikey_peer_init(void *mem, size_t n,
                                   const struct mikey_peer_party *party);

/** Wipe, all of its memory. NULL is ignored. */
void mikey_peer_wipe(struct mikey_peer *p);

/** Give up an offer or update that waits for its answer, ours or theirs. An
 *  update of ours may be in force over there all the same: see _update(). */
void mikey_peer_abandon(struct mikey_peer *p);

/* ---- the Initiator ---- */

/** What an I_MESSAGE brings. */
struct mikey_terms {
    /* TGKs and TEKs, with or without salt (6.13). Octets that are not given
     * (p NULL) are drawn: as many as n says, or as usual if that is 0. None
     * at all: an offer draws one TGK, an update brings no keys. Several need
     * an SPI each, and a GENERIC-ID map that tells them apart. */
    const struct mikey_key *keys;
    size_t n_keys;
    /* Crypto sessions. With an SRTP-ID map CS IDs are 1, 2, 3 ... (0: as is
     * its turn), there is one policy, and no SPI or SEQ is sent. NULL in an
     * update: as they are. */
    const struct mikey_session *session;
    size_t n_sessions;
    const struct mikey_srtp_policy *policy;
    const uint8_t *policy_no; /* their numbers; NULL: from 0 */
    size_t n_policies;        /* 0: SRTP's defaults; in an update: as before */
    bool want_answer;         /* V flag */

    /* an offer only */
    uint8_t map;            /* enum mikey_map_type */
    uint8_t cache;          /* enum mikey_pke_cache: the envelope key */
    struct ts_span sdp_ids; /* list of protocols, against bidding down */
    /* A group: the same CSB ID and RAND to all its members (2.2). 0 and empty:
     * drawn. That a CSB ID drawn is free is the caller's to see (6.1), and that
     * T is another one to each member, where several have one PSK. */
    uint32_t csb;
    struct ts_span rand; /* 16 to 255 bytes */
};

/**
 * Offer a bundle (3.1, 3.2). Without want_answer it is in force at once. An
 * offer that waits is given up for the new one.
 *
 * @param p      the Initiator
 * @param now    gives T; of a second offer it is above that of the first
 * @param terms  what to offer
 * @param out    gets the message, at most cap bytes
 * @param cap    bytes of out
 * @param n      gets its length
 * @return OK; E_STATE (there is a bundle, or an offer of theirs); E_MISSING
 *         (the party's peer); E_DENIED (no key to offer with); E_RANGE (keys,
 *         sessions or RAND that do not fit); E_FORMAT (two keys of one SPI);
 *         E_DUPLICATE (CS ID, policy number); E_NOTFOUND (a session without
 *         policy or key); E_UNSUPPORTED (no SPI, several keys); E_SPACE; E_IO,
 *         and what random source, signer and sealer give
 */
TS_MUST enum ts_err mikey_peer_offer(struct mikey_peer *p,
                                     const struct mikey_now *now,
                                     const struct mikey_terms *terms,
                                     uint8_t *out, size_t cap, size_t *n);

/**
 * Update the bundle that we began (4.5): new keys, sessions or policies, or
 * all as it is. Keys of before stay where a session still names their SPI.
 * Policies are added, or take the place of that of their number. Until its
 * answer comes an update with want_answer changes nothing. After one that was
 * given up the next one says all policies again, each key that a session
 * names, and if it brings none the newest: whether the other one took it is not
 * known.
 *
 * It is a PSK message under the PSK, or under an envelope key that was to be
 * cached; else a PK message with a new envelope key. T is above that of each
 * message before, or keystream would repeat.
 *
 * @return as mikey_peer_offer(); E_STATE (no bundle of ours, or one is under
 *         way); E_RANGE (also: a COUNTER where NTP was used or the reverse)
 */
TS_MUST enum ts_err mikey_peer_update(struct mikey_peer *p,
                                      const struct mikey_now *now,
                                      const struct mikey_terms *terms,
                                      uint8_t *out, size_t cap, size_t *n);

/**
 * Take the R_MESSAGE to our offer or update, or an Error about it (3.1, 3.2,
 * 5.1.2). An Error is a hint; one that is proven ends what it is about.
 *
 * @return OK; E_PEER for an Error: mikey_peer_refusal(); E_STATE (nothing
 *         waits); E_MISMATCH (another's, or to another message; a policy that
 *         we have not suggested), E_FORMAT (several policies), E_AUTH,
 *         E_MISSING, E_UNSUPPORTED, and what mikey_look() gives
 */
TS_MUST enum ts_err mikey_peer_answered(struct mikey_peer *p,
                                        const struct mikey_now *now,
                                        struct ts_span answer);

/** What the Error said after which E_PEER was returned; its t is our own T. */
const struct mikey_refusal *mikey_peer_refusal(const struct mikey_peer *p);

/* ---- the Responder ---- */

/** What an I_MESSAGE says, all of it proven. Views go into the peer. */
struct mikey_proposal {
    struct mikey_id from; /* data.p NULL: a PSK message that does not say */
    bool certified;       /* by a signature, not by the PSK */
    bool wants_answer;
    unsigned bits; /* its suite */
    uint32_t csb;
    struct mikey_time t; /* with from, and in an update csb, what a replay
                            cache has to remember (5.4) */
    uint8_t map;         /* enum mikey_map_type */
    size_t n_sessions, n_policies, n_keys;
    struct ts_span sdp_ids;
};

/**
 * Take an offer and verify it (5.3): that it is of now, from the peer, for us.
 * Whether T was here before, and whether sessions and policies will do, is the
 * caller's to say before it answers. An offer that waits for our answer gives
 * way to a new one that verifies.
 *
 * @param p         the Responder
 * @param now       when it came
 * @param message   as it came; not looked at later
 * @param proposal  gets what it says
 * @param error     on failure the number for an Error message; NULL: not wanted
 * @return OK; E_STATE (there is a bundle, or an offer of ours); E_UNKNOWN (not
 *         a PSK or PK message); E_UNSUPPORTED (algorithms, or a method that we
 *         have no keys for); E_TIME, E_REPLAY; E_AUTH; E_MISMATCH (from or for
 *         somebody else); E_RANGE (encrypted, and we have no key; a name of
 *         over 255 bytes); E_MISSING, E_DUPLICATE, E_ORDER, E_FORMAT; E_SPACE;
 *         and what verifier, opener and mikey_look() give
 */
TS_MUST enum ts_err mikey_peer_offered(struct mikey_peer *p,
                                       const struct mikey_now *now,
                                       struct ts_span message,
                                       struct mikey_proposal *proposal,
                                       uint8_t *error);

/**
 * The same with an update of the bundle that the peer began. Until it is
 * answered it changes nothing.
 *
 * @return as above; E_STATE (no bundle of theirs); E_REPLAY (T not above the
 *         last); E_TIME (also: a COUNTER where NTP was used or the reverse);
 *         E_ORDER (another method than 4.5 says); E_UNSUPPORTED also for a PK
 *         message whose envelope key is to be cached from now on
 */
TS_MUST enum ts_err mikey_peer_updated(struct mikey_peer *p,
                                       const struct mikey_now *now,
                                       struct ts_span message,
                                       struct mikey_proposal *proposal,
                                       uint8_t *error);

/** A crypto session of the message taken. @return OK, E_NOTFOUND, E_STATE */
TS_MUST enum ts_err mikey_peer_proposed_session(const struct mikey_peer *p,
                                                size_t nth,
                                                struct mikey_session *session);

/**
 * The policy of that number as it will be with the message taken; of any
 * number SRTP's defaults, if there is none.
 *
 * @return OK; E_NOTFOUND; E_STATE; E_UNSUPPORTED, E_FORMAT, E_DUPLICATE,
 *         E_SHORT, E_MISMATCH (what it says cannot be)
 */
TS_MUST enum ts_err
mikey_peer_proposed_policy(const struct mikey_peer *p, uint8_t no,
                           struct mikey_srtp_policy *policy);

/**
 * Answer what was taken; it is in force from now on. If no answer is wanted
 * none is written, and *n is 0.
 *
 * @param p           the Responder
 * @param session     our part of sessions, by cs: the SSRC, with its ROC, of
 *                    one that has none (6.1.1); with a GENERIC-ID map also one
 *                    policy number and SPI. Not named: as proposed, there with
 *                    the first policy that is acceptable
 * @param n_sessions  their number
 * @param out         gets the message, at most cap bytes
 * @param cap         bytes of out
 * @param n           gets its length
 * @return OK; E_STATE; E_MISSING (a session without SSRC; an identity for V
 *         that nobody named); E_MISMATCH (an SSRC that was said already,
 *         a policy that was not suggested); E_FORMAT (several policies);
 *         E_NOTFOUND (a session without policy or key, or none of that cs);
 *         E_UNSUPPORTED (a policy that is not acceptable: see _refuse(); no
 *         SPI, several keys); E_RANGE; E_SPACE
 */
TS_MUST enum ts_err mikey_peer_answer(struct mikey_peer *p,
                                      const struct mikey_session *session,
                                      size_t n_sessions, uint8_t *out,
                                      size_t cap, size_t *n);

/**
 * An Error (5.1.2): about the message taken, which ends with it, under a MAC;
 * or about one that was refused, as a hint. An update that ended so is E_REPLAY
 * when it comes again.
 *
 * @param p           the Responder, or whoever got the message
 * @param now         gives T
 * @param message     the one that was refused; empty: the one taken
 * @param no          enum mikey_error_no, one to eight of them
 * @param n_no        their number
 * @param policy      policies that we could do
 * @param n_policies  their number
 * @param out         gets the message, at most cap bytes
 * @param cap         bytes of out
 * @param n           gets its length
 * @return OK; E_STATE (nothing was taken; an Error about an Error or answer);
 *         E_RANGE; E_SPACE; E_SHORT, E_UNKNOWN, E_FORMAT (no readable HDR)
 */
TS_MUST enum ts_err
mikey_peer_refuse(struct mikey_peer *p, const struct mikey_now *now,
                  struct ts_span message, const uint8_t *no, size_t n_no,
                  const struct mikey_srtp_policy *policy, size_t n_policies,
                  uint8_t *out, size_t cap, size_t *n);

/* ---- the bundle ---- */

/** Its CSB ID, or that of an offer that waits; 0 for neither. */
uint32_t mikey_peer_csb(const struct mikey_peer *p);

/** The other one, as it proved it, or as the offer taken does; data.p NULL if
 *  nobody said. */
struct mikey_id mikey_peer_id(const struct mikey_peer *p);

/** Number of crypto sessions in force. */
size_t mikey_peer_sessions(const struct mikey_peer *p);

/** One of them; known tells whether anybody said its SSRC.
 *  @return OK, E_NOTFOUND */
TS_MUST enum ts_err mikey_peer_session(const struct mikey_peer *p, size_t nth,
                                       struct mikey_session *session);

/**
 * SRTP key and salt of a crypto session (4.1.3): of the key that its SPI names
 * or, without one, of the newest.
 *
 * @param p    one of the two
 * @param cs   CS ID
 * @param out  filled in on OK; wipe it
 * @return OK; E_STATE (no bundle yet); E_NOTFOUND (no such session);
 *         E_UNSUPPORTED (not SRTP; a TEK or salt of another length than the
 *         policy's, a TEK without salt)
 */
TS_MUST enum ts_err mikey_peer_srtp(const struct mikey_peer *p, uint8_t cs,
                                    struct mikey_srtp_key *out);

/** The newest keys, as they came: for other protocols, and for an Empty map.
 *  @return their number */
size_t mikey_peer_keys(const struct mikey_peer *p,
                       const struct mikey_key **keys);

/**
 * The envelope key, which both may use as a PSK between them in other bundles,
 * too, if the offer's cache is MIKEY_CACHE_YES (3.2, 6.3).
 *
 * @return OK, E_STATE (no bundle yet), E_DENIED
 */
TS_MUST enum ts_err mikey_peer_env_key(const struct mikey_peer *p,
                                       struct ts_span *env_key);

#ifdef __cplusplus
}
#endif

#endif
