/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a UE's keying refuses, and why: the KMS and the other UE are played by
 * libmikey, every MAC is right, and one thing in what they say is wrong
 * (RFC 6043 4.2; R35, R47, R48, R62, R63, R66, R68, R69, R74, R75, R77,
 * R84-R86, R128, R133, R134, R205, R206, R208, R213, R221, R273).
 */
#include "mikey/sdp.h"
#include "tests/stage.h"

static const struct ts_span none;
static struct stage stage;

struct wrong {
    void (*make)(struct stage *s);
    enum ts_err err;
    const char *reason;
};

/* Each on a stage of its own: all is well before, then the step is refused. */
static void each(const struct wrong *w, size_t n,
                 void (*before)(struct stage *s),
                 enum ts_err (*step)(struct stage *s))
{
    struct stage *s = &stage;
    for (; n--; w++) {
        stage_set(s, 256);
        before(s);
        w->make(s);
        enum ts_err err = step(s);
        const char *reason = ue_keying_reason(s->now);
        if (err != w->err || strcmp(reason, w->reason) != 0)
            fail_msg("%s (%s), wanted %s (%s)", ts_strerror(err), reason,
                     ts_strerror(w->err), w->reason);
        if (err)
            stage_no_keys(s);
    }
}

#define EACH(wrong, before, step)                                              \
    each(wrong, sizeof(wrong) / sizeof(wrong)[0], before, step)

static void at_first(struct stage *s)
{
    (void)s;
}

static void when_offered(struct stage *s)
{
    OK(stage_offered(s));
}

static void when_granted(struct stage *s)
{
    OK(stage_granted(s));
    stage_answering(s);
}

/* Each case is one line that is run on a stage of its own. */
#define WRONG(name, line)                                                      \
    static void name(struct stage *s)                                          \
    {                                                                          \
        line;                                                                  \
    }

WRONG(nothing, (void)s)
WRONG(altered, s->altered = true)
WRONG(late, s->late = 301 * SECONDS)
WRONG(early, s->late = -301 * SECONDS)
WRONG(counting, s->counter = true)
WRONG(for_eve, s->policy.responder[0] = stage_uri(EVE))
WRONG(for_nobody, s->policy.n_responders = 0)
WRONG(expired, s->policy.end = NOW / SECONDS - 301)
WRONG(not_yet, s->policy.start = NOW / SECONDS + 301)
WRONG(no_forking, s->flags &= (uint16_t)~MIKEY_FLAG_I; s->keys[1] = s->keys[2];
      s->n_keys = 2)
WRONG(forged_no_forking, no_forking(s); s->altered = true)
WRONG(no_answer, s->flags &= (uint16_t) ~(MIKEY_FLAG_F | MIKEY_FLAG_G))
WRONG(no_n, s->flags &= (uint16_t)~MIKEY_FLAG_N)
WRONG(no_o, s->flags &= (uint16_t)~MIKEY_FLAG_O)
WRONG(by_initiator, s->flags ^= MIKEY_FLAG_D | MIKEY_FLAG_L)
WRONG(no_rand, s->flags &= (uint16_t) ~(MIKEY_FLAG_G | MIKEY_FLAG_H))
WRONG(other_type, s->type = 2)
WRONG(other_subtype, s->subtype = 2)
WRONG(other_version, s->version = 2)
WRONG(other_suite, s->ticket_suite = mikey_suite_bits(128))
WRONG(no_session_key, s->n_keys = 2)
WRONG(no_spi, s->keys[2].spi = none)
WRONG(one_mpk, s->keys[1] = s->keys[2]; s->n_keys = 2)
WRONG(bare_tek, s->keys[2].type = MIKEY_TEK)
WRONG(other_kms, s->policy.kms = stage_uri("sip:kms@example.net"))
WRONG(unnamed_kms, s->policy.kms.data = none)
WRONG(eves_ticket, s->policy.initiator = stage_uri(EVE))
WRONG(nobodys_ticket, s->policy.initiator.data = none)
WRONG(eves_offer, s->idr_i = stage_uri(EVE))
WRONG(nobodys_offer, s->idr_i.data = none)
WRONG(no_ids, s->sdp_ids = "")
WRONG(more_ids, s->sdp_ids = "mikey;keyp1")
WRONG(upper_ids, s->sdp_ids = "MIKEY")
WRONG(no_policy, s->n_sp = 0)
WRONG(policy_1, s->sp[0].no = 1)
WRONG(policy_again, s->n_sp = 1)
WRONG(policy_0, s->n_sp = 1; s->srtp.tag = 4)
WRONG(policy_1_too, s->n_sp = 1; s->sp[0].no = 1)
WRONG(policy_1_used, policy_1_too(s); s->cs[1].policies = ts_span("\1", 1))
WRONG(session_of_1, s->cs[1].policies = ts_span("\1", 1))
WRONG(callers_of_1, s->cs[0].policies = ts_span("\1", 1))
WRONG(callers_of_none, s->cs[0].policies = none)
WRONG(callers_tesla, s->cs[0].prot = 1)
WRONG(session_of_none, s->cs[1].policies = none)
WRONG(all_of_1, s->sp[0].no = 1;
      s->cs[0].policies = s->cs[1].policies = ts_span("\1", 1))
WRONG(session_of_two, s->cs[1].policies = ts_span("\0\1", 2))
WRONG(tesla_policy, s->sp[0].prot = 1)
WRONG(tesla_session, s->cs[1].prot = 1)
WRONG(tesla_back, s->n_sp = 2; s->sp[1].no = s->sp[1].prot = 1;
      s->cs[1].policies = ts_span("\1", 1); s->cs[1].prot = 1)
WRONG(no_encryption, s->srtp.encr_alg = 0)
WRONG(gcm, s->srtp.encr_alg = 6)
WRONG(short_key, s->srtp.encr_key = 16)
WRONG(no_mac, s->srtp.auth_alg = 0)
WRONG(short_mac_key, s->srtp.auth_key = 16)
WRONG(short_salt, s->srtp.salt = 12)
WRONG(other_prf, s->srtp.prf = 1)
WRONG(rekeying, s->srtp.kdr = 1)
WRONG(clear_rtp, s->srtp.srtp_encr = false)
WRONG(clear_rtcp, s->srtp.srtcp_encr = false)
WRONG(unauthenticated, s->srtp.srtp_auth = false)
WRONG(short_tag, s->srtp.tag = 4)
WRONG(prefix, s->srtp.prefix = 4)
WRONG(one_session, s->n_cs = 1)
WRONG(three_sessions, s->cs[2] = stage_session(3, s->ssrc[1]); s->n_cs = 3)
WRONG(session_3, s->cs[1].id = 3)
WRONG(no_ssrc, s->cs[0].session = none)
WRONG(unnamed_key, s->cs[1].spi = none)
WRONG(unknown_key, s->cs[1].spi = ts_span_str("x"))
WRONG(bobs_ssrc, stage_put_ssrc(s->ssrc[0], SSRC_BOB))
WRONG(alices_ssrc, stage_put_ssrc(s->ssrc[1], SSRC_ALICE))
WRONG(other_mpk_i, s->mpk_i.b[0] ^= 1)
WRONG(other_mpk_r, s->mpk_r.b[0] ^= 1)
WRONG(short_rand_kms, s->rand_kms.len = 31)
WRONG(no_rand_kms, s->rand_kms.len = 0)
WRONG(no_rand_r, s->rand_r.len = 0)
WRONG(long_tgk, s->tgk = stage_key(1, 40);
      s->keys[2].key = ts_key_span(&s->tgk))
WRONG(no_name, s->idr_r.data = none)
WRONG(no_uri, s->idr_r = stage_uri("bob"))
WRONG(long_name, static char text[260]; memset(text, 'x', 259);
      s->idr_r = stage_uri(text))

#define KIND       "a ticket of a kind we do not use"
#define NOT_NOW    "the ticket is not valid now"
#define REPLY_TIME "the KMS's reply has a wrong time"
#define NOT_KMS    "the KMS's reply is not from our KMS"
#define ELSEWHERE  "the KMS's reply, or its ticket, is for somebody else"
#define BAD_GRANT  "the KMS's reply, or its ticket, is not well-formed"
#define BAD_REPLY  "the KMS's reply is not well-formed"
#define BARE       "the ticket has no session key"
#define NO_INIT    "the offer is not a TRANSFER_INIT we can use"
#define OTHER_KMS  "a ticket of a KMS we do not trust"
#define OWNER      "the caller is not the ticket's owner"
#define NOT_US     "the ticket is not for us, or not the caller's"
#define SESSIONS   "not two crypto sessions"
#define SRTP       "an SRTP policy we cannot do"
#define LIST       "the list of protocols is not ours"
#define NO_PROOF   "the KMS's reply, or the offer, is not authentic"
#define UNFIT      "the answer does not fit what was offered"
#define MISSING    "a crypto session is missing"
#define SSRCS      "the SSRCs are not right"
#define NO_KEY     "no key for a crypto session"

/* R47, R48; R35, R213 and R271 in what libmikey reads */
static void a_ticket_that_is_not_as_wanted_is_not_used(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, NOT_KMS},
        {late, TS_E_TIME, REPLY_TIME},
        {early, TS_E_TIME, REPLY_TIME},
        {for_eve, TS_E_MISMATCH, ELSEWHERE},
        {for_nobody, TS_E_MISSING, BAD_GRANT},
        {eves_ticket, TS_E_MISMATCH, ELSEWHERE},
        {nobodys_ticket, TS_E_MISMATCH, "the ticket is not in our name"},
        {expired, TS_E_EXPIRED, NOT_NOW},
        {not_yet, TS_E_EXPIRED, NOT_NOW},
        {no_forking, TS_E_UNSUPPORTED, KIND},
        {forged_no_forking, TS_E_AUTH, NOT_KMS},
        {no_answer, TS_E_FORMAT, BAD_GRANT},
        {no_rand, TS_E_FORMAT, BAD_GRANT},
        {no_n, TS_E_UNSUPPORTED, KIND},
        {by_initiator, TS_E_UNSUPPORTED, KIND},
        {other_type, TS_E_UNSUPPORTED, KIND},
        {other_subtype, TS_E_UNSUPPORTED, KIND},
        {other_version, TS_E_UNSUPPORTED, KIND},
        {other_suite, TS_E_FORMAT, BAD_GRANT},
        {no_session_key, TS_E_UNSUPPORTED, BARE},
        {no_spi, TS_E_FORMAT, BAD_GRANT},
        {one_mpk, TS_E_FORMAT, BAD_GRANT},
    };
    (void)state;
    EACH(wrong, at_first, stage_granted);
}

/* R62, R63: what everybody can see is checked first, and the KMS not asked. */
static void a_ticket_that_is_not_for_this_call_is_not_resolved(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_OK, ""}, /* nobody can see that yet */
        {late, TS_E_TIME, "the offer has a wrong time"},
        {early, TS_E_TIME, "the offer has a wrong time"},
        {counting, TS_E_REPLAY, "the offer has a wrong time"},
        {for_eve, TS_E_DENIED, NOT_US},
        {for_nobody, TS_E_MISSING, NO_INIT},
        {expired, TS_E_EXPIRED, NOT_NOW},
        {not_yet, TS_E_EXPIRED, NOT_NOW},
        {no_forking, TS_E_UNSUPPORTED, KIND},
        {no_answer, TS_E_UNSUPPORTED, KIND},
        {no_rand, TS_E_FORMAT, NO_INIT},
        {no_o, TS_E_UNSUPPORTED, KIND},
        {by_initiator, TS_E_UNSUPPORTED, KIND},
        {other_type, TS_E_UNSUPPORTED, KIND},
        {other_subtype, TS_E_UNSUPPORTED, KIND},
        {other_version, TS_E_UNSUPPORTED, KIND},
        {other_suite, TS_E_UNSUPPORTED, NO_INIT},
        {other_kms, TS_E_DENIED, OTHER_KMS},
        {unnamed_kms, TS_E_DENIED, OTHER_KMS},
        {eves_ticket, TS_E_DENIED, NOT_US},
        {nobodys_ticket, TS_E_DENIED, OWNER},
        {eves_offer, TS_E_DENIED, NOT_US},
        {nobodys_offer, TS_E_DENIED, OWNER},
    };
    (void)state;
    EACH(wrong, at_first, stage_offered);
}

static void media_that_we_cannot_protect_so_are_not_resolved(void **state)
{
    static const struct wrong wrong[] = {
        {no_ids, TS_E_MISMATCH, LIST},
        {more_ids, TS_E_MISMATCH, LIST},
        {upper_ids, TS_E_MISMATCH, LIST},
        {no_policy, TS_E_MISMATCH, SRTP},
        {policy_1, TS_E_MISMATCH, SRTP},
        {session_of_1, TS_E_MISMATCH, SRTP},
        {session_of_none, TS_E_UNSUPPORTED, SRTP},
        {callers_of_1, TS_E_MISMATCH, SRTP},
        {callers_of_none, TS_E_UNSUPPORTED, SRTP},
        {callers_tesla, TS_E_MISMATCH, SRTP},
        {session_of_two, TS_OK, ""},
        {all_of_1, TS_OK, ""},
        {tesla_policy, TS_E_MISMATCH, SRTP},
        {tesla_session, TS_E_MISMATCH, SRTP},
        {tesla_back, TS_E_UNSUPPORTED, SRTP},
        {no_encryption, TS_E_UNSUPPORTED, SRTP},
        {gcm, TS_E_MISMATCH, SRTP},
        {short_key, TS_E_UNSUPPORTED, SRTP},
        {no_mac, TS_E_UNSUPPORTED, SRTP},
        {short_mac_key, TS_E_UNSUPPORTED, SRTP},
        {short_salt, TS_E_UNSUPPORTED, SRTP},
        {other_prf, TS_E_UNSUPPORTED, SRTP},
        {rekeying, TS_E_UNSUPPORTED, SRTP},
        {clear_rtp, TS_E_UNSUPPORTED, SRTP},
        {clear_rtcp, TS_E_UNSUPPORTED, SRTP},
        {unauthenticated, TS_E_UNSUPPORTED, SRTP},
        {short_tag, TS_E_UNSUPPORTED, SRTP},
        {prefix, TS_E_UNSUPPORTED, SRTP},
        {one_session, TS_E_UNSUPPORTED, SESSIONS},
        {three_sessions, TS_E_UNSUPPORTED, SESSIONS},
        {session_3, TS_E_UNSUPPORTED, SESSIONS},
        {no_ssrc, TS_E_UNSUPPORTED, SESSIONS},
        {unnamed_key, TS_OK, ""},
    };
    (void)state;
    EACH(wrong, at_first, stage_offered);
}

/* The offer is right, the reply to RESOLVE_INIT is not. */
static void a_reply_that_gives_no_usable_keys_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, NO_PROOF},
        {late, TS_E_TIME, REPLY_TIME},
        {no_session_key, TS_E_NOTFOUND, NO_KEY},
        {bare_tek, TS_E_UNSUPPORTED, NO_KEY},
        {other_mpk_i, TS_E_AUTH, NO_PROOF},
        {short_rand_kms, TS_E_FORMAT, BAD_REPLY},
        {long_tgk, TS_E_FORMAT, BAD_REPLY},
        {no_rand_kms, TS_E_MISSING, BAD_REPLY},
        {no_name, TS_E_MISSING, BAD_REPLY},
        {long_name, TS_E_UNSUPPORTED, BAD_REPLY},
    };
    (void)state;
    EACH(wrong, when_offered, stage_resolved);
}

static enum ts_err offered_and_resolved(struct stage *s)
{
    OK(stage_offered(s));
    s->altered = false;
    return stage_resolved(s);
}

/* The other way round; R133: only now can it be known. */
static void an_offer_that_does_not_verify_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {altered, TS_E_AUTH, NO_PROOF},
        {unknown_key, TS_E_NOTFOUND, NO_KEY},
        {bobs_ssrc, TS_E_MISMATCH, SSRCS},
    };
    (void)state;
    EACH(wrong, at_first, offered_and_resolved);
}

/* R134: Vi is what ties the offer to the one who got the ticket. */
static void initiator_data_of_another_offer_is_refused(void **state)
{
    struct stage *s = &stage;
    struct mikey_msg m;
    (void)state;
    stage_set(s, 256);
    stage_write_offer(s);
    OK(mikey_msg_read(ts_span(s->raw, s->n), &m, NULL));
    s->raw[mikey_at(&m, m.ticket.init) + 5] ^= 1; /* in the MAC of Vi */
    OK(mikey_sdp_write(m.raw, s->offer, sizeof s->offer));
    OK(ue_keying_offered(s->callee, s->offer, NOW, s->claimed, s->body,
                         sizeof s->body, &s->asked));
    FAILS(TS_E_AUTH, stage_resolved(s));
    stage_no_keys(s);
}

/* R66, R68, R74, R75, R77, R84-R86, R205, R206, R208, R273 */
static void an_answer_that_does_not_fit_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, "the answer is not authentic"},
        {other_mpk_r, TS_E_AUTH, "the answer is not authentic"},
        {late, TS_E_TIME, "the answer has a wrong time"},
        {policy_again, TS_OK, ""},
        {policy_0, TS_E_MISMATCH, UNFIT},
        {policy_1_too, TS_OK, ""},
        {policy_1_used, TS_E_UNSUPPORTED, UNFIT},
        {session_of_1, TS_E_MISMATCH, UNFIT},
        {session_of_none, TS_E_FORMAT, UNFIT},
        {session_of_two, TS_E_FORMAT, UNFIT},
        {tesla_session, TS_E_MISMATCH, UNFIT},
        {one_session, TS_E_MISMATCH, SESSIONS},
        {three_sessions, TS_E_MISMATCH, SESSIONS},
        {session_3, TS_E_MISMATCH, MISSING},
        {no_ssrc, TS_E_FORMAT, UNFIT},
        {bobs_ssrc, TS_E_MISMATCH, SSRCS},
        {alices_ssrc, TS_E_MISMATCH, SSRCS},
        {unnamed_key, TS_E_FORMAT, UNFIT},
        {unknown_key, TS_E_NOTFOUND, NO_KEY},
        {no_rand_r, TS_E_FORMAT, UNFIT},
        {no_rand_kms, TS_E_MISSING, UNFIT},
        {short_rand_kms, TS_E_FORMAT, UNFIT},
        {no_name, TS_E_MISSING, UNFIT},
        {no_uri, TS_E_FORMAT, "the peer's identity is no URI"},
        {long_name, TS_E_UNSUPPORTED, UNFIT},
    };
    (void)state;
    EACH(wrong, when_granted, stage_answered);
}

UNIT_MAIN(cmocka_unit_test(a_ticket_that_is_not_as_wanted_is_not_used),
          cmocka_unit_test(a_ticket_that_is_not_for_this_call_is_not_resolved),
          cmocka_unit_test(media_that_we_cannot_protect_so_are_not_resolved),
          cmocka_unit_test(a_reply_that_gives_no_usable_keys_is_refused),
          cmocka_unit_test(an_offer_that_does_not_verify_is_refused),
          cmocka_unit_test(initiator_data_of_another_offer_is_refused),
          cmocka_unit_test(an_answer_that_does_not_fit_is_refused))
