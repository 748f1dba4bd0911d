/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the methods of RFC 3830 have in common: how an I_MESSAGE begins, and
 * what is judged of a message before its MAC or signature.
 */
#include "mikey/classic_in.h"

bool mikey_classic_needs_secret(const struct mikey_msg *m)
{
    return (m->has_kemac && (m->kemac.mac_alg != MIKEY_AUTH_NULL ||
                             m->kemac.encr != MIKEY_ENCR_NULL)) ||
           (m->has_v && m->v.alg != MIKEY_AUTH_NULL);
}

struct mikey_classic_label mikey_classic_labels(const struct mikey_classic *x,
                                                const struct mikey_msg *init)
{
    return mikey_classic_label_of(x->first ? x->first : init);
}

static bool same_time(struct mikey_time a, struct mikey_time b)
{
    return a.type == b.type && a.value == b.value;
}

bool mikey_classic_names(struct mikey_id named, struct mikey_id expected)
{
    return !named.data.p || !expected.data.p ||
           ts_span_equal(named.data, expected.data);
}

struct mikey_id mikey_classic_either(struct mikey_id a, struct mikey_id b)
{
    return a.data.p ? a : b;
}

/* An update may leave out whom the bundle's first message named. */
void mikey_classic_known(const struct mikey_classic *x, struct mikey_id *id_i,
                         struct mikey_id *id_r)
{
    struct mikey_form f;
    *id_i = x->id_i;
    *id_r = x->id_r;
    if (!x->first || mikey_classic_check(x->first, false, &f, NULL))
        return;
    *id_i = mikey_classic_either(*id_i, f.id_i);
    *id_r = mikey_classic_either(*id_r, f.id_r);
}

/* 4.5: same CSB ID, RAND of the first message, a new T */
static enum ts_err check_update(const struct mikey_msg *first,
                                const struct mikey_msg *m)
{
    if (m->hdr.csb != first->hdr.csb || m->hdr.prf != first->hdr.prf)
        return TS_E_MISMATCH;
    if (!first->rand[0].p)
        return TS_E_STATE;
    return same_time(m->t, first->t) ? TS_E_REPLAY : TS_OK;
}

enum ts_err mikey_classic_enter(const struct mikey_classic *x,
                                const struct mikey_msg *m, struct mikey_form *f)
{
    struct mikey_id id_i, id_r;
    mikey_classic_known(x, &id_i, &id_r);
    enum ts_err err = mikey_classic_check(m, x->first, f, NULL);
    if (!err)
        err = mikey_classic_algs(m, x->allow, NULL);
    if (!err && x->first)
        err = check_update(x->first, m);
    if (!err && (!mikey_classic_names(f->id_i, id_i) ||
                 !mikey_classic_names(f->id_r, id_r)))
        err = TS_E_MISMATCH; /* 9.5: for somebody else, or from another one */
    return err;
}

/* DHi comes back as it was sent, and DHr is of its group. */
static bool dh_fits(const struct mikey_form *fi, const struct mikey_form *f)
{
    if (f->n_dh == 0)
        return fi->n_dh == 0;
    return fi->n_dh == 1 && f->dh_i.group == fi->dh_i.group &&
           f->dh_r.group == fi->dh_i.group &&
           ts_span_equal(f->dh_i.value, fi->dh_i.value);
}

/* RFC 4738 3.6, 3.7: one of the two sends RAND; for a group the Responder */
static enum ts_err rand_fits(const struct mikey_msg *init,
                             const struct mikey_msg *m,
                             const struct mikey_form *f)
{
    if (m->hdr.type != MIKEY_RSA_R_R)
        return TS_OK;
    if (!m->rand[0].p)
        return init->rand[0].p && !f->has_group_csb ? TS_OK : TS_E_MISSING;
    return init->rand[0].p && !f->has_group_csb ? TS_E_ORDER : TS_OK;
}

/* Each answer has the number behind its question's: 1, 3, 5, 8, 10. */
static bool answers(const struct mikey_msg *init, const struct mikey_msg *m)
{
    switch (init->hdr.type) {
    case MIKEY_PSK:
    case MIKEY_PK:
    case MIKEY_DH_INIT:
    case MIKEY_DHHMAC_INIT:
    case MIKEY_RSA_R_I:
        return m->hdr.type == init->hdr.type + 1;
    default:
        return false;
    }
}

enum ts_err mikey_classic_enter_resp(const struct mikey_classic *x,
                                     const struct mikey_msg *init,
                                     const struct mikey_msg *m,
                                     struct mikey_form *fi,
                                     struct mikey_form *f)
{
    if (m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH;
    if (m->hdr.type == MIKEY_ERROR)
        return TS_E_PEER;
    if (!answers(init, m))
        return TS_E_MISMATCH;
    enum ts_err err = mikey_classic_check(init, x->first, fi, NULL);
    if (!err)
        err = mikey_classic_check(m, x->first, f, NULL);
    if (!err)
        err = mikey_classic_algs(m, x->allow, NULL);
    if (!err && m->hdr.type != MIKEY_RSA_R_R) /* which makes its own map */
        err = mikey_map_fits(&init->hdr, &m->hdr);
    if (!err)
        err = rand_fits(init, m, f);
    if (err)
        return err;
    struct mikey_id id_i, id_r;
    mikey_classic_known(x, &id_i, &id_r);
    if (!same_time(m->t, init->t) || !dh_fits(fi, f) ||
        !mikey_classic_names(f->id_i, fi->id_i) ||
        !mikey_classic_names(f->id_i, id_i) ||
        !mikey_classic_names(f->id_r, mikey_classic_either(id_r, fi->id_r)))
        return TS_E_MISMATCH;
    return TS_OK;
}

size_t mikey_classic_time_octets(struct mikey_time t, uint8_t out[static 8])
{
    bool half = t.type == MIKEY_COUNTER || t.type == MIKEY_NTP_UTC_32;
    size_t n = half ? 4 : 8;
    uint64_t value = t.type == MIKEY_NTP_UTC_32 ? t.value >> 32 : t.value;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
    return n;
}

void mikey_classic_put_id(struct mikey_build *b, enum mikey_next type,
                          struct mikey_id id)
{
    if (!id.data.p)
        return;
    mikey_build_payload(b, type);
    ts_put_u8(b->w, id.type);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, id.data);
    ts_close_u16(b->w, mark);
}

static void v_mac(struct ts_span covered, struct mikey_guard *g,
                  const struct ts_span *tail, size_t n, uint8_t *mac)
{
    struct mikey_hmac h;
    mikey_guard_auth(g, &h);
    mikey_hmac_add(&h, covered);
    for (size_t i = 0; i < n; i++)
        mikey_hmac_add(&h, tail[i]);
    mikey_hmac_end(&h, mac, g->suite->mac);
    ts_wipe(&h, sizeof h);
}

void mikey_classic_put_v(struct mikey_build *b, struct mikey_guard *g,
                         const struct ts_span *tail, size_t n)
{
    struct ts_writer *w = b->w;
    bool keyed = g->prf.n > 0;
    mikey_build_payload(b, MIKEY_V);
    ts_put_u8(w, keyed ? g->suite->auth : MIKEY_AUTH_NULL);
    uint8_t *mac = keyed ? ts_put_room(w, g->suite->mac) : NULL;
    const uint8_t *start = w->buf + b->start;
    if (mac)
        v_mac(ts_span(start, (size_t)(mac - start)), g, tail, n, mac);
}

enum ts_err mikey_classic_v_verify(const struct mikey_msg *m,
                                   struct mikey_guard *g,
                                   const struct ts_span *tail, size_t n)
{
    uint8_t mac[MIKEY_MAC_MAX];
    v_mac(ts_span(m->raw.p, mikey_at(m, m->v.mac)), g, tail, n, mac);
    bool good = ts_equal(mac, g->suite->mac, m->v.mac.p, m->v.mac.n);
    ts_wipe(mac, sizeof mac);
    return good ? TS_OK : TS_E_AUTH;
}

void mikey_classic_put_sign(struct mikey_build *b,
                            const struct mikey_signer *signer)
{
    struct ts_writer *w = b->w;
    if (signer->s_type > 0x0f || signer->len > 0x0fff)
        ts_writer_fail(w, TS_E_RANGE);
    if (w->err)
        return;
    w->buf[b->next_at] = MIKEY_SIGN; /* which has no next payload octet */
    ts_put_u16(w, (unsigned)signer->s_type << 12 | signer->len);
    uint8_t *sig = ts_put_room(w, signer->len);
    if (!sig)
        return;
    const uint8_t *start = w->buf + b->start;
    const struct ts_span covered = ts_span(start, (size_t)(sig - start));
    enum ts_err err = signer->sign(signer->arg, &covered, 1, sig);
    if (err)
        ts_writer_fail(w, err);
}

/* What its receiver would refuse, or could not tell. */
static enum ts_err check_new(const struct mikey_classic_new *in, bool pk,
                             const struct mikey_guard *g)
{
    const struct mikey_suite *suite = g->suite;
    bool null_ok = in->allow & MIKEY_ALLOW_NULL;
    bool kw = in->encr == MIKEY_ENCR_AES_KW_128;
    if (in->encr != suite->encr && !(kw && suite->bits == 128) &&
        !(in->encr == MIKEY_ENCR_NULL && null_ok))
        return TS_E_UNSUPPORTED;
    if (in->mac != suite->auth &&
        !(in->mac == MIKEY_AUTH_NULL && (null_ok || (pk && kw))))
        return TS_E_UNSUPPORTED;
    if (in->first && same_time(in->t, in->first->t))
        return TS_E_REPLAY;
    if (in->t.type == MIKEY_COUNTER && in->t.value > 0xffffffffu)
        return TS_E_RANGE; /* it would be cut in T, but not in the IV */
    if (!in->first && in->rand.n < 16)
        return TS_E_RANGE; /* 6.11 */
    bool certs = pk && in->signer->n_cert;
    if (in->id_r.data.p && !in->id_i.data.p && !certs)
        return TS_E_MISSING;
    return TS_OK;
}

static struct mikey_build put_hdr(struct ts_writer *w, enum mikey_type type,
                                  const struct mikey_classic_new *in,
                                  const struct mikey_classic_label *bundle)
{
    const struct mikey_hdr hdr = {
        .type = (uint8_t)type,
        .v = in->want_response,
        .prf = bundle->prf,
        .csb = bundle->csb,
        .n_cs = in->n_cs,
        .map_type = in->map_type,
        .map = in->map,
    };
    return mikey_build_hdr(w, &hdr);
}

struct mikey_build mikey_classic_begin(struct ts_writer *w,
                                       enum mikey_type type,
                                       const struct mikey_classic_new *in,
                                       struct mikey_guard *g)
{
    bool pk = type == MIKEY_PK;
    bool need = in->encr != MIKEY_ENCR_NULL || in->mac != MIKEY_AUTH_NULL || pk;
    struct mikey_classic_label bundle = {
        in->suite ? in->suite->prf : (uint8_t)0xff, in->csb, in->rand};
    if (in->first)
        bundle = mikey_classic_label_of(in->first);
    enum ts_err err = mikey_guard_begin(g, &bundle, in->secret, need);
    if (!err)
        err = check_new(in, pk, g);
    if (err)
        ts_writer_fail(w, err);

    struct mikey_build b = put_hdr(w, type, in, &bundle);
    mikey_build_t(&b, in->t);
    if (!in->first)
        mikey_build_rand(&b, 0, in->rand);
    mikey_classic_put_id(&b, MIKEY_ID, in->id_i);
    for (size_t i = 0; pk && i < in->signer->n_cert; i++)
        mikey_classic_put_id(&b, MIKEY_CERT, in->signer->cert[i]);
    mikey_classic_put_id(&b, MIKEY_ID, in->id_r);
    if (in->sdp_ids.n)
        mikey_build_sdp_ids(&b, in->sdp_ids);
    for (size_t i = 0; i < in->n_sp; i++)
        mikey_build_sp(&b, &in->sp[i]);
    return b;
}
