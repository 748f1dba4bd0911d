/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scene.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ts_span none;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "scene: %s: %s\n", what, name);
    abort();
}

static unsigned digit(const char *hex, size_t i)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, hex[i]);
    if (!at)
        die("not hex", hex);
    return (unsigned)(at - digits);
}

struct bytes scene_hex(const char *hex)
{
    struct bytes out = {0};
    size_t n = strlen(hex);
    if (n % 2 || n / 2 > sizeof out.b)
        die("not hex", hex);
    for (; out.n < n / 2; out.n++)
        out.b[out.n] =
            (uint8_t)(digit(hex, 2 * out.n) << 4 | digit(hex, 2 * out.n + 1));
    return out;
}

json_t *scene_json(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s.json", TEST_VECTORS, name);
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        die(error.text, path);
    return json;
}

struct bytes scene_bytes(json_t *json, const char *group, const char *name)
{
    const char *hex =
        json_string_value(json_object_get(json_object_get(json, group), name));
    if (!hex)
        die("no such vector", name);
    return scene_hex(hex);
}

static void load_inputs(struct example *e, json_t *json)
{
    for (size_t i = 0; i < example_n_inputs; i++) {
        const struct example_input *in = &example_inputs[i];
        struct bytes b = scene_bytes(json, "inputs", in->name);
        uint8_t *at = (uint8_t *)e + in->offset;
        if (ts_key_set((struct ts_key *)(void *)at, span_of(&b)))
            die("not a key", in->name);
    }
}

void scene_load(struct example *e, unsigned bits)
{
    char name[32];
    snprintf(name, sizeof name, "exchange-%u", bits);
    json_t *json = scene_json(name);
    example_init(e, mikey_suite_bits(bits));
    load_inputs(e, json);
    for (enum example_message i = 0; i < e->n_messages; i++) {
        struct bytes b = scene_bytes(json, "messages", example_name(i));
        memcpy(e->msg[i].b, b.b, b.n);
        e->msg[i].n = b.n;
    }
    json_decref(json);
}

void scene_read(const struct example *e, enum example_message which,
                struct mikey_msg *m)
{
    if (mikey_msg_read(example_span(e, which), m, NULL))
        die("refused", example_name(which));
}

void scene_auth(const struct example *e, enum example_message which,
                struct mikey_protect *keys)
{
    bool request = which == REQUEST_INIT || which == REQUEST_RESP;
    bool resolve = which == RESOLVE_INIT || which == RESOLVE_RESP;
    bool answer = which == REQUEST_RESP || which == RESOLVE_RESP;
    struct example_keys k;
    struct mikey_msg init, resp;
    example_derive(e, &k);
    if (request || resolve) {
        scene_read(e, request ? REQUEST_INIT : RESOLVE_INIT, &init);
        mikey_protect_begin(
            keys, e->suite, ts_key_span(request ? &e->psk_i : &e->psk_r),
            answer ? MIKEY_SEL_RESP : MIKEY_SEL_INIT, init.hdr.csb,
            init.rand[MIKEY_RAND_I], init.rand[MIKEY_RAND_R]);
        return;
    }
    scene_read(e, TRANSFER_INIT, &init);
    if (which == TRANSFER_INIT || which == ERROR_MESSAGE) {
        mikey_protect_of(&init, NULL, ts_key_span(&k.mpk_i), keys);
        return;
    }
    scene_read(e, TRANSFER_RESP, &resp);
    mikey_protect_of(&init, &resp, ts_key_span(&k.mpk_r1), keys);
}

static enum ts_err open_init(const struct example *e, enum mikey_type type,
                             const struct mikey_msg *m)
{
    bool request = type == MIKEY_REQUEST_INIT_PSK;
    struct mikey_protect keys;
    uint8_t no;
    enum ts_err err = mikey_init_check(m, type, &no);
    if (err)
        return err;
    err = mikey_init_verify(m, ts_key_span(request ? &e->psk_i : &e->psk_r),
                            request ? e->alice.data : e->bob.data, e->kms.data,
                            &keys);
    mikey_protect_end(&keys);
    return err;
}

static enum ts_err open_reply(const struct example *e,
                              enum example_message which, struct ts_span raw)
{
    bool request = which == REQUEST_RESP;
    struct mikey_msg init;
    struct mikey_reply reply;
    scene_read(e, request ? REQUEST_INIT : RESOLVE_INIT, &init);
    enum ts_err err = mikey_reply_open(
        &init, raw, ts_key_span(request ? &e->psk_i : &e->psk_r), &reply);
    mikey_keys_wipe(&reply.keys);
    return err;
}

static enum ts_err open_transfer(const struct example *e,
                                 const struct mikey_msg *m)
{
    struct mikey_policy policy;
    struct example_keys k;
    uint8_t no;
    enum ts_err err = mikey_transfer_check(m, &policy, &no);
    example_derive(e, &k);
    const struct mikey_names names = {.i = e->alice.data, .r = e->called.data};
    return err ? err : mikey_transfer_verify(m, &k.mpk_i, &names, NULL);
}

static enum ts_err open_answer(const struct example *e,
                               const struct mikey_msg *m)
{
    struct mikey_msg init;
    struct example_keys k;
    scene_read(e, TRANSFER_INIT, &init);
    example_derive(e, &k);
    enum ts_err err = mikey_answer_check(&init, m);
    return err ? err : mikey_answer_verify(&init, m, &k.mpk_r1, NULL);
}

static enum ts_err open_update(const struct example *e,
                               enum example_message which,
                               const struct mikey_msg *m)
{
    bool response = which == UPDATE_RESP;
    struct mikey_csb csb = {.flags = e->flags, .i = e->alice, .r = e->bob};
    struct mikey_keys fresh;
    scene_auth(e, which, &csb.keys);
    enum ts_err err = mikey_update_open(
        &csb, m, response ? MIKEY_RESPONDER : MIKEY_INITIATOR,
        response ? example_span(e, UPDATE_INIT) : none, &fresh);
    mikey_keys_wipe(&fresh);
    mikey_protect_end(&csb.keys);
    return err;
}

/* About TRANSFER_INIT; what a UE does with it: CSB ID, PRF, then the MAC. */
static enum ts_err open_error(const struct example *e,
                              const struct mikey_msg *m)
{
    struct mikey_msg init;
    struct example_keys k;
    scene_read(e, TRANSFER_INIT, &init);
    enum ts_err err = mikey_answer_check(&init, m);
    if (err != TS_E_PEER)
        return err ? err : TS_E_INTERNAL;
    example_derive(e, &k);
    return mikey_error_verify(&init, NULL, m, ts_key_span(&k.mpk_i));
}

enum ts_err scene_open(const struct example *e, enum example_message which,
                       struct ts_span raw)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    if (err)
        return err;
    switch (which) {
    case REQUEST_INIT:
        return open_init(e, MIKEY_REQUEST_INIT_PSK, &m);
    case RESOLVE_INIT:
        return open_init(e, MIKEY_RESOLVE_INIT_PSK, &m);
    case REQUEST_RESP:
    case RESOLVE_RESP:
        return open_reply(e, which, raw);
    case TRANSFER_INIT:
        return open_transfer(e, &m);
    case TRANSFER_RESP:
        return open_answer(e, &m);
    case UPDATE_INIT:
    case UPDATE_RESP:
        return open_update(e, which, &m);
    default:
        return open_error(e, &m);
    }
}

enum ts_err scene_open_ticket(const struct example *e,
                              const struct mikey_ticket *t,
                              struct mikey_opened *opened)
{
    struct mikey_base base;
    struct mikey_prf prf;
    enum ts_err err = mikey_base_read(t, &base);
    if (err)
        return err;
    err = mikey_base_open(t, &base, ts_key_span(&e->tpk), opened);
    if (err)
        return err;
    if (!(t->tp.flags & MIKEY_FLAG_I))
        return TS_OK;
    mikey_prf_key(&prf, t->tp.prf, ts_key_span(&opened->mpk_r));
    return mikey_init_data_verify(t->init, &prf, mikey_suite_prf(t->tp.prf));
}

void scene_sign_ticket(const struct example *e, const struct mikey_ticket *t)
{
    struct mikey_protect keys;
    struct mikey_hmac h;
    struct mikey_base base;
    uint8_t *mac;
    if (mikey_base_read(t, &base))
        return;
    mac = (uint8_t *)(uintptr_t)base.v.mac.p; /* in memory of the test */
    mikey_protect_begin(&keys, e->suite, ts_key_span(&e->tpk), MIKEY_SEL_TICKET,
                        0xffffffff, base.rand, none);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, base.covered);
    if (base.v.mac.n == e->suite->mac)
        mikey_hmac_end(&h, mac, base.v.mac.n);
    mikey_protect_end(&keys);
}

/* What follows the message in its MAC input (R188, R191). */
static void add_tail(const struct example *e, enum example_message which,
                     struct mikey_hmac *h)
{
    const struct mikey_id *tails[EXAMPLE_MESSAGES][2] = {
        [REQUEST_INIT] = {&e->alice, &e->kms},
        [TRANSFER_INIT] = {&e->alice, &e->called},
        [RESOLVE_INIT] = {&e->bob, &e->kms},
        [UPDATE_INIT] = {&e->alice, &e->bob},
    };
    for (unsigned i = 0; i < 2; i++)
        if (tails[which][i])
            mikey_hmac_add(h, tails[which][i]->data);
    if (which == REQUEST_RESP)
        mikey_hmac_add(h, example_span(e, REQUEST_INIT));
    else if (which == RESOLVE_RESP)
        mikey_hmac_add(h, example_span(e, RESOLVE_INIT));
    else if (which == TRANSFER_RESP)
        mikey_hmac_add(h, example_span(e, TRANSFER_INIT));
    else if (which == UPDATE_RESP)
        mikey_hmac_add(h, example_span(e, UPDATE_INIT));
}

/* The TICKET of a chain that may be ill-formed otherwise. */
static bool find_ticket(struct ts_span raw, struct mikey_ticket *t)
{
    struct ts_reader r = ts_reader_span(raw);
    struct mikey_hdr hdr;
    struct mikey_payload p;
    if (mikey_hdr_read(&r, &hdr))
        return false;
    struct mikey_chain c = {r, hdr.next};
    while (mikey_chain_next(&c, &p)) {
        if (p.type == MIKEY_TICKET) {
            *t = p.u.ticket;
            return true;
        }
    }
    return false;
}

/* R189: TRANSFER_INIT counts without Initiator Data and its length. */
static void add_message(struct mikey_hmac *h, enum example_message which,
                        struct ts_span raw, size_t n)
{
    struct mikey_ticket t;
    size_t cut = n, resume = n;
    if (which == TRANSFER_INIT && find_ticket(raw, &t)) {
        resume = (size_t)(t.body.p - raw.p) + t.body.n;
        cut = resume - t.init.n - 2;
    }
    mikey_hmac_add(h, ts_span(raw.p, cut));
    mikey_hmac_add(h, ts_span(raw.p + resume, n - resume));
}

void scene_sign(const struct example *e, enum example_message which,
                uint8_t *raw, size_t n)
{
    struct mikey_protect keys;
    struct mikey_hmac h;
    struct mikey_ticket t;
    struct example_keys k;
    uint8_t init[MIKEY_INIT_DATA_MAX];
    uint8_t *mac = raw + n - e->suite->mac;
    scene_auth(e, which, &keys);
    mikey_protect_auth(&keys, &h);
    mikey_protect_end(&keys);
    add_message(&h, which, ts_span(raw, n), n - e->suite->mac);
    add_tail(e, which, &h);
    mikey_hmac_end(&h, mac, e->suite->mac);
    if (which != TRANSFER_INIT || !find_ticket(ts_span(raw, n), &t))
        return;
    example_derive(e, &k);
    if (mikey_init_data_make(&k.mpk_r, e->suite, mac, init) == t.init.n)
        memcpy(raw + (t.init.p - raw), init, t.init.n);
}
