/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/encode.h"

#include "mikey/code.h"
#include "tool/agree.h"
#include "tool/decode.h"

/* --- for all payloads --- */

void mt_encode_fits(struct mt_encoder *e, const char *name)
{
    if (e->w->err == TS_E_RANGE)
        mt_take_fail(&e->t, name, "too long for its length field");
    else if (e->w->err)
        mt_take_fail(&e->t, name, "here the message exceeds %zu KiB",
                     e->w->cap / 1024);
}

void mt_encode_close(struct mt_encoder *e, const char *name, size_t mark)
{
    ts_close_u16(e->w, mark);
    mt_encode_fits(e, name);
}

void mt_encode_sized(struct mt_encoder *e, struct mt_obj *o, unsigned octets,
                     const char *length_name, const char *name)
{
    (void)mt_take(o, length_name);
    size_t mark = octets == 1 ? ts_open_u8(e->w) : ts_open_u16(e->w);
    (void)mt_take_hex(o, name, e->w);
    if (octets == 1)
        ts_close_u8(e->w, mark);
    else
        ts_close_u16(e->w, mark);
    mt_encode_fits(e, name);
}

/* --- the chain --- */

#define NOWHERE SIZE_MAX /* SIGN has no octet for a next payload */

/* By "payload", its name, or by "type", its number. */
static uint8_t payload_type(struct mt_obj *o)
{
    json_t *number = mt_take(o, "type");
    if (number && !mt_take(o, "payload"))
        return (uint8_t)mt_take_number(o, "type", 255);
    return (uint8_t)mt_take_code(o, "payload", MT_NEXT_PAYLOAD, 255);
}

static size_t put_payload(struct mt_encoder *e, struct mt_obj *o,
                          size_t next_at)
{
    uint8_t type = payload_type(o);
    (void)mt_take(o, "offset");
    (void)mt_take(o, "length");
    (void)mt_take(o, "next payload");
    if (next_at == NOWHERE)
        mt_take_fail(&e->t, NULL, "no payload can follow SIGN");
    else if (!e->w->err)
        e->w->buf[next_at] = type;
    next_at = type == MIKEY_SIGN ? NOWHERE : e->w->len;
    if (type != MIKEY_SIGN)
        ts_put_u8(e->w, MIKEY_LAST);
    mt_encode_payload(e, o, type);
    mt_encode_fits(e, NULL);
    return next_at;
}

void mt_encode_chain(struct mt_encoder *e, struct mt_obj *o, size_t first,
                     size_t next_at)
{
    struct mt_obj payload;
    json_t *list = mt_take_list(o, "payloads");
    for (size_t i = first; i < json_array_size(list) && !e->t.failed; i++) {
        mt_obj_open_at(&payload, &e->t, list, i, "payloads");
        next_at = put_payload(e, &payload, next_at);
        mt_obj_close(&payload);
    }
}

/* --- HDR --- */

/* SRTP-ID (RFC 3830 6.1.1) */
static void put_srtp_id(struct mt_encoder *e, struct mt_obj *o)
{
    ts_put_u8(e->w, (unsigned)mt_take_number(o, "Policy_no", 255));
    ts_put_u32(e->w, mt_take_hex32(o, "SSRC"));
    ts_put_u32(e->w, (uint32_t)mt_take_number(o, "ROC", UINT32_MAX));
}

/* Of SRTP, by its fields or as octets. */
static void put_session(struct mt_encoder *e, struct mt_obj *o, bool fields,
                        bool s)
{
    (void)mt_take(o, "Session Data Length");
    size_t mark = ts_open_u16(e->w);
    if (fields && mt_take(o, "SSRC")) {
        (void)mt_take(o, "Session Data");
        ts_put_u32(e->w, mt_take_hex32(o, "SSRC"));
        if (s) {
            uint64_t roc = mt_take_number(o, "ROC", UINT32_MAX);
            ts_put_u32(e->w, (uint32_t)roc);
            ts_put_u16(e->w, (unsigned)mt_take_number(o, "SEQ", UINT16_MAX));
        }
    } else {
        (void)mt_take_hex(o, "Session Data", e->w);
    }
    mt_encode_close(e, "Session Data", mark);
}

/* GENERIC-ID (RFC 6043 6.1.1) */
static void put_generic_id(struct mt_encoder *e, struct mt_obj *o)
{
    ts_put_u8(e->w, (unsigned)mt_take_number(o, "CS ID", 255));
    uint32_t prot = mt_take_code(o, "Prot type", MT_PROT_TYPE, 255);
    ts_put_u8(e->w, prot);
    bool s = mt_take_bool(o, "S");
    (void)mt_take(o, "#P");
    json_t *ps = mt_take_list(o, "Ps");
    size_t n = json_array_size(ps);
    if (n > 127)
        mt_take_fail(&e->t, "Ps", "more than 127 policies");
    ts_put_u8(e->w, (s ? 0x80u : 0) | (n & 0x7f));
    for (size_t i = 0; i < n; i++) {
        json_t *p = json_array_get(ps, i);
        if (!json_is_integer(p) || json_integer_value(p) < 0 ||
            json_integer_value(p) > 255)
            mt_take_fail(&e->t, "Ps", "must be numbers from 0 to 255");
        ts_put_u8(e->w, (unsigned)json_integer_value(p));
    }
    put_session(e, o, prot == MIKEY_PROT_SRTP, s);
    mt_encode_sized(e, o, 1, "SPI Length", "SPI");
}

/* #CS(1)  CS ID map type(1)  CS ID map info */
static void put_map(struct mt_encoder *e, struct mt_obj *hdr)
{
    struct mt_obj entry;
    json_t *map = mt_take(hdr, "CS ID map info");
    size_t n = json_array_size(map);
    if (map && !json_is_array(map))
        mt_take_fail(&e->t, "CS ID map info", "must be a list");
    if (n > 255)
        mt_take_fail(&e->t, "CS ID map info", "more than 255 sessions");
    (void)mt_take(hdr, "#CS");
    ts_put_u8(e->w, (unsigned)n);
    uint32_t type = mt_take_code(hdr, "CS ID map type", MT_MAP_TYPE, 255);
    ts_put_u8(e->w, type);
    if (type > MIKEY_MAP_GENERIC)
        mt_take_fail(&e->t, "CS ID map type", "only 0, 1 and 2 are known");
    if (type == MIKEY_MAP_EMPTY && n)
        mt_take_fail(&e->t, "CS ID map info", "an Empty map holds nothing");
    for (size_t i = 0; i < n && !e->t.failed; i++) {
        mt_obj_open_at(&entry, &e->t, map, i, "CS ID map info");
        (void)mt_take(&entry, "offset");
        (void)mt_take(&entry, "length");
        if (type == MIKEY_MAP_SRTP)
            put_srtp_id(e, &entry);
        else
            put_generic_id(e, &entry);
        mt_encode_fits(e, NULL);
        mt_obj_close(&entry);
    }
}

/*
 *  version(1)  data type(1)  next payload(1)  V(1 bit) PRF func(7)
 *  CSB ID(4), then the map
 */
static void put_hdr(struct mt_encoder *e, struct mt_obj *o)
{
    (void)mt_take(o, "offset");
    (void)mt_take(o, "length");
    uint64_t version = MIKEY_VERSION;
    if (mt_take(o, "version"))
        version = mt_take_number(o, "version", 255);
    if (version != MIKEY_VERSION && !e->t.failed)
        mt_take_fail(&e->t, "version", "only 1 is known");
    ts_put_u8(e->w, (unsigned)version);
    ts_put_u8(e->w, mt_take_code(o, "data type", MT_DATA_TYPE, 255));
    (void)mt_take(o, "next payload");
    ts_put_u8(e->w, MIKEY_LAST);
    bool v = mt_take_bool(o, "V");
    uint32_t prf = mt_take_code(o, "PRF func", MT_PRF_FUNC, 127);
    ts_put_u8(e->w, (v ? 0x80u : 0) | prf);
    ts_put_u32(e->w, mt_take_hex32(o, "CSB ID"));
    put_map(e, o);
}

/* --- the whole --- */

static void put_message(struct mt_encoder *e, json_t *root)
{
    struct mt_obj o, hdr;
    mt_obj_open(&o, &e->t, root, "");
    (void)mt_take(&o, "length");
    (void)mt_take(&o, "form");
    mt_obj_open(&hdr, &e->t, mt_need(&o, "HDR"), "HDR");
    put_hdr(e, &hdr);
    mt_obj_close(&hdr);
    mt_encode_chain(e, &o, 0, 2);
    mt_obj_close(&o);
}

bool mt_encode(json_t *root, struct ts_writer *w, bool fix, FILE *notes,
               char why[static MT_LONG_WHY])
{
    char wrong[MT_WHY];
    struct mt_encoder e = {.t = mt_take_begin(why), .w = w};
    put_message(&e, root);
    if (e.t.failed)
        return false;
    json_t *made = mt_decode(ts_written(w), wrong);
    if (!made) {
        snprintf(why, MT_LONG_WHY, "not well-formed when written: %s", wrong);
        return false;
    }
    if (!fix)
        mt_agree(&e.t, root, made);
    else if (notes)
        mt_note_all(root, made, notes);
    json_decref(made);
    return !e.t.failed;
}
