/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/desk.h"

#include <unistd.h>

static struct desk desk;
static bool random_fails;

static const struct ts_span none;

/* xorshift: the same numbers in each run, none twice. */
static enum ts_err desk_random(void *arg, uint8_t *buf, size_t n)
{
    static uint64_t x = 88172645463325252u;
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        buf[i] = (uint8_t)(x >> 24);
    }
    return TS_OK;
}

static enum ts_err engine_random(void *arg, uint8_t *buf, size_t n)
{
    return random_fails ? TS_E_IO : desk_random(arg, buf, n);
}

void desk_random_fails(bool fails)
{
    random_fails = fails;
    desk.engine.pool_left = 0;
}

struct mikey_id desk_id(const char *uri)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(uri)};
}

static void make_user(struct kms_user *u, const char *key_id, const char *uri)
{
    *u = (struct kms_user){.key_id_len = (uint16_t)strlen(key_id),
                           .identity_len = (uint16_t)strlen(uri)};
    memcpy(u->key_id, key_id, u->key_id_len);
    memcpy(u->identity, uri, u->identity_len);
    u->psk.len = desk.suite->encr_key;
    OK(desk_random(NULL, u->psk.b, u->psk.len));
}

static void make_ticket_key(struct kms_keyring *ring)
{
    struct kms_tpk *tpk = &ring->tpk[ring->n++];
    tpk->use = ring->n == 1;
    tpk->key.len = KMS_TICKETKEY_LEN;
    OK(desk_random(NULL, tpk->id, sizeof tpk->id));
    OK(desk_random(NULL, tpk->key.b, tpk->key.len));
}

static void clear_away(void)
{
    if (desk.fd > 0)
        (void)close(desk.fd);
    kms_replay_close(desk.engine.replay);
    json_decref(desk.audit);
    memset(&desk, 0, sizeof desk);
}

struct desk *desk_open(unsigned bits)
{
    const struct kms_policy policy = {.skew = 300, .max_lifetime = 86400};
    const uint64_t entries = 8192, bytes = 262144;
    struct kms_replay *replay;
    clear_away();
    random_fails = false;
    desk.suite = mikey_suite_bits(bits);
    desk.now = DESK_NOW;
    OK(kms_replay_create(entries, bytes, DESK_NOW - 10 * MINUTES, &desk.fd));
    OK(kms_replay_open(desk.fd, entries, bytes, &replay));
    OK(kms_engine_init(&desk.engine, DESK_KMS, &policy, replay, engine_random));
    make_ticket_key(&desk.engine.ring);
    make_user(&desk.alice, "alice-1", DESK_ALICE);
    make_user(&desk.bob, "bob-1", DESK_BOB);
    make_user(&desk.eve, "eve-1", DESK_EVE);
    desk.flags = MIKEY_FLAGS_USUAL;
    desk.want.n_responders = 1;
    desk.want.responder[0] = desk_id(DESK_BOB);
    desk.kms = desk_id(DESK_KMS);
    desk.name_key = true;
    return &desk;
}

void desk_want(struct desk *d, enum mikey_key_type type, size_t key,
               size_t salt, size_t spi)
{
    static uint8_t spis[MIKEY_KEYS_MAX][255];
    size_t i = d->n_keys++;
    spis[i][0] = (uint8_t)(i + 1);
    d->keys[i] = (struct mikey_key){.type = (uint8_t)type,
                                    .key = ts_span(NULL, key),
                                    .salt = ts_span(NULL, salt),
                                    .spi = ts_span(spis[i], spi)};
}

uint8_t *desk_edit(struct ts_span view)
{
    return (uint8_t *)(uintptr_t)view.p;
}

/* ---- what the users write ---- */

static struct mikey_time next_time(struct desk *d)
{
    struct mikey_time t = d->t.value ? d->t : mikey_time_ntp(d->now);
    d->t.value = 0;
    return t;
}

static struct ts_span fresh_rand(const struct desk *d, uint8_t rand[static 32])
{
    OK(desk_random(NULL, rand, 32));
    return ts_span(rand, d->suite->encr_key);
}

static struct mikey_id own(struct desk *d, const struct kms_user *who)
{
    struct mikey_id id = d->self;
    if (!id.type && !id.data.p)
        id = (struct mikey_id){0, MIKEY_ID_URI,
                               ts_span(who->identity, who->identity_len)};
    return id;
}

void desk_sign(struct desk *d)
{
    struct mikey_protect keys;
    struct mikey_hmac h;
    struct mikey_msg m;
    struct ts_span self = ts_span(d->sender->identity, d->sender->identity_len);
    struct ts_span kms = ts_span_str(DESK_KMS);
    bool request = d->kind == KMS_ASK_REQUEST;
    if (mikey_msg_read(ts_span(d->sent.b, d->sent.n), &m, NULL))
        return; /* what cannot be read needs no MAC */
    if (m.idr[request ? MIKEY_IDR_I : MIKEY_IDR_R].data.p)
        self = m.idr[request ? MIKEY_IDR_I : MIKEY_IDR_R].data;
    if (m.idr[MIKEY_IDR_KMS].data.p)
        kms = m.idr[MIKEY_IDR_KMS].data;
    mikey_protect_begin(&keys, d->suite, ts_key_span(&d->sender->psk),
                        MIKEY_SEL_INIT, m.hdr.csb,
                        request ? m.rand[MIKEY_RAND_I] : none,
                        request ? none : m.rand[MIKEY_RAND_R]);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(m.raw.p, mikey_at(&m, m.v.mac)));
    mikey_hmac_add(&h, self);
    mikey_hmac_add(&h, kms);
    mikey_hmac_end(&h, desk_edit(m.v.mac), m.v.mac.n);
    mikey_protect_end(&keys);
}

static void written(struct desk *d, const struct ts_writer *w, unsigned kind,
                    const struct kms_user *who)
{
    OK(w->err);
    d->sent.n = w->len;
    d->kind = kind;
    d->sender = who;
    desk_sign(d);
}

void desk_write_request(struct desk *d)
{
    struct ts_writer w = ts_writer_init(d->sent.b, sizeof d->sent.b);
    uint8_t rand[32];
    const struct mikey_request_new in = {
        .suite = d->suite,
        .csb = ++d->csb,
        .t = next_time(d),
        .rand_i = fresh_rand(d, rand),
        .idr_i = own(d, &d->alice),
        .idr_kms = d->kms,
        .flags = d->flags,
        .policy = &d->want,
        .want = d->n_keys ? d->keys : NULL,
        .n_want = d->n_keys,
        .cred = {.key = ts_key_span(&d->alice.psk),
                 .key_id = d->name_key
                               ? ts_span(d->alice.key_id, d->alice.key_id_len)
                               : none},
    };
    mikey_build_request_init(&w, &in);
    written(d, &w, KMS_ASK_REQUEST, &d->alice);
}

void desk_write_resolve(struct desk *d, const struct kms_user *who)
{
    struct ts_writer w = ts_writer_init(d->sent.b, sizeof d->sent.b);
    uint8_t rand[32];
    const struct mikey_resolve_new in = {
        .suite = d->suite,
        .csb = ++d->csb,
        .t = next_time(d),
        .rand_r = fresh_rand(d, rand),
        .idr_r = own(d, who),
        .idr_kms = d->kms,
        .ticket = &d->transfer.ticket,
        .cred = {.key = ts_key_span(&who->psk),
                 .key_id = d->name_key ? ts_span(who->key_id, who->key_id_len)
                                       : none},
    };
    mikey_build_resolve_init(&w, &in);
    written(d, &w, KMS_ASK_RESOLVE, who);
}

void desk_transfer(struct desk *d)
{
    static const uint8_t map[] = {1, 0, 0, 0, 4, 1, 2, 3, 4, 0};
    struct ts_writer w =
        ts_writer_init(d->transfer_raw.b, sizeof d->transfer_raw.b);
    uint8_t rand[32];
    struct ts_key mpk[2];
    bool fork = d->grant.msg.ticket.tp.flags & MIKEY_FLAG_I;
    for (size_t i = 0; i < 1u + fork; i++)
        OK(ts_key_set(&mpk[i], d->grant.keys.k[i].key));
    const struct mikey_transfer_new in = {
        .suite = d->suite,
        .csb = ++d->csb,
        .t = mikey_time_ntp(d->now),
        .rand_i = fresh_rand(d, rand),
        .n_cs = 1,
        .map = ts_span(map, sizeof map),
        .idr_i = desk_id(DESK_ALICE),
        .idr_r = desk_id(DESK_BOB),
        .ticket = &d->grant.msg.ticket,
        .mpk_i = &mpk[0],
        .mpk_r = &mpk[1],
    };
    mikey_build_transfer_init(&w, &in);
    OK(w.err);
    OK(mikey_msg_read(ts_written(&w), &d->transfer, NULL));
}

/* ---- the engine ---- */

static const struct kms_user *find_user(const struct desk *d,
                                        struct ts_span key_id)
{
    const struct kms_user *all[] = {&d->alice, &d->bob, &d->eve};
    for (size_t i = 0; i < 3; i++)
        if (ts_span_equal(key_id, ts_span(all[i]->key_id, all[i]->key_id_len)))
            return all[i];
    return NULL;
}

static bool contains(struct ts_span hay, struct ts_span needle)
{
    return memmem(hay.p, hay.n, needle.p, needle.n) != NULL;
}

/* No key of ours stands in bytes, neither raw nor in hexadecimal digits. */
static void no_key_in(const struct desk *d, struct ts_span bytes)
{
    const struct ts_key *keys[] = {&d->alice.psk, &d->bob.psk, &d->eve.psk,
                                   &d->engine.ring.tpk[0].key};
    char hex[17];
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        for (size_t j = 0; j < 8; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x", keys[i]->b[j]);
        assert_false(contains(bytes, ts_span(hex, 16)));
        assert_false(contains(bytes, ts_span(keys[i]->b, 8)));
    }
}

/* The record is one line of JSON, whatever was asked. */
static void read_record(struct desk *d)
{
    char line[KMS_RECORD_MAX];
    json_error_t error;
    size_t n = kms_engine_record(&d->engine, &d->q, line);
    assert_true(n <= KMS_RECORD_MAX);
    for (size_t i = 0; i < n; i++)
        assert_true(line[i] >= 0x20 && line[i] < 0x7f);
    no_key_in(d, ts_span(line, n));
    json_decref(d->audit);
    d->audit =
        json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!d->audit)
        fail_msg("%s: %.*s", error.text, (int)n, line);
    assert_string_equal(desk_said(d, "result"), kms_result_name(d->q.result));
}

void desk_ask(struct desk *d)
{
    struct ts_writer w = ts_writer_init(d->got.b, sizeof d->got.b);
    memset(&d->q, 0xa5, sizeof d->q); /* nothing is left from before */
    if (kms_engine_open(&d->engine, &d->q, d->kind,
                        ts_span(d->sent.b, d->sent.n), d->now, &w)) {
        const struct kms_user *user = find_user(d, d->q.key_id);
        if (kms_engine_verify(&d->engine, &d->q, user) == TS_OK)
            kms_engine_answer(&d->engine, &d->q, &w);
        else
            kms_engine_deny(&d->engine, &d->q,
                            user ? "wrong key" : "unknown key id", &w);
    }
    OK(w.err);
    d->got.n = w.len;
    no_key_in(d, ts_written(&w));
    if (d->q.status != 400)
        read_record(d);
}

const char *desk_said(const struct desk *d, const char *member)
{
    const char *text = json_string_value(json_object_get(d->audit, member));
    return text ? text : "(nothing)";
}

void desk_request(struct desk *d)
{
    desk_write_request(d);
    desk_ask(d);
}

void desk_resolve(struct desk *d, const struct kms_user *who)
{
    desk_write_resolve(d, who);
    desk_ask(d);
}

/* ---- what the users read ---- */

void desk_granted(struct desk *d)
{
    bool request = d->kind == KMS_ASK_REQUEST;
    struct ts_span raw = ts_span(d->got.b, d->got.n);
    assert_string_equal(d->q.reason, "");
    assert_int_equal(d->q.result, KMS_GRANTED);
    assert_int_equal(d->q.status, 200);
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &d->init, NULL));
    static struct desk_bytes kept[2]; /* the views go into it */
    kept[!request] = d->got;
    struct mikey_reply *to = request ? &d->grant : &d->opened;
    OK(mikey_reply_open(&d->init, ts_span(kept[!request].b, raw.n),
                        ts_key_span(&d->sender->psk), to));
    assert_string_equal(desk_said(d, "user"), d->sender->identity);
}

void desk_refused(struct desk *d, enum mikey_error_no no, bool auth,
                  const char *reason)
{
    if (reason)
        assert_string_equal(desk_said(d, "reason"), reason);
    assert_int_equal(d->q.status, 200);
    OK(mikey_msg_read(ts_span(d->got.b, d->got.n), &d->error, NULL));
    assert_int_equal(d->error.hdr.type, MIKEY_ERROR);
    assert_int_equal(d->error.n_err, 1);
    assert_int_equal(d->error.err[0], no);
    /* R183, R184, R185 */
    assert_int_equal(d->error.hdr.prf, d->q.m.hdr.prf);
    assert_int_equal(d->error.hdr.csb, d->q.m.hdr.csb);
    assert_false(d->error.hdr.v);
    assert_true(d->error.t.value == mikey_time_ntp(d->now).value);
    assert_int_equal(d->error.has_v, auth);
    if (auth) /* R179, R187 */
        OK(mikey_error_verify(&d->q.m, NULL, &d->error,
                              ts_key_span(&d->sender->psk)));
}

void desk_ring(struct desk *d)
{
    desk_request(d);
    desk_granted(d);
    desk_transfer(d);
}
