/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and envelope keys for "mikeytool verify", by pki/ if there is
 * GnuTLS.
 */
#include <stdio.h>
#include <time.h>

#include "mikey/time.h"
#include "tool/verify.h"

#ifdef MT_PKI
#include "pki/gnutls.h"
#endif

#define PEM_MAX (64 * 1024)

/* Certificates are judged by the time of the message, if it tells one. */
static uint64_t time_of(const struct mikey_msg *m)
{
    uint64_t us;
    if (m->has_t && mikey_time_unix(m->t, &us) == TS_OK)
        return us / 1000000;
    return (uint64_t)time(NULL);
}

/* The envelope key that is known, whatever stands in PKE. */
static enum ts_err give_known(void *arg, const struct mikey_chash *chash,
                              struct ts_span sealed,
                              uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    const struct mt_known *k = arg;
    (void)chash;
    (void)sealed;
    memcpy(env_key, k->env_key.p, k->env_key.n);
    *n = k->env_key.n;
    return TS_OK;
}

#ifdef MT_PKI
static bool load(struct mt_verify *v, const char *name, uint8_t *room,
                 struct ts_span *pem)
{
    size_t n = 0;
    if (!mt_known_file(v->known, name, room, PEM_MAX, &n)) {
        mt_checked(v, name, NULL, TS_E_IO);
        return false;
    }
    *pem = ts_span(room, n);
    return true;
}

static void make_verifier(struct mt_pk *pk, struct mt_verify *v,
                          const struct mikey_id *claimed)
{
    static uint8_t room[PEM_MAX];
    const struct mt_known *k = v->known;
    struct mikey_gnutls_trust trust = {.sha1 = true}; /* as RFC 3830 has it */
    struct ts_span certs;
    if (!load(v, k->trusted, room, &trust.cas))
        return;
    enum ts_err err = mikey_gnutls_verifier(&trust, &pk->verifier);
    if (!err && k->signer && claimed->data.p &&
        load(v, k->signer, room, &certs))
        err = mikey_gnutls_verifier_know(&pk->verifier, claimed, certs);
    if (err)
        mt_checked(v, "trusted", NULL, err);
    pk->can_verify = !err;
}

static void make_opener(struct mt_pk *pk, struct mt_verify *v)
{
    static uint8_t room[PEM_MAX];
    struct mikey_gnutls_key key = {0};
    if (!load(v, v->known->opener, room, &key.key))
        return;
    key.certs = key.key;
    enum ts_err err = mikey_gnutls_opener(&key, 1, 0, &pk->opener);
    ts_wipe(room, sizeof room);
    if (err)
        mt_checked(v, v->known->opener, NULL, err);
    pk->can_open = !err;
}
#endif

void mt_pk_begin(struct mt_pk *pk, struct mt_verify *v,
                 const struct mikey_id *claimed)
{
    *pk = (struct mt_pk){.now = time_of(v->m)};
#ifdef MT_PKI
    if (v->known->trusted)
        make_verifier(pk, v, claimed);
    if (v->known->opener)
        make_opener(pk, v);
#else
    (void)claimed;
#endif
    if (!pk->can_open && v->known->env_key.p) {
        pk->opener = (struct mikey_opener){v->known, give_known};
        pk->can_open = true;
    }
}

void mt_pk_end(struct mt_pk *pk)
{
#ifdef MT_PKI
    mikey_gnutls_verifier_free(&pk->verifier);
    if (pk->opener.open != give_known)
        mikey_gnutls_opener_free(&pk->opener);
#else
    (void)pk;
#endif
}

void mt_verify_sign(struct mt_verify *v, struct mt_pk *pk,
                    const struct mikey_id *claimed, struct ts_span tail1,
                    struct ts_span tail2)
{
    const struct mikey_verifier *by = &pk->verifier;
    struct mikey_id who;
    if (!pk->can_verify) {
#ifdef MT_PKI
        mt_unchecked(v, "SIGN", "trusted is not known");
#else
        mt_unchecked(v, "SIGN", "this program is built without GnuTLS");
#endif
        return;
    }
    enum ts_err err =
        by->certify(by->arg, v->m->cert, v->m->n_cert, claimed, pk->now, &who);
    mt_checked(v, "certificate", NULL, err);
    if (!err)
        mt_checked(v, "SIGN", NULL, mikey_sign_verify(v->m, by, tail1, tail2));
}

void mt_verify_pke(struct mt_verify *v, struct mt_pk *pk, struct ts_key *key)
{
    const struct mikey_chash *chash = v->m->chash.data.p ? &v->m->chash : NULL;
    const struct mt_known *k = v->known;
    uint8_t env_key[MIKEY_KEY_MAX];
    size_t n = 0;
    key->len = 0;
    if (!pk->can_open || pk->opener.open == give_known) {
        mt_unchecked(v, "PKE", "the private key for it is not known");
        return;
    }
    enum ts_err err =
        pk->opener.open(pk->opener.arg, chash, v->m->pke.data, env_key, &n);
    if (!err)
        err = ts_key_set(key, ts_span(env_key, n));
    if (!err && k->env_key.p &&
        !ts_equal(env_key, n, k->env_key.p, k->env_key.n))
        err = TS_E_MISMATCH;
    if (err || k->env_key.p) /* a wrong key opens to a random one */
        mt_checked(v, "PKE", NULL, err);
    else
        mt_unchecked(v, "PKE", "opened; whether rightly, tells the response");
    if (!err)
        mt_put_secret(v, v->out, "env_key", ts_key_span(key));
    ts_wipe(env_key, sizeof env_key);
}
