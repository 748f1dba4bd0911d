/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that the roles of <mikey/mikey.h> come to are those of RFC 6043 5.1,
 * derived here from what is in the messages: both ends could agree on others.
 */
#include "tests/troupe.h"

static struct troupe t;

static const struct ts_span none;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static const struct mikey_suite *suite(void)
{
    return mikey_suite_bits(t.alice.bits);
}

/* The V of a message is an HMAC under that key, RANDs and selector, over it and
 * what follows; without what stands between cut and resume. */
static bool is_under(const struct troupe_message *m, struct ts_span key,
                     uint8_t selector, struct ts_span rand_i,
                     struct ts_span rand_r, struct ts_span tail1,
                     struct ts_span tail2)
{
    const struct mikey_msg read = troupe_read(m);
    const size_t mac = mikey_at(&read, read.v.mac);
    size_t cut = mac, resume = mac;
    struct mikey_protect keys;
    struct mikey_hmac h;
    uint8_t out[MIKEY_MAC_MAX];
    if (read.hdr.type == MIKEY_TRANSFER_INIT && read.has_ticket) { /* R189 */
        cut = mikey_at(&read, read.ticket.init) - 2;
        resume = cut + 2 + read.ticket.init.n;
    }
    mikey_protect_begin(&keys, suite(), key, selector, read.hdr.csb, rand_i,
                        rand_r);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(m->b, cut));
    mikey_hmac_add(&h, ts_span(m->b + resume, mac - resume));
    mikey_hmac_add(&h, tail1);
    mikey_hmac_add(&h, tail2);
    mikey_hmac_end(&h, out, suite()->mac);
    mikey_protect_end(&keys);
    return ts_span_equal(ts_span(out, suite()->mac), read.v.mac);
}

/* The keys of a KEMAC under that key. */
static void open_kemac(const struct troupe_message *m, struct ts_span key,
                       uint8_t selector, struct ts_span rand_i,
                       struct ts_span rand_r, unsigned mpks,
                       struct mikey_keys *out)
{
    const struct mikey_msg read = troupe_read(m);
    struct mikey_protect keys;
    mikey_protect_begin(&keys, suite(), key, selector, read.hdr.csb, rand_i,
                        rand_r);
    OK(mikey_open_keys(&read.kemac, &keys, read.t, mpks, out));
    mikey_protect_end(&keys);
}

static struct ts_span rand_of(const struct troupe_message *m, unsigned role)
{
    return troupe_read(m).rand[role];
}

/* What the KMS knows of the ticket: MPK, MPKi and MPKr, session keys. */
static void open_ticket(struct mikey_opened *o)
{
    const struct mikey_msg m = troupe_read(&t.transfer);
    struct mikey_base base;
    OK(mikey_base_read(&m.ticket, &base));
    OK(mikey_base_open(&m.ticket, &base, t.kms.tpk, o));
}

/* MPKr' (K0), or MPKi without forking (5.1.1). */
static struct ts_key key_of_answer(void)
{
    struct mikey_opened o;
    struct mikey_prf prf;
    struct ts_key out;
    const struct mikey_msg resp = troupe_read(&t.bob->resp);
    open_ticket(&o);
    if (!(t.wish.flags & MIKEY_FLAG_I))
        return o.mpk_i;
    mikey_prf_key(&prf, suite()->prf, ts_key_span(&o.mpk_r));
    mikey_derive_fork(&prf, o.mpk_r.len, true, resp.idr[MIKEY_IDR_R].data,
                      resp.rand[MIKEY_RAND_KMS], &out);
    return out;
}

/* ---- messages ---- */

/* R6, R21, R22, R40, R42-R44, R60, R61, R83, R84, R93, R107, R108, R125, R126,
 * R130-R133, R138, R144-R149, R188-R191, R218, R223: which key, which RANDs,
 * which selector and what follows in the MAC, of each message of a call. */
static void each_message_is_under_the_key_of_its_own(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        struct mikey_opened o;
        troupe_begin(&t, k & 1 ? 128 : 256);
        troupe_flags(&t, 1,
                     MIKEY_FLAG_F | MIKEY_FLAG_H | (k & 2 ? MIKEY_FLAG_I : 0) |
                         (k & 4 ? MIKEY_FLAG_G : 0));
        troupe_call(&t);
        open_ticket(&o);
        const struct ts_span alice = t.alice.self.data,
                             bob = t.bob->party.self.data,
                             kms = t.kms.self.data;
        struct ts_span i = rand_of(&t.request, MIKEY_RAND_I);
        struct ts_span r = rand_of(&t.bob->resolve, MIKEY_RAND_R);
        assert_true(is_under(&t.request, t.psk[0], MIKEY_SEL_INIT, i, none,
                             alice, kms));
        assert_true(is_under(&t.granted, t.psk[0], MIKEY_SEL_RESP, i, none,
                             troupe_view(&t.request), none));
        assert_true(is_under(&t.bob->resolve, t.psk[1], MIKEY_SEL_INIT, none, r,
                             bob, kms));
        assert_true(is_under(&t.bob->resolved, t.psk[1], MIKEY_SEL_RESP, none,
                             r, troupe_view(&t.bob->resolve), none));
        const struct ts_key mpk = key_of_answer();
        i = rand_of(&t.transfer, MIKEY_RAND_I);
        r = rand_of(&t.bob->resp, MIKEY_RAND_R);
        assert_int_equal(r.n > 0, (k & 4) != 0);
        assert_true(is_under(&t.transfer, ts_key_span(&o.mpk_i), MIKEY_SEL_INIT,
                             i, none, alice, bob));
        assert_true(is_under(&t.bob->resp, ts_key_span(&mpk), MIKEY_SEL_RESP, i,
                             r, troupe_view(&t.transfer), none));
        assert_int_equal(ts_equal(mpk.b, mpk.len, o.mpk_i.b, o.mpk_i.len),
                         !(k & 2));
    }
}

/* R35, R36, R38, R39, R121-R124, R127, R137, R141, R142, R150, R218, R223,
 * R303, R304: MPKi, MPKr or MPKr', then the session keys as they are or forked;
 * never the MPK itself. */
static void the_kms_sends_the_keys_of_the_ticket(void **state)
{
    (void)state;
    const struct mikey_key wanted[] = {troupe_key(MIKEY_TGK, 32, 1, 'a'),
                                       troupe_key(MIKEY_GTGK, 32, 1, 'b'),
                                       troupe_key(MIKEY_TEK, 32, 1, 'c')};
    for (unsigned fork = 0; fork < 2; fork++) {
        const unsigned mpks = 1 + fork;
        struct mikey_opened o;
        struct mikey_keys alices, bobs;
        begin(NULL);
        troupe_mode(&t, 1, fork ? MIKEY_FLAG_I : 0);
        t.wish.keys = wanted;
        t.wish.n_keys = 3;
        troupe_call(&t);
        open_ticket(&o);
        open_kemac(&t.granted, t.psk[0], MIKEY_SEL_RESP,
                   rand_of(&t.request, MIKEY_RAND_I), none, mpks, &alices);
        open_kemac(&t.bob->resolved, t.psk[1], MIKEY_SEL_RESP, none,
                   rand_of(&t.bob->resolve, MIKEY_RAND_R), mpks, &bobs);
        assert_int_equal(alices.n, mpks + 3);
        assert_int_equal(bobs.n, mpks + 3);
        assert_true(ts_span_equal(alices.k[0].key, ts_key_span(&o.mpk_i)));
        assert_true(ts_span_equal(bobs.k[0].key, ts_key_span(&o.mpk_i)));
        for (size_t k = 0; k < 3; k++) /* unforked: Alice forks by herself */
            assert_true(
                ts_span_equal(alices.k[mpks + k].key, o.keys.k[1 + k].key));
        if (fork) {
            const struct ts_key forked = key_of_answer();
            const struct mikey_msg m = troupe_read(&t.bob->resolved);
            assert_true(ts_span_equal(alices.k[1].key, ts_key_span(&o.mpk_r)));
            assert_true(ts_span_equal(bobs.k[1].key, ts_key_span(&forked)));
            mikey_keys_fork(&o.keys, suite()->prf, m.idr[MIKEY_IDR_R].data,
                            m.rand[MIKEY_RAND_KMS]);
        }
        for (size_t k = 0; k < 3; k++)
            assert_true(
                ts_span_equal(bobs.k[mpks + k].key, o.keys.k[1 + k].key));
    }
}

/* R58, R80, R81, R164, R165, R168, R169: a KEMAC is under the key of the
 * message that it is in; one of an update under that of the last message of the
 * Transfer, whoever sends it. */
static void
keys_that_an_end_supplies_are_under_the_key_of_the_message(void **state)
{
    (void)state;
    static struct troupe_message m;
    const struct mikey_key mine = troupe_key(MIKEY_TEK, 32, 1, 'x');
    const struct mikey_key his = troupe_key(MIKEY_TEK, 32, 2, 'y');
    for (unsigned fork = 0; fork < 2; fork++)
        for (unsigned alone = 0; alone < 2; alone++) {
            struct mikey_opened o;
            struct mikey_keys keys;
            begin(NULL);
            troupe_flags(
                &t, 1,
                MIKEY_FLAG_H | MIKEY_FLAG_L | (fork ? MIKEY_FLAG_I : 0) |
                    (alone ? 0 : MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_M));
            t.wish.keys = &his; /* no TGK: F may be 0 */
            t.wish.n_keys = 1;
            t.offer.keys = &mine;
            t.offer.n_keys = 1;
            t.session[1].known = true;
            t.session[0].spi = t.session[1].spi = ts_span("x", 1);
            const struct mikey_key third = troupe_key(MIKEY_TEK, 32, 3, 'z');
            t.bob->answer.keys = &third;
            t.bob->answer.n_keys = alone ? 0 : 1;
            t.bob->answer.n_sessions = 0;
            troupe_call(&t);
            open_ticket(&o);
            const struct ts_span i = rand_of(&t.transfer, MIKEY_RAND_I);
            open_kemac(&t.transfer, ts_key_span(&o.mpk_i), MIKEY_SEL_INIT, i,
                       none, 0, &keys);
            assert_true(ts_span_equal(keys.k[0].key, mine.key));
            struct ts_key last = o.mpk_i;
            struct ts_span r = none;
            if (!alone) {
                last = key_of_answer();
                r = rand_of(&t.bob->resp, MIKEY_RAND_R);
                open_kemac(&t.bob->resp, ts_key_span(&last), MIKEY_SEL_RESP, i,
                           r, 0, &keys);
                assert_true(ts_span_equal(keys.k[0].key, third.key));
            }
            const uint8_t selector = alone ? MIKEY_SEL_INIT : MIKEY_SEL_RESP;
            const struct mikey_key new = troupe_key(MIKEY_TEK, 32, 4, 'n');
            const struct mikey_update u = {.keys = &new, .n_keys = 1};
            OK(troupe_update(&t, MIKEY_INITIATOR, &u, &m));
            open_kemac(&m, ts_key_span(&last), selector, i, r, 0, &keys);
            assert_true(ts_span_equal(keys.k[0].key, new.key));
            assert_true(is_under(&m, ts_key_span(&last), selector, i, r,
                                 t.alice.self.data, t.bob->party.self.data));
            const struct mikey_update empty = {.n_keys = 0};
            OK(troupe_update(&t, MIKEY_RESPONDER, &empty, &m));
            assert_true(is_under(&m, ts_key_span(&last), selector, i, r,
                                 t.alice.self.data, t.bob->party.self.data));
        }
}

/* ---- crypto sessions ---- */

/* R151-R158, R222: K3 of the PRF in HDR, and of the RANDs that H and G name. */
static void srtp_keys_are_those_of_k3(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 12; k++) {
        const unsigned h = k % 3 != 1 ? MIKEY_FLAG_H : 0;
        const unsigned g = k % 3 != 2 ? MIKEY_FLAG_G : 0;
        const struct mikey_key *keys;
        struct mikey_keys all = {.n = 1};
        struct mikey_srtp_key got;
        uint8_t key[32], salt[14];
        troupe_begin(&t, k & 1 ? 128 : 256);
        troupe_flags(&t, 1, MIKEY_FLAG_F | h | g | (k > 5 ? MIKEY_FLAG_I : 0));
        troupe_call(&t);
        assert_int_equal(mikey_bundle_keys(t.bob->at_r, &keys), 1);
        all.k[0] = keys[0];
        const struct mikey_tek_base base = {
            .prf = suite()->prf,
            .rand_i = h ? rand_of(&t.transfer, MIKEY_RAND_I) : none,
            .rand_r = g ? rand_of(&t.bob->resp, MIKEY_RAND_R) : none};
        for (uint8_t cs = 1; cs <= 2; cs++) {
            OK(mikey_srtp_keys(&all, keys[0].spi, cs, &base, key,
                               suite()->encr_key, salt, 14));
            troupe_same_keys(&t, cs, &got);
            assert_memory_equal(got.key, key, suite()->encr_key);
            assert_memory_equal(got.salt, salt, 14);
        }
    }
}

/* ---- lengths ---- */

/* R272: RANDs as long as the key that they serve, and not below 32 octets. */
static void rands_are_as_long_as_the_psk(void **state)
{
    (void)state;
    static const uint8_t longest[64] = {1, 2, 3};
    const size_t lengths[] = {16, 32, 33, 64};
    for (size_t k = 0; k < 4; k++) {
        begin(NULL);
        t.psk[0] = t.psk[1] = t.alice.psk = t.bob->party.psk =
            ts_span(longest, lengths[k]);
        troupe_call(&t);
        const size_t n = lengths[k] > 32 ? lengths[k] : 32;
        assert_int_equal(rand_of(&t.request, MIKEY_RAND_I).n, n);
        assert_int_equal(rand_of(&t.bob->resolve, MIKEY_RAND_R).n, n);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(each_message_is_under_the_key_of_its_own),
          TEST(the_kms_sends_the_keys_of_the_ticket),
          TEST(keys_that_an_end_supplies_are_under_the_key_of_the_message),
          TEST(srtp_keys_are_those_of_k3), TEST(rands_are_as_long_as_the_psk))
