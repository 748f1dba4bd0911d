/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/kms.h"

/* What the MPKs beside the session keys take in a KEMAC of ours at most. */
#define MPKS_BYTES (2 * (4 + 32 + 2))

/* ---- the keys of a new ticket ---- */

static enum ts_err check_wanted(const struct mikey_keys *want, size_t most)
{
    for (size_t i = 0; i < want->n; i++) {
        const struct mikey_key *k = &want->k[i];
        if (k->type > MIKEY_GTGK_SALT || k->kv != MIKEY_KV_SPI)
            return TS_E_UNSUPPORTED;
        if (k->spi.n == 0)
            return TS_E_UNSUPPORTED; /* R213 */
        if (k->key.n < 16 || k->key.n > most || k->salt.n > MIKEY_SALT_MAX)
            return TS_E_UNSUPPORTED; /* R271, R279 */
        for (size_t j = 0; j < i; j++)
            if (ts_span_equal(k->spi, want->k[j].spi))
                return TS_E_DUPLICATE; /* AMB 14 */
    }
    return TS_OK;
}

enum ts_err mikey_wanted_check(const struct mikey_kemac *kemac,
                               const struct mikey_suite *suite, bool *tgk,
                               uint8_t *error)
{
    MIKEY_UNSET struct mikey_keys want;
    *tgk = true; /* R37 */
    if (!kemac)
        return TS_OK;
    *error = MIKEY_ERR_EA;
    if (kemac->encr != MIKEY_ENCR_NULL)
        return TS_E_UNSUPPORTED; /* R237 */
    *error = MIKEY_ERR_MAC;
    if (kemac->mac_alg != MIKEY_AUTH_NULL)
        return TS_E_UNSUPPORTED; /* R237 */
    *error = MIKEY_ERR_TPPAR;
    enum ts_err err = mikey_wanted_read(kemac, &want);
    if (err)
        return err;
    if (want.n > MIKEY_WANT_MAX ||
        kemac->data.n + MPKS_BYTES > MIKEY_KEYS_BYTES)
        return TS_E_UNSUPPORTED;
    *tgk = false;
    for (size_t i = 0; i < want.n; i++)
        *tgk = *tgk || mikey_is_tgk(&want.k[i]);
    return check_wanted(&want, suite->bits == 128 ? 16 : MIKEY_KEY_MAX);
}

enum ts_err mikey_wanted_read(const struct mikey_kemac *kemac,
                              struct mikey_keys *want)
{
    want->n = 0;
    return kemac->data.n ? mikey_keys_read(kemac->data, want) : TS_OK;
}

enum ts_err mikey_fresh_draw(struct mikey_fresh *f,
                             const struct mikey_suite *suite,
                             const struct mikey_key *want, size_t n_want,
                             mikey_random_fn draw, void *arg)
{
    const size_t len = suite->encr_key;
    const struct mikey_key tgk = {.type = MIKEY_TGK,
                                  .key = ts_span(NULL, len),
                                  .spi = ts_span(f->spi, sizeof f->spi)};
    uint8_t *p = f->bytes + len;
    if (!want) { /* R37: a single TGK */
        want = &tgk;
        n_want = 1;
    }
    f->len = 0;
    if (n_want > MIKEY_WANT_MAX)
        return TS_E_RANGE;
    f->k[0] = (struct mikey_key){.type = MIKEY_MPK,
                                 .key = ts_span(f->bytes, len),
                                 .spi = ts_span("\1", 1)};
    for (size_t i = 0; i < n_want; i++) {
        struct mikey_key *k = &f->k[1 + i];
        *k = want[i];
        if (k->key.n > MIKEY_KEY_MAX || k->salt.n > MIKEY_SALT_MAX)
            return TS_E_RANGE;
        k->key.p = p;
        k->salt.p = p + k->key.n;
        p += k->key.n + k->salt.n;
    }
    f->n = 1 + n_want;
    f->len = (size_t)(p - f->bytes);
    enum ts_err err = draw(arg, f->spi, sizeof f->spi);
    return err ? err : draw(arg, f->bytes, f->len);
}

void mikey_fresh_wipe(struct mikey_fresh *f)
{
    ts_wipe(f->bytes, f->len);
}

/* ---- grant ---- */

size_t mikey_reply_keys(const struct mikey_key *in_ticket, size_t n_in_ticket,
                        const struct ts_key *mpk_i, const struct ts_key *mpk_r,
                        bool fork, struct mikey_key *k)
{
    size_t n = 0;
    k[n] = in_ticket[0];
    k[n].spi = ts_span("\1", 1);
    k[n++].key = ts_key_span(mpk_i); /* R38, R123 */
    if (fork) {
        k[n] = in_ticket[0];
        k[n].spi = ts_span("\2", 1);
        k[n++].key = ts_key_span(mpk_r); /* R39, R124 */
    }
    for (size_t i = 1; i < n_in_ticket; i++)
        k[n++] = in_ticket[i];
    return n;
}

void mikey_kms_grant(struct ts_writer *w, const struct mikey_grant *in)
{
    const struct mikey_fresh *f = in->fresh;
    const bool fork = in->flags & MIKEY_FLAG_I;
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_key mpk_i, mpk_r;
    MIKEY_UNSET struct mikey_key keys[2 + MIKEY_WANT_MAX];
    const struct mikey_ticket_new ticket = {
        .type = in->type,
        .suite = in->suite,
        .flags = in->flags,
        .policy = in->policy,
        .tpk = in->tpk,
        .tpk_id = in->tpk_id,
        .t = in->t,
        .rand = in->rand,
        .keys = f->k,
        .n_keys = f->n,
    };
    mikey_prf_key(&prf, in->suite->prf, f->k[0].key); /* R303 */
    mikey_derive_mpk(&prf, f->k[0].key.n, in->rand, &mpk_i, &mpk_r);
    mikey_prf_wipe(&prf);
    const struct mikey_reply_new reply = {
        .init = in->init,
        .psk = in->psk, /* R6 */
        .t = in->t,
        .idr_kms = in->idr_kms,
        .keys = keys,
        .n_keys = mikey_reply_keys(f->k, f->n, &mpk_i, &mpk_r, fork, keys),
        .ticket = &ticket,
    };
    mikey_build_request_resp(w, &reply);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
}

/* ---- resolve ---- */

size_t mikey_kms_rand_len(const struct mikey_opened *opened)
{
    size_t n = 32;
    for (size_t i = 0; i < opened->keys.n; i++)
        if (opened->keys.k[i].key.n > n)
            n = opened->keys.k[i].key.n; /* R273 */
    return n;
}

/* MPKr becomes MPKr', on the way Vr is checked with MPKr. */
static enum ts_err fork_all(const struct mikey_ticket *t,
                            struct mikey_opened *o, struct ts_span id,
                            struct ts_span rand)
{
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_key mpk_r1;
    mikey_prf_key(&prf, t->tp.prf, ts_key_span(&o->mpk_r)); /* R218 */
    enum ts_err err = mikey_init_data_verify(
        t->init, &prf, mikey_suite_prf(t->tp.prf)); /* R115, R134 */
    mikey_derive_fork(&prf, o->mpk_r.len, true, id, rand, &mpk_r1); /* R127 */
    mikey_prf_wipe(&prf);
    o->mpk_r = mpk_r1;
    ts_key_wipe(&mpk_r1);
    mikey_keys_fork(&o->keys, t->tp.prf, id, rand); /* R127, R141, R280 */
    return err;
}

enum ts_err mikey_kms_resolve(struct ts_writer *w,
                              const struct mikey_resolve *in)
{
    const struct mikey_ticket *t = &in->init->ticket;
    const bool fork = t->tp.flags & MIKEY_FLAG_I; /* R223 */
    struct mikey_opened *o = in->opened;
    enum ts_err err = TS_OK;
    if (fork)
        err = fork_all(t, o, in->who.data, in->rand_kms);
    MIKEY_UNSET struct mikey_key keys[1 + MIKEY_KEYS_MAX];
    struct mikey_reply_new reply = {
        .init = in->init,
        .psk = in->psk, /* R93 */
        .t = in->t,
        .idr_kms = in->idr_kms,
        .keys = keys,
        .n_keys = mikey_reply_keys(o->keys.k, o->keys.n, &o->mpk_i, &o->mpk_r,
                                   fork, keys),
    };
    if (fork) {
        reply.idr_r = in->who;         /* R128 */
        reply.rand_kms = in->rand_kms; /* R128 */
    }
    mikey_build_resolve_resp(w, &reply);
    return err;
}
