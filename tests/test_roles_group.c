/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ticket, several Transfers: reuse (RFC 6043 5.3), groups (section 9), and
 * tickets that come another way.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

#define G MIKEY_FLAG_G
#define I MIKEY_FLAG_I
#define J MIKEY_FLAG_J
#define L MIKEY_FLAG_L
#define M MIKEY_FLAG_M
#define FHNO                                                                   \
    (MIKEY_FLAG_F | MIKEY_FLAG_H | MIKEY_FLAG_N | MIKEY_FLAG_O) /* no RANDRr */

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

/* What was held, in memory of its own, as a user keeps it. */
static struct {
    struct mikey_held held;
    uint8_t ticket[TROUPE_MAX], keys[MIKEY_KEYS_BYTES], id[255], rand[255];
} kept;

static struct ts_span copy(uint8_t *to, struct ts_span s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return ts_span(s.p ? to : NULL, s.n);
}

static void keep(const struct mikey_held *held)
{
    kept.held = *held;
    kept.held.ticket = copy(kept.ticket, held->ticket);
    kept.held.keys = copy(kept.keys, held->keys);
    kept.held.idr_r.data = copy(kept.id, held->idr_r.data);
    kept.held.rand_kms = copy(kept.rand, held->rand_kms);
}

static void keep_bobs(void)
{
    struct mikey_held held;
    OK(mikey_responder_hold(t.bob->r, &held));
    keep(&held);
}

static void keep_alices(void)
{
    struct mikey_held held;
    OK(mikey_initiator_hold(t.i, &held));
    keep(&held);
}

/* ---- reuse (5.3) ---- */

/* R171: CSB ID, T and RANDs of a Transfer are its own. */
static void each_transfer_with_a_ticket_has_fresh_values(void **state)
{
    (void)state;
    static struct troupe_message init, resp;
    struct mikey_srtp_key one, two;
    troupe_mode(&t, 1, I | J);
    troupe_call(&t);
    troupe_same_keys(&t, 1, &one);
    init = t.transfer;
    resp = t.bob->resp;
    t.now.us += SECONDS;
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, &two);
    assert_memory_not_equal(one.key, two.key, 32);
    struct mikey_msg a = troupe_read(&init), b = troupe_read(&t.transfer);
    assert_int_not_equal(a.hdr.csb, b.hdr.csb);
    assert_int_not_equal(a.t.value, b.t.value);
    assert_false(ts_span_equal(a.rand[MIKEY_RAND_I], b.rand[MIKEY_RAND_I]));
    a = troupe_read(&resp);
    b = troupe_read(&t.bob->resp);
    assert_false(ts_span_equal(a.rand[MIKEY_RAND_R], b.rand[MIKEY_RAND_R]));
}

/* R172: whoever does not resolve again uses the same modifier. */
static void a_ticket_that_was_kept_is_not_resolved_again(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        const unsigned mode = k & 4 ? 3 : 1, forked = k & 1 ? I : 0;
        static struct troupe_message resp;
        troupe_begin(&t, 256);
        troupe_mode(&t, mode, forked | J);
        troupe_call(&t);
        keep_bobs(); /* after the answer, too */
        resp = t.bob->resp;
        const unsigned asked = t.asked;
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        if (k & 2) /* also while the KMS is being asked */
            OK(troupe_resolve(&t));
        OK(mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
        troupe_finish(&t);
        troupe_same_keys(&t, 1, NULL);
        assert_int_equal(t.asked, asked);
        struct mikey_msg a = troupe_read(&resp), b = troupe_read(&t.bob->resp);
        assert_true(
            ts_span_equal(a.rand[MIKEY_RAND_KMS], b.rand[MIKEY_RAND_KMS]));
        assert_true(
            ts_span_equal(a.idr[MIKEY_IDR_R].data, b.idr[MIKEY_IDR_R].data));
    }
}

/* R224 */
static void a_ticket_without_j_is_resolved_each_time(void **state)
{
    (void)state;
    troupe_mode(&t, 1, I);
    troupe_verified(&t);
    keep_bobs();
    OK(troupe_offered(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_DENIED, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    troupe_unchanged(&t, &still);
    OK(troupe_verify(&t));
}

/* R75, R77, R273: what was kept is of another ticket, or was cut, or is of no
 * use. */
static void what_was_kept_must_be_of_this_ticket(void **state)
{
    (void)state;
    troupe_mode(&t, 1, I | J);
    troupe_verified(&t);
    keep_bobs();
    const struct mikey_held good = kept.held;
    OK(troupe_offered(&t));
    troupe_freeze(&t, &still);
    for (size_t n = 0; n < good.keys.n; n++) {
        kept.held.keys.n = n;
        assert_int_not_equal(
            mikey_responder_reuse(t.bob->r, &t.now, &kept.held), TS_OK);
    }
    kept.held = good;
    kept.held.rand_kms.p = NULL;
    FAILS(TS_E_FORMAT, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.held = good;
    kept.held.rand_kms.n = 31; /* R273 */
    FAILS(TS_E_FORMAT, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.held = good;
    kept.held.idr_r.data.p = NULL;
    FAILS(TS_E_FORMAT, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.held = good;
    kept.held.ticket.n--;
    FAILS(TS_E_MISMATCH, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.held = good;
    kept.ticket[50] ^= 1;
    FAILS(TS_E_MISMATCH, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.ticket[50] ^= 1;
    kept.keys[4] ^= 1; /* MPKi */
    FAILS(TS_E_AUTH, mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    kept.keys[4] ^= 1;
    troupe_unchanged(&t, &still);
    OK(mikey_responder_reuse(t.bob->r, &t.now, &kept.held));
    troupe_finish(&t);
}

/* AMB 18: whoever resolves again uses the new modifier. */
static void resolving_again_gives_another_modifier(void **state)
{
    (void)state;
    uint8_t first[32];
    troupe_mode(&t, 1, I | J);
    troupe_call(&t);
    memcpy(first, troupe_read(&t.bob->resp).rand[MIKEY_RAND_KMS].p, 32);
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
    assert_memory_not_equal(
        first, troupe_read(&t.bob->resp).rand[MIKEY_RAND_KMS].p, 32);
}

static void a_ticket_that_is_over_is_not_used(void **state)
{
    (void)state;
    troupe_mode(&t, 1, I | J);
    troupe_verified(&t);
    keep_alices();
    t.now.us += (86400 + 301) * SECONDS;
    troupe_freeze(&t, &still);
    FAILS(TS_E_EXPIRED, troupe_transfer(&t));
    FAILS(TS_E_EXPIRED, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    troupe_unchanged(&t, &still);
    t.now.us -= 301 * SECONDS; /* clocks may differ */
    OK(mikey_initiator_adopt(t.i, &t.now, &kept.held));
    OK(troupe_transfer(&t));
    t.now.us += 301 * SECONDS;
    FAILS(TS_E_TIME, troupe_offered(&t));
}

/* ---- a ticket that was kept, or comes another way (R1) ---- */

static void a_ticket_that_was_kept_is_offered_by_another_object(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        struct mikey_ticket_info info;
        troupe_begin(&t, 256);
        troupe_mode(&t, k & 2 ? 3 : 1, J | (k & 1 ? I : 0));
        troupe_ticket(&t);
        keep_alices();
        mikey_initiator_wipe(t.i);
        t.i = mikey_initiator_init(t.mem_i, sizeof t.mem_i, &t.alice);
        FAILS(TS_E_STATE, mikey_initiator_ticket(t.i, &info));
        FAILS(TS_E_STATE, troupe_transfer(&t));
        OK(mikey_initiator_adopt(t.i, &t.now, &kept.held));
        OK(mikey_initiator_ticket(t.i, &info));
        assert_int_equal(info.n_keys, 1);
        OK(troupe_transfer(&t));
        OK(troupe_verify(&t));
        troupe_finish(&t);
        troupe_same_keys(&t, 2, NULL);
    }
}

/* Out of its own hands, and what is in them stays. */
static void a_ticket_may_be_adopted_where_it_is(void **state)
{
    (void)state;
    struct mikey_held held;
    troupe_ticket(&t);
    OK(mikey_initiator_hold(t.i, &held));
    OK(mikey_initiator_adopt(t.i, &t.now, &held));
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
}

static void what_is_no_ticket_is_not_adopted(void **state)
{
    (void)state;
    troupe_mode(&t, 1, I | J);
    troupe_ticket(&t);
    keep_alices();
    const struct mikey_held good = kept.held;
    troupe_freeze(&t, &still);
    for (size_t n = 0; n < good.ticket.n; n++) {
        kept.held.ticket.n = n;
        FAILS(TS_E_FORMAT, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    }
    kept.held = good;
    for (size_t n = 0; n < good.keys.n; n++) {
        kept.held.keys.n = n;
        assert_int_not_equal(mikey_initiator_adopt(t.i, &t.now, &kept.held),
                             TS_OK);
    }
    kept.held = good;
    kept.ticket[0] = MIKEY_V; /* something would follow */
    FAILS(TS_E_FORMAT, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    kept.ticket[0] = MIKEY_LAST;
    kept.ticket[5] &= 0xfe; /* D, without L */
    FAILS(TS_E_FORMAT, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    kept.ticket[5] ^= 3; /* and the PRF */
    FAILS(TS_E_UNSUPPORTED, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    kept.ticket[5] ^= 2;
    kept.ticket[1] = 0xff; /* Ticket Type */
    OK(mikey_initiator_adopt(t.i, &t.now, &kept.held));
    kept.ticket[7] &= 0xbf; /* without N: we would have to know it (R228) */
    troupe_freeze(&t, &still);
    FAILS(TS_E_UNSUPPORTED, mikey_initiator_adopt(t.i, &t.now, &kept.held));
    troupe_unchanged(&t, &still);
}

/* R217, R279: keys that do not fit the flags or the suite of their ticket. */
static void a_ticket_with_wrong_keys_is_not_adopted(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        const size_t n = k ? 16 : 32;
        const struct mikey_key gtgk = troupe_key(MIKEY_GTGK, n, 1, 'a');
        struct mikey_key keys[3];
        troupe_begin(&t, k ? 128 : 256);
        troupe_flags(&t, 1, MIKEY_FLAG_H | MIKEY_FLAG_N | I);
        t.wish.keys = &gtgk;
        t.wish.n_keys = 1;
        troupe_ticket(&t);
        keep_alices();
        memcpy(keys, t.i->keys.k, sizeof keys);
        if (k)
            keys[2] = troupe_key(MIKEY_GTGK, 17, 1, 'a');
        else
            keys[2].type = MIKEY_TGK; /* F=0: nobody says how it is forked */
        struct ts_writer w = ts_writer_init(kept.keys, sizeof kept.keys);
        for (size_t j = 0; j < 3; j++)
            mikey_put_key(&w, &keys[j], j == 2);
        kept.held.keys = ts_written(&w);
        troupe_freeze(&t, &still);
        FAILS(k ? TS_E_UNSUPPORTED : TS_E_FORMAT,
              mikey_initiator_adopt(t.i, &t.now, &kept.held));
        troupe_unchanged(&t, &still);
    }
}

/* ---- groups (section 9) ---- */

static void set_group(unsigned flags, const struct mikey_key *key)
{
    troupe_flags(&t, 1, flags);
    t.responder = troupe_uri(TEAM);
    t.alice.same = troupe_same;
    for (size_t k = 0; k < 3; k++)
        t.callee[k].party.same = troupe_same;
    t.wish.keys = key;
    t.wish.n_keys = key ? 1 : 0;
}

/* Alice calls them one after the other, all with the same RANDRi. */
static void call_all(struct mikey_srtp_key key[3])
{
    uint8_t rand[255];
    for (size_t k = 0; k < 3; k++) {
        t.bob = &t.callee[k];
        t.offer.to = t.bob->party.self;
        OK(troupe_transfer(&t));
        OK(troupe_verify(&t));
        troupe_finish(&t);
        troupe_same_keys(&t, 1, &key[k]);
        OK(mikey_initiator_rand(t.i, &t.offer.rand_i, &t.offer.csb));
        memcpy(rand, t.offer.rand_i.p, t.offer.rand_i.n);
        t.offer.rand_i.p = rand;
    }
}

/* R251: H=1, G=0 and the same RANDRi: one TEK for all of a group; also with
 * forking, if it is a GTGK or a TEK (R142, R212, R252). */
static void a_group_has_one_tek(void **state)
{
    (void)state;
    const struct mikey_key keys[] = {troupe_key(MIKEY_GTGK, 32, 1, 'a'),
                                     troupe_key(MIKEY_GTGK_SALT, 32, 1, 'a'),
                                     troupe_key(MIKEY_TEK_SALT, 32, 1, 'a'),
                                     troupe_key(MIKEY_TGK, 32, 1, 'a')};
    for (size_t k = 0; k < 4; k++)
        for (unsigned forked = 0; forked <= I; forked += I) {
            struct mikey_srtp_key key[3];
            begin(NULL);
            set_group(FHNO | forked, &keys[k]); /* J is not needed */
            troupe_ticket(&t);
            call_all(key);
            const bool one = !forked || keys[k].type != MIKEY_TGK;
            assert_int_equal(ts_equal(key[0].key, 32, key[1].key, 32), one);
            assert_int_equal(ts_equal(key[0].key, 32, key[2].key, 32), one);
        }
}

/* The CSB ID is the same, too (2.1), and each T is its own: keys and IVs of
 * the messages are the same but for it. */
static void offers_to_a_group_have_t_of_their_own(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_GTGK, 32, 1, 'a');
    for (uint8_t type = MIKEY_NTP_UTC; type <= MIKEY_NTP_UTC_32; type++) {
        struct mikey_msg m[2];
        static struct troupe_message first;
        begin(NULL);
        set_group(FHNO | L, &key);
        troupe_ticket(&t);
        t.now.ts_type = type;
        t.now.counter = 7;
        OK(troupe_transfer(&t));
        first = t.transfer;
        OK(mikey_initiator_rand(t.i, &t.offer.rand_i, &t.offer.csb));
        uint8_t rand[32];
        memcpy(rand, t.offer.rand_i.p, 32);
        t.offer.rand_i.p = rand;
        OK(troupe_transfer(&t));
        m[0] = troupe_read(&first);
        m[1] = troupe_read(&t.transfer);
        assert_int_equal(m[0].hdr.csb, m[1].hdr.csb);
        assert_int_equal(m[1].t.type, type);
        assert_true(mikey_time_later(m[1].t, m[0].t));
        t.now.counter = UINT32_MAX;
        OK(troupe_transfer(&t));
        t.now.ts_type =
            MIKEY_NTP_UTC; /* of another clock: nothing to compare */
        OK(troupe_transfer(&t));
    }
}

/* R171: T of a Transfer is its own, also where the clock stands still; and
 * where offers to a group and to others take turns, no two to the group have
 * the same keys and IV. */
static void no_two_offers_with_a_ticket_have_one_t(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_GTGK, 32, 1, 'a');
    const uint8_t types[] = {MIKEY_NTP_UTC, MIKEY_NTP, MIKEY_NTP_UTC_32};
    static const uint8_t rand[32] = {1};
    for (size_t k = 0; k < 3; k++) {
        struct mikey_time last = {0};
        begin(NULL);
        set_group(FHNO | L | J, &key);
        troupe_ticket(&t);
        t.now.ts_type = types[k];
        t.now.us += 1800 * SECONDS;
        for (unsigned turn = 0; turn < 4; turn++) {
            t.offer.rand_i = ts_span(rand, turn % 2 ? 0 : 32);
            t.offer.csb = turn % 2 ? 0 : 77;
            OK(troupe_transfer(&t));
            const struct mikey_msg m = troupe_read(&t.transfer);
            assert_true(turn == 0 || mikey_time_later(m.t, last));
            last = m.t;
        }
        t.now.us -= 1000 * SECONDS; /* set right: others must take it again */
        t.offer.rand_i.n = 0;
        t.offer.csb = 0;
        OK(troupe_transfer(&t));
        assert_true(mikey_time_later(last, troupe_read(&t.transfer).t));
    }
}

/* R160: the members' bundles have the same keys. Whoever updates them all at
 * once, and whichever of them do, no two have one T, and so one keystream. */
static void updates_of_a_group_at_once_have_t_of_their_own(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_GTGK, 32, 1, 'a');
    const struct mikey_key next = troupe_key(MIKEY_GTGK, 32, 2, 'b');
    const struct mikey_update update = {.keys = &next, .n_keys = 1};
    const uint8_t types[] = {MIKEY_NTP_UTC, MIKEY_NTP};
    for (size_t k = 0; k < 2; k++) {
        struct mikey_srtp_key srtp[3];
        struct mikey_time at[6];
        begin(NULL);
        set_group(FHNO | L | M, &key);
        troupe_ticket(&t);
        t.now.ts_type = types[k];
        call_all(srtp);
        t.now.us += SECONDS;
        for (size_t j = 0; j < 6; j++) {
            static struct troupe_message m;
            t.bob = &t.callee[j / 2];
            struct mikey_bundle *b = j % 2 ? t.bob->at_r : t.bob->at_i;
            OK(mikey_bundle_update(b, &t.now, &update, m.b, TROUPE_MAX, &m.n));
            at[j] = troupe_read(&m).t;
            for (size_t i = 0; i < j; i++)
                assert_true(at[i].value != at[j].value);
        }
    }
}

/* R251: with G=1 each RANDRr would make another TEK. */
static void a_group_does_without_randrr(void **state)
{
    (void)state;
    const struct mikey_key gtgk = troupe_key(MIKEY_GTGK, 32, 1, 'a');
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    for (size_t k = 0; k < 2; k++) {
        begin(NULL);
        set_group(FHNO | G, k ? &tek : &gtgk);
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        OK(mikey_initiator_rand(t.i, &t.offer.rand_i, &t.offer.csb));
        uint8_t rand[32];
        memcpy(rand, t.offer.rand_i.p, 32);
        t.offer.rand_i.p = rand;
        troupe_freeze(&t, &still);
        FAILS(k ? TS_OK : TS_E_DENIED, troupe_transfer(&t));
        if (!k)
            troupe_unchanged(&t, &still);
    }
}

/* R173, R251, R272 */
static void a_rand_for_a_group_is_long_enough(void **state)
{
    (void)state;
    static const uint8_t rand[256] = {1};
    const struct mikey_key key = troupe_key(MIKEY_GTGK, 64, 1, 'a');
    set_group(FHNO | L, &key);
    troupe_ticket(&t);
    FAILS(TS_E_STATE, mikey_initiator_rand(t.i, &t.offer.rand_i, &t.offer.csb));
    t.offer.rand_i = ts_span(rand, 63); /* R272 */
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.rand_i = ts_span(rand, 256);
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.rand_i = ts_span(rand, 64);
    OK(troupe_transfer(&t));
    OK(mikey_initiator_rand(t.i, &t.offer.rand_i, &t.offer.csb));
    assert_int_equal(t.offer.rand_i.n, 64);
    t.offer.rand_i = ts_span(rand + 1, 64); /* another group, without J */
    FAILS(TS_E_DENIED, troupe_transfer(&t));
}

/* R250: B passes A's ticket on to C. The identities are those of B and C. */
static void a_member_passes_the_ticket_on(void **state)
{
    (void)state;
    static struct troupe b;
    const struct mikey_key key = troupe_key(MIKEY_GTGK, 32, 1, 'a');
    struct mikey_srtp_key first, second;
    set_group(FHNO | J, &key);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, &first);
    keep_bobs();

    troupe_begin(&b, 256);
    b.alice = t.bob->party; /* Bob calls */
    b.bob = &b.callee[1];   /* Carol */
    b.bob->party.same = troupe_same;
    b.wish.flags = t.wish.flags;
    b.offer.to = b.bob->party.self;
    b.offer.rand_i = ts_span(t.bob->at_r->copy[0], 32); /* R251: the same */
    b.offer.csb = mikey_bundle_csb(t.bob->at_r);
    OK(mikey_initiator_adopt(b.i, &b.now, &kept.held));
    OK(troupe_transfer(&b));
    struct mikey_msg m = troupe_read(&b.transfer);
    assert_true(ts_span_equal(m.idr[MIKEY_IDR_I].data, t.bob->party.self.data));
    assert_true(ts_span_equal(m.idr[MIKEY_IDR_R].data, b.offer.to.data));
    OK(troupe_verify(&b));
    troupe_finish(&b);
    troupe_same_keys(&b, 1, &second);
    assert_memory_equal(first.key, second.key, 32);
    struct mikey_id peer = mikey_bundle_peer(b.bob->at_r);
    assert_true(ts_span_equal(peer.data, t.bob->party.self.data));
}

/* R250, R282: with forking, nobody but the one who asked for the ticket. */
static void a_forked_ticket_comes_from_whoever_asked_for_it(void **state)
{
    (void)state;
    uint8_t no;
    troupe_ticket(&t);
    t.alice.self = troupe_uri("sip:mallory@example.org");
    OK(troupe_transfer(&t));
    FAILS(TS_E_DENIED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TPPAR);
    t.bob->party.same = NULL;
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(each_transfer_with_a_ticket_has_fresh_values),
          TEST(a_ticket_that_was_kept_is_not_resolved_again),
          TEST(a_ticket_without_j_is_resolved_each_time),
          TEST(what_was_kept_must_be_of_this_ticket),
          TEST(resolving_again_gives_another_modifier),
          TEST(a_ticket_that_is_over_is_not_used),
          TEST(a_ticket_that_was_kept_is_offered_by_another_object),
          TEST(a_ticket_may_be_adopted_where_it_is),
          TEST(what_is_no_ticket_is_not_adopted),
          TEST(a_ticket_with_wrong_keys_is_not_adopted),
          TEST(a_group_has_one_tek),
          TEST(offers_to_a_group_have_t_of_their_own),
          TEST(no_two_offers_with_a_ticket_have_one_t),
          TEST(updates_of_a_group_at_once_have_t_of_their_own),
          TEST(a_group_does_without_randrr),
          TEST(a_rand_for_a_group_is_long_enough),
          TEST(a_member_passes_the_ticket_on),
          TEST(a_forked_ticket_comes_from_whoever_asked_for_it))
