/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages under a right MAC that say what they must not: from a KMS or a
 * Responder that is broken, or not honest. Whoever gets one
 * refuses it for what it says, and stays as it was.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;
static const struct ts_span none;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

#define SUITE mikey_suite_bits(256)

/* ---- what a KMS grants (4.2.1.6) ---- */

/* REQUEST_RESP of a KMS that writes whatever it likes. */
static struct {
    struct mikey_tp tp;
    struct mikey_policy policy;
    const struct mikey_key *want; /* as KEMAC of the policy */
    size_t n_want;
    struct mikey_key keys[4];
    size_t n_keys;
} kms;

static void set_kms(unsigned flags)
{
    const uint64_t now = t.now.us / SECONDS;
    memset(&kms, 0, sizeof kms); /* lint: of the test */
    OK(troupe_request(&t));
    kms.tp = troupe_read(&t.request).tp;
    kms.tp.flags = (uint16_t)flags;
    kms.policy = (struct mikey_policy){.kms = t.kms.self,
                                       .initiator = t.alice.self,
                                       .has_start = true,
                                       .has_end = true,
                                       .start = now,
                                       .end = now + 1000,
                                       .n_responders = 1,
                                       .responder = {t.bob->party.self}};
    kms.keys[0] = troupe_key(MIKEY_MPK, 32, 1, 'm');
    kms.keys[1] = troupe_key(MIKEY_MPK, 32, 2, 'n');
    kms.keys[2] = troupe_key(MIKEY_TGK, 32, 3, 'a');
    kms.n_keys = 3;
}

static void grant(void)
{
    const struct mikey_msg init = troupe_read(&t.request);
    const struct mikey_hdr hdr = {.type = MIKEY_REQUEST_RESP,
                                  .prf = init.hdr.prf,
                                  .csb = init.hdr.csb,
                                  .map_type = MIKEY_MAP_EMPTY};
    struct mikey_protect psk;
    struct mikey_hmac h;
    struct ts_writer w = ts_writer_init(t.granted.b, TROUPE_MAX);
    struct mikey_build b = mikey_build_hdr(&w, &hdr);
    mikey_protect_of(&init, NULL, t.psk[0], &psk);
    psk.selector = MIKEY_SEL_RESP;
    mikey_build_t(&b, mikey_now_t(&t.now));
    mikey_build_payload(&b, MIKEY_TICKET);
    mikey_build_tp(&b, &kms.tp, &kms.policy, kms.want, kms.n_want);
    ts_put_u16(&w, 3); /* Ticket Data are nothing to Alice */
    ts_put(&w, "???", 3);
    ts_put_u16(&w, 0);
    mikey_build_keys(&b, &psk, mikey_now_t(&t.now), kms.keys, kms.n_keys);
    mikey_protect_auth(&psk, &h);
    mikey_build_v(&b, SUITE, &h, troupe_view(&t.request), none);
    assert_int_equal(w.err, TS_OK);
    t.granted.n = w.len;
}

static void granted(enum ts_err wanted)
{
    grant();
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_granted(&t));
    if (wanted)
        troupe_unchanged(&t, &still);
}

#define USUAL (MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_I | TROUPE_FLAGS)

/* R47, R48, R217, R232, R233, R239, R278 */
static void a_policy_that_will_not_do_is_discarded(void **state)
{
    (void)state;
    const uint64_t now = t.now.us / SECONDS;
    const struct mikey_key tgk = troupe_key(MIKEY_TGK, 32, 1, 'a');
    set_kms(USUAL);
    granted(TS_OK);
    set_kms(USUAL);
    kms.want = &tgk; /* R239: a KEMAC in a granted policy */
    kms.n_want = 1;
    granted(TS_E_FORMAT);
    set_kms(USUAL);
    kms.tp.prf = MIKEY_PRF_SHA1; /* R278 */
    granted(TS_E_FORMAT);
    set_kms(USUAL);
    kms.tp.kind.version = 2; /* R47: another kind of ticket */
    granted(TS_E_UNSUPPORTED);
    kms.tp.kind = (struct mikey_kind){2, 1, 1};
    granted(TS_E_UNSUPPORTED);
    set_kms(USUAL);
    kms.policy.end = now - 301; /* R47, R232, R233 */
    kms.policy.start = 0;
    granted(TS_E_EXPIRED);
    kms.policy.end = now + 2000;
    kms.policy.start = now + 301;
    granted(TS_E_EXPIRED);
    kms.policy.has_end = kms.policy.has_start = false; /* for ever */
    granted(TS_OK);
    set_kms(USUAL);
    kms.policy.initiator = t.bob->party.self;
    granted(TS_E_MISMATCH);
    kms.policy.initiator.data.p = NULL; /* R15 is a SHOULD */
    granted(TS_OK);
}

/* R217, 2.17: flags that do not fit each other, or the keys. */
static void granted_flags_must_fit(void **state)
{
    (void)state;
    const unsigned d = MIKEY_FLAG_D, e = MIKEY_FLAG_E, f = MIKEY_FLAG_F,
                   g = MIKEY_FLAG_G, h = MIKEY_FLAG_H, i = MIKEY_FLAG_I,
                   m = MIKEY_FLAG_M, n = MIKEY_FLAG_N;
    t.wish.must = MIKEY_FLAG_D;
    const unsigned wrong[] = {d | e | f | i | n, d | f | h | i | n,
                              d | e | g | h | i | n, d | e | h | i | m | n,
                              d | e | h | i | n}; /* the last: R217 */
    for (size_t k = 0; k < 5; k++) {
        set_kms(wrong[k]);
        granted(TS_E_FORMAT);
    }
    kms.keys[2].type = MIKEY_GTGK; /* which is not forked */
    granted(TS_OK);
    set_kms(e | f | h | i | n | MIKEY_FLAG_L); /* made by nobody we asked */
    granted(TS_E_UNSUPPORTED);
}

/* R47: somebody was left out; somebody else got in. */
static void granted_to_whom_it_was_asked_for(void **state)
{
    (void)state;
    const struct mikey_id both[] = {t.bob->party.self, t.callee[1].party.self};
    t.wish.responder = both;
    t.wish.n_responders = 2;
    set_kms(USUAL);
    granted(TS_E_MISMATCH); /* Bob only */
    kms.policy.responder[1] = both[1];
    kms.policy.n_responders = 2;
    granted(TS_OK);
    t.wish.n_responders = 1;
    set_kms(USUAL);
    kms.policy.responder[1] = both[1];
    kms.policy.n_responders = 2;
    granted(TS_E_MISMATCH); /* Carol, too */
}

/* R47: for other applications, or for all; for longer, or for ever. */
static void granted_for_what_and_how_long_it_was_asked_for(void **state)
{
    (void)state;
    const struct mikey_id voice = {0, MIKEY_ID_BYTES, ts_span("voice", 5)};
    const struct mikey_id video = {0, MIKEY_ID_BYTES, ts_span("video", 5)};
    const struct mikey_id both[] = {voice, video};
    for (unsigned k = 0; k < 5; k++) {
        t.wish.app = both;
        t.wish.n_apps = k == 4 ? 0 : 2; /* all may: some will do */
        set_kms(USUAL);
        kms.policy.n_apps = k;
        kms.policy.app[0] = voice;
        kms.policy.app[1] = kms.policy.app[2] = video;
        if (k >= 3)
            kms.policy.app[2] = kms.policy.app[3] = t.bob->party.self;
        granted(k == 0 || k == 3 ? TS_E_MISMATCH : TS_OK);
    }
    t.wish.n_apps = 0;
    t.wish.end = t.now.us / SECONDS + 1000;
    for (unsigned k = 0; k < 3; k++) {
        set_kms(USUAL);
        kms.policy.end = t.wish.end - 1 + k;
        granted(k == 2 ? TS_E_MISMATCH : TS_OK);
    }
    set_kms(USUAL);
    kms.policy.has_end = false;
    granted(TS_E_MISMATCH);
}

/* R38, R39: as many MPKs as there must be, first. */
static void granted_with_the_keys_that_there_must_be(void **state)
{
    (void)state;
    set_kms(USUAL);
    kms.keys[1].type = MIKEY_TGK;
    granted(TS_E_FORMAT);
    set_kms(USUAL & ~MIKEY_FLAG_I);
    t.i->must = MIKEY_FLAG_D;
    granted(TS_E_FORMAT); /* an MPK too many */
    kms.keys[1] = kms.keys[2];
    kms.n_keys = 2;
    granted(TS_OK);
    set_kms(USUAL);
    kms.keys[2].spi = kms.keys[1].spi; /* of an MPK: AMB 10 */
    granted(TS_OK);
    set_kms(USUAL);
    kms.keys[3] = kms.keys[2]; /* AMB 14 */
    kms.n_keys = 4;
    granted(TS_E_FORMAT);
}

/* ---- what a KMS resolves (4.2.3.6) ---- */

static struct mikey_reply_new resolve; /* as it should be; then changed */
static struct mikey_key resolved_keys[4];

static void ask_kms(void)
{
    static struct mikey_msg init;
    static struct mikey_protect psk;
    static uint8_t rand[32];
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    init = troupe_read(&t.bob->resolve);
    mikey_protect_of(&init, NULL, t.psk[1], &psk);
    for (size_t k = 0; k < 32; k++)
        rand[k] = (uint8_t)k;
    resolved_keys[0] = t.i->keys.k[0]; /* MPKi is right */
    resolved_keys[1] = troupe_key(MIKEY_MPK, 32, 9, 'n');
    resolved_keys[2] = troupe_key(MIKEY_TGK, 32, 8, 'a');
    resolve = (struct mikey_reply_new){.init = &init,
                                       .psk = &psk,
                                       .t = mikey_now_t(&t.now),
                                       .idr_kms = t.kms.self,
                                       .keys = resolved_keys,
                                       .n_keys = 3,
                                       .idr_r = t.bob->party.self,
                                       .rand_kms = ts_span(rand, 32)};
}

static void set_resolve(unsigned more)
{
    begin(NULL);
    troupe_mode(&t, 1, more);
    ask_kms();
}

static void resolved(enum ts_err wanted)
{
    struct ts_writer w = ts_writer_init(t.bob->resolved.b, TROUPE_MAX);
    mikey_build_resolve_resp(&w, &resolve);
    assert_int_equal(w.err, TS_OK);
    t.bob->resolved.n = w.len;
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_resolved(&t));
    if (wanted)
        troupe_unchanged(&t, &still);
}

/* R75, R77, R123-R125, R128, R133, R273 */
static void a_reply_that_resolves_nothing_is_discarded(void **state)
{
    (void)state;
    set_resolve(MIKEY_FLAG_I);
    resolve.n_keys = 1; /* R124 */
    resolved(TS_E_FORMAT);
    resolve.n_keys = 3;
    resolve.idr_r.data.p = NULL; /* R128 */
    resolved(TS_E_MISSING);
    resolve.idr_r = t.bob->party.self;
    resolve.rand_kms.n = 31; /* R273 */
    resolved(TS_E_FORMAT);
    resolve.rand_kms.n = 0;
    resolved(TS_E_MISSING);
    resolve.rand_kms.n = 32;
    resolved_keys[0] = troupe_key(MIKEY_MPK, 32, 7, 'm');
    resolved(TS_E_AUTH); /* R133: of another ticket */
    resolved_keys[0] = t.i->keys.k[0];
    resolved_keys[2] = troupe_key(MIKEY_TGK, 33, 8, 'a');
    resolved(TS_E_FORMAT);              /* R273: a longer key than RANDRkms */
    resolved_keys[2].type = MIKEY_GTGK; /* which it does not fork */
    resolved(TS_OK);
    set_resolve(0);
    resolved(TS_E_FORMAT); /* an MPK too many */
    resolved_keys[1] = resolved_keys[2];
    resolve.n_keys = 2;
    resolved(TS_OK);
    assert_int_equal(t.bob->r->rand_kms_n, 0); /* nothing was forked */
}

/* R31, R117, R183: of the type and with the map of no other exchange. */
static void a_reply_has_the_header_that_it_must_have(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct troupe_message *m = k ? &t.bob->resolved : &t.granted;
        struct mikey_protect keys;
        begin(NULL);
        OK(troupe_request(&t));
        OK(troupe_grant(&t));
        if (k) {
            OK(troupe_granted(&t));
            OK(troupe_transfer(&t));
            OK(troupe_offered(&t));
            OK(troupe_resolve(&t));
            OK(troupe_resolve_at_kms(&t));
        }
        const struct mikey_msg init =
            troupe_read(k ? &t.bob->resolve : &t.request);
        const struct mikey_msg resp = troupe_read(m);
        mikey_protect_of(&init, &resp, t.psk[k], &keys);
        for (unsigned wrong = 0; wrong < 3; wrong++) {
            m->b[1] = k ? MIKEY_RESOLVE_RESP : MIKEY_REQUEST_RESP;
            m->b[9] = MIKEY_MAP_EMPTY;
            if (wrong == 0) /* of the other exchange; of none */
                m->b[1] = k ? MIKEY_REQUEST_RESP : MIKEY_RESOLVE_RESP;
            if (wrong == 1)
                m->b[9] = MIKEY_MAP_GENERIC;
            troupe_sign(m, &keys, init.raw, none);
            const enum ts_err err =
                k ? troupe_resolved(&t) : troupe_granted(&t);
            FAILS(wrong < 2 ? TS_E_MISMATCH : TS_OK, err);
        }
    }
}

/* R272: without RANDRr the offer's RANDRi serves all keys. */
static void an_offer_whose_rand_is_too_short_is_not_verified(void **state)
{
    (void)state;
    for (unsigned g = 0; g < 2; g++) {
        set_resolve(0);
        troupe_flags(&t, 1,
                     MIKEY_FLAG_F | MIKEY_FLAG_H | (g ? MIKEY_FLAG_G : 0));
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        static struct mikey_msg init;
        static struct mikey_protect psk;
        init = troupe_read(&t.bob->resolve);
        mikey_protect_of(&init, NULL, t.psk[1], &psk);
        resolve.init = &init;
        resolve.psk = &psk;
        resolve.idr_r.data.p = NULL;
        resolve.rand_kms.n = 0;
        resolved_keys[0] = t.i->keys.k[0];
        resolved_keys[1] = troupe_key(MIKEY_TGK, 33, 8, 'a');
        resolve.n_keys = 2;
        resolved(g ? TS_OK : TS_E_FORMAT); /* else RANDRr makes up for it */
    }
}

/* R217: the Initiator, who gets no answer, could not fork that TGK. */
static void a_tgk_that_only_we_would_fork_is_not_taken(void **state)
{
    (void)state;
    const struct mikey_key gtgk = troupe_key(MIKEY_GTGK, 32, 8, 'a');
    troupe_flags(&t, 1, MIKEY_FLAG_H | MIKEY_FLAG_I | MIKEY_FLAG_N);
    t.wish.keys = &gtgk;
    t.wish.n_keys = 1;
    for (size_t k = 0; k < 2; k++) {
        t.session[k].known = true;
        t.session[k].spi = ts_span("a", 1);
    }
    ask_kms();
    resolved(TS_E_FORMAT);
    resolved_keys[2] = gtgk;
    resolved(TS_OK);
}

/* R279: a strong way from the KMS makes no strong algorithms of the ticket. */
static void a_ticket_of_128_bits_has_no_longer_session_keys(void **state)
{
    (void)state;
    troupe_begin(&t, 128);
    t.bob->party.bits = 256;
    ask_kms();
    resolved(TS_E_UNSUPPORTED);
    resolved_keys[2].key.n = 16;
    resolved(TS_OK);
}

/* ---- what a Responder answers (4.2.2.4) ---- */

static struct mikey_answer_new reply;
static struct ts_key mpk;
static struct mikey_msg offer;
static struct mikey_sp sps[2];

static void set_answer(unsigned flags)
{
    static uint8_t rand[64], map[128];
    struct ts_writer w = ts_writer_init(map, sizeof map);
    struct mikey_session s[2];
    begin(NULL);
    troupe_flags(&t, 1, flags);
    troupe_verified(&t);
    offer = troupe_read(&t.transfer);
    const unsigned first = flags & MIKEY_FLAG_I ? 2 : 1;
    for (size_t k = 0; k < 2; k++)
        s[k] = (struct mikey_session){.cs = (uint8_t)(1 + k),
                                      .known = true,
                                      .policies = ts_span("", 1),
                                      .spi = t.bob->r->keys.k[first].spi};
    OK(ts_key_set(&mpk, t.bob->r->keys.k[first - 1].key));
    reply = (struct mikey_answer_new){
        .init = &offer,
        .suite = SUITE,
        .t = mikey_now_t(&t.now),
        .rand_r = ts_span(rand, flags & MIKEY_FLAG_G ? 32 : 0),
        .idr_r = t.bob->party.self,
        .rand_kms = ts_span(t.bob->r->rand_kms, t.bob->r->rand_kms_n),
        .n_cs = 2,
        .map = mikey_put_sessions(&w, s, 2),
        .sp = sps,
        .mpk = &mpk};
    for (size_t k = 0; k < 2; k++)
        sps[k] = offer.sp[0];
}

static void take_answer(enum ts_err wanted)
{
    t.bob->at_i = NULL;
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_answered(&t));
    if (!wanted)
        return;
    t.bob->at_i = NULL;
    troupe_unchanged(&t, &still);
}

static void answered(enum ts_err wanted)
{
    struct ts_writer w = ts_writer_init(t.bob->resp.b, TROUPE_MAX);
    mikey_build_transfer_resp(&w, &reply);
    assert_int_equal(w.err, TS_OK);
    t.bob->resp.n = w.len;
    take_answer(wanted);
}

/* R66, R68, R74, R75, R77, R221, R273 */
static void an_answer_without_what_it_must_have_is_discarded(void **state)
{
    (void)state;
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    answered(TS_OK);
    reply.rand_r.n = 0; /* R74, R221: G=1 */
    answered(TS_E_FORMAT);
    reply.rand_r.n = 32;
    reply.idr_r.data.p = NULL; /* R75 */
    answered(TS_E_MISSING);
    reply.idr_r = t.callee[1].party.self;
    answered(TS_E_AUTH); /* the KMS forked for Bob, not for Carol */
    reply.idr_r = t.bob->party.self;
    const struct ts_span rand = reply.rand_kms;
    reply.rand_kms.n = 0; /* R77 */
    answered(TS_E_MISSING);
    reply.rand_kms.n = 31; /* R273 */
    answered(TS_E_FORMAT);
    reply.rand_kms = rand;
    set_answer((TROUPE_FLAGS & ~MIKEY_FLAG_G) | MIKEY_FLAG_I);
    reply.rand_r.n = 32; /* R221: G=0 */
    answered(TS_E_FORMAT);
}

/* R82, R227; AMB 14 */
static void keys_that_must_not_be_in_an_answer_are_not_taken(void **state)
{
    (void)state;
    struct mikey_key key = troupe_key(MIKEY_TEK, 32, 1, 'x');
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    struct mikey_msg lying = offer; /* M=0, and it does not care */
    lying.ticket.tp.flags |= MIKEY_FLAG_M;
    reply.init = &lying;
    reply.keys = &key;
    reply.n_keys = 1;
    answered(TS_E_FORMAT); /* R82, R227 */
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I | MIKEY_FLAG_M);
    reply.keys = &key;
    reply.n_keys = 1;
    answered(TS_OK);
    key.spi = t.bob->r->keys.k[2].spi; /* AMB 14: that of the TGK */
    answered(TS_E_EXISTS);
    key = troupe_key(MIKEY_MPK, 32, 1, 'x');
    answered(TS_E_FORMAT);
}

/* R79: a policy that is sent again is no new one; another one of its number is
 * none at all. */
static void policies_may_be_sent_again_as_they_were(void **state)
{
    (void)state;
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    reply.n_sp = 1;
    answered(TS_OK);
    assert_int_equal(t.bob->at_i->sps.n, 1);
    sps[0].params.n -= 3;
    answered(TS_E_MISMATCH);
    sps[0].params.n += 3;
    sps[0].prot = MIKEY_PROT_TESLA;
    answered(TS_E_MISMATCH);
}

/* R197 */
static void an_answer_has_no_srtp_id_map(void **state)
{
    (void)state;
    struct mikey_protect keys;
    begin(NULL);
    t.offer.n_sessions = t.bob->answer.n_sessions = 0;
    troupe_verified(&t);
    OK(troupe_answer(&t));
    const struct mikey_msg init = troupe_read(&t.transfer);
    const struct mikey_msg resp = troupe_read(&t.bob->resp);
    OK(ts_key_set(&mpk, t.bob->r->keys.k[1].key));
    mikey_protect_of(&init, &resp, ts_key_span(&mpk), &keys);
    t.bob->resp.b[9] = MIKEY_MAP_SRTP;
    troupe_sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_E_FORMAT);
    t.bob->resp.b[9] = MIKEY_MAP_EMPTY;
    troupe_sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_OK);
    /* R67: V in HDR, if somebody sets it all the same, means nothing */
    t.bob->resp.b[3] |= 0x80;
    troupe_sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_OK);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_policy_that_will_not_do_is_discarded),
          TEST(granted_flags_must_fit), TEST(granted_to_whom_it_was_asked_for),
          TEST(granted_for_what_and_how_long_it_was_asked_for),
          TEST(granted_with_the_keys_that_there_must_be),
          TEST(a_reply_that_resolves_nothing_is_discarded),
          TEST(a_reply_has_the_header_that_it_must_have),
          TEST(an_offer_whose_rand_is_too_short_is_not_verified),
          TEST(a_tgk_that_only_we_would_fork_is_not_taken),
          TEST(a_ticket_of_128_bits_has_no_longer_session_keys),
          TEST(an_answer_without_what_it_must_have_is_discarded),
          TEST(keys_that_must_not_be_in_an_answer_are_not_taken),
          TEST(policies_may_be_sent_again_as_they_were),
          TEST(an_answer_has_no_srtp_id_map))
