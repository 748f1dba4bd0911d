/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/decode.h"

#include <stdio.h>

#include "tool/put.h"

size_t mt_offset(const struct mt_decoder *d, const uint8_t *at)
{
    return (size_t)(at - d->start);
}

bool mt_wrong(const struct mt_decoder *d, const uint8_t *at, const char *in,
              enum ts_err err)
{
    snprintf(d->why, MT_WHY, "offset %zu, %s: %s", mt_offset(d, at), in,
             ts_strerror(err));
    return false;
}

/* SRTP-ID (RFC 3830 6.1.1) */
static void srtp_id(json_t *o, struct ts_reader *r)
{
    mt_put_number(o, "Policy_no", ts_get_u8(r));
    mt_put_hex32(o, "SSRC", ts_get_u32(r));
    mt_put_number(o, "ROC", ts_get_u32(r));
}

/* GENERIC-ID (RFC 6043 6.1.1) */
static void generic_id(json_t *o, const struct mikey_cs *cs)
{
    json_t *ps = mt_array();
    mt_put_number(o, "CS ID", cs->id);
    mt_put_code(o, "Prot type", MT_PROT_TYPE, cs->prot);
    mt_put_bool(o, "S", cs->s);
    mt_put_number(o, "#P", cs->policies.n);
    mt_put(o, "Ps", ps);
    for (size_t i = 0; i < cs->policies.n; i++)
        mt_append(ps, json_integer(cs->policies.p[i]));
    mt_put_number(o, "Session Data Length", cs->session.n);
    mt_put_hex(o, "Session Data", cs->session);
    if (cs->prot == MIKEY_PROT_SRTP && cs->session.n) {
        mt_put_hex32(o, "SSRC", cs->ssrc);
        if (cs->s) {
            mt_put_number(o, "ROC", cs->roc);
            mt_put_number(o, "SEQ", cs->seq);
        }
    }
    mt_put_number(o, "SPI Length", cs->spi.n);
    mt_put_hex(o, "SPI", cs->spi);
}

/* mikey_hdr_read() walked over the map before, so nothing fails here. */
static json_t *decode_map(const struct mt_decoder *d,
                          const struct mikey_hdr *hdr)
{
    json_t *map = mt_array();
    struct ts_reader r = ts_reader_span(hdr->map);
    while (ts_reader_left(&r)) {
        const uint8_t *at = r.p;
        struct mikey_cs cs;
        json_t *o = mt_object();
        mt_append(map, o);
        mt_put_number(o, "offset", mt_offset(d, at));
        mt_put_number(o, "length", 0); /* its place; known below */
        if (hdr->map_type == MIKEY_MAP_SRTP)
            srtp_id(o, &r);
        else if (mikey_cs_read(&r, &cs) == TS_OK)
            generic_id(o, &cs);
        mt_put_number(o, "length", (size_t)(r.p - at));
    }
    return map;
}

static json_t *decode_hdr(const struct mt_decoder *d,
                          const struct mikey_hdr *hdr, size_t n)
{
    json_t *o = mt_object();
    mt_put_number(o, "offset", 0);
    mt_put_number(o, "length", n);
    mt_put_number(o, "version", MIKEY_VERSION);
    mt_put_code(o, "data type", MT_DATA_TYPE, hdr->type);
    mt_put_code(o, "next payload", MT_NEXT_PAYLOAD, hdr->next);
    mt_put_bool(o, "V", hdr->v);
    mt_put_code(o, "PRF func", MT_PRF_FUNC, hdr->prf);
    mt_put_hex32(o, "CSB ID", hdr->csb);
    mt_put_number(o, "#CS", hdr->n_cs);
    mt_put_code(o, "CS ID map type", MT_MAP_TYPE, hdr->map_type);
    mt_put(o, "CS ID map info", decode_map(d, hdr));
    return o;
}

bool mt_decode_chain(const struct mt_decoder *d, struct mikey_chain *c,
                     json_t *payloads)
{
    struct mikey_payload p;
    const char *name = "the chain of payloads";
    uint8_t type = c->next;

    while (mikey_chain_next(c, &p)) {
        json_t *o = mt_object();
        mt_append(payloads, o);
        mt_put(o, "payload", json_string(mt_name(MT_NEXT_PAYLOAD, p.type)));
        mt_put_number(o, "type", p.type);
        mt_put_number(o, "offset", mt_offset(d, p.body.p));
        mt_put_number(o, "length", p.body.n);
        if (p.type != MIKEY_SIGN)
            mt_put_code(o, "next payload", MT_NEXT_PAYLOAD, p.next);
        if (!mt_decode_payload(d, &p, o))
            return false;
        type = c->next;
    }
    enum ts_err err = mikey_chain_end(c);
    if (type != MIKEY_LAST)
        name = mt_name(MT_NEXT_PAYLOAD, type);
    return !err || mt_wrong(d, c->r.p, name ? name : "a payload", err);
}

/* What a chain alone does not show: payloads that stand twice, V not last. */
static bool check_whole(const struct mt_decoder *d, struct ts_span msg)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(msg, &m, NULL);
    return !err || mt_wrong(d, d->start, "the message as a whole", err);
}

json_t *mt_decode(struct ts_span msg, char why[static MT_WHY])
{
    const struct mt_decoder d = {msg.p, why, 0};
    struct ts_reader r = ts_reader_span(msg);
    struct mikey_hdr hdr;
    enum ts_err err = mikey_hdr_read(&r, &hdr);
    if (err) {
        (void)mt_wrong(&d, msg.p + ts_reader_pos(&r), "HDR", err);
        return NULL;
    }
    json_t *o = mt_object(), *payloads = mt_array();
    mt_put_number(o, "length", msg.n);
    mt_put(o, "HDR", decode_hdr(&d, &hdr, ts_reader_pos(&r)));
    mt_put(o, "payloads", payloads);
    struct mikey_chain c = {r, hdr.next};
    if (mt_decode_chain(&d, &c, payloads) && check_whole(&d, msg))
        return o;
    json_decref(o);
    return NULL;
}
