/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session keys through the roles of <mikey/mikey.h>: those of the ticket, and
 * those that Initiator (L) or Responder (M) supply.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

#define L MIKEY_FLAG_L
#define M MIKEY_FLAG_M
#define I MIKEY_FLAG_I

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

/* Session n uses the key with that SPI. */
static void use(size_t n, const char *spi)
{
    t.session[n].spi = ts_span(spi, 1);
}

static void want(const struct mikey_key *keys, size_t n)
{
    t.wish.keys = keys;
    t.wish.n_keys = n;
}

/* ---- keys of the ticket ---- */

/* R137, R141-R143, R150, R151, R153, R154, R212, R213: of each type, forked or
 * not. */
static void a_ticket_holds_keys_of_every_type(void **state)
{
    (void)state;
    for (uint8_t type = MIKEY_TGK; type <= MIKEY_GTGK_SALT; type++)
        for (unsigned forked = 0; forked <= I; forked += I) {
            const struct mikey_key key = troupe_key(type, 32, 1, 'a');
            const struct mikey_key *i, *r;
            struct mikey_srtp_key srtp;
            troupe_begin(&t, 256);
            troupe_mode(&t, 1, forked);
            want(&key, 1);
            use(0, "a");
            if (type == MIKEY_TEK)
                t.policy.salt = 0;
            troupe_call(&t);
            troupe_same_keys(&t, 1, &srtp);
            troupe_same_keys(&t, 2, NULL);
            assert_int_equal(mikey_bundle_keys(t.bob->at_i, &i), 1);
            assert_int_equal(mikey_bundle_keys(t.bob->at_r, &r), 1);
            assert_int_equal(i->type, type);
            assert_true(ts_span_equal(i->key, r->key));
            assert_true(ts_span_equal(i->spi, ts_span("a", 1)));
            if (i->salt.n) /* R153, R154 */
                assert_memory_equal(srtp.salt, i->salt.p, srtp.salt_len);
            /* R142, R143, R150, R212 */
            struct ts_span in_ticket = t.i->keys.k[t.i->keys.n - 1].key;
            assert_int_equal(in_ticket.n, i->key.n);
            assert_int_equal(ts_equal(in_ticket.p, 32, i->key.p, 32),
                             !(forked && mikey_is_tgk(i)));
        }
}

/* A TEK is used as it is, a TGK is derived from (3.5). */
static void sessions_of_one_tgk_have_different_teks(void **state)
{
    (void)state;
    const struct mikey_key keys[] = {troupe_key(MIKEY_TGK, 32, 1, 'a'),
                                     troupe_key(MIKEY_TEK_SALT, 32, 2, 'b')};
    struct mikey_srtp_key one, two;
    want(keys, 2);
    use(0, "a");
    use(1, "a");
    troupe_call(&t);
    troupe_same_keys(&t, 1, &one);
    troupe_same_keys(&t, 2, &two);
    assert_memory_not_equal(one.key, two.key, 32);
    begin(NULL);
    want(keys, 2);
    use(0, "b");
    use(1, "b");
    troupe_call(&t);
    troupe_same_keys(&t, 1, &one);
    troupe_same_keys(&t, 2, &two);
    assert_memory_equal(one.key, two.key, 32);
}

static void refused_wish(const struct mikey_key *keys, size_t n)
{
    want(keys, n);
    FAILS(TS_E_RANGE, troupe_request(&t));
    troupe_flags(&t, 3, t.wish.flags & (unsigned)~MIKEY_FLAG_D);
    FAILS(TS_E_RANGE, mikey_initiator_make(t.i, &t.now, &t.wish));
    begin(NULL);
}

/* R213, R271, AMB 14 */
static void keys_that_cannot_be_are_not_asked_for(void **state)
{
    (void)state;
    struct mikey_key keys[9];
    for (size_t k = 0; k < 9; k++)
        keys[k] = troupe_key(MIKEY_TGK_SALT, 32, 1, "abcdefghi"[k]);
    want(keys, 8);
    OK(troupe_request(&t));
    refused_wish(keys, 9);
    keys[1].spi = keys[0].spi; /* AMB 14 */
    refused_wish(keys, 2);
    keys[0].spi.n = 0; /* R213 */
    refused_wish(keys, 1);
    const struct mikey_key wrong[] = {
        troupe_key(MIKEY_TGK, 15, 1, 'a'),  /* R271 */
        troupe_key(MIKEY_TGK, 65, 1, 'a'),  /* longer than we make */
        troupe_key(MIKEY_MPK, 32, 1, 'a'),  /* the KMS gives those */
        troupe_key(MIKEY_K_PR, 32, 1, 'a'), /* RFC 6267 */
        {.type = MIKEY_TEK,
         .key = keys[0].key,
         .salt = keys[2].salt,
         .spi = keys[2].spi}, /* no place for a salt */
        {.type = MIKEY_TEK_SALT, .key = keys[0].key, .spi = keys[2].spi},
        {.type = 255, .key = keys[0].key, .spi = keys[2].spi},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
        refused_wish(&wrong[k], 1);
    troupe_begin(&t, 128); /* R279 */
    keys[0] = troupe_key(MIKEY_TGK, 17, 1, 'a');
    want(keys, 1);
    FAILS(TS_E_RANGE, troupe_request(&t));
    keys[0] = troupe_key(MIKEY_TGK, 16, 1, 'a');
    OK(troupe_request(&t));
}

/* R271, R272, R273: the longest there are, with RANDs as long as they. */
static void keys_of_64_octets_have_rands_of_64_octets(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TGK, 64, 1, 'a');
    want(&key, 1);
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    assert_int_equal(troupe_read(&t.transfer).rand[MIKEY_RAND_I].n, 64);
    assert_int_equal(troupe_read(&t.bob->resp).rand[MIKEY_RAND_R].n, 64);
    assert_int_equal(troupe_read(&t.bob->resp).rand[MIKEY_RAND_KMS].n, 64);
}

/* ---- keys of the Initiator (L) and of the Responder (M) ---- */

static void supply(bool initiator, const struct mikey_key *key)
{
    if (initiator) {
        t.offer.keys = key;
        t.offer.n_keys = 1;
    } else {
        t.bob->answer.keys = key;
        t.bob->answer.n_keys = 1;
    }
}

/* R58, R80, R81, R226, R227: in modes 1 and 3, in both messages, any type. */
static void keys_of_every_type_may_be_supplied(void **state)
{
    (void)state;
    for (uint8_t type = MIKEY_TGK; type <= MIKEY_GTGK_SALT; type++)
        for (unsigned k = 0; k < 8; k++) {
            const bool initiator = k & 1;
            const struct mikey_key key = troupe_key(type, 32, 7, 'x');
            const struct mikey_key *list;
            struct mikey_srtp_key srtp;
            troupe_begin(&t, 256);
            troupe_mode(&t, k & 4 ? 3 : 1,
                        (k & 2 ? I : 0) | (initiator ? L : M));
            supply(initiator, &key);
            use(0, "x");
            if (type == MIKEY_TEK)
                t.policy.salt = 0;
            troupe_call(&t);
            troupe_same_keys(&t, 1, &srtp);
            troupe_same_keys(&t, 2, NULL); /* with the key of the ticket */
            assert_int_equal(mikey_bundle_keys(t.bob->at_i, &list), 2);
            assert_true(ts_span_equal(list[1].key, key.key)); /* not forked */
            if (mikey_is_tek(&key))
                assert_memory_equal(srtp.key, key.key.p, 32);
            if (key.salt.n)
                assert_memory_equal(srtp.salt, key.salt.p, 14);
        }
}

/* R59, R82, R226, R227 */
static void keys_are_not_supplied_where_l_or_m_forbids_it(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 7, 'x');
    troupe_mode(&t, 1, I | M);
    supply(true, &key);
    troupe_ticket(&t);
    troupe_freeze(&t, &still);
    FAILS(TS_E_DENIED, troupe_transfer(&t));
    troupe_unchanged(&t, &still);
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, I | L);
    supply(false, &key);
    troupe_verified(&t);
    troupe_freeze(&t, &still);
    FAILS(TS_E_DENIED, troupe_answer(&t));
    troupe_unchanged(&t, &still);
    t.bob->answer.n_keys = 0;
    troupe_finish(&t);
}

static void refused_key(enum ts_err wanted, bool initiator,
                        struct mikey_key key)
{
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, I | L | M);
    const struct mikey_key mine = troupe_key(MIKEY_TGK, 32, 1, 'a');
    want(&mine, 1);
    if (initiator)
        troupe_ticket(&t);
    else
        troupe_verified(&t);
    supply(initiator, &key);
    troupe_freeze(&t, &still);
    FAILS(wanted, initiator ? troupe_transfer(&t) : troupe_answer(&t));
    troupe_unchanged(&t, &still);
    supply(initiator, NULL);
    t.offer.n_keys = t.bob->answer.n_keys = 0;
    if (initiator)
        OK(troupe_transfer(&t));
    else
        troupe_finish(&t);
}

/* R213, R271, AMB 14 */
static void keys_that_cannot_be_are_not_supplied(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct mikey_key key = troupe_key(MIKEY_TEK, 32, 1, 'b');
        refused_key(TS_E_RANGE, i, troupe_key(MIKEY_TEK, 15, 1, 'b'));
        refused_key(TS_E_RANGE, i, troupe_key(MIKEY_TEK, 65, 1, 'b'));
        refused_key(TS_E_RANGE, i, troupe_key(MIKEY_MPK, 32, 1, 'b'));
        refused_key(TS_E_EXISTS, i, troupe_key(MIKEY_TEK, 32, 1, 'a'));
        key.spi.n = 0;
        refused_key(TS_E_RANGE, i, key);
    }
}

/* AMB 14: both supply a key of the same SPI. */
static void the_responder_does_not_take_the_initiators_spi(void **state)
{
    (void)state;
    const struct mikey_key i = troupe_key(MIKEY_TEK_SALT, 32, 1, 'x');
    const struct mikey_key r = troupe_key(MIKEY_TEK_SALT, 32, 9, 'x');
    troupe_mode(&t, 1, I | L | M);
    supply(true, &i);
    supply(false, &r);
    troupe_verified(&t);
    troupe_freeze(&t, &still);
    FAILS(TS_E_EXISTS, troupe_answer(&t));
    troupe_unchanged(&t, &still);
}

/* R272: the RANDs are as long as keys that come in a KEMAC, too. */
static void rands_are_as_long_as_the_keys_supplied(void **state)
{
    (void)state;
    const struct mikey_key i = troupe_key(MIKEY_GTGK, 64, 1, 'x');
    const struct mikey_key r = troupe_key(MIKEY_TGK, 64, 9, 'y');
    troupe_mode(&t, 1, I | L | M);
    supply(true, &i);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    assert_int_equal(troupe_read(&t.transfer).rand[MIKEY_RAND_I].n, 64);
    begin(NULL);
    troupe_mode(&t, 1, I | L | M);
    supply(false, &r);
    use(0, "y");
    troupe_call(&t);
    assert_int_equal(troupe_read(&t.bob->resp).rand[MIKEY_RAND_R].n, 64);
    troupe_same_keys(&t, 1, NULL);
}

/* As many as there can be: 16 in all. */
static void sixteen_keys_are_the_most(void **state)
{
    (void)state;
    struct mikey_key keys[15], list[15];
    const struct mikey_key *all;
    for (size_t k = 0; k < 15; k++)
        keys[k] = troupe_key(MIKEY_TEK, 32, (uint8_t)k, "abcdefghijklmno"[k]);
    memcpy(list, keys, sizeof list);
    troupe_mode(&t, 1, L | M); /* MPKi, one TGK, and ours */
    troupe_ticket(&t);
    t.offer.keys = list;
    t.offer.n_keys = 15;
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.n_keys = 14;
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    t.bob->answer.keys = &keys[14];
    t.bob->answer.n_keys = 1;
    FAILS(TS_E_SPACE, troupe_answer(&t));
    t.bob->answer.n_keys = 0;
    troupe_finish(&t);
    assert_int_equal(mikey_bundle_keys(t.bob->at_i, &all), 15);
    troupe_same_keys(&t, 1, NULL);
}

/* R204, R207: where no answer comes, nothing is left open. */
static void an_offer_without_an_answer_is_complete(void **state)
{
    (void)state;
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    troupe_flags(&t, 1, MIKEY_FLAG_H | L);
    want(&tek, 1);
    use(0, "a");
    use(1, "a");
    troupe_ticket(&t);
    troupe_freeze(&t, &still);
    FAILS(TS_E_MISSING, troupe_transfer(&t)); /* R204: an SSRC */
    t.session[1].known = true;
    t.session[1].spi.n = 0;
    FAILS(TS_E_MISSING, troupe_transfer(&t)); /* R207: an SPI */
    t.session[1].policies.n = 0;
    use(1, "a");
    FAILS(TS_E_MISSING, troupe_transfer(&t)); /* R200 */
    t.session[1].policies.n = 1;
    use(1, "z");
    FAILS(TS_E_NOTFOUND, troupe_transfer(&t)); /* R167 */
    troupe_unchanged(&t, &still);
    const struct mikey_key mine = troupe_key(MIKEY_TEK_SALT, 32, 3, 'z');
    supply(true, &mine); /* R58 */
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
    troupe_same_keys(&t, 2, NULL);
}

/* ---- content that is encrypted already (section 8) ---- */

/* R249: no session key in the ticket, the TEK from the Responder. */
static void content_that_is_encrypted_already_comes_with_its_tek(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        static const struct mikey_key none;
        const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 7, 'x');
        const struct mikey_key *keys;
        struct mikey_srtp_key srtp;
        struct mikey_ticket_info info;
        troupe_begin(&t, 256);
        troupe_mode(&t, k & 2 ? 3 : 1, M | (k & 1 ? I : 0));
        want(&none, 0);
        supply(false, &tek);
        troupe_verified(&t);
        OK(mikey_initiator_ticket(t.i, &info));
        assert_int_equal(info.n_keys, 0);
        troupe_finish(&t);
        troupe_same_keys(&t, 1, &srtp);
        assert_memory_equal(srtp.key, tek.key.p, 32);
        assert_memory_equal(srtp.salt, tek.salt.p, 14);
        assert_int_equal(mikey_bundle_keys(t.bob->at_i, &keys), 1);
    }
}

/* R167, R209: nobody has a key for the sessions. */
static void an_answer_without_any_key_is_not_given(void **state)
{
    (void)state;
    static const struct mikey_key none;
    troupe_mode(&t, 1, M | I);
    want(&none, 0);
    troupe_verified(&t);
    FAILS(TS_E_MISSING, troupe_answer(&t)); /* no SPI at all */
    use(0, "z");
    begin(NULL);
    use(0, "z");
    use(1, "z");
    troupe_verified(&t);
    FAILS(TS_E_NOTFOUND, troupe_answer(&t)); /* one that names no key */
}

/* ---- SRTP ---- */

/* R279, 3.5: a TEK or salt is of the policy's length, or of no use. */
static void a_tek_of_another_length_is_not_cut(void **state)
{
    (void)state;
    struct mikey_srtp_key out;
    const struct mikey_key keys[] = {troupe_key(MIKEY_TEK_SALT, 31, 1, 'a'),
                                     troupe_key(MIKEY_TEK, 32, 1, 'b')};
    want(keys, 2);
    use(0, "a");
    use(1, "b");
    troupe_call(&t);
    FAILS(TS_E_UNSUPPORTED, mikey_bundle_srtp(t.bob->at_i, 1, &out));
    FAILS(TS_E_UNSUPPORTED, mikey_bundle_srtp(t.bob->at_i, 2, &out)); /* salt */
    FAILS(TS_E_NOTFOUND, mikey_bundle_srtp(t.bob->at_i, 3, &out));
    const struct mikey_srtp_key nothing = {0};
    assert_memory_equal(&out, &nothing, sizeof out);
}

/* R279: a policy that wants more than the suite has. */
static void the_weak_suite_gives_no_long_keys(void **state)
{
    (void)state;
    struct mikey_srtp_key out;
    troupe_begin(&t, 128);
    t.policy = mikey_srtp_usual(mikey_suite_bits(256));
    troupe_call(&t);
    FAILS(TS_E_UNSUPPORTED, mikey_bundle_srtp(t.bob->at_i, 1, &out));
    FAILS(TS_E_UNSUPPORTED, mikey_bundle_srtp(t.bob->at_r, 1, &out));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_ticket_holds_keys_of_every_type),
          TEST(sessions_of_one_tgk_have_different_teks),
          TEST(keys_that_cannot_be_are_not_asked_for),
          TEST(keys_of_64_octets_have_rands_of_64_octets),
          TEST(keys_of_every_type_may_be_supplied),
          TEST(keys_are_not_supplied_where_l_or_m_forbids_it),
          TEST(keys_that_cannot_be_are_not_supplied),
          TEST(the_responder_does_not_take_the_initiators_spi),
          TEST(rands_are_as_long_as_the_keys_supplied),
          TEST(sixteen_keys_are_the_most),
          TEST(an_offer_without_an_answer_is_complete),
          TEST(content_that_is_encrypted_already_comes_with_its_tek),
          TEST(an_answer_without_any_key_is_not_given),
          TEST(a_tek_of_another_length_is_not_cut),
          TEST(the_weak_suite_gives_no_long_keys))
