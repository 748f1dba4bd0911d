/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830: Errors (5.1.2), what is left out, and what is only
 * taken by who asks for it.
 */
#include "tests/duo.h"

#include <stdio.h>

static struct duo d;
static const struct ts_span none;
static const uint8_t no[] = {MIKEY_ERR_SPPAR, MIKEY_ERR_SP};

static int begin(void **state)
{
    (void)state;
    duo_begin(&d, 128);
    return 0;
}

static enum ts_err refuse(struct ts_span message)
{
    return mikey_peer_refuse(d.b, &d.now, message, no, 2, &d.policy, 1,
                             d.resp.b, sizeof d.resp.b, &d.resp.n);
}

/* ---- Errors ---- */

static void an_error_about_what_was_taken_is_proven(void **state)
{
    struct mikey_msg m;
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        duo_begin(&d, bits);
        OK(duo_offer(&d));
        OK(duo_offered(&d, span_of(&d.init)));
        d.strict = true;
        FAILS(TS_E_UNSUPPORTED, duo_answer(&d));
        OK(refuse(none));
        FAILS(TS_E_STATE, refuse(none)); /* it is over */
        pair_read(&d.resp, &m);
        assert_int_equal(m.n_sp, 1); /* "SHOULD include" */
        FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
        const struct mikey_refusal *r = mikey_peer_refusal(d.a);
        assert_true(r->proven);
        assert_int_equal(r->n, 2);
        assert_int_equal(r->no[0], MIKEY_ERR_SPPAR);
        assert_int_equal(r->t.value, d.pair.t.value);
        FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.resp)));
        FAILS(TS_E_STATE, duo_answer(&d));
        d.strict = false;
        duo_call(&d); /* once more, and better */
        duo_same_keys(&d, 1, NULL);
    }
}

/* "an unauthenticated Error" is a hint */
static void an_error_about_what_was_refused_is_a_hint(void **state)
{
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(span_of(&d.init))); /* anybody could have written it */
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_false(mikey_peer_refusal(d.a)->proven);
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

static void no_octet_of_an_error_is_proven_if_changed(void **state)
{
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(none));
    for (size_t i = 0; i < 8 * d.resp.n; i++) {
        struct bytes c = d.resp;
        c.b[i / 8] ^= (uint8_t)(1u << i % 8);
        enum ts_err err = duo_answered(&d, span_of(&c));
        assert_int_not_equal(err, TS_OK);
        assert_false(err == TS_E_PEER && mikey_peer_refusal(d.a)->proven);
    }
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_true(mikey_peer_refusal(d.a)->proven);
}

/* Its Initiator has given it up: nobody may bring it into force any more. */
static void an_update_that_was_refused_is_a_replay(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK};
    struct bytes first;
    (void)state;
    duo_call(&d);
    duo_later(&d);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    first = d.init;
    OK(duo_updated(&d, span_of(&first)));
    FAILS(TS_E_SPACE, mikey_peer_refuse(d.b, &d.now, none, no, 1, NULL, 0,
                                        d.resp.b, 9, &d.resp.n));
    OK(duo_updated(&d, span_of(&first))); /* not refused yet */
    OK(refuse(none));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    FAILS(TS_E_REPLAY, duo_updated(&d, span_of(&first)));
    duo_same_keys(&d, 1, NULL);
    duo_renew(&d); /* with a new T it may be another matter */
    duo_same_keys(&d, 1, NULL);
}

static void an_error_ends_the_update_it_is_about(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK};
    struct mikey_srtp_key one;
    struct bytes early;
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(none));
    early = d.resp; /* about the offer */
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, &one);
    duo_later(&d);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&early)));
    assert_false(mikey_peer_refusal(d.a)->proven); /* not about this one */
    OK(duo_updated(&d, span_of(&d.init)));
    OK(refuse(none));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_true(mikey_peer_refusal(d.a)->proven);
    duo_same_as(&d, 1, &one);
    duo_renew(&d);
    duo_same_keys(&d, 1, NULL);
}

/* Never about an Error, or two programs would talk for ever. */
static void not_every_message_gets_an_error(void **state)
{
    static const uint8_t answers[] = {MIKEY_PSK_VERIFY,  MIKEY_PK_VERIFY,
                                      MIKEY_DH_RESP,     MIKEY_ERROR,
                                      MIKEY_DHHMAC_RESP, MIKEY_RSA_R_R};
    struct bytes c;
    size_t n;
    (void)state;
    OK(duo_offer(&d));
    c = d.init;
    for (size_t i = 0; i < sizeof answers; i++) {
        c.b[1] = answers[i];
        FAILS(TS_E_STATE, refuse(span_of(&c)));
    }
    c.b[1] = MIKEY_DH_INIT;
    OK(refuse(span_of(&c)));
    c.b[1] = MIKEY_PSK;
    c.b[2] = 99; /* a payload that nobody knows: T cannot be told */
    OK(refuse(span_of(&c)));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    c.b[0] = 2;
    FAILS(TS_E_UNKNOWN, refuse(span_of(&c)));
    FAILS(TS_E_SHORT, refuse(ts_span(d.init.b, 9)));
    FAILS(TS_E_STATE, refuse(none));
    FAILS(TS_E_RANGE, mikey_peer_refuse(d.b, &d.now, span_of(&d.init), no, 0,
                                        NULL, 0, c.b, sizeof c.b, &n));
    FAILS(TS_E_RANGE, mikey_peer_refuse(d.b, &d.now, span_of(&d.init), no, 9,
                                        NULL, 0, c.b, sizeof c.b, &n));
    FAILS(TS_E_RANGE, mikey_peer_refuse(d.b, &d.now, span_of(&d.init), no, 1,
                                        &d.policy, 17, c.b, sizeof c.b, &n));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(none));
    struct duo_held held;
    OK(duo_offered(&d, span_of(&d.init)));
    duo_hold(d.b, &held);
    for (size_t cap = 0; cap < d.resp.n; cap++)
        FAILS(TS_E_SPACE, mikey_peer_refuse(d.b, &d.now, none, no, 2, &d.policy,
                                            1, c.b, cap, &n));
    duo_unchanged(d.b, &held);
}

/* ---- identities that are left out (3.1) ---- */

static void names_may_be_left_out_if_they_are_known(void **state)
{
    struct mikey_id from, to;
    (void)state;
    d.alice.omit = 1u << MIKEY_IDR_I | 1u << MIKEY_IDR_R;
    d.bob.omit = 1u << MIKEY_IDR_R;
    duo_call(&d);
    OK(mikey_peer_names(span_of(&d.init), &from, &to));
    assert_null(from.data.p);
    assert_null(to.data.p);
    duo_same_keys(&d, 1, NULL);
    SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
    duo_later(&d);
    duo_renew(&d);

    duo_again(&d);
    d.bob.peer.data.p = NULL;
    d.terms.want_answer = false;
    duo_call(&d); /* somebody who has the PSK */
    assert_null(mikey_peer_id(d.b).data.p);
    assert_null(d.proposal.from.data.p);
    duo_again(&d);
    d.terms.want_answer = true;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    FAILS(TS_E_MISSING, duo_answer(&d)); /* 5.2: V covers both names */

    d.alice.omit = 1u << MIKEY_IDR_I; /* whose would the one be? */
    FAILS(TS_E_MISSING, duo_offer(&d));
    d.alice.peer.data.p = NULL;
    FAILS(TS_E_MISSING, duo_offer(&d));
}

/* ---- NULL algorithms (4.2.3, 4.2.4) ---- */

static void keyless(void)
{
    duo_begin(&d, 128);
    d.alice.psk = d.bob.psk = none;
    d.alice.allow = d.bob.allow = MIKEY_ALLOW_NULL;
    duo_again(&d);
}

static void without_any_key_null_may_be_allowed(void **state)
{
    struct mikey_msg m;
    (void)state;
    keyless();
    duo_call(&d);
    pair_read(&d.init, &m);
    assert_int_equal(m.kemac.encr, MIKEY_ENCR_NULL);
    assert_int_equal(m.kemac.mac_alg, MIKEY_AUTH_NULL);
    duo_same_keys(&d, 1, NULL);
    duo_later(&d);
    duo_renew(&d);
    duo_again(&d);
    duo_begin(&d, 128);
    d.alice.psk = none; /* nothing to prove an Error with */
    d.alice.allow = d.bob.allow = MIKEY_ALLOW_NULL;
    d.bob.psk = none;
    duo_again(&d);
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(none));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_false(mikey_peer_refusal(d.a)->proven);
}

/* Whoever has a key is not talked out of it. */
static void with_a_key_null_is_never_taken(void **state)
{
    struct bytes bare;
    (void)state;
    keyless();
    OK(duo_offer(&d));
    bare = d.init;
    OK(duo_offered(&d, span_of(&bare)));
    OK(duo_answer(&d));
    struct bytes bare_answer = d.resp;
    duo_begin(&d, 128);
    d.alice.allow = d.bob.allow = MIKEY_ALLOW_NULL;
    duo_again(&d);
    FAILS(TS_E_UNSUPPORTED, duo_offered(&d, span_of(&bare)));
    OK(duo_offer(&d));
    memcpy(bare_answer.b + 4, d.init.b + 4, 4); /* CSB ID */
    FAILS(TS_E_UNSUPPORTED, duo_answered(&d, span_of(&bare_answer)));
    d.bob.psk = none; /* and without one there is nothing to read */
    FAILS(TS_E_RANGE, duo_offered(&d, span_of(&d.init)));
    d.bob.verifier = &d.pair.trust;
    d.bob.opener = &d.pair.bobs_key;
    FAILS(TS_E_UNSUPPORTED, duo_offered(&d, span_of(&bare)));
    duo_again(&d);
    struct mikey_peer *a = d.a;
    d.a = d.b; /* nor offered in its place */
    FAILS(TS_E_DENIED, duo_offer(&d));
    d.a = a;
}

/* ---- the readings of others ---- */

/* The answer or Error again with its V over the tail. */
static void sign(struct ts_span tail)
{
    struct mikey_msg m;
    struct mikey_hmac h;
    uint8_t key[32], label[64];
    struct mikey_prf prf;
    pair_read(&d.init, &m);
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, PAIR_AUTH);
    ts_put_u8(&w, 0xff);
    ts_put_u32(&w, m.hdr.csb);
    ts_put_span(&w, m.rand[0]);
    mikey_prf_key(&prf, d.pair.suite->prf, ts_key_span(&d.pair.psk));
    mikey_prf(&prf, ts_written(&w), key, d.pair.suite->auth_key);
    mikey_prf_wipe(&prf);
    mikey_hmac_key(&h, d.pair.suite->auth,
                   ts_span(key, d.pair.suite->auth_key));
    size_t n = d.resp.n - d.pair.suite->mac;
    mikey_hmac_add(&h, ts_span(d.resp.b, n));
    mikey_hmac_add(&h, tail);
    mikey_hmac_end(&h, d.resp.b + n, d.pair.suite->mac);
}

static void expect(unsigned allow, struct ts_span tail)
{
    struct duo_held held;
    sign(tail);
    duo_hold(d.a, &held);
    FAILS(TS_E_AUTH, duo_answered(&d, span_of(&d.resp)));
    d.alice.allow = ~allow;
    FAILS(TS_E_AUTH, duo_answered(&d, span_of(&d.resp)));
    duo_unchanged(d.a, &held);
    d.alice.allow = allow;
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

static void a_v_as_others_read_it_is_taken_if_allowed(void **state)
{
    uint8_t tail[128];
    struct ts_writer w = ts_writer_init(tail, sizeof tail);
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    ts_put_u64(&w, d.pair.t.value);
    expect(MIKEY_ALLOW_V_TIME, ts_written(&w));

    duo_begin(&d, 256);
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    struct parts i, r;
    parts_of(&d.init, &i);
    parts_of(&d.resp, &r);
    w = ts_writer_init(tail, sizeof tail);
    ts_put_u8(&w, MIKEY_ID); /* IDi, as it stands in the offer */
    ts_put_span(&w, span_of(&i.part[2].body));
    ts_put_u8(&w, MIKEY_V); /* IDr and T, as in the answer */
    ts_put_span(&w, span_of(&r.part[1].body));
    ts_put_u8(&w, MIKEY_ID);
    ts_put_span(&w, span_of(&r.part[0].body));
    expect(MIKEY_ALLOW_V_PAYLOADS, ts_written(&w));
}

static void an_error_as_others_prove_it_is_taken_if_allowed(void **state)
{
    uint8_t tail[128];
    struct ts_writer w = ts_writer_init(tail, sizeof tail);
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(refuse(none));
    ts_put_span(&w, d.pair.alice.data);
    ts_put_span(&w, d.pair.bob.data);
    ts_put_u64(&w, d.pair.t.value);
    sign(ts_written(&w));
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_false(mikey_peer_refusal(d.a)->proven);
    d.alice.allow = MIKEY_ALLOW_ERROR_TAIL;
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_true(mikey_peer_refusal(d.a)->proven);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_error_about_what_was_taken_is_proven),
          TEST(an_error_about_what_was_refused_is_a_hint),
          TEST(no_octet_of_an_error_is_proven_if_changed),
          TEST(an_update_that_was_refused_is_a_replay),
          TEST(an_error_ends_the_update_it_is_about),
          TEST(not_every_message_gets_an_error),
          TEST(names_may_be_left_out_if_they_are_known),
          TEST(without_any_key_null_may_be_allowed),
          TEST(with_a_key_null_is_never_taken),
          TEST(a_v_as_others_read_it_is_taken_if_allowed),
          TEST(an_error_as_others_prove_it_is_taken_if_allowed))
