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
 * again with other octets. Objects hold keys: end each with its _wipe().
 * Structs of the caller are zeros where nothing is said. Octets of messages
 * written are at most as many as the object was made for.
 *
 * What is compared with what, and which requirement of the RFC asks for it,
 * stands in the sources. mikey_look() and <mikey/sdp.h> serve whoever only
 * looks at messages, or carries them.
 */
#ifndef MIKEY_MIKEY_H
#define MIKEY_MIKEY_H

#include "mikey/pk.h"
#include "mikey/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the library: three numbers, with dots between. */
const char *mikey_version(void);

/* ---- looking at a message ---- */

/** What everybody can see in a message. Views go into it. */
struct mikey_glance {
    uint8_t type; /* enum mikey_type */
    bool v;
    uint8_t prf;
    uint32_t csb;
    uint8_t n_cs, map_type;
    bool has_t;
    struct mikey_time t;
    struct mikey_id idr[8]; /* by enum mikey_id_role; data.p NULL: none */
    uint8_t n_errors, error[8];
    uint16_t ticket_flags; /* of TP or TICKET */
    size_t bad_at;         /* after a failure: offset of what is wrong ... */
    uint8_t bad_in;        /* ... and the type of its payload, 0 for HDR */
};

/**
 * Look at a message of any type: all of it is checked, nothing verified.
 *
 * @param g  filled in as far as the message could be read
 * @return OK; E_SHORT, E_TRAILING, E_UNKNOWN, E_FORMAT, E_DUPLICATE, E_ORDER,
 *         E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_look(struct ts_span message, struct mikey_glance *g);

/** One payload of a message. */
struct mikey_item {
    uint8_t type; /* enum mikey_next */
    size_t offset;
    struct ts_span octets; /* all of the payload */
};

/** Where a walk over the payloads is; zeros at first. */
struct mikey_walk {
    size_t at;
    uint8_t next;
};

/**
 * The payloads of a message, one after the other:
 *
 *     struct mikey_walk walk = {0};
 *     while (mikey_walk(message, &walk, &item))
 *
 * @return false behind the last one, and at one that cannot be read
 */
bool mikey_walk(struct ts_span message, struct mikey_walk *walk,
                struct mikey_item *item);

/* ---- who, and when ---- */

/** Another kind of ticket than the base ticket (RFC 6043 section 11). */
struct mikey_ticket_type {
    struct mikey_kind kind;
    void *arg;
    /**
     * Take the keys out of a ticket.
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
     * Make Ticket Data for keys.
     *
     * @param policy  TICKET from its Ticket Type to the end of TP Data
     * @param keys    as above
     * @param rand    as above, drawn by libmikey
     * @param data    gets n bytes, at most cap
     */
    enum ts_err (*make)(void *arg, struct ts_span policy, struct ts_span keys,
                        struct ts_span rand, uint8_t *data, size_t cap,
                        size_t *n);
};

/** A user: who it is, how it proves that, and what it lends the library. */
struct mikey_party {
    struct mikey_id self; /* IDRi or IDRr, at most 255 bytes */
    struct mikey_id kms;  /* IDRkms; data.p NULL where there is no KMS */
    unsigned bits;        /* suite: 128 or 256 */

    struct ts_span psk, psk_id;        /* with the KMS; or */
    const struct mikey_signer *signer; /* our key and certificates, and */
    const struct mikey_sealer *sealer; /* the KMS's public key */
    struct ts_span tpk, tpk_id;        /* modes 2 to 4: the ticket key */

    uint32_t skew; /* seconds that a peer's clock may be off; 0: 300 */
    void *arg;     /* of the functions */
    mikey_random_fn random;
    /* Whether two identities are the same user's; NULL: the same octets. */
    bool (*same)(void *arg, const struct mikey_id *a, const struct mikey_id *b);
    /* Whether a policy of the peer's will do (R85). NULL: as a Responder any,
     * as an Initiator only what it offered itself. */
    bool (*acceptable)(void *arg, const struct mikey_srtp_policy *policy);
    const struct mikey_ticket_type *types;
    size_t n_types;
    unsigned omit; /* IDRs to leave out of messages: bit 1 << role */
};

/** The time of a step. */
struct mikey_now {
    uint64_t us;      /* Unix time in microseconds */
    uint8_t ts_type;  /* of timestamps that we send; 0: NTP-UTC */
    uint32_t counter; /* with COUNTER: the value to send, never used before */
    uint32_t seen;    /* highest counter seen of this peer */
};

/** What an Error said. */
struct mikey_refusal {
    uint8_t n, no[8];    /* enum mikey_error_no */
    bool proven;         /* under a MAC of the one we asked */
    struct mikey_time t; /* the other one's clock, for Error 1 */
};

/* ---- tickets ---- */

/** A ticket that is wanted. */
struct mikey_wish {
    struct mikey_kind kind; /* zeros: the base ticket */
    uint16_t flags;         /* 0: D E F G H I N O */
    uint16_t must;          /* flags that must be granted; 0: those of flags */
    const struct mikey_id *responder; /* who may resolve it, one at least */
    size_t n_responders;
    const struct mikey_id *app; /* IDRapp */
    size_t n_apps;
    uint64_t start, end; /* Unix seconds; 0: not said */
    uint32_t rekey;      /* TRr: longest time between rekeyings, 0: not said */
    /* Session keys: types, lengths and SPIs, octets do not count. NULL: the
     * KMS's default (one TGK); n_keys 0: none, for content that is encrypted
     * already (section 8). */
    const struct mikey_key *keys;
    size_t n_keys;
};

/** A ticket in hand, to be kept for reuse (J=1). Holds keys. */
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
    struct mikey_id kms, initiator;
    uint64_t start, end; /* Unix seconds, 0: not said */
    uint32_t rekey;
    size_t n_responders, n_apps, n_keys; /* n_keys: session keys, if known */
};

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
 * Make an Initiator.
 *
 * @param mem    n bytes, aligned as malloc() does it
 * @param party  borrowed for as long as the Initiator lives
 * @return NULL when n is too small or the party cannot be used
 */
struct mikey_initiator *mikey_initiator_init(void *mem, size_t n,
                                             const struct mikey_party *party);

/** Wipe. NULL is ignored. */
void mikey_initiator_wipe(struct mikey_initiator *i);

/**
 * Modes 1 and 2: ask the KMS for a ticket (4.2.1.1 to 4.2.1.3).
 *
 * @param out  gets n bytes, at most cap
 * @return OK, E_RANGE (no responder, keys or flags that do not fit), E_SPACE,
 *         E_IO (no random numbers)
 */
TS_MUST enum ts_err mikey_initiator_request(struct mikey_initiator *i,
                                            const struct mikey_now *now,
                                            const struct mikey_wish *wish,
                                            uint8_t *out, size_t cap,
                                            size_t *n);

/**
 * Take the KMS's answer and check what it grants (4.2.1.6).
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
 * L set in the flags; in mode 4 leave out E and I.
 */
TS_MUST enum ts_err mikey_initiator_make(struct mikey_initiator *i,
                                         const struct mikey_now *now,
                                         const struct mikey_wish *wish);

/**
 * Take a ticket that was kept, or that came another way (R1); or the one that
 * a Responder resolved, to pass it on in a group (section 9: I=0).
 *
 * @return OK, E_FORMAT, E_EXPIRED, E_DENIED (forked keys: only who asked for
 *         the ticket can pass it on)
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
    /* A group: the same RANDRi and CSB ID to all members (R251). Empty and 0:
     * drawn. */
    struct ts_span rand_i;
    uint32_t csb;
};

/**
 * Offer crypto sessions with the ticket in hand (4.2.2.1). A ticket without J
 * can be offered once (R173).
 *
 * @return OK; E_STATE (no ticket); E_DENIED (used up, or keys where L=0);
 *         E_EXPIRED; E_RANGE; E_SPACE; E_IO
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
 * answer gives a bundle of its own.
 *
 * @param mem, mem_n  memory for the bundle
 * @param bundle      gets it on OK
 * @return OK; E_PEER for an Error; E_AUTH, E_TIME, E_MISMATCH, E_MISSING,
 *         E_FORMAT, E_NOTFOUND (a session without a key: R167), E_STATE (F=0)
 */
TS_MUST enum ts_err mikey_initiator_answered(struct mikey_initiator *i,
                                             const struct mikey_now *now,
                                             struct ts_span answer, void *mem,
                                             size_t mem_n,
                                             struct mikey_bundle **bundle);

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
    size_t n_sessions, n_policies;
    struct ts_span sdp_ids;
    bool needs_kms; /* E=1, or we have no ticket key: resolve */
};

/**
 * Take an offer and check what can be checked without the KMS (4.2.2.2). What
 * is refused here is refused without asking anybody (R63). Whether its
 * policies, its application and its replay tag are acceptable is the caller's
 * to say, before it goes on.
 *
 * @param error  on failure the number for an Error message; NULL: not wanted
 * @return OK; E_UNKNOWN, E_MISSING, E_FORMAT (no TRANSFER_INIT), E_TIME,
 *         E_EXPIRED, E_DENIED (not for us; the caller is not the ticket's),
 *         E_UNSUPPORTED
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

/** Ask the KMS to resolve the ticket (4.2.3.1 to 4.2.3.3). */
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
 *         ticket key, no such ticket type); E_STATE
 */
TS_MUST enum ts_err mikey_responder_open(struct mikey_responder *r,
                                         const struct mikey_now *now);

/**
 * A ticket that was resolved before (J=1): verify the offer with what was
 * kept of it (5.3).
 *
 * @return OK; E_MISMATCH (another ticket); E_DENIED (J=0); E_AUTH; E_STATE
 */
TS_MUST enum ts_err mikey_responder_reuse(struct mikey_responder *r,
                                          const struct mikey_now *now,
                                          const struct mikey_held *held);

/** The ticket that was resolved, to be kept. @return OK, E_STATE */
TS_MUST enum ts_err mikey_responder_hold(const struct mikey_responder *r,
                                         struct mikey_held *held);

/** A TRANSFER_RESP. */
struct mikey_answer {
    /* Our part of each session: cs, and what the offer left open or we want
     * otherwise: one policy number, ssrc, spi. Sessions that are not named
     * stay as offered, with their first policy and the first session key;
     * others can be added (R71). */
    const struct mikey_session *session;
    size_t n_sessions;
    const struct mikey_srtp_policy *policy; /* added: R78 */
    const uint8_t *policy_no;               /* and their numbers */
    size_t n_policies;
    const struct mikey_key *keys; /* ours; only if M=1. With SPIs */
    size_t n_keys;
};

/**
 * Answer the offer (4.2.2.3), after it was verified. With F=0 there is no
 * answer: *n is 0.
 *
 * @param answer  NULL: everything as offered
 * @return OK; E_STATE; E_DENIED (keys where M=0); E_MISSING (a session without
 *         SSRC, policy or key: R69); E_RANGE; E_SPACE; E_IO
 */
TS_MUST enum ts_err mikey_responder_answer(struct mikey_responder *r,
                                           const struct mikey_now *now,
                                           const struct mikey_answer *answer,
                                           uint8_t *out, size_t cap, size_t *n,
                                           void *mem, size_t mem_n,
                                           struct mikey_bundle **bundle);

/**
 * An Error about the offer; under a MAC once the offer is verified (5.4).
 *
 * @param no        enum mikey_error_no, one to eight of them
 * @param policy    policies that we could do (R182)
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

/** The other one, as the keys prove it: IDRi, or the IDRr that answered. */
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
 * @param cs   CS ID
 * @param out  filled in on OK; wipe it
 * @return OK; E_NOTFOUND (no such session, policy or key); E_UNSUPPORTED (not
 *         SRTP; a TEK or salt of another length than the policy's; R279)
 */
TS_MUST enum ts_err mikey_bundle_srtp(const struct mikey_bundle *b, uint8_t cs,
                                      struct mikey_srtp_key *out);

/** The session keys, as they came. @return their number */
size_t mikey_bundle_keys(const struct mikey_bundle *b,
                         const struct mikey_key **keys);

/** Unix seconds at which TRr asks for new keys (R234, R236); 0: never. */
uint64_t mikey_bundle_rekey_at(const struct mikey_bundle *b);

/** What an update changes. */
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
 *         E_EXISTS (an SPI that names a key already: AMB 14); E_STATE (one is
 *         under way); E_MISSING, E_MISMATCH (sessions that are not complete);
 *         E_RANGE, E_SPACE
 */
TS_MUST enum ts_err mikey_bundle_update(struct mikey_bundle *b,
                                        const struct mikey_now *now,
                                        const struct mikey_update *update,
                                        uint8_t *out, size_t cap, size_t *n);

/** Give up an update that waits for its answer. */
void mikey_bundle_abandon(struct mikey_bundle *b);

/**
 * Take a message of an update: the other one's TRANSFER_INIT, or the answer to
 * ours.
 *
 * @param answer  for a TRANSFER_INIT that wants one, gets the TRANSFER_RESP of
 *                *n bytes, at most cap; *n is 0 where there is none
 * @return OK; E_PEER (an Error; one that is proven ends our update); E_AUTH,
 *         E_TIME, E_REPLAY (T not above the last), E_MISMATCH, E_ORDER,
 *         E_DENIED, E_EXISTS, E_NOTFOUND, E_MISSING, E_STATE (also while an
 *         update of ours waits), E_SPACE
 */
TS_MUST enum ts_err mikey_bundle_receive(struct mikey_bundle *b,
                                         const struct mikey_now *now,
                                         struct ts_span message,
                                         uint8_t *answer, size_t cap,
                                         size_t *n);

/* ---- the KMS ---- */

/** A user as the KMS knows it. */
struct mikey_user {
    struct ts_span psk;   /* empty: no such user */
    struct mikey_id self; /* its identity */
    bool is_kms;          /* another KMS: it resolves for IDRr (section 10) */
};

/** A request, as the KMS's owner judges it. */
struct mikey_case {
    bool resolve;         /* else a ticket is asked for */
    struct mikey_id user; /* authenticated */
    bool is_kms;
    struct mikey_ticket_info ticket;
    const struct mikey_id *responder; /* ticket.n_responders of them */
    struct mikey_id who; /* resolve, in and out: who will answer (R128, R129) */
    /* Of a new ticket, in and out; in, they are mode 1 and as asked for. */
    uint16_t flags;
    uint64_t start, end;        /* Unix seconds */
    struct ts_span tpk, tpk_id; /* mode 2: the key shared with the Responder */
};

/** A key management server. */
struct mikey_kms {
    struct mikey_id self;       /* IDRkms */
    uint32_t skew;              /* seconds; 0: 300 */
    uint32_t lifetime;          /* of tickets, seconds; 0: 86400 */
    struct ts_span tpk, tpk_id; /* the ticket key that is used */
    void *arg;                  /* of the functions */
    mikey_random_fn random;     /* its arg is this arg, too */
    /** Find a user by IDRpsk, else by IDRi or IDRr; OK also for nobody. */
    enum ts_err (*user)(void *arg, const struct mikey_id *key_id,
                        struct mikey_user *user);
    /** Find an older ticket key by its id; NULL: there is only tpk. */
    enum ts_err (*ticket_key)(void *arg, struct ts_span id,
                              struct ts_span *tpk);
    /** Allow or refuse (E_DENIED), and decide the out members. NULL: a user
     *  may ask for anything, and resolve what names its identity. */
    enum ts_err (*decide)(void *arg, struct mikey_case *c);
    /** Whether a message was here before (OK: no), and remember it. NULL: not
     *  checked. */
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
 * @param out  gets n bytes, at most cap; 0 when there is no readable HDR
 * @return OK when something was granted; else the reason, for the log
 */
TS_MUST enum ts_err mikey_kms_answer(const struct mikey_kms *kms,
                                     const struct mikey_now *now,
                                     struct ts_span message, uint8_t *out,
                                     size_t cap, size_t *n);

/**
 * Between two KMSs (section 10): a RESOLVE_INIT about a ticket of another KMS.
 * Verifies it and writes a RESOLVE_INIT of our own, with the same IDRr and
 * TICKET, to that KMS.
 *
 * @param as   our party with the other KMS: psk and psk_id, or signer and
 *             sealer; kms is the other KMS
 * @param out  gets the message for it; keep it for mikey_kms_pass_on()
 */
TS_MUST enum ts_err mikey_kms_forward(const struct mikey_kms *kms,
                                      const struct mikey_now *now,
                                      struct ts_span message,
                                      const struct mikey_party *as,
                                      uint8_t *out, size_t cap, size_t *n);

/**
 * And its answer, passed on to the user under the user's key.
 *
 * @param message  the user's RESOLVE_INIT
 * @param sent     our own to the other KMS
 * @param reply    the other KMS's answer; an Error becomes one of ours
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
