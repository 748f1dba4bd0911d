/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public-key operations of <mikey/pk.h> on GnuTLS: X.509 certificates with
 * RSA keys, and ECDSA keys on P-256 and P-384, out of memory, a file or a
 * PKCS#11 token. Each function below fills in one of the tables of pk.h, which
 * is good until its ..._free() and serves one thread at a time. The struct
 * itself may be copied; the arg in it belongs to this library.
 *
 * Certificates are PEM, one behind the other, or one as DER. The verifier never
 * looks at the machine's clock or at a file, and asks no server.
 *
 * Limits, for our own material and the peer's: 8 certificates in a chain, 8192
 * bytes for each, RSA keys of 1024 to 8192 bits.
 */
#ifndef MIKEY_GNUTLS_H
#define MIKEY_GNUTLS_H

#include "mikey/pk.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Hash of a signature, or of a CHASH. */
enum mikey_gnutls_hash {
    MIKEY_GNUTLS_DEFAULT = 0, /* SHA-256; for P-384 SHA-384; for an RSA-PSS key
                                 the one that its certificate names */
    MIKEY_GNUTLS_SHA1,        /* for peers that know RFC 3830 only */
    MIKEY_GNUTLS_SHA256,
    MIKEY_GNUTLS_SHA384,
    MIKEY_GNUTLS_SHA512,
};

/** A private key and its certificate. Borrowed for the call it is given to. */
struct mikey_gnutls_key {
    struct ts_span key;   /* PEM or DER (PKCS#8, or the older form of RSA or
                             EC keys); p NULL: it is at url */
    const char *url;      /* "pkcs11:..." (RFC 7512) or "file:/path" */
    const char *pin;      /* PIN of the token, or password of the PEM; at most
                             63 bytes; NULL: none, or pin-value in url */
    struct ts_span certs; /* our own, then each that certifies the one before */
};

/** How a signer signs. */
struct mikey_gnutls_signing {
    uint8_t s_type; /* enum mikey_s_type */
    enum mikey_gnutls_hash hash;
};

/** Whom a verifier trusts. Borrowed for the call it is given to. */
struct mikey_gnutls_trust {
    struct ts_span cas;  /* trusted CAs, at least one. A certificate that is no
                            CA is trusted itself and certifies nobody */
    struct ts_span crls; /* PEM list or one DER, may be empty */
    uint16_t rsa_bits;   /* shortest RSA key, also of CAs; 0: 2048 */
    bool need_crls;      /* refuse where no CRL of the issuer is given */
    bool sha1;           /* PKCS#1 v1.5 signatures with SHA-1 count (RFC 3830
                            4.2.1); certificates signed so never do */
};

/**
 * A signer. Its certificates become CERT payloads of type X509, one in each
 * (R25, R111). A signature of the key is made and checked once, so key,
 * certificate and S type belong together when this gives OK.
 *
 * With S type RSA all hashes can be had, with RSA_PSS all but SHA-1 (MGF1 with
 * the same hash, salt as long as it), with ECDSA the default only.
 *
 * @param key  copied
 * @param how  S type and hash
 * @param out  filled in on OK, empty otherwise; to mikey_gnutls_signer_free()
 * @return OK; E_FORMAT (no key or no certificate can be read), E_RANGE (limits
 *         above, pin too long), E_ORDER (a certificate does not certify the one
 *         before it: R26, R27), E_MISMATCH (key not that of the certificate),
 *         E_UNSUPPORTED (kind of key or URL; S type or hash, or not with this
 *         key), E_AUTH (pin), E_NOTFOUND (nothing at url), E_IO, E_NOMEM
 */
TS_MUST enum ts_err mikey_gnutls_signer(const struct mikey_gnutls_key *key,
                                        const struct mikey_gnutls_signing *how,
                                        struct mikey_signer *out);

/** Release a signer and wipe its key. An empty one and NULL are ignored. */
void mikey_gnutls_signer_free(struct mikey_signer *signer);

/**
 * A verifier. Its certify() takes certificates of type X509 and X509_SIGN that
 *
 *   - stand in order (R26, R27, R112, R113), the last one certified by a
 *     trusted CA, or trusted itself; all signatures with SHA-256 or better;
 *   - are valid at now, the CA too, and not on a CRL of their issuer. A CRL
 *     whose nextUpdate is over gives E_EXPIRED;
 *   - may sign (digitalSignature, if there is a key usage);
 *   - name the peer in subjectAltName: a claimed URI equals a URI there in its
 *     octets or as SIP or tel identity, a claimed NAI a rfc822Name with the
 *     realm in any case. Of an identity that was left out only a URI is known,
 *     if there is just one.
 *
 * Its verify() before a certify() that gave OK is E_STATE. PKCS#1 v1.5
 * signatures may use SHA-256, SHA-384 or SHA-512, RSA-PSS ones too (MGF1 with
 * the same hash, salt as long as it), ECDSA the hash of the curve.
 *
 * @param trust  copied
 * @param out    filled in on OK, empty otherwise; to
 *               mikey_gnutls_verifier_free()
 * @return OK; E_MISSING (no CA), E_FORMAT (a certificate or CRL cannot be
 *         read), E_UNSUPPORTED (CRL with a critical extension: delta or
 *         indirect), E_RANGE (rsa_bits below 1024 or above 8192), E_NOMEM
 */
TS_MUST enum ts_err
mikey_gnutls_verifier(const struct mikey_gnutls_trust *trust,
                      struct mikey_verifier *out);

/** Release a verifier. An empty one and NULL are ignored. */
void mikey_gnutls_verifier_free(struct mikey_verifier *verifier);

/**
 * Replace all CRLs of a verifier.
 *
 * @param verifier  its CRLs are replaced
 * @param crls      as in struct mikey_gnutls_trust
 * @return OK; E_FORMAT, E_UNSUPPORTED, E_NOMEM: the old ones stay
 */
TS_MUST enum ts_err mikey_gnutls_verifier_crls(struct mikey_verifier *verifier,
                                               struct ts_span crls);

/**
 * Tell a verifier whose certificates these are, for messages that leave CERT
 * out (R24, R110). They are checked like received ones each time, but for the
 * name: who calls this says that they are of that identity.
 *
 * @param verifier  it is told
 * @param id        any type; its octets are copied, up to 255. What was said
 *                  of the same identity before is forgotten; URIs are compared
 *                  as in certify()
 * @param certs     copied
 * @return OK; E_FORMAT, E_RANGE (limits), E_NOMEM: all is as before
 */
TS_MUST enum ts_err mikey_gnutls_verifier_know(struct mikey_verifier *verifier,
                                               const struct mikey_id *id,
                                               struct ts_span certs);

/**
 * Check the certificates of a KMS before a sealer is made of them: like
 * certify(), but for key usage keyEncipherment. It does not touch what
 * certify() decided.
 *
 * @param verifier  whom we trust
 * @param certs     our own copy of them
 * @param kms       IDRkms
 * @param now       Unix seconds
 * @return OK; E_FORMAT, E_RANGE (limits), and what certify() returns
 */
TS_MUST enum ts_err
mikey_gnutls_check_kms(const struct mikey_verifier *verifier,
                       struct ts_span certs, const struct mikey_id *kms,
                       uint64_t now);

/**
 * A sealer for the holder of a certificate: RSAES-PKCS1-v1_5 (RFC 3830 3.2).
 * RSAES-OAEP is what a certificate for OAEP only asks for (AMB 11); GnuTLS
 * before 3.8.4 has no OAEP, so such a certificate is E_UNSUPPORTED.
 *
 * @param certs  the first one counts. Nothing but its key usage is checked:
 *               see mikey_gnutls_check_kms()
 * @param chash  hash of the certificate that goes along: default or SHA-256, or
 *               SHA-1
 * @param out    filled in on OK, empty otherwise; to mikey_gnutls_sealer_free()
 * @return OK; E_FORMAT, E_RANGE (limits), E_UNSUPPORTED (no RSA key, not for
 *         encryption, or another hash), E_NOMEM. Its seal() returns E_RANGE for
 *         an envelope key of less than 16 or more than MIKEY_KEY_MAX bytes
 */
TS_MUST enum ts_err mikey_gnutls_sealer(struct ts_span certs,
                                        enum mikey_gnutls_hash chash,
                                        struct mikey_sealer *out);

/** Release a sealer. An empty one and NULL are ignored. */
void mikey_gnutls_sealer_free(struct mikey_sealer *sealer);

/**
 * An opener with one or more RSA keys. CHASH chooses one (SHA-1, MD5 or
 * SHA-256 of the certificate's DER), without CHASH it is the first. What does
 * not decrypt to 16 to MIKEY_KEY_MAX bytes, also because a token failed, gives
 * a fresh random key of 32 bytes or of env_len.
 *
 * With env_len the decryption itself takes the same time whatever it finds;
 * without it GnuTLS allocates and returns by different ways, which a precise
 * clock may tell apart. So that nobody can tell them apart later, whoever uses
 * the key must not look at its length.
 *
 * @param keys, n  1 to 64 of them; copied
 * @param env_len  bytes of all envelope keys; 0: any from 16 to MIKEY_KEY_MAX
 * @param out      filled in on OK, empty otherwise; to
 *                 mikey_gnutls_opener_free()
 * @return OK; E_MISSING (no key), E_RANGE (n, env_len), E_UNSUPPORTED (as
 *         mikey_gnutls_sealer()), and as mikey_gnutls_signer() but E_ORDER
 */
TS_MUST enum ts_err mikey_gnutls_opener(const struct mikey_gnutls_key *keys,
                                        size_t n, size_t env_len,
                                        struct mikey_opener *out);

/** Release an opener and wipe its keys. An empty one and NULL are ignored. */
void mikey_gnutls_opener_free(struct mikey_opener *opener);

#ifdef __cplusplus
}
#endif

#endif
