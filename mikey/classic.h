/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of RFC 3830 itself: pre-shared key and public key, each with
 * its verification message, the CSB update and Error, built and opened; and
 * of Diffie-Hellman (RFC 3830 3.3), DHHMAC (RFC 4650) and RSA-R (RFC 4738)
 * the form, and the MAC or signature. Clauses without an RFC are 3830's.
 *
 * PSK  (0) = HDR, T, RAND, [IDi], [IDr], {SP}, KEMAC
 * PK   (2) = HDR, T, RAND, [IDi|CERTi], [IDr], {SP}, KEMAC, [CHASH], PKE, SIGNi
 * both (1, 3) = HDR, T, [IDr], V
 *
 * Whoever opens a message has read it with mikey_classic_read(), checks its
 * timestamp (mikey_time_check()) and that it is no replay: there is no clock
 * and no cache here. Whoever builds one gives all that is fresh in it.
 */
#ifndef MIKEY_CLASSIC_H
#define MIKEY_CLASSIC_H

#include "mikey/pk.h"
#include "mikey/rfc3830.h"
#include "mikey/srtp.h"

/** Further to enum mikey_peer_allow, for the methods that are judged only. */
enum mikey_classic_allow {
    /* SIGNr of RSA-R without the two octets before the signature */
    MIKEY_ALLOW_BARE_SIGN = 16,
    /* DHHMAC with the numbers that RFC 4650 4.2 prints: NULL encryption is 2,
       HMAC-SHA-1 is 0 */
    MIKEY_ALLOW_4650 = 32,
};

/** What enters the labels of all keys of a bundle (4.1.3, 4.1.4). */
struct mikey_classic_label {
    uint8_t prf;         /* enum mikey_prf_func */
    uint32_t csb;        /* CSB ID */
    struct ts_span rand; /* RAND of the first message; borrowed */
};

/** What one side of an exchange knows besides its messages. All borrowed. */
struct mikey_classic {
    struct ts_span secret; /* PSK, or envelope key: 1 to TS_KEY_MAX bytes */
    /* CSB update (4.5): the I_MESSAGE that began the bundle; else NULL */
    const struct mikey_msg *first;
    /* Who the two are. A message that names somebody else is refused; these
       count where it names nobody. data.p NULL: whoever it names */
    struct mikey_id id_i, id_r;
    unsigned allow; /* of enum mikey_peer_allow, mikey_classic_allow */
};

/** An I_MESSAGE of the pre-shared key or the public key method. */
struct mikey_classic_new {
    /* An initial message: suite, csb and rand. A CSB update has them from the
       I_MESSAGE that began the bundle, and sends no RAND. */
    const struct mikey_suite *suite;
    const struct mikey_msg *first;
    struct ts_span rand; /* 16 bytes or more */
    uint32_t csb;
    bool want_response; /* V flag */
    uint8_t map_type, n_cs;
    uint8_t encr;   /* suite->encr, AES-KW-128, NULL if allowed */
    uint8_t mac;    /* suite->auth; NULL in PK with AES-KW, or if allowed */
    unsigned allow; /* MIKEY_ALLOW_NULL counts */
    struct ts_span map;
    struct mikey_time t;
    struct mikey_id id_i, id_r; /* data.p NULL: left out; IDr alone cannot be */
    const struct mikey_sp *sp;
    size_t n_sp;
    struct ts_span sdp_ids;       /* General Extension, or empty */
    const struct mikey_key *keys; /* TGK and TEK, with or without salt; may be
                                     none, for example in an update */
    size_t n_keys;
    struct ts_span secret; /* PSK, or envelope key of 16 bytes or more */

    /* public key only */
    const struct mikey_signer *signer;
    const struct mikey_sealer *sealer;
    struct mikey_id inner_id; /* ID before the keys; data.p NULL: as id_i */
    uint8_t cache;            /* C of PKE: enum mikey_pke_cache */
    bool without_kemac;       /* an update that brings no keys */
};

/* --- reading and judging --- */

/**
 * mikey_msg_read(), which with MIKEY_ALLOW_4650 also reads a DHHMAC whose MAC
 * algorithm is numbered as RFC 4650 4.2 prints it.
 *
 * @param raw  the message, exactly; m borrows it
 */
TS_MUST enum ts_err mikey_classic_read(struct ts_span raw, unsigned allow,
                                       struct mikey_msg *m);

/** What the order of payloads tells. Views go into the message. */
struct mikey_form {
    struct mikey_id id_i, id_r; /* data.p NULL: left out */
    uint8_t n_dh;               /* 0; 1: dh_i; 2: dh_r, too */
    struct mikey_dh dh_i, dh_r;
    bool has_group_csb; /* RFC 4738 3.9.3: CSB ID for keys of a group */
    uint32_t group_csb;
    struct ts_span t_body; /* whole T payload */
    uint32_t ignored;      /* bit n: a payload of type n has no meaning here */
    uint8_t bad_in;        /* after a failure: type of the payload missed or
                              refused, 0 in HDR */
};

/**
 * Whether a message of type 0 to 10 is complete: what must be there is there,
 * once or twice as its grammar says, what must be last is last. Which ID is
 * whose is told by order only (5.2):
 *
 *   I_MESSAGE     first IDi, second IDr; one alone is IDr behind a CERT and in
 *                 DHHMAC (where IDr is mandatory), else IDi
 *   R_MESSAGE     of PSK, PK and RSA-R: one, IDr
 *   R_MESSAGE     of DH and DHHMAC: IDr then IDi, DHr then DHi; one ID is IDi
 *
 * Other payloads are ignored if they may stand there (f->ignored tells which).
 *
 * @param m       was read without error
 * @param update  a CSB update: no RAND, and some payloads are optional
 * @param f       filled in as far as it goes
 * @param error   on failure the number for an Error message; NULL is allowed
 * @return OK; E_UNKNOWN (another type of message); E_MISSING; E_DUPLICATE
 *         (an ID or DH too many); E_ORDER (not last, or a RAND in an update);
 *         E_FORMAT (an empty RAND; an SP with an Empty map, against RFC 4563;
 *         a group's CSB ID of other than 4 octets)
 */
TS_MUST enum ts_err mikey_classic_check(const struct mikey_msg *m, bool update,
                                        struct mikey_form *f, uint8_t *error);

/**
 * Whether its algorithms are ours: PRF, and encryption and MAC of one suite
 * with it, or AES-KW-128 beside the 128-bit suite.
 *
 * @param allow  MIKEY_ALLOW_NULL counts
 * @param error  on failure 2 (PRF), 3 (MAC) or 4 (encryption); NULL is allowed
 * @return OK or E_UNSUPPORTED
 */
TS_MUST enum ts_err mikey_classic_algs(const struct mikey_msg *m,
                                       unsigned allow, uint8_t *error);

/* --- pre-shared key (3.1) --- */

/**
 * Append an I_MESSAGE of type 0. What latches in w: E_SPACE; E_RANGE (RAND or
 * secret too short or too long, a key that cannot be written, or a chain that
 * AES-KW cannot wrap: a multiple of 8 octets, at least 16); E_UNSUPPORTED
 * (algorithms); E_MISSING (IDr without IDi); E_REPLAY (an update with the T of
 * the first message would use its key stream again); E_STATE (an update where
 * the envelope key of the first message must not be cached).
 */
void mikey_build_classic_psk(struct ts_writer *w,
                             const struct mikey_classic_new *in);

/**
 * Responder: verify the MAC over the whole message, then decrypt its keys.
 *
 * @param x     secret is the PSK; an update has x->first
 * @param keys  filled in; mikey_keys_wipe() it on every path. May be none
 * @return OK; E_MISMATCH (identity, or CSB ID or PRF of an update); E_REPLAY
 *         (an update with the T of the first message); E_ORDER (an update that
 *         must be a PK message: 4.5); E_STATE (x->first has no RAND); E_RANGE
 *         (length of the secret); E_AUTH; what mikey_classic_check() and
 *         _algs() give; for the keys E_FORMAT (type, or the same SPI twice),
 *         E_UNSUPPORTED (number or length), E_SHORT, E_TRAILING, E_UNKNOWN
 */
TS_MUST enum ts_err mikey_classic_psk_open(const struct mikey_classic *x,
                                           const struct mikey_msg *m,
                                           struct mikey_keys *keys);

/* --- public key (3.2) --- */

/**
 * Append an I_MESSAGE of type 2. Latches as above, with E_STATE for an update
 * where the envelope key of the first message is cached: then it must be a PSK
 * message (4.5); E_MISSING without any identity for the KEMAC; and what
 * signer and sealer give.
 */
void mikey_build_classic_pk(struct ts_writer *w,
                            const struct mikey_classic_new *in);

/** Public-key operations of a receiver. */
struct mikey_classic_pk {
    const struct mikey_verifier *verifier;
    const struct mikey_opener *opener;
    uint64_t now; /* Unix seconds */
};

/** What a PK I_MESSAGE gave. Wipe with mikey_classic_wipe(). */
struct mikey_classic_opened {
    struct ts_key env_key;  /* the secret of response and Error */
    struct mikey_id who;    /* whom the signature stands for; valid until the
                               next call of the verifier */
    struct mikey_keys keys; /* may be none */
};

/**
 * Responder: verify certificate and signature, decrypt the envelope key,
 * verify the MAC over the KEMAC, decrypt it, and compare the identity in it
 * with IDi, or where that is not sent with x->id_i, else with the certified
 * one.
 *
 * @param x    secret is not used
 * @param out  filled in; mikey_classic_wipe() it on every path
 * @return as mikey_classic_psk_open(); E_MISMATCH also for the identity in the
 *         KEMAC; E_ORDER for an update that should be a PSK message (4.5);
 *         E_MISSING with neither certificate nor identity; and what verifier
 *         and opener give. An envelope key of under 16 bytes is E_AUTH
 */
TS_MUST enum ts_err mikey_classic_pk_open(const struct mikey_classic *x,
                                          const struct mikey_msg *m,
                                          const struct mikey_classic_pk *pk,
                                          struct mikey_classic_opened *out);

/** Wipe. */
void mikey_classic_wipe(struct mikey_classic_opened *o);

/**
 * The keys of a PSK or PK message that was opened before, or that is our own:
 * its secret is known, and who sent it is not asked again.
 *
 * @param x     secret is the PSK or the envelope key; an update has x->first
 * @param keys  filled in; mikey_keys_wipe() it on every path. May be none
 * @return OK, E_UNKNOWN, E_MISSING, E_RANGE, E_AUTH, and what is said of keys
 *         above
 */
TS_MUST enum ts_err mikey_classic_keys(const struct mikey_classic *x,
                                       const struct mikey_msg *m,
                                       struct mikey_keys *keys);

/**
 * Use the envelope key of a PK exchange as the PSK of a later one (3.2, 4.5),
 * as C of its PKE allows: not at all, for any, or in the same bundle only.
 *
 * @param first    the PK I_MESSAGE, verified or our own
 * @param env_key  its envelope key
 * @param csb      CSB ID of the later exchange. That of first: its update
 * @param x        secret and first are set
 * @return OK; E_DENIED (C does not allow it); E_UNKNOWN (C of 3)
 */
TS_MUST enum ts_err mikey_classic_cached(const struct mikey_msg *first,
                                         struct ts_span env_key, uint32_t csb,
                                         struct mikey_classic *x);

/* --- verification message (3.1, 3.2; 5.2) --- */

/**
 * Append the R_MESSAGE of type 1 or 3 to an I_MESSAGE that was opened.
 *
 * Its V covers the message, then Identity_i || Identity_r || Timestamp: octets
 * of ID data and TS value. T, CSB ID and #CS are those of the I_MESSAGE. Its
 * MAC is NULL if there is no secret and MIKEY_ALLOW_NULL allows it.
 *
 * @param x     secret is the PSK or the envelope key
 * @param init  the I_MESSAGE
 * @param id_r  IDr; data.p NULL: left out
 * @param map   CS ID map with our SSRCs (mikey_map_answer()); p NULL: as it
 *              came
 *
 * Latches in w: E_STATE (not such a message), E_UNSUPPORTED, E_RANGE (secret),
 * E_MISSING (an identity that nobody named), E_MISMATCH (map, identities).
 */
void mikey_build_classic_resp(struct ts_writer *w,
                              const struct mikey_classic *x,
                              const struct mikey_msg *init,
                              struct mikey_id id_r, struct ts_span map);

/**
 * Initiator: verify such an answer. IDr must be the one of x or, where x has
 * none, of our message, if that named one.
 *
 * @param x     secret and allowances as above, also MIKEY_ALLOW_V_...; whoever
 *              has a secret is content with no NULL MAC
 * @param init  our I_MESSAGE, as mikey_msg_read() reads it
 * @param resp  the answer
 * @return OK; E_PEER for an Error message; E_MISMATCH (type, PRF, CSB ID, T,
 *         map or identity); E_MISSING; E_UNSUPPORTED; E_RANGE; E_AUTH
 */
TS_MUST enum ts_err mikey_classic_resp_open(const struct mikey_classic *x,
                                            const struct mikey_msg *init,
                                            const struct mikey_msg *resp);

/* --- Error (5.1.2) --- */

/** Error. */
struct mikey_classic_error_new {
    const struct mikey_hdr *about; /* HDR of the message in error */
    struct mikey_time t;           /* T of that message */
    const uint8_t *no;             /* enum mikey_error_no, one a payload */
    size_t n_no;
    const struct mikey_sp *sp; /* policies that are supported */
    size_t n_sp;
    /* who it is from: both for a V, a signer for a SIGN, none for neither */
    const struct mikey_classic *x;
    const struct mikey_msg *init; /* the message in error */
    const struct mikey_signer *signer;
};

/**
 * Append an Error. It has no crypto sessions and an SRTP-ID map, the one type
 * that every receiver knows and that an SP may go with. Latches as above, and
 * what signer gives.
 */
void mikey_build_classic_error(struct ts_writer *w,
                               const struct mikey_classic_error_new *in);

/**
 * Initiator: verify the V of an Error about our message. An Error without one
 * is only a hint. For SIGN: mikey_classic_signed().
 *
 * @return OK; E_MISSING (no V); E_MISMATCH (not about init); E_UNSUPPORTED;
 *         E_RANGE; E_AUTH
 */
TS_MUST enum ts_err mikey_classic_error_verify(const struct mikey_classic *x,
                                               const struct mikey_msg *init,
                                               const struct mikey_msg *error);

/* --- Diffie-Hellman, DHHMAC, RSA-R: judged only --- */

/**
 * Verify certificate and signature of a signed message: PK (2), DH (4, 5),
 * RSA-R (9, 10) or Error (6). Of an answer also that it is one to init: PRF,
 * CSB ID, T, identities; DHi as sent and the same group; in RSA-R a RAND in
 * exactly one of the two, or for a group in the answer.
 *
 * @param init  the message that is answered; NULL for 2, 4, 9
 * @param who   gets whom the signature stands for: as in struct mikey_verifier
 * @return OK; E_UNKNOWN (another type); E_MISSING; E_MISMATCH; E_ORDER (RAND
 *         in both: RFC 4738 3.7); what mikey_classic_check(), _algs() and the
 *         verifier give
 */
TS_MUST enum ts_err mikey_classic_signed(const struct mikey_classic *x,
                                         const struct mikey_msg *init,
                                         const struct mikey_msg *m,
                                         const struct mikey_verifier *verifier,
                                         uint64_t now, struct mikey_id *who);

/**
 * Verify the MAC of DHHMAC (7, 8), over the whole message (RFC 4650 3, 4.2).
 * Of an answer also that it is one to init, as above.
 *
 * @param x     secret is the PSK
 * @param init  the message that is answered; NULL for 7
 * @return as mikey_classic_psk_open(); E_FORMAT if there is data in the KEMAC
 */
TS_MUST enum ts_err mikey_dhhmac_verify(const struct mikey_classic *x,
                                        const struct mikey_msg *init,
                                        const struct mikey_msg *m);

/* --- crypto sessions (4.1.3, 6.1.1) --- */

/** Append one entry to an SRTP-ID map; the first one has CS ID 1. */
void mikey_put_srtp_id(struct ts_writer *w, uint8_t policy, uint32_t ssrc,
                       uint32_t roc);

/**
 * Append the map of an answer: that of init, where each SSRC of 0 in an
 * SRTP-ID map is replaced by the next one given.
 *
 * @return OK; E_RANGE (more or fewer SSRCs than zeros); or what latched in w
 */
TS_MUST enum ts_err mikey_map_answer(const struct mikey_hdr *init,
                                     const uint32_t *ssrc, size_t n,
                                     struct ts_writer *w);

/**
 * Whether the map of an answer is that of init but for what the Responder may
 * fill in: in an SRTP-ID map SSRC and ROC where the SSRC was 0; in a
 * GENERIC-ID map all but CS IDs and their protocols.
 *
 * @return OK or E_MISMATCH
 */
TS_MUST enum ts_err mikey_map_fits(const struct mikey_hdr *init,
                                   const struct mikey_hdr *resp);

/** Find a crypto session by its CS ID in a map of any type; OK, E_NOTFOUND. */
TS_MUST enum ts_err mikey_classic_cs(const struct mikey_hdr *hdr, uint8_t id,
                                     struct mikey_cs *cs);

/**
 * The SRTP policy of that number; SRTP's defaults if there is no SP at all
 * (6.10).
 *
 * @return OK; E_NOTFOUND; and what mikey_srtp_policy_read() gives
 */
TS_MUST enum ts_err mikey_classic_sp(const struct mikey_sp *sp, size_t n,
                                     uint8_t no, struct mikey_srtp_policy *p);

/**
 * The SRTP policy of a crypto session: its first policy number's SP; SRTP's
 * defaults if the message has no SP at all (6.10).
 *
 * @return OK; E_NOTFOUND (no SP of that number); and what
 *         mikey_srtp_policy_read() gives
 */
TS_MUST enum ts_err mikey_classic_policy(const struct mikey_msg *m,
                                         const struct mikey_cs *cs,
                                         struct mikey_srtp_policy *p);

/** Longest TGK, in bytes: that of Diffie-Hellman in the group of 1536 bits. */
#define MIKEY_TGK_MAX 192

/** The labels of a bundle, from the I_MESSAGE that began it. */
struct mikey_classic_label
mikey_classic_label_of(const struct mikey_msg *first);

/**
 * A key for the security protocol of one crypto session, from a TGK (4.1.3):
 * PRF(TGK, constant || CS ID || CSB ID || RAND).
 *
 * @param tgk  1 to MIKEY_TGK_MAX bytes
 * @param cs   CS ID
 * @param out  gets n bytes, at most 255; the caller wipes it
 * @return OK; E_RANGE (tgk, n, RAND of over 255 bytes); E_UNSUPPORTED (PRF)
 */
TS_MUST enum ts_err mikey_classic_tek(const struct mikey_classic_label *b,
                                      struct ts_span tgk,
                                      enum mikey_tek_use use, uint8_t cs,
                                      uint8_t *out, size_t n);

/**
 * Which key a crypto session begins with: the one of its SPI. The only one
 * there is does without: a session without an SPI takes it, and a key without
 * an SPI is good for any session (6.13, 6.14).
 *
 * @return OK; E_NOTFOUND; E_UNSUPPORTED (no SPI, several keys)
 */
TS_MUST enum ts_err mikey_classic_pick(const struct mikey_keys *keys,
                                       struct ts_span spi,
                                       const struct mikey_key **k);

/**
 * Master key and master salt of SRTP for one crypto session: a TEK as it is,
 * or from a TGK; the salt that came with the key, else derived from the TGK.
 *
 * @param p     gives both lengths (6.10.1: the session encryption key length
 *              is that of the master key, too)
 * @param key, salt  filled in; the caller wipes them
 * @return OK; E_UNSUPPORTED: a TEK or salt of another length, a TEK without
 *         salt, lengths that we do not handle (key of under 16 or either of
 *         over TS_KEY_MAX bytes); and what mikey_classic_tek() gives
 */
TS_MUST enum ts_err mikey_classic_session(const struct mikey_classic_label *b,
                                          const struct mikey_key *k, uint8_t cs,
                                          const struct mikey_srtp_policy *p,
                                          struct ts_key *key,
                                          struct ts_key *salt);

#endif
