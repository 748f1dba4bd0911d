/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the KMS grants, and that both sides come to the same keys (RFC 6043
 * 4.2.1, 4.2.3; R6, R11, R29, R31-R39, R42-R44, R98, R114, R117-R119,
 * R121-R124, R127-R132, R136, R137, R141-R143, R145-R149, R191).
 */
#include "tests/desk.h"

static const unsigned suites[] = {128, 256};

static struct mikey_policy granted_policy(const struct desk *d)
{
    struct mikey_policy p;
    OK(mikey_policy_read(d->grant.msg.ticket.tp.data, &p));
    return p;
}

static uint16_t granted_flags(const struct desk *d)
{
    return d->grant.msg.ticket.tp.flags;
}

/* K0 as the Initiator does it, after TRANSFER_RESP. */
static void fork_as_alice(const struct desk *d, struct ts_span key, bool mpk,
                          struct ts_key *out)
{
    struct mikey_prf prf;
    mikey_prf_key(&prf, d->suite->prf, key);
    mikey_derive_fork(&prf, key.n, mpk, d->opened.msg.idr[MIKEY_IDR_R].data,
                      d->opened.msg.rand[MIKEY_RAND_KMS], out);
    mikey_prf_wipe(&prf);
}

static bool same_key(struct ts_span a, struct ts_span b)
{
    return ts_equal(a.p, a.n, b.p, b.n);
}

/* R31-R33, R117-R119; the reply is about this message and no other. */
static void answers(const struct mikey_msg *init, const struct mikey_msg *resp)
{
    assert_int_equal(resp->hdr.prf, init->hdr.prf);
    assert_int_equal(resp->hdr.csb, init->hdr.csb);
    assert_int_equal(resp->hdr.n_cs, 0);
    assert_int_equal(resp->hdr.map_type, MIKEY_MAP_EMPTY);
    assert_false(resp->hdr.v);
    assert_int_equal(resp->kemac.mac_alg, MIKEY_AUTH_NULL); /* R35, R121 */
    assert_true(
        ts_span_equal(resp->idr[MIKEY_IDR_KMS].data, ts_span_str(DESK_KMS)));
}

/* R33, R119, R128: of the time it is made, and forked for who asks. */
static void both_sides_come_to_the_same_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct desk *d = desk_open(suites[i]);
        struct ts_key mpk_r1, tgk1;
        desk_ring(d);
        answers(&d->init, &d->grant.msg);
        assert_true(d->grant.msg.t.value == mikey_time_ntp(d->now).value);
        const struct mikey_keys *alice = &d->grant.keys;
        assert_int_equal(alice->n, 3); /* MPKi, MPKr, and one TGK: R37-R39 */
        assert_int_equal(alice->k[2].type, MIKEY_TGK);

        d->now += MINUTES;
        desk_resolve(d, &d->bob);
        desk_granted(d);
        answers(&d->init, &d->opened.msg);
        assert_true(d->opened.msg.t.value == mikey_time_ntp(d->now).value);
        const struct mikey_keys *bob = &d->opened.keys;
        assert_int_equal(bob->n, 3);
        assert_true(same_key(alice->k[0].key, bob->k[0].key));
        assert_false(same_key(alice->k[1].key, bob->k[1].key));
        fork_as_alice(d, alice->k[1].key, true, &mpk_r1);
        fork_as_alice(d, alice->k[2].key, false, &tgk1);
        assert_true(same_key(ts_key_span(&mpk_r1), bob->k[1].key));
        assert_true(same_key(ts_key_span(&tgk1), bob->k[2].key));
        assert_true(ts_span_equal(alice->k[2].spi, bob->k[2].spi));
        assert_true(ts_span_equal(d->opened.msg.idr[MIKEY_IDR_R].data,
                                  ts_span_str(DESK_BOB)));
        assert_string_equal(desk_said(d, "event"), "resolve");
        assert_string_equal(desk_said(d, "from"), DESK_ALICE);
    }
}

/* R280: whoever resolves gets keys of its own. */
static void each_resolve_forks_anew(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    struct ts_key first;
    desk_ring(d);
    desk_resolve(d, &d->bob);
    desk_granted(d);
    OK(ts_key_set(&first, d->opened.keys.k[2].key));
    desk_resolve(d, &d->bob);
    desk_granted(d);
    assert_false(same_key(ts_key_span(&first), d->opened.keys.k[2].key));
}

static void without_forking_the_keys_are_the_tickets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct desk *d = desk_open(suites[i]);
        d->flags &= (uint16_t)~MIKEY_FLAG_I;
        desk_ring(d);
        assert_int_equal(d->grant.keys.n, 2);
        assert_int_equal(d->transfer.ticket.init.n, 0);
        desk_resolve(d, &d->bob);
        desk_granted(d);
        assert_int_equal(d->opened.keys.n, 2);
        for (size_t k = 0; k < 2; k++)
            assert_true(
                same_key(d->grant.keys.k[k].key, d->opened.keys.k[k].key));
        assert_null(d->opened.msg.rand[MIKEY_RAND_KMS].p);
    }
}

/* R141, R142, R150: TGKs are forked, TEKs and GTGKs are not; R153: salts. */
static void keys_of_every_kind_come_as_they_were_asked_for(void **state)
{
    static const struct {
        enum mikey_key_type type;
        size_t key, salt;
    } want[] = {{MIKEY_TGK, 32, 0},  {MIKEY_TGK_SALT, 64, 14},
                {MIKEY_TEK, 16, 0},  {MIKEY_TEK_SALT, 32, 32},
                {MIKEY_GTGK, 24, 0}, {MIKEY_GTGK_SALT, 33, 12},
                {MIKEY_TGK, 16, 0},  {MIKEY_TEK_SALT, 32, 0}};
    (void)state;
    struct desk *d = desk_open(256);
    for (size_t i = 0; i < 8; i++)
        desk_want(d, want[i].type, want[i].key, want[i].salt, i + 1);
    desk_ring(d);
    desk_resolve(d, &d->bob);
    desk_granted(d);
    assert_int_equal(d->grant.keys.n, 10);
    assert_int_equal(d->opened.keys.n, 10);
    for (size_t i = 0; i < 8; i++) {
        const struct mikey_key *a = &d->grant.keys.k[2 + i];
        const struct mikey_key *b = &d->opened.keys.k[2 + i];
        assert_int_equal(a->type, want[i].type);
        assert_int_equal(a->key.n, want[i].key);
        assert_int_equal(a->salt.n, want[i].salt);
        assert_int_equal(b->key.n, want[i].key);            /* R143 */
        assert_true(ts_span_equal(a->spi, d->keys[i].spi)); /* R213 */
        assert_true(same_key(a->salt, b->salt));
        bool tgk = a->type == MIKEY_TGK || a->type == MIKEY_TGK_SALT;
        assert_int_equal(same_key(a->key, b->key), !tgk);
    }
    /* R273 */
    assert_true(d->opened.msg.rand[MIKEY_RAND_KMS].n >= 64);
    assert_true(granted_flags(d) & MIKEY_FLAG_K); /* TRs, TRe are ours */
}

/* R271, R279, R213, AMB 14: Error 15, public. */
static void keys_that_cannot_be_given_are_refused(void **state)
{
    static const struct {
        unsigned bits, n;
        enum mikey_key_type type;
        size_t key, salt, spi;
    } bad[] = {
        {256, 1, MIKEY_TGK, 15, 0, 4},   {256, 1, MIKEY_TGK, 0, 0, 4},
        {128, 1, MIKEY_TGK, 17, 0, 4},   {128, 1, MIKEY_TEK, 32, 0, 4},
        {256, 1, MIKEY_MPK, 32, 0, 4},   {256, 1, MIKEY_TGK_SALT, 32, 33, 4},
        {256, 9, MIKEY_TGK, 32, 0, 4},   {256, 1, MIKEY_TGK, 32, 0, 0},
        {256, 8, MIKEY_TGK, 32, 0, 255},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct desk *d = desk_open(bad[i].bits);
        for (unsigned j = 0; j < bad[i].n; j++)
            desk_want(d, bad[i].type, bad[i].key, bad[i].salt, bad[i].spi);
        desk_request(d);
        desk_refused(d, MIKEY_ERR_TPPAR, false, "ticket policy not acceptable");
    }
    struct desk *d = desk_open(256);
    desk_want(d, MIKEY_TGK, 32, 0, 4);
    d->keys[d->n_keys++] = d->keys[0];
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
}

/* Whatever is granted can be resolved: the largest SPIs and salts too. */
static void the_largest_keys_that_are_granted_resolve(void **state)
{
    (void)state;
    for (size_t spi = 1; spi <= 255; spi += 2) {
        struct desk *d = desk_open(256);
        for (unsigned j = 0; j < 7; j++)
            desk_want(d, MIKEY_TGK_SALT, 64, 32, spi);
        desk_request(d);
        if (d->q.result != KMS_GRANTED) {
            desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
            return;
        }
        desk_granted(d);
        desk_transfer(d);
        desk_resolve(d, &d->bob);
        desk_granted(d);
    }
    fail_msg("no SPI was too long");
}

/* R15, R225, R239, R240: what stands in the ticket. */
static void the_granted_policy_names_who_asked_and_for_whom(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_want(d, MIKEY_TGK, 32, 0, 4);
    d->want.n_responders = 3;
    d->want.responder[1] = desk_id("sip:group@example.org");
    d->want.responder[2] = desk_id("tel:+49301234");
    d->want.n_apps = 1;
    d->want.app[0] = desk_id("app");
    d->want.has_rekey = true;
    d->want.rekey = 3600;
    desk_ring(d);
    struct mikey_policy p = granted_policy(d);
    assert_true(ts_span_equal(p.initiator.data, ts_span_str(DESK_ALICE)));
    assert_true(ts_span_equal(p.kms.data, ts_span_str(DESK_KMS)));
    assert_false(p.has_kemac);
    assert_int_equal(p.n_responders, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(
            ts_span_equal(p.responder[i].data, d->want.responder[i].data));
    assert_int_equal(p.n_apps, 1);
    assert_int_equal(p.rekey, 3600);
    assert_int_equal(d->grant.msg.ticket.init.n, 0);
}

/* R4, R91, R19, R20, R17, R105, R106, R103: what may be left out. */
static void a_sender_without_idr_is_known_by_its_key(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->self = (struct mikey_id){.type = MIKEY_ID_URI}; /* none */
    desk_ring(d);
    struct mikey_policy p = granted_policy(d);
    assert_true(ts_span_equal(p.initiator.data, ts_span_str(DESK_ALICE)));
    desk_resolve(d, &d->bob);
    desk_granted(d);

    d = desk_open(128);
    d->name_key = false;
    memcpy(d->alice.key_id, DESK_ALICE, strlen(DESK_ALICE));
    d->alice.key_id_len = (uint16_t)strlen(DESK_ALICE);
    desk_request(d);
    desk_granted(d);
}

static void flags_are_granted_as_the_policy_says(void **state)
{
    const uint16_t usual = MIKEY_FLAGS_USUAL;
    (void)state;
    struct desk *d = desk_open(256);
    d->flags = usual | MIKEY_FLAG_J | MIKEY_FLAG_L | MIKEY_FLAG_M;
    desk_ring(d); /* reuse=no */
    assert_int_equal(granted_flags(d),
                     usual | MIKEY_FLAG_L | MIKEY_FLAG_M | MIKEY_FLAG_K);

    d = desk_open(256);
    d->engine.policy.reuse = true;
    d->flags = usual | MIKEY_FLAG_J;
    desk_ring(d);
    assert_true(granted_flags(d) & MIKEY_FLAG_J);

    d = desk_open(256); /* made by the Initiator, resolved by R: not ours */
    d->flags = MIKEY_FLAG_L | MIKEY_FLAG_H;
    desk_ring(d);
    assert_int_equal(granted_flags(d),
                     MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_H | MIKEY_FLAG_K |
                         MIKEY_FLAG_L | MIKEY_FLAG_N | MIKEY_FLAG_O);

    d = desk_open(256); /* R283 */
    d->engine.policy.forking = KMS_FORKING_REQUIRED;
    d->flags = usual & (uint16_t)~MIKEY_FLAG_I;
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
    d->flags = usual;
    desk_ring(d);

    d = desk_open(256);
    d->engine.policy.forking = KMS_FORKING_NO;
    desk_ring(d);
    assert_false(granted_flags(d) & MIKEY_FLAG_I);
    assert_true(granted_flags(d) & MIKEY_FLAG_K);
    desk_resolve(d, &d->bob);
    desk_granted(d);
}

/* R29, R225: K in TP is ignored; K in the grant says that we changed
 * something. */
static void k_says_whether_the_policy_was_changed(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->want.has_start = d->want.has_end = true;
    d->want.start = DESK_TIME;
    d->want.end = DESK_TIME + 3600;
    desk_write_request(d);
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &d->init, NULL));
    desk_edit(d->init.tp.data)[-4] |= 0x02; /* octet 6 of TP */
    desk_sign(d);
    desk_ask(d);
    desk_granted(d);
    assert_false(granted_flags(d) & MIKEY_FLAG_K);
    struct mikey_policy p = granted_policy(d);
    assert_true(p.start == DESK_TIME && p.end == DESK_TIME + 3600);
}

/* R225: nor does K of a request ask for D, as K of a ticket does. */
static void k_of_a_request_depends_on_nothing(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_write_request(d);
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &d->init, NULL));
    desk_edit(d->init.tp.data)[-5] &= 0xfe; /* without D, */
    desk_edit(d->init.tp.data)[-4] |= 0x03; /* with K and L */
    desk_sign(d);
    desk_ask(d);
    desk_granted(d);
    assert_true(granted_flags(d) & MIKEY_FLAG_D);
}

static void a_lifetime_is_capped(void **state)
{
    static const struct {
        bool start, end;
        uint64_t from, to; /* asked for, from now */
        int64_t got_from, got_to;
    } rows[] = {
        {false, false, 0, 0, 0, 86400},
        {false, true, 0, 60, 0, 60},
        {false, true, 0, 900000, 0, 86400},
        {true, false, 600, 0, 600, 86400},
        {true, true, 600, 700, 600, 700},
        {true, true, 600, 900000, 600, 86400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk *d = desk_open(256);
        d->want.has_start = rows[i].start;
        d->want.has_end = rows[i].end;
        d->want.start = DESK_TIME + rows[i].from;
        d->want.end = DESK_TIME + rows[i].to;
        desk_ring(d);
        struct mikey_policy p = granted_policy(d);
        assert_int_equal((int64_t)(p.start - DESK_TIME), rows[i].got_from);
        assert_int_equal((int64_t)(p.end - DESK_TIME), rows[i].got_to);
    }
}

static void a_lifetime_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->want.has_end = true;
    d->want.end = DESK_TIME - 1;
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
    d->want.has_start = true;
    d->want.start = DESK_TIME + 20;
    d->want.end = DESK_TIME + 10;
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
    d->want.has_end = false; /* its key may be gone by then */
    d->want.start = DESK_TIME + 86401;
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
}

/* A ticket that could never be resolved is not granted. */
static void an_identity_too_long_to_fork_with_is_refused(void **state)
{
    static const char head[] = "sip:bob@example.org;x=";
    static char uri[257];
    (void)state;
    struct desk *d = desk_open(256);
    memset(uri, 'a', 256);
    memcpy(uri, head, sizeof head - 1);
    uri[255] = '\0';
    d->want.responder[0] = desk_id(uri);
    desk_ring(d);
    desk_resolve(d, &d->bob);
    desk_granted(d);
    uri[255] = 'a';
    d->want.responder[0] = desk_id(uri);
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
    d->want.responder[0] = desk_id("mailto:bob@example.org");
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
}

/* Authenticated, but the reply would not fit: refused, not our failure. */
static void a_policy_that_grows_over_the_limit_is_refused(void **state)
{
    static char app[8100];
    (void)state;
    struct desk *d = desk_open(256);
    memset(app, 'a', sizeof app - 1);
    d->want.n_apps = 8;
    for (size_t i = 0; i < 8; i++)
        d->want.app[i] = desk_id(app);
    d->want.app[7].data.n = 8000;
    desk_request(d);
    desk_granted(d);
    d->want.app[7].data.n = 8099;
    for (size_t i = 1; d->q.result == KMS_GRANTED && i < 12; i++) {
        d->want.responder[i] = d->want.responder[0];
        d->want.n_responders = i + 1;
        desk_request(d);
    }
    desk_refused(d, MIKEY_ERR_UNSPECIFIED, true, "reply too long");
}

/* R212, R217, R223: without F nobody could learn how a TGK was forked. */
static void a_forked_tgk_needs_an_answer(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->flags &= (uint16_t) ~(MIKEY_FLAG_F | MIKEY_FLAG_G);
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
    desk_want(d, MIKEY_GTGK, 32, 0, 4);
    desk_ring(d);
    assert_false(granted_flags(d) & MIKEY_FLAG_F);
}

/* R238: of the keys asked for only lengths and names count. */
static void octets_of_keys_asked_for_are_ignored(void **state)
{
    static const uint8_t theirs[32] = {0xaa, 0xaa};
    struct mikey_policy p;
    struct mikey_keys want;
    (void)state;
    struct desk *d = desk_open(256);
    desk_want(d, MIKEY_TGK, 32, 0, 4);
    desk_write_request(d);
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &d->init, NULL));
    OK(mikey_policy_read(d->init.tp.data, &p));
    OK(mikey_keys_read(p.kemac.data, &want));
    memcpy(desk_edit(want.k[0].key), theirs, sizeof theirs);
    desk_sign(d);
    desk_ask(d);
    desk_granted(d);
    assert_false(
        same_key(d->grant.keys.k[2].key, ts_span(theirs, sizeof theirs)));
}

/* R235, R230: TRr is NTP-UTC-32 and nothing else. */
static void a_rekeying_time_of_another_type_is_refused(void **state)
{
    static const uint8_t trr[] = {MIKEY_TRR, MIKEY_NTP_UTC_32, 0, 0, 14, 16};
    (void)state;
    struct desk *d = desk_open(256);
    d->want.has_rekey = true;
    d->want.rekey = 14 << 8 | 16;
    desk_write_request(d);
    uint8_t *at = memmem(d->sent.b, d->sent.n, trr, sizeof trr);
    assert_non_null(at);
    at[1] = MIKEY_COUNTER;
    desk_sign(d);
    desk_ask(d);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);
}

/* R214, R232, R233: NTP seconds start anew in 2036; 2100 is not over. */
static void tickets_are_issued_in_the_second_era(void **state)
{
    static const uint64_t years[] = {2085978496 - 100, 2085978496 + 100,
                                     UINT64_C(2147483648) + 100,
                                     UINT64_C(4102444800)};
    (void)state;
    for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
        struct desk *d = desk_open(256);
        d->now = years[i] * 1000000;
        desk_ring(d);
        struct mikey_policy p = granted_policy(d);
        assert_true(p.start == years[i] && p.end == years[i] + 86400);
        desk_resolve(d, &d->bob);
        desk_granted(d);
    }
}

/* R274, R290, R293, R295-R297, R302-R304: what only the KMS can open. */
static void the_ticket_opens_with_the_ticket_key(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct desk *d = desk_open(suites[i]);
        struct mikey_opened opened;
        struct mikey_base base;
        desk_ring(d);
        const struct kms_tpk *tpk = &d->engine.ring.tpk[0];
        const struct mikey_ticket *t = &d->grant.msg.ticket;
        assert_int_equal(t->tp.prf, d->suite->prf);
        assert_int_equal(t->data.p[1] << 8 | t->data.p[2], 0); /* THDR */
        OK(mikey_base_read(t, &base));
        assert_int_equal(base.rand.n, 32);
        assert_int_equal(base.kemac.mac_alg, MIKEY_AUTH_NULL);
        assert_int_equal(base.kemac.encr, d->suite->encr);
        assert_true(ts_span_equal(base.tpk_id.data, ts_span(tpk->id, 16)));
        OK(mikey_base_open(t, &base, ts_key_span(&tpk->key), &opened));
        assert_int_equal(opened.keys.n, 2);
        assert_true(
            same_key(ts_key_span(&opened.mpk_i), d->grant.keys.k[0].key));
        assert_true(
            same_key(ts_key_span(&opened.mpk_r), d->grant.keys.k[1].key));
        mikey_opened_wipe(&opened);
    }
}

static void without_ticket_key_or_random_numbers_it_is_our_failure(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_random_fails(true);
    desk_request(d);
    assert_int_equal(d->q.status, 503);
    assert_string_equal(desk_said(d, "result"), "failed");
    desk_random_fails(false);
    d->engine.ring.tpk[0].use = false;
    desk_request(d);
    assert_int_equal(d->q.status, 503);
    assert_string_equal(desk_said(d, "reason"), "no ticket key in use");
}

UNIT_MAIN(
    cmocka_unit_test(both_sides_come_to_the_same_keys),
    cmocka_unit_test(each_resolve_forks_anew),
    cmocka_unit_test(without_forking_the_keys_are_the_tickets),
    cmocka_unit_test(keys_of_every_kind_come_as_they_were_asked_for),
    cmocka_unit_test(keys_that_cannot_be_given_are_refused),
    cmocka_unit_test(the_largest_keys_that_are_granted_resolve),
    cmocka_unit_test(the_granted_policy_names_who_asked_and_for_whom),
    cmocka_unit_test(a_sender_without_idr_is_known_by_its_key),
    cmocka_unit_test(flags_are_granted_as_the_policy_says),
    cmocka_unit_test(k_says_whether_the_policy_was_changed),
    cmocka_unit_test(k_of_a_request_depends_on_nothing),
    cmocka_unit_test(a_lifetime_is_capped),
    cmocka_unit_test(a_lifetime_that_cannot_be_is_refused),
    cmocka_unit_test(an_identity_too_long_to_fork_with_is_refused),
    cmocka_unit_test(a_policy_that_grows_over_the_limit_is_refused),
    cmocka_unit_test(a_forked_tgk_needs_an_answer),
    cmocka_unit_test(octets_of_keys_asked_for_are_ignored),
    cmocka_unit_test(a_rekeying_time_of_another_type_is_refused),
    cmocka_unit_test(tickets_are_issued_in_the_second_era),
    cmocka_unit_test(the_ticket_opens_with_the_ticket_key),
    cmocka_unit_test(without_ticket_key_or_random_numbers_it_is_our_failure))
