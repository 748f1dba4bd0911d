/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/build.h"

struct mikey_build mikey_build_first(struct ts_writer *w)
{
    struct mikey_build b = {w, w->len, w->len};
    ts_put_u8(w, MIKEY_LAST);
    return b;
}

struct mikey_build mikey_build_hdr(struct ts_writer *w,
                                   const struct mikey_hdr *hdr)
{
    struct mikey_build b = {w, w->len, w->len + 2};
    ts_put_u8(w, MIKEY_VERSION);
    ts_put_u8(w, hdr->type);
    ts_put_u8(w, MIKEY_LAST);
    ts_put_u8(w, (hdr->v ? 0x80u : 0) | hdr->prf);
    ts_put_u32(w, hdr->csb);
    ts_put_u8(w, hdr->n_cs);
    ts_put_u8(w, hdr->map_type);
    ts_put_span(w, hdr->map);
    return b;
}

void mikey_build_payload(struct mikey_build *b, enum mikey_next type)
{
    if (!b->w->err)
        b->w->buf[b->next_at] = (uint8_t)type;
    b->next_at = b->w->len;
    ts_put_u8(b->w, MIKEY_LAST);
}

static void put_time(struct ts_writer *w, struct mikey_time t)
{
    ts_put_u8(w, t.type);
    if (t.type == MIKEY_NTP_UTC || t.type == MIKEY_NTP)
        ts_put_u64(w, t.value);
    else if (t.type == MIKEY_COUNTER)
        ts_put_u32(w, (uint32_t)t.value);
    else if (t.type == MIKEY_NTP_UTC_32)
        ts_put_u32(w, (uint32_t)(t.value >> 32));
    else
        ts_writer_fail(w, TS_E_RANGE);
}

void mikey_build_t(struct mikey_build *b, struct mikey_time t)
{
    mikey_build_payload(b, MIKEY_T);
    put_time(b->w, t);
}

void mikey_build_tr(struct mikey_build *b, enum mikey_ts_role role,
                    struct mikey_time t)
{
    mikey_build_payload(b, MIKEY_TR);
    ts_put_u8(b->w, role);
    put_time(b->w, t);
}

void mikey_build_rand(struct mikey_build *b, unsigned role, struct ts_span v)
{
    mikey_build_payload(b, role ? MIKEY_RANDR : MIKEY_RAND);
    if (role)
        ts_put_u8(b->w, role);
    size_t mark = ts_open_u8(b->w);
    ts_put_span(b->w, v);
    ts_close_u8(b->w, mark);
}

void mikey_build_idr(struct mikey_build *b, enum mikey_id_role role,
                     struct mikey_id id)
{
    if (!id.data.p)
        return;
    mikey_build_payload(b, MIKEY_IDR);
    ts_put_u8(b->w, role);
    ts_put_u8(b->w, id.type);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, id.data);
    ts_close_u16(b->w, mark);
}

void mikey_build_cert(struct mikey_build *b, const struct mikey_id *cert)
{
    mikey_build_payload(b, MIKEY_CERT);
    ts_put_u8(b->w, cert->type);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, cert->data);
    ts_close_u16(b->w, mark);
}

void mikey_build_chash(struct mikey_build *b, const struct mikey_chash *chash)
{
    mikey_build_payload(b, MIKEY_CHASH);
    ts_put_u8(b->w, chash->func);
    ts_put_span(b->w, chash->data);
}

void mikey_build_pke(struct mikey_build *b, enum mikey_pke_cache c,
                     const struct mikey_sealer *sealer, struct ts_span env_key)
{
    mikey_build_payload(b, MIKEY_PKE);
    if (sealer->len > MIKEY_PKE_MAX)
        ts_writer_fail(b->w, TS_E_RANGE);
    ts_put_u16(b->w, (unsigned)c << 14 | sealer->len);
    uint8_t *out = ts_put_room(b->w, sealer->len);
    if (!out)
        return;
    enum ts_err err = sealer->seal(sealer->arg, env_key, out);
    if (err)
        ts_writer_fail(b->w, err);
}

void mikey_build_sp(struct mikey_build *b, const struct mikey_sp *sp)
{
    mikey_build_payload(b, MIKEY_SP);
    ts_put_u8(b->w, sp->no);
    ts_put_u8(b->w, sp->prot);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, sp->params);
    ts_close_u16(b->w, mark);
}

void mikey_build_sdp_ids(struct mikey_build *b, struct ts_span list)
{
    mikey_build_payload(b, MIKEY_EXT);
    ts_put_u8(b->w, MIKEY_EXT_SDP_IDS);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, list);
    ts_close_u16(b->w, mark);
}

void mikey_build_ticket_as(struct mikey_build *b, const struct mikey_ticket *t,
                           struct ts_span init)
{
    /* np, policy and Ticket Data as they are; then the two last fields */
    size_t keep = t->body.n - 2 - t->init.n;
    mikey_build_payload(b, MIKEY_TICKET);
    ts_put(b->w, t->body.p + 1, keep - 1);
    size_t mark = ts_open_u16(b->w);
    ts_put_span(b->w, init);
    ts_close_u16(b->w, mark);
}

uint8_t *mikey_build_v_room(struct mikey_build *b,
                            const struct mikey_suite *suite)
{
    mikey_build_payload(b, MIKEY_V);
    ts_put_u8(b->w, suite->auth);
    return ts_put_room(b->w, suite->mac);
}

void mikey_build_v(struct mikey_build *b, const struct mikey_suite *suite,
                   struct mikey_hmac *h, struct ts_span tail1,
                   struct ts_span tail2)
{
    uint8_t *mac = mikey_build_v_room(b, suite);
    if (!mac)
        return;
    const uint8_t *start = b->w->buf + b->start;
    mikey_hmac_add(h, ts_span(start, (size_t)(mac - start)));
    mikey_hmac_add(h, tail1);
    mikey_hmac_add(h, tail2);
    mikey_hmac_end(h, mac, suite->mac);
}

enum ts_err mikey_v_verify(const struct mikey_msg *m,
                           const struct mikey_suite *suite,
                           struct mikey_hmac *h, struct ts_span tail1,
                           struct ts_span tail2)
{
    if (!m->has_v)
        return TS_E_MISSING;
    if (m->v.alg != suite->auth)
        return TS_E_UNSUPPORTED;
    uint8_t mac[MIKEY_MAC_MAX];
    mikey_hmac_add(h, ts_span(m->raw.p, mikey_at(m, m->v.mac)));
    mikey_hmac_add(h, tail1);
    mikey_hmac_add(h, tail2);
    mikey_hmac_end(h, mac, suite->mac);
    bool good = ts_equal(mac, suite->mac, m->v.mac.p, m->v.mac.n);
    ts_wipe(mac, sizeof mac);
    return good ? TS_OK : TS_E_AUTH;
}

void mikey_build_sign(struct mikey_build *b, const struct mikey_signer *signer,
                      struct ts_span tail1, struct ts_span tail2)
{
    struct ts_writer *w = b->w;
    if (signer->len > MIKEY_SIGN_MAX)
        ts_writer_fail(w, TS_E_RANGE);
    if (!w->err)
        w->buf[b->next_at] = MIKEY_SIGN;
    ts_put_u16(w, (unsigned)signer->s_type << 12 | signer->len);
    uint8_t *sig = ts_put_room(w, signer->len);
    if (!sig)
        return;
    const uint8_t *start = w->buf + b->start;
    const struct ts_span parts[] = {ts_span(start, (size_t)(sig - start)),
                                    tail1, tail2};
    enum ts_err err = signer->sign(signer->arg, parts, 3, sig);
    if (err)
        ts_writer_fail(w, err);
}

enum ts_err mikey_sign_verify(const struct mikey_msg *m,
                              const struct mikey_verifier *verifier,
                              struct ts_span tail1, struct ts_span tail2)
{
    if (!m->has_sign)
        return TS_E_MISSING;
    const struct ts_span parts[] = {
        ts_span(m->raw.p, m->raw.n - m->sign.data.n), tail1, tail2};
    return verifier->verify(verifier->arg, m->sign.type, parts, 3,
                            m->sign.data);
}
