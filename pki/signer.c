/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#include <stdlib.h>

struct signer {
    struct pki_secret secret;
    struct pki_alg alg;
    struct mikey_id cert[PKI_CHAIN_MAX];
    gnutls_datum_t der[PKI_CHAIN_MAX];
    size_t n_cert;
};

static enum ts_err sign(void *arg, const struct ts_span *parts, size_t n,
                        uint8_t *sig)
{
    const struct signer *s = arg;
    uint8_t hash[PKI_HASH_MAX];
    enum ts_err err = pki_hash(s->alg.hash, parts, n, hash);
    return err ? err : pki_sign(&s->secret, &s->alg, hash, sig);
}

static void free_signer(struct signer *s)
{
    for (size_t i = 0; i < s->n_cert; i++)
        gnutls_free(s->der[i].data);
    pki_secret_free(&s->secret);
    free(s);
}

static enum ts_err take_certs(struct signer *s, const struct pki_chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        int rc = gnutls_x509_crt_export2(chain->crt[i], GNUTLS_X509_FMT_DER,
                                         &s->der[i]);
        if (rc)
            return pki_err(rc, TS_E_FORMAT);
        s->n_cert++;
        /* own first, one in each payload: R25, R26, R111, R112 */
        s->cert[i] =
            (struct mikey_id){.type = MIKEY_CERT_X509,
                              .data = ts_span(s->der[i].data, s->der[i].size)};
    }
    return TS_OK;
}

/* Whether the key is that of the certificate, shown by what it does: a token
 * need not hold the public key. */
static enum ts_err try_out(struct signer *s, const struct pki_key *key)
{
    static const struct ts_span text = {(const uint8_t *)"tessera", 7};
    uint8_t hash[PKI_HASH_MAX], sig[MIKEY_SIGN_MAX];
    enum ts_err err = pki_hash(s->alg.hash, &text, 1, hash);
    if (!err)
        err = pki_sign(&s->secret, &s->alg, hash, sig);
    if (!err)
        err = pki_check(key, &s->alg, hash, ts_span(sig, s->alg.len));
    return err == TS_E_AUTH ? TS_E_MISMATCH : err;
}

static enum ts_err open_signer(struct signer *s,
                               const struct mikey_gnutls_key *from,
                               const struct mikey_gnutls_signing *how,
                               const struct pki_chain *chain)
{
    struct pki_key key;
    if (!pki_chain_ordered(chain))
        return TS_E_ORDER; /* R27, R113 */
    enum ts_err err = pki_key_of(&key, chain->crt[0]);
    if (!err && pki_alg_for(&s->alg, &key, how->s_type, pki_digest(how->hash)))
        err = TS_E_UNSUPPORTED;
    if (!err)
        err = take_certs(s, chain);
    if (!err)
        err = pki_secret_open(&s->secret, from);
    if (!err)
        err = try_out(s, &key);
    pki_key_free(&key);
    return err;
}

enum ts_err mikey_gnutls_signer(const struct mikey_gnutls_key *key,
                                const struct mikey_gnutls_signing *how,
                                struct mikey_signer *out)
{
    struct pki_chain chain;
    *out = (struct mikey_signer){0};
    enum ts_err err = pki_chain_read(&chain, key->certs);
    if (err)
        return err;
    struct signer *s = calloc(1, sizeof *s);
    err = s ? open_signer(s, key, how, &chain) : TS_E_NOMEM;
    pki_chain_free(&chain);
    if (err) {
        if (s)
            free_signer(s);
        return err;
    }
    *out = (struct mikey_signer){.arg = s,
                                 .s_type = how->s_type,
                                 .len = (uint16_t)s->alg.len,
                                 .cert = s->cert,
                                 .n_cert = s->n_cert,
                                 .sign = sign};
    return TS_OK;
}

void mikey_gnutls_signer_free(struct mikey_signer *signer)
{
    if (!signer)
        return;
    if (signer->arg)
        free_signer(signer->arg);
    *signer = (struct mikey_signer){0};
}
