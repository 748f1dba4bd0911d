/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/msg.h"

/* Store one IDR; each role at most once outside TP Data. */
static enum ts_err take_idr(struct mikey_msg *m, const struct mikey_id *id)
{
    if (id->role >= MIKEY_IDR_ROLES)
        return TS_OK; /* unexpected: ignored */
    if (m->idr[id->role].data.p)
        return TS_E_DUPLICATE;
    m->idr[id->role] = *id;
    return TS_OK;
}

static enum ts_err take_once(struct ts_span *to, struct ts_span data)
{
    if (to->p)
        return TS_E_DUPLICATE;
    *to = data;
    return TS_OK;
}

static enum ts_err take_rand(struct mikey_msg *m, uint8_t role,
                             struct ts_span data)
{
    if (role == 0 || role > MIKEY_RAND_KMS)
        return TS_OK; /* unexpected: ignored */
    return take_once(&m->rand[role], data);
}

static enum ts_err take_sp(struct mikey_msg *m, const struct mikey_sp *sp)
{
    if (m->n_sp == MIKEY_SP_MAX)
        return TS_E_UNSUPPORTED;
    for (unsigned i = 0; i < m->n_sp; i++)
        if (m->sp[i].no == sp->no)
            return TS_E_DUPLICATE; /* policy numbers are unique */
    m->sp[m->n_sp++] = *sp;
    return TS_OK;
}

/* What may stand several times, in an order that matters. */
static enum ts_err take_list(struct mikey_msg *m, const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_SP:
        return take_sp(m, &p->u.sp);
    case MIKEY_CERT:
        if (m->n_cert == MIKEY_CERT_MAX)
            return TS_E_UNSUPPORTED;
        m->cert[m->n_cert++] = p->u.id;
        return TS_OK;
    case MIKEY_ID:
        if (m->n_id < 2) /* a third one is unexpected */
            m->id[m->n_id++] = p->u.id;
        return TS_OK;
    default:
        if (m->n_err == MIKEY_ERR_MAX)
            return TS_E_UNSUPPORTED;
        m->err[m->n_err++] = p->u.error.no;
        return TS_OK;
    }
}

/* Set a thing that may stand once. */
#define ONCE(flag, field, value)                                               \
    do {                                                                       \
        if (flag)                                                              \
            return TS_E_DUPLICATE;                                             \
        flag = true;                                                           \
        field = value;                                                         \
    } while (0)

static enum ts_err take(struct mikey_msg *m, const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_T:
        ONCE(m->has_t, m->t, p->u.t);
        return TS_OK;
    case MIKEY_RAND:
        return take_once(&m->rand[0], p->u.rand.data);
    case MIKEY_RANDR:
        return take_rand(m, p->u.rand.role, p->u.rand.data);
    case MIKEY_IDR: /* R216 */
        return take_idr(m, &p->u.id);
    case MIKEY_TP:
        ONCE(m->has_tp, m->tp, p->u.tp);
        return TS_OK;
    case MIKEY_TICKET:
        ONCE(m->has_ticket, m->ticket, p->u.ticket);
        return TS_OK;
    case MIKEY_KEMAC:
        ONCE(m->has_kemac, m->kemac, p->u.kemac);
        return TS_OK;
    case MIKEY_V:
        if (p->next != MIKEY_LAST)
            return TS_E_ORDER; /* R21, R42, R60: V is the last payload */
        ONCE(m->has_v, m->v, p->u.v);
        return TS_OK;
    case MIKEY_SIGN: /* the reader ends the chain with it */
        m->has_sign = true;
        m->sign = p->u.sign;
        return TS_OK;
    case MIKEY_PKE:
        ONCE(m->has_pke, m->pke, p->u.pke);
        return TS_OK;
    case MIKEY_CHASH:
        if (m->chash.data.p)
            return TS_E_DUPLICATE;
        m->chash = p->u.chash;
        return TS_OK;
    case MIKEY_SP:
    case MIKEY_ERR:
    case MIKEY_CERT:
    case MIKEY_ID:
        return take_list(m, p);
    case MIKEY_EXT:
        if (p->u.ext.type != MIKEY_EXT_SDP_IDS)
            return TS_OK;
        return take_once(&m->sdp_ids, p->u.ext.data);
    default: /* ignored: R30, R46, R64, R88, R116, R135, R180 */
        return TS_OK;
    }
}

/* GENERIC-ID: CS ID is unique in the CSB. */
static enum ts_err check_map(const struct mikey_hdr *hdr)
{
    if (hdr->map_type != MIKEY_MAP_GENERIC)
        return TS_OK;
    uint8_t seen[32] = {0};
    struct ts_reader r = ts_reader_span(hdr->map);
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        enum ts_err err = mikey_cs_read(&r, &cs);
        if (err)
            return err;
        if (seen[cs.id / 8] & 1u << cs.id % 8)
            return TS_E_DUPLICATE;
        seen[cs.id / 8] |= (uint8_t)(1u << cs.id % 8);
    }
    return ts_reader_end(&r);
}

static enum ts_err read_payloads(struct mikey_msg *m, struct mikey_chain *c)
{
    struct mikey_payload p;
    while (mikey_chain_next(c, &p)) {
        enum ts_err err = take(m, &p);
        if (err) {
            m->bad_at = mikey_at(m, p.body);
            m->bad_in = p.type;
            return err;
        }
    }
    m->bad_at = (size_t)(c->r.p - m->raw.p);
    m->bad_in = c->next;
    return mikey_chain_end(c);
}

enum ts_err mikey_msg_read(struct ts_span raw, struct mikey_msg *m,
                           bool *hdr_ok)
{
    *m = (struct mikey_msg){.raw = raw};
    struct ts_reader r = ts_reader_span(raw);
    enum ts_err err = mikey_hdr_read(&r, &m->hdr);
    if (hdr_ok)
        *hdr_ok = !err;
    if (!err)
        err = check_map(&m->hdr);
    if (err) {
        m->bad_at = ts_reader_pos(&r);
        return err;
    }
    struct mikey_chain c = {r, m->hdr.next};
    return read_payloads(m, &c);
}
