/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4567 in SDP: bidding down, crypto sessions, offer and answer. */
#include "unit.h"

#include "mikey/sdp.h"

#define HEAD     "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
#define KEY      "a=key-mgmt:mikey AQAF\r\n"
#define KEYP(id) "a=key-mgmt:" id " 727g\r\n"
#define AUDIO    "m=audio 49000 RTP/SAVP 98\r\n"
#define VIDEO    "m=video 52230 RTP/SAVP 31\r\n"
#define CLEAR    "m=video 52230 RTP/AVP 31\r\n"
#define OFF      "m=audio 0 RTP/SAVP 98\r\n"

#define SESSION MIKEY_SDP_SESSION
#define MIKEY   ts_span_str("mikey")

static void scanned(const char *text, struct mikey_sdp *s)
{
    size_t at;
    OK(mikey_sdp_scan(ts_span_str(text), MIKEY_SDP_OFFER_ANSWER, s, &at));
}

/* --- bidding down --- */

static void the_list_is_that_of_a_level_in_its_order(void **state)
{
    struct mikey_sdp s;
    char list[64];
    (void)state;
    scanned(HEAD KEY KEYP("keyp1") KEYP("keyp2") AUDIO VIDEO KEYP("k9") KEY,
            &s);
    OK(mikey_sdp_list(&s, SESSION, list, sizeof list));
    assert_string_equal(list, "mikey;keyp1;keyp2");
    OK(mikey_sdp_list(&s, 1, list, sizeof list));
    assert_string_equal(list, "k9;mikey");
    FAILS(TS_E_EMPTY, mikey_sdp_list(&s, 0, list, sizeof list));
    FAILS(TS_E_EMPTY, mikey_sdp_list(&s, 2, list, sizeof list));
    OK(mikey_sdp_list(&s, 1, list, sizeof "k9;mikey"));
    FAILS(TS_E_SPACE, mikey_sdp_list(&s, 1, list, sizeof "k9;mikey" - 1));
}

static void an_offer_to_be_made_gets_the_same_list(void **state)
{
    const struct ts_span ids[] = {MIKEY, ts_span_str("keyp1"), MIKEY};
    const struct ts_span joined = ts_span_str("mikey;keyp1");
    char list[16];
    (void)state;
    OK(mikey_sdp_list_make(ids, 1, list, sizeof list));
    assert_string_equal(list, "mikey"); /* itself, even if it is alone */
    OK(mikey_sdp_list_make(ids, 2, list, sizeof list));
    assert_string_equal(list, "mikey;keyp1");
    FAILS(TS_E_DUPLICATE, mikey_sdp_list_make(ids, 3, list, sizeof list));
    FAILS(TS_E_FORMAT, mikey_sdp_list_make(&joined, 1, list, sizeof list));
    FAILS(TS_E_EMPTY, mikey_sdp_list_make(ids, 0, list, sizeof list));
    FAILS(TS_E_SPACE, mikey_sdp_list_make(ids, 2, list, 11));
    FAILS(TS_E_FULL,
          mikey_sdp_list_make(ids, MIKEY_SDP_ATTR_MAX + 1, list, sizeof list));
}

static void a_list_that_differs_is_refused_whatever_the_policy(void **state)
{
    static const struct {
        const char *ids;
        bool fits;
    } cases[] = {
        {"mikey;keyp1", true},    {"keyp1;mikey", false},
        {"mikey", false},         {"mikey;", false},
        {"keyp1", false},         {"mikey;keyp1;", false},
        {"mikey;keyp12", false},  {"mikey;keyp", false},
        {";mikey;keyp1", false},  {"mikey;keyp1;keyp2", false},
        {"mikey keyp1", false},   {"mikey; keyp1", false},
        {"mikey,keyp1", false},   {"Mikey;keyp1", false},
        {"mikey;keyp1\n", false}, {"", false},
    };
    struct mikey_sdp s;
    (void)state;
    scanned(HEAD KEY KEYP("keyp1") AUDIO, &s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int policy = MIKEY_SDP_LIST_REQUIRED;
             policy <= MIKEY_SDP_LIST_MAY_MISS; policy++)
            FAILS(cases[i].fits ? TS_OK : TS_E_MISMATCH,
                  mikey_sdp_list_check(&s, SESSION, ts_span_str(cases[i].ids),
                                       (enum mikey_sdp_list_policy)policy));
    FAILS(TS_E_MISMATCH,
          mikey_sdp_list_check(&s, SESSION, LITERAL("mikey;keyp1\0"),
                               MIKEY_SDP_LIST_REQUIRED));
    FAILS(TS_E_MISMATCH, /* a level without attributes */
          mikey_sdp_list_check(&s, 0, MIKEY, MIKEY_SDP_LIST_REQUIRED));
}

static void a_missing_list_is_refused_unless_policy_allows_it(void **state)
{
    const struct ts_span none = {NULL, 0};
    struct mikey_sdp s;
    (void)state;
    scanned(HEAD KEY AUDIO, &s);
    assert_int_equal(MIKEY_SDP_LIST_REQUIRED, 0); /* what zeros mean */
    FAILS(TS_E_MISSING,
          mikey_sdp_list_check(&s, SESSION, none, MIKEY_SDP_LIST_REQUIRED));
    OK(mikey_sdp_list_check(&s, SESSION, none, MIKEY_SDP_LIST_MAY_MISS));
}

static void an_offer_peeled_on_the_way_is_refused(void **state)
{
    struct mikey_sdp sent, got;
    char list[32];
    (void)state;
    scanned(HEAD KEYP("strong") KEY AUDIO, &sent);
    scanned(HEAD KEY AUDIO, &got);
    OK(mikey_sdp_list(&sent, SESSION, list, sizeof list));
    FAILS(TS_E_MISMATCH, mikey_sdp_list_check(&got, SESSION, ts_span_str(list),
                                              MIKEY_SDP_LIST_MAY_MISS));
}

/* --- crypto sessions --- */

static uint8_t cs_of(const struct mikey_sdp *s, int level, unsigned media)
{
    uint8_t first;
    OK(mikey_sdp_cs(s, level, media, &first));
    return first;
}

static void each_secured_line_has_two_consecutive_cs_ids(void **state)
{
    struct mikey_sdp s;
    uint8_t first;
    (void)state;
    scanned(HEAD KEY AUDIO VIDEO, &s); /* the example of 7.1 */
    assert_int_equal(cs_of(&s, SESSION, 0), 1);
    assert_int_equal(cs_of(&s, SESSION, 1), 3);
    scanned(HEAD CLEAR AUDIO CLEAR VIDEO, &s); /* before it has a message */
    FAILS(TS_E_EMPTY, mikey_sdp_cs(&s, SESSION, 0, &first));
    assert_int_equal(cs_of(&s, SESSION, 1), 1);
    assert_int_equal(cs_of(&s, SESSION, 3), 3);
    FAILS(TS_E_RANGE, mikey_sdp_cs(&s, SESSION, 4, &first));
}

static void
numbers_stay_when_a_line_is_switched_off_or_keyed_apart(void **state)
{
    static const char *const texts[] = {
        HEAD KEY AUDIO AUDIO VIDEO,
        HEAD KEY AUDIO OFF VIDEO,
        HEAD KEY AUDIO AUDIO KEY VIDEO,
    };
    struct mikey_sdp s;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scanned(texts[i], &s);
        assert_int_equal(cs_of(&s, SESSION, 0), 1);
        assert_int_equal(cs_of(&s, SESSION, 2), 5);
    }
}

static void a_message_at_a_medium_counts_from_one(void **state)
{
    struct mikey_sdp s;
    uint8_t first;
    (void)state;
    scanned(HEAD KEY AUDIO VIDEO KEY, &s);
    assert_int_equal(cs_of(&s, 1, 1), 1);
    FAILS(TS_E_RANGE, mikey_sdp_cs(&s, 1, 0, &first));
    FAILS(TS_E_RANGE, mikey_sdp_cs(&s, -2, 0, &first));
}

static void a_cs_id_leads_back_to_its_line_and_sender(void **state)
{
    struct mikey_sdp s;
    unsigned media;
    bool initiator;
    (void)state;
    scanned(HEAD KEY AUDIO CLEAR VIDEO, &s);
    for (unsigned cs = 0; cs < 256; cs++) {
        enum ts_err err =
            mikey_sdp_cs_media(&s, SESSION, (uint8_t)cs, &media, &initiator);
        if (cs < 1 || cs > 4) {
            FAILS(TS_E_NOTFOUND, err);
            continue;
        }
        OK(err);
        assert_int_equal(media, cs <= 2 ? 0 : 2);
        assert_int_equal(initiator, cs % 2);
    }
}

static void the_last_line_still_has_cs_ids(void **state)
{
    static char text[sizeof HEAD + MIKEY_SDP_MEDIA_MAX * sizeof AUDIO] = HEAD;
    struct mikey_sdp s;
    unsigned media;
    bool initiator;
    (void)state;
    for (unsigned i = 0; i < MIKEY_SDP_MEDIA_MAX; i++)
        memcpy(text + sizeof HEAD - 1 + i * (sizeof AUDIO - 1), AUDIO,
               sizeof AUDIO);
    scanned(text, &s);
    assert_int_equal(cs_of(&s, SESSION, MIKEY_SDP_MEDIA_MAX - 1),
                     2 * MIKEY_SDP_MEDIA_MAX - 1);
    OK(mikey_sdp_cs_media(&s, SESSION, 2 * MIKEY_SDP_MEDIA_MAX, &media,
                          &initiator));
    assert_int_equal(media, MIKEY_SDP_MEDIA_MAX - 1);
    assert_false(initiator);
}

static void a_message_has_the_crypto_sessions_of_its_level(void **state)
{
    /* line 0 keyed; 1 in the clear; 2 off; 3 keyed apart; 4 keyed */
    static const char text[] = HEAD KEY AUDIO CLEAR OFF VIDEO KEY VIDEO;
    static const struct {
        int level;
        enum ts_err err;
        const char *cs;
    } cases[] = {
        {SESSION, TS_OK, "\1\2\7\10"},
        {SESSION, TS_OK, "\10\1\7\2"},
        {SESSION, TS_OK, "\1\2\3\4\7\10"},
        {SESSION, TS_OK, "\1\2\3\4\5\6\7\10"},
        {SESSION, TS_E_MISSING, ""},
        {SESSION, TS_E_MISSING, "\1\2"},
        {SESSION, TS_E_MISSING, "\1\2\7"},
        {SESSION, TS_E_MISSING, "\1\2\3\7\10"},
        {SESSION, TS_E_MISSING, "\1\2\3\4"}, /* counted without line 2, 3 */
        {SESSION, TS_E_DUPLICATE, "\1\2\2\7\10"},
        {SESSION, TS_E_NOTFOUND, "\1\2\7\10\11"},
        {3, TS_OK, "\2\1"},
        {3, TS_E_MISSING, "\1"},
        {3, TS_E_NOTFOUND, "\5\6"},
        {1, TS_OK, ""},
        {1, TS_E_NOTFOUND, "\1\2"},
        {9, TS_E_NOTFOUND, "\1\2"},
    };
    static const uint8_t zero[] = {1, 2, 7, 8, 0};
    struct mikey_sdp s;
    (void)state;
    scanned(text, &s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        FAILS(cases[i].err, mikey_sdp_cs_check(&s, cases[i].level,
                                               (const uint8_t *)cases[i].cs,
                                               strlen(cases[i].cs)));
    FAILS(TS_E_NOTFOUND, mikey_sdp_cs_check(&s, SESSION, zero, sizeof zero));
}

static void a_medium_that_lost_its_own_message_is_noticed(void **state)
{
    struct mikey_sdp sent, got;
    (void)state;
    scanned(HEAD KEY AUDIO VIDEO KEY, &sent);
    scanned(HEAD KEY AUDIO VIDEO, &got);
    OK(mikey_sdp_cs_check(&sent, SESSION, (const uint8_t *)"\1\2", 2));
    FAILS(TS_E_MISSING,
          mikey_sdp_cs_check(&got, SESSION, (const uint8_t *)"\1\2", 2));
}

/* --- the answerer --- */

/* Begin with an offer and give each attribute its result, by letter: T taken,
   S silent, N not supported, F failed; the rest stays pending. */
static void begin(struct mikey_sdp_offer *o, struct mikey_sdp *s,
                  const char *text, bool rekey, const char *results)
{
    static const char letters[] = "TSNF";
    scanned(text, s);
    OK(mikey_sdp_offer_begin(o, s, MIKEY, rekey));
    for (; *results; results++)
        OK(mikey_sdp_offer_result(
            o, mikey_sdp_offer_next(o),
            (enum mikey_sdp_result)(MIKEY_SDP_TAKEN +
                                    (strchr(letters, *results) - letters))));
}

static void all_attributes_of_the_one_protocol_are_processed(void **state)
{
    static const char text[] = HEAD KEYP("keyp1")
        KEY AUDIO VIDEO KEY KEYP("keyp1") CLEAR KEY OFF KEY AUDIO KEYP("keyp1");
    static const int wanted[] = {1, 2}; /* session, and line 1 */
    struct mikey_sdp_offer o;
    struct mikey_sdp s;
    (void)state;
    begin(&o, &s, text, false, "");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mikey_sdp_offer_event(&o, false),
                         MIKEY_SDP_OFFER_OPEN);
        assert_int_equal(mikey_sdp_offer_next(&o), wanted[i]);
        OK(mikey_sdp_offer_result(&o, wanted[i], MIKEY_SDP_TAKEN));
    }
    assert_int_equal(mikey_sdp_offer_next(&o), -1);
    assert_int_equal(mikey_sdp_offer_event(&o, false), MIKEY_SDP_OFFER_TAKEN);
}

static void the_session_is_processed_even_if_every_medium_hides_it(void **state)
{
    struct mikey_sdp_offer o;
    struct mikey_sdp s;
    (void)state;
    begin(&o, &s, HEAD KEY AUDIO KEY, false, "TT");
    assert_int_equal(mikey_sdp_offer_next(&o), -1);
}

static void one_refusal_aborts_all_that_was_accepted(void **state)
{
    static const struct {
        const char *results;
        enum mikey_sdp_event event;
    } cases[] = {
        {"", MIKEY_SDP_OFFER_OPEN},
        {"T", MIKEY_SDP_OFFER_OPEN},
        {"TT", MIKEY_SDP_OFFER_OPEN},
        {"TTT", MIKEY_SDP_OFFER_TAKEN},
        {"SST", MIKEY_SDP_OFFER_TAKEN},
        {"SSS", MIKEY_SDP_OFFER_TAKEN},
        {"F", MIKEY_SDP_OFFER_FAILED}, /* no need to look at the rest */
        {"N", MIKEY_SDP_OFFER_NOT_SUPPORTED},
        {"TTF", MIKEY_SDP_OFFER_FAILED},
        {"TTN", MIKEY_SDP_OFFER_NOT_SUPPORTED},
        {"FTN", MIKEY_SDP_OFFER_FAILED}, /* the first decides */
        {"NTF", MIKEY_SDP_OFFER_NOT_SUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp_offer o;
        struct mikey_sdp s;
        begin(&o, &s, HEAD KEY AUDIO KEY VIDEO KEY, false, cases[i].results);
        assert_int_equal(mikey_sdp_offer_event(&o, false), cases[i].event);
        begin(&o, &s, HEAD KEY AUDIO KEY VIDEO KEY, false, cases[i].results);
        bool refused = cases[i].event == MIKEY_SDP_OFFER_FAILED ||
                       cases[i].event == MIKEY_SDP_OFFER_NOT_SUPPORTED;
        assert_int_equal(mikey_sdp_offer_event(&o, true),
                         refused ? MIKEY_SDP_OFFER_RETRY : cases[i].event);
        begin(&o, &s, HEAD KEY AUDIO KEY VIDEO KEY, true, cases[i].results);
        assert_int_equal(mikey_sdp_offer_event(&o, true),
                         refused ? MIKEY_SDP_REKEY_FAILED : cases[i].event);
    }
}

static void an_offer_without_what_is_supported_is_told_apart(void **state)
{
    static const struct {
        const char *text;
        enum ts_err err;
        enum mikey_sdp_event event, retry, rekey;
    } cases[] = {
        {HEAD AUDIO, TS_E_MISSING, MIKEY_SDP_OFFER_NO_KEYS,
         MIKEY_SDP_OFFER_NO_KEYS, MIKEY_SDP_OFFER_NO_KEYS},
        {HEAD AUDIO OFF KEY, TS_E_MISSING, MIKEY_SDP_OFFER_NO_KEYS,
         MIKEY_SDP_OFFER_NO_KEYS, MIKEY_SDP_OFFER_NO_KEYS},
        {HEAD KEYP("keyp1") AUDIO, TS_E_UNSUPPORTED,
         MIKEY_SDP_OFFER_NO_PROTOCOL, MIKEY_SDP_OFFER_NO_PROTOCOL_RETRY,
         MIKEY_SDP_REKEY_FAILED}, /* re-keying by another protocol */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp_offer o;
        struct mikey_sdp s;
        scanned(cases[i].text, &s);
        FAILS(cases[i].err, mikey_sdp_offer_begin(&o, &s, MIKEY, false));
        assert_int_equal(mikey_sdp_offer_next(&o), -1);
        assert_int_equal(mikey_sdp_offer_event(&o, false), cases[i].event);
        assert_int_equal(mikey_sdp_offer_event(&o, true), cases[i].retry);
        FAILS(cases[i].err, mikey_sdp_offer_begin(&o, &s, MIKEY, true));
        assert_int_equal(mikey_sdp_offer_event(&o, false), cases[i].rekey);
    }
}

static void a_result_is_noted_once_and_for_what_is_processed(void **state)
{
    struct mikey_sdp_offer o;
    struct mikey_sdp s;
    (void)state;
    begin(&o, &s, HEAD KEYP("keyp1") KEY AUDIO, false, "");
    FAILS(TS_E_STATE, mikey_sdp_offer_result(&o, 0, MIKEY_SDP_TAKEN));
    FAILS(TS_E_STATE, mikey_sdp_offer_result(&o, -1, MIKEY_SDP_TAKEN));
    FAILS(TS_E_STATE, mikey_sdp_offer_result(&o, 2, MIKEY_SDP_TAKEN));
    FAILS(TS_E_RANGE, mikey_sdp_offer_result(&o, 1, MIKEY_SDP_IGNORED));
    FAILS(TS_E_RANGE, mikey_sdp_offer_result(&o, 1, MIKEY_SDP_PENDING));
    OK(mikey_sdp_offer_result(&o, 1, MIKEY_SDP_FAILED));
    FAILS(TS_E_STATE, mikey_sdp_offer_result(&o, 1, MIKEY_SDP_TAKEN));
}

static void the_answer_has_its_attribute_where_the_offer_had_it(void **state)
{
    static const struct {
        const char *results;
        enum mikey_need session, line0, line1;
    } cases[] = {
        {"", MIKEY_NEED_NONE, MIKEY_NEED_NONE, MIKEY_NEED_NONE},
        {"TT", MIKEY_NEED_MUST, MIKEY_NEED_NONE, MIKEY_NEED_MUST},
        {"ST", MIKEY_NEED_NONE, MIKEY_NEED_NONE, MIKEY_NEED_MUST}, /* AMB 8 */
        {"SS", MIKEY_NEED_NONE, MIKEY_NEED_NONE, MIKEY_NEED_NONE},
        {"TF", MIKEY_NEED_NONE, MIKEY_NEED_NONE, MIKEY_NEED_SHOULD},
        {"NT", MIKEY_NEED_SHOULD, MIKEY_NEED_NONE, MIKEY_NEED_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp_offer o;
        struct mikey_sdp s;
        begin(&o, &s, HEAD KEY AUDIO VIDEO KEY, false, cases[i].results);
        assert_int_equal(mikey_sdp_answer_need(&o, SESSION), cases[i].session);
        assert_int_equal(mikey_sdp_answer_need(&o, 0), cases[i].line0);
        assert_int_equal(mikey_sdp_answer_need(&o, 1), cases[i].line1);
    }
}

/* --- the table --- */

static void the_rules_are_those_of_rfc_4567(void **state)
{
    static const struct {
        enum mikey_sdp_event event;
        enum mikey_sdp_act act;
        unsigned status, warning;
        enum mikey_need message;
    } rules[] = {
        {MIKEY_SDP_OFFER_OPEN, MIKEY_SDP_WAIT, 0, 0, MIKEY_NEED_NONE},
        {MIKEY_SDP_OFFER_TAKEN, MIKEY_SDP_ANSWER, 200, 0, MIKEY_NEED_NONE},
        {MIKEY_SDP_OFFER_NOT_SUPPORTED, MIKEY_SDP_REFUSE, 488, 306,
         MIKEY_NEED_MAY},
        {MIKEY_SDP_OFFER_FAILED, MIKEY_SDP_REFUSE, 488, 399, MIKEY_NEED_MAY},
        {MIKEY_SDP_OFFER_RETRY, MIKEY_SDP_ANSWER, 200, 0, MIKEY_NEED_SHOULD},
        {MIKEY_SDP_OFFER_NO_PROTOCOL, MIKEY_SDP_REFUSE, 488, 306,
         MIKEY_NEED_NONE},
        {MIKEY_SDP_OFFER_NO_PROTOCOL_RETRY, MIKEY_SDP_ANSWER, 200, 0,
         MIKEY_NEED_NONE},
        {MIKEY_SDP_OFFER_NO_KEYS, MIKEY_SDP_REFUSE, 488, 399, MIKEY_NEED_NONE},
        {MIKEY_SDP_REKEY_FAILED, MIKEY_SDP_REFUSE, 488, 306, MIKEY_NEED_MAY},
        {MIKEY_SDP_ANSWER_TAKEN, MIKEY_SDP_PROCEED, 0, 0, MIKEY_NEED_NONE},
        {MIKEY_SDP_ANSWER_FAILED, MIKEY_SDP_ABORT_SETUP, 0, 0,
         MIKEY_NEED_SHOULD},
        {MIKEY_SDP_ANSWER_REJECTED, MIKEY_SDP_ABORT_SETUP, 0, 0,
         MIKEY_NEED_NONE},
        {MIKEY_SDP_ANSWER_RETRY, MIKEY_SDP_NEW_OFFER, 0, 0, MIKEY_NEED_NONE},
        {MIKEY_SDP_ANSWER_UNSECURED, MIKEY_SDP_ABORT_SETUP, 0, 0,
         MIKEY_NEED_NONE},
        {MIKEY_SDP_ANSWER_488, MIKEY_SDP_ABORT_SETUP, 0, 0, MIKEY_NEED_NONE},
        {MIKEY_SDP_REKEY_488, MIKEY_SDP_ABORT, 0, 0, MIKEY_NEED_NONE},
    };
    (void)state;
    assert_int_equal(sizeof rules / sizeof rules[0], MIKEY_SDP_EVENTS);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct mikey_sdp_verdict v = mikey_sdp_rule(rules[i].event);
        assert_int_equal(v.act, rules[i].act);
        assert_int_equal(v.status, rules[i].status);
        assert_int_equal(v.warning, rules[i].warning);
        assert_int_equal(v.message, rules[i].message);
        assert_int_equal(v.text != NULL, v.warning != 0);
        assert_int_equal(v.status == 488, v.act == MIKEY_SDP_REFUSE);
        assert_non_null(v.clause);
    }
    assert_int_equal(mikey_sdp_rule(MIKEY_SDP_EVENTS).act, MIKEY_SDP_REFUSE);
    assert_int_equal(mikey_sdp_rule((enum mikey_sdp_event)9999).act,
                     MIKEY_SDP_REFUSE);
}

/* --- the offerer --- */

static void an_answer_fits_its_offer(void **state)
{
    static const struct {
        enum ts_err err;
        const char *offer, *answer, *prot;
    } cases[] = {
        {TS_OK, HEAD KEY AUDIO, HEAD KEY AUDIO, "mikey"},
        {TS_OK, HEAD KEY AUDIO VIDEO, HEAD KEY AUDIO OFF, "mikey"},
        {TS_OK, HEAD KEYP("k") KEY AUDIO, HEAD KEY AUDIO, "mikey"},
        {TS_OK, HEAD KEYP("k") KEY AUDIO KEY, HEAD KEY AUDIO KEY, "mikey"},
        {TS_OK, HEAD KEY AUDIO KEY, HEAD AUDIO KEY, "mikey"},
        {TS_OK, HEAD KEY AUDIO, HEAD AUDIO, ""},
        {TS_E_MISMATCH, HEAD KEY AUDIO, HEAD KEY AUDIO AUDIO, NULL},
        {TS_E_MISMATCH, HEAD KEY AUDIO, HEAD KEY, NULL},
        {TS_E_MISMATCH, HEAD KEY VIDEO, HEAD KEY CLEAR, NULL}, /* in clear */
        {TS_E_MISMATCH, HEAD KEY CLEAR, HEAD KEY VIDEO, NULL},
        {TS_E_MISMATCH, HEAD KEY OFF AUDIO, HEAD KEY AUDIO AUDIO, NULL},
        {TS_E_MISMATCH, HEAD KEY AUDIO, HEAD AUDIO KEY, NULL}, /* level */
        {TS_E_MISMATCH, HEAD AUDIO KEY, HEAD KEY AUDIO, NULL},
        {TS_E_MISMATCH, HEAD AUDIO, HEAD KEY AUDIO, NULL},
        {TS_E_MISMATCH, HEAD KEY AUDIO, HEAD KEYP("k") AUDIO, NULL},
        {TS_E_UNSUPPORTED, HEAD KEYP("k") KEY AUDIO, HEAD KEYP("k") KEY AUDIO,
         NULL}, /* one protocol is chosen, not two */
        {TS_E_UNSUPPORTED, HEAD KEY AUDIO KEYP("k"), HEAD KEY AUDIO KEYP("k"),
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp offer, answer;
        struct ts_span prot;
        size_t at;
        scanned(cases[i].offer, &offer);
        scanned(cases[i].answer, &answer);
        FAILS(cases[i].err,
              mikey_sdp_answer_check(&offer, &answer, &prot, &at));
        assert_true(at < strlen(cases[i].answer));
        if (cases[i].prot)
            assert_true(ts_span_equal(prot, ts_span_str(cases[i].prot)));
    }
}

static void a_response_stands_at_the_level_of_its_message(void **state)
{
    static const struct {
        enum ts_err err;
        const char *offer, *answer;
        int level;
        bool expected;
    } cases[] = {
        {TS_OK, HEAD KEY AUDIO, HEAD KEY AUDIO, SESSION, true},
        {TS_OK, HEAD KEY AUDIO, HEAD KEY AUDIO, SESSION, false}, /* Error */
        {TS_E_MISSING, HEAD KEY AUDIO, HEAD AUDIO, SESSION, true},
        {TS_E_EMPTY, HEAD KEY AUDIO, HEAD AUDIO, SESSION, false}, /* F=0 */
        {TS_OK, HEAD KEY AUDIO KEY, HEAD AUDIO KEY, 0, true},
        {TS_E_EMPTY, HEAD KEY AUDIO KEY, HEAD AUDIO KEY, SESSION, true},
        {TS_E_MISSING, HEAD KEY AUDIO KEY VIDEO, HEAD AUDIO KEY VIDEO, SESSION,
         true},
        /* a medium that was refused needs no keys */
        {TS_E_EMPTY, HEAD AUDIO KEY, HEAD OFF, 0, true},
        {TS_E_EMPTY, HEAD KEY AUDIO AUDIO, HEAD OFF OFF, SESSION, true},
        {TS_E_MISSING, HEAD KEY AUDIO AUDIO, HEAD OFF AUDIO, SESSION, true},
        {TS_E_EMPTY, HEAD OFF KEY, HEAD OFF, 0, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp offer, answer;
        const struct mikey_sdp_attr *got;
        scanned(cases[i].offer, &offer);
        scanned(cases[i].answer, &answer);
        FAILS(cases[i].err, mikey_sdp_answer_attr(
                                &offer, &answer,
                                mikey_sdp_find(&offer, cases[i].level, MIKEY),
                                cases[i].expected, &got));
        assert_int_equal(got != NULL, cases[i].err == TS_OK);
        assert_true(!got || got->level == cases[i].level);
    }
}

UNIT_MAIN(
    cmocka_unit_test(the_list_is_that_of_a_level_in_its_order),
    cmocka_unit_test(an_offer_to_be_made_gets_the_same_list),
    cmocka_unit_test(a_list_that_differs_is_refused_whatever_the_policy),
    cmocka_unit_test(a_missing_list_is_refused_unless_policy_allows_it),
    cmocka_unit_test(an_offer_peeled_on_the_way_is_refused),
    cmocka_unit_test(each_secured_line_has_two_consecutive_cs_ids),
    cmocka_unit_test(numbers_stay_when_a_line_is_switched_off_or_keyed_apart),
    cmocka_unit_test(a_message_at_a_medium_counts_from_one),
    cmocka_unit_test(a_cs_id_leads_back_to_its_line_and_sender),
    cmocka_unit_test(the_last_line_still_has_cs_ids),
    cmocka_unit_test(a_message_has_the_crypto_sessions_of_its_level),
    cmocka_unit_test(a_medium_that_lost_its_own_message_is_noticed),
    cmocka_unit_test(all_attributes_of_the_one_protocol_are_processed),
    cmocka_unit_test(the_session_is_processed_even_if_every_medium_hides_it),
    cmocka_unit_test(one_refusal_aborts_all_that_was_accepted),
    cmocka_unit_test(an_offer_without_what_is_supported_is_told_apart),
    cmocka_unit_test(a_result_is_noted_once_and_for_what_is_processed),
    cmocka_unit_test(the_answer_has_its_attribute_where_the_offer_had_it),
    cmocka_unit_test(the_rules_are_those_of_rfc_4567),
    cmocka_unit_test(an_answer_fits_its_offer),
    cmocka_unit_test(a_response_stands_at_the_level_of_its_message))
