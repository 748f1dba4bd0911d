/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-shared key method (RFC 3830 3.1), and the verification message and
 * Error that it shares with the public key method (3.2, 5.1.2, 5.2).
 */
#include "mikey/classic_in.h"

/* 6.3: an envelope key that must not be cached is no PSK for an update */
static bool is_used_once(const struct mikey_msg *first)
{
    return first && first->hdr.type == MIKEY_PK &&
           first->pke.c == MIKEY_CACHE_NO;
}

void mikey_build_classic_psk(struct ts_writer *w,
                             const struct mikey_classic_new *in)
{
    struct mikey_guard g;
    struct mikey_build b = mikey_classic_begin(w, MIKEY_PSK, in, &g);
    if (is_used_once(in->first))
        ts_writer_fail(w, TS_E_STATE);
    if (!w->err)
        mikey_classic_kemac_put(&b, &g, in, NULL);
    mikey_guard_end(&g);
}

enum ts_err mikey_classic_psk_open(const struct mikey_classic *x,
                                   const struct mikey_msg *m,
                                   struct mikey_keys *keys)
{
    struct mikey_form f;
    struct mikey_guard g;
    keys->n = keys->len = 0;
    if (m->hdr.type != MIKEY_PSK)
        return TS_E_UNKNOWN;
    if (is_used_once(x->first))
        return TS_E_ORDER;
    enum ts_err err = mikey_classic_enter(x, m, &f);
    if (err)
        return err;
    const struct mikey_classic_label bundle = mikey_classic_labels(x, m);
    err = mikey_guard_begin(&g, &bundle, x->secret,
                            mikey_classic_needs_secret(m));
    if (!err)
        err = mikey_classic_kemac_verify(m, &g, true);
    if (!err)
        err = mikey_classic_kemac_decrypt(m, &g, NULL, keys);
    mikey_guard_end(&g);
    return err;
}

/* --- verification message --- */

/* Identity_i || Identity_r || Timestamp (5.2) */
struct tail {
    struct ts_span s[3];
    uint8_t t[8];
};

static enum ts_err find_tail(struct mikey_id id_i, struct mikey_id id_r,
                             struct mikey_time t, struct tail *tail)
{
    if (!id_i.data.p || !id_r.data.p)
        return TS_E_MISSING;
    size_t n = mikey_classic_time_octets(t, tail->t);
    tail->s[0] = id_i.data;
    tail->s[1] = id_r.data;
    tail->s[2] = ts_span(tail->t, n);
    return TS_OK;
}

static enum ts_err resp_check(const struct mikey_classic *x,
                              const struct mikey_msg *init,
                              struct mikey_id id_r, const struct mikey_hdr *hdr,
                              struct tail *tail)
{
    struct mikey_form f;
    struct mikey_id known_i, known_r;
    if (init->hdr.type != MIKEY_PSK && init->hdr.type != MIKEY_PK)
        return TS_E_STATE;
    enum ts_err err = mikey_classic_enter(x, init, &f);
    if (!err)
        err = mikey_map_fits(&init->hdr, hdr);
    mikey_classic_known(x, &known_i, &known_r);
    if (!err && (!mikey_classic_names(id_r, known_r) ||
                 !mikey_classic_names(id_r, f.id_r)))
        err = TS_E_MISMATCH;
    if (err)
        return err;
    return find_tail(
        mikey_classic_either(f.id_i, known_i),
        mikey_classic_either(mikey_classic_either(id_r, f.id_r), known_r),
        init->t, tail);
}

void mikey_build_classic_resp(struct ts_writer *w,
                              const struct mikey_classic *x,
                              const struct mikey_msg *init,
                              struct mikey_id id_r, struct ts_span map)
{
    struct mikey_guard g;
    struct tail tail = {0};
    const struct mikey_hdr hdr = {
        .type = (uint8_t)(init->hdr.type + 1),
        .prf = init->hdr.prf,
        .csb = init->hdr.csb,
        .n_cs = init->hdr.n_cs,
        .map_type = init->hdr.map_type,
        .map = map.p ? map : init->hdr.map,
    };
    const struct mikey_classic_label bundle = mikey_classic_labels(x, init);
    enum ts_err err = mikey_guard_begin(&g, &bundle, x->secret,
                                        !(x->allow & MIKEY_ALLOW_NULL));
    if (!err)
        err = resp_check(x, init, id_r, &hdr, &tail);
    if (err)
        ts_writer_fail(w, err);

    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, init->t);
    mikey_classic_put_id(&b, MIKEY_ID, id_r);
    mikey_classic_put_v(&b, &g, tail.s, 3);
    mikey_guard_end(&g);
}

/* 5.2: who the two are is told by this exchange, or known from before. */
static enum ts_err v_verify_3830(const struct mikey_classic *x,
                                 const struct mikey_msg *m,
                                 const struct mikey_form *fi,
                                 const struct mikey_form *f,
                                 struct mikey_guard *g)
{
    struct mikey_id known_i, known_r;
    struct tail tail;
    mikey_classic_known(x, &known_i, &known_r);
    enum ts_err err = find_tail(
        mikey_classic_either(fi->id_i, known_i),
        mikey_classic_either(mikey_classic_either(f->id_r, fi->id_r), known_r),
        m->t, &tail);
    return err ? err : mikey_classic_v_verify(m, g, tail.s, 3);
}

/* A payload that ID data was read from: next, type and length before it. */
static struct ts_span whole_id(struct mikey_id id)
{
    return ts_span(id.data.p - 4, id.data.n + 4);
}

/* The readings of other implementations, as far as they are asked for. */
static enum ts_err v_verify(const struct mikey_classic *x,
                            const struct mikey_msg *m,
                            const struct mikey_form *fi,
                            const struct mikey_form *f, struct mikey_guard *g)
{
    enum ts_err err = v_verify_3830(x, m, fi, f, g);
    if (err && x->allow & MIKEY_ALLOW_V_TIME) {
        uint8_t t[8];
        const struct ts_span s = {t, mikey_classic_time_octets(m->t, t)};
        if (!mikey_classic_v_verify(m, g, &s, 1))
            return TS_OK;
    }
    const struct mikey_id id_r = mikey_classic_either(f->id_r, fi->id_r);
    if (err && x->allow & MIKEY_ALLOW_V_PAYLOADS && fi->id_i.data.p &&
        id_r.data.p) {
        const struct ts_span s[] = {whole_id(fi->id_i), whole_id(id_r),
                                    f->t_body};
        if (!mikey_classic_v_verify(m, g, s, 3))
            return TS_OK;
    }
    return err;
}

enum ts_err mikey_classic_resp_open(const struct mikey_classic *x,
                                    const struct mikey_msg *init,
                                    const struct mikey_msg *resp)
{
    struct mikey_form fi, f;
    struct mikey_guard g;
    if (init->hdr.type != MIKEY_PSK && init->hdr.type != MIKEY_PK)
        return TS_E_STATE;
    enum ts_err err = mikey_classic_enter_resp(x, init, resp, &fi, &f);
    if (err)
        return err;
    if (resp->v.alg == MIKEY_AUTH_NULL) /* allowed, or not come so far */
        return x->secret.n ? TS_E_UNSUPPORTED : TS_OK;
    const struct mikey_classic_label bundle = mikey_classic_labels(x, init);
    err = mikey_guard_begin(&g, &bundle, x->secret, true);
    if (!err)
        err = v_verify(x, resp, &fi, &f, &g);
    mikey_guard_end(&g);
    return err;
}

/* --- Error --- */

void mikey_build_classic_error(struct ts_writer *w,
                               const struct mikey_classic_error_new *in)
{
    const struct mikey_hdr hdr = {
        .type = MIKEY_ERROR,
        .prf = in->about->prf,
        .csb = in->about->csb,
        .map_type = MIKEY_MAP_SRTP,
    };
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t);
    for (size_t i = 0; i < in->n_no; i++) {
        mikey_build_payload(&b, MIKEY_ERR);
        ts_put_u8(w, in->no[i]);
        ts_put_u16(w, 0);
    }
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]);
    if (in->x && in->init) {
        struct mikey_guard g;
        const struct mikey_classic_label bundle =
            mikey_classic_labels(in->x, in->init);
        enum ts_err err = mikey_guard_begin(&g, &bundle, in->x->secret, true);
        if (err)
            ts_writer_fail(w, err);
        else
            mikey_classic_put_v(&b, &g, NULL, 0);
        mikey_guard_end(&g);
    } else if (in->signer) {
        mikey_classic_put_sign(&b, in->signer);
    }
}

/* 3830 gives a V in an Error no rule of its own. */
static enum ts_err error_v(const struct mikey_classic *x,
                           const struct mikey_msg *init,
                           const struct mikey_msg *error, struct mikey_guard *g)
{
    struct mikey_form fi, f = {0};
    enum ts_err err = mikey_classic_v_verify(error, g, NULL, 0);
    if (err && x->allow & MIKEY_ALLOW_ERROR_TAIL &&
        !mikey_classic_check(init, x->first, &fi, NULL))
        err = v_verify_3830(x, error, &fi, &f, g);
    return err;
}

enum ts_err mikey_classic_error_verify(const struct mikey_classic *x,
                                       const struct mikey_msg *init,
                                       const struct mikey_msg *error)
{
    struct mikey_form f;
    struct mikey_guard g;
    if (error->hdr.type != MIKEY_ERROR || error->hdr.csb != init->hdr.csb ||
        error->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH;
    enum ts_err err = mikey_classic_check(error, false, &f, NULL);
    if (!err && !error->has_v)
        err = TS_E_MISSING;
    if (!err) /* a NULL one shows nothing, whatever is allowed */
        err = mikey_classic_algs(error, 0, NULL);
    if (!err &&
        (error->t.type != init->t.type || error->t.value != init->t.value))
        err = TS_E_MISMATCH;
    if (err)
        return err;
    const struct mikey_classic_label bundle = mikey_classic_labels(x, init);
    err = mikey_guard_begin(&g, &bundle, x->secret, true);
    if (!err)
        err = error_v(x, init, error, &g);
    mikey_guard_end(&g);
    return err;
}
