/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is who, through the roles of <mikey/mikey.h>: identities that are left
 * out, too long, of somebody else; groups and applications.
 */
#include <stdio.h>

#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

#define OMIT_I   (1u << MIKEY_IDR_I)
#define OMIT_R   (1u << MIKEY_IDR_R)
#define OMIT_KMS (1u << MIKEY_IDR_KMS)

static bool names(const struct troupe_message *m, enum mikey_id_role role)
{
    return troupe_read(m).idr[role].data.p != NULL;
}

static bool is(struct mikey_id a, struct mikey_id b)
{
    return a.type == b.type && ts_span_equal(a.data, b.data);
}

/* ---- identities that are left out ---- */

/* R16-R20, R54-R56, R102-R106, R216: they enter the MACs all the same (AMB 2),
 * so each may be left out where the other side knows it. */
static void identities_may_be_left_out_of_every_message(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 32; k++)
        for (unsigned forked = 0; forked < 2; forked++) {
            const bool key_id = k & 8;
            const unsigned mode = k & 16 ? 3 : 1;
            begin(NULL);
            troupe_mode(&t, mode, forked ? MIKEY_FLAG_I : 0);
            t.alice.omit = (k & 1 ? OMIT_I : 0) | (k & 2 ? OMIT_R : 0) |
                           (k & 4 ? OMIT_KMS : 0);
            t.bob->party.omit = (k & 2 ? OMIT_R : 0) | (k & 4 ? OMIT_KMS : 0);
            if (!key_id) { /* R20, R106: then who it is, or nothing at all */
                t.alice.psk_id.n = t.bob->party.psk_id.n = 0;
                if (k & 3)
                    continue; /* the KMS could not tell */
            }
            troupe_call(&t);
            troupe_same_keys(&t, 1, NULL);
            assert_int_equal(names(&t.transfer, MIKEY_IDR_I), !(k & 1));
            assert_int_equal(names(&t.transfer, MIKEY_IDR_R), !(k & 2));
            assert_int_equal(names(&t.bob->resolve, MIKEY_IDR_R), !(k & 2));
            assert_int_equal(names(&t.bob->resolve, MIKEY_IDR_KMS), !(k & 4));
            assert_int_equal(names(&t.bob->resolve, MIKEY_IDR_PSK), key_id);
            /* R75: with forking it must be there */
            assert_int_equal(names(&t.bob->resp, MIKEY_IDR_R),
                             forked || !(k & 2));
            if (mode == 1) {
                assert_int_equal(names(&t.request, MIKEY_IDR_I), !(k & 1));
                assert_int_equal(names(&t.request, MIKEY_IDR_KMS), !(k & 4));
                assert_int_equal(names(&t.request, MIKEY_IDR_PSK), key_id);
            }
            assert_true(is(mikey_bundle_peer(t.bob->at_r), t.alice.self));
            assert_true(is(mikey_bundle_peer(t.bob->at_i), t.bob->party.self));
        }
}

/* In updates, too; by either side. */
static void identities_may_be_left_out_of_updates(void **state)
{
    (void)state;
    static struct troupe_message m;
    for (unsigned k = 0; k < 16; k++) {
        const enum mikey_side from = k & 4 ? MIKEY_INITIATOR : MIKEY_RESPONDER;
        begin(NULL);
        troupe_mode(&t, 1, k & 8 ? MIKEY_FLAG_I : 0);
        t.alice.omit = t.bob->party.omit =
            (k & 1 ? OMIT_I : 0) | (k & 2 ? OMIT_R : 0);
        troupe_call(&t);
        const struct mikey_update u = {.want_answer = true};
        OK(troupe_update(&t, from, &u, &m));
        assert_int_equal(names(&m, MIKEY_IDR_I), !(k & 1));
        assert_int_equal(names(&m, MIKEY_IDR_R), !(k & 2));
    }
}

/* R55, R56: nobody but the ticket names anybody: with F=0, too. */
static void the_ticket_may_be_all_that_names_the_caller(void **state)
{
    (void)state;
    static struct troupe_message m;
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    for (unsigned omit = 0; omit < 2; omit++) {
        begin(NULL);
        troupe_flags(&t, 1, MIKEY_FLAG_H);
        t.alice.omit = omit ? OMIT_I | OMIT_R : 0;
        if (!omit) { /* the one called is the group, for both */
            t.alice.same = t.bob->party.same = troupe_same;
            t.responder = t.offer.to = troupe_uri(TEAM);
        }
        t.wish.keys = &tek;
        t.wish.n_keys = 1;
        t.session[1].known = true;
        t.session[0].spi = t.session[1].spi = ts_span("a", 1);
        troupe_call(&t);
        assert_true(is(mikey_bundle_peer(t.bob->at_i), t.offer.to));
        assert_true(is(mikey_bundle_peer(t.bob->at_r), t.alice.self));
        const struct mikey_update u = {.want_answer = true};
        OK(troupe_update(&t, MIKEY_INITIATOR, &u, &m));
        OK(troupe_update(&t, MIKEY_RESPONDER, &u, &m));
    }
}

/* A group is called, a member leaves itself out: AMB 6, the one called. */
static void a_member_that_does_not_name_itself_is_the_one_called(void **state)
{
    (void)state;
    static struct troupe_message m;
    troupe_mode(&t, 1, 0);
    t.alice.same = t.bob->party.same = troupe_same;
    t.responder = t.offer.to = troupe_uri(TEAM);
    t.bob->party.omit = OMIT_R;
    troupe_verified(&t);
    FAILS(TS_E_STATE, mikey_responder_open(t.bob->r, &t.now)); /* it is done */
    troupe_finish(&t);
    assert_false(names(&t.bob->resp, MIKEY_IDR_R));
    assert_true(is(mikey_bundle_peer(t.bob->at_i), troupe_uri(TEAM)));
    const struct mikey_update u = {.want_answer = true};
    OK(troupe_update(&t, MIKEY_INITIATOR, &u, &m));
    OK(troupe_update(&t, MIKEY_RESPONDER, &u, &m));
}

/* What is left out must be known: here it is not. */
static void an_identity_that_nobody_knows_verifies_nothing(void **state)
{
    (void)state;
    t.alice.same = t.bob->party.same = troupe_same;
    t.responder = t.offer.to = troupe_uri(TEAM);
    t.alice.omit = OMIT_R; /* Bob takes himself for the one called */
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    FAILS(TS_E_AUTH, troupe_verify(&t));
}

/* ---- whose name it is ---- */

/* R4, R15, R28, R91, R177: a user is who it says, or gets nothing. */
static void nobody_speaks_for_another(void **state)
{
    (void)state;
    t.alice.self = troupe_uri("sip:carol@example.org");
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t)); /* with Alice's key */
    struct mikey_msg m = troupe_read(&t.granted);
    assert_int_equal(m.err[0], MIKEY_ERR_UNSPECIFIED);
    begin(NULL);
    t.bob->party.psk = t.callee[1].party.psk;
    t.bob->party.psk_id = t.callee[1].party.psk_id;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    FAILS(TS_E_DENIED, troupe_resolve_at_kms(&t)); /* with Carol's */
    begin(NULL);
    t.alice.kms = t.bob->party.kms = troupe_uri("sip:kms@example.com");
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t)); /* to another KMS */
}

/* R15, R47: the granted policy names who asked. */
static void a_ticket_is_in_our_name(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    OK(mikey_initiator_ticket(t.i, &info));
    assert_true(is(info.initiator, t.alice.self));
    assert_true(is(info.kms, t.kms.self));
    const struct mikey_id alice = t.alice.self;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    t.alice.self = t.bob->party.self; /* then it is in another's */
    troupe_freeze(&t, &still);
    FAILS(TS_E_MISMATCH, troupe_granted(&t));
    troupe_unchanged(&t, &still);
    t.alice.self = alice;
    OK(troupe_granted(&t));
}

static enum ts_err other_responders(void *arg, struct mikey_case *c)
{
    (void)arg;
    static const struct mikey_id eve = {
        0, MIKEY_ID_URI, {(const uint8_t *)"sip:eve@example.org", 19}};
    struct mikey_id *list = NULL;
    memcpy(&list, &c->responder, sizeof list); /* a KMS that is not honest */
    list[0] = eve;
    return TS_OK;
}

/* R47: for those and only those whom we asked for. */
static void a_ticket_for_others_is_not_taken(void **state)
{
    (void)state;
    struct mikey_id two[] = {t.bob->party.self, t.callee[1].party.self};
    t.kms.decide = other_responders;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_MISMATCH, troupe_granted(&t)); /* not for Bob, but for Eve */
    t.wish.responder = two;
    t.wish.n_responders = 2;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    FAILS(TS_E_MISMATCH, troupe_granted(&t)); /* also for Eve */
    t.kms.decide = NULL;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
}

/* R62: a Responder looks whether the ticket is for it. */
static void an_offer_for_another_is_refused(void **state)
{
    (void)state;
    uint8_t no;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    FAILS(TS_E_DENIED, mikey_responder_offered(t.callee[1].r, &t.now,
                                               troupe_view(&t.transfer),
                                               &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TPPAR);
    t.callee[1].party.same = troupe_same; /* Carol is no member of Bob */
    FAILS(TS_E_DENIED, mikey_responder_offered(t.callee[1].r, &t.now,
                                               troupe_view(&t.transfer),
                                               &t.bob->offered, &no));
    OK(troupe_offered(&t));
}

/* R129, R240: one of a list, or a member of a group in it. */
static void a_ticket_may_be_for_many(void **state)
{
    (void)state;
    struct mikey_id many[65];
    struct mikey_ticket_info info;
    struct mikey_id id;
    char text[65][32];
    for (size_t k = 0; k < 65; k++) {
        (void)snprintf(text[k], sizeof text[k], "sip:user-%zu@example.org", k);
        many[k] = troupe_uri(text[k]);
    }
    t.wish.responder = many;
    t.wish.n_responders = 65;
    FAILS(TS_E_RANGE, troupe_request(&t));
    t.wish.n_responders = 0;
    FAILS(TS_E_RANGE, troupe_request(&t));
    t.wish.n_responders = 64;
    many[63] = troupe_uri(TEAM);
    t.bob->party.same = troupe_same;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.n_responders, 64);
    for (size_t k = 0; k < 64; k++) {
        OK(mikey_ticket_name(&info, MIKEY_IDR_R, k, &id));
        assert_true(is(id, many[k]));
    }
    FAILS(TS_E_NOTFOUND, mikey_ticket_name(&info, MIKEY_IDR_R, 64, &id));
    FAILS(TS_E_NOTFOUND, mikey_ticket_name(&info, MIKEY_IDR_APP, 0, &id));
    OK(mikey_ticket_name(&info, MIKEY_IDR_I, 0, &id));
    assert_true(is(id, t.alice.self));
}

/* ---- applications (IDRapp; AMB 19) ---- */

/* R62 */
static void a_ticket_may_be_for_some_applications(void **state)
{
    (void)state;
    const struct mikey_id apps[] = {{0, MIKEY_ID_BYTES, ts_span("voice", 5)},
                                    {0, MIKEY_ID_BYTES, ts_span("video", 5)}};
    struct mikey_id id;
    uint8_t no;
    t.wish.app = apps;
    t.wish.n_apps = 2;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t)); /* Bob's program looks by itself */
    assert_int_equal(t.bob->offered.ticket.n_apps, 2);
    OK(mikey_ticket_name(&t.bob->offered.ticket, MIKEY_IDR_APP, 1, &id));
    assert_true(is(id, apps[1]));
    t.bob->party.app = (struct mikey_id){0, MIKEY_ID_BYTES, ts_span("chat", 4)};
    FAILS(TS_E_DENIED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TPPAR);
    t.bob->party.app = apps[1];
    OK(troupe_verify(&t));
    troupe_finish(&t);
    begin(NULL);
    t.bob->party.app = apps[0];
    troupe_call(&t); /* none named: all may */
    t.wish.n_apps = 9;
    FAILS(TS_E_RANGE, troupe_request(&t));
}

/* Whom a wish leaves blank would be nobody at all, and an application that it
 * leaves blank every one. */
static void who_and_what_is_wished_for_has_a_name(void **state)
{
    (void)state;
    const struct mikey_id blank[] = {{0}, {0, MIKEY_ID_URI, ts_span("", 0)}};
    struct mikey_id both[] = {t.bob->party.self, {0}};
    for (unsigned k = 0; k < 8; k++) {
        begin(NULL);
        troupe_mode(&t, k & 1 ? 3 : 1, 0);
        both[1] = blank[k / 2 % 2];
        if (k & 4) {
            t.wish.responder = both;
            t.wish.n_responders = 2;
        } else {
            t.wish.app = both;
            t.wish.n_apps = 2;
        }
        troupe_freeze(&t, &still);
        FAILS(TS_E_RANGE, k & 1 ? mikey_initiator_make(t.i, &t.now, &t.wish)
                                : troupe_request(&t));
        troupe_unchanged(&t, &still);
    }
}

/* ---- lengths ---- */

static void identities_have_1_to_255_octets(void **state)
{
    (void)state;
    static char longest[257];
    for (size_t k = 0; k < 256; k++)
        longest[k] = 'x';
    memcpy(longest, "sip:", 4);
    for (size_t n = 254; n <= 256; n++) {
        begin(NULL);
        t.bob->party.self.data = ts_span(longest, n);
        t.bob->r =
            mikey_responder_init(t.bob->mem_r, TROUPE_MEM, &t.bob->party);
        if (n == 256) {
            assert_null(t.bob->r);
            break;
        }
        troupe_flags(&t, 4, TROUPE_FLAGS);
        t.responder = t.offer.to = t.bob->party.self;
        troupe_call(&t);
        troupe_same_keys(&t, 1, NULL);
        assert_true(is(mikey_bundle_peer(t.bob->at_i), t.bob->party.self));
    }
    begin(NULL);
    t.bob->party.self.data.n = 0;
    assert_null(mikey_responder_init(t.bob->mem_r, TROUPE_MEM, &t.bob->party));
    troupe_ticket(&t);
    t.offer.to.data = ts_span(longest, 256);
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.to.data.p = NULL;
    FAILS(TS_E_RANGE, troupe_transfer(&t));
}

/* Before anybody is asked: Error 7. */
static void an_offer_of_somebody_with_a_long_name_is_refused(void **state)
{
    (void)state;
    static struct troupe_message m;
    uint8_t no;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_msg read = troupe_read(&t.transfer);
    for (enum mikey_id_role role = MIKEY_IDR_I; role <= MIKEY_IDR_R; role++) {
        struct ts_span old = read.idr[role].data;
        size_t at = mikey_at(&read, old), more = 256 - old.n;
        memcpy(m.b, t.transfer.b, at);
        m.b[at - 2] = 1; /* length 256 */
        m.b[at - 1] = 0;
        for (size_t k = 0; k < 256; k++)
            m.b[at + k] = 'x';
        memcpy(m.b + at + 256, t.transfer.b + at + old.n,
               t.transfer.n - at - old.n);
        m.n = t.transfer.n + more;
        FAILS(TS_E_UNSUPPORTED,
              mikey_responder_offered(t.bob->r, &t.now, troupe_view(&m),
                                      &t.bob->offered, &no));
        assert_int_equal(no, MIKEY_ERR_ID);
    }
}

/* A party that cannot be used is found at once. */
static void a_party_has_what_it_needs(void **state)
{
    (void)state;
    const struct mikey_party good = t.alice;
#define BAD(change)                                                            \
    do {                                                                       \
        t.alice = good;                                                        \
        change;                                                                \
        assert_null(mikey_initiator_init(t.mem_i, TROUPE_MEM, &t.alice));      \
        assert_null(mikey_responder_init(t.mem_i, TROUPE_MEM, &t.alice));      \
    } while (0)
    BAD(t.alice.random = NULL);
    BAD(t.alice.bits = 192);
    BAD(t.alice.self.data.p = NULL);
    BAD(t.alice.psk.n = 15); /* R271 */
    BAD(t.alice.psk.n = 65);
    BAD(t.alice.tpk = ts_span(good.psk.p, 15));
    BAD(t.alice.signer = (const struct mikey_signer *)&t); /* no sealer */
    assert_null(mikey_initiator_init(t.mem_i, TROUPE_MEM, NULL));
    t.alice = good;
    t.alice.psk.p = NULL;
    t.i = mikey_initiator_init(t.mem_i, TROUPE_MEM, &t.alice);
    FAILS(TS_E_DENIED, troupe_request(&t)); /* nothing to prove itself with */
    troupe_flags(&t, 3, TROUPE_FLAGS);
    t.alice.tpk.p = NULL;
    FAILS(TS_E_DENIED, mikey_initiator_make(t.i, &t.now, &t.wish));
    t.alice = good;
    t.alice.kms.data.p = NULL;
    t.i = mikey_initiator_init(t.mem_i, TROUPE_MEM, &t.alice);
    FAILS(TS_E_DENIED, troupe_request(&t));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(identities_may_be_left_out_of_every_message),
          TEST(identities_may_be_left_out_of_updates),
          TEST(the_ticket_may_be_all_that_names_the_caller),
          TEST(a_member_that_does_not_name_itself_is_the_one_called),
          TEST(an_identity_that_nobody_knows_verifies_nothing),
          TEST(nobody_speaks_for_another), TEST(a_ticket_is_in_our_name),
          TEST(a_ticket_for_others_is_not_taken),
          TEST(an_offer_for_another_is_refused), TEST(a_ticket_may_be_for_many),
          TEST(a_ticket_may_be_for_some_applications),
          TEST(who_and_what_is_wished_for_has_a_name),
          TEST(identities_have_1_to_255_octets),
          TEST(an_offer_of_somebody_with_a_long_name_is_refused),
          TEST(a_party_has_what_it_needs))
