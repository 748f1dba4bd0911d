/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public key method of RFC 3830, with toys for certificates and keys:
 * which octets are signed, sealed and compared is what counts here.
 */
#include "tests/pair.h"

static const struct ts_span none;
static const struct mikey_id nobody;

static struct mikey_classic_pk bob_has(const struct pair *p)
{
    return (struct mikey_classic_pk){&p->trust, &p->bobs_key, 1};
}

/* What Bob makes of a message. */
static enum ts_err open_pk(const struct pair *p, const struct mikey_classic *x,
                           struct ts_span raw, struct mikey_classic_opened *out)
{
    const struct mikey_classic_pk pk = bob_has(p);
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    *out = (struct mikey_classic_opened){0};
    if (!err)
        err = mikey_classic_pk_open(x, &m, &pk, out);
    if (err) {
        assert_int_equal(out->env_key.len, 0);
        assert_int_equal(out->keys.n + out->keys.len, 0);
        assert_null(out->who.data.p);
    }
    return err;
}

/* What Bob knows before: the names. */
static struct mikey_classic names(const struct pair *p)
{
    return (struct mikey_classic){.id_i = p->alice, .id_r = p->bob};
}

static struct bytes signed_again(const struct parts *parts)
{
    struct bytes b = parts_join(parts);
    pair_sign_toy("sip:alice@example.com", &b, none);
    return b;
}

/* 5.2: the MAC over KEMAC with 0 for its next payload; by hand. */
static void sign_kemac(const struct pair *p, struct bytes *body)
{
    uint8_t key[32];
    struct mikey_hmac h;
    static const uint8_t last = 0;
    size_t n = body->n - p->suite->mac;
    pair_message_key(p, &p->env_key, PAIR_AUTH, key, p->suite->auth_key);
    mikey_hmac_key(&h, p->suite->auth, ts_span(key, p->suite->auth_key));
    mikey_hmac_add(&h, ts_span(&last, 1));
    mikey_hmac_add(&h, ts_span(body->b, n));
    mikey_hmac_end(&h, body->b + n, p->suite->mac);
}

/* --- the exchange --- */

static void a_sealed_key_opens_the_keys(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    struct mikey_msg init;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic x = names(&p);
        const struct mikey_classic_new in = pair_pk(&p);
        struct bytes b = pair_build(mikey_build_classic_pk, &in);
        OK(open_pk(&p, &x, span_of(&b), &o));
        pair_same_keys(&o.keys, p.keys, 2);
        SAME(ts_key_span(&o.env_key), ts_key_span(&p.env_key));
        SAME(o.who.data, p.alice.data);

        /* both signatures of it are those that one makes by hand */
        struct parts parts;
        parts_of(&b, &parts);
        sign_kemac(&p, &parts.part[parts_find(&parts, MIKEY_KEMAC)].body);
        struct bytes again = signed_again(&parts);
        SAME(span_of(&again), span_of(&b));

        pair_read(&b, &init);
        struct mikey_classic y = x;
        y.secret = ts_key_span(&o.env_key);
        struct bytes a = pair_answer(&y, &init, p.bob, none);
        y.secret = ts_key_span(&p.env_key);
        OK(pair_open_resp(&y, &init, span_of(&a)));
        y.secret = ts_key_span(&p.psk);
        FAILS(TS_E_AUTH, pair_open_resp(&y, &init, span_of(&a)));
        mikey_classic_wipe(&o);
        assert_int_equal(o.env_key.len + o.keys.n + o.keys.len, 0);
    }
}

/* IDi, CERTi, IDr, CHASH: what may be left out */
static void what_is_optional_may_be_left_out(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    struct mikey_form f;
    struct mikey_msg m;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    for (unsigned what = 0; what < 16; what++) {
        struct mikey_classic x = names(&p);
        struct mikey_classic_new in = pair_pk(&p);
        if (what & 1)
            in.id_i = nobody;
        if (what & 2)
            p.signer.n_cert = 0;
        if (what & 4)
            in.id_r = nobody;
        if (what & 8)
            p.to_bob.chash.data = none;
        in.inner_id = p.alice;
        if ((what & 7) == 3) { /* an IDr whom nobody could tell from IDi */
            FAILS(TS_E_MISSING, pair_refuses(mikey_build_classic_pk, &in));
        } else {
            struct bytes b = pair_build(mikey_build_classic_pk, &in);
            OK(open_pk(&p, &x, span_of(&b), &o));
            SAME(o.who.data, p.alice.data);
            pair_read(&b, &m);
            OK(mikey_classic_check(&m, false, &f, NULL));
            assert_int_equal(f.id_i.data.p == NULL, what & 1);
            assert_int_equal(f.id_r.data.p == NULL, !!(what & 4));
            assert_int_equal(m.n_cert == 0, !!(what & 2));
            assert_int_equal(m.chash.data.p == NULL, !!(what & 8));
            x.id_i = nobody; /* then the certificate alone must tell */
            assert_int_equal(open_pk(&p, &x, span_of(&b), &o),
                             (what & 3) == 3 ? TS_E_MISSING : TS_OK);
        }
        pair_init(&p, mikey_suite_bits(128));
    }
    struct mikey_classic_new in = pair_pk(&p);
    in.id_i = nobody; /* a KEMAC has an identity in it */
    FAILS(TS_E_MISSING, pair_refuses(mikey_build_classic_pk, &in));
}

static void no_octet_can_be_changed(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    struct mikey_msg init;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = names(&p);
        const struct mikey_classic_new in = pair_pk(&p);
        const struct bytes b = pair_build(mikey_build_classic_pk, &in);
        for (size_t i = 0; i < b.n; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                struct bytes c = b;
                c.b[i] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(open_pk(&p, &x, span_of(&c), &o), TS_OK);
            }
            assert_int_not_equal(open_pk(&p, &x, ts_span(b.b, i), &o), TS_OK);
        }
        FAILS(TS_E_TRAILING, open_pk(&p, &x, ts_span(b.b, b.n + 1), &o));
        pair_read(&b, &init);
        x.secret = ts_key_span(&p.env_key);
        const struct bytes a = pair_answer(&x, &init, p.bob, none);
        for (size_t i = 0; i < a.n; i++) {
            struct bytes c = a;
            c.b[i] ^= 0x80;
            assert_int_not_equal(pair_open_resp(&x, &init, span_of(&c)), TS_OK);
        }
    }
}

/* The same changes under a signature that is right: KEMAC and PKE hold. */
static void a_kemac_is_protected_by_itself(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic x = names(&p);
        const struct mikey_classic_new in = pair_pk(&p);
        const struct bytes b = pair_build(mikey_build_classic_pk, &in);
        struct parts whole, m;
        parts_of(&b, &whole);
        static const uint8_t both[] = {MIKEY_KEMAC, MIKEY_PKE};
        for (unsigned k = 0; k < 2; k++) {
            size_t at = parts_find(&whole, both[k]);
            /* but C of PKE, which only the signature covers */
            for (size_t i = k ? 2 : 0; i < whole.part[at].body.n; i++) {
                m = whole;
                m.part[at].body.b[i] ^= 0x01;
                struct bytes c = signed_again(&m);
                assert_int_not_equal(open_pk(&p, &x, span_of(&c), &o), TS_OK);
            }
        }
        m = whole; /* no word about a PKE that cannot be decrypted */
        m.part[parts_find(&m, MIKEY_PKE)].body.b[4] ^= 0x01;
        struct bytes c = signed_again(&m);
        FAILS(TS_E_AUTH, open_pk(&p, &x, span_of(&c), &o));
        m = whole; /* whatever the payload behind it is */
        parts_insert(&m, parts_find(&m, MIKEY_PKE), MIKEY_EXT,
                     OCTETS(MIKEY_EXT_VENDOR_ID, 0, 1, 1));
        c = signed_again(&m);
        OK(open_pk(&p, &x, span_of(&c), &o));
    }
}

/* 3.2: the identity in the KEMAC "MUST always be verified" */
static void a_replaced_inner_identity_is_refused(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = names(&p);
        struct mikey_classic_new in = pair_pk(&p);
        in.inner_id = p.eve; /* Eve's KEMAC and PKE under Alice's signature */
        struct bytes b = pair_build(mikey_build_classic_pk, &in);
        FAILS(TS_E_MISMATCH, open_pk(&p, &x, span_of(&b), &o));
        x.id_i = nobody;
        FAILS(TS_E_MISMATCH, open_pk(&p, &x, span_of(&b), &o));
        in.id_i = nobody; /* by the certificate */
        b = pair_build(mikey_build_classic_pk, &in);
        FAILS(TS_E_MISMATCH, open_pk(&p, &x, span_of(&b), &o));
        in.inner_id = p.alice;
        b = pair_build(mikey_build_classic_pk, &in);
        OK(open_pk(&p, &x, span_of(&b), &o));
        x.id_i = p.eve; /* who is expected, but whose certificate it is not */
        FAILS(TS_E_AUTH, open_pk(&p, &x, span_of(&b), &o));
    }
}

static enum ts_err certify_eve(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    static const struct mikey_id eve = {
        0, MIKEY_ID_URI, {(const uint8_t *)"sip:eve@example.com", 19}};
    const struct pair *p = arg;
    enum ts_err err =
        p->trust.certify(p->trust.arg, cert, n, claimed, now, who);
    *who = now == 1 ? eve : (struct mikey_id){0};
    return err;
}

/* pk.h: the verifier says whom it is about, and is held to it. */
static void a_verifier_answers_for_whom_it_was_asked(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    struct mikey_msg m;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    const struct mikey_classic x = names(&p);
    const struct mikey_classic_new in = pair_pk(&p);
    const struct mikey_verifier v = {&p, certify_eve, p.trust.verify};
    struct mikey_classic_pk pk = {&v, &p.bobs_key, 1};
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    pair_read(&b, &m);
    FAILS(TS_E_AUTH, mikey_classic_pk_open(&x, &m, &pk, &o));
    pk.now = 2; /* nobody at all */
    FAILS(TS_E_AUTH, mikey_classic_pk_open(&x, &m, &pk, &o));
}

static void certificate_and_names_must_fit(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    struct mikey_msg m;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p), y = x;
    struct mikey_classic_new in = pair_pk(&p);
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    y.id_r = p.eve;
    FAILS(TS_E_MISMATCH, open_pk(&p, &y, span_of(&b), &o));
    y = x;
    y.id_i = p.eve;
    FAILS(TS_E_MISMATCH, open_pk(&p, &y, span_of(&b), &o));

    struct mikey_classic_pk pk = bob_has(&p);
    pk.now = 0; /* the toy's certificates are not valid then */
    pair_read(&b, &m);
    FAILS(TS_E_EXPIRED, mikey_classic_pk_open(&x, &m, &pk, &o));
    in.id_i = p.eve; /* Alice's certificate */
    b = pair_build(mikey_build_classic_pk, &in);
    y = x;
    y.id_i = nobody;
    FAILS(TS_E_AUTH, open_pk(&p, &y, span_of(&b), &o));
    in = pair_pk(&p);
    p.signer.s_type = MIKEY_S_ECDSA;
    b = pair_build(mikey_build_classic_pk, &in);
    FAILS(TS_E_UNSUPPORTED, open_pk(&p, &x, span_of(&b), &o));
    p.signer.s_type = MIKEY_S_RSA;
    struct mikey_chash other = p.to_bob.chash; /* some other key of Bob's */
    other.data =
        OCTETS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    p.to_bob.chash = other;
    b = pair_build(mikey_build_classic_pk, &in);
    FAILS(TS_E_NOTFOUND, open_pk(&p, &x, span_of(&b), &o));
}

/* 4.2.3: AES-KW may do without a MAC here, and only it */
static void aes_kw_needs_no_mac(void **state)
{
    struct pair p;
    static struct mikey_classic_opened o;
    static const uint8_t spi[8] = {0};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p);
    struct mikey_classic_new in = pair_pk(&p);
    struct mikey_key k = p.keys[0];
    in.keys = &k;
    in.n_keys = 1;
    /* ID 4 + 21, key 4 + 16 + 2 + 14 + 1 + n */
    k.spi = ts_span(spi, 2);
    in.encr = MIKEY_ENCR_AES_KW_128;
    for (unsigned with_mac = 0; with_mac < 2; with_mac++) {
        in.mac = with_mac ? MIKEY_AUTH_SHA1 : MIKEY_AUTH_NULL;
        struct bytes b = pair_build(mikey_build_classic_pk, &in);
        OK(open_pk(&p, &x, span_of(&b), &o));
        pair_same_keys(&o.keys, &k, 1);
        struct parts m, whole;
        parts_of(&b, &whole);
        size_t at = parts_find(&whole, MIKEY_KEMAC);
        for (size_t i = 3; i < 3 + 72; i++) {
            m = whole;
            m.part[at].body.b[i] ^= 0x01;
            struct bytes c = signed_again(&m);
            FAILS(TS_E_AUTH, open_pk(&p, &x, span_of(&c), &o));
        }
    }
    k.spi = ts_span(spi, 3);
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_pk, &in));
    in.encr = MIKEY_ENCR_AES_CM_128;
    in.mac = MIKEY_AUTH_NULL;
    FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_pk, &in));
    in.allow = MIKEY_ALLOW_NULL;
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    FAILS(TS_E_UNSUPPORTED, open_pk(&p, &x, span_of(&b), &o));
    x.allow = MIKEY_ALLOW_NULL;
    OK(open_pk(&p, &x, span_of(&b), &o));
}

/* --- updates and caching (3.2, 4.5) --- */

static void a_cached_key_is_a_psk(void **state)
{
    struct pair p;
    struct mikey_msg first, m;
    static struct mikey_classic_opened o;
    static struct mikey_keys keys;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = names(&p);
        struct mikey_classic_new in = pair_pk(&p);
        in.cache = MIKEY_CACHE_CSB;
        struct bytes b = pair_build(mikey_build_classic_pk, &in);
        pair_read(&b, &first);
        OK(open_pk(&p, &x, span_of(&b), &o));
        FAILS(TS_E_DENIED,
              mikey_classic_cached(&first, none, PAIR_CSB + 1, &x));
        OK(mikey_classic_cached(&first, ts_key_span(&o.env_key), PAIR_CSB, &x));

        in = pair_psk(&p);
        in.first = &first;
        in.t = p.later;
        in.secret = ts_key_span(&p.env_key);
        struct bytes u = pair_build(mikey_build_classic_psk, &in);
        OK(pair_open_psk(&x, span_of(&u), &keys));
        pair_same_keys(&keys, p.keys, 2);
        pair_read(&u, &m);
        struct bytes a = pair_answer(&x, &m, p.bob, none);
        OK(pair_open_resp(&x, &m, span_of(&a)));

        in = pair_pk(&p); /* which must not be a PK message then */
        in.first = &first;
        in.t = p.later;
        FAILS(TS_E_STATE, pair_refuses(mikey_build_classic_pk, &in));
        first.pke.c = MIKEY_CACHE_NO; /* who does not know that */
        u = pair_build(mikey_build_classic_pk, &in);
        x = names(&p);
        x.first = &first;
        OK(open_pk(&p, &x, span_of(&u), &o));
        first.pke.c = MIKEY_CACHE_YES;
        FAILS(TS_E_ORDER, open_pk(&p, &x, span_of(&u), &o));
    }
}

static void c_tells_what_a_key_may_be_used_for(void **state)
{
    static const struct {
        uint8_t c;
        enum ts_err same, other;
    } rules[] = {
        {MIKEY_CACHE_NO, TS_E_DENIED, TS_E_DENIED},
        {MIKEY_CACHE_YES, TS_OK, TS_OK},
        {MIKEY_CACHE_CSB, TS_OK, TS_E_DENIED},
        {3, TS_E_UNKNOWN, TS_E_UNKNOWN},
    };
    struct pair p;
    struct mikey_msg first;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p);
    struct mikey_classic_new in = pair_pk(&p);
    for (unsigned i = 0; i < 4; i++) {
        in.cache = i < 3 ? rules[i].c : 0;
        struct bytes b = pair_build(mikey_build_classic_pk, &in);
        pair_read(&b, &first);
        first.pke.c = rules[i].c;
        const struct ts_span key = ts_key_span(&p.env_key);
        FAILS(rules[i].same, mikey_classic_cached(&first, key, PAIR_CSB, &x));
        if (!rules[i].same)
            assert_ptr_equal(x.first, &first);
        FAILS(rules[i].other, mikey_classic_cached(&first, key, 1, &x));
        if (!rules[i].other)
            assert_null(x.first);
    }
    in.cache = 3;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_pk, &in));
    in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &first); /* no PKE at all */
    FAILS(TS_E_DENIED, mikey_classic_cached(&first, none, PAIR_CSB, &x));
}

/* Without a cached key an update brings a new one, with or without keys. */
static void an_update_may_bring_a_new_envelope(void **state)
{
    struct pair p;
    struct mikey_msg first, m;
    static struct mikey_classic_opened o;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p);
    struct mikey_classic_new in = pair_pk(&p);
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    pair_read(&b, &first);
    x.first = &first;
    in = pair_psk(&p); /* its key must not be cached, so it is no PSK */
    in.secret = ts_key_span(&p.env_key);
    in.first = &first;
    in.t = p.later;
    FAILS(TS_E_STATE, pair_refuses(mikey_build_classic_psk, &in));
    first.pke.c = MIKEY_CACHE_YES;
    struct bytes psk = pair_build(mikey_build_classic_psk, &in);
    first.pke.c = MIKEY_CACHE_NO;
    x.secret = in.secret;
    FAILS(TS_E_ORDER, pair_open_psk(&x, span_of(&psk), &o.keys));
    for (unsigned how = 0; how < 3; how++) {
        in = pair_pk(&p);
        in.first = &first;
        in.secret = ts_key_span(&p.psk); /* another envelope key */
        in.t = p.later;
        in.without_kemac = how == 0;
        in.n_keys = how;
        struct bytes u = pair_build(mikey_build_classic_pk, &in);
        OK(open_pk(&p, &x, span_of(&u), &o));
        pair_same_keys(&o.keys, p.keys, how);
        SAME(ts_key_span(&o.env_key), ts_key_span(&p.psk));
        pair_read(&u, &m);
        assert_null(m.rand[0].p);
        assert_int_equal(m.has_kemac, how != 0);
        struct mikey_classic y = x;
        y.secret = ts_key_span(&o.env_key);
        struct bytes a = pair_answer(&y, &m, p.bob, none);
        OK(pair_open_resp(&y, &m, span_of(&a)));
        for (size_t i = 0; i < u.n; i++) {
            struct bytes c = u;
            c.b[i] ^= 0x04;
            assert_int_not_equal(open_pk(&p, &x, span_of(&c), &o), TS_OK);
        }
    }
    in.first = NULL; /* an initial message cannot do without */
    in.without_kemac = true;
    in.n_keys = 0;
    FAILS(TS_E_MISSING, pair_refuses(mikey_build_classic_pk, &in));
    in = pair_pk(&p);
    in.first = &first;
    FAILS(TS_E_REPLAY, pair_refuses(mikey_build_classic_pk, &in));
}

/* --- what is refused although it is signed --- */

static void what_a_message_says_is_judged(void **state)
{
    static const uint8_t must[] = {MIKEY_T, MIKEY_RAND, MIKEY_KEMAC, MIKEY_PKE};
    struct pair p;
    struct parts whole, m;
    static struct mikey_classic_opened o;
    struct bytes c;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p);
    struct mikey_classic_new in = pair_pk(&p);
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    parts_of(&b, &whole);
    for (unsigned i = 0; i < sizeof must; i++) {
        m = whole;
        parts_remove(&m, parts_find(&m, must[i]));
        c = signed_again(&m);
        FAILS(TS_E_MISSING, open_pk(&p, &x, span_of(&c), &o));
    }
    m = whole;
    parts_remove(&m, parts_find(&m, MIKEY_SIGN));
    c = parts_join(&m);
    FAILS(TS_E_MISSING, open_pk(&p, &x, span_of(&c), &o));
    m = whole;
    m.hdr.b[1] = MIKEY_PK_VERIFY;
    c = signed_again(&m);
    FAILS(TS_E_UNKNOWN, open_pk(&p, &x, span_of(&c), &o));

    in.secret.n = 15; /* an envelope key that is too short for us */
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_pk, &in));
    p.env_key.len = 15;
    p.to_bob.len = 15 + 8;
    in = pair_pk(&p);
    m = whole;
    struct bytes *pke = &m.part[parts_find(&m, MIKEY_PKE)].body;
    pke->b[1] = 15 + 8;
    pke->n = 2 + 15 + 8;
    OK(p.to_bob.seal(p.to_bob.arg, ts_key_span(&p.env_key), pke->b + 2));
    sign_kemac(&p, &m.part[parts_find(&m, MIKEY_KEMAC)].body);
    c = signed_again(&m);
    FAILS(TS_E_AUTH, open_pk(&p, &x, span_of(&c), &o));
}

/* In the KEMAC: ID, then Key Data, used up exactly. */
static enum ts_err open_with_data(const struct pair *p, struct ts_span plain)
{
    static struct mikey_classic_opened o;
    struct mikey_classic_new in = pair_pk(p);
    struct mikey_classic x = names(p);
    struct parts m;
    in.encr = MIKEY_ENCR_NULL;
    in.allow = x.allow = MIKEY_ALLOW_NULL;
    struct bytes b = pair_build(mikey_build_classic_pk, &in);
    parts_of(&b, &m);
    struct bytes *kemac = &m.part[parts_find(&m, MIKEY_KEMAC)].body;
    struct ts_writer w = ts_writer_init(kemac->b, sizeof kemac->b);
    ts_put_u8(&w, MIKEY_ENCR_NULL);
    ts_put_u16(&w, (unsigned)plain.n);
    ts_put_span(&w, plain);
    ts_put_u8(&w, MIKEY_AUTH_SHA1);
    (void)ts_put_room(&w, 20);
    kemac->n = w.len;
    sign_kemac(p, kemac);
    b = signed_again(&m);
    return open_pk(p, &x, span_of(&b), &o);
}

static void what_is_in_the_kemac_is_used_up(void **state)
{
    struct pair p;
    uint8_t plain[64] = {0};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct ts_writer w = ts_writer_init(plain, sizeof plain);
    ts_put_u8(&w, MIKEY_KEY_DATA);
    ts_put_u8(&w, MIKEY_ID_URI);
    ts_put_u16(&w, (unsigned)p.alice.data.n);
    ts_put_span(&w, p.alice.data);
    const size_t id = w.len;
    ts_put_u16(&w, 0);
    ts_put_u16(&w, 16);
    (void)ts_put_room(&w, 16);
    OK(open_with_data(&p, ts_written(&w)));
    for (size_t n = 0; n < w.len; n++)
        FAILS(TS_E_SHORT, open_with_data(&p, ts_span(plain, n)));
    FAILS(TS_E_TRAILING, open_with_data(&p, ts_span(plain, w.len + 1)));
    plain[0] = MIKEY_LAST;
    OK(open_with_data(&p, ts_span(plain, id)));
    FAILS(TS_E_TRAILING, open_with_data(&p, ts_span(plain, w.len)));
    plain[0] = MIKEY_ID;
    FAILS(TS_E_UNKNOWN, open_with_data(&p, ts_span(plain, w.len)));
    plain[0] = MIKEY_KEY_DATA;
    plain[3]++; /* the ID takes an octet of the key's */
    assert_int_not_equal(open_with_data(&p, ts_span(plain, w.len)), TS_OK);
    plain[3] -= 2;
    assert_int_not_equal(open_with_data(&p, ts_span(plain, w.len)), TS_OK);
}

/* 5.1.2: [V | SIGNr] */
static void an_error_may_be_signed(void **state)
{
    static const uint8_t no = MIKEY_ERR_CERT;
    struct pair p;
    struct mikey_msg init, m;
    struct mikey_id who;
    struct bytes b = {0};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = names(&p);
    x.id_r = p.alice; /* whose key the toy has: she answers this time */
    x.id_i = p.bob;
    struct mikey_classic_new in = pair_pk(&p);
    struct bytes asked = pair_build(mikey_build_classic_pk, &in);
    pair_read(&asked, &init);
    const struct mikey_classic_error_new e = {.about = &init.hdr,
                                              .t = init.t,
                                              .no = &no,
                                              .n_no = 1,
                                              .signer = &p.signer};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    mikey_build_classic_error(&w, &e);
    OK(w.err);
    b.n = w.len;
    pair_read(&b, &m);
    OK(mikey_classic_signed(&x, &init, &m, &p.trust, 1, &who));
    SAME(who.data, p.alice.data);
    FAILS(TS_E_MISMATCH, mikey_classic_signed(&x, NULL, &m, &p.trust, 1, &who));
    for (size_t i = 0; i < b.n; i++) {
        struct bytes c = b;
        c.b[i] ^= 0x01;
        if (!mikey_msg_read(span_of(&c), &m, NULL))
            assert_int_not_equal(
                mikey_classic_signed(&x, &init, &m, &p.trust, 1, &who), TS_OK);
    }
    pair_read(&b, &m);
    x.id_r = nobody; /* an Error names nobody */
    FAILS(TS_E_MISSING, mikey_classic_signed(&x, &init, &m, &p.trust, 1, &who));
}

UNIT_MAIN(cmocka_unit_test(a_sealed_key_opens_the_keys),
          cmocka_unit_test(what_is_optional_may_be_left_out),
          cmocka_unit_test(no_octet_can_be_changed),
          cmocka_unit_test(a_kemac_is_protected_by_itself),
          cmocka_unit_test(a_replaced_inner_identity_is_refused),
          cmocka_unit_test(a_verifier_answers_for_whom_it_was_asked),
          cmocka_unit_test(certificate_and_names_must_fit),
          cmocka_unit_test(aes_kw_needs_no_mac),
          cmocka_unit_test(a_cached_key_is_a_psk),
          cmocka_unit_test(c_tells_what_a_key_may_be_used_for),
          cmocka_unit_test(an_update_may_bring_a_new_envelope),
          cmocka_unit_test(what_a_message_says_is_judged),
          cmocka_unit_test(what_is_in_the_kemac_is_used_up),
          cmocka_unit_test(an_error_may_be_signed))
