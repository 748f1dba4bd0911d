/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of each payload under the names that RFC 3830 section 6 and RFC
 * 6043 section 6 give them.
 */
#include "mikey/keydata.h"
#include "tool/decode.h"
#include "tool/put.h"

static void put_id(json_t *o, const struct mikey_id *id)
{
    mt_put_code(o, "ID Type", MT_ID_TYPE, id->type);
    mt_put_number(o, "ID len", id->data.n);
    mt_put_hex(o, "ID data", id->data);
    mt_put_printable(o, "text", id->data);
}

static void put_cert(json_t *o, const struct mikey_id *cert)
{
    mt_put_code(o, "Cert Type", MT_CERT_TYPE, cert->type);
    mt_put_number(o, "Cert len", cert->data.n);
    mt_put_hex(o, "Certificate data", cert->data);
}

/* The value has its 4 or 8 octets at the very end of the payload. */
static void put_ts(json_t *o, const struct mikey_payload *p,
                   struct mikey_time t)
{
    bool wide = t.type == MIKEY_NTP_UTC || t.type == MIKEY_NTP;
    size_t n = wide ? 8 : 4;
    mt_put_code(o, "TS Type", MT_TS_TYPE, t.type);
    mt_put_hex(o, "TS Value", ts_span(p->body.p + p->body.n - n, n));
    mt_put_time(o, "time", t);
}

static void put_tr(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "TS Role", MT_TS_ROLE, p->u.tr.role);
    put_ts(o, p, p->u.tr.t);
    if (p->u.tr.role == MIKEY_TRR) { /* a duration, not a time */
        mt_put(o, "time", json_null());
        mt_put_number(o, "seconds", p->u.tr.t.value >> 32);
    }
}

static void put_rand(json_t *o, struct ts_span rand)
{
    mt_put_number(o, "RAND len", rand.n);
    mt_put_hex(o, "RAND", rand);
}

static void put_kv(json_t *o, const struct mikey_key *k)
{
    mt_put_code(o, "KV", MT_KV, k->kv);
    if (k->kv == MIKEY_KV_SPI) {
        mt_put_number(o, "SPI Length", k->spi.n);
        mt_put_hex(o, "SPI", k->spi);
    } else if (k->kv == MIKEY_KV_INTERVAL) {
        mt_put_number(o, "VF Length", k->from.n);
        mt_put_hex(o, "Valid From", k->from);
        mt_put_number(o, "VT Length", k->to.n);
        mt_put_hex(o, "Valid To", k->to);
    }
}

static json_t *decode_key(const struct mikey_key *k)
{
    json_t *o = mt_object();
    mt_put_code(o, "Type", MT_KEY_TYPE, k->type);
    mt_put_number(o, "Key data len", k->key.n);
    mt_put_hex(o, "Key data", k->key);
    if (k->type == MIKEY_TGK_SALT || k->type == MIKEY_TEK_SALT ||
        k->type == MIKEY_GTGK_SALT) {
        mt_put_number(o, "Salt len", k->salt.n);
        mt_put_hex(o, "Salt data", k->salt);
    }
    put_kv(o, k);
    return o;
}

/* Encryption NULL: the Key Data can be read, as in the TP of a request. */
static void put_keys(json_t *o, struct ts_span data)
{
    struct mikey_keys keys;
    if (mikey_keys_read(data, &keys))
        return; /* RFC 3830 allows an ID before the keys */
    json_t *list = mt_array();
    for (size_t i = 0; i < keys.n; i++)
        mt_append(list, decode_key(&keys.k[i]));
    mt_put(o, "Key data sub-payloads", list);
}

static void put_kemac(json_t *o, const struct mikey_kemac *k)
{
    mt_put_code(o, "Encr alg", MT_ENCR_ALG, k->encr);
    mt_put_number(o, "Encr data len", k->data.n);
    mt_put_hex(o, "Encr data", k->data);
    if (k->encr == MIKEY_ENCR_NULL)
        put_keys(o, k->data);
    mt_put_code(o, "Mac alg", MT_MAC_ALG, k->mac_alg);
    mt_put_hex(o, "MAC", k->mac);
}

/* The KV data of DH are what stands behind the value and its KV octet. */
static void put_dh(json_t *o, const struct mikey_payload *p)
{
    size_t head = 2 + p->u.dh.value.n + 1;
    mt_put_code(o, "DH-Group", MT_DH_GROUP, p->u.dh.group);
    mt_put_hex(o, "DH-value", p->u.dh.value);
    mt_put_number(o, "reserv", p->body.p[head - 1] >> 4);
    mt_put_code(o, "KV", MT_KV, p->u.dh.kv);
    mt_put_hex(o, "KV data", ts_span(p->body.p + head, p->body.n - head));
}

static void put_sign(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "S type", MT_S_TYPE, p->u.sign.type);
    mt_put_number(o, "Signature len", p->u.sign.data.n);
    mt_put_hex(o, "Signature", p->u.sign.data);
}

static void put_pke(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "C", MT_PKE_C, p->u.pke.c);
    mt_put_number(o, "Data len", p->u.pke.data.n);
    mt_put_hex(o, "Data", p->u.pke.data);
}

static void put_chash(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "Hash func", MT_HASH_FUNC, p->u.chash.func);
    mt_put_hex(o, "Hash", p->u.chash.data);
}

static void put_v(json_t *o, const struct mikey_v *v)
{
    mt_put_code(o, "Auth alg", MT_MAC_ALG, v->alg);
    mt_put_hex(o, "Ver data", v->mac);
}

static void put_err(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "Error no", MT_ERROR_NO, p->u.error.no);
    mt_put_hex(o, "Reserved", ts_span(p->body.p + 2, 2));
}

static void put_ext(json_t *o, const struct mikey_payload *p)
{
    mt_put_code(o, "Type", MT_EXT_TYPE, p->u.ext.type);
    mt_put_number(o, "Length", p->u.ext.data.n);
    mt_put_hex(o, "Data", p->u.ext.data);
    mt_put_printable(o, "text", p->u.ext.data);
}

/* One parameter: number, value, and the name of a value that is an algorithm */
static json_t *decode_param(uint8_t prot, uint8_t type, struct ts_span v)
{
    static const enum mt_registry algorithms[] = {
        [0] = MT_SRTP_ENCR, [2] = MT_SRTP_AUTH, [5] = MT_SRTP_PRF};
    json_t *o = mt_object();
    if (prot == MIKEY_PROT_SRTP)
        mt_put_code(o, "Type", MT_SRTP_PARAM, type);
    else
        mt_put_number(o, "Type", type);
    mt_put_number(o, "Length", v.n);
    mt_put_hex(o, "Value", v);
    if (prot != MIKEY_PROT_SRTP || v.n == 0 || v.n > 4)
        return o;
    uint32_t number = 0;
    for (size_t i = 0; i < v.n; i++)
        number = number << 8 | v.p[i];
    mt_put_number(o, "number", number);
    if (type == 0 || type == 2 || type == 5)
        mt_put_code(o, "algorithm", algorithms[type], number);
    return o;
}

static bool put_sp(const struct mt_decoder *d, json_t *o,
                   const struct mikey_sp *sp)
{
    json_t *params = mt_array();
    struct ts_reader r = ts_reader_span(sp->params);
    mt_put_number(o, "Policy no", sp->no);
    mt_put_code(o, "Prot type", MT_PROT_TYPE, sp->prot);
    mt_put_number(o, "Policy param length", sp->params.n);
    mt_put(o, "Policy param", params);
    while (ts_reader_left(&r)) {
        uint8_t type = ts_get_u8(&r);
        struct ts_span v = ts_get_span(&r, ts_get_u8(&r));
        if (!r.err)
            mt_append(params, decode_param(sp->prot, type, v));
    }
    return !r.err || mt_wrong(d, r.p, "SP", r.err);
}

/* The payloads whose fields were all read already. */
static void put_plain(json_t *o, const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_KEMAC:
        put_kemac(o, &p->u.kemac);
        break;
    case MIKEY_PKE:
        put_pke(o, p);
        break;
    case MIKEY_DH:
        put_dh(o, p);
        break;
    case MIKEY_SIGN:
        put_sign(o, p);
        break;
    case MIKEY_T:
        put_ts(o, p, p->u.t);
        break;
    case MIKEY_CERT:
        put_cert(o, &p->u.id);
        break;
    case MIKEY_CHASH:
        put_chash(o, p);
        break;
    case MIKEY_V:
        put_v(o, &p->u.v);
        break;
    case MIKEY_ERR:
        put_err(o, p);
        break;
    case MIKEY_TR:
        put_tr(o, p);
        break;
    case MIKEY_EXT:
        put_ext(o, p);
        break;
    default:
        break;
    }
}

bool mt_decode_payload(const struct mt_decoder *d,
                       const struct mikey_payload *p, json_t *o)
{
    switch (p->type) {
    case MIKEY_SP:
        return put_sp(d, o, &p->u.sp);
    case MIKEY_TP:
        return mt_decode_tp(d, &p->u.tp, o);
    case MIKEY_TICKET:
        return mt_decode_ticket(d, &p->u.ticket, o);
    case MIKEY_IDR:
        mt_put_code(o, "ID Role", MT_ID_ROLE, p->u.id.role);
        put_id(o, &p->u.id);
        return true;
    case MIKEY_ID:
        put_id(o, &p->u.id);
        return true;
    case MIKEY_RANDR:
        mt_put_code(o, "RAND Role", MT_RAND_ROLE, p->u.rand.role);
        put_rand(o, p->u.rand.data);
        return true;
    case MIKEY_RAND:
        put_rand(o, p->u.rand.data);
        return true;
    default:
        put_plain(o, p);
        return true;
    }
}
