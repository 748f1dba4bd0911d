/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every derived key of the example exchange, K0 to K6 of mikey-ticket.md 3.3.
 */
#include "tool/example.h"

static const struct ts_span none;

/* One walk over the values. */
struct walk {
    const struct example *e;
    struct example_keys k;
    struct mikey_msg m[EXAMPLE_MESSAGES]; /* the published six */
    example_give give;
    void *arg;
};

static void give_key(const struct walk *w, const char *name,
                     const struct ts_key *k)
{
    w->give(w->arg, name, ts_key_span(k));
}

/* The keys of one message; a name that is NULL is left out. */
static void give_protect(const struct walk *w, struct mikey_protect *p,
                         const char *encr, const char *salt, const char *auth)
{
    struct mikey_cipher c;
    uint8_t key[MIKEY_MAC_MAX];
    mikey_protect_cipher(p, &c);
    mikey_protect_auth_key(p, key);
    if (encr)
        w->give(w->arg, encr, ts_span(c.key, p->suite->encr_key));
    if (auth)
        w->give(w->arg, auth, ts_span(key, p->suite->auth_key));
    if (salt)
        w->give(w->arg, salt, ts_span(c.salt, sizeof c.salt));
    mikey_protect_end(p);
}

static void give_ticket(const struct walk *w)
{
    struct mikey_protect p;
    mikey_protect_begin(&p, w->e->suite, ts_key_span(&w->e->tpk),
                        MIKEY_SEL_TICKET, 0xffffffff,
                        ts_key_span(&w->e->rand_ticket), none);
    give_protect(w, &p, "K5 ticket encr_key", "K5 ticket salt_key",
                 "K5 ticket auth_key");
    give_key(w, "K6 MPKi", &w->k.mpk_i);
    give_key(w, "K6 MPKr", &w->k.mpk_r);
    give_key(w, "K0 MPKr'", &w->k.mpk_r1);
    give_key(w, "K0 TGK'", &w->k.tgk1);
}

/* Keys of an exchange with the KMS. */
static void give_psk(const struct walk *w, const struct ts_key *psk,
                     enum example_message which, const char *init,
                     const char *encr, const char *salt, const char *auth)
{
    struct mikey_protect p;
    const struct mikey_msg *m = &w->m[which];
    mikey_protect_begin(&p, w->e->suite, ts_key_span(psk), MIKEY_SEL_INIT,
                        m->hdr.csb, m->rand[MIKEY_RAND_I],
                        m->rand[MIKEY_RAND_R]);
    give_protect(w, &p, NULL, NULL, init);
    mikey_protect_begin(&p, w->e->suite, ts_key_span(psk), MIKEY_SEL_RESP,
                        m->hdr.csb, m->rand[MIKEY_RAND_I],
                        m->rand[MIKEY_RAND_R]);
    give_protect(w, &p, encr, salt, auth);
}

static void give_transfer(const struct walk *w)
{
    struct mikey_protect p;
    bool update = w->e->n_messages > UPDATE_INIT;
    mikey_protect_of(&w->m[TRANSFER_INIT], NULL, ts_key_span(&w->k.mpk_i), &p);
    give_protect(w, &p, NULL, NULL, "K1 auth, TRANSFER_INIT (MPKi)");
    mikey_protect_of(&w->m[TRANSFER_INIT], &w->m[TRANSFER_RESP],
                     ts_key_span(&w->k.mpk_r1), &p);
    give_protect(w, &p, update ? "K2 encr (MPKr'), used in CSB update" : NULL,
                 update ? "K2 salt (MPKr'), used in CSB update" : NULL,
                 "K2 auth, TRANSFER_RESP (MPKr')");
}

static void give_teks(const struct walk *w)
{
    static const char *const names[] = {"TEK of CS 1 (K3)", "TEK of CS 2 (K3)"};
    uint8_t tek[32];
    for (uint8_t i = 0; i < 2; i++) {
        mikey_derive_tek(&w->k.tgk1, w->e->suite->prf, MIKEY_USE_TEK,
                         (uint8_t)(i + 1), ts_key_span(&w->e->rand_i),
                         ts_key_span(&w->e->rand_r), tek, w->k.tgk1.len);
        w->give(w->arg, names[i], ts_span(tek, w->k.tgk1.len));
    }
}

static enum ts_err give_macs(const struct walk *w)
{
    const struct mikey_ticket *t = &w->m[TRANSFER_INIT].ticket;
    struct mikey_base base;
    struct mikey_v vi, vr;
    struct mikey_prf prf;
    uint8_t key[MIKEY_MAC_MAX];
    enum ts_err err = mikey_base_read(t, &base);
    if (!err)
        err = mikey_init_data_read(t->init, &vi, &vr);
    if (err)
        return err;
    mikey_prf_key(&prf, w->e->suite->prf, ts_key_span(&w->k.mpk_r));
    mikey_derive_vr_key(&prf, w->e->suite, key);
    w->give(w->arg, "ticket MAC", base.v.mac);
    w->give(w->arg, "MAC of TRANSFER_INIT (= Vi)", vi.mac);
    w->give(w->arg, "K4 auth of Vr", ts_span(key, w->e->suite->auth_key));
    w->give(w->arg, "MAC of Vr", vr.mac);
    return TS_OK;
}

enum ts_err example_each(const struct example *e, example_give give, void *arg)
{
    struct walk w = {.e = e, .give = give, .arg = arg};
    example_derive(e, &w.k);
    for (enum example_message i = REQUEST_INIT; i <= TRANSFER_RESP; i++) {
        enum ts_err err = mikey_msg_read(example_span(e, i), &w.m[i], NULL);
        if (err)
            return err;
    }
    give_ticket(&w);
    give_psk(&w, &e->psk_i, REQUEST_INIT, "K1 auth, REQUEST_INIT",
             "K2 encr, REQUEST_RESP", "K2 salt, REQUEST_RESP",
             "K2 auth, REQUEST_RESP");
    give_psk(&w, &e->psk_r, RESOLVE_INIT, "K1 auth, RESOLVE_INIT",
             "K2 encr, RESOLVE_RESP", "K2 salt, RESOLVE_RESP",
             "K2 auth, RESOLVE_RESP");
    give_transfer(&w);
    give_teks(&w);
    return give_macs(&w);
}
