/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#include <stdlib.h>

#define RSA_BITS_DEFAULT 2048
#define INPUT_MAX        (64u << 20) /* bytes of CAs or CRLs */
#define FINGERPRINT      32

struct pki_crl {
    gnutls_x509_crl_t crl;
    time_t next; /* update */
    /* SHA-256 of the certificate whose key the signature was checked with: a
     * large CRL takes long to hash, and it does not change */
    uint8_t by[FINGERPRINT];
    bool checked;
};

/* --- CAs and CRLs --- */

static enum ts_err read_cas(struct pki_trust *trust, struct ts_span s)
{
    if (s.n == 0)
        return TS_E_MISSING;
    if (s.n > INPUT_MAX)
        return TS_E_FORMAT;
    gnutls_datum_t d = pki_datum(s);
    int rc = gnutls_x509_crt_list_import2(&trust->ca, &trust->n_ca, &d,
                                          pki_format(s), 0);
    if (rc < 0) {
        trust->ca = NULL;
        trust->n_ca = 0;
        return pki_err(rc, TS_E_FORMAT);
    }
    return trust->n_ca ? TS_OK : TS_E_MISSING;
}

/* A delta or indirect CRL says so in a critical extension. Read as a plain one
 * it would miss certificates. */
static bool is_plain(gnutls_x509_crl_t crl)
{
    char oid[128];
    for (unsigned i = 0;; i++) {
        unsigned critical = 0;
        size_t n = sizeof oid;
        int rc = gnutls_x509_crl_get_extension_info(crl, i, oid, &n, &critical);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return true;
        if (rc < 0 || critical)
            return false;
    }
}

static void free_crls(struct pki_crl *crl, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crl_deinit(crl[i].crl);
    free(crl);
}

static enum ts_err check_crls(struct pki_crl *crl, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        crl[i].next = gnutls_x509_crl_get_next_update(crl[i].crl);
        if (crl[i].next == (time_t)-1)
            return TS_E_FORMAT; /* RFC 5280 5.1.2.5 */
        if (!is_plain(crl[i].crl))
            return TS_E_UNSUPPORTED;
    }
    return TS_OK;
}

enum ts_err pki_trust_crls(struct pki_trust *trust, struct ts_span s)
{
    struct pki_crl *crl = NULL;
    gnutls_x509_crl_t *read = NULL;
    gnutls_datum_t d = pki_datum(s);
    enum ts_err err = TS_OK;
    unsigned n = 0;
    if (s.n > INPUT_MAX)
        return TS_E_FORMAT;
    if (s.n) {
        int rc = gnutls_x509_crl_list_import2(&read, &n, &d, pki_format(s), 0);
        if (rc < 0)
            return pki_err(rc, TS_E_FORMAT);
        crl = calloc(n ? n : 1, sizeof *crl);
        for (unsigned i = 0; i < n; i++) {
            if (crl)
                crl[i].crl = read[i];
            else
                gnutls_x509_crl_deinit(read[i]);
        }
        gnutls_free(read);
        err = crl ? check_crls(crl, n) : TS_E_NOMEM;
    }
    if (err) {
        free_crls(crl, crl ? n : 0);
        return err;
    }
    free_crls(trust->crl, trust->n_crl);
    trust->crl = crl;
    trust->n_crl = n;
    return TS_OK;
}

enum ts_err pki_trust_read(struct pki_trust *trust,
                           const struct mikey_gnutls_trust *from)
{
    *trust = (struct pki_trust){.rsa_bits = from->rsa_bits ? from->rsa_bits
                                                           : RSA_BITS_DEFAULT,
                                .need_crls = from->need_crls};
    if (trust->rsa_bits < PKI_RSA_MIN || trust->rsa_bits > PKI_RSA_MAX)
        return TS_E_RANGE;
    enum ts_err err = read_cas(trust, from->cas);
    return err ? err : pki_trust_crls(trust, from->crls);
}

void pki_trust_free(struct pki_trust *trust)
{
    for (unsigned i = 0; i < trust->n_ca; i++)
        gnutls_x509_crt_deinit(trust->ca[i]);
    gnutls_free(trust->ca);
    free_crls(trust->crl, trust->n_crl);
    *trust = (struct pki_trust){0};
}

/* --- paths --- */

static bool valid_at(gnutls_x509_crt_t crt, uint64_t now)
{
    time_t from = gnutls_x509_crt_get_activation_time(crt);
    time_t to = gnutls_x509_crt_get_expiration_time(crt);
    return from != (time_t)-1 && to != (time_t)-1 && now <= INT64_MAX &&
           from <= (int64_t)now && (int64_t)now <= to;
}

/* The hash that somebody signed is still hard to collide. */
static bool is_modern(int sign)
{
    if (sign < 0)
        return false;
    switch (gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)sign)) {
    case GNUTLS_DIG_SHA256:
    case GNUTLS_DIG_SHA384:
    case GNUTLS_DIG_SHA512:
        return true;
    default:
        return false;
    }
}

/* Keys of every size that is left here are verified in bounded time. */
static enum ts_err strong_key(const struct pki_trust *trust,
                              gnutls_x509_crt_t crt)
{
    struct pki_key key;
    enum ts_err err = pki_key_of(&key, crt);
    if (!err && key.kind != GNUTLS_PK_ECDSA && key.bits < trust->rsa_bits)
        err = TS_E_AUTH;
    pki_key_free(&key);
    return err;
}

/* Certificates before the first one that is trusted itself. */
static size_t untrusted(const struct pki_trust *trust,
                        const struct pki_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        for (unsigned k = 0; k < trust->n_ca; k++)
            if (gnutls_x509_crt_equals(chain->crt[i], trust->ca[k]))
                return i;
    return chain->n;
}

/* What certified crt. A CA may be there twice, renewed with the same key. */
static gnutls_x509_crt_t anchor_of(const struct pki_trust *trust,
                                   gnutls_x509_crt_t crt, uint64_t now)
{
    gnutls_x509_crt_t found = NULL;
    for (unsigned k = 0; k < trust->n_ca; k++) {
        if (!pki_issued(crt, trust->ca[k]))
            continue;
        if (valid_at(trust->ca[k], now))
            return trust->ca[k];
        found = trust->ca[k];
    }
    return found;
}

/* GnuTLS holds a CRL's dates against the machine's clock whatever the flags
 * say, and then calls it invalid, too: leave that to the caller's clock. What
 * is invalid for another reason says so by a bit of its own or by rc. */
static bool signature_holds(gnutls_x509_crl_t crl, gnutls_x509_crt_t issuer)
{
    const unsigned dates = GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
                           GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
    unsigned status = GNUTLS_CERT_INVALID;
    int rc = gnutls_x509_crl_verify(crl, &issuer, 1, PKI_VERIFY_FLAGS, &status);
    if (status & dates)
        status &= ~(dates | GNUTLS_CERT_INVALID);
    return rc == 0 && status == 0;
}

static bool crl_is_of(struct pki_crl *crl, gnutls_x509_crt_t issuer)
{
    uint8_t by[FINGERPRINT];
    size_t n = sizeof by;
    if (gnutls_x509_crt_get_fingerprint(issuer, GNUTLS_DIG_SHA256, by, &n))
        return false;
    if (crl->checked && memcmp(crl->by, by, n) == 0)
        return true;
    if (!is_modern(gnutls_x509_crl_get_signature_algorithm(crl->crl)) ||
        !signature_holds(crl->crl, issuer))
        return false;
    memcpy(crl->by, by, n);
    crl->checked = true;
    return true;
}

/* A forged or outdated CRL must not hide a revocation: it refuses. */
static enum ts_err revocation(const struct pki_trust *trust,
                              gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer,
                              uint64_t now)
{
    bool forged = false, outdated = false, fresh = false;
    for (unsigned i = 0; i < trust->n_crl; i++) {
        struct pki_crl *crl = &trust->crl[i];
        if (!gnutls_x509_crl_check_issuer(crl->crl, issuer))
            continue;
        if (!crl_is_of(crl, issuer)) {
            forged = true;
            continue;
        }
        if (gnutls_x509_crt_check_revocation(crt, &crl->crl, 1) != 0)
            return TS_E_AUTH;
        if (crl->next >= 0 && now <= (uint64_t)crl->next)
            fresh = true;
        else
            outdated = true;
    }
    if (fresh)
        return TS_OK;
    if (outdated)
        return TS_E_EXPIRED;
    return forged || trust->need_crls ? TS_E_AUTH : TS_OK;
}

/* Names, keys and signatures of the path: what no clock changes. */
static enum ts_err path_holds(const struct pki_trust *trust,
                              const struct pki_chain *chain, size_t n,
                              gnutls_x509_crt_t anchor)
{
    unsigned status = GNUTLS_CERT_INVALID;
    enum ts_err err = strong_key(trust, anchor);
    if (err)
        return err;
    for (size_t i = 0; i < n; i++)
        if (!is_modern(gnutls_x509_crt_get_signature_algorithm(chain->crt[i])))
            return TS_E_AUTH;
    if (!pki_chain_ordered(chain)) /* R27, R113 */
        return TS_E_AUTH;
    if (n == 0)
        return TS_OK;
    /* path lengths and name constraints belong to the path as a whole */
    int rc = gnutls_x509_crt_list_verify(chain->crt, (unsigned)n, &anchor, 1,
                                         NULL, 0, PKI_VERIFY_FLAGS, &status);
    return rc == 0 && status == 0 ? TS_OK : pki_err(rc, TS_E_AUTH);
}

/* Periods first, so that a CRL that outlives its certificates is no matter. */
static enum ts_err path_in_force(const struct pki_trust *trust,
                                 const struct pki_chain *chain, size_t n,
                                 gnutls_x509_crt_t anchor, uint64_t now)
{
    enum ts_err err = valid_at(anchor, now) ? TS_OK : TS_E_EXPIRED;
    for (size_t i = 0; i < chain->n && !err; i++)
        err = valid_at(chain->crt[i], now) ? TS_OK : TS_E_EXPIRED;
    for (size_t i = 0; i < n && !err; i++)
        err = revocation(trust, chain->crt[i],
                         i + 1 < n ? chain->crt[i + 1] : anchor, now);
    return err;
}

enum ts_err pki_trust_check(const struct pki_trust *trust,
                            const struct pki_chain *chain, unsigned usage,
                            uint64_t now)
{
    enum ts_err err = TS_OK;
    for (size_t i = 0; i < chain->n && !err; i++)
        err = strong_key(trust, chain->crt[i]);
    if (err)
        return err;
    size_t n = untrusted(trust, chain);
    gnutls_x509_crt_t anchor =
        n < chain->n ? chain->crt[n] : anchor_of(trust, chain->crt[n - 1], now);
    if (!anchor)
        return TS_E_AUTH;
    err = path_holds(trust, chain, n, anchor);
    if (!err && !pki_usable(chain->crt[0], usage))
        err = TS_E_AUTH;
    return err ? err : path_in_force(trust, chain, n, anchor, now);
}
