/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto sessions and their policies (RFC 6043 6.1.1) between an offer and its
 * answer, through <mikey/mikey.h>: what may be left open, chosen, changed and
 * added, and what must not.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static bool only_gcm(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    return p->encr_alg == MIKEY_SRTP_AES_GCM;
}

static bool anything(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    (void)p;
    return true;
}

static bool nothing(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    (void)p;
    return false;
}

/* Alice offers AES-CM, number 0, and AES-GCM, number 1. */
static void offer_both(void)
{
    static struct mikey_srtp_policy both[2];
    both[0] = mikey_srtp_usual(mikey_suite_bits(256));
    both[1] = mikey_srtp_aes_gcm(32);
    t.offer.policy = both;
    t.offer.n_policies = 2;
    for (size_t k = 0; k < 2; k++)
        t.session[k].policies = ts_span("\0\1", 2);
}

/* Each session of the answer is complete (R68, R69, R199, R205, R208). */
static void answer_is_complete(size_t n)
{
    struct mikey_msg m = troupe_read(&t.bob->resp);
    struct ts_reader r = ts_reader_span(m.hdr.map);
    assert_int_equal(m.hdr.map_type, MIKEY_MAP_GENERIC);
    assert_int_equal(m.hdr.n_cs, n); /* R71 */
    for (size_t k = 0; k < n; k++) {
        struct mikey_cs cs;
        OK(mikey_cs_read(&r, &cs));
        assert_int_equal(cs.policies.n, 1);
        assert_true(cs.session.n == 4 || cs.session.n == 10);
        assert_true(cs.spi.n > 0);
    }
}

/* ---- what an offer leaves open ---- */

/* R69, R204, R205, R207, R208: SSRC and SPI come with the answer. */
static void an_offer_may_leave_ssrc_and_spi_open(void **state)
{
    (void)state;
    struct mikey_session s;
    t.session[0].known = false;
    struct mikey_session mine[] = {{.cs = 1, .known = true, .ssrc = 7},
                                   {.cs = 2, .known = true, .ssrc = 8}};
    troupe_verified(&t);
    OK(mikey_responder_session(t.bob->r, 0, &s));
    assert_false(s.known);
    assert_int_equal(s.spi.n, 0);
    assert_int_equal(s.policies.n, 1);
    troupe_freeze(&t, &still);
    FAILS(TS_E_MISSING, troupe_answer(&t)); /* R69: of session 1, too */
    t.bob->at_r = NULL;
    troupe_unchanged(&t, &still);
    t.bob->answer.session = mine;
    t.bob->answer.n_sessions = 2;
    troupe_finish(&t);
    answer_is_complete(2);
    OK(mikey_bundle_session(t.bob->at_i, 0, &s));
    assert_int_equal(s.ssrc, 7); /* R206 */
    troupe_same_keys(&t, 1, NULL);
    troupe_same_keys(&t, 2, NULL);
}

/* R198, R206: ROC and SEQ of a session that has started go with S. */
static void a_session_that_has_started_says_where_it_is(void **state)
{
    (void)state;
    struct mikey_session s;
    t.session[0].started = true;
    t.session[0].roc = 0x01020304;
    t.session[0].seq = 0x0506;
    troupe_call(&t);
    answer_is_complete(2);
    for (unsigned k = 0; k < 2; k++) {
        OK(mikey_bundle_session(k ? t.bob->at_i : t.bob->at_r, 0, &s));
        assert_true(s.known && s.started);
        assert_int_equal(s.ssrc, 0xa11ce);
        assert_int_equal(s.roc, 0x01020304);
        assert_int_equal(s.seq, 0x0506);
        OK(mikey_bundle_session(k ? t.bob->at_i : t.bob->at_r, 1, &s));
        assert_false(s.started);
    }
}

/* R200: no policy is suggested: then the Responder provides one. */
static void an_offer_may_suggest_no_policy(void **state)
{
    (void)state;
    const struct mikey_srtp_policy gcm = mikey_srtp_aes_gcm(32);
    struct mikey_session mine[] = {
        {.cs = 1, .policies = ts_span("\5", 1)},
        {.cs = 2, .policies = ts_span("\5", 1), .known = true, .ssrc = 8}};
    struct mikey_srtp_key key;
    t.offer.n_policies = 0;
    t.session[0].policies.n = t.session[1].policies.n = 0;
    t.alice.acceptable = anything;
    troupe_verified(&t);
    assert_int_equal(t.bob->offered.n_policies, 0);
    FAILS(TS_E_MISSING, troupe_answer(&t));
    t.bob->answer.session = mine;
    t.bob->answer.n_sessions = 2;
    FAILS(TS_E_MISMATCH, troupe_answer(&t)); /* R203: there is no number 5 */
    t.bob->answer.policy = &gcm;
    t.bob->answer.policy_no = (const uint8_t[]){5};
    t.bob->answer.n_policies = 1; /* R78 */
    troupe_finish(&t);
    answer_is_complete(2);
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_GCM);
    assert_int_equal(key.salt_len, 12);
    assert_int_equal(troupe_read(&t.bob->resp).n_sp, 1); /* R79 */
}

/* No sessions at all: the Responder may bring them (R71). */
static void an_offer_may_have_no_sessions(void **state)
{
    (void)state;
    struct mikey_session mine = {
        .cs = 9, .known = true, .ssrc = 1, .policies = ts_span("", 1)};
    t.offer.n_sessions = 0;
    t.bob->answer.n_sessions = 0;
    troupe_call(&t);
    assert_int_equal(mikey_bundle_sessions(t.bob->at_i), 0);
    begin(NULL);
    t.offer.n_sessions = 0;
    t.bob->answer.session = &mine;
    troupe_call(&t);
    answer_is_complete(1);
    troupe_same_keys(&t, 9, NULL);
}

/* ---- choosing ---- */

/* R57, R68, R199, R201: the first that will do. */
static void the_responder_takes_the_first_policy_that_will_do(void **state)
{
    (void)state;
    struct mikey_srtp_policy p;
    struct mikey_srtp_key key;
    for (unsigned k = 0; k < 2; k++) {
        begin(NULL);
        offer_both();
        t.bob->party.acceptable = k ? only_gcm : NULL;
        troupe_verified(&t);
        assert_int_equal(t.bob->offered.n_policies, 2);
        OK(mikey_responder_policy(t.bob->r, 1, &p));
        assert_int_equal(p.encr_alg, MIKEY_SRTP_AES_GCM);
        FAILS(TS_E_NOTFOUND, mikey_responder_policy(t.bob->r, 2, &p));
        troupe_finish(&t);
        answer_is_complete(2);
        troupe_same_keys(&t, 1, &key);
        assert_int_equal(key.policy.encr_alg,
                         k ? MIKEY_SRTP_AES_GCM : MIKEY_SRTP_AES_CM);
        assert_int_equal(troupe_read(&t.bob->resp).n_sp, 0); /* R79 */
    }
}

/* R202: or the one that it names. */
static void the_responder_may_name_the_policy(void **state)
{
    (void)state;
    struct mikey_srtp_key key;
    offer_both();
    t.bob->session.policies = ts_span("\1", 1);
    troupe_call(&t);
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_CM);
    troupe_same_keys(&t, 2, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_GCM);
}

/* R85, R86, R202: a policy of its own, which the Initiator judges. */
static void a_policy_of_the_responders_must_be_acceptable(void **state)
{
    (void)state;
    const struct mikey_srtp_policy gcm = mikey_srtp_aes_gcm(32);
    struct mikey_srtp_key key;
    t.bob->answer.policy = &gcm;
    t.bob->answer.policy_no = (const uint8_t[]){200};
    t.bob->answer.n_policies = 1;
    t.bob->session.policies = ts_span("\310", 1);
    troupe_verified(&t);
    OK(troupe_answer(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_UNSUPPORTED, troupe_answered(&t)); /* her own only */
    t.alice.acceptable = nothing;
    FAILS(TS_E_UNSUPPORTED, troupe_answered(&t));
    t.bob->at_i = NULL;
    troupe_unchanged(&t, &still);
    t.alice.acceptable = only_gcm; /* her own stays hers to use */
    OK(troupe_answered(&t));
    troupe_same_keys(&t, 2, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_GCM);
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_CM);
}

/* R62, R63: nothing that will do: the KMS is not asked. */
static void an_offer_without_a_policy_that_will_do_is_refused(void **state)
{
    (void)state;
    uint8_t no;
    t.bob->party.acceptable = only_gcm;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_UNSUPPORTED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_SPPAR);
    troupe_unchanged(&t, &still);
    FAILS(TS_E_STATE, troupe_resolve(&t)); /* R63 */
}

static bool only_aes_cm_256(void *arg, const struct mikey_srtp_policy *p)
{
    const struct mikey_srtp_policy ours = mikey_srtp_aes_cm(32);
    (void)arg;
    return mikey_srtp_policy_equal(p, &ours);
}

static enum ts_err offered_with(const struct mikey_srtp_policy *policy)
{
    begin(NULL);
    t.policy = *policy;
    t.bob->party.acceptable = only_aes_cm_256;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    return troupe_offered(&t);
}

/* R62, R85: one who can do one policy, however much of it is said. */
static void a_policy_can_be_compared_with_the_one_that_will_do(void **state)
{
    (void)state;
    struct mikey_srtp_policy p = mikey_srtp_aes_cm(32);
    OK(offered_with(&p));
    p.set = 1u << MIKEY_SP_ENCR_KEY; /* all else has its default */
    OK(offered_with(&p));
    p.set = 0;
    FAILS(TS_E_UNSUPPORTED, offered_with(&p)); /* as its length has: 16 */
    static const struct {
        uint8_t type;
        size_t at;
    } part[] = {
#define PART(type, field) {type, offsetof(struct mikey_srtp_policy, field)}
        PART(MIKEY_SP_ENCR_ALG, encr_alg),
        PART(MIKEY_SP_ENCR_KEY, encr_key),
        PART(MIKEY_SP_AUTH_ALG, auth_alg),
        PART(MIKEY_SP_AUTH_KEY, auth_key),
        PART(MIKEY_SP_SALT, salt),
        PART(MIKEY_SP_KDR, kdr),
        PART(MIKEY_SP_SRTP_ENCR, srtp_encr),
        PART(MIKEY_SP_SRTCP_ENCR, srtcp_encr),
        PART(MIKEY_SP_FEC, fec),
        PART(MIKEY_SP_SRTP_AUTH, srtp_auth),
        PART(MIKEY_SP_TAG, tag),
        PART(MIKEY_SP_PREFIX, prefix),
        PART(MIKEY_SP_SRTCP_AUTH_ALG, srtcp_auth_alg),
        PART(MIKEY_SP_SRTCP_AUTH_KEY, srtcp_auth_key),
        PART(MIKEY_SP_SRTCP_TAG, srtcp_tag),
#undef PART
    };
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        p = mikey_srtp_aes_cm(32);
        p.set |= 1u << part[i].type;
        *((uint8_t *)&p + part[i].at) ^= 1;
        FAILS(TS_E_UNSUPPORTED, offered_with(&p));
    }
}

/* ---- what is changed and added ---- */

/* R70: SSRC and SPI that the Initiator gave, where there is need to. */
static void the_responder_may_change_ssrc_and_spi(void **state)
{
    (void)state;
    const struct mikey_key keys[] = {troupe_key(MIKEY_TGK, 32, 1, 'a'),
                                     troupe_key(MIKEY_TGK, 32, 2, 'b')};
    struct mikey_session mine[] = {
        {.cs = 1, .known = true, .ssrc = 0x777, .spi = ts_span("b", 1)},
        {.cs = 2, .known = true, .ssrc = 0x778}};
    struct mikey_session s;
    t.wish.keys = keys;
    t.wish.n_keys = 2;
    t.session[0].spi = t.session[1].spi = ts_span("a", 1);
    t.bob->answer.session = mine;
    t.bob->answer.n_sessions = 2;
    troupe_call(&t);
    OK(mikey_bundle_session(t.bob->at_i, 0, &s));
    assert_int_equal(s.ssrc, 0x777);
    assert_memory_equal(s.spi.p, "b", 1);
    OK(mikey_bundle_session(t.bob->at_i, 1, &s));
    assert_int_equal(s.ssrc, 0x778);
    assert_memory_equal(s.spi.p, "a", 1);
    troupe_same_keys(&t, 1, NULL);
    troupe_same_keys(&t, 2, NULL);
}

/* R71: sessions beside those that were offered. */
static void the_responder_may_add_sessions(void **state)
{
    (void)state;
    struct mikey_session mine[] = {
        {.cs = 2, .known = true, .ssrc = 8},
        {.cs = 7, .known = true, .ssrc = 9, .policies = ts_span("", 1)}};
    t.bob->answer.session = mine;
    t.bob->answer.n_sessions = 2;
    troupe_call(&t);
    answer_is_complete(3);
    troupe_same_keys(&t, 7, NULL);
    begin(NULL);
    mine[1].cs = 2; /* twice: the first counts */
    t.bob->answer.session = mine;
    t.bob->answer.n_sessions = 2;
    troupe_call(&t);
    answer_is_complete(2);
    begin(NULL);
    mine[0].cs = mine[1].cs = 7; /* twice an added one */
    mine[0].policies = ts_span("", 1);
    t.bob->answer.session = mine;
    t.session[1].known = true;
    t.bob->answer.n_sessions = 2;
    troupe_verified(&t);
    FAILS(TS_E_RANGE, troupe_answer(&t));
}

/* A session of something else than SRTP goes through; it has no SRTP key. */
static void a_session_of_another_protocol_is_negotiated_too(void **state)
{
    (void)state;
    struct mikey_session s;
    struct mikey_srtp_key key;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    uint8_t *map = t.transfer.b + 10; /* first entry */
    struct mikey_msg m = troupe_read(&t.transfer);
    map[1] = MIKEY_PROT_TESLA; /* R203: its policy must be one, too */
    troupe_sign_offer(&t);
    FAILS(TS_E_MISMATCH, troupe_offered(&t));
    t.transfer.b[mikey_at(&m, m.sp[0].params) - 3] = MIKEY_PROT_TESLA;
    map[12] = MIKEY_PROT_TESLA; /* and so is the second session */
    troupe_sign_offer(&t);
    OK(troupe_verify(&t));
    OK(mikey_responder_session(t.bob->r, 0, &s));
    assert_int_equal(s.prot, MIKEY_PROT_TESLA);
    assert_false(s.known); /* its Session Data mean something else */
    t.bob->answer.n_sessions = 0;
    OK(troupe_answer(&t));
    FAILS(TS_E_UNSUPPORTED, mikey_bundle_srtp(t.bob->at_r, 1, &key));
    struct mikey_msg resp = troupe_read(&t.bob->resp);
    assert_memory_equal(resp.hdr.map.p + 4, map + 4, 6); /* as they came */
}

/* ---- what must not be ---- */

/* R197: SRTP-ID is the map of RFC 3830. */
static void an_srtp_id_map_is_refused(void **state)
{
    (void)state;
    uint8_t no;
    t.offer.n_sessions = 0;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    t.transfer.b[9] = MIKEY_MAP_SRTP;
    troupe_sign_offer(&t);
    FAILS(TS_E_UNSUPPORTED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_UNSPECIFIED);
    t.transfer.b[9] = MIKEY_MAP_EMPTY; /* nothing to say */
    troupe_sign_offer(&t);
    OK(troupe_offered(&t));
}

/* What a Responder writes is as complete as what it demands: here one that
 * does not care sends what is not (R68, R69, R199, R205, R208). */
static void an_answer_that_leaves_something_open_is_not_taken(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 5; k++) {
        struct mikey_session s[2];
        struct ts_key mpk;
        uint8_t map[128];
        struct ts_writer map_w = ts_writer_init(map, sizeof map);
        begin(NULL);
        troupe_verified(&t);
        const struct mikey_msg init = troupe_read(&t.transfer);
        for (size_t j = 0; j < 2; j++)
            s[j] = (struct mikey_session){.cs = (uint8_t)(1 + j),
                                          .known = true,
                                          .policies = ts_span("\0\0", 1),
                                          .spi = t.bob->r->keys.k[2].spi};
        if (k == 0)
            s[1].policies.n = 0;
        else if (k == 1)
            s[1].policies.n = 2;
        else if (k == 2)
            s[1].known = false;
        else if (k == 3)
            s[1].spi.n = 0;
        OK(ts_key_set(&mpk, t.bob->r->keys.k[1].key));
        const struct mikey_answer_new in = {
            .init = &init,
            .suite = mikey_suite_bits(256),
            .t = mikey_now_t(&t.now),
            .rand_r = init.rand[MIKEY_RAND_I],
            .idr_r = t.bob->party.self,
            .rand_kms = ts_span(t.bob->r->rand_kms, t.bob->r->rand_kms_n),
            .n_cs = k < 4 ? 2 : 0,
            .map = k < 4 ? mikey_put_sessions(&map_w, s, 2) : ts_span(NULL, 0),
            .mpk = &mpk,
        };
        struct ts_writer w = ts_writer_init(t.bob->resp.b, TROUPE_MAX);
        mikey_build_transfer_resp(&w, &in);
        t.bob->resp.n = w.len;
        troupe_freeze(&t, &still);
        FAILS(TS_E_FORMAT, troupe_answered(&t));
        t.bob->at_i = NULL;
        troupe_unchanged(&t, &still);
        t.bob->answer.n_sessions = 1;
        troupe_finish(&t);
    }
}

/* A Responder may answer a part of the sessions only. */
static void sessions_may_be_left_out_of_an_answer(void **state)
{
    (void)state;
    struct ts_key mpk;
    uint8_t map[64];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    troupe_verified(&t);
    const struct mikey_msg init = troupe_read(&t.transfer);
    const struct mikey_session s = {.cs = 1,
                                    .known = true,
                                    .policies = ts_span("", 1),
                                    .spi = t.bob->r->keys.k[2].spi};
    OK(ts_key_set(&mpk, t.bob->r->keys.k[1].key));
    const struct mikey_answer_new in = {
        .init = &init,
        .suite = mikey_suite_bits(256),
        .t = mikey_now_t(&t.now),
        .rand_r = init.rand[MIKEY_RAND_I],
        .idr_r = t.bob->party.self,
        .rand_kms = ts_span(t.bob->r->rand_kms, t.bob->r->rand_kms_n),
        .n_cs = 1,
        .map = mikey_put_sessions(&map_w, &s, 1),
        .mpk = &mpk,
    };
    struct ts_writer w = ts_writer_init(t.bob->resp.b, TROUPE_MAX);
    mikey_build_transfer_resp(&w, &in);
    t.bob->resp.n = w.len;
    OK(troupe_answered(&t));
    assert_int_equal(mikey_bundle_sessions(t.bob->at_i), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_offer_may_leave_ssrc_and_spi_open),
          TEST(a_session_that_has_started_says_where_it_is),
          TEST(an_offer_may_suggest_no_policy),
          TEST(an_offer_may_have_no_sessions),
          TEST(the_responder_takes_the_first_policy_that_will_do),
          TEST(the_responder_may_name_the_policy),
          TEST(a_policy_of_the_responders_must_be_acceptable),
          TEST(an_offer_without_a_policy_that_will_do_is_refused),
          TEST(a_policy_can_be_compared_with_the_one_that_will_do),
          TEST(the_responder_may_change_ssrc_and_spi),
          TEST(the_responder_may_add_sessions),
          TEST(a_session_of_another_protocol_is_negotiated_too),
          TEST(an_srtp_id_map_is_refused),
          TEST(an_answer_that_leaves_something_open_is_not_taken),
          TEST(sessions_may_be_left_out_of_an_answer))
