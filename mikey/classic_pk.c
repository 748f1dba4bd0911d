/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public key method (RFC 3830 3.2), and whom a signature stands for in it
 * and in DH (3.3) and RSA-R (RFC 4738).
 */
#include "mikey/classic_in.h"

#define ENV_KEY_MIN 16

/* C(2 bits)  Data len(14)  Data */
static void put_pke(struct mikey_build *b, const struct mikey_sealer *sealer,
                    uint8_t cache, struct ts_span env_key)
{
    struct ts_writer *w = b->w;
    if (cache > MIKEY_CACHE_CSB || sealer->len > 0x3fff)
        ts_writer_fail(w, TS_E_RANGE);
    mikey_build_payload(b, MIKEY_PKE);
    ts_put_u16(w, (unsigned)cache << 14 | sealer->len);
    uint8_t *out = ts_put_room(w, sealer->len);
    enum ts_err err = out ? sealer->seal(sealer->arg, env_key, out) : TS_OK;
    if (err)
        ts_writer_fail(w, err);
}

static void put_chash(struct mikey_build *b, const struct mikey_chash *chash)
{
    if (!chash->data.p)
        return;
    mikey_build_payload(b, MIKEY_CHASH);
    ts_put_u8(b->w, chash->func);
    ts_put_span(b->w, chash->data);
}

/* 4.5: with the envelope key cached, an update is a PSK message */
static bool is_cached(const struct mikey_msg *first)
{
    return first && first->hdr.type == MIKEY_PK &&
           first->pke.c != MIKEY_CACHE_NO;
}

void mikey_build_classic_pk(struct ts_writer *w,
                            const struct mikey_classic_new *in)
{
    struct mikey_guard g;
    struct mikey_id inner = in->inner_id.data.p ? in->inner_id : in->id_i;
    struct mikey_build b = mikey_classic_begin(w, MIKEY_PK, in, &g);
    if (in->secret.n < ENV_KEY_MIN ||
        (!w->err && in->secret.n * 8 < g.suite->bits))
        ts_writer_fail(w, TS_E_RANGE);
    if (is_cached(in->first))
        ts_writer_fail(w, TS_E_STATE);
    if (in->without_kemac ? !in->first || in->n_keys : !inner.data.p)
        ts_writer_fail(w, TS_E_MISSING);
    if (!w->err) {
        if (!in->without_kemac)
            mikey_classic_kemac_put(&b, &g, in, &inner);
        put_chash(&b, &in->sealer->chash);
        put_pke(&b, in->sealer, in->cache, in->secret);
        mikey_classic_put_sign(&b, in->signer);
    }
    mikey_guard_end(&g);
}

/*
 * Certificate and signature. The party that claims to have signed is named by
 * its ID, else by who we know it must be, else by its certificate.
 */
static enum ts_err signed_by(const struct mikey_msg *m,
                             const struct mikey_verifier *v, uint64_t now,
                             const struct mikey_id *claimed,
                             struct mikey_id *who)
{
    *who = (struct mikey_id){0};
    if (!claimed->data.p && m->n_cert == 0)
        return TS_E_MISSING;
    enum ts_err err = v->certify(v->arg, m->cert, m->n_cert, claimed, now, who);
    if (!err && !who->data.p)
        err = TS_E_AUTH;
    if (!err && claimed->data.p && !mikey_classic_names(*who, *claimed))
        err = TS_E_AUTH;
    return err;
}

/* 5.2: the message with S type and length, without the signature itself. */
static enum ts_err verify_sign(const struct mikey_msg *m,
                               const struct mikey_verifier *v)
{
    const struct ts_span part = ts_span(m->raw.p, mikey_at(m, m->sign.data));
    return v->verify(v->arg, m->sign.type, &part, 1, m->sign.data);
}

/*
 * The envelope key; one that is too short is replaced, and what it would have
 * opened is not believed.
 */
static enum ts_err open_pke(const struct mikey_msg *m,
                            const struct mikey_opener *o,
                            struct ts_key *env_key, bool *usable)
{
    size_t n = 0;
    const struct mikey_chash *chash = m->chash.data.p ? &m->chash : NULL;
    enum ts_err err = o->open(o->arg, chash, m->pke.data, env_key->b, &n);
    *usable = !err && n >= ENV_KEY_MIN && n <= TS_KEY_MAX;
    env_key->len = (uint8_t)(*usable ? n : ENV_KEY_MIN);
    return err;
}

static enum ts_err open_kemac(const struct mikey_msg *m,
                              const struct mikey_id *expected,
                              struct mikey_guard *g, struct mikey_keys *keys)
{
    struct mikey_id inner;
    enum ts_err err = mikey_classic_kemac_verify(m, g, false);
    if (!err)
        err = mikey_classic_kemac_decrypt(m, g, &inner, keys);
    if (!err && !ts_span_equal(inner.data, expected->data)) {
        mikey_keys_wipe(keys);
        err = TS_E_MISMATCH; /* 3.2: "MUST always be verified" */
    }
    return err;
}

static enum ts_err open_sealed(const struct mikey_classic *x,
                               const struct mikey_msg *m,
                               const struct mikey_opener *opener,
                               const struct mikey_id *expected,
                               struct mikey_classic_opened *out)
{
    struct mikey_guard g;
    bool usable;
    enum ts_err err = open_pke(m, opener, &out->env_key, &usable);
    if (err)
        return err;
    const struct mikey_classic_label bundle = mikey_classic_labels(x, m);
    err = mikey_guard_begin(&g, &bundle, ts_key_span(&out->env_key), true);
    if (!err && m->has_kemac)
        err = open_kemac(m, expected, &g, &out->keys);
    if (!usable)
        err = TS_E_AUTH; /* whatever came of it: as for a wrong key */
    mikey_guard_end(&g);
    return err;
}

enum ts_err mikey_classic_pk_open(const struct mikey_classic *x,
                                  const struct mikey_msg *m,
                                  const struct mikey_classic_pk *pk,
                                  struct mikey_classic_opened *out)
{
    struct mikey_form f;
    struct mikey_id id_i, id_r;
    out->env_key = (struct ts_key){0};
    out->who = (struct mikey_id){0};
    out->keys.n = out->keys.len = 0;
    if (m->hdr.type != MIKEY_PK)
        return TS_E_UNKNOWN;
    if (is_cached(x->first))
        return TS_E_ORDER;
    enum ts_err err = mikey_classic_enter(x, m, &f);
    mikey_classic_known(x, &id_i, &id_r);
    const struct mikey_id claimed = mikey_classic_either(f.id_i, id_i);
    if (!err)
        err = signed_by(m, pk->verifier, pk->now, &claimed, &out->who);
    if (!err)
        err = verify_sign(m, pk->verifier);
    if (!err)
        err = open_sealed(x, m, pk->opener,
                          claimed.data.p ? &claimed : &out->who, out);
    if (err)
        mikey_classic_wipe(out);
    return err;
}

enum ts_err mikey_classic_keys(const struct mikey_classic *x,
                               const struct mikey_msg *m,
                               struct mikey_keys *keys)
{
    const bool pk = m->hdr.type == MIKEY_PK;
    struct mikey_guard g;
    struct mikey_id inner;
    keys->n = keys->len = 0;
    if (!pk && m->hdr.type != MIKEY_PSK)
        return TS_E_UNKNOWN;
    if (!m->has_kemac)
        return pk ? TS_OK : TS_E_MISSING;
    const struct mikey_classic_label bundle = mikey_classic_labels(x, m);
    enum ts_err err = mikey_guard_begin(&g, &bundle, x->secret,
                                        pk || mikey_classic_needs_secret(m));
    if (!err)
        err = mikey_classic_kemac_verify(m, &g, !pk);
    if (!err)
        err = mikey_classic_kemac_decrypt(m, &g, pk ? &inner : NULL, keys);
    mikey_guard_end(&g);
    return err;
}

void mikey_classic_wipe(struct mikey_classic_opened *o)
{
    ts_key_wipe(&o->env_key);
    mikey_keys_wipe(&o->keys);
    o->who = (struct mikey_id){0};
}

enum ts_err mikey_classic_cached(const struct mikey_msg *first,
                                 struct ts_span env_key, uint32_t csb,
                                 struct mikey_classic *x)
{
    bool update = csb == first->hdr.csb;
    if (!first->has_pke || first->pke.c == MIKEY_CACHE_NO)
        return TS_E_DENIED;
    if (first->pke.c > MIKEY_CACHE_CSB)
        return TS_E_UNKNOWN;
    if (first->pke.c == MIKEY_CACHE_CSB && !update)
        return TS_E_DENIED;
    x->secret = env_key;
    x->first = update ? first : NULL;
    return TS_OK;
}

/* --- signatures of the other methods --- */

/* RFC 4738 3.6: ... || IDi || IDr || T behind the message */
static enum ts_err verify_rsa_r(const struct mikey_classic *x,
                                const struct mikey_msg *m,
                                const struct mikey_verifier *v,
                                struct mikey_id id_i, struct mikey_id id_r)
{
    uint8_t t[8];
    size_t n = mikey_at(m, m->sign.data);
    struct ts_span parts[] = {ts_span(m->raw.p, n), id_i.data, id_r.data,
                              ts_span(t, 0)};
    parts[3].n = mikey_classic_time_octets(m->t, t);
    enum ts_err err = v->verify(v->arg, m->sign.type, parts, 4, m->sign.data);
    if (err == TS_E_AUTH && x->allow & MIKEY_ALLOW_BARE_SIGN) {
        parts[0].n -= 2;
        err = v->verify(v->arg, m->sign.type, parts, 4, m->sign.data);
    }
    return err;
}

/* A signed Error says nothing but its HDR and T about what it answers. */
static enum ts_err enter_error(const struct mikey_msg *init,
                               const struct mikey_msg *m, struct mikey_form *f)
{
    if (!init || m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf ||
        m->t.type != init->t.type || m->t.value != init->t.value)
        return TS_E_MISMATCH;
    return mikey_classic_check(m, false, f, NULL);
}

enum ts_err mikey_classic_signed(const struct mikey_classic *x,
                                 const struct mikey_msg *init,
                                 const struct mikey_msg *m,
                                 const struct mikey_verifier *verifier,
                                 uint64_t now, struct mikey_id *who)
{
    struct mikey_form fi = {0}, f = {0};
    bool answer = m->hdr.type == MIKEY_DH_RESP || m->hdr.type == MIKEY_RSA_R_R;
    bool error = m->hdr.type == MIKEY_ERROR;
    enum ts_err err;
    *who = (struct mikey_id){0};
    if (error)
        err = enter_error(init, m, &f);
    else if (answer)
        err = init ? mikey_classic_enter_resp(x, init, m, &fi, &f)
                   : TS_E_MISMATCH;
    else if (m->hdr.type == MIKEY_PK || m->hdr.type == MIKEY_DH_INIT ||
             m->hdr.type == MIKEY_RSA_R_I)
        err = mikey_classic_enter(x, m, &f);
    else
        err = TS_E_UNKNOWN;
    if (!err && !m->has_sign)
        err = TS_E_MISSING;
    if (err)
        return err;

    struct mikey_id id_i, id_r;
    mikey_classic_known(x, &id_i, &id_r);
    const struct mikey_id claimed = answer || error
                                        ? mikey_classic_either(f.id_r, id_r)
                                        : mikey_classic_either(f.id_i, id_i);
    err = signed_by(m, verifier, now, &claimed, who);
    if (err)
        return err;
    if (m->hdr.type != MIKEY_RSA_R_R)
        return verify_sign(m, verifier);
    id_i = mikey_classic_either(fi.id_i, id_i);
    if (!id_i.data.p)
        return TS_E_MISSING;
    return verify_rsa_r(x, m, verifier, id_i,
                        mikey_classic_either(claimed, *who));
}

enum ts_err mikey_dhhmac_verify(const struct mikey_classic *x,
                                const struct mikey_msg *init,
                                const struct mikey_msg *m)
{
    struct mikey_form fi, f;
    struct mikey_guard g;
    enum ts_err err;
    if (m->hdr.type == MIKEY_DHHMAC_INIT)
        err = mikey_classic_enter(x, m, &f);
    else if (m->hdr.type == MIKEY_DHHMAC_RESP)
        err = init ? mikey_classic_enter_resp(x, init, m, &fi, &f)
                   : TS_E_MISMATCH;
    else
        return TS_E_UNKNOWN;
    if (!err && m->kemac.data.n)
        err = TS_E_FORMAT; /* RFC 4650 4.2 */
    if (err)
        return err;
    const struct mikey_classic_label bundle =
        mikey_classic_labels(x, m->hdr.type == MIKEY_DHHMAC_RESP ? init : m);
    err = mikey_guard_begin(&g, &bundle, x->secret, true);
    if (!err)
        err = mikey_classic_kemac_verify(m, &g, true);
    mikey_guard_end(&g);
    return err;
}
