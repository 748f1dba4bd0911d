/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public-key operations, as somebody else does them. libmikey knows which
 * octets are signed and what an envelope key is for (RFC 3830 3.2, RFC 6043
 * 4.2.1.3 and 4.2.3.3), but holds no private key and reads no certificate:
 * these tables of functions are given by whoever uses the public-key
 * variants, for example from <mikey/gnutls.h>, or before a smart card.
 *
 * Each function gets the arg beside it and returns OK or an error that is
 * passed on: those named at it, and E_IO or E_NOMEM of whatever stands behind
 * it. None of them is called by two threads at once unless its owner
 * uses one table in two threads.
 */
#ifndef MIKEY_PK_H
#define MIKEY_PK_H

#include "mikey/types.h"

/** Longest signature, and longest encrypted envelope key, in bytes. */
#define MIKEY_SIGN_MAX 1024
#define MIKEY_PKE_MAX  1024

/** Our private key: makes SIGN payloads. */
struct mikey_signer {
    void *arg;
    uint8_t s_type;              /* enum mikey_s_type */
    uint16_t len;                /* bytes of each of its signatures */
    const struct mikey_id *cert; /* CERT payloads: our own first, each next one
                                    certifies the one before (R26, R27) */
    size_t n_cert;
    /**
     * Sign the parts, one behind the other.
     *
     * @param sig  gets len bytes
     */
    enum ts_err (*sign)(void *arg, const struct ts_span *parts, size_t n,
                        uint8_t *sig);
};

/** Whom we believe: verifies SIGN payloads. */
struct mikey_verifier {
    void *arg;
    /**
     * Decide whose certificate counts for the verify() that follows: check
     * the chain, its period and its revocation, and that it is for claimed.
     *
     * @param cert     CERT payloads as received, may be none: then claimed
     *                 must be enough to find the certificate (R24, R110)
     * @param claimed  IDRi or IDRr, data.p is NULL if it was left out
     * @param now      Unix seconds
     * @param who      gets the identity that the signature will stand for:
     *                 the octets of claimed, or those of the certificate.
     *                 Valid until the next call
     * @return OK; E_AUTH (not trusted, revoked, or not for claimed),
     *         E_EXPIRED, E_UNSUPPORTED (kind of certificate), E_MISSING
     */
    enum ts_err (*certify)(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who);
    /**
     * Verify a signature over the parts, one behind the other.
     *
     * @return OK, E_AUTH, E_UNSUPPORTED (S type, or its hash by policy)
     */
    enum ts_err (*verify)(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig);
};

/** A public key of the peer: encrypts envelope keys (PKE). */
struct mikey_sealer {
    void *arg;
    uint16_t len;             /* bytes of an encrypted key */
    struct mikey_chash chash; /* which key it is; data.p NULL: no CHASH */
    /**
     * Encrypt an envelope key.
     *
     * @param out  gets len bytes
     */
    enum ts_err (*seal)(void *arg, struct ts_span env_key, uint8_t *out);
};

/** Our private key for envelope keys. */
struct mikey_opener {
    void *arg;
    /**
     * Decrypt an envelope key. What cannot be decrypted gives OK and a random
     * key: who asks must not learn whether the padding was right.
     *
     * @param chash    which key of ours, or NULL
     * @param env_key  gets *n bytes; the caller wipes it
     * @return OK; E_NOTFOUND (no such key); E_UNSUPPORTED (hash function)
     */
    enum ts_err (*open)(void *arg, const struct mikey_chash *chash,
                        struct ts_span sealed, uint8_t env_key[MIKEY_KEY_MAX],
                        size_t *n);
};

#endif
