/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other kinds of tickets than the base ticket (RFC 6043 section 11) through
 * the roles of <mikey/mikey.h>: a toy that holds its keys, one that refers to
 * them, and the compatibility mode of Appendix B.1.
 */
#include "mikey/classic.h"
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

#define N MIKEY_FLAG_N
#define O MIKEY_FLAG_O
#define I MIKEY_FLAG_I

/* ---- a toy: RAND, keys under a mask, HMAC over all that is covered ---- */

static const char toy_key[] = "a key that the toy's users share";

struct toy {
    enum ts_err fails;
    size_t claims;    /* more octets than there are */
    size_t rand_less; /* octets that RAND is short of */
    unsigned opened, made;
    bool refers; /* keys are kept, and Ticket Data say where */
    uint8_t kept[8][MIKEY_KEYS_BYTES];
    size_t n_kept[8];
};

static struct toy toy;

static void mask(struct ts_span rand, uint8_t *octets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        octets[i] ^= (uint8_t)(rand.p[i % rand.n] + i);
}

static void toy_mac(struct ts_span policy, struct ts_span data, uint8_t *mac)
{
    struct mikey_hmac h;
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, ts_span_str(toy_key));
    mikey_hmac_add(&h, policy);
    mikey_hmac_add(&h, data);
    mikey_hmac_end(&h, mac, 32);
}

static enum ts_err toy_make(void *arg, struct ts_span policy,
                            struct ts_span keys, struct ts_span rand,
                            uint8_t *data, size_t cap, size_t *n)
{
    struct toy *y = arg;
    struct ts_writer w = ts_writer_init(data, cap);
    const unsigned at = y->made++ % 8;
    uint8_t mac[32], length[2];
    if (y->fails)
        return y->fails;
    ts_put_u8(&w, (unsigned)rand.n);
    ts_put_span(&w, rand);
    ts_put_u8(&w, y->refers ? at : 255);
    if (y->refers) {
        memcpy(y->kept[at], keys.p, keys.n);
        y->n_kept[at] = keys.n;
    } else {
        ts_put_span(&w, keys);
        if (!w.err)
            mask(rand, data + w.len - keys.n, keys.n);
    }
    if (w.err)
        return w.err;
    length[0] = (uint8_t)((w.len + 32) >> 8); /* of Ticket Data: covered */
    length[1] = (uint8_t)(w.len + 32);
    struct mikey_hmac h;
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, ts_span_str(toy_key));
    mikey_hmac_add(&h, policy);
    mikey_hmac_add(&h, ts_span(length, 2));
    mikey_hmac_add(&h, ts_written(&w));
    mikey_hmac_end(&h, mac, sizeof mac);
    ts_put(&w, mac, sizeof mac);
    *n = w.len + y->claims;
    return w.err;
}

/* All of the ticket is covered (section 11). */
static enum ts_err toy_open(void *arg, struct ts_span covered,
                            struct ts_span data, uint8_t *keys, size_t cap,
                            size_t *n, struct ts_span *rand)
{
    struct toy *y = arg;
    struct ts_reader r = ts_reader_span(data);
    uint8_t mac[32];
    y->opened++;
    if (y->fails) {
        *n = cap; /* and leaves it to the library to wipe them */
        return y->fails;
    }
    *rand = ts_get_span(&r, ts_get_u8(&r));
    const uint8_t at = ts_get_u8(&r);
    if (ts_reader_left(&r) < 32 || rand->n == 0)
        return TS_E_SHORT;
    struct ts_span sealed = ts_get_span(&r, ts_reader_left(&r) - 32);
    toy_mac(ts_span(covered.p, covered.n - 32), ts_span(NULL, 0), mac);
    if (!ts_equal(mac, 32, covered.p + covered.n - 32, 32))
        return TS_E_AUTH;
    if (at < 8)
        sealed = ts_span(y->kept[at], y->n_kept[at]);
    if (sealed.n > cap)
        return TS_E_SPACE;
    memcpy(keys, sealed.p, sealed.n);
    if (at >= 8)
        mask(*rand, keys, sealed.n);
    *n = sealed.n + y->claims;
    rand->n -= y->rand_less;
    return TS_OK;
}

static const struct mikey_ticket_type toys[] = {
    {{61440, 7, 1}, &toy, toy_open, toy_make}};

/* Each of those who make or open it knows the toy. */
static void begin_toy(unsigned mode, unsigned flags)
{
    troupe_begin(&t, 256);
    troupe_flags(&t, mode, flags);
    memset(&toy, 0, sizeof toy); /* lint: of the test */
    t.wish.kind = toys[0].kind;
    if (mode <= 2) {
        t.kms.types = toys;
        t.kms.n_types = 1;
    } else {
        t.alice.types = toys;
        t.alice.n_types = 1;
        t.alice.tpk.p = NULL;
    }
    if (mode % 2) {
        t.kms.types = toys;
        t.kms.n_types = 1;
    } else {
        t.bob->party.types = toys;
        t.bob->party.n_types = 1;
        t.bob->party.tpk.p = NULL;
    }
}

static int begin(void **state)
{
    (void)state;
    begin_toy(1, TROUPE_FLAGS | I);
    return 0;
}

/* R228, R229: in all modes, by value and by reference. */
static void a_ticket_of_another_kind_does_for_every_mode(void **state)
{
    (void)state;
    for (unsigned mode = 1; mode <= 4; mode++)
        for (unsigned k = 0; k < 4; k++) {
            struct mikey_ticket_info info;
            const bool fork = k & 1 && mode % 2;
            begin_toy(mode, TROUPE_FLAGS | (fork ? I : 0));
            toy.refers = k & 2;
            troupe_call(&t);
            troupe_same_keys(&t, 1, NULL);
            troupe_same_keys(&t, 2, NULL);
            assert_int_equal(toy.made, 1);
            assert_int_equal(toy.opened, 1);
            OK(mikey_initiator_ticket(t.i, &info));
            assert_int_equal(info.kind.type, 61440);
            assert_int_equal(info.kind.subtype, 7);
            assert_true(info.data.n > 32);
            assert_int_equal(t.bob->offered.ticket.kind.type, 61440);
        }
}

/* R228: with N=0 the Initiator must know the kind; R229: with O=0 the
 * Responder. */
static void n_and_o_ask_for_knowledge(void **state)
{
    (void)state;
    const unsigned fgh = MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H;
    uint8_t no;
    begin_toy(1, fgh | O);
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_UNSUPPORTED, troupe_granted(&t));
    troupe_unchanged(&t, &still);
    t.alice.types = toys;
    t.alice.n_types = 1;
    OK(troupe_granted(&t));
    begin_toy(1, fgh | N);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_UNSUPPORTED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TICKET);
    troupe_unchanged(&t, &still);
    t.bob->party.types = toys;
    t.bob->party.n_types = 1;
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* A kind that nobody knows. */
static void an_unknown_kind_is_not_made_and_not_opened(void **state)
{
    (void)state;
    t.wish.kind.version = 2;
    OK(troupe_request(&t));
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(troupe_read(&t.granted).err[0], MIKEY_ERR_TICKET);
    FAILS(TS_E_UNSUPPORTED, mikey_initiator_make(t.i, &t.now, &t.wish));
    begin(NULL);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    t.kms.n_types = 0;
    FAILS(TS_E_UNSUPPORTED, troupe_resolve_at_kms(&t));
    assert_int_equal(troupe_read(&t.bob->resolved).err[0], MIKEY_ERR_TICKET);
    begin_toy(4, TROUPE_FLAGS);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    t.bob->party.n_types = 0;
    OK(troupe_offered(&t));
    assert_true(t.bob->offered.needs_kms);
    FAILS(TS_E_NOTFOUND, mikey_responder_open(t.bob->r, &t.now));
    t.bob->party.tpk = t.kms.tpk; /* for base tickets only */
    OK(troupe_offered(&t));
    FAILS(TS_E_NOTFOUND, mikey_responder_open(t.bob->r, &t.now));
}

/* R47: another kind than was asked for is of no use. */
static void the_kind_that_was_asked_for_is_granted(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    static struct troupe_message toy_ticket;
    toy_ticket = t.granted;
    struct mikey_msg m = troupe_read(&toy_ticket);
    assert_int_equal(m.ticket.tp.kind.type, 61440);
    t.granted.b[mikey_at(&m, m.ticket.body) + 2] ^= 1;
    FAILS(TS_E_AUTH, troupe_granted(&t));
    t.granted = toy_ticket;
    /* what was sent, as another one that asked for a base ticket */
    struct mikey_msg sent = troupe_read(&t.request);
    uint8_t *kind = t.i->sent.p + (sent.tp.data.p - t.request.b) - 9;
    kind[1] ^= 1;
    FAILS(TS_E_AUTH, troupe_granted(&t)); /* it is under the MAC, too */
    kind[1] ^= 1;
    OK(troupe_granted(&t));
}

/* Whatever such code does wrong, nothing of ours breaks. */
static void the_code_of_a_kind_may_fail(void **state)
{
    (void)state;
    for (unsigned mode = 1; mode <= 4; mode++)
        for (unsigned k = 0; k < 3; k++) {
            begin_toy(mode, TROUPE_FLAGS);
            troupe_freeze(&t, &still);
            toy.fails = k == 0 ? TS_E_NOTFOUND : TS_OK;
            toy.claims = k == 1 ? 100000 : 0;
            const enum ts_err wanted = k == 0   ? TS_E_NOTFOUND
                                       : k == 1 ? TS_E_SPACE
                                                : TS_OK;
            if (mode <= 2) {
                OK(troupe_request(&t));
                FAILS(wanted, troupe_grant(&t));
            } else {
                FAILS(wanted, mikey_initiator_make(t.i, &t.now, &t.wish));
                if (wanted)
                    troupe_unchanged(&t, &still);
            }
            toy.fails = TS_OK;
            toy.claims = 0;
            troupe_ticket(&t);
            OK(troupe_transfer(&t));
            OK(troupe_offered(&t));
            toy.fails = k == 0 ? TS_E_AGAIN : TS_OK;
            toy.claims = k == 1 ? 100000 : 0;
            toy.rand_less = k == 2 ? 33 : 0; /* of 64: R274 */
            if (mode % 2) {
                OK(troupe_resolve(&t));
                assert_int_not_equal(troupe_resolve_at_kms(&t), TS_OK);
            } else {
                troupe_freeze(&t, &still);
                assert_int_not_equal(mikey_responder_open(t.bob->r, &t.now),
                                     TS_OK);
                troupe_unchanged(&t, &still);
            }
            toy.fails = TS_OK;
            toy.claims = toy.rand_less = 0;
            OK(troupe_verify(&t));
            troupe_finish(&t);
        }
}

/* Each octet of the ticket is covered. */
static void an_altered_ticket_of_another_kind_is_not_opened(void **state)
{
    (void)state;
    begin_toy(4, TROUPE_FLAGS);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    size_t at = mikey_at(&m, m.ticket.body);
    for (size_t k = 1; k < m.ticket.body.n - 2; k++) {
        t.transfer.b[at + k] ^= 1;
        assert_int_not_equal(troupe_verify(&t), TS_OK);
        t.transfer.b[at + k] ^= 1;
    }
    OK(troupe_verify(&t));
    troupe_finish(&t);
}

/* A ticket of another kind is kept, and used again. */
static void a_ticket_of_another_kind_is_used_again(void **state)
{
    (void)state;
    struct mikey_held held;
    static uint8_t ticket[TROUPE_MAX], keys[TROUPE_MAX], id[255], rand[255];
    begin_toy(1, TROUPE_FLAGS | I | MIKEY_FLAG_J);
    troupe_call(&t);
    OK(mikey_responder_hold(t.bob->r, &held));
    memcpy(ticket, held.ticket.p, held.ticket.n);
    memcpy(keys, held.keys.p, held.keys.n);
    memcpy(id, held.idr_r.data.p, held.idr_r.data.n);
    memcpy(rand, held.rand_kms.p, held.rand_kms.n);
    held.ticket.p = ticket;
    held.keys.p = keys;
    held.idr_r.data.p = id;
    held.rand_kms.p = rand;
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(mikey_responder_reuse(t.bob->r, &t.now, &held));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
    assert_int_equal(toy.opened, 1);
}

/* ---- compatibility mode (B.1) ---- */

/* The KMS speaks plain MIKEY to Bob in Alice's ticket: its key with him. */
static enum ts_err make_3830(void *arg, struct ts_span policy,
                             struct ts_span keys, struct ts_span rand,
                             uint8_t *data, size_t cap, size_t *n)
{
    const struct troupe *all = arg;
    struct ts_writer w = ts_writer_init(data, cap), map_w;
    struct mikey_keys k;
    uint8_t map[18], params[64];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    (void)policy;
    enum ts_err err = mikey_keys_read(keys, &k); /* the MPK, a TGK */
    if (err)
        return err;
    map_w = ts_writer_init(map, sizeof map);
    mikey_put_srtp_id(&map_w, 0, 0, 0);
    mikey_put_srtp_id(&map_w, 0, 0, 0);
    mikey_srtp_policy_write(&params_w, &all->policy);
    const struct mikey_sp sp = {0, MIKEY_PROT_SRTP, ts_written(&params_w)};
    const struct mikey_suite *suite = mikey_suite_bits(all->alice.bits);
    const struct mikey_classic_new in = {
        .suite = suite,
        .rand = rand,
        .csb = 0x3830,
        .map_type = MIKEY_MAP_SRTP,
        .n_cs = 2,
        .encr = suite->encr,
        .mac = suite->auth,
        .map = ts_span(map, sizeof map),
        .t = mikey_now_t(&all->now),
        .id_i = all->kms.self,
        .id_r = all->bob->party.self,
        .sp = &sp,
        .n_sp = 1,
        .keys = &k.k[1],
        .n_keys = 1,
        .secret = all->bob->party.psk,
    };
    mikey_build_classic_psk(&w, &in);
    *n = w.len;
    return w.err;
}

static const struct mikey_ticket_type compat[] = {
    {{61441, 1, 1}, &t, NULL, make_3830}};

static void same_classic_keys(const struct mikey_msg *m,
                              const struct mikey_key *alices,
                              const struct mikey_key *bobs)
{
    const struct mikey_classic_label label = mikey_classic_label_of(m);
    struct ts_key key[2], salt[2];
    for (uint8_t cs = 1; cs <= 2; cs++) {
        OK(mikey_classic_session(&label, alices, cs, &t.policy, &key[0],
                                 &salt[0]));
        OK(mikey_classic_session(&label, bobs, cs, &t.policy, &key[1],
                                 &salt[1]));
        assert_true(ts_equal(key[0].b, key[0].len, key[1].b, key[1].len));
        assert_true(ts_equal(salt[0].b, salt[0].len, salt[1].b, salt[1].len));
        assert_int_equal(key[0].len, t.alice.bits / 8);
    }
}

/* B.1: Alice gets keys, and a plain MIKEY message in her ticket that Bob, who
 * has never heard of tickets, takes as one of his KMS. */
static void bob_may_know_nothing_but_rfc_3830(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct mikey_ticket_info info;
        struct mikey_held held;
        struct mikey_keys alices, bobs;
        struct mikey_msg m;
        troupe_begin(&t, bits);
        t.wish.kind = compat[0].kind;
        t.wish.flags = MIKEY_FLAG_D | MIKEY_FLAG_H | O;
        t.kms.types = t.alice.types = compat;
        t.kms.n_types = t.alice.n_types = 1;
        troupe_ticket(&t);
        OK(mikey_initiator_ticket(t.i, &info));
        assert_int_equal(info.flags & (N | MIKEY_FLAG_E | MIKEY_FLAG_F), 0);
        OK(mikey_initiator_hold(t.i, &held));
        OK(mikey_keys_read(held.keys, &alices));
        assert_int_equal(alices.n, 2);

        OK(mikey_classic_read(info.data, 0, &m)); /* goes to Bob, as it is */
        const struct mikey_classic x = {.secret = t.bob->party.psk,
                                        .id_i = t.kms.self,
                                        .id_r = t.bob->party.self};
        OK(mikey_classic_psk_open(&x, &m, &bobs));
        assert_int_equal(bobs.n, 1);
        assert_true(ts_span_equal(bobs.k[0].key, alices.k[1].key));
        same_classic_keys(&m, &alices.k[1], &bobs.k[0]);
        mikey_keys_wipe(&bobs);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_ticket_of_another_kind_does_for_every_mode),
          TEST(n_and_o_ask_for_knowledge),
          TEST(an_unknown_kind_is_not_made_and_not_opened),
          TEST(the_kind_that_was_asked_for_is_granted),
          TEST(the_code_of_a_kind_may_fail),
          TEST(an_altered_ticket_of_another_kind_is_not_opened),
          TEST(a_ticket_of_another_kind_is_used_again),
          TEST(bob_may_know_nothing_but_rfc_3830))
