/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmikey: MIKEY-TICKET (RFC 6043) for your phone or your KMS.
 *
 * Octets go in and come out. The library does no I/O, allocates nothing, keeps
 * no global state, reads no clock and draws no randomness: time and random
 * source are arguments, and each object lives in memory that you give it.
 *
 * Caller, with a KMS (modes 1 and 2):
 *
 *     mikey_initiator_request()   -> REQUEST_INIT, to the KMS
 *     mikey_initiator_granted()   <- REQUEST_RESP
 *     mikey_initiator_transfer()  -> TRANSFER_INIT, into the SDP offer
 *     mikey_initiator_answered()  <- TRANSFER_RESP; gives a bundle
 *
 * or, with a ticket key of its own (modes 3 and 4), mikey_initiator_make()
 * in place of the first two.
 *
 * Callee:
 *
 *     mikey_responder_offered()   <- TRANSFER_INIT
 *     mikey_responder_resolve()   -> RESOLVE_INIT, to the KMS
 *     mikey_responder_resolved()  <- RESOLVE_RESP
 *     mikey_responder_answer()    -> TRANSFER_RESP; gives a bundle
 *
 * or, with the ticket key (modes 2 and 4), mikey_responder_open() in place of
 * the two in the middle.
 *
 * Both end with a bundle: the keys of each crypto session, and its updates.
 * A KMS is one function: mikey_kms_answer().
 *
 * Each function returns TS_OK or an error (ts_strerror() gives its text);
 * after an error the object is as it was before, so that a step can be taken
 * again with other octets; what stands in out then means nothing. Objects hold
 * keys: end each with its _wipe(). Structs of the caller are zeros where
 * nothing is said. Octets of messages written are at most as many as the object
 * was made for; out and mem lie apart from all that goes in. Views that are
 * handed out go into the object and are good until its next step.
 *
 * What is compared with what, and which requirement of the RFC asks for it,
 * stands in the sources. mikey_look() and <mikey/sdp.h> serve whoever only
 * looks at messages, or carries them.
 */
#ifndef MIKEY_MIKEY_H
#define MIKEY_MIKEY_H

#include "mikey/look.h"
#include "mikey/pk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- who, and when ---- */

/**
 * Another kind of ticket than the base ticket (RFC 6043 section 11). Whoever
 * has its kind in a list knows what N=0 and O=0 ask for (R228, R229).
 */
struct mikey_ticket_type {
    struct mikey_kind kind;
    void *arg;
    /**
     * Take the keys out of a ticket. Whatever it returns, keys is wiped.
     *
     * @param covered  TICKET from its Ticket Type to the end of Ticket Data:
     *                 what its own integrity protection must cover (R262)
     * @param data     Ticket Data, its end
     * @param keys     gets a chain of Key Data sub-payloads: the MPK, then the
     *                 session keys (R261)
     * @param n        their bytes, at most cap
     * @param rand     gets the RAND that MPKi and MPKr are derived with
     */
    enum ts_err (*open)(void *arg, struct ts_span covered, struct ts_span data,
                        uint8_t *keys, size_t cap, size_t *n,
                        struct ts_span *rand);
    /**
     * Make Ticket Data for keys: the MPK, then the session keys.
     *
     * @param policy  TICKET from its Ticket Type to the end of TP Data
     * @param keys    their chain, as above
     * @param rand    as above, drawn by libmikey
     * @param data    gets n bytes, at most cap
     */
    enum ts_err (*make)(void *arg, struct ts_span policy, struct ts_span keys,
                        struct ts_span rand, uint8_t *data, size_t cap,
                        size_t *n);
};

/** A user: who it is, how it proves that, and what it lends the library. */
struct mikey_party {
    struct mikey_id self; /* IDRi or IDRr, 1 to 255 bytes */
    struct mikey_id kms;  /* IDRkms; data.p NULL where there is no KMS */
    /* Responder: the application that is called; a ticket for others (IDRapp)
     * is refused. data.p NULL: the caller looks by itself (AMB 19) */
    struct mikey_id app;
    unsigned bits; /* suite: 128 or 256 */

    struct ts_span psk, psk_id;        /* with the KMS; or */
    const struct mikey_signer *signer; /* our key and certificates, and */
    const struct mikey_sealer *sealer; /* the KMS's public key */
    struct ts_span tpk, tpk_id;        /* modes 2 to 4: the ticket key */

    uint32_t skew; /* seconds that a peer's clock may be off; 0: 300 */
    void *arg;     /* of the functions */
    mikey_random_fn random;
    /* Whether one of whom a message or ticket names (a: also a group, or a
     * wildcard) is b. NULL: the same octets. */
    bool (*same)(void *arg, const struct mikey_id *a, const struct mikey_id *b);
    /* Whether a policy of the peer's will do (R85); see also
     * mikey_srtp_policy_equal(). NULL: as a Responder any, as an Initiator only
     * what it offered itself. */
    bool (*acceptable)(void *arg, const struct mikey_srtp_policy *policy);
    const struct mikey_ticket_type *types;
    size_t n_types;
    unsigned omit; /* IDRs to leave out of messages: bit 1 << role. The other
                      side must know them otherwise: they enter MACs */
};

/**
 * The time of a step, as fine as there is a clock: where keys are the same, T
 * is all that tells the IVs of two messages apart. They are in bundles of one
 * offer, or of one group, that are neither forked nor have RANDRr (I=0, G=0).
 * Below a microsecond T tells such bundles apart: those of one Initiator by
 * number, those of Responders by chance. With NTP-UTC-32 or a COUNTER each
 * update of any of them needs a time of its own. And at a KMS with the
 * public-key variants: somebody else may send an envelope key again. So no two
 * answers of a KMS may have one T; NTP-UTC-32 becomes NTP-UTC in those.
 */
struct mikey_now {
    uint64_t us;      /* Unix time in microseconds */
    uint8_t ts_type;  /* of timestamps that we send; 0: NTP-UTC */
    uint32_t counter; /* with COUNTER: the value to send, never used before */
    uint32_t seen;    /* Responder: highest counter seen of this caller */
};

/** What an Error said; its policies: mikey_look_policy(). */
struct mikey_refusal {
    uint8_t n, no[8]; /* enum mikey_error_no */
    bool proven; /* under a MAC of the one we asked, in the Transfer of one who
                    may resolve the ticket; else a hint */
    struct mikey_time t; /* the other one's clock, for Error 1:
                            mikey_time_unix(); value 0: it has not said */
};

/* ---- tickets ---- */

/** A ticket that is wanted. */
struct mikey_wish {
    struct mikey_kind kind; /* zeros: the base ticket */
    uint16_t flags;         /* 0: D E F G H I N O */
    uint16_t must;          /* flags that must be granted; 0: those of flags */
    const struct mikey_id *responder; /* who may resolve it, 1 to 64 */
    size_t n_responders;
    const struct mikey_id *app; /* IDRapp, at most 8 */
    size_t n_apps;
    uint64_t start, end; /* Unix seconds; 0: not said */
    uint32_t rekey;      /* TRr: longest time between rekeyings, 0: not said */
    /* Session keys, at most 8: types, lengths and SPIs, octets do not count.
     * NULL: the KMS's default (one TGK); n_keys 0: none, for content that is
     * encrypted already (section 8). */
    const struct mikey_key *keys;
    size_t n_keys;
};

/**
 * A ticket in hand, to be kept for reuse (J=1): copy what the views show, for
 * they go into the object. Holds keys.
 */
struct mikey_held {
    struct ts_span ticket; /* TICKET payload */
    struct ts_span keys;   /* Key Data: MPKi, [MPKr or MPKr'], session keys */
    struct mikey_id idr_r; /* Responder: the modifier that it must use again */
    struct ts_span rand_kms;
};

/** What a ticket says. Views go into the object that it was asked of. */
struct mikey_ticket_info {
    struct mikey_kind kind;
    uint16_t flags;
    struct mikey_id kms, initiator; /* data.p NULL: not said */
    uint64_t start, end;            /* Unix seconds, 0: not said */
    uint32_t rekey;
    size_t n_responders, n_apps, n_keys; /* n_keys: session keys, if known */
    struct ts_span policy, data;         /* TP Data, Ticket Data */
};

/**
 * The nth identity that a ticket names in a role, from 0: MIKEY_IDR_R, who may
 * resolve it; MIKEY_IDR_APP, applications, none if all may.
 *
 * @return OK, E_NOTFOUND
 */
TS_MUST enum ts_err mikey_ticket_name(const struct mikey_ticket_info *info,
                                      enum mikey_id_role role, size_t nth,
                                      struct mikey_id *id);

/* ---- crypto sessions ---- */

/** One crypto session. */
struct mikey_session {
    uint8_t cs;   /* CS ID, 1 to 254 */
    uint8_t prot; /* enum mikey_prot */
    bool known;   /* ssrc is said */
    bool started; /* and roc and seq are */
    uint32_t ssrc, roc;
    uint16_t seq;
    struct ts_span policies; /* policy numbers, an octet each */
    struct ts_span spi;      /* of the key that is used first; may be empty */
};

/** A crypto session's SRTP key. Wipe it. */
struct mikey_srtp_key {
    struct mikey_srtp_policy policy;
    size_t key_len, salt_len, spi_len;
    uint8_t key[MIKEY_KEY_MAX], salt[32], spi[255]; /* the SPI is the MKI */
};

/* ---- the Initiator ---- */

struct mikey_initiator;
struct mikey_bundle;

/** Bytes of memory for messages of at most max bytes. */
size_t mikey_initiator_size(size_t max);

/**
 * Make an Initiator: one ticket at a time, and one offer at a time that
 * answers are taken to.
 *
 * @param mem, n  memory, aligned as malloc() does it
 * @param party   borrowed for as long as the Initiator and its bundles live
 * @return NULL when n is too small or the party cannot be used
 */
struct mikey_initiator *mikey_initiator_init(void *mem, size_t n,
                                             const struct mikey_party *party);

/** Wipe. NULL is ignored. */
void mikey_initiator_wipe(struct mikey_initiator *i);

/**
 * Modes 1 and 2: ask the KMS for a ticket (4.2.1.1 to 4.2.1.3). The ticket in
 * hand, if there is one, stays until the new one is granted.
 *
 * @param i, now       whose request, and the time
 * @param wish         the ticket that is wanted
 * @param out, cap, n  get the message: n bytes, at most cap
 * @return OK; E_RANGE (no responder; names, keys, flags or times that cannot
 *         be); E_DENIED (the party has nothing to prove itself with, or no
 *         KMS); E_SPACE; what the random source, signer and sealer give
 */
TS_MUST enum ts_err mikey_initiator_request(struct mikey_initiator *i,
                                            const struct mikey_now *now,
                                            const struct mikey_wish *wish,
                                            uint8_t *out, size_t cap,
                                            size_t *n);

/**
 * Take the KMS's answer and check what it grants (4.2.1.6): for those and only
 * those that were asked for, for no other applications, in our name, with the
 * flags that it must have, F and M only if asked for, end and TRr no later.
 *
 * @return OK; E_PEER for an Error: mikey_initiator_refusal(); E_AUTH, E_TIME,
 *         E_MISMATCH (another's answer; a ticket in another's name or for
 *         others: R47), E_EXPIRED, E_UNSUPPORTED (kind or flags), E_STATE, and
 *         what mikey_look() gives
 */
TS_MUST enum ts_err mikey_initiator_granted(struct mikey_initiator *i,
                                            const struct mikey_now *now,
                                            struct ts_span reply);

/** What the Error said after which E_PEER was returned. */
const struct mikey_refusal *
mikey_initiator_refusal(const struct mikey_initiator *i);

/**
 * Modes 3 and 4: make the ticket, with the party's tpk (5.2). D is cleared and
 * L set in the flags; in mode 4 leave out E and I. Takes the place of the
 * ticket in hand.
 *
 * @return OK; E_RANGE as mikey_initiator_request(); E_DENIED (no ticket key);
 *         E_UNSUPPORTED (no such ticket type); E_SPACE; what the random source
 *         and the ticket type give
 */
TS_MUST enum ts_err mikey_initiator_make(struct mikey_initiator *i,
                                         const struct mikey_now *now,
                                         const struct mikey_wish *wish);

/**
 * Take a ticket that was kept, or that came another way (R1); or the one that
 * a Responder resolved, to pass it on in a group (section 9: I=0). Whether a
 * ticket without J was offered before is the caller's to know.
 *
 * @return OK; E_FORMAT (also: a TGK to be forked where F=0); E_EXPIRED;
 *         E_UNSUPPORTED (another suite, keys too long for it, a kind that
 *         nobody here knows); E_SPACE; E_DENIED (forked keys: only who asked
 *         for the ticket can pass it on: R252)
 */
TS_MUST enum ts_err mikey_initiator_adopt(struct mikey_initiator *i,
                                          const struct mikey_now *now,
                                          const struct mikey_held *held);

/** The ticket in hand. @return OK, E_STATE */
TS_MUST enum ts_err mikey_initiator_ticket(const struct mikey_initiator *i,
                                           struct mikey_ticket_info *info);

/** The ticket in hand, to be kept. @return OK, E_STATE */
TS_MUST enum ts_err mikey_initiator_hold(const struct mikey_initiator *i,
                                         struct mikey_held *held);

/** A TRANSFER_INIT. */
struct mikey_offer {
    struct mikey_id to; /* IDRr */
    const struct mikey_session *session;
    size_t n_sessions;
    const struct mikey_srtp_policy *policy; /* numbered from 0 */
    size_t n_policies;
    const struct mikey_key *keys; /* ours; only if L=1. With SPIs */
    size_t n_keys;
    struct ts_span sdp_ids; /* list of protocols, against bidding down */
    /* A group: the same RANDRi and CSB ID to all members (R251); of
     * mikey_initiator_rand(). Empty and 0: drawn. */
    struct ts_span rand_i;
    uint32_t csb;
};

/**
 * Offer crypto sessions with the ticket in hand (4.2.2.1). A ticket without J
 * can be offered once (R173), but to a whole group. Answers to an offer before
 * are not taken any more.
 *
 * @return OK; E_STATE (no ticket); E_DENIED (used up; keys where L=0; a group
 *         whose keys RANDRr would make different: G=1); E_EXPIRED; E_EXISTS (an
 *         SPI that names a key of the ticket); E_MISSING, E_NOTFOUND (F=0: a
 *         session that no answer will complete); E_RANGE (what cannot be
 *         written: a CS ID twice, a policy number that is none, keys, RANDRi);
 *         E_SPACE; what the random source gives
 */
TS_MUST enum ts_err mikey_initiator_transfer(struct mikey_initiator *i,
                                             const struct mikey_now *now,
                                             const struct mikey_offer *offer,
                                             uint8_t *out, size_t cap,
                                             size_t *n);

/** RANDRi and CSB ID of the last offer, for the next member of a group. */
TS_MUST enum ts_err mikey_initiator_rand(const struct mikey_initiator *i,
                                         struct ts_span *rand_i, uint32_t *csb);

/**
 * Take an answer (4.2.2.4). Several endpoints may answer one offer: each
 * answer gives a bundle of its own, and the same answer the same keys again.
 * Without forking and RANDRr (I=0, G=0), and of TEKs always, all answers give
 * the same keys: then one SSRC must not carry different streams to two of them.
 *
 * @param i, now      whose offer was answered, and the time
 * @param answer      the message
 * @param mem, mem_n  memory for the bundle, aligned as malloc() does it
 * @param bundle      gets it on OK
 * @return OK; E_PEER for an Error; E_AUTH, E_TIME, E_MISMATCH, E_MISSING,
 *         E_FORMAT, E_NOTFOUND (a session without a key: R167), E_EXISTS (an
 *         SPI that names a key already), E_UNSUPPORTED (a policy of theirs:
 *         R86), E_SPACE (memory too small or not aligned), E_STATE (F=0)
 */
TS_MUST enum ts_err mikey_initiator_answered(struct mikey_initiator *i,
                                             const struct mikey_now *now,
                                             struct ts_span answer, void *mem,
                                             size_t mem_n,
                                             struct mikey_bundle **bundle);

/**
 * An Error about an answer; under a MAC if the answer was (5.4).
 *
 * @param i, now              whose offer was answered, and the time
 * @param answer              the message
 * @param no, n_no            enum mikey_error_no, one to eight of them
 * @param policy, n_policies  policies that we could do (R182)
 * @param out, cap, n         get the message: n bytes, at most cap
 * @return OK; E_STATE (no offer, or about an Error); E_RANGE; E_SPACE; what
 *         mikey_look() gives of the answer's HDR
 */
TS_MUST enum ts_err
mikey_initiator_refuse(const struct mikey_initiator *i,
                       const struct mikey_now *now, struct ts_span answer,
                       const uint8_t *no, size_t n_no,
                       const struct mikey_srtp_policy *policy,
                       size_t n_policies, uint8_t *out, size_t cap, size_t *n);

/** F=0: the bundle, as no answer will come. Errors as above. */
TS_MUST enum ts_err mikey_initiator_unanswered(struct mikey_initiator *i,
                                               const struct mikey_now *now,
                                               void *mem, size_t mem_n,
                                               struct mikey_bundle **bundle);

/* ---- the Responder ---- */

struct mikey_responder;

/** As for the Initiator. */
size_t mikey_responder_size(size_t max);
struct mikey_responder *mikey_responder_init(void *mem, size_t n,
                                             const struct mikey_party *party);
void mikey_responder_wipe(struct mikey_responder *r);

/** What a TRANSFER_INIT says, before anything in it is proven. */
struct mikey_offered {
    struct mikey_ticket_info ticket;
    struct mikey_id initiator, called; /* IDRi, IDRr of the message */
    unsigned bits;                     /* its suite */
    uint32_t csb;
    struct mikey_time t;
    struct ts_span tag; /* its MAC: what a replay cache remembers */
    size_t n_sessions, n_policies;
    struct ts_span sdp_ids;
    bool needs_kms; /* E=1, or we have no ticket key: resolve */
};

/**
 * Take an offer and check what can be checked without the KMS (4.2.2.2). What
 * is refused here is refused without asking anybody (R63); then the offer
 * before is still in hand. Whether it was here before (tag), or its ticket if
 * that has no J (R224: ticket.data tells it apart), is the caller's to say
 * before it goes on, and to remember once the offer is verified.
 *
 * @param r, now   who is called, and the time
 * @param message  any octets
 * @param offered  filled in on OK
 * @param error    on failure the number for an Error message; NULL: not wanted
 * @return OK; E_UNKNOWN, E_MISSING, E_FORMAT (no TRANSFER_INIT), E_TIME,
 *         E_REPLAY (a COUNTER), E_EXPIRED, E_DENIED (not for us or our
 *         application; the caller is not the ticket's), E_MISMATCH,
 *         E_UNSUPPORTED (also: no policy that will do), E_SPACE, and what
 *         mikey_look() gives
 */
TS_MUST enum ts_err mikey_responder_offered(struct mikey_responder *r,
                                            const struct mikey_now *now,
                                            struct ts_span message,
                                            struct mikey_offered *offered,
                                            uint8_t *error);

/** A crypto session of the offer. @return OK, E_NOTFOUND, E_STATE */
TS_MUST enum ts_err mikey_responder_session(const struct mikey_responder *r,
                                            size_t nth,
                                            struct mikey_session *session);

/** A policy of the offer, by its number. @return OK, E_NOTFOUND, and what
 *  mikey_srtp_policy_read() gives */
TS_MUST enum ts_err mikey_responder_policy(const struct mikey_responder *r,
                                           uint8_t no,
                                           struct mikey_srtp_policy *policy);

/**
 * Ask the KMS to resolve the ticket (4.2.3.1 to 4.2.3.3).
 *
 * @return OK; E_STATE (no offer, or it is verified); E_DENIED, E_SPACE, ... as
 *         mikey_initiator_request()
 */
TS_MUST enum ts_err mikey_responder_resolve(struct mikey_responder *r,
                                            const struct mikey_now *now,
                                            uint8_t *out, size_t cap,
                                            size_t *n);

/**
 * Take the KMS's answer, then verify the offer with it (4.2.3.6).
 *
 * @return as mikey_initiator_granted(); E_AUTH also for an offer that does not
 *         verify
 */
TS_MUST enum ts_err mikey_responder_resolved(struct mikey_responder *r,
                                             const struct mikey_now *now,
                                             struct ts_span reply);

/** What the Error said after which E_PEER was returned. */
const struct mikey_refusal *
mikey_responder_refusal(const struct mikey_responder *r);

/**
 * Modes 2 and 4: open the ticket with the party's tpk, then verify the offer.
 *
 * @return OK; E_DENIED (E=1: the KMS must be asked); E_AUTH; E_NOTFOUND (no
 *         ticket key, no such ticket type); E_FORMAT, E_UNSUPPORTED (what is in
 *         the ticket, or the offer's keys); E_STATE
 */
TS_MUST enum ts_err mikey_responder_open(struct mikey_responder *r,
                                         const struct mikey_now *now);

/**
 * A ticket that was resolved before (J=1): verify the offer with what was
 * kept of it (5.3). That the caller is the ticket's is not proven then: Vr is
 * the KMS's to check.
 *
 * @return OK; E_MISMATCH (another ticket); E_DENIED (J=0); E_FORMAT,
 *         E_UNSUPPORTED (what was kept); E_AUTH; E_STATE
 */
TS_MUST enum ts_err mikey_responder_reuse(struct mikey_responder *r,
                                          const struct mikey_now *now,
                                          const struct mikey_held *held);

/** The ticket that was resolved, to be kept; also after the answer, until the
 *  next offer. @return OK, E_STATE */
TS_MUST enum ts_err mikey_responder_hold(const struct mikey_responder *r,
                                         struct mikey_held *held);

/** A TRANSFER_RESP, as far as it is not as offered. */
struct mikey_answer {
    /* Our part of each session: cs, and what the offer left open or we want
     * otherwise: one policy number, ssrc, spi. Sessions that are not named
     * stay as offered, with their first policy that will do and the first
     * session key; others can be added (R71). */
    const struct mikey_session *session;
    size_t n_sessions;
    const struct mikey_srtp_policy *policy; /* added: R78 */
    const uint8_t *policy_no; /* and their numbers, none of the offer's: R79 */
    size_t n_policies;
    const struct mikey_key *keys; /* ours; only if M=1. With SPIs */
    size_t n_keys;
};

/**
 * Answer the offer (4.2.2.3), after it was verified. With F=0 there is no
 * answer: *n is 0.
 *
 * @param r, now              who answers, and the time
 * @param answer              NULL: everything as offered
 * @param out, cap, n         get the message: n bytes, at most cap
 * @param mem, mem_n, bundle  as mikey_initiator_answered()
 * @return OK; E_STATE; E_DENIED (keys where M=0); E_MISSING (a session without
 *         SSRC, policy or SPI: R69); E_NOTFOUND (without a key); E_MISMATCH (a
 *         policy number that is none); E_EXISTS (a number of the offer's, or an
 *         SPI that names a key already); E_RANGE (what cannot be written);
 *         E_SPACE; what the random source gives
 */
TS_MUST enum ts_err mikey_responder_answer(struct mikey_responder *r,
                                           const struct mikey_now *now,
                                           const struct mikey_answer *answer,
                                           uint8_t *out, size_t cap, size_t *n,
                                           void *mem, size_t mem_n,
                                           struct mikey_bundle **bundle);

/**
 * An Error about the offer, or about the message that mikey_responder_offered()
 * has just refused; under a MAC once the offer is verified (5.4).
 *
 * @param r, now              who refuses, and the time
 * @param no, n_no            enum mikey_error_no, one to eight of them
 * @param policy, n_policies  policies that we could do (R182)
 * @param out, cap, n         get the message: n bytes, at most cap
 * @return OK; E_STATE (no offer, no readable HDR, or about an Error, or it was
 *         answered); E_RANGE; E_SPACE
 */
TS_MUST enum ts_err
mikey_responder_refuse(const struct mikey_responder *r,
                       const struct mikey_now *now, const uint8_t *no,
                       size_t n_no, const struct mikey_srtp_policy *policy,
                       size_t n_policies, uint8_t *out, size_t cap, size_t *n);

/* ---- the bundle ---- */

/** Bytes of memory for a bundle whose updates have at most max bytes. */
size_t mikey_bundle_size(size_t max);

/** Wipe. NULL is ignored. */
void mikey_bundle_wipe(struct mikey_bundle *b);

/** CSB ID. */
uint32_t mikey_bundle_csb(const struct mikey_bundle *b);

/**
 * The other one: IDRi, or the IDRr that answered. With key forking the keys
 * prove it, IDRi if the ticket names it (mikey_ticket_info.initiator) and was
 * not reused; without, that it is one who may resolve the ticket.
 */
struct mikey_id mikey_bundle_peer(const struct mikey_bundle *b);

/** Number of crypto sessions. */
size_t mikey_bundle_sessions(const struct mikey_bundle *b);

/** One of them. @return OK, E_NOTFOUND */
TS_MUST enum ts_err mikey_bundle_session(const struct mikey_bundle *b,
                                         size_t nth,
                                         struct mikey_session *session);

/**
 * SRTP key and salt of a crypto session (3.5).
 *
 * @param b, cs  the bundle, and the CS ID in it
 * @param out    filled in on OK; wipe it
 * @return OK; E_NOTFOUND (no such session, policy or key); E_UNSUPPORTED (not
 *         SRTP; a TEK or salt of another length than the policy's; R279)
 */
TS_MUST enum ts_err mikey_bundle_srtp(const struct mikey_bundle *b, uint8_t cs,
                                      struct mikey_srtp_key *out);

/** The session keys, as they came. @return their number */
size_t mikey_bundle_keys(const struct mikey_bundle *b,
                         const struct mikey_key **keys);

/** Unix seconds before which TRr asks for new keys (R234, R236), counted from
 *  when the oldest that a session uses came; 0: never, or no session. */
uint64_t mikey_bundle_rekey_at(const struct mikey_bundle *b);

/**
 * What an update changes. A new key is used by the sessions that name its SPI;
 * 16 are kept, then those that no session uses are forgotten.
 */
struct mikey_update {
    const struct mikey_key *keys; /* new ones; L or M must allow it */
    size_t n_keys;
    const struct mikey_session *session; /* all, NULL: as they are */
    size_t n_sessions;
    const struct mikey_srtp_policy *policy; /* added */
    const uint8_t *policy_no;
    size_t n_policies;
    bool want_answer; /* V flag */
};

/**
 * Start an update (5.2). Without want_answer it is in force at once. T is
 * above that of each message of the bundle before, or keystream would repeat.
 *
 * @return OK; E_DENIED (R166); E_NOTFOUND (a session without key: R167);
 *         E_EXISTS (an SPI that names a key already: AMB 14, or a number that
 *         names a policy); E_STATE (one is under way); E_MISSING, E_MISMATCH
 *         (sessions that are not complete); E_RANGE (what cannot be written, a
 *         COUNTER where NTP was used or the reverse); E_SPACE
 */
TS_MUST enum ts_err mikey_bundle_update(struct mikey_bundle *b,
                                        const struct mikey_now *now,
                                        const struct mikey_update *update,
                                        uint8_t *out, size_t cap, size_t *n);

/**
 * Give up an update that waits for its answer. Where both began one at the same
 * time the Responder gives up and takes the Initiator's.
 */
void mikey_bundle_abandon(struct mikey_bundle *b);

/**
 * Take a message of an update: the other one's TRANSFER_INIT, or the answer to
 * ours.
 *
 * @param b, now       the bundle, and the time
 * @param message      any octets
 * @param ours         our part in an answer; NULL: as the update says
 * @param out, cap, n  for a TRANSFER_INIT that wants one, get the TRANSFER_RESP
 *                     of *n bytes, at most cap; *n is 0 where there is none
 * @return OK; E_PEER (an Error: mikey_bundle_refusal(); one that is proven ends
 *         our update); E_AUTH, E_TIME, E_REPLAY (T not above the last),
 *         E_MISMATCH, E_ORDER (another TICKET or RAND: R163), E_DENIED,
 *         E_EXISTS, E_NOTFOUND, E_MISSING, E_UNSUPPORTED (a policy), E_STATE
 *         (also while an update of ours waits), E_UNKNOWN (no such message),
 *         E_RANGE, E_SPACE, and what mikey_look() gives
 */
TS_MUST enum ts_err mikey_bundle_receive(struct mikey_bundle *b,
                                         const struct mikey_now *now,
                                         struct ts_span message,
                                         const struct mikey_answer *ours,
                                         uint8_t *out, size_t cap, size_t *n);

/** What the Error said after which E_PEER was returned. */
const struct mikey_refusal *mikey_bundle_refusal(const struct mikey_bundle *b);

/**
 * An Error about a message that mikey_bundle_receive() has refused; under a MAC
 * if that message was (5.4). Arguments and errors as
 * mikey_initiator_refuse().
 */
TS_MUST enum ts_err
mikey_bundle_refuse(struct mikey_bundle *b, const struct mikey_now *now,
                    struct ts_span message, const uint8_t *no, size_t n_no,
                    const struct mikey_srtp_policy *policy, size_t n_policies,
                    uint8_t *out, size_t cap, size_t *n);

#ifdef __cplusplus
}
#endif

#include "mikey/mikey_kms.h"

#endif
