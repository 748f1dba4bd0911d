/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges of RFC 3830 with whatever a caller may ask for: the input is a list
 * of choices. A builder refuses them, or its message is believed by the peer;
 * so are the answer, an update and an Error.
 */
#include "fuzz/write_back.h"
#include "mikey/classic.h"

#define MSG_MAX 8192

static const struct ts_span none;
static const uint8_t octets[256] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct ts_reader choices;
static uint8_t first_buf[MSG_MAX], next_buf[MSG_MAX], buf[MSG_MAX];
static struct ts_span signature;
static struct mikey_id alice, bob;

static unsigned choose(unsigned n)
{
    return ts_get_u8(&choices) % n;
}

static bool toss(void)
{
    return choose(2);
}

/* One in eight. */
static bool seldom(void)
{
    return choose(8) == 7;
}

static struct ts_span some(void)
{
    static const uint8_t lens[] = {16, 32, 64, 14, 8, 1};
    unsigned n = ts_get_u8(&choices);
    return ts_span(octets, n < 192 ? lens[n % sizeof lens] : 4 * (n - 192));
}

static struct ts_writer writer(uint8_t *to)
{
    size_t cap = seldom() ? 2u * ts_get_u8(&choices) : MSG_MAX;
    return ts_writer_init(to, cap);
}

/* ---- public keys: each signature is right, each key as it was sealed ---- */

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who)
{
    (void)arg;
    (void)cert;
    *who = claimed->data.p || n == 0 ? *claimed : alice;
    return now ? TS_OK : TS_E_EXPIRED;
}

static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    (void)arg;
    (void)sig;
    MUST_HOLD(s_type < 16 && n >= 1 && parts[0].n > 10);
    return TS_OK;
}

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out);
static struct mikey_sealer sealer = {.len = TS_KEY_MAX + 1, .seal = seal};

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    memset(out, 0, sealer.len);
    memcpy(out, env_key.p, env_key.n);
    out[TS_KEY_MAX] = (uint8_t)env_key.n;
    return TS_OK;
}

static enum ts_err open_sealed(void *arg, const struct mikey_chash *chash,
                               struct ts_span sealed,
                               uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    (void)chash;
    MUST_HOLD(sealed.n == TS_KEY_MAX + 1);
    memcpy(env_key, sealed.p, TS_KEY_MAX);
    *n = sealed.p[TS_KEY_MAX];
    return TS_OK;
}

static const struct mikey_verifier verifier = {NULL, certify, verify};
static const struct mikey_opener opener = {NULL, open_sealed};
static struct mikey_signer signer = {.arg = &signature, .sign = sign_as};

static void choose_pk(void)
{
    static struct mikey_id cert = {0, MIKEY_CERT_X509, {octets, 9}};
    signature = ts_span(octets, choose(100));
    signer.len = (uint16_t)(seldom() ? 0x1fff : signature.n);
    if (signer.len != signature.n)
        signature = none;
    signer.s_type = (uint8_t)choose(seldom() ? 17 : 16);
    signer.cert = &cert;
    signer.n_cert = choose(2);
    sealer.chash = (struct mikey_chash){MIKEY_HASH_SHA256,
                                        toss() ? ts_span(octets, 32) : none};
}

/* ---- what is asked for ---- */

static size_t choose_keys(struct mikey_key *k)
{
    size_t n = choose(4);
    for (size_t i = 0; i < n; i++) {
        k[i] = (struct mikey_key){
            .type = (uint8_t)choose(seldom() ? 8 : 4),
            .kv = (uint8_t)choose(seldom() ? 4 : 3),
            .key = some(),
            .salt = some(),
            .spi = ts_span(octets + i, choose(6)),
            .from = ts_span(octets, choose(7)),
            .to = ts_span(octets, choose(7)),
        };
        if (toss()) /* what AES-KW can wrap */
            k[i] = (struct mikey_key){.key = ts_span(octets, 20)};
    }
    return n;
}

static void choose_map(struct mikey_classic_new *in, uint8_t *room)
{
    struct ts_writer w = ts_writer_init(room, 256);
    in->map_type = (uint8_t)choose(3);
    in->n_cs = (uint8_t)(in->map_type == MIKEY_MAP_EMPTY ? 0 : choose(4));
    for (uint8_t i = 0; i < in->n_cs; i++) {
        const struct mikey_cs cs = {
            .id = (uint8_t)(i + 1),
            .policies = ts_span("\0\1", 1 + choose(2)),
            .session = ts_span(octets, toss() ? 4 : 0),
            .spi = ts_span(octets + i, choose(5)),
        };
        if (in->map_type == MIKEY_MAP_SRTP)
            mikey_put_srtp_id(&w, (uint8_t)choose(2), choose(2), 0);
        else
            mikey_put_cs(&w, &cs);
    }
    in->map = ts_written(&w);
}

struct room {
    struct mikey_key k[4];
    uint8_t map[256], params[64];
    struct mikey_sp sp;
};

static struct mikey_classic_new choose_new(struct room *r,
                                           const struct mikey_suite *suite)
{
    struct ts_writer w = ts_writer_init(r->params, sizeof r->params);
    const struct mikey_srtp_policy p =
        toss() ? mikey_srtp_usual(suite) : mikey_srtp_gcm(suite);
    struct mikey_classic_new in = {
        .suite = suite,
        .csb = 7,
        .rand = some(),
        .want_response = toss(),
        .t = {(uint8_t)choose(4), UINT64_C(9) << 32},
        .id_i = seldom() ? (struct mikey_id){0} : alice,
        .id_r = toss() ? (struct mikey_id){0} : bob,
        .sp = &r->sp,
        .sdp_ids = toss() ? ts_span_str("mikey") : none,
        .encr = suite->encr,
        .mac = suite->auth,
        .keys = r->k,
        .n_keys = choose_keys(r->k),
        .secret = seldom() ? some() : ts_span(octets, 32),
        .signer = &signer,
        .sealer = &sealer,
        .inner_id = toss() ? alice : (struct mikey_id){0},
        .cache = (uint8_t)choose(seldom() ? 4 : 3),
        .without_kemac = seldom(),
    };
    if (in.t.type == MIKEY_COUNTER)
        in.t.value = seldom() ? in.t.value : 9;
    if (seldom())
        in.encr = (uint8_t)choose(4);
    if (seldom())
        in.mac = (uint8_t)choose(3);
    if (seldom())
        in.allow = MIKEY_ALLOW_NULL;
    if (choose(4) == 3) {
        in.encr = MIKEY_ENCR_AES_KW_128;
        in.without_kemac = false;
    }
    mikey_srtp_policy_write(&w, &p);
    r->sp = (struct mikey_sp){0, MIKEY_PROT_SRTP, ts_written(&w)};
    choose_map(&in, r->map);
    in.n_sp = in.map_type == MIKEY_MAP_EMPTY && !seldom() ? 0 : choose(2);
    return in;
}

/* ---- what becomes of it ---- */

static void use_keys(const struct mikey_msg *m, const struct mikey_msg *first,
                     const struct mikey_keys *keys)
{
    const struct mikey_classic_label b = mikey_classic_label_of(first);
    struct mikey_srtp_policy policy;
    struct mikey_cs cs;
    const struct mikey_key *k;
    struct ts_key key, salt;
    uint8_t out[255];
    for (unsigned id = 0; id < 6; id++) {
        if (mikey_classic_cs(&m->hdr, (uint8_t)id, &cs) ||
            mikey_classic_policy(m, &cs, &policy) ||
            mikey_classic_pick(keys, cs.spi, &k))
            continue;
        enum ts_err err =
            mikey_classic_session(&b, k, cs.id, &policy, &key, &salt);
        MUST_HOLD(err == TS_OK || err == TS_E_UNSUPPORTED);
    }
    enum ts_err err = mikey_classic_tek(&b, some(), MIKEY_USE_AUTH, 1, out,
                                        ts_get_u8(&choices) + 1u);
    MUST_HOLD(err == TS_OK || err == TS_E_RANGE);
}

/* Never E_AUTH: who has the key has all that the other one had. */
static bool opens(const struct mikey_classic *x, const struct mikey_msg *m,
                  struct ts_key *secret)
{
    static struct mikey_classic_opened o;
    const struct mikey_classic_pk pk = {&verifier, &opener, !seldom()};
    const struct mikey_msg *first = x->first ? x->first : m;
    enum ts_err err;
    if (m->hdr.type == MIKEY_PK)
        err = mikey_classic_pk_open(x, m, &pk, &o);
    else
        err = mikey_classic_psk_open(x, m, &o.keys);
    MUST_HOLD(err != TS_E_AUTH);
    if (!err)
        use_keys(m, first, &o.keys);
    if (!err && m->hdr.type == MIKEY_PK)
        *secret = o.env_key;
    mikey_classic_wipe(&o);
    return !err;
}

static void answer(struct mikey_classic x, const struct mikey_msg *init)
{
    static const uint32_t ssrc[4] = {7, 8, 9, 10};
    struct mikey_msg m;
    uint8_t map[256];
    struct ts_writer w = writer(buf), mw = ts_writer_init(map, sizeof map);
    enum ts_err err = mikey_map_answer(&init->hdr, ssrc, choose(5), &mw);
    struct ts_span filled = err ? none : ts_written(&mw);
    mikey_build_classic_resp(&w, &x, init, toss() ? bob : (struct mikey_id){0},
                             filled);
    if (w.err || mikey_classic_read(ts_written(&w), x.allow, &m))
        return;
    x.allow |= (unsigned)choose(4) << 1;
    MUST_HOLD(mikey_classic_resp_open(&x, init, &m) == TS_OK);
    buf[w.len - 1] ^= 1;
    MUST_HOLD(mikey_classic_resp_open(&x, init, &m) != TS_OK);
}

static void refuse(const struct mikey_classic *x, const struct mikey_msg *init)
{
    static const uint8_t no[] = {MIKEY_ERR_AUTH, MIKEY_ERR_TS};
    struct mikey_msg m;
    struct mikey_id who;
    struct ts_writer w = writer(buf);
    const bool v = toss();
    const struct mikey_classic_error_new in = {
        .about = &init->hdr,
        .t = init->t,
        .no = no,
        .n_no = choose(3),
        .sp = init->sp,
        .n_sp = init->n_sp,
        .x = v ? x : NULL,
        .init = v ? init : NULL,
        .signer = v ? NULL : &signer,
    };
    mikey_build_classic_error(&w, &in);
    if (w.err || mikey_classic_read(ts_written(&w), x->allow, &m))
        return;
    struct mikey_classic y = *x;
    y.allow |= toss() ? MIKEY_ALLOW_ERROR_TAIL : 0;
    enum ts_err err = mikey_classic_error_verify(&y, init, &m);
    MUST_HOLD(err == TS_OK || !v || in.n_no == 0);
    (void)!mikey_classic_signed(x, init, &m, &verifier, 1, &who);
}

/* Build, read and open one; false when anything refuses it. */
static bool send(const struct mikey_classic_new *in, bool pk, uint8_t *to,
                 struct mikey_classic *x, struct mikey_msg *m,
                 struct ts_key *secret)
{
    struct ts_writer w = writer(to);
    struct mikey_id who;
    if (pk)
        mikey_build_classic_pk(&w, in);
    else
        mikey_build_classic_psk(&w, in);
    if (w.err)
        return false;
    enum ts_err err = mikey_classic_read(ts_written(&w), in->allow, m);
    MUST_HOLD(err == TS_OK || err == TS_E_FORMAT || err == TS_E_UNSUPPORTED ||
              err == TS_E_UNKNOWN || err == TS_E_DUPLICATE);
    if (err)
        return false;
    x->allow = in->allow;
    x->secret = in->secret;
    if (pk)
        (void)!mikey_classic_signed(x, NULL, m, &verifier, 1, &who);
    return opens(x, m, secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct room room;
    static struct mikey_msg first, next;
    struct ts_key secret = {0};
    struct mikey_classic x = {0};
    if (n > 1024)
        return 0;
    choices = ts_reader_init(data, n);
    const struct mikey_suite *suite = mikey_suite_bits(toss() ? 128 : 256);
    alice =
        (struct mikey_id){0, MIKEY_ID_URI, ts_span_str("sip:a@example.com")};
    bob = (struct mikey_id){0, MIKEY_ID_NAI, ts_span_str("b@example.com")};
    bool pk = toss();
    if (toss()) {
        x.id_i = alice;
        x.id_r = bob;
    }
    choose_pk();
    struct mikey_classic_new in = choose_new(&room, suite);
    if (!send(&in, pk, first_buf, &x, &first, &secret))
        return 0;
    answer(x, &first);
    refuse(&x, &first);
    if (pk && mikey_classic_cached(&first, ts_key_span(&secret), toss() ? 7 : 8,
                                   &x) == TS_OK)
        pk = toss();
    in = choose_new(&room, suite);
    if (toss())
        in.secret = x.secret;
    in.first = x.first = &first;
    if (send(&in, pk, next_buf, &x, &next, &secret))
        answer(x, &next);
    return 0;
}
