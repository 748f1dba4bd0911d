/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain MIKEY: flags(1), length(2), a message, and another one that answers or
 * updates it. Each goes through every check and opener. Whoever has no key can
 * make none of them believe anything; with the flag SEAL the second message is
 * encrypted and its MAC made right, so that what lies behind is reached.
 */
#include "fuzz/mikey.h"
#include "mikey/classic.h"

#define MSG_MAX 8192

enum flags { UPDATE = 0x40, SEAL = 0x80, ALLOW = 0x3f };

static const struct ts_span none;
static const uint8_t secret[32] = "a secret that all of them share";

/* --- public keys that are always right --- */

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who)
{
    (void)arg;
    (void)now;
    *who = claimed->data.p ? *claimed : n ? cert[0] : (struct mikey_id){0};
    return TS_OK;
}

static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    unsigned sum = s_type; /* read all of it */
    (void)arg;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].n; k++)
            sum += parts[i].p[k];
    for (size_t k = 0; k < sig.n; k++)
        sum += sig.p[k];
    return sum == 1 ? TS_E_AUTH : TS_OK;
}

static enum ts_err open_sealed(void *arg, const struct mikey_chash *chash,
                               struct ts_span sealed,
                               uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    if (chash && chash->data.p[0] == 0xff)
        return TS_E_NOTFOUND;
    *n = sealed.n == 1 ? sealed.p[0] % 64 : sizeof secret;
    memcpy(env_key, secret, *n < sizeof secret ? *n : sizeof secret);
    return TS_OK;
}

static const struct mikey_verifier verifier = {NULL, certify, verify};
static const struct mikey_opener opener = {NULL, open_sealed};

/* --- made right --- */

static void message_key(const struct mikey_classic_label *b, uint32_t constant,
                        uint8_t *out, size_t n)
{
    uint8_t label[4 + 1 + 4 + 255];
    struct mikey_prf prf;
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, constant);
    ts_put_u8(&w, 0xff);
    ts_put_u32(&w, b->csb);
    ts_put_span(&w, b->rand);
    mikey_prf_key(&prf, b->prf, ts_span(secret, sizeof secret));
    mikey_prf(&prf, ts_written(&w), out, n);
}

static void encrypt(const struct mikey_msg *m,
                    const struct mikey_classic_label *b, uint8_t *data)
{
    const struct mikey_suite *suite = mikey_suite_prf(b->prf);
    uint8_t key[32], salt[14];
    static uint8_t plain[MSG_MAX];
    size_t n = m->kemac.data.n;
    message_key(b, 0x150533E1, key, suite->encr_key);
    message_key(b, 0x29B88916, salt, sizeof salt);
    if (m->kemac.encr == suite->encr) {
        mikey_aes_cm(ts_span(key, suite->encr_key), salt, b->csb, m->t.value,
                     data, n);
    } else if (m->kemac.encr == MIKEY_ENCR_AES_KW_128 && n >= 24 &&
               n % 8 == 0) {
        memcpy(plain, data, n - 8);
        (void)!mikey_aes_wrap(key, salt, ts_span(plain, n - 8), data);
    }
}

/* PSK, PK and DHHMAC. The KEMAC of buf, in place. */
static void seal(uint8_t *buf, size_t n, const struct mikey_classic_label *b)
{
    const struct mikey_suite *suite = mikey_suite_prf(b->prf);
    struct mikey_msg m;
    struct mikey_hmac h;
    uint8_t key[32];
    static const uint8_t last;
    if (mikey_msg_read(ts_span(buf, n), &m, NULL) || !m.has_kemac || !suite)
        return;
    encrypt(&m, b, buf + mikey_at(&m, m.kemac.data));
    if (m.kemac.mac.n != suite->mac)
        return;
    size_t from = 0, end = mikey_at(&m, m.kemac.mac);
    message_key(b, 0x2D22AC75, key, suite->auth_key);
    mikey_hmac_key(&h, suite->auth, ts_span(key, suite->auth_key));
    if (m.hdr.type == MIKEY_PK) {
        from = mikey_at(&m, m.kemac.data) - 3;
        mikey_hmac_add(&h, ts_span(&last, 1));
    }
    mikey_hmac_add(&h, ts_span(buf + from, end - from));
    mikey_hmac_end(&h, buf + end, suite->mac);
}

/* --- what must hold --- */

static void must_be_form(const struct mikey_msg *m, bool update)
{
    struct mikey_form f;
    uint8_t no = 0xff;
    enum ts_err err = mikey_classic_check(m, update, &f, &no);
    MUST_HOLD(!err || no == MIKEY_ERR_DT || no == MIKEY_ERR_UNSPECIFIED);
    must_be_inside(f.id_i.data, m->raw);
    must_be_inside(f.id_r.data, m->raw);
    must_be_inside(f.t_body, m->raw);
    must_be_inside(f.dh_i.value, m->raw);
    must_be_inside(f.dh_r.value, m->raw);
    MUST_HOLD(f.n_dh <= 2);
    MUST_HOLD(err || m->has_t);
}

static void each_session(const struct mikey_msg *m,
                         const struct mikey_classic_label *b,
                         const struct mikey_keys *keys)
{
    struct mikey_cs cs;
    struct mikey_srtp_policy policy;
    const struct mikey_key *k;
    struct ts_key key, salt;
    for (unsigned id = 0; id < 256; id++) {
        if (mikey_classic_cs(&m->hdr, (uint8_t)id, &cs) ||
            mikey_classic_policy(m, &cs, &policy) ||
            mikey_classic_pick(keys, cs.spi, &k))
            continue;
        enum ts_err err =
            mikey_classic_session(b, k, cs.id, &policy, &key, &salt);
        MUST_HOLD(err == TS_OK || err == TS_E_UNSUPPORTED);
        MUST_HOLD(err ||
                  (key.len == policy.encr_key && salt.len == policy.salt));
    }
}

/* Keys that were taken can be sent on, and arrive as they are. */
static void send_on(const struct mikey_keys *keys)
{
    static uint8_t buf[MSG_MAX];
    static struct mikey_keys got;
    static struct mikey_msg m;
    const struct mikey_classic x = {.secret = ts_span(secret, sizeof secret)};
    const struct mikey_classic_new in = {
        .suite = mikey_suite_bits(256),
        .rand = ts_span(secret, 16),
        .map_type = MIKEY_MAP_EMPTY,
        .encr = MIKEY_ENCR_AES_CM_256,
        .mac = MIKEY_AUTH_SHA256,
        .keys = keys->k,
        .n_keys = keys->n,
        .secret = x.secret,
    };
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    mikey_build_classic_psk(&w, &in);
    MUST_HOLD(!w.err && !mikey_msg_read(ts_written(&w), &m, NULL));
    MUST_HOLD(mikey_classic_psk_open(&x, &m, &got) == TS_OK);
    MUST_HOLD(got.n == keys->n);
    for (size_t i = 0; i < got.n; i++)
        MUST_HOLD(ts_span_equal(got.k[i].key, keys->k[i].key) &&
                  ts_span_equal(got.k[i].salt, keys->k[i].salt) &&
                  ts_span_equal(got.k[i].spi, keys->k[i].spi) &&
                  ts_span_equal(got.k[i].to, keys->k[i].to));
}

static void must_be_keys_of(const struct mikey_msg *m,
                            const struct mikey_classic_label *b,
                            const struct mikey_keys *keys)
{
    const struct ts_span plain = ts_span(keys->plain, keys->len);
    for (size_t i = 0; i < keys->n; i++) {
        MUST_HOLD(keys->k[i].type <= MIKEY_TEK_SALT);
        MUST_HOLD(keys->k[i].key.n >= 16 && keys->k[i].key.n <= TS_KEY_MAX);
        must_be_inside(keys->k[i].key, plain);
        must_be_inside(keys->k[i].salt, plain);
    }
    each_session(m, b, keys);
    send_on(keys);
}

/* --- as Responder, as Initiator --- */

/* Without the key nothing is believed; PK, whose signatures are all right
 * here, may come without a KEMAC in an update. */
static void open_it(const struct mikey_classic *x, const struct mikey_msg *m,
                    const struct mikey_classic_label *b, bool sealed)
{
    static struct mikey_keys keys;
    static struct mikey_classic_opened o;
    const struct mikey_classic_pk pk = {&verifier, &opener, 1};
    bool null_ok = x->allow & MIKEY_ALLOW_NULL;
    enum ts_err err = mikey_classic_psk_open(x, m, &keys);
    MUST_HOLD(sealed ? err != TS_E_AUTH : null_ok || err);
    if (!err)
        must_be_keys_of(m, b, &keys);
    MUST_HOLD(!err || keys.n + keys.len == 0);
    err = mikey_classic_pk_open(x, m, &pk, &o);
    MUST_HOLD(sealed || null_ok || err || !m->has_kemac);
    if (!err)
        must_be_keys_of(m, b, &o.keys);
    MUST_HOLD(!err || o.keys.n + o.keys.len + o.env_key.len == 0);
    mikey_keys_wipe(&keys);
    mikey_classic_wipe(&o);
}

static void answer_it(const struct mikey_classic *x,
                      const struct mikey_msg *init)
{
    static uint8_t buf[MSG_MAX + 600];
    static struct mikey_msg m;
    static const uint32_t ssrc[2] = {7, 8};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct ts_writer map = ts_writer_init(buf, sizeof buf);
    (void)!mikey_map_answer(&init->hdr, ssrc, 2, &map);
    mikey_build_classic_resp(&w, x, init, (struct mikey_id){0}, none);
    if (w.err)
        return;
    MUST_HOLD(!mikey_msg_read(ts_written(&w), &m, NULL));
    MUST_HOLD(mikey_classic_resp_open(x, init, &m) == TS_OK);
}

static void judge(struct mikey_classic *x, const struct mikey_msg *init,
                  const struct mikey_msg *m)
{
    struct mikey_id who;
    MUST_HOLD(mikey_dhhmac_verify(x, init, m));
    (void)!mikey_classic_signed(x, init, m, &verifier, 1, &who);
    if (!init)
        return;
    MUST_HOLD(mikey_classic_resp_open(x, init, m));
    MUST_HOLD(mikey_classic_error_verify(x, init, m));
    (void)!mikey_classic_cached(init, x->secret, m->hdr.csb, x);
}

/* The same of a message whose KEMAC has the right MAC, and of its V. */
static void judge_sealed(const struct mikey_classic *x,
                         const struct mikey_msg *init,
                         const struct mikey_msg *m)
{
    struct mikey_id who;
    (void)!mikey_dhhmac_verify(x, init, m);
    (void)!mikey_classic_signed(x, init, m, &verifier, 1, &who);
    if (init)
        MUST_HOLD(mikey_classic_error_verify(x, init, m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t buf[MSG_MAX];
    static struct mikey_msg first, m;
    if (n < 3 || n > sizeof buf)
        return 0;
    struct ts_reader r = ts_reader_init(data, n);
    const uint8_t flags = ts_get_u8(&r);
    struct ts_span one = ts_get_span(&r, ts_get_u16(&r));
    struct ts_span two = ts_get_span(&r, ts_reader_left(&r));
    struct mikey_classic x = {.secret = ts_span(secret, sizeof secret),
                              .allow = flags & ALLOW};
    bool has_first = one.p && !mikey_classic_read(one, x.allow, &first);
    if (has_first) {
        must_be_form(&first, false);
        judge(&x, NULL, &first);
        answer_it(&x, &first);
    }
    if (!two.p || mikey_classic_read(two, x.allow, &m))
        return 0;
    x.first = flags & UPDATE && has_first ? &first : NULL;
    const bool answers = m.hdr.type == MIKEY_DHHMAC_RESP && has_first;
    const struct mikey_classic_label b =
        mikey_classic_label_of(x.first || answers ? &first : &m);
    memcpy(buf, two.p, two.n);
    if (flags & SEAL) {
        seal(buf, two.n, &b);
        if (mikey_classic_read(ts_span(buf, two.n), x.allow, &m))
            return 0;
    }
    must_be_form(&m, x.first);
    open_it(&x, &m, &b, flags & SEAL);
    answer_it(&x, &m);
    if (flags & SEAL)
        judge_sealed(&x, has_first ? &first : NULL, &m);
    else
        judge(&x, has_first ? &first : NULL, &m);
    return 0;
}
