/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common header and each payload, read as the figures of the RFCs show
 * them. Offsets and widths: mikey-ticket.md section 2.
 */
#include "mikey/msg.h"

/* SRTP Session Data: SSRC(4), and if S: ROC(4) SEQ(2); R198, R206 */
static void session_data_read(struct ts_reader *r, struct mikey_cs *cs)
{
    if (cs->session.n == 0 || cs->prot != MIKEY_PROT_SRTP)
        return;
    if (cs->session.n != (cs->s ? 10u : 4u)) {
        ts_reader_fail(r, TS_E_FORMAT);
        return;
    }
    struct ts_reader d = ts_reader_span(cs->session);
    cs->ssrc = ts_get_u32(&d);
    cs->roc = cs->s ? ts_get_u32(&d) : 0;
    cs->seq = cs->s ? ts_get_u16(&d) : 0;
}

/*
 *  CS ID(1)  Prot type(1)  S(1 bit) #P(7)  Ps(#P)
 *  Session Data length(2)  Session Data  SPI length(1)  SPI
 */
enum ts_err mikey_cs_read(struct ts_reader *r, struct mikey_cs *cs)
{
    cs->id = ts_get_u8(r);
    cs->prot = ts_get_u8(r);
    uint8_t sp = ts_get_u8(r);
    cs->s = sp & 0x80;
    cs->policies = ts_get_span(r, sp & 0x7f);
    cs->session = ts_get_span(r, ts_get_u16(r));
    cs->spi = ts_get_span(r, ts_get_u8(r));
    cs->ssrc = cs->roc = 0;
    cs->seq = 0;
    session_data_read(r, cs);
    return r->err;
}

/* policy_no(1)  SSRC(4)  ROC(4); entry n has CS ID n + 1 */
static enum ts_err srtp_id_read(struct ts_reader *r, unsigned nth,
                                struct mikey_cs *cs)
{
    *cs = (struct mikey_cs){.id = (uint8_t)(nth + 1)};
    cs->policies = ts_get_span(r, 1);
    cs->session = ts_get_span(r, 4);
    struct ts_reader d = ts_reader_span(cs->session);
    cs->ssrc = ts_get_u32(&d);
    cs->roc = ts_get_u32(r);
    return r->err;
}

enum ts_err mikey_map_next(const struct mikey_hdr *hdr, unsigned nth,
                           struct ts_reader *r, struct mikey_cs *cs)
{
    return hdr->map_type == MIKEY_MAP_SRTP ? srtp_id_read(r, nth, cs)
                                           : mikey_cs_read(r, cs);
}

/* Walk the map so that its end, and with it the first payload, is known. */
static void map_read(struct ts_reader *r, struct mikey_hdr *hdr)
{
    const uint8_t *start = r->p;
    struct mikey_cs cs;

    switch (hdr->map_type) {
    case MIKEY_MAP_SRTP:
        (void)ts_get_span(r, 9u * hdr->n_cs);
        break;
    case MIKEY_MAP_EMPTY:
        if (hdr->n_cs)
            ts_reader_fail(r, TS_E_FORMAT);
        break;
    case MIKEY_MAP_GENERIC:
        for (unsigned i = 0; i < hdr->n_cs; i++)
            if (mikey_cs_read(r, &cs))
                break;
        break;
    default:
        ts_reader_fail(r, TS_E_UNKNOWN);
    }
    hdr->map = ts_span(start, (size_t)(r->p - start));
}

/*
 *  version(1)  data type(1)  next payload(1)  V(1 bit) PRF func(7)
 *  CSB ID(4)  #CS(1)  CS ID map type(1)  CS ID map info
 */
enum ts_err mikey_hdr_read(struct ts_reader *r, struct mikey_hdr *hdr)
{
    if (ts_get_u8(r) != MIKEY_VERSION)
        ts_reader_fail(r, TS_E_UNKNOWN);
    hdr->type = ts_get_u8(r);
    hdr->next = ts_get_u8(r);
    uint8_t v = ts_get_u8(r);
    hdr->v = v & 0x80;
    hdr->prf = v & 0x7f;
    hdr->csb = ts_get_u32(r);
    hdr->n_cs = ts_get_u8(r);
    hdr->map_type = ts_get_u8(r);
    if (!r->err)
        map_read(r, hdr);
    return r->err;
}

/* TS type(1)  TS value(8 or 4). R215: NTP-UTC-32 gets a zero fraction. */
static struct mikey_time time_read(struct ts_reader *r)
{
    struct mikey_time t = {.type = ts_get_u8(r)};
    switch (t.type) {
    case MIKEY_NTP_UTC:
    case MIKEY_NTP:
        t.value = ts_get_u64(r);
        break;
    case MIKEY_COUNTER:
        t.value = ts_get_u32(r);
        break;
    case MIKEY_NTP_UTC_32:
        t.value = (uint64_t)ts_get_u32(r) << 32;
        break;
    default:
        ts_reader_fail(r, TS_E_UNKNOWN);
    }
    return t;
}

static struct ts_span mac_read(struct ts_reader *r, uint8_t alg)
{
    static const uint8_t lens[] = {0, 20, 32};
    if (alg >= sizeof lens) {
        ts_reader_fail(r, TS_E_UNKNOWN);
        return ts_span(NULL, 0);
    }
    return ts_get_span(r, lens[alg]);
}

/* Encr alg(1)  Encr data len(2)  Encr data  MAC alg(1)  MAC */
static void kemac_read(struct ts_reader *r, struct mikey_kemac *k)
{
    k->encr = ts_get_u8(r);
    k->data = ts_get_span(r, ts_get_u16(r));
    k->mac_alg = ts_get_u8(r);
    k->mac = mac_read(r, k->mac_alg);
}

/*
 *  Ticket Type(2)  Subtype(1)  Version(1)  PRF func(7 bits) D
 *  E F G H I J K L   M N O Res(5)   TP Data length(2)  TP Data
 */
static void tp_read(struct ts_reader *r, struct mikey_tp *tp)
{
    tp->kind.type = ts_get_u16(r);
    tp->kind.subtype = ts_get_u8(r);
    tp->kind.version = ts_get_u8(r);
    uint8_t prf = ts_get_u8(r);
    uint16_t rest = ts_get_u16(r);
    tp->prf = prf >> 1;
    tp->flags = (uint16_t)((prf & 1) << 11 | rest >> 5);
    tp->reserved = rest & 0x1f;
    tp->data = ts_get_span(r, ts_get_u16(r));
}

/* what TP has, then two more lengths with their data */
static void ticket_read(struct ts_reader *r, struct mikey_ticket *t)
{
    tp_read(r, &t->tp);
    t->data = ts_get_span(r, ts_get_u16(r));
    t->init = ts_get_span(r, ts_get_u16(r));
}

void mikey_kv_read(struct ts_reader *r, uint8_t kv, struct ts_span *spi,
                   struct ts_span *from, struct ts_span *to)
{
    if (kv == MIKEY_KV_SPI) {
        *spi = ts_get_span(r, ts_get_u8(r));
    } else if (kv == MIKEY_KV_INTERVAL) {
        *from = ts_get_span(r, ts_get_u8(r));
        *to = ts_get_span(r, ts_get_u8(r));
    } else if (kv != MIKEY_KV_NULL) {
        ts_reader_fail(r, TS_E_UNKNOWN);
    }
}

/* DH-Group(1)  DH value(by group)  reserved(4 bits) KV(4)  KV data */
static void dh_read(struct ts_reader *r, struct mikey_dh *dh)
{
    static const uint8_t lens[] = {192, 96, 128};
    *dh = (struct mikey_dh){.group = ts_get_u8(r)};
    if (dh->group >= sizeof lens) {
        ts_reader_fail(r, TS_E_UNKNOWN);
        return;
    }
    dh->value = ts_get_span(r, lens[dh->group]);
    uint8_t kv = ts_get_u8(r);
    dh->reserved = kv >> 4;
    dh->kv = kv & 0x0f;
    mikey_kv_read(r, dh->kv, &dh->spi, &dh->from, &dh->to);
}

/* hash func(1)  hash(by func) */
static void chash_read(struct ts_reader *r, struct mikey_chash *h)
{
    static const uint8_t lens[] = {20, 16, 32};
    h->func = ts_get_u8(r);
    if (h->func >= sizeof lens)
        ts_reader_fail(r, TS_E_UNKNOWN);
    else
        h->data = ts_get_span(r, lens[h->func]);
}

/* S type(4 bits)  Signature len(12)  Signature: no next payload, always last */
static void sign_read(struct mikey_chain *c, struct mikey_payload *p)
{
    uint16_t head = ts_get_u16(&c->r);
    p->u.sign.type = (uint8_t)(head >> 12);
    p->u.sign.data = ts_get_span(&c->r, head & 0x0fff);
    p->next = MIKEY_LAST;
}

/* The payloads of a few octets. */
static void small_read(struct ts_reader *r, struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_TR: /* TS role(1), then as T */
        p->u.tr.role = ts_get_u8(r);
        p->u.tr.t = time_read(r);
        break;
    case MIKEY_IDR: /* ID role(1), then as ID */
        p->u.id.role = ts_get_u8(r);
        __attribute__((fallthrough));
    case MIKEY_ID:
    case MIKEY_CERT: /* type(1)  len(2)  data */
        p->u.id.type = ts_get_u8(r);
        p->u.id.data = ts_get_span(r, ts_get_u16(r));
        break;
    case MIKEY_RANDR: /* RAND role(1), then as RAND */
        p->u.rand.role = ts_get_u8(r);
        __attribute__((fallthrough));
    case MIKEY_RAND: /* RAND len(1)  RAND */
        p->u.rand.data = ts_get_span(r, ts_get_u8(r));
        break;
    case MIKEY_SP: /* Policy no(1)  Prot type(1)  param len(2)  params */
        p->u.sp.no = ts_get_u8(r);
        p->u.sp.prot = ts_get_u8(r);
        p->u.sp.params = ts_get_span(r, ts_get_u16(r));
        break;
    case MIKEY_ERR: /* Error no(1)  reserved(2) */
        p->u.error.no = ts_get_u8(r);
        (void)ts_get_u16(r);
        break;
    case MIKEY_EXT: /* Type(1)  Length(2)  data */
        p->u.ext.type = ts_get_u8(r);
        p->u.ext.data = ts_get_span(r, ts_get_u16(r));
        break;
    default: /* a length that nobody can tell */
        ts_reader_fail(r, TS_E_UNKNOWN);
    }
}

static void body_read(struct ts_reader *r, struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_KEMAC:
        kemac_read(r, &p->u.kemac);
        break;
    case MIKEY_PKE: { /* C(2 bits)  Data len(14)  Data */
        uint16_t head = ts_get_u16(r);
        p->u.pke.c = (uint8_t)(head >> 14);
        p->u.pke.data = ts_get_span(r, head & 0x3fff);
        break;
    }
    case MIKEY_DH:
        dh_read(r, &p->u.dh);
        break;
    case MIKEY_T:
        p->u.t = time_read(r);
        break;
    case MIKEY_CHASH:
        chash_read(r, &p->u.chash);
        break;
    case MIKEY_V: /* Auth alg(1)  MAC(by alg) */
        p->u.v.alg = ts_get_u8(r);
        p->u.v.mac = mac_read(r, p->u.v.alg);
        break;
    case MIKEY_TP:
        tp_read(r, &p->u.tp);
        break;
    case MIKEY_TICKET:
        ticket_read(r, &p->u.ticket);
        break;
    default:
        small_read(r, p);
    }
}

struct mikey_chain mikey_chain_init(struct ts_span region, uint8_t first)
{
    return (struct mikey_chain){ts_reader_span(region), first};
}

struct mikey_chain mikey_chain_first(struct ts_span region)
{
    struct mikey_chain c = {ts_reader_span(region), 0};
    c.next = ts_get_u8(&c.r);
    return c;
}

bool mikey_chain_next(struct mikey_chain *c, struct mikey_payload *p)
{
    if (c->next == MIKEY_LAST || c->r.err)
        return false;
    const uint8_t *start = c->r.p;
    p->type = c->next;
    if (p->type == MIKEY_SIGN) {
        sign_read(c, p);
    } else {
        p->next = ts_get_u8(&c->r);
        body_read(&c->r, p);
    }
    if (c->r.err)
        return false;
    p->body = ts_span(start, (size_t)(c->r.p - start));
    if (p->type == MIKEY_TICKET)
        p->u.ticket.body = p->body;
    c->next = p->next;
    return true;
}

enum ts_err mikey_chain_end(const struct mikey_chain *c)
{
    return ts_reader_end(&c->r);
}
