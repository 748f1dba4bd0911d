/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TP and TICKET (RFC 6043 6.10) and the base ticket in it (Appendix A).
 */
#include "mikey/policy.h"
#include "tool/decode.h"
#include "tool/put.h"

/* A region, its content still to be put. */
static json_t *put_place(const struct mt_decoder *d, json_t *o, const char *key,
                         struct ts_span data)
{
    json_t *region = mt_object();
    mt_put(o, key, region);
    mt_put_number(region, "offset", mt_offset(d, data.p));
    mt_put_number(region, "length", data.n);
    return region;
}

static bool decode_inside(const struct mt_decoder *d, struct mikey_chain *c,
                          json_t *payloads)
{
    const struct mt_decoder inside = {d->start, d->why, d->depth + 1};
    return mt_decode_chain(&inside, c, payloads);
}

/* A region with a First Payload octet and a chain behind it. */
static bool put_region(const struct mt_decoder *d, json_t *o, const char *key,
                       struct ts_span data)
{
    struct mikey_chain c = mikey_chain_first(data);
    json_t *region = put_place(d, o, key, data);
    if (d->depth == MT_NEST) {
        mt_put_hex(region, "hex", data);
        return true;
    }
    json_t *payloads = mt_array();
    mt_put_code(region, "First Payload", MT_NEXT_PAYLOAD, c.next);
    mt_put(region, "payloads", payloads);
    if (c.r.err)
        return mt_wrong(d, data.p, key, c.r.err);
    return decode_inside(d, &c, payloads);
}

bool mt_decode_tp(const struct mt_decoder *d, const struct mikey_tp *tp,
                  json_t *o)
{
    static const char flags[] = "DEFGHIJKLMNO";
    mt_put_code(o, "Ticket Type", MT_TICKET_TYPE, tp->kind.type);
    mt_put_number(o, "Subtype", tp->kind.subtype);
    mt_put_number(o, "Version", tp->kind.version);
    mt_put_code(o, "PRF Func", MT_PRF_FUNC, tp->prf);
    for (unsigned i = 0; flags[i]; i++)
        mt_put_bool(o, (char[]){flags[i], '\0'}, tp->flags & MIKEY_FLAG_D >> i);
    mt_put_number(o, "Res", tp->reserved);
    mt_put_number(o, "TP Data Length", tp->data.n);
    return put_region(d, o, "TP Data", tp->data);
}

/* THDR has no type number and no payload before it that could name it. */
static json_t *decode_thdr(const struct mt_decoder *d, const uint8_t *at,
                           uint8_t next, struct ts_span data)
{
    json_t *o = mt_object();
    mt_put_text(o, "payload", "THDR");
    mt_put(o, "type", json_null());
    mt_put_number(o, "offset", mt_offset(d, at));
    mt_put_number(o, "length", 3 + data.n);
    mt_put_code(o, "next payload", MT_NEXT_PAYLOAD, next);
    mt_put_number(o, "THDR Data len", data.n);
    mt_put_hex(o, "THDR Data", data);
    return o;
}

static bool put_base(const struct mt_decoder *d, json_t *region,
                     struct ts_span data)
{
    json_t *payloads = mt_array();
    mt_put(region, "payloads", payloads);
    struct mikey_chain c = mikey_chain_first(data);
    struct ts_span thdr = ts_get_span(&c.r, ts_get_u16(&c.r));
    if (c.r.err) /* c.r.p is no place in the message if data is empty */
        return mt_wrong(d, data.p + ts_reader_pos(&c.r), "THDR", c.r.err);
    mt_append(payloads, decode_thdr(d, data.p, c.next, thdr));
    return decode_inside(d, &c, payloads);
}

bool mt_decode_ticket(const struct mt_decoder *d, const struct mikey_ticket *t,
                      json_t *o)
{
    bool base = mikey_kind_equal(t->tp.kind, mikey_kind_base);
    if (!mt_decode_tp(d, &t->tp, o))
        return false;
    mt_put_number(o, "Ticket Data Length", t->data.n);
    json_t *region = put_place(d, o, "Ticket Data", t->data);
    mt_put_hex(region, "hex", t->data);
    if (base && d->depth < MT_NEST && !put_base(d, region, t->data))
        return false;
    mt_put_number(o, "Initiator Data Length", t->init.n);
    if (t->init.n)
        return put_region(d, o, "Initiator Data", t->init);
    mt_put(o, "Initiator Data", json_null());
    return true;
}
