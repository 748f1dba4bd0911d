/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TP and TICKET (RFC 6043 6.10) and the base ticket in it (Appendix A).
 */
#include "tool/decode.h"
#include "tool/encode.h"

/* The payloads of a region, behind what names the first of them. */
static void put_inside(struct mt_encoder *e, struct mt_obj *region,
                       size_t first, size_t next_at)
{
    if (e->depth == MT_NEST)
        mt_take_fail(&e->t, "payloads",
                     "more than %d regions inside each other; give hex",
                     MT_NEST);
    e->depth++;
    mt_encode_chain(e, region, first, next_at);
    e->depth--;
}

/* THDR Data length(2)  THDR Data, behind its next payload octet */
static void put_thdr(struct mt_encoder *e, struct mt_obj *region)
{
    struct mt_obj o;
    json_t *list = mt_take_list(region, "payloads");
    mt_obj_open_at(&o, &e->t, list, 0, "payloads");
    json_t *name = mt_need(&o, "payload");
    if (name &&
        (!json_is_string(name) || strcmp(json_string_value(name), "THDR") != 0))
        mt_take_fail(&e->t, "payload", "must be THDR here, the ticket header");
    (void)mt_take(&o, "type");
    (void)mt_take(&o, "offset");
    (void)mt_take(&o, "length");
    (void)mt_take(&o, "next payload");
    mt_encode_sized(e, &o, 2, "THDR Data len", "THDR Data");
    mt_obj_close(&o);
}

/* What a region begins with, and the payloads behind that. */
static void put_payloads(struct mt_encoder *e, struct mt_obj *region,
                         bool ticket)
{
    size_t next_at = e->w->len;
    ts_put_u8(e->w, MIKEY_LAST);
    if (ticket)
        put_thdr(e, region);
    put_inside(e, region, ticket ? 1 : 0, next_at);
}

/* A region, by its payloads or as octets. */
static void put_region(struct mt_encoder *e, json_t *json, const char *name,
                       bool ticket, bool base)
{
    struct mt_obj region;
    mt_obj_open(&region, &e->t, json, name);
    (void)mt_take(&region, "offset");
    (void)mt_take(&region, "length");
    if (!ticket)
        (void)mt_take(&region, "First Payload");
    json_t *octets = mt_take(&region, "hex");
    if (octets && !mt_take(&region, "payloads")) {
        (void)mt_take_hex(&region, "hex", e->w);
    } else if (ticket && !base) {
        mt_take_fail(&e->t, "payloads",
                     "only a base ticket (Ticket Type, Subtype and Version 1) "
                     "has them; give hex");
    } else {
        put_payloads(e, &region, ticket);
    }
    mt_obj_close(&region);
}

/*
 *  Ticket Type(2)  Subtype(1)  Version(1)  PRF func(7 bits) D
 *  E F G H I J K L   M N O Res(5)   TP Data length(2)  TP Data
 */
static bool put_policy(struct mt_encoder *e, struct mt_obj *o)
{
    static const char *const names[] = {"D", "E", "F", "G", "H", "I",
                                        "J", "K", "L", "M", "N", "O"};
    uint32_t type = mt_take_code(o, "Ticket Type", MT_TICKET_TYPE, 65535);
    uint64_t subtype = mt_take_number(o, "Subtype", 255);
    uint64_t version = mt_take_number(o, "Version", 255);
    uint32_t bits = mt_take_code(o, "PRF Func", MT_PRF_FUNC, 127);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        bits = bits << 1 | mt_take_bool(o, names[i]);
    bits = bits << 5 | (uint32_t)mt_take_reserved(o, "Res", 31);
    ts_put_u16(e->w, type);
    ts_put_u8(e->w, (unsigned)subtype);
    ts_put_u8(e->w, (unsigned)version);
    ts_put_u8(e->w, bits >> 16);
    ts_put_u16(e->w, bits & 0xffff);

    (void)mt_take(o, "TP Data Length");
    size_t mark = ts_open_u16(e->w);
    put_region(e, mt_need(o, "TP Data"), "TP Data", false, false);
    mt_encode_close(e, "TP Data", mark);
    return type == MIKEY_BASE_TICKET && subtype == MIKEY_BASE_SUBTYPE &&
           version == MIKEY_BASE_VERSION;
}

void mt_encode_tp(struct mt_encoder *e, struct mt_obj *o)
{
    (void)put_policy(e, o);
}

/* what TP has, then Ticket Data and Initiator Data, each behind its length */
void mt_encode_ticket(struct mt_encoder *e, struct mt_obj *o)
{
    bool base = put_policy(e, o);
    (void)mt_take(o, "Ticket Data Length");
    size_t mark = ts_open_u16(e->w);
    put_region(e, mt_need(o, "Ticket Data"), "Ticket Data", true, base);
    mt_encode_close(e, "Ticket Data", mark);

    (void)mt_take(o, "Initiator Data Length");
    json_t *init = mt_take(o, "Initiator Data");
    mark = ts_open_u16(e->w);
    if (init)
        put_region(e, init, "Initiator Data", false, false);
    mt_encode_close(e, "Initiator Data", mark);
}
