/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of pki/ share. Nothing here is for others.
 */
#ifndef PKI_INTERNAL_H
#define PKI_INTERNAL_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>

#include "base/identity.h"
#include "base/secret.h"
#include "pki/gnutls.h"

#define PKI_CERT_MAX   8192  /* bytes of a certificate */
#define PKI_CHAIN_MAX  8     /* certificates of a chain */
#define PKI_KEYS_MAX   64    /* keys of an opener */
#define PKI_SECRET_MAX 65536 /* bytes of a private key, with text around */
#define PKI_RSA_MIN    1024  /* bits */
#define PKI_RSA_MAX    8192
#define PKI_PIN_MAX    64 /* bytes of a PIN or password, with NUL */
#define PKI_HASH_MAX   64

/* Times are checked against the caller's clock, CRLs by pki/trust.c; an X.509v1
 * certificate cannot say that it is of a CA, so it is of none. */
#define PKI_VERIFY_FLAGS                                                       \
    (GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_CRL_CHECKS |    \
     GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT)

/* --- cert.c: certificates --- */

/** Certificates, own first. Empty is all zero. */
struct pki_chain {
    size_t n;
    gnutls_x509_crt_t crt[PKI_CHAIN_MAX];
};

/** E_NOMEM for GnuTLS's error of that meaning, else otherwise. */
enum ts_err pki_err(int rc, enum ts_err otherwise);

/** GnuTLS's view of our bytes. */
static inline gnutls_datum_t pki_datum(struct ts_span s)
{
    /* it wants them writable, and does not write */
    union {
        const uint8_t *borrowed;
        uint8_t *given;
    } p = {s.p};
    return (gnutls_datum_t){p.given, (unsigned)s.n};
}

/** PEM if it looks like that, else DER. */
gnutls_x509_crt_fmt_t pki_format(struct ts_span s);

/**
 * Read a chain out of PEM, or one certificate out of DER.
 *
 * @param chain  filled in on OK, empty otherwise; to pki_chain_free()
 * @return OK, E_FORMAT, E_RANGE (too many, too long), E_NOMEM
 */
TS_MUST enum ts_err pki_chain_read(struct pki_chain *chain, struct ts_span s);

/**
 * Read CERT payloads, each of which must be one certificate (R25, R111).
 *
 * @param cert   n payloads, at least one
 * @param chain  as pki_chain_read()
 * @return OK; E_UNSUPPORTED (type, too many, too long), E_AUTH (no
 *         certificate), E_NOMEM
 */
TS_MUST enum ts_err pki_chain_take(struct pki_chain *chain,
                                   const struct mikey_id *cert, size_t n);

/** Release the certificates. */
void pki_chain_free(struct pki_chain *chain);

/** issuer has certified crt, and is a CA. Times are not looked at. */
bool pki_issued(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);

/** Each certificate certifies the one before it (R27, R113). */
bool pki_chain_ordered(const struct pki_chain *chain);

/** crt has no key usage extension, or one with this GNUTLS_KEY_ bit. */
bool pki_usable(gnutls_x509_crt_t crt, unsigned usage);

/* --- key.c: public keys, signature algorithms, private keys --- */

/** A public key. Empty is all zero. */
struct pki_key {
    gnutls_pubkey_t pub;
    gnutls_pk_algorithm_t kind; /* RSA, RSA_PSS or ECDSA */
    unsigned bits;              /* RSA: of the modulus; ECDSA: of the curve */
    gnutls_digest_algorithm_t only; /* RSA_PSS: the hash its parameters name */
};

/** An S type with its hash, as a certain key has it. */
struct pki_alg {
    gnutls_sign_algorithm_t sign;
    gnutls_digest_algorithm_t hash;
    size_t len; /* bytes of a signature */
    bool is_rs; /* r and s, not GnuTLS's own form */
};

/**
 * The key of a certificate.
 *
 * @param key  filled in on OK, empty otherwise; to pki_key_free()
 * @return OK; E_UNSUPPORTED (kind or size), E_NOMEM
 */
TS_MUST enum ts_err pki_key_of(struct pki_key *key, gnutls_x509_crt_t crt);

/** Release a key. */
void pki_key_free(struct pki_key *key);

/**
 * What a signature by this key looks like.
 *
 * @param hash  GNUTLS_DIG_UNKNOWN: the default for the key
 * @return OK; E_UNSUPPORTED (S type), E_MISMATCH (not with this key or hash)
 */
TS_MUST enum ts_err pki_alg_for(struct pki_alg *alg, const struct pki_key *key,
                                uint8_t s_type, gnutls_digest_algorithm_t hash);

/**
 * Hash the parts, one behind the other.
 *
 * @param hash  gets as many bytes as the algorithm gives
 * @return OK, E_NOMEM, E_INTERNAL
 */
TS_MUST enum ts_err pki_hash(gnutls_digest_algorithm_t alg,
                             const struct ts_span *parts, size_t n,
                             uint8_t hash[PKI_HASH_MAX]);

/**
 * Check a signature over a hash.
 *
 * @param sig  of any length
 * @return OK, E_AUTH, E_NOMEM
 */
TS_MUST enum ts_err pki_check(const struct pki_key *key,
                              const struct pki_alg *alg, const uint8_t *hash,
                              struct ts_span sig);

/** A private key. It must not move: GnuTLS may ask for the PIN again. */
struct pki_secret {
    gnutls_privkey_t key;
    char pin[PKI_PIN_MAX]; /* empty: none */
};

/**
 * Open a private key.
 *
 * @param secret  empty; filled in on OK, empty otherwise; to pki_secret_free()
 * @return OK; E_FORMAT, E_RANGE, E_UNSUPPORTED (URL), E_AUTH (pin),
 *         E_NOTFOUND, E_IO, E_NOMEM
 */
TS_MUST enum ts_err pki_secret_open(struct pki_secret *secret,
                                    const struct mikey_gnutls_key *from);

/** Release a private key and wipe its PIN. */
void pki_secret_free(struct pki_secret *secret);

/**
 * Sign a hash.
 *
 * @param sig  gets alg->len bytes
 * @return OK; E_MISMATCH (the key is of another kind), E_IO, E_NOMEM
 */
TS_MUST enum ts_err pki_sign(const struct pki_secret *secret,
                             const struct pki_alg *alg, const uint8_t *hash,
                             uint8_t *sig);

/** GnuTLS's name for a hash, GNUTLS_DIG_UNKNOWN for the default. */
gnutls_digest_algorithm_t pki_digest(enum mikey_gnutls_hash hash);

/* --- trust.c: paths to trusted CAs --- */

struct pki_crl;

/** Whom a verifier trusts. */
struct pki_trust {
    gnutls_x509_crt_t *ca;
    unsigned n_ca;
    struct pki_crl *crl;
    unsigned n_crl;
    unsigned rsa_bits;
    bool need_crls;
};

/**
 * Read CAs and CRLs.
 *
 * @param trust  empty; to pki_trust_free() also after an error
 * @return as mikey_gnutls_verifier()
 */
TS_MUST enum ts_err pki_trust_read(struct pki_trust *trust,
                                   const struct mikey_gnutls_trust *from);

/** Replace the CRLs; as mikey_gnutls_verifier_crls(). */
TS_MUST enum ts_err pki_trust_crls(struct pki_trust *trust, struct ts_span s);

/** Release all of it. */
void pki_trust_free(struct pki_trust *trust);

/**
 * Decide whether a chain is trusted, for a use and at a time. It marks CRLs
 * whose signature it has checked.
 *
 * @param usage  GNUTLS_KEY_ bit that the first certificate must have
 * @param now    Unix seconds
 * @return OK, E_AUTH, E_EXPIRED, E_NOMEM
 */
TS_MUST enum ts_err pki_trust_check(const struct pki_trust *trust,
                                    const struct pki_chain *chain,
                                    unsigned usage, uint64_t now);

/* --- name.c: identities and certificates --- */

/** An identity in the form that is compared. */
struct pki_name {
    uint8_t type; /* enum mikey_id_type */
    uint8_t n;
    char text[TS_IDENTITY_MAX];
};

/**
 * @return OK; E_RANGE (no octets, or more than the form can hold)
 */
TS_MUST enum ts_err pki_name_set(struct pki_name *name,
                                 const struct mikey_id *id);

/** Less than, equal to or greater than 0, for an order of all names. */
int pki_name_cmp(const struct pki_name *a, const struct pki_name *b);

/**
 * The subject alternative names of a certificate.
 *
 * @param names  to gnutls_subject_alt_names_deinit(); NULL on errors
 * @return OK; E_AUTH (none, or not well-formed), E_NOMEM
 */
TS_MUST enum ts_err pki_names_of(gnutls_subject_alt_names_t *names,
                                 gnutls_x509_crt_t crt);

/**
 * Find the identity for which a certificate stands.
 *
 * @param claimed  data.p is NULL if none
 * @param who      gets claimed, or a URI out of names
 * @return OK, E_AUTH
 */
TS_MUST enum ts_err pki_names_match(gnutls_subject_alt_names_t names,
                                    const struct mikey_id *claimed,
                                    struct mikey_id *who);

#endif
