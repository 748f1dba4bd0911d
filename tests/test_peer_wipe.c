/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 leave no secret behind, neither on the stack nor in
 * their memory, whether a message is good or its MAC is wrong.
 */
#include "tests/duo.h"
#include "tests/traces.h"

static struct duo d;
static bool spoilt, pk; /* the MAC of a message is wrong; public keys */
static uint32_t drawn;
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

/* A call with its update, or up to the first MAC that is wrong. */
static void run(void)
{
    begin();
    const struct mikey_key k = {.type = MIKEY_TGK, .key = ts_key_span(&tgk)};
    if (spoilt) {
        struct mikey_msg m;
        OK(duo_offer(&d));
        pair_read(&d.init, &m);
        d.init.b[mikey_at(&m, m.kemac.mac)] ^= 1;
        if (pk)
            pair_sign_toy("sip:alice@example.com", &d.init, ts_span(NULL, 0));
        FAILS(TS_E_AUTH, duo_offered(&d, span_of(&d.init)));
        return;
    }
    duo_call(&d);
    OK(mikey_peer_srtp(d.a, 1, &srtp[0]));
    OK(mikey_peer_srtp(d.b, 2, &srtp[1]));
    duo_later(&d);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_renew(&d);
    OK(mikey_peer_srtp(d.a, 1, &srtp[2]));
    OK(mikey_peer_srtp(d.b, 2, &srtp[3]));
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
    bool was = spoilt;
    forget_secrets();
    spoilt = false;
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

static void nothing_is_left(void)
{
    can_be_searched();
    learn_secrets();
    on_own_stack(run_and_wipe);
    must_be_gone("the stack", own_stack, OWN_STACK);
    must_be_gone("what Alice had", d.mem_a, sizeof d.mem_a);
    must_be_gone("what Bob had", d.mem_b, sizeof d.mem_b);
}

static void a_call_with_a_psk_leaves_no_secret(void **state)
{
    (void)state;
    pk = spoilt = false;
    nothing_is_left();
}

static void a_call_with_public_keys_leaves_no_secret(void **state)
{
    (void)state;
    pk = true;
    spoilt = false;
    nothing_is_left();
}

static void a_wrong_mac_leaves_no_secret(void **state)
{
    (void)state;
    spoilt = true;
    for (unsigned i = 0; i < 2; i++) {
        pk = i;
        nothing_is_left();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_with_a_psk_leaves_no_secret),
        cmocka_unit_test(a_call_with_public_keys_leaves_no_secret),
        cmocka_unit_test(a_wrong_mac_leaves_no_secret),
    };
    return search_main(tests, sizeof tests / sizeof tests[0]);
}
