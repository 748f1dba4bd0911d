/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#include <search.h>
#include <stdlib.h>

struct known {
    struct pki_name name;
    struct pki_chain chain;
};

struct verifier {
    struct pki_trust trust;
    bool sha1;
    void *known; /* struct known in a tree of tsearch() */
    /* of the last certify() that gave OK */
    struct pki_key key;
    gnutls_subject_alt_names_t names; /* who may point into it */
};

static void forget(struct verifier *v)
{
    pki_key_free(&v->key);
    if (v->names)
        gnutls_subject_alt_names_deinit(v->names);
    v->names = NULL;
}

/* --- certificates known beforehand --- */

static int known_cmp(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return pki_name_cmp(&x->name, &y->name);
}

static void known_free(void *p)
{
    struct known *k = p;
    pki_chain_free(&k->chain);
    free(k);
}

static const struct known *known_find(const struct verifier *v,
                                      const struct mikey_id *id)
{
    struct known key = {0};
    if (!id->data.p || pki_name_set(&key.name, id))
        return NULL;
    struct known *const *node = tfind(&key, &v->known, known_cmp);
    return node ? *node : NULL;
}

enum ts_err mikey_gnutls_verifier_know(struct mikey_verifier *verifier,
                                       const struct mikey_id *id,
                                       struct ts_span certs)
{
    struct verifier *v = verifier->arg;
    struct known *k = calloc(1, sizeof *k);
    if (!k)
        return TS_E_NOMEM;
    enum ts_err err = pki_name_set(&k->name, id);
    if (!err)
        err = pki_chain_read(&k->chain, certs);
    if (err) {
        free(k);
        return err;
    }
    struct known **node = tsearch(k, &v->known, known_cmp);
    if (!node) {
        known_free(k);
        return TS_E_NOMEM;
    }
    if (*node != k) {
        known_free(*node);
        *node = k;
    }
    return TS_OK;
}

/* --- the table's functions --- */

/* Keys of which some S type makes signatures. */
static bool signs(const struct pki_key *key)
{
    struct pki_alg alg;
    return pki_alg_for(&alg, key, MIKEY_S_RSA_PSS, GNUTLS_DIG_UNKNOWN) ==
               TS_OK ||
           pki_alg_for(&alg, key, MIKEY_S_ECDSA, GNUTLS_DIG_UNKNOWN) == TS_OK;
}

/* It is trusted; now for whom, and with which key. */
static enum ts_err accept(struct verifier *v, gnutls_x509_crt_t crt,
                          const struct known *known,
                          const struct mikey_id *claimed, struct mikey_id *who)
{
    enum ts_err err = TS_OK;
    if (known) {
        *who = *claimed;
    } else {
        err = pki_names_of(&v->names, crt);
        if (!err)
            err = pki_names_match(v->names, claimed, who);
    }
    if (!err)
        err = pki_key_of(&v->key, crt);
    if (!err && !signs(&v->key))
        err = TS_E_UNSUPPORTED;
    return err;
}

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who)
{
    struct verifier *v = arg;
    struct pki_chain taken = {0};
    const struct pki_chain *chain = &taken;
    const struct known *known = NULL;
    enum ts_err err = TS_OK;
    forget(v);
    *who = (struct mikey_id){0};
    if (n == 0) { /* R24, R110 */
        known = known_find(v, claimed);
        if (!known)
            return TS_E_MISSING;
        chain = &known->chain;
    } else {
        err = pki_chain_take(&taken, cert, n);
    }
    if (!err)
        err = pki_trust_check(&v->trust, chain, GNUTLS_KEY_DIGITAL_SIGNATURE,
                              now);
    if (!err)
        err = accept(v, chain->crt[0], known, claimed, who);
    pki_chain_free(&taken);
    if (err) {
        forget(v);
        *who = (struct mikey_id){0};
    }
    return err;
}

/* Nothing in the message names the hash, so each that may be is tried. */
static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    static const gnutls_digest_algorithm_t hashes[] = {
        GNUTLS_DIG_SHA256, GNUTLS_DIG_SHA384, GNUTLS_DIG_SHA512,
        GNUTLS_DIG_SHA1};
    const struct verifier *v = arg;
    uint8_t hash[PKI_HASH_MAX];
    struct pki_alg alg;
    if (!v->key.pub)
        return TS_E_STATE;
    enum ts_err err = pki_alg_for(&alg, &v->key, s_type, GNUTLS_DIG_UNKNOWN);
    if (err)
        return err == TS_E_MISMATCH ? TS_E_AUTH : err;
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        if (pki_alg_for(&alg, &v->key, s_type, hashes[i]))
            continue;
        err = pki_hash(alg.hash, parts, n, hash);
        if (!err)
            err = pki_check(&v->key, &alg, hash, sig);
        if (err == TS_OK && alg.hash == GNUTLS_DIG_SHA1 && !v->sha1)
            return TS_E_UNSUPPORTED;
        if (err != TS_E_AUTH)
            return err;
    }
    return TS_E_AUTH;
}

/* --- the rest of the interface --- */

static void free_verifier(struct verifier *v)
{
    forget(v);
    tdestroy(v->known, known_free);
    pki_trust_free(&v->trust);
    free(v);
}

enum ts_err mikey_gnutls_verifier(const struct mikey_gnutls_trust *trust,
                                  struct mikey_verifier *out)
{
    *out = (struct mikey_verifier){0};
    struct verifier *v = calloc(1, sizeof *v);
    if (!v)
        return TS_E_NOMEM;
    v->sha1 = trust->sha1;
    enum ts_err err = pki_trust_read(&v->trust, trust);
    if (err) {
        free_verifier(v);
        return err;
    }
    *out = (struct mikey_verifier){v, certify, verify};
    return TS_OK;
}

void mikey_gnutls_verifier_free(struct mikey_verifier *verifier)
{
    if (!verifier)
        return;
    if (verifier->arg)
        free_verifier(verifier->arg);
    *verifier = (struct mikey_verifier){0};
}

enum ts_err mikey_gnutls_verifier_crls(struct mikey_verifier *verifier,
                                       struct ts_span crls)
{
    struct verifier *v = verifier->arg;
    return pki_trust_crls(&v->trust, crls);
}

enum ts_err mikey_gnutls_check_kms(const struct mikey_verifier *verifier,
                                   struct ts_span certs,
                                   const struct mikey_id *kms, uint64_t now)
{
    const struct verifier *v = verifier->arg;
    struct pki_chain chain;
    gnutls_subject_alt_names_t names = NULL;
    struct mikey_id who;
    enum ts_err err = pki_chain_read(&chain, certs);
    if (!err)
        err = pki_trust_check(&v->trust, &chain, GNUTLS_KEY_KEY_ENCIPHERMENT,
                              now);
    if (!err)
        err = pki_names_of(&names, chain.crt[0]);
    if (!err)
        err = pki_names_match(names, kms, &who);
    if (names)
        gnutls_subject_alt_names_deinit(names);
    pki_chain_free(&chain);
    return err;
}
