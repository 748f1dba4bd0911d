/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of a bundle (RFC 6043 5.2) through <mikey/mikey.h>: by either side,
 * with and without an answer, with keys, sessions and policies.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_message msg, answer;

#define I   MIKEY_INITIATOR
#define R   MIKEY_RESPONDER
#define ALL (MIKEY_FLAG_I | MIKEY_FLAG_L | MIKEY_FLAG_M)

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, ALL);
    return 0;
}

/* Sessions as they are, but with another key. */
static struct mikey_session sessions[3];
static size_t rekeyed(const struct mikey_bundle *b, const char *spi)
{
    const size_t n = mikey_bundle_sessions(b);
    for (size_t k = 0; k < n; k++) {
        OK(mikey_bundle_session(b, k, &sessions[k]));
        sessions[k].spi = ts_span(spi, 1);
    }
    return n;
}

static struct mikey_update new_key(enum mikey_side from,
                                   const struct mikey_key *key)
{
    return (struct mikey_update){
        .keys = key,
        .n_keys = 1,
        .session = sessions,
        .n_sessions = rekeyed(troupe_end(&t, from), (const char *)key->spi.p)};
}

static struct mikey_msg read_msg(void)
{
    return troupe_read(&msg);
}

/* Whether the KEMAC of the message can be read with these keys only. */
static void has_key(const struct mikey_msg *m, enum mikey_side side,
                    struct ts_span wanted)
{
    struct mikey_keys keys;
    OK(mikey_open_keys(&m->kemac, &troupe_end(&t, side)->csb.keys, m->t, 0,
                       &keys));
    assert_int_equal(keys.n, 1);
    assert_true(ts_span_equal(keys.k[0].key, wanted));
}

/* ---- new keys ---- */

/* R159-R162, R164, R165, R168-R170, R188, R191, with each type of key, by both
 * sides, with and without an answer, in all modes, forked or not. */
static void either_side_brings_new_keys(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 32; k++)
        for (uint8_t type = MIKEY_TGK; type <= MIKEY_GTGK_SALT; type++) {
            const enum mikey_side from = k & 1 ? I : R;
            const unsigned mode = 1 + k / 8;
            unsigned more = MIKEY_FLAG_L | MIKEY_FLAG_M;
            const struct mikey_key key = troupe_key(type, 32, 9, 'n');
            struct mikey_srtp_key old, new;
            if (k & 2 && mode % 2)
                more |= MIKEY_FLAG_I;
            troupe_begin(&t, k & 4 ? 128 : 256);
            troupe_mode(&t, mode, more);
            if (type == MIKEY_TEK)
                t.policy.salt = 0;
            troupe_call(&t);
            troupe_same_keys(&t, 1, &old);
            struct mikey_key fits = key;
            fits.key.n = t.alice.bits / 8;
            struct mikey_update u = new_key(from, &fits);
            u.want_answer = k & 2;
            OK(troupe_update(&t, from, &u, &msg));
            troupe_same_keys(&t, 1, &new);
            troupe_same_keys(&t, 2, NULL);
            assert_memory_not_equal(old.key, new.key, old.key_len);
            assert_memory_equal(new.spi, "n", 1);
            if (mikey_is_tek(&key))
                assert_memory_equal(new.key, key.key.p, new.key_len);
            struct mikey_msg m = read_msg();
            has_key(&m, I, fits.key); /* R164, R169; R170: not forked */
            has_key(&m, R, fits.key);
            assert_int_equal(m.hdr.csb, mikey_bundle_csb(t.bob->at_i));
            assert_int_equal(m.hdr.v, u.want_answer);           /* R161 */
            assert_int_equal(m.kemac.mac_alg, MIKEY_AUTH_NULL); /* R168 */
            assert_false(m.has_ticket || m.rand[MIKEY_RAND_I].p ||
                         m.rand[MIKEY_RAND_R].p || m.rand[MIKEY_RAND_KMS].p);
        }
}

/* R164, R220: with F=0 the last message is TRANSFER_INIT. */
static void a_bundle_without_an_answer_is_updated(void **state)
{
    (void)state;
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    for (unsigned forked = 0; forked <= MIKEY_FLAG_I; forked += MIKEY_FLAG_I) {
        const struct mikey_key key = troupe_key(MIKEY_TGK, 32, 9, 'n');
        troupe_begin(&t, 256);
        troupe_flags(&t, 1,
                     MIKEY_FLAG_H | MIKEY_FLAG_L | MIKEY_FLAG_N | forked);
        t.alice.same = t.bob->party.same = troupe_same;
        t.responder = t.offer.to = troupe_uri(TEAM); /* AMB 6: the one called */
        t.wish.keys = &tek;
        t.wish.n_keys = 1;
        for (size_t k = 0; k < 2; k++) {
            t.session[k].known = true;
            t.session[k].spi = ts_span("a", 1);
        }
        troupe_call(&t);
        assert_int_equal(t.bob->resp.n, 0);
        struct mikey_update u = new_key(I, &key);
        OK(troupe_update(&t, I, &u, &msg));
        troupe_same_keys(&t, 1, NULL);
        struct mikey_id peer = mikey_bundle_peer(t.bob->at_i);
        assert_true(ts_span_equal(peer.data, ts_span_str(TEAM)));
        u = (struct mikey_update){.want_answer = true};
        OK(troupe_update(&t, R, &u, &msg));
    }
}

/* R166: L and M follow the role, whoever starts. */
static void keys_come_from_whom_l_and_m_allow(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 9, 'n');
    for (unsigned flag = 0; flag < 4; flag++) {
        const unsigned l = flag & 1 ? MIKEY_FLAG_L : 0;
        const unsigned m = flag & 2 ? MIKEY_FLAG_M : 0;
        static struct troupe_still still;
        troupe_begin(&t, 256);
        troupe_mode(&t, 1, l | m);
        troupe_call(&t);
        troupe_freeze(&t, &still);
        struct mikey_update u = new_key(I, &key);
        FAILS(l ? TS_OK : TS_E_DENIED, troupe_update(&t, I, &u, &msg));
        if (!l)
            troupe_unchanged(&t, &still);
        const struct mikey_key other = troupe_key(MIKEY_TEK_SALT, 32, 9, 'o');
        u = new_key(R, &other);
        FAILS(m ? TS_OK : TS_E_DENIED, troupe_update(&t, R, &u, &msg));
    }
}

/* ... and if one sends them all the same they are not taken. */
static void keys_that_l_or_m_forbids_are_not_taken(void **state)
{
    (void)state;
    static struct troupe_still still;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 9, 'n');
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, 0);
    troupe_call(&t);
    for (unsigned k = 0; k < 2; k++) {
        const enum mikey_side from = k ? I : R, to = k ? R : I;
        struct mikey_bundle *b = troupe_end(&t, from);
        const uint16_t flags = b->csb.flags;
        struct mikey_update u = new_key(from, &key);
        b->csb.flags |= MIKEY_FLAG_L | MIKEY_FLAG_M; /* it does not care */
        OK(mikey_bundle_update(b, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
        b->csb.flags = flags;
        troupe_freeze(&t, &still);
        FAILS(TS_E_DENIED, /* R166 */
              mikey_bundle_receive(troupe_end(&t, to), &t.now,
                                   troupe_view(&msg), NULL, answer.b,
                                   TROUPE_MAX, &answer.n));
        troupe_unchanged(&t, &still);
    }
}

/* R167: no session is left without a key. */
static void each_session_keeps_a_key(void **state)
{
    (void)state;
    static struct troupe_still still;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 9, 'n');
    troupe_call(&t);
    struct mikey_update u = new_key(I, &key);
    sessions[1].spi = ts_span("z", 1);
    troupe_freeze(&t, &still);
    FAILS(TS_E_NOTFOUND, troupe_update(&t, I, &u, &msg));
    troupe_unchanged(&t, &still);
    u.want_answer = true; /* the answer might have brought it */
    OK(mikey_bundle_update(t.bob->at_i, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
    FAILS(TS_E_NOTFOUND,
          mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&msg), NULL,
                               answer.b, TROUPE_MAX, &answer.n));
    const struct mikey_key z = troupe_key(MIKEY_TEK_SALT, 32, 20, 'z');
    const struct mikey_answer ours = {.keys = &z, .n_keys = 1};
    OK(mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&msg), &ours,
                            answer.b, TROUPE_MAX, &answer.n)); /* and does */
    OK(mikey_bundle_receive(t.bob->at_i, &t.now, troupe_view(&answer), NULL,
                            NULL, 0, &answer.n));
    troupe_same_keys(&t, 1, NULL);
    troupe_same_keys(&t, 2, NULL);
}

/* AMB 14 */
static void an_spi_names_one_key(void **state)
{
    (void)state;
    static struct troupe_still still;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 9, 'n');
    const struct mikey_key same = troupe_key(MIKEY_TEK_SALT, 32, 8, 'n');
    troupe_call(&t);
    struct mikey_update u = new_key(I, &key);
    OK(troupe_update(&t, I, &u, &msg));
    for (unsigned k = 0; k < 2; k++) {
        u = new_key(k ? I : R, &same);
        u.want_answer = true;
        troupe_freeze(&t, &still);
        FAILS(TS_E_EXISTS, troupe_update(&t, k ? I : R, &u, &msg));
        troupe_unchanged(&t, &still);
    }
    u = new_key(I, &key); /* in the answer */
    u.n_keys = 0;
    u.want_answer = true;
    OK(mikey_bundle_update(t.bob->at_i, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
    const struct mikey_answer ours = {.keys = &same, .n_keys = 1};
    troupe_freeze(&t, &still);
    FAILS(TS_E_EXISTS,
          mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&msg), &ours,
                               answer.b, TROUPE_MAX, &answer.n));
    troupe_unchanged(&t, &still);
}

/* A call may last: old keys make room, but for those in use. */
static void a_bundle_is_rekeyed_a_hundred_times(void **state)
{
    (void)state;
    const struct mikey_key *list[2];
    struct mikey_srtp_key last = {0}, now;
    troupe_call(&t);
    for (unsigned k = 0; k < 100; k++) {
        const char spi = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"[k % 36];
        const struct mikey_key key =
            troupe_key(MIKEY_TGK_SALT, 64, (uint8_t)k, spi);
        /* RANDs of 32 and 32 octets are enough for both (R272) */
        struct mikey_update u = new_key(k % 3 ? I : R, &key);
        u.want_answer = k % 2;
        OK(troupe_update(&t, k % 3 ? I : R, &u, &msg));
        troupe_same_keys(&t, 1, &now);
        assert_memory_not_equal(last.key, now.key, 32);
        last = now;
        const size_t n = mikey_bundle_keys(t.bob->at_i, &list[0]);
        assert_int_equal(mikey_bundle_keys(t.bob->at_r, &list[1]), n);
        assert_true(n <= 16);
        for (size_t j = 0; j < n; j++)
            assert_true(ts_span_equal(list[0][j].key, list[1][j].key));
    }
}

static void keys_in_use_are_not_forgotten(void **state)
{
    (void)state;
    struct mikey_key keys[15];
    troupe_call(&t);
    for (size_t k = 0; k < 15; k++)
        keys[k] =
            troupe_key(MIKEY_TEK_SALT, 32, (uint8_t)k, "abcdefghijklmno"[k]);
    struct mikey_update u = new_key(I, keys);
    u.n_keys = 15;
    OK(troupe_update(&t, I, &u, &msg)); /* 16 now; the first is free */
    u = new_key(I, keys);
    const struct mikey_key more[] = {troupe_key(MIKEY_TEK_SALT, 32, 90, 'p'),
                                     troupe_key(MIKEY_TEK_SALT, 32, 91, 'q')};
    u.keys = more;
    u.n_keys = 2;
    sessions[0].spi = ts_span("o", 1); /* the youngest */
    OK(troupe_update(&t, I, &u, &msg));
    troupe_same_keys(&t, 1, NULL);
    sessions[0].spi = ts_span("b", 1); /* forgotten: a was in use */
    u.n_keys = 0;
    FAILS(TS_E_NOTFOUND, troupe_update(&t, I, &u, &msg));
    sessions[0].spi = ts_span("a", 1);
    OK(troupe_update(&t, I, &u, &msg));
}

/* R272: the RANDs of the initial exchange are all there is. */
static void a_new_tgk_is_no_longer_than_the_rands(void **state)
{
    (void)state;
    troupe_flags(&t, 1, MIKEY_FLAG_F | MIKEY_FLAG_H | MIKEY_FLAG_L);
    troupe_call(&t);
    const struct mikey_key tgk = troupe_key(MIKEY_TGK, 33, 9, 'n');
    struct mikey_update u = new_key(I, &tgk);
    FAILS(TS_E_RANGE, troupe_update(&t, I, &u, &msg));
    const struct mikey_key tek = troupe_key(MIKEY_TEK, 33, 9, 'n');
    u.keys = &tek; /* nothing is derived from that */
    OK(troupe_update(&t, I, &u, &msg));
}

/* ---- sessions and policies ---- */

/* Both add to an update: the one who starts a session, the other the SSRC. */
static void a_session_is_added_with_the_ssrcs_of_both(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        const enum mikey_side from = k ? I : R, to = k ? R : I;
        const struct mikey_session theirs = {
            .cs = 3, .known = true, .ssrc = 0x333};
        const struct mikey_answer ours = {.session = &theirs, .n_sessions = 1};
        struct mikey_session s;
        begin(NULL);
        troupe_call(&t);
        struct mikey_bundle *a = troupe_end(&t, from), *b = troupe_end(&t, to);
        struct mikey_update u = {.session = sessions, .want_answer = true};
        u.n_sessions = rekeyed(a, "x") + 1;
        for (size_t j = 0; j < 2; j++)
            OK(mikey_bundle_session(a, j, &sessions[j]));
        sessions[2] =
            (struct mikey_session){.cs = 3, .policies = ts_span("", 1)};
        OK(mikey_bundle_update(a, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
        FAILS(TS_E_MISSING, /* R69: whose SSRC? */
              mikey_bundle_receive(b, &t.now, troupe_view(&msg), NULL, answer.b,
                                   TROUPE_MAX, &answer.n));
        assert_int_equal(mikey_bundle_sessions(b), 2);
        OK(mikey_bundle_receive(b, &t.now, troupe_view(&msg), &ours, answer.b,
                                TROUPE_MAX, &answer.n));
        OK(mikey_bundle_receive(a, &t.now, troupe_view(&answer), NULL, NULL, 0,
                                &answer.n));
        assert_int_equal(mikey_bundle_sessions(a), 3);
        OK(mikey_bundle_session(a, 2, &s));
        assert_int_equal(s.ssrc, 0x333);
        troupe_same_keys(&t, 3, NULL);
    }
}

/* R71, R199: the one who answers may add a session, too, with one policy. */
static void an_answer_adds_a_session(void **state)
{
    (void)state;
    struct mikey_session mine = {
        .cs = 9, .known = true, .ssrc = 9, .policies = ts_span("\0\0", 2)};
    const struct mikey_answer ours = {.session = &mine, .n_sessions = 1};
    troupe_call(&t);
    const struct mikey_update u = {.want_answer = true};
    OK(mikey_bundle_update(t.bob->at_i, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
    FAILS(TS_E_RANGE,
          mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&msg), &ours,
                               answer.b, TROUPE_MAX, &answer.n));
    mine.policies.n = 1;
    OK(mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&msg), &ours,
                            answer.b, TROUPE_MAX, &answer.n));
    OK(mikey_bundle_receive(t.bob->at_i, &t.now, troupe_view(&answer), NULL,
                            NULL, 0, &answer.n));
    assert_int_equal(mikey_bundle_sessions(t.bob->at_i), 3);
    troupe_same_keys(&t, 9, NULL);
}

/* R69, R200, R205, R208: what an update does not say again is as it was. */
static void an_update_may_leave_open_what_is_known(void **state)
{
    (void)state;
    struct mikey_session old[2], new[2];
    const struct mikey_key two[] = {troupe_key(MIKEY_TGK, 32, 1, 'x'),
                                    troupe_key(MIKEY_TGK, 32, 2, 'y')};
    t.offer.keys = two;
    t.offer.n_keys = 2;
    t.session[0].spi = two[1].spi; /* not the first key that there is */
    t.session[1].spi = two[0].spi;
    troupe_call(&t);
    for (size_t k = 0; k < 2; k++) {
        OK(mikey_bundle_session(t.bob->at_i, k, &old[k]));
        sessions[k] = (struct mikey_session){.cs = old[k].cs};
    }
    const struct mikey_update u = {
        .session = sessions, .n_sessions = 2, .want_answer = true};
    OK(troupe_update(&t, I, &u, &msg));
    for (size_t k = 0; k < 2; k++) {
        OK(mikey_bundle_session(t.bob->at_i, k, &new[k]));
        assert_int_equal(new[k].ssrc, old[k].ssrc);
        assert_true(new[k].known);
        assert_true(ts_span_equal(new[k].policies, old[k].policies));
        assert_true(ts_span_equal(new[k].spi, two[1 - k].spi));
    }
    troupe_same_keys(&t, 1, NULL);
    troupe_same_keys(&t, 2, NULL);
}

static bool only_gcm(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    return p->encr_alg == MIKEY_SRTP_AES_GCM;
}

static bool any(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    (void)p;
    return true;
}

/* R57, R85, R86, R201: policies are added, and chosen from. */
static void a_policy_is_added_and_chosen(void **state)
{
    (void)state;
    const struct mikey_srtp_policy two[] = {
        mikey_srtp_gcm(mikey_suite_bits(256)),
        mikey_srtp_gcm(mikey_suite_bits(128))};
    struct mikey_srtp_key key;
    t.alice.acceptable = any;
    troupe_call(&t);
    struct mikey_update u = {.session = sessions,
                             .policy = two,
                             .policy_no = (const uint8_t[]){7, 8},
                             .n_policies = 2,
                             .want_answer = true};
    u.n_sessions = 2;
    for (size_t k = 0; k < 2; k++) {
        OK(mikey_bundle_session(t.bob->at_r, k, &sessions[k]));
        sessions[k].policies = ts_span("\0\7\10", 3);
    }
    t.alice.acceptable = only_gcm; /* number 0 is her own: she takes that */
    OK(troupe_update(&t, R, &u, &msg));
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_CM);
    for (size_t k = 0; k < 2; k++)
        sessions[k].policies = ts_span("\7\10", 2);
    u.n_policies = 0; /* they are known now: R79 */
    OK(troupe_update(&t, R, &u, &msg));
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_GCM);
    t.alice.acceptable = NULL; /* as an Initiator only her own (R85) */
    FAILS(TS_E_UNSUPPORTED, troupe_update(&t, R, &u, &msg));
    mikey_bundle_abandon(t.bob->at_r);
}

/* R79, R203 */
static void policy_numbers_are_what_they_were(void **state)
{
    (void)state;
    static struct troupe_still still;
    const struct mikey_srtp_policy gcm = mikey_srtp_gcm(mikey_suite_bits(256));
    troupe_call(&t);
    struct mikey_update u = {
        .policy = &gcm, .policy_no = (const uint8_t[]){0}, .n_policies = 1};
    troupe_freeze(&t, &still);
    FAILS(TS_E_EXISTS, troupe_update(&t, I, &u, &msg));
    u.policy_no = NULL;
    FAILS(TS_E_RANGE, troupe_update(&t, I, &u, &msg));
    u = (struct mikey_update){.session = sessions, .want_answer = true};
    u.n_sessions = rekeyed(t.bob->at_i, "x");
    for (size_t k = 0; k < 2; k++)
        OK(mikey_bundle_session(t.bob->at_i, k, &sessions[k]));
    sessions[1].policies = ts_span("\1", 1); /* R203: there is none */
    FAILS(TS_E_MISMATCH, troupe_update(&t, I, &u, &msg));
    sessions[1].policies = ts_span("", 1);
    sessions[1].prot = MIKEY_PROT_TESLA;
    FAILS(TS_E_MISMATCH, troupe_update(&t, I, &u, &msg));
    sessions[1].prot = MIKEY_PROT_SRTP;
    sessions[1].cs = 1; /* twice */
    FAILS(TS_E_RANGE, troupe_update(&t, I, &u, &msg));
    sessions[1].cs = 255;
    FAILS(TS_E_RANGE, troupe_update(&t, I, &u, &msg));
    u.n_sessions = 256;
    FAILS(TS_E_RANGE, troupe_update(&t, I, &u, &msg));
    troupe_unchanged(&t, &still);
}

/* The same update, with nothing in it, is as good as a sign of life. */
static void an_update_may_be_empty(void **state)
{
    (void)state;
    struct mikey_srtp_key old, new;
    troupe_call(&t);
    troupe_same_keys(&t, 1, &old);
    for (unsigned k = 0; k < 4; k++) {
        const struct mikey_update u = {.want_answer = k & 1};
        OK(troupe_update(&t, k & 2 ? I : R, &u, &msg));
        troupe_same_keys(&t, 1, &new);
        assert_memory_equal(old.key, new.key, 32);
    }
}

/* ---- when keys are due ---- */

/* R234, R236 */
static void trr_says_when_new_keys_are_due(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TGK, 32, 9, 'n');
    const uint64_t now = t.now.us / SECONDS;
    troupe_call(&t);
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), 0); /* never */
    begin(NULL);
    t.wish.rekey = 3600;
    troupe_call(&t);
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), now + 3600);
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_r), now + 3600);
    t.now.us += 3000 * SECONDS;
    struct mikey_update u = {.want_answer = true}; /* no new key */
    OK(troupe_update(&t, R, &u, &msg));
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), now + 3600);
    u = new_key(R, &key);
    OK(troupe_update(&t, R, &u, &msg));
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), now + 6600);
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_r), now + 6600);
}

/* R234, R236: a key that is there but not used is no rekeying. */
static void a_new_key_counts_where_it_is_used(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TGK, 32, 9, 'n');
    const uint64_t now = t.now.us / SECONDS;
    struct mikey_update u = {.keys = &key, .n_keys = 1};
    t.wish.rekey = 3600;
    troupe_call(&t);
    for (unsigned used = 0; used <= 2; used++) {
        t.now.us += 100 * SECONDS;
        u.session = sessions;
        u.n_sessions = rekeyed(t.bob->at_i, "n");
        for (size_t k = used; k < 2; k++)
            OK(mikey_bundle_session(t.bob->at_i, k, &sessions[k]));
        OK(troupe_update(&t, I, &u, &msg));
        u.n_keys = 0;
        const uint64_t due = now + (used < 2 ? 3600 : 3700); /* as it came */
        assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), due);
        assert_int_equal(mikey_bundle_rekey_at(t.bob->at_r), due);
    }
    begin(NULL);
    t.wish.rekey = 3600;
    t.offer.n_sessions = t.bob->answer.n_sessions = 0;
    troupe_call(&t); /* nothing is used yet */
    assert_int_equal(mikey_bundle_rekey_at(t.bob->at_i), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(either_side_brings_new_keys),
          TEST(a_bundle_without_an_answer_is_updated),
          TEST(keys_come_from_whom_l_and_m_allow),
          TEST(keys_that_l_or_m_forbids_are_not_taken),
          TEST(each_session_keeps_a_key), TEST(an_spi_names_one_key),
          TEST(a_bundle_is_rekeyed_a_hundred_times),
          TEST(keys_in_use_are_not_forgotten),
          TEST(a_new_tgk_is_no_longer_than_the_rands),
          TEST(a_session_is_added_with_the_ssrcs_of_both),
          TEST(an_answer_adds_a_session),
          TEST(an_update_may_leave_open_what_is_known),
          TEST(a_policy_is_added_and_chosen),
          TEST(policy_numbers_are_what_they_were), TEST(an_update_may_be_empty),
          TEST(trr_says_when_new_keys_are_due),
          TEST(a_new_key_counts_where_it_is_used))
