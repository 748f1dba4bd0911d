/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks behind "mikeytool verify": every MAC and signature of a message,
 * its ticket, and what they protect, as far as the keys are known.
 */
#ifndef TOOL_VERIFY_H
#define TOOL_VERIFY_H

#include <jansson.h>

#include "tool/known.h"

/** Room for the line that says what failed. */
#define MT_FAILED 200

/** A message being verified. */
struct mt_verify {
    struct mt_known *known;
    const struct mikey_msg *m;
    const struct mikey_msg *init;  /* that it answers or is about; or NULL */
    const struct mikey_msg *first; /* that init goes back to: of a response,
                                      the one it answers; in RFC 3830, the one
                                      that began the bundle; or NULL */
    bool show;                     /* keys, not only their lengths */
    json_t *out, *checks;
    unsigned held, failed;
    char why[MT_FAILED]; /* the first failure */
    /* MPKs that the ticket gave or that are known; their length may be 0 */
    struct ts_key mpk_i, mpk_r;
};

/**
 * Verify.
 *
 * @param v  known, m, init, first and show are set, all else is zero
 * @return the result as JSON; v->held and v->failed tell how it went
 */
json_t *mt_verify(struct mt_verify *v);

/*
 * For its parts.
 */

/**
 * Note a check that was made.
 *
 * @param key  under which key; NULL for none
 * @param err  OK, or why it does not hold
 */
void mt_checked(struct mt_verify *v, const char *what, const char *key,
                enum ts_err err);

/** Note one that could not be made. */
void mt_unchecked(struct mt_verify *v, const char *what, const char *why);

/** Put keys: types, lengths, SPIs, and with v->show their octets. */
void mt_put_keys(struct mt_verify *v, json_t *object, const char *name,
                 const struct mikey_keys *keys);

/** Put a key under its name, only with v->show. */
void mt_put_secret(struct mt_verify *v, json_t *object, const char *name,
                   struct ts_span key);

/** The identities for a MAC: those of the message, else those known. */
struct ts_span mt_identity(const struct mt_verify *v, enum mikey_id_role role);

/** Verify the messages of RFC 3830 and its offspring, types 0 to 10. */
void mt_verify_old(struct mt_verify *v);

/** Verify the V of an Error about an offer of RFC 3830, PSK or PK. */
void mt_verify_old_error(struct mt_verify *v, const struct mikey_msg *init);

/* --- signatures and envelope keys (verify_pk.c) --- */

/** Public-key operations out of the files that are known. */
struct mt_pk {
    struct mikey_verifier verifier;
    struct mikey_opener opener;
    bool can_verify, can_open;
    uint64_t now; /* T of the message, or the clock's time */
};

/**
 * Make them, and note what is wrong with the files. Without a private key the
 * opener gives the envelope key that is known.
 *
 * @param claimed  whose certificate a known "signer" is
 */
void mt_pk_begin(struct mt_pk *pk, struct mt_verify *v,
                 const struct mikey_id *claimed);

/** Release. */
void mt_pk_end(struct mt_pk *pk);

/**
 * Verify a SIGN with the certificates that come with it.
 *
 * @param tail1, tail2  what is signed behind the message
 */
void mt_verify_sign(struct mt_verify *v, struct mt_pk *pk,
                    const struct mikey_id *claimed, struct ts_span tail1,
                    struct ts_span tail2);

/**
 * Open PKE.
 *
 * @param key  gets the envelope key; its length is 0 if it is not known
 */
void mt_verify_pke(struct mt_verify *v, struct mt_pk *pk, struct ts_key *key);

#endif
