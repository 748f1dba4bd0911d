/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 leave no secret behind, neither on the stack nor in
 * their memory, whether a message is good or its MAC is wrong.
 */
#include "tests/duo.h"
#include "tests/traces.h"

static struct duo d;
static bool spoilt, pk; /* the MAC of a message is wrong; public keys */
static unsigned steps;  /* how many are taken */
static uint32_t drawn;
#define ALL_STEPS 10
static struct mikey_srtp_key srtp[4];
static struct ts_key psk, tgk;

/* The same each time, and nothing else looks like it. */
static enum ts_err draw(void *arg, uint8_t *buf, size_t n)
{
    struct ts_key key = {.len = (uint8_t)n};
    (void)arg;
    scramble(&key, ++drawn * 7919);
    memcpy(buf, key.b, n);
    ts_key_wipe(&key);
    return TS_OK;
}

/* Not the toy of pair.c: it hashes the key, and what nettle leaves of that is
 * not ours to wipe. */
static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    for (size_t i = 0; i < env_key.n; i++)
        out[i] = env_key.p[i] ^ 0x3c;
    return TS_OK;
}

static enum ts_err open_it(void *arg, const struct mikey_chash *chash,
                           struct ts_span sealed,
                           uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)chash;
    *n = sealed.n;
    return seal(arg, sealed, env_key);
}

static void begin(void)
{
    static const struct mikey_opener opener = {NULL, open_it};
    static struct mikey_sealer sealer;
    drawn = 0;
    if (pk)
        duo_begin_pk(&d, 256);
    else
        duo_begin(&d, 256);
    psk.len = tgk.len = 32;
    scramble(&psk, 1);
    scramble(&tgk, 2);
    d.alice.random = d.bob.random = draw;
    if (pk) {
        sealer = (struct mikey_sealer){.len = 32, .seal = seal};
        d.alice.sealer = &sealer;
        d.bob.opener = &opener;
    } else {
        d.alice.psk = d.bob.psk = ts_key_span(&psk);
    }
    d.terms.cache = MIKEY_CACHE_YES;
    duo_again(&d);
}

/* The offer's MAC is wrong; its signature is not. */
static void spoil(void)
{
    struct mikey_msg m;
    pair_read(&d.init, &m);
    d.init.b[mikey_at(&m, m.kemac.mac)] ^= 1;
    if (pk)
        pair_sign_toy("sip:alice@example.com", &d.init, ts_span(NULL, 0));
    FAILS(TS_E_AUTH, duo_offered(&d, span_of(&d.init)));
}

static void take_keys(struct mikey_srtp_key *to)
{
    OK(mikey_peer_srtp(d.a, 1, &to[0]));
    OK(mikey_peer_srtp(d.b, 2, &to[1]));
}

static void step(unsigned i)
{
    const struct mikey_key k = {.type = MIKEY_TGK, .key = ts_key_span(&tgk)};
    switch (i) {
    case 0:
        OK(duo_offer(&d));
        break;
    case 1:
        OK(duo_offered(&d, span_of(&d.init)));
        break;
    case 2:
    case 7:
        OK(duo_answer(&d));
        break;
    case 3:
    case 8:
        OK(duo_answered(&d, span_of(&d.resp)));
        break;
    case 5:
        duo_later(&d);
        d.terms.keys = &k;
        d.terms.n_keys = 1;
        OK(duo_update(&d));
        break;
    case 6:
        OK(duo_updated(&d, span_of(&d.init)));
        break;
    default: /* 4, 9 */
        take_keys(i == 4 ? srtp : srtp + 2);
    }
}

/* A call with its update, as far as it is asked for. */
static void run(void)
{
    begin();
    for (unsigned i = 0; i < steps; i++)
        step(i);
    if (spoilt)
        spoil();
}

static void run_and_wipe(void)
{
    run();
    mikey_peer_wipe(d.a);
    mikey_peer_wipe(d.b);
    ts_wipe(srtp, sizeof srtp);
}

/* The keys that protect messages (4.1.4). */
static void message_keys(struct ts_span secret)
{
    static const uint32_t constants[] = {0x150533E1, 0x29B88916, 0x2D22AC75};
    struct mikey_msg m;
    uint8_t label[64], key[32];
    struct mikey_prf prf;
    pair_read(&d.init, &m);
    const struct ts_span rand = m.rand[0];
    for (unsigned i = 0; i < 3; i++) {
        size_t n = constants[i] == 0x29B88916 ? 14 : 32;
        struct ts_writer w = ts_writer_init(label, sizeof label);
        ts_put_u32(&w, constants[i]);
        ts_put_u8(&w, 0xff);
        ts_put_u32(&w, m.hdr.csb);
        ts_put_span(&w, rand);
        mikey_prf_key(&prf, MIKEY_PRF_SHA256, secret);
        mikey_prf(&prf, ts_written(&w), key, n);
        mikey_prf_wipe(&prf);
        is_secret("a key of messages", ts_span(key, n));
    }
}

/* One run to learn what there is to find, one to look for it. */
static void learn_secrets(void)
{
    const struct mikey_key *keys;
    const bool was = spoilt;
    forget_secrets();
    spoilt = false;
    steps = ALL_STEPS;
    run();
    spoilt = was;
    struct ts_span env_key = ts_key_span(&psk);
    assert_int_equal(mikey_peer_keys(d.a, &keys), 1);
    is_secret("the second TGK", keys[0].key);
    if (pk)
        OK(mikey_peer_env_key(d.b, &env_key));
    is_secret("PSK or envelope key", env_key);
    for (unsigned i = 0; i < 4; i++) {
        is_secret("a TEK", ts_span(srtp[i].key, srtp[i].key_len));
        is_secret("a salt", ts_span(srtp[i].salt, srtp[i].salt_len));
    }
    must_be_found("Alice", d.mem_a, sizeof d.mem_a);
    begin(); /* and the first TGK, and what the offer is protected with */
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    assert_int_equal(mikey_peer_keys(d.b, &keys), 1);
    is_secret("the first TGK", keys[0].key);
    if (pk)
        OK(mikey_peer_env_key(d.b, &env_key));
    message_keys(env_key);
    if (!spoilt)
        return;
    struct mikey_msg m;
    pair_read(&d.init, &m); /* it is right here, and a secret where it is not */
    is_secret("the computed MAC", m.kemac.mac);
}

static void nothing_is_left(unsigned after)
{
    can_be_searched();
    learn_secrets();
    steps = after;
    on_own_stack(run_and_wipe);
    must_be_gone("the stack", own_stack, OWN_STACK);
    must_be_gone("what Alice had", d.mem_a, sizeof d.mem_a);
    must_be_gone("what Bob had", d.mem_b, sizeof d.mem_b);
}

static void no_step_leaves_a_secret(void **state)
{
    (void)state;
    spoilt = false;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned after = 1; after <= ALL_STEPS; after++) {
            pk = i;
            nothing_is_left(after);
        }
}

static void a_wrong_mac_leaves_no_secret(void **state)
{
    (void)state;
    spoilt = true;
    for (unsigned i = 0; i < 2; i++) {
        pk = i;
        nothing_is_left(1);
    }
}

/* ---- while the peers live ---- */

/* 6.3: "MUST NOT be cached" */
static void an_envelope_key_that_is_not_cached_is_gone(void **state)
{
    (void)state;
    pk = true;
    spoilt = false;
    forget_secrets();
    for (unsigned cache = MIKEY_CACHE_NO; cache <= MIKEY_CACHE_CSB; cache++) {
        begin();
        struct ts_key env_key = {.len = 32};
        OK(draw(NULL, env_key.b, 32)); /* as Alice draws it first */
        is_secret("the envelope key", ts_key_span(&env_key));
        drawn = 0;
        d.terms.cache = (uint8_t)cache;
        OK(duo_offer(&d));
        OK(duo_offered(&d, span_of(&d.init)));
        must_be_found("Alice", d.mem_a, sizeof d.mem_a);
        must_be_found("Bob", d.mem_b, sizeof d.mem_b);
        OK(duo_answer(&d));
        OK(duo_answered(&d, span_of(&d.resp)));
        if (cache == MIKEY_CACHE_NO) {
            must_be_gone("what Alice has", d.mem_a, sizeof d.mem_a);
            must_be_gone("what Bob has", d.mem_b, sizeof d.mem_b);
        } else {
            must_be_found("Alice", d.mem_a, sizeof d.mem_a);
            must_be_found("Bob", d.mem_b, sizeof d.mem_b);
        }
    }
}

static void what_is_given_up_is_gone(void **state)
{
    (void)state;
    an_envelope_key_that_is_not_cached_is_gone(state); /* names it */
    begin();
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    mikey_peer_abandon(d.a);
    mikey_peer_abandon(d.b);
    must_be_gone("what Alice has", d.mem_a, sizeof d.mem_a);
    must_be_gone("what Bob has", d.mem_b, sizeof d.mem_b);
}

/* A shorter one does not leave the end of a longer one, nor does one of the
 * same SPI make an older key of it. */
static void a_key_that_is_replaced_is_gone(void **state)
{
    struct ts_key first = {.len = 64};
    struct mikey_key k = {
        .type = MIKEY_TGK, .key = ts_key_span(&first), .spi = ts_span_str("a")};
    (void)state;
    pk = spoilt = false;
    begin();
    scramble(&first, 3);
    forget_secrets();
    is_secret("the first TGK", ts_key_span(&first));
    d.terms.map = MIKEY_MAP_GENERIC;
    d.session[0].cs = 1;
    d.session[1].cs = 2;
    d.session[0].spi = d.session[1].spi = k.spi;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_call(&d);
    must_be_found("Alice", d.mem_a, sizeof d.mem_a);
    duo_later(&d);
    k.key = ts_span(NULL, 16);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_renew(&d);
    must_be_gone("what Alice has", d.mem_a, sizeof d.mem_a);
    must_be_gone("what Bob has", d.mem_b, sizeof d.mem_b);
}

/* Without encryption the message itself holds the keys. */
static void an_offer_that_is_not_sent_is_gone(void **state)
{
    struct mikey_key k = {.type = MIKEY_TGK};
    uint8_t out[20];
    size_t n;
    (void)state;
    pk = spoilt = false;
    begin();
    d.alice.psk.n = 0;
    d.alice.allow = MIKEY_ALLOW_NULL;
    duo_again(&d);
    k.key = ts_key_span(&tgk);
    forget_secrets();
    is_secret("TGK", k.key);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    FAILS(TS_E_SPACE,
          mikey_peer_offer(d.a, &d.now, &d.terms, out, sizeof out, &n));
    must_be_gone("what Alice has", d.mem_a, sizeof d.mem_a);
    OK(duo_offer(&d));
    must_be_found("her offer", d.mem_a, sizeof d.mem_a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_step_leaves_a_secret),
        cmocka_unit_test(a_wrong_mac_leaves_no_secret),
        cmocka_unit_test(an_envelope_key_that_is_not_cached_is_gone),
        cmocka_unit_test(what_is_given_up_is_gone),
        cmocka_unit_test(a_key_that_is_replaced_is_gone),
        cmocka_unit_test(an_offer_that_is_not_sent_is_gone),
    };
    return search_main(tests, sizeof tests / sizeof tests[0]);
}
