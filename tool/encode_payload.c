/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of each payload, in the order of the wire. What decode shows of
 * the same octets a second time, so that people can read it, is what counts
 * when it is there.
 */
#include "mikey/keydata.h"
#include "tool/encode.h"
#include "tool/when.h"

static unsigned code8(struct mt_encoder *e, struct mt_obj *o, const char *name,
                      enum mt_registry registry)
{
    uint32_t value = mt_take_code(o, name, registry, 255);
    ts_put_u8(e->w, value);
    return value;
}

/* Octets whose number n follows from a code point. */
static void put_exact(struct mt_encoder *e, struct mt_obj *o, const char *name,
                      size_t n, const char *by)
{
    size_t is = mt_take_hex(o, name, e->w);
    if (is != n)
        mt_take_fail(&e->t, name, "has %zu octets, must have %zu for this %s",
                     is, n, by);
}

/* How many octets belong to a code point of a short list. */
static size_t length_of(struct mt_encoder *e, const char *name, unsigned code,
                        const uint8_t *lengths, size_t n)
{
    if (code < n)
        return lengths[code];
    mt_take_fail(&e->t, name,
                 "what stands behind a %u has no known length; "
                 "known are 0 to %zu",
                 code, n - 1);
    return 0;
}

static void put_mac(struct mt_encoder *e, struct mt_obj *o, const char *alg,
                    const char *name)
{
    static const uint8_t lengths[] = {0, 20, 32};
    unsigned code = code8(e, o, alg, MT_MAC_ALG);
    put_exact(e, o, name, length_of(e, alg, code, lengths, sizeof lengths),
              alg);
}

/* --- identities, certificates, extensions --- */

/* Octets behind a 16-bit length, by a text if there is one. */
static void put_text_or_hex(struct mt_encoder *e, struct mt_obj *o,
                            const char *length_name, const char *name)
{
    const char *text = mt_take_text(o, "text");
    if (!text) {
        mt_encode_sized(e, o, 2, length_name, name);
        return;
    }
    (void)mt_take(o, length_name);
    (void)mt_take(o, name);
    size_t mark = ts_open_u16(e->w);
    ts_put(e->w, text, strlen(text));
    mt_encode_close(e, "text", mark);
}

static void put_id(struct mt_encoder *e, struct mt_obj *o)
{
    (void)code8(e, o, "ID Type", MT_ID_TYPE);
    put_text_or_hex(e, o, "ID len", "ID data");
}

static void put_cert(struct mt_encoder *e, struct mt_obj *o)
{
    (void)code8(e, o, "Cert Type", MT_CERT_TYPE);
    mt_encode_sized(e, o, 2, "Cert len", "Certificate data");
}

static void put_ext(struct mt_encoder *e, struct mt_obj *o)
{
    (void)code8(e, o, "Type", MT_EXT_TYPE);
    put_text_or_hex(e, o, "Length", "Data");
}

/* --- timestamps --- */

/* As decode shows it: TRr as seconds, others as a time to a microsecond. */
static bool shows(uint64_t ntp, const json_t *view)
{
    struct mt_when given, is = mt_when_of_ntp(ntp);
    if (json_is_integer(view))
        return (uint64_t)json_integer_value(view) == ntp >> 32;
    return mt_when_read(json_string_value(view), &given) &&
           given.seconds == is.seconds && given.micro == is.micro;
}

static uint64_t ntp_of(struct mt_encoder *e, struct mt_obj *o, const char *name,
                       const json_t *view)
{
    struct mt_when when;
    uint64_t ntp = 0;
    if (!json_is_string(view))
        return mt_take_number(o, name, UINT32_MAX) << 32;
    if (!mt_when_read(json_string_value(view), &when))
        mt_take_fail(&e->t, name, "must be like 2019-08-15T16:00:03.500000Z");
    else if (!mt_when_to_ntp(when, &ntp))
        mt_take_fail(&e->t, name, "NTP has times from 1968 to 2104 only");
    return ntp;
}

/* TS Value may be finer than its view: it counts as long as they agree. */
static uint64_t time_value(struct mt_encoder *e, struct mt_obj *o, size_t n,
                           const char *name)
{
    uint8_t b[8] = {0};
    struct ts_writer w = ts_writer_init(b, n);
    json_t *view = mt_take(o, name);
    json_t *value = view ? mt_take(o, "TS Value") : mt_need(o, "TS Value");
    if (value && mt_take_hex(o, "TS Value", &w) != n)
        mt_take_fail(&e->t, "TS Value", "must have %zu octets for this TS Type",
                     n);
    uint64_t ntp = 0;
    for (size_t i = 0; i < sizeof b; i++)
        ntp = ntp << 8 | b[i];
    if (!view || e->t.failed)
        return ntp;
    if (!json_is_string(view) && !json_is_integer(view))
        mt_take_fail(&e->t, name, "must be a text, or a number of seconds");
    else if (!value || !shows(ntp, view))
        ntp = ntp_of(e, o, name, view);
    return ntp;
}

static void put_ts(struct mt_encoder *e, struct mt_obj *o, bool rekey)
{
    static const uint8_t lengths[] = {8, 8, 4, 4};
    unsigned type = code8(e, o, "TS Type", MT_TS_TYPE);
    size_t n = length_of(e, "TS Type", type, lengths, sizeof lengths);
    const char *view = rekey ? "seconds" : "time";
    if (rekey)
        (void)mt_take(o, "time"); /* null: it is none */
    if (type == MIKEY_COUNTER) {
        (void)mt_take(o, view); /* it has none */
        put_exact(e, o, "TS Value", n, "TS Type");
        return;
    }
    uint64_t ntp = time_value(e, o, n, view);
    ts_put_u32(e->w, (uint32_t)(ntp >> 32));
    if (n == 8)
        ts_put_u32(e->w, (uint32_t)ntp);
}

/* --- KEMAC --- */

static void put_kv(struct mt_encoder *e, struct mt_obj *o, unsigned kv)
{
    if (kv == MIKEY_KV_SPI) {
        mt_encode_sized(e, o, 1, "SPI Length", "SPI");
    } else if (kv == MIKEY_KV_INTERVAL) {
        mt_encode_sized(e, o, 1, "VF Length", "Valid From");
        mt_encode_sized(e, o, 1, "VT Length", "Valid To");
    }
}

static void put_key(struct mt_encoder *e, struct mt_obj *o, bool last)
{
    ts_put_u8(e->w, last ? MIKEY_LAST : MIKEY_KEY_DATA);
    uint32_t type = mt_take_code(o, "Type", MT_KEY_TYPE, MIKEY_MPK);
    uint32_t kv = mt_take_code(o, "KV", MT_KV, MIKEY_KV_INTERVAL);
    ts_put_u8(e->w, type << 4 | kv);
    mt_encode_sized(e, o, 2, "Key data len", "Key data");
    if (type == MIKEY_TGK_SALT || type == MIKEY_TEK_SALT ||
        type == MIKEY_GTGK_SALT)
        mt_encode_sized(e, o, 2, "Salt len", "Salt data");
    put_kv(e, o, kv);
}

/* With encryption NULL the keys count, if they are there. */
static void put_keys(struct mt_encoder *e, struct mt_obj *o, json_t *keys)
{
    static const char name[] = "Key data sub-payloads";
    struct mt_obj key;
    size_t n = json_array_size(keys);
    (void)mt_take(o, "Encr data");
    if (!json_is_array(keys) || n == 0 || n > MIKEY_KEYS_MAX)
        mt_take_fail(&e->t, name, "must be a list of 1 to %d keys",
                     MIKEY_KEYS_MAX);
    for (size_t i = 0; i < n && !e->t.failed; i++) {
        mt_obj_open_at(&key, &e->t, keys, i, name);
        put_key(e, &key, i + 1 == n);
        mt_encode_fits(e, NULL);
        mt_obj_close(&key);
    }
}

static void put_kemac(struct mt_encoder *e, struct mt_obj *o)
{
    unsigned encr = code8(e, o, "Encr alg", MT_ENCR_ALG);
    (void)mt_take(o, "Encr data len");
    json_t *keys = mt_take(o, "Key data sub-payloads");
    if (keys && encr != MIKEY_ENCR_NULL)
        mt_take_fail(&e->t, "Key data sub-payloads",
                     "encryption is not NULL; leave them out");
    size_t mark = ts_open_u16(e->w);
    if (keys)
        put_keys(e, o, keys);
    else
        (void)mt_take_hex(o, "Encr data", e->w);
    mt_encode_close(e, "Encr data", mark);
    put_mac(e, o, "Mac alg", "MAC");
}

/* --- lengths that share their octets with a code point --- */

static void put_bits(struct mt_encoder *e, struct mt_obj *o, uint32_t code,
                     unsigned bits, const char *length_name, const char *name)
{
    (void)mt_take(o, length_name);
    size_t mark = ts_open_u16(e->w);
    size_t n = mt_take_hex(o, name, e->w);
    if (n >> bits)
        ts_writer_fail(e->w, TS_E_RANGE);
    mt_encode_close(e, name, mark);
    if (!e->w->err)
        e->w->buf[mark - 2] |= (uint8_t)(code << (bits - 8));
}

static void put_pke(struct mt_encoder *e, struct mt_obj *o)
{
    uint32_t c = mt_take_code(o, "C", MT_PKE_C, 3);
    put_bits(e, o, c, 14, "Data len", "Data");
}

static void put_sign(struct mt_encoder *e, struct mt_obj *o)
{
    uint32_t type = mt_take_code(o, "S type", MT_S_TYPE, 15);
    put_bits(e, o, type, 12, "Signature len", "Signature");
}

/* --- SP --- */

/* The octets of Value, or of its view where they do not agree. */
static void put_value(struct mt_encoder *e, struct mt_obj *o, uint32_t type)
{
    uint8_t b[255];
    struct ts_writer value = ts_writer_init(b, sizeof b);
    static const enum mt_registry algorithms[] = {
        [0] = MT_SRTP_ENCR, [2] = MT_SRTP_AUTH, [5] = MT_SRTP_PRF};
    bool algorithm = type == 0 || type == 2 || type == 5;
    bool view = mt_take(o, "number"), octets = mt_take(o, "Value");
    uint32_t number = 0, is = 0;
    if (algorithm && mt_take(o, "algorithm")) {
        number = mt_take_code(o, "algorithm", algorithms[type], UINT32_MAX);
        view = true;
    } else if (view) {
        number = (uint32_t)mt_take_number(o, "number", UINT32_MAX);
    }
    if (octets || !view)
        (void)mt_take_hex(o, "Value", &value);
    if (value.err)
        mt_take_fail(&e->t, "Value", "too long for its length field");
    for (size_t i = 0; i < value.len && value.len <= 4; i++)
        is = is << 8 | b[i];
    if (view && (value.len == 0 || value.len > 4 || is != number)) {
        size_t n = number >> 24   ? 4
                   : number >> 16 ? 3
                   : number >> 8  ? 2
                   : type == 13   ? 2 /* ROC transmission rate: RFC 4771 */
                                  : 1;
        for (value.len = n; n > 0; number >>= 8)
            b[--n] = (uint8_t)number;
    }
    ts_put_u8(e->w, (unsigned)value.len);
    ts_put(e->w, b, value.len);
}

/* type(1)  length(1)  value */
static void put_param(struct mt_encoder *e, struct mt_obj *o, bool srtp)
{
    uint32_t type = srtp ? mt_take_code(o, "Type", MT_SRTP_PARAM, 255)
                         : (uint32_t)mt_take_number(o, "Type", 255);
    ts_put_u8(e->w, type);
    (void)mt_take(o, "Length");
    if (srtp)
        put_value(e, o, type);
    else
        mt_encode_sized(e, o, 1, "Length", "Value");
}

static void put_sp(struct mt_encoder *e, struct mt_obj *o)
{
    struct mt_obj param;
    ts_put_u8(e->w, (unsigned)mt_take_number(o, "Policy no", 255));
    bool srtp = code8(e, o, "Prot type", MT_PROT_TYPE) == MIKEY_PROT_SRTP;
    (void)mt_take(o, "Policy param length");
    size_t mark = ts_open_u16(e->w);
    json_t *list = mt_take_list(o, "Policy param");
    for (size_t i = 0; i < json_array_size(list) && !e->t.failed; i++) {
        mt_obj_open_at(&param, &e->t, list, i, "Policy param");
        put_param(e, &param, srtp);
        mt_encode_fits(e, NULL);
        mt_obj_close(&param);
    }
    mt_encode_close(e, "Policy param", mark);
}

/* --- the others --- */

static void put_dh(struct mt_encoder *e, struct mt_obj *o)
{
    static const uint8_t lengths[] = {192, 96, 128};
    unsigned group = code8(e, o, "DH-Group", MT_DH_GROUP);
    size_t n = length_of(e, "DH-Group", group, lengths, sizeof lengths);
    put_exact(e, o, "DH-value", n, "DH-Group");
    uint64_t reserved = mt_take_reserved(o, "reserv", 15);
    uint32_t kv = mt_take_code(o, "KV", MT_KV, MIKEY_KV_INTERVAL);
    ts_put_u8(e->w, (unsigned)reserved << 4 | kv);
    (void)mt_take_hex(o, "KV data", e->w);
}

static void put_chash(struct mt_encoder *e, struct mt_obj *o)
{
    static const uint8_t lengths[] = {20, 16, 32};
    unsigned func = code8(e, o, "Hash func", MT_HASH_FUNC);
    size_t n = length_of(e, "Hash func", func, lengths, sizeof lengths);
    put_exact(e, o, "Hash", n, "Hash func");
}

static void put_err(struct mt_encoder *e, struct mt_obj *o)
{
    (void)code8(e, o, "Error no", MT_ERROR_NO);
    if (mt_take(o, "Reserved"))
        put_exact(e, o, "Reserved", 2, "payload");
    else
        ts_put_u16(e->w, 0);
}

static void put_tr(struct mt_encoder *e, struct mt_obj *o)
{
    put_ts(e, o, code8(e, o, "TS Role", MT_TS_ROLE) == MIKEY_TRR);
}

/* The payloads with a role or type and no more. */
static void put_small(struct mt_encoder *e, struct mt_obj *o, uint8_t type)
{
    switch (type) {
    case MIKEY_T:
        put_ts(e, o, false);
        break;
    case MIKEY_IDR:
        (void)code8(e, o, "ID Role", MT_ID_ROLE);
        put_id(e, o);
        break;
    case MIKEY_ID:
        put_id(e, o);
        break;
    case MIKEY_RANDR:
        (void)code8(e, o, "RAND Role", MT_RAND_ROLE);
        __attribute__((fallthrough));
    case MIKEY_RAND:
        mt_encode_sized(e, o, 1, "RAND len", "RAND");
        break;
    case MIKEY_V:
        put_mac(e, o, "Auth alg", "Ver data");
        break;
    default:
        mt_take_fail(&e->t, "payload",
                     "nobody knows the fields of a payload of type %u", type);
    }
}

void mt_encode_payload(struct mt_encoder *e, struct mt_obj *o, uint8_t type)
{
    static void (*const put[])(struct mt_encoder *, struct mt_obj *) = {
        [MIKEY_KEMAC] = put_kemac, [MIKEY_PKE] = put_pke,
        [MIKEY_DH] = put_dh,       [MIKEY_SIGN] = put_sign,
        [MIKEY_CERT] = put_cert,   [MIKEY_CHASH] = put_chash,
        [MIKEY_SP] = put_sp,       [MIKEY_ERR] = put_err,
        [MIKEY_TR] = put_tr,       [MIKEY_EXT] = put_ext,
        [MIKEY_TP] = mt_encode_tp, [MIKEY_TICKET] = mt_encode_ticket,
    };
    if (e->t.failed)
        return;
    if (type < sizeof put / sizeof put[0] && put[type])
        put[type](e, o);
    else
        put_small(e, o, type);
}
