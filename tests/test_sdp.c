/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "ue/keying.h"
#include "ue/sdp.h"

#define HEAD                                                                   \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"                               \
    "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define KEY   "a=key-mgmt:mikey AQAF\r\n"
#define AUDIO "m=audio 49170 RTP/SAVP 0 8\r\n"

static enum ts_err read_offer(const char *text, struct ue_sdp *sdp)
{
    enum ts_err err = ue_sdp_read_offer(ts_span_str(text), sdp);
    assert_int_equal(err == TS_OK, sdp->fault == NULL);
    return err;
}

static void refused(enum ts_err wanted, const char *text)
{
    struct ue_sdp sdp;
    FAILS(wanted, read_offer(text, &sdp));
}

static void accepted(const char *text)
{
    struct ue_sdp sdp;
    OK(read_offer(text, &sdp));
}

static void an_offer_tells_address_codec_and_key(void **state)
{
    struct ue_sdp sdp;
    (void)state;
    OK(read_offer(HEAD KEY "m=audio 49170 RTP/SAVP 97 8 0\r\n", &sdp));
    assert_string_equal(sdp.host, "192.0.2.1");
    assert_false(sdp.ipv6);
    assert_int_equal(sdp.port, 49170);
    assert_int_equal(sdp.pt, UE_PCMA);
    assert_true(ts_span_equal(sdp.key, ts_span_str("mikey AQAF")));
}

static void an_address_of_the_media_line_wins(void **state)
{
    struct ue_sdp sdp;
    (void)state;
    OK(read_offer(HEAD KEY AUDIO "c=IN IP6 2001:db8::1\r\n", &sdp));
    assert_string_equal(sdp.host, "2001:db8::1");
    assert_true(sdp.ipv6);
}

static void lines_may_end_with_lf_alone_and_the_last_not_at_all(void **state)
{
    (void)state;
    accepted("v=0\nc=IN IP4 192.0.2.1\na=key-mgmt:mikey AQAF\n"
             "m=audio 4 RTP/SAVP 0");
    accepted(HEAD KEY AUDIO "\r\n");
    accepted(HEAD KEY AUDIO "\n\r\n");
}

static void one_space_may_precede_the_protocol(void **state)
{
    struct ue_sdp sdp;
    (void)state;
    OK(read_offer(HEAD "a=key-mgmt: mikey AQAF\r\n" AUDIO, &sdp));
    assert_true(ts_span_equal(sdp.key, ts_span_str("mikey AQAF")));
    refused(TS_E_UNSUPPORTED, HEAD "a=key-mgmt:  mikey AQAF\r\n" AUDIO);
}

static void without_exactly_one_key_there_is_no_call(void **state)
{
    (void)state;
    refused(TS_E_MISSING, HEAD AUDIO);
    refused(TS_E_DUPLICATE, HEAD KEY KEY AUDIO);
    refused(TS_E_DUPLICATE, HEAD KEY "a=key-mgmt:keyp1 abcd\r\n" AUDIO);
    refused(TS_E_UNSUPPORTED, HEAD "a=key-mgmt:keyp1 abcd\r\n" AUDIO);
    refused(TS_E_UNSUPPORTED, HEAD "a=key-mgmt:MIKEY AQAF\r\n" AUDIO);
    refused(TS_E_UNSUPPORTED, HEAD AUDIO KEY);
    refused(TS_E_UNSUPPORTED, HEAD KEY AUDIO KEY);
    refused(TS_E_UNSUPPORTED, HEAD "a=key-mgmt\r\n" AUDIO);
}

static void key_data_must_be_canonical_base64(void **state)
{
    static const char *const bad[] = {
        "",     "A",    "AQA",   "AQAF====", "====",     "=AAA",
        "A=AA", "AQ=A", "AQA F", "AQA!",     "AQAF\tAA", "AQAF ",
        "AR==", "AQB=", "AQ==",  "AQAFAQA-", "-_-_",
    };
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), HEAD "a=key-mgmt:mikey %s\r\n" AUDIO,
                       bad[i]);
        if (strcmp(bad[i], "AQ==") == 0)
            accepted(text); /* one octet, with zero bits behind it */
        else
            refused(TS_E_FORMAT, text);
    }
}

static void a_call_in_the_clear_is_refused(void **state)
{
    (void)state;
    refused(TS_E_UNSUPPORTED, HEAD KEY "m=audio 4000 RTP/AVP 0\r\n");
    refused(TS_E_UNSUPPORTED, HEAD "m=audio 4000 RTP/AVP 0\r\n");
    refused(TS_E_UNSUPPORTED, HEAD KEY "m=audio 4000 RTP/SAVPF 0\r\n");
    accepted(HEAD KEY "m=audio 4000 RTP/AVP 0\r\n" AUDIO);
}

static void an_audio_line_that_can_be_used_must_be_there(void **state)
{
    (void)state;
    refused(TS_E_MISSING, HEAD KEY);
    refused(TS_E_MISSING, HEAD KEY "m=video 4000 RTP/SAVP 96\r\n");
    refused(TS_E_MISSING, HEAD KEY "m=audio 0 RTP/SAVP 0\r\n");
    refused(TS_E_MISSING, HEAD KEY "m=audio 4000 RTP/SAVP 96\r\n");
    refused(TS_E_MISSING, HEAD KEY "m=audio 4000 RTP/SAVP 00000000\r\n");
}

static void a_malformed_media_line_is_refused(void **state)
{
    (void)state;
    refused(TS_E_FORMAT, HEAD KEY "m=audio\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio 4000\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio 4000 RTP/SAVP\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio -1 RTP/SAVP 0\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio 65536 RTP/SAVP 0\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio 99999999999 RTP/SAVP 0\r\n");
    refused(TS_E_FORMAT, HEAD KEY "m=audio 4000/2 RTP/SAVP 0\r\n");
    refused(TS_E_FORMAT, HEAD KEY AUDIO "a=rtpmap:0 opus/48000\r\n");
}

static void a_line_that_is_not_chosen_does_no_harm(void **state)
{
    (void)state;
    accepted(HEAD KEY AUDIO "m=audio 4000/2 RTP/SAVP 0\r\n");
    accepted(HEAD KEY "m=audio 4000/2 RTP/SAVP 0\r\n" AUDIO);
    accepted(HEAD KEY "m=video 99999 x\r\n" AUDIO);
    accepted(HEAD KEY "m=\r\n" AUDIO);
    accepted(HEAD KEY AUDIO "m=video 4 RTP/SAVP 0\r\na=rtpmap:0 x/1\r\n");
    refused(TS_E_MISSING, HEAD KEY "m=video 4000/2\r\n");
}

static void media_goes_to_a_unicast_address_only(void **state)
{
    static const char *const bad[] = {
        "IN IP4 0.0.0.0",
        "IN IP4 224.2.1.1/127",
        "IN IP4 255.255.255.255",
        "IN IP6 ::",
        "IN IP6 ff02::1",
        "IN IP4 example.org",
        "IN IP4 ",
        "IN",
        "XX IP4 192.0.2.1",
        "IN IP4 2001:db8::1",
        "IN IP5 192.0.2.1",
        "IN IP4 192.0.2.1 ",
    };
    char text[256];
    (void)state;
    refused(TS_E_MISSING, "v=0\r\n" KEY AUDIO);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "v=0\r\nc=%s\r\n" KEY AUDIO, bad[i]);
        refused(TS_E_MISSING, text);
    }
}

static void one_way_audio_is_refused(void **state)
{
    (void)state;
    refused(TS_E_UNSUPPORTED, HEAD KEY AUDIO "a=sendonly\r\n");
    refused(TS_E_UNSUPPORTED, HEAD KEY "a=inactive\r\n" AUDIO);
    accepted(HEAD KEY "a=recvonly\r\n" AUDIO "a=sendrecv\r\n");
}

static void what_is_no_sdp_is_refused(void **state)
{
    (void)state;
    refused(TS_E_MISSING, "");
    refused(TS_E_MISSING, "\r\n");
    refused(TS_E_FORMAT, "v");
    refused(TS_E_FORMAT, "v=1\r\n" KEY AUDIO);
    refused(TS_E_FORMAT, "s=-\r\nv=0\r\n" KEY AUDIO);
    refused(TS_E_FORMAT, HEAD "v=0\r\n" KEY AUDIO);
    refused(TS_E_FORMAT, HEAD KEY "\r\n" AUDIO);
    struct ue_sdp sdp;
    FAILS(TS_E_FORMAT,
          ue_sdp_read_offer(LITERAL(HEAD KEY AUDIO "a=x\0y\r\n"), &sdp));
}

static void sizes_are_bounded(void **state)
{
    static char text[4 * UE_LINE_MAX];
    int at = snprintf(text, sizeof(text), HEAD "a=key-mgmt:mikey ");
    (void)state;
    size_t longest = (UE_LINE_MAX - sizeof("mikey ")) / 4 * 4;
    memset(text + at, 'A', longest);
    memcpy(text + (size_t)at + longest, "\r\n" AUDIO, sizeof("\r\n" AUDIO));
    accepted(text);
    memset(text + at, 'A', longest + 8);
    memcpy(text + (size_t)at + longest + 8, "\r\n" AUDIO, sizeof("\r\n" AUDIO));
    refused(TS_E_RANGE, text);
    at = snprintf(text, sizeof(text), HEAD KEY);
    for (int i = 0; i <= UE_SDP_MEDIA_MAX; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, AUDIO);
    refused(TS_E_FULL, text);
}

static void every_cut_of_an_offer_is_read_without_harm(void **state)
{
    static const char whole[] =
        HEAD KEY "m=video 9 RTP/SAVP 96\r\n" AUDIO "a=rtpmap:0 PCMU/8000\r\n";
    (void)state;
    for (size_t n = 0; n < sizeof(whole); n++) {
        uint8_t *copy = malloc(n ? n : 1); /* so that ASan sees its end */
        struct ue_sdp sdp;
        NOT_NULL(copy);
        memcpy(copy, whole, n);
        enum ts_err err = ue_sdp_read_offer(ts_span(copy, n), &sdp);
        assert_int_equal(err == TS_OK, sdp.fault == NULL);
        free(copy);
    }
}

static const struct ue_sdp_own own4 = {
    .host = "192.0.2.9", .port = 5004, .session = 7, .key = "mikey AQAF"};
static const struct ue_sdp_own own6 = {.host = "2001:db8::9",
                                       .ipv6 = true,
                                       .port = 5004,
                                       .session = 7,
                                       .key = "mikey AQAF"};

static void what_we_offer_we_would_take(void **state)
{
    char text[1024];
    size_t n;
    struct ue_sdp sdp;
    (void)state;
    OK(ue_sdp_write_offer(&own4, text, sizeof(text), &n));
    OK(ue_sdp_read_offer(ts_span(text, n), &sdp));
    assert_int_equal(sdp.pt, UE_PCMU);
    OK(ue_sdp_write_offer(&own6, text, sizeof(text), &n));
    OK(ue_sdp_read_offer(ts_span(text, n), &sdp));
    assert_string_equal(sdp.host, "2001:db8::9");
    assert_true(sdp.ipv6);
    FAILS(TS_E_SPACE, ue_sdp_write_offer(&own4, text, n - 20, &n));
}

static void an_answer_refuses_all_lines_but_one(void **state)
{
    char text[1024];
    size_t n;
    struct ue_sdp offer;
    (void)state;
    OK(read_offer(HEAD KEY "m=video 9 RTP/SAVP 96 97\r\n"
                           "m=audio 9 RTP/AVP 0\r\n"
                           "m=audio 9 RTP/SAVP 8\r\n" AUDIO "m=text\r\n",
                  &offer));
    assert_int_equal(offer.medias, 5);
    assert_int_equal(offer.audio, 2);
    OK(ue_sdp_write_answer(&own4, &offer, text, sizeof(text) - 1, &n));
    text[n] = '\0';
    assert_non_null(strstr(text, "m=video 0 RTP/SAVP 96 97\r\n"
                                 "m=audio 0 RTP/AVP 0\r\n"
                                 "m=audio 5004 RTP/SAVP 8\r\n"));
    assert_non_null(strstr(text, "m=audio 0 RTP/SAVP 0 8\r\n"
                                 "m=text 0 - -\r\n"));
}

static void an_answer_has_the_one_line_of_the_offer(void **state)
{
    struct ue_sdp sdp;
    (void)state;
    OK(ue_sdp_read_answer(LITERAL(HEAD KEY AUDIO), &sdp));
    FAILS(TS_E_MISMATCH,
          ue_sdp_read_answer(LITERAL(HEAD KEY AUDIO AUDIO), &sdp));
    assert_non_null(sdp.fault);
    FAILS(TS_E_MISSING, ue_sdp_read_answer(LITERAL(HEAD AUDIO), &sdp));
}

UNIT_MAIN(cmocka_unit_test(an_offer_tells_address_codec_and_key),
          cmocka_unit_test(an_address_of_the_media_line_wins),
          cmocka_unit_test(lines_may_end_with_lf_alone_and_the_last_not_at_all),
          cmocka_unit_test(one_space_may_precede_the_protocol),
          cmocka_unit_test(without_exactly_one_key_there_is_no_call),
          cmocka_unit_test(key_data_must_be_canonical_base64),
          cmocka_unit_test(a_call_in_the_clear_is_refused),
          cmocka_unit_test(an_audio_line_that_can_be_used_must_be_there),
          cmocka_unit_test(a_malformed_media_line_is_refused),
          cmocka_unit_test(a_line_that_is_not_chosen_does_no_harm),
          cmocka_unit_test(media_goes_to_a_unicast_address_only),
          cmocka_unit_test(one_way_audio_is_refused),
          cmocka_unit_test(what_is_no_sdp_is_refused),
          cmocka_unit_test(sizes_are_bounded),
          cmocka_unit_test(every_cut_of_an_offer_is_read_without_harm),
          cmocka_unit_test(what_we_offer_we_would_take),
          cmocka_unit_test(an_answer_refuses_all_lines_but_one),
          cmocka_unit_test(an_answer_has_the_one_line_of_the_offer))
