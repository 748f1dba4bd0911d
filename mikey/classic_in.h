/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind mikey/classic.h share; nobody else includes it.
 */
#ifndef MIKEY_CLASSIC_IN_H
#define MIKEY_CLASSIC_IN_H

#include "mikey/classic.h"

/* --- message keys (4.1.4) --- */

/** PSK or envelope key, ready to derive the keys of messages. */
struct mikey_guard {
    struct mikey_prf prf; /* n is 0 if there is no secret */
    const struct mikey_suite *suite;
    struct mikey_classic_label bundle;
};

/**
 * Begin. mikey_guard_end() it on every path.
 *
 * @param need  there must be a secret; without, only NULL algorithms are used
 * @return OK; E_UNSUPPORTED (PRF); E_RANGE (length of secret or RAND)
 */
TS_MUST enum ts_err mikey_guard_begin(struct mikey_guard *g,
                                      const struct mikey_classic_label *b,
                                      struct ts_span secret, bool need);

/** The auth_key, set into an HMAC. The caller wipes it. */
void mikey_guard_auth(struct mikey_guard *g, struct mikey_hmac *h);

/** The encr_key and salt_key. The caller wipes them. */
void mikey_guard_cipher(struct mikey_guard *g, struct mikey_cipher *c);

/** Wipe. */
void mikey_guard_end(struct mikey_guard *g);

/* --- KEMAC (6.2) --- */

/**
 * Append a KEMAC. In PSK its MAC covers the whole message, in PK (inner given)
 * the KEMAC with 0 for its next payload: it is to be the last one written
 * when it is called. On failure no key stays in the writer's memory.
 *
 * @param in     encr, mac, keys and t count
 * @param inner  ID that stands before the keys, NULL in PSK
 */
void mikey_classic_kemac_put(struct mikey_build *b, struct mikey_guard *g,
                             const struct mikey_classic_new *in,
                             const struct mikey_id *inner);

/** Verify its MAC, over the same; OK, also for NULL, or E_AUTH. */
TS_MUST enum ts_err mikey_classic_kemac_verify(const struct mikey_msg *m,
                                               struct mikey_guard *g,
                                               bool whole);

/**
 * Decrypt a KEMAC that was verified.
 *
 * @param inner  gets the ID before the keys; NULL in PSK
 * @param keys   filled in; empty on failure
 */
TS_MUST enum ts_err mikey_classic_kemac_decrypt(const struct mikey_msg *m,
                                                struct mikey_guard *g,
                                                struct mikey_id *inner,
                                                struct mikey_keys *keys);

/* --- what the methods have in common --- */

/** Whether anything in a message that was read is protected by a key. */
bool mikey_classic_needs_secret(const struct mikey_msg *m);

/** The labels for a message: of the bundle that it updates, or its own. */
struct mikey_classic_label mikey_classic_labels(const struct mikey_classic *x,
                                                const struct mikey_msg *init);

/**
 * All that is judged in an I_MESSAGE before its MAC or signature: form,
 * algorithms, whether an update fits its bundle, identities.
 */
TS_MUST enum ts_err mikey_classic_enter(const struct mikey_classic *x,
                                        const struct mikey_msg *m,
                                        struct mikey_form *f);

/**
 * The same of an answer: form, algorithms, and whether it is one to init and
 * from the right party.
 *
 * @param fi  form of init
 * @param f   form of m
 */
TS_MUST enum ts_err mikey_classic_enter_resp(const struct mikey_classic *x,
                                             const struct mikey_msg *init,
                                             const struct mikey_msg *m,
                                             struct mikey_form *fi,
                                             struct mikey_form *f);

/** The first one, or the second if that is not known. */
struct mikey_id mikey_classic_either(struct mikey_id a, struct mikey_id b);

/** Who the two are as told by x and, in an update, by the first message. */
void mikey_classic_known(const struct mikey_classic *x, struct mikey_id *id_i,
                         struct mikey_id *id_r);

/** One is not known, or both have the same octets. */
bool mikey_classic_names(struct mikey_id named, struct mikey_id expected);

/** TS value as it stands in T: 8 or 4 octets; returns their number. */
size_t mikey_classic_time_octets(struct mikey_time t, uint8_t out[static 8]);

/** Append ID or CERT; nothing when id.data.p is NULL. */
void mikey_classic_put_id(struct mikey_build *b, enum mikey_next type,
                          struct mikey_id id);

/** Append a V over the message so far and what follows it in the MAC input;
 *  a NULL one if g has no secret. */
void mikey_classic_put_v(struct mikey_build *b, struct mikey_guard *g,
                         const struct ts_span *tail, size_t n);

/** Verify a V that is not NULL, over the same; OK or E_AUTH. */
TS_MUST enum ts_err mikey_classic_v_verify(const struct mikey_msg *m,
                                           struct mikey_guard *g,
                                           const struct ts_span *tail,
                                           size_t n);

/** Append SIGN over the message so far; what the signer gives latches. */
void mikey_classic_put_sign(struct mikey_build *b,
                            const struct mikey_signer *signer);

/**
 * HDR, T, [RAND], [IDi], [CERTi], [IDr], [SDP IDs], {SP} of an I_MESSAGE, and
 * its keys. What is wrong with in latches in w.
 *
 * @param g  begun; mikey_guard_end() it on every path
 */
struct mikey_build mikey_classic_begin(struct ts_writer *w,
                                       enum mikey_type type,
                                       const struct mikey_classic_new *in,
                                       struct mikey_guard *g);

#endif
