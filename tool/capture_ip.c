/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture_ip.h"

#include "base/reader.h"

/* --- link layer --- */

/* LINKTYPE_ numbers and, where they differ, DLT_ numbers of this system. */
enum link {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_DLT = 12,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd

static bool is_vlan(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

bool mt_link_known(int link)
{
    switch (link) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_DLT:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_SLL:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_SLL2:
        return true;
    default:
        return false;
    }
}

enum ts_err mt_link_read(int link, struct ts_span frame, struct ts_span *ip)
{
    struct ts_reader r = ts_reader_span(frame);
    uint16_t type = TYPE_IPV4; /* or IPv6: its first four bits tell */
    switch (link) {
    case LINK_ETHERNET:
        (void)ts_get_span(&r, 12);
        type = ts_get_u16(&r);
        break;
    case LINK_SLL: /* type(2) ARPHRD(2) address length(2) address(8) */
        (void)ts_get_span(&r, 14);
        type = ts_get_u16(&r);
        break;
    case LINK_SLL2: /* protocol first, then reserved(2) index(4) ... */
        type = ts_get_u16(&r);
        (void)ts_get_span(&r, 18);
        break;
    case LINK_NULL: /* address family, in the order of whoever captured */
    case LINK_LOOP:
        (void)ts_get_u32(&r);
        break;
    default:
        if (!mt_link_known(link))
            return TS_E_UNKNOWN;
    }
    while (is_vlan(type) && !r.err) {
        (void)ts_get_u16(&r);
        type = ts_get_u16(&r);
    }
    if (r.err)
        return r.err;
    *ip = ts_get_span(&r, ts_reader_left(&r));
    return type == TYPE_IPV4 || type == TYPE_IPV6 ? TS_OK : TS_E_UNKNOWN;
}

/* --- UDP and TCP --- */

/* source port(2)  destination port(2)  length(2)  checksum(2) */
static void udp_read(struct ts_reader *r, struct mt_packet *p)
{
    p->from.port = ts_get_u16(r);
    p->to.port = ts_get_u16(r);
    size_t n = ts_get_u16(r);
    (void)ts_get_u16(r);
    size_t left = ts_reader_left(r); /* fewer if the frame was cut */
    n = n >= 8 && n - 8 < left ? n - 8 : left;
    p->data = ts_get_span(r, n);
}

/*
 *  source port(2)  destination port(2)  sequence number(4)  acknowledged(4)
 *  data offset(4 bits)  0(4)  flags(8)  window(2)  checksum(2)  urgent(2)
 */
static void tcp_read(struct ts_reader *r, struct mt_packet *p)
{
    p->from.port = ts_get_u16(r);
    p->to.port = ts_get_u16(r);
    p->seq = ts_get_u32(r);
    (void)ts_get_u32(r);
    size_t head = (size_t)(ts_get_u8(r) >> 4) * 4;
    uint8_t flags = ts_get_u8(r);
    p->fin = flags & 0x01;
    p->syn = flags & 0x02;
    p->rst = flags & 0x04;
    (void)ts_get_span(r, 6);
    if (head < 20)
        ts_reader_fail(r, TS_E_FORMAT);
    (void)ts_get_span(r, head - 20);
    p->data = ts_get_span(r, ts_reader_left(r));
}

static enum ts_err transport_read(struct ts_span data, struct mt_packet *p)
{
    struct ts_reader r = ts_reader_span(data);
    if (p->protocol == MT_UDP)
        udp_read(&r, p);
    else if (p->protocol == MT_TCP)
        tcp_read(&r, p);
    else
        return TS_E_UNKNOWN;
    return r.err;
}

static enum ts_err fragment_read(struct mt_frags *frags, struct mt_frag *frag,
                                 struct mt_packet *p)
{
    struct ts_span whole;
    frag->from = p->from;
    frag->to = p->to;
    frag->protocol = p->protocol;
    enum ts_err err = mt_frags_take(frags, frag, &whole);
    return err ? err : transport_read(whole, p);
}

/* --- IP --- */

static void address(struct ts_reader *r, struct mt_end *end, size_t n)
{
    struct ts_span addr = ts_get_span(r, n);
    *end = (struct mt_end){.v6 = n == 16};
    if (addr.n)
        memcpy(end->addr, addr.p, addr.n);
}

/* What is left of a packet, without what the link layer has put behind it. */
static struct ts_span rest(struct ts_reader *r, size_t n)
{
    size_t left = ts_reader_left(r);
    return ts_get_span(r, n < left ? n : left);
}

/*
 *  version(4 bits) IHL(4)  TOS(1)  total length(2)  identification(2)
 *  flags(3) offset(13)  TTL(1)  protocol(1)  checksum(2)  source(4)
 *  destination(4)  options
 */
static enum ts_err ipv4_read(struct mt_frags *frags, struct ts_span ip,
                             struct mt_packet *p)
{
    struct ts_reader r = ts_reader_span(ip);
    struct mt_frag frag = {0};
    size_t head = (size_t)(ts_get_u8(&r) & 0x0f) * 4;
    (void)ts_get_u8(&r);
    size_t total = ts_get_u16(&r);
    frag.id = ts_get_u16(&r);
    uint16_t at = ts_get_u16(&r);
    (void)ts_get_u8(&r);
    p->protocol = ts_get_u8(&r);
    (void)ts_get_u16(&r);
    address(&r, &p->from, 4);
    address(&r, &p->to, 4);
    if (total == 0) /* left to the network card */
        total = ip.n;
    if (head < 20 || total < head)
        ts_reader_fail(&r, TS_E_FORMAT);
    (void)ts_get_span(&r, head - 20);
    frag.data = rest(&r, total - head);
    if (r.err)
        return r.err;
    frag.more = at & 0x2000;
    frag.offset = (uint16_t)((at & 0x1fff) * 8);
    if (frag.more || frag.offset)
        return fragment_read(frags, &frag, p);
    return transport_read(frag.data, p);
}

enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTH = 51, OPTIONS = 60 };

/* next header(1)  reserved(1)  offset(13 bits) 0(2) M(1)  identification(4) */
static enum ts_err ipv6_fragment(struct mt_frags *frags, struct ts_reader *r,
                                 struct mt_packet *p)
{
    struct mt_frag frag = {0};
    p->protocol = ts_get_u8(r);
    (void)ts_get_u8(r);
    uint16_t at = ts_get_u16(r);
    frag.offset = at & 0xfff8;
    frag.more = at & 1;
    frag.id = ts_get_u32(r);
    frag.data = ts_get_span(r, ts_reader_left(r));
    if (r->err)
        return r->err;
    if (!frag.more && !frag.offset) /* alone, RFC 6946 */
        return transport_read(frag.data, p);
    return fragment_read(frags, &frag, p);
}

/*
 *  version(4 bits) class(8) flow(20)  payload length(2)  next header(1)
 *  hop limit(1)  source(16)  destination(16)  extension headers
 */
static enum ts_err ipv6_read(struct mt_frags *frags, struct ts_span ip,
                             struct mt_packet *p)
{
    struct ts_reader r = ts_reader_span(ip);
    (void)ts_get_u32(&r);
    size_t n = ts_get_u16(&r);
    p->protocol = ts_get_u8(&r);
    (void)ts_get_u8(&r);
    address(&r, &p->from, 16);
    address(&r, &p->to, 16);
    struct ts_span data = rest(&r, n ? n : ip.n);
    if (r.err)
        return r.err;
    r = ts_reader_span(data);
    while (!r.err) {
        uint8_t kind = p->protocol;
        if (kind == FRAGMENT)
            return ipv6_fragment(frags, &r, p);
        if (kind != HOP_BY_HOP && kind != ROUTING && kind != OPTIONS &&
            kind != AUTH)
            return transport_read(ts_get_span(&r, ts_reader_left(&r)), p);
        p->protocol = ts_get_u8(&r);
        size_t length = ts_get_u8(&r); /* in words behind the first or two */
        (void)ts_get_span(&r, kind == AUTH ? length * 4 + 6 : length * 8 + 6);
    }
    return r.err;
}

enum ts_err mt_ip_read(struct mt_frags *frags, struct ts_span ip,
                       struct mt_packet *p)
{
    *p = (struct mt_packet){0};
    if (ip.n == 0)
        return TS_E_SHORT;
    switch (ip.p[0] >> 4) {
    case 4:
        return ipv4_read(frags, ip, p);
    case 6:
        return ipv6_read(frags, ip, p);
    default:
        return TS_E_UNKNOWN;
    }
}
