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

static enum ts_err take_rand(struct mikey_msg *m, uint8_t role,
                             struct ts_span data)
{
    if (role == 0 || role > MIKEY_RAND_KMS)
        return TS_OK;
    if (m->rand[role].p)
        return TS_E_DUPLICATE;
    m->rand[role] = data;
    return TS_OK;
}

static enum ts_err take_list(struct mikey_msg *m, const struct mikey_payload *p)
{
    if (p->type == MIKEY_SP) {
        if (m->n_sp == MIKEY_SP_MAX)
            return TS_E_UNSUPPORTED;
        for (unsigned i = 0; i < m->n_sp; i++)
            if (m->sp[i].no == p->u.sp.no)
                return TS_E_DUPLICATE; /* policy numbers are unique */
        m->sp[m->n_sp++] = p->u.sp;
    } else {
        if (m->n_err == MIKEY_ERR_MAX)
            return TS_E_UNSUPPORTED;
        m->err[m->n_err++] = p->u.error.no;
    }
    return TS_OK;
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
    case MIKEY_SP:
    case MIKEY_ERR:
        return take_list(m, p);
    case MIKEY_EXT:
        if (p->u.ext.type != MIKEY_EXT_SDP_IDS)
            return TS_OK;
        if (m->sdp_ids.p)
            return TS_E_DUPLICATE;
        m->sdp_ids = p->u.ext.data;
        return TS_OK;
    default: /* unexpected payloads are ignored: R30, R46, R64, R116 ... */
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

enum ts_err mikey_msg_read(struct ts_span raw, struct mikey_msg *m,
                           bool *hdr_ok)
{
    *m = (struct mikey_msg){.raw = raw};
    struct ts_reader r = ts_reader_span(raw);
    enum ts_err err = mikey_hdr_read(&r, &m->hdr);
    if (hdr_ok)
        *hdr_ok = !err;
    if (err)
        return err;
    err = check_map(&m->hdr);
    if (err)
        return err;

    struct mikey_chain c = {r, m->hdr.next};
    struct mikey_payload p;
    while (mikey_chain_next(&c, &p)) {
        err = take(m, &p);
        if (err)
            return err;
    }
    return mikey_chain_end(&c);
}
