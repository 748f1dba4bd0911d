/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builders of mikey/exchange.h and mikey/kms.h with arguments out of JSON.
 */
#include "tests/differ.h"

#include "mikey/kms.h"

#define KEYS 16

/* --- arguments --- */

static const struct mikey_suite *suite_of(const json_t *o)
{
    if (json_is_true(json_object_get(o, "wrap")))
        return mikey_suite_kw();
    return mikey_suite_bits(differ_number(o, "bits"));
}

static struct mikey_id id_in(const json_t *o)
{
    return (struct mikey_id){
        .type = (uint8_t)differ_number(o, "type"),
        .data = differ_octets(o, "data"),
    };
}

/* data.p is NULL where the member is null or not there. */
static struct mikey_id id_of(const json_t *o, const char *name)
{
    return id_in(json_object_get(o, name));
}

static struct mikey_time time_of(const json_t *o, const char *name)
{
    const json_t *t = json_object_get(o, name);
    struct ts_span value = differ_octets(t, "value");
    struct mikey_time time = {.type = (uint8_t)differ_number(t, "type")};
    for (size_t i = 0; i < value.n; i++)
        time.value = time.value << 8 | value.p[i];
    if (time.type == MIKEY_NTP_UTC_32)
        time.value <<= 32;
    return time;
}

static size_t keys_of(const json_t *o, const char *name, struct mikey_key *k)
{
    const json_t *list = json_object_get(o, name);
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < KEYS; i++) {
        const json_t *one = json_array_get(list, i);
        k[i] = (struct mikey_key){
            .type = (uint8_t)differ_number(one, "type"),
            .kv = MIKEY_KV_SPI,
            .key = differ_octets(one, "key"),
            .salt = differ_octets(one, "salt"),
            .spi = differ_octets(one, "SPI"),
        };
    }
    return n < KEYS ? n : KEYS;
}

static size_t sps_of(const json_t *o, struct mikey_sp *sp)
{
    const json_t *list = json_object_get(o, "sp");
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < MIKEY_SP_MAX; i++) {
        const json_t *one = json_array_get(list, i);
        sp[i] = (struct mikey_sp){
            .no = (uint8_t)differ_number(one, "no"),
            .prot = (uint8_t)differ_number(one, "prot"),
            .params = differ_octets(one, "params"),
        };
    }
    return n < MIKEY_SP_MAX ? n : MIKEY_SP_MAX;
}

/* A GENERIC-ID map; gives the number of its entries. */
static uint8_t map_of(const json_t *o, struct ts_writer *w)
{
    const json_t *list = json_object_get(o, "sessions");
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        const struct mikey_cs cs = {
            .id = (uint8_t)differ_number(one, "cs"),
            .s = json_is_true(json_object_get(one, "started")),
            .policies = differ_octets(one, "policies"),
            .session = differ_octets(one, "data"),
            .spi = differ_octets(one, "SPI"),
        };
        mikey_put_cs(w, &cs);
    }
    return (uint8_t)n;
}

static void policy_of(const json_t *o, struct mikey_policy *p)
{
    const json_t *given = json_object_get(o, "policy");
    const json_t *responders = json_object_get(given, "responders");
    const json_t *apps = json_object_get(given, "apps");
    *p = (struct mikey_policy){
        .kms = id_of(given, "kms"),
        .initiator = id_of(given, "initiator"),
        .has_start = json_is_integer(json_object_get(given, "start")),
        .has_end = json_is_integer(json_object_get(given, "end")),
        .has_rekey = json_is_integer(json_object_get(given, "rekey")),
        .start = (uint64_t)json_integer_value(json_object_get(given, "start")),
        .end = (uint64_t)json_integer_value(json_object_get(given, "end")),
        .rekey = differ_number(given, "rekey"),
        .n_responders = json_array_size(responders),
        .n_apps = json_array_size(apps),
    };
    for (size_t i = 0; i < p->n_responders && i < MIKEY_RESPONDERS_MAX; i++)
        p->responder[i] = id_in(json_array_get(responders, i));
    for (size_t i = 0; i < p->n_apps && i < MIKEY_APPS_MAX; i++)
        p->app[i] = id_in(json_array_get(apps, i));
}

/* A message in the member; what is not there stays zeros. */
static enum ts_err message_of(const json_t *o, const char *name,
                              struct mikey_msg *m)
{
    return differ_message(o, name, m)
               ? TS_OK
               : vector_say(&differ, TS_E_INTERNAL, "no message %s", name);
}

/* --- Request and Resolve --- */

static enum ts_err credential(const json_t *o, struct mikey_credential *cred)
{
    *cred = (struct mikey_credential){
        .key = differ_octets(o, "key"),
        .key_id = differ_octets(o, "key id"),
    };
    if (!json_is_string(json_object_get(o, "signer")))
        return TS_OK;
#ifdef DIFFER_PK
    return differ_pk(o, cred);
#else
    return vector_say(&differ, TS_E_UNSUPPORTED, "built without GnuTLS");
#endif
}

static enum ts_err request_init(const json_t *o, struct ts_writer *w)
{
    static struct mikey_policy policy;
    struct mikey_key want[KEYS];
    policy_of(o, &policy);
    struct mikey_request_new in = {
        .suite = suite_of(o),
        .csb = differ_number(o, "csb"),
        .t = time_of(o, "t"),
        .rand_i = differ_octets(o, "RANDRi"),
        .idr_i = id_of(o, "IDRi"),
        .idr_kms = id_of(o, "IDRkms"),
        .omit = differ_number(o, "omit"),
        .flags = (uint16_t)differ_number(o, "flags"),
        .policy = &policy,
        .n_want = keys_of(o, "want", want),
        .want = json_is_array(json_object_get(o, "want")) ? want : NULL,
    };
    enum ts_err err = credential(o, &in.cred);
    if (err)
        return err;
    mikey_build_request_init(w, &in);
    return w->err;
}

static enum ts_err resolve_init(const json_t *o, struct ts_writer *w)
{
    static struct mikey_msg transfer;
    enum ts_err err = message_of(o, "TRANSFER_INIT", &transfer);
    struct mikey_resolve_new in = {
        .suite = suite_of(o),
        .csb = differ_number(o, "csb"),
        .t = time_of(o, "t"),
        .rand_r = differ_octets(o, "RANDRr"),
        .idr_r = id_of(o, "IDRr"),
        .idr_kms = id_of(o, "IDRkms"),
        .omit = differ_number(o, "omit"),
        .ticket = &transfer.ticket,
    };
    if (!err)
        err = credential(o, &in.cred);
    if (err)
        return err;
    mikey_build_resolve_init(w, &in);
    return w->err;
}

/* The KMS reads and verifies what it answers. */
static enum ts_err heard(const json_t *o, struct mikey_msg *init,
                         struct mikey_protect *psk)
{
    uint8_t no;
    struct mikey_id self = id_of(o, "asker"), kms = id_of(o, "kms");
    enum ts_err err = message_of(o, "init", init);
    if (!err)
        err = mikey_init_check(init, (enum mikey_type)init->hdr.type, &no);
    if (!err && init->has_sign) /* "key" is the envelope key that was sent */
        mikey_protect_of(init, NULL, differ_octets(o, "key"), psk);
    else if (!err)
        err = mikey_init_verify(init, differ_octets(o, "key"), self.data,
                                kms.data, psk);
    if (!err)
        psk->suite = suite_of(o);
    return vector_say(&differ, err, "REQUEST_INIT or RESOLVE_INIT refused");
}

/* keys: the MPK, then session keys. */
static enum ts_err request_resp(const json_t *o, struct ts_writer *w)
{
    static struct mikey_msg init;
    static struct mikey_policy policy;
    static struct mikey_fresh fresh;
    struct mikey_protect psk;
    enum ts_err err = heard(o, &init, &psk);
    if (err)
        return err;
    policy_of(o, &policy);
    fresh.n = keys_of(o, "keys", fresh.k);
    const struct mikey_grant in = {
        .init = &init,
        .psk = &psk,
        .t = time_of(o, "t"),
        .idr_kms = id_of(o, "IDRkms"),
        .suite = suite_of(o),
        .flags = (uint16_t)differ_number(o, "flags"),
        .policy = &policy,
        .tpk = differ_octets(o, "TPK"),
        .tpk_id = differ_octets(o, "TPK id"),
        .rand = differ_octets(o, "RAND"),
        .fresh = &fresh,
    };
    mikey_kms_grant(w, &in);
    return w->err;
}

static enum ts_err resolve_resp(const json_t *o, struct ts_writer *w)
{
    static struct mikey_msg init;
    static struct mikey_opened opened;
    struct mikey_base base;
    struct mikey_protect psk;
    enum ts_err err = heard(o, &init, &psk);
    if (!err)
        err = mikey_base_read(&init.ticket, &base);
    if (!err)
        err = mikey_base_open(&init.ticket, &base, differ_octets(o, "TPK"),
                              &opened);
    if (err)
        return vector_say(&differ, err, "ticket refused");
    const struct mikey_resolve in = {
        .init = &init,
        .psk = &psk,
        .t = time_of(o, "t"),
        .idr_kms = id_of(o, "IDRkms"),
        .opened = &opened,
        .who = id_of(o, "IDRr"),
        .rand_kms = differ_octets(o, "RANDRkms"),
    };
    err = mikey_kms_resolve(w, &in);
    return err ? vector_say(&differ, err, "Initiator Data refused") : w->err;
}

/* --- Transfer --- */

/* Modes 3 and 4: a ticket of the Initiator's own. */
static enum ts_err make_ticket(const json_t *o, uint8_t *buf, size_t cap,
                               struct mikey_ticket *t)
{
    static struct mikey_policy policy;
    struct mikey_key keys[KEYS];
    struct mikey_payload p;
    struct ts_writer w = ts_writer_init(buf, cap);
    struct mikey_build b = {&w, 0, 0};
    policy_of(o, &policy);
    const struct mikey_ticket_new in = {
        .suite = suite_of(o),
        .flags = (uint16_t)differ_number(o, "flags"),
        .policy = &policy,
        .tpk = differ_octets(o, "TPK"),
        .tpk_id = differ_octets(o, "TPK id"),
        .t = time_of(o, "t"),
        .rand = differ_octets(o, "RAND"),
        .n_keys = keys_of(o, "keys", keys),
        .keys = keys,
    };
    mikey_build_ticket(&b, &in);
    if (w.err)
        return vector_say(&differ, w.err, "ticket not made");
    buf[0] = MIKEY_LAST;
    struct mikey_chain c = mikey_chain_init(ts_written(&w), MIKEY_TICKET);
    if (!mikey_chain_next(&c, &p))
        return TS_E_INTERNAL;
    *t = p.u.ticket;
    return TS_OK;
}

static enum ts_err transfer_init(const json_t *o, struct ts_writer *w)
{
    static uint8_t map[16384], made[65536];
    static struct mikey_msg granted;
    struct mikey_key keys[KEYS];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    const json_t *own = json_object_get(o, "ticket");
    struct mikey_ticket ticket;
    enum ts_err err = own ? make_ticket(own, made, sizeof made, &ticket)
                          : message_of(o, "REQUEST_RESP", &granted);
    if (err)
        return err;
    if (!own)
        ticket = granted.ticket;
    const struct ts_key mpk_i = vector_ts_key(differ_octets(o, "MPKi"));
    const struct ts_key mpk_r = vector_ts_key(differ_octets(o, "MPKr"));
    const struct mikey_transfer_new in = {
        .suite = suite_of(o),
        .csb = differ_number(o, "csb"),
        .t = time_of(o, "t"),
        .rand_i = differ_octets(o, "RANDRi"),
        .n_cs = map_of(o, &map_w),
        .map = ts_written(&map_w),
        .idr_i = id_of(o, "IDRi"),
        .idr_r = id_of(o, "IDRr"),
        .omit = differ_number(o, "omit"),
        .n_sp = sps_of(o, sp),
        .sp = sp,
        .ticket = &ticket,
        .sdp_ids = differ_octets(o, "SDP IDs"),
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
        .n_keys = keys_of(o, "given", keys),
        .keys = keys,
    };
    mikey_build_transfer_init(w, &in);
    return w->err;
}

static enum ts_err transfer_resp(const json_t *o, struct ts_writer *w)
{
    static uint8_t map[16384];
    static struct mikey_msg init;
    struct mikey_key keys[KEYS];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    enum ts_err err = message_of(o, "init", &init);
    if (err)
        return err;
    const struct ts_key mpk = vector_ts_key(differ_octets(o, "MPK"));
    const struct mikey_answer_new in = {
        .init = &init,
        .suite = suite_of(o),
        .t = time_of(o, "t"),
        .rand_r = differ_octets(o, "RANDRr"),
        .idr_r = id_of(o, "IDRr"),
        .rand_kms = differ_octets(o, "RANDRkms"),
        .n_cs = map_of(o, &map_w),
        .map = ts_written(&map_w),
        .n_sp = sps_of(o, sp),
        .sp = sp,
        .mpk = &mpk,
        .n_keys = keys_of(o, "given", keys),
        .keys = keys,
    };
    mikey_build_transfer_resp(w, &in);
    return w->err;
}

static enum ts_err update(const json_t *o, struct ts_writer *w)
{
    static uint8_t map[16384];
    struct mikey_key keys[KEYS];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    struct mikey_csb csb = {
        .flags = (uint16_t)differ_number(o, "flags"),
        .i = id_of(o, "IDRi"),
        .r = id_of(o, "IDRr"),
    };
    mikey_protect_begin(&csb.keys, suite_of(o), differ_octets(o, "key"),
                        (uint8_t)differ_number(o, "selector"),
                        differ_number(o, "csb"), differ_octets(o, "RANDRi"),
                        differ_octets(o, "RANDRr"));
    struct ts_span init = differ_octets(o, "init");
    const struct mikey_update_new in = {
        .from = json_is_true(json_object_get(o, "by R")) ? MIKEY_RESPONDER
                                                         : MIKEY_INITIATOR,
        .response = init.p != NULL,
        .init = init,
        .want_response = json_is_true(json_object_get(o, "want response")),
        .t = time_of(o, "t"),
        .n_cs = map_of(o, &map_w),
        .map = ts_written(&map_w),
        .omit = differ_number(o, "omit"),
        .n_sp = sps_of(o, sp),
        .sp = sp,
        .n_keys = keys_of(o, "given", keys),
        .new_keys = keys,
    };
    mikey_build_update(w, &csb, &in);
    return w->err;
}

/* About "init", or about "resp" that answers it. */
static enum ts_err error(const json_t *o, struct ts_writer *w)
{
    static struct mikey_msg init, resp;
    const json_t *numbers = json_object_get(o, "numbers");
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct mikey_protect keys;
    struct ts_span key = differ_octets(o, "key");
    bool of_resp = json_is_string(json_object_get(o, "resp"));
    enum ts_err err = message_of(o, "init", &init);
    if (!err && of_resp)
        err = message_of(o, "resp", &resp);
    if (err)
        return err;
    if (key.p)
        mikey_protect_of(&init, of_resp ? &resp : NULL, key, &keys);
    struct mikey_error_new in = {
        .about = &init.hdr,
        .t = time_of(o, "t"),
        .n_no = json_array_size(numbers),
        .n_sp = sps_of(o, sp),
        .sp = sp,
        .auth = key.p ? &keys : NULL,
    };
    for (size_t i = 0; i < in.n_no && i < MIKEY_ERR_MAX; i++)
        in.no[i] = (uint8_t)json_integer_value(json_array_get(numbers, i));
    mikey_build_error(w, &in);
    return w->err;
}

static const struct {
    const char *what;
    enum ts_err (*build)(const json_t *o, struct ts_writer *w);
} builders[] = {
    {"REQUEST_INIT", request_init},
    {"REQUEST_RESP", request_resp},
    {"TRANSFER_INIT", transfer_init},
    {"TRANSFER_RESP", transfer_resp},
    {"RESOLVE_INIT", resolve_init},
    {"RESOLVE_RESP", resolve_resp},
    {"update", update},
    {"Error", error},
};

enum ts_err differ_build(const json_t *o, struct ts_writer *w)
{
    const char *what = json_string_value(json_object_get(o, "what"));
    for (size_t i = 0; what && i < sizeof builders / sizeof builders[0]; i++)
        if (strcmp(builders[i].what, what) == 0)
            return builders[i].build(o, w);
    return vector_say(&differ, TS_E_INTERNAL, "unknown message");
}
