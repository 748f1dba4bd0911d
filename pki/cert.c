/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

/* PEM of a full chain, with text between the certificates. */
#define CHAIN_BYTES_MAX (4 * PKI_CHAIN_MAX * PKI_CERT_MAX)

enum ts_err pki_err(int rc, enum ts_err otherwise)
{
    return rc == GNUTLS_E_MEMORY_ERROR ? TS_E_NOMEM : otherwise;
}

gnutls_x509_crt_fmt_t pki_format(struct ts_span s)
{
    static const char begin[] = "-----BEGIN ";
    return s.n && memmem(s.p, s.n, begin, sizeof begin - 1)
               ? GNUTLS_X509_FMT_PEM
               : GNUTLS_X509_FMT_DER;
}

static enum ts_err within_limits(const struct pki_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        size_t n = 0;
        int rc = gnutls_x509_crt_export(chain->crt[i], GNUTLS_X509_FMT_DER,
                                        NULL, &n);
        if (rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
            return pki_err(rc, TS_E_FORMAT);
        if (n > PKI_CERT_MAX)
            return TS_E_RANGE;
    }
    return TS_OK;
}

enum ts_err pki_chain_read(struct pki_chain *chain, struct ts_span s)
{
    *chain = (struct pki_chain){0};
    if (s.n == 0)
        return TS_E_FORMAT;
    if (s.n > CHAIN_BYTES_MAX)
        return TS_E_RANGE;
    gnutls_datum_t d = pki_datum(s);
    unsigned n = PKI_CHAIN_MAX;
    int rc =
        gnutls_x509_crt_list_import(chain->crt, &n, &d, pki_format(s),
                                    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return TS_E_RANGE;
    if (rc <= 0)
        return pki_err(rc, TS_E_FORMAT);
    chain->n = (size_t)rc;
    enum ts_err err = within_limits(chain);
    if (err)
        pki_chain_free(chain);
    return err;
}

/* GnuTLS need not notice what stands behind the certificate. */
static bool is_one_sequence(struct ts_span s)
{
    if (s.n < 4 || s.p[0] != 0x30)
        return false;
    if (s.p[1] < 0x80)
        return s.n == 2u + s.p[1];
    if (s.p[1] == 0x81)
        return s.n == 3u + s.p[2];
    return s.p[1] == 0x82 && s.n == 4u + ((unsigned)s.p[2] << 8 | s.p[3]);
}

static enum ts_err take_one(struct pki_chain *chain, const struct mikey_id *c)
{
    if (c->type != MIKEY_CERT_X509 && c->type != MIKEY_CERT_X509_SIGN)
        return TS_E_UNSUPPORTED; /* nothing is fetched; X509_ENCR signs not */
    if (c->data.n > PKI_CERT_MAX)
        return TS_E_UNSUPPORTED;
    if (!is_one_sequence(c->data))
        return TS_E_AUTH;
    gnutls_datum_t d = pki_datum(c->data);
    int rc = gnutls_x509_crt_init(&chain->crt[chain->n]);
    if (rc)
        return pki_err(rc, TS_E_INTERNAL);
    chain->n++;
    rc = gnutls_x509_crt_import(chain->crt[chain->n - 1], &d,
                                GNUTLS_X509_FMT_DER);
    return rc ? pki_err(rc, TS_E_AUTH) : TS_OK;
}

enum ts_err pki_chain_take(struct pki_chain *chain, const struct mikey_id *cert,
                           size_t n)
{
    enum ts_err err = n > PKI_CHAIN_MAX ? TS_E_UNSUPPORTED : TS_OK;
    *chain = (struct pki_chain){0};
    for (size_t i = 0; i < n && !err; i++)
        err = take_one(chain, &cert[i]);
    if (err)
        pki_chain_free(chain);
    return err;
}

void pki_chain_free(struct pki_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        gnutls_x509_crt_deinit(chain->crt[i]);
    *chain = (struct pki_chain){0};
}

bool pki_issued(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    unsigned status = GNUTLS_CERT_INVALID;
    /* names first: cheap, and most pairs end here */
    return gnutls_x509_crt_check_issuer(crt, issuer) &&
           gnutls_x509_crt_verify(crt, &issuer, 1, PKI_VERIFY_FLAGS, &status) ==
               0 &&
           status == 0;
}

bool pki_chain_ordered(const struct pki_chain *chain)
{
    /* from the end: there it is next to a CA that we trust */
    for (size_t i = chain->n; i > 1; i--)
        if (!pki_issued(chain->crt[i - 2], chain->crt[i - 1]))
            return false; /* R27, R113 */
    return true;
}

bool pki_usable(gnutls_x509_crt_t crt, unsigned usage)
{
    unsigned has = 0;
    int rc = gnutls_x509_crt_get_key_usage(crt, &has, NULL);
    return rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ||
           (rc == 0 && (has & usage));
}
