/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4567 in SDP: what stands where, and what it keys. The rules of offer and
   answer are in test_carriage_offer.c. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "mikey/msg.h"
#include "mikey/sdp.h"

#define V "v=0\r\n" /* five octets */
#define HEAD                                                                   \
    "v=0\r\no=alice 2891092738 2891092738 IN IP4 w-land.example.com\r\n"       \
    "s=Cool stuff\r\nt=0 0\r\nc=IN IP4 w-land.example.com\r\n"
#define KEY      "a=key-mgmt:mikey AQAF\r\n"
#define KEYP(id) "a=key-mgmt:" id " 727g\r\n"
#define AUDIO    "m=audio 49000 RTP/SAVP 98\r\n"
#define VIDEO    "m=video 52230 RTP/SAVP 31\r\n"
#define CLEAR    "m=video 52230 RTP/AVP 31\r\n"
#define OFF      "m=audio 0 RTP/SAVP 98\r\n"

/* RFC 4567 5.1, on one line as the text says it is sent. */
#define OFFER_51                                                               \
    "AQAFgM0XflABAAAAAAAAAAAAAAsAyONQ6gAAAAAGEEoo2pee4hp2UaDX8ZE22YwKAAAPZG"   \
    "9uYWxkQGR1Y2suY29tAQAAAAAAAQAk0JKpgaVkDaawi9whVBtBt0KZ14ymNuu62+Nv3ozP"   \
    "LygwK/GbAV9iemnGUIZ19fWQUOSrzKTAv9zV"
#define ANSWER_51                                                              \
    "AQEFgM0XflABAAAAAAAAAAAAAAYAyONQ6gAAAAAJAAAQbWlja2V5QG1vdXNlLmNvbQABn8"   \
    "HdGE5BMDXFIuGEga+62AgY5cc="

/* Several levels and protocols, all that the walker has to tell apart. */
#define LEVELS                                                                 \
    HEAD KEY KEYP("keyp1") AUDIO "a=rtpmap:98 AMR/8000\r\n" VIDEO KEYP("kp2")  \
        KEY CLEAR KEYP("kp3")

#define MIKEY ts_span_str("mikey")

static enum ts_err scan(const char *text, enum mikey_sdp_use use,
                        struct mikey_sdp *s)
{
    size_t at;
    return mikey_sdp_scan(ts_span_str(text), use, s, &at);
}

static void scanned(const char *text, struct mikey_sdp *s)
{
    OK(scan(text, MIKEY_SDP_OFFER_ANSWER, s));
}

static void same(const char *wanted, struct ts_span got)
{
    assert_true(ts_span_equal(ts_span_str(wanted), got));
}

/* --- the value of one attribute --- */

static void a_protocol_id_is_letters_and_digits(void **state)
{
    static const char *const bad[] = {"",        "mi key", "mikey;keyp1",
                                      "mikey\t", "key-p",  "mike\xc3\xbf"};
    (void)state;
    assert_true(mikey_sdp_is_prot(MIKEY));
    assert_true(mikey_sdp_is_prot(ts_span_str("Keyp1")));
    assert_true(mikey_sdp_is_prot(ts_span_str("1")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mikey_sdp_is_prot(ts_span_str(bad[i])));
    assert_false(mikey_sdp_is_prot(LITERAL("mikey\0")));
}

static void data_is_canonical_base64(void **state)
{
    static const char *const bad[] = {
        "",          "A",        "AQ",    "AQA",       "AQAF====", "====",
        "A===",      "=AAA",     "A=AA",  "AQ=A",      "AQA F",    "AQA\tF",
        "AQ AFAQAF", "AQAF\r\n", "AQA!",  "AQAF\x80=", "AR==",     "AQB=",
        "AQAFAQA-",  "-_-_",     " AQAF", "AQAF ",     "AQ==AQAF", "\"AQAF\"",
    };
    uint8_t out[64];
    size_t n;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(TS_E_FORMAT,
              mikey_sdp_decode(ts_span_str(bad[i]), out, sizeof out, &n));
    FAILS(TS_E_FORMAT, mikey_sdp_decode(LITERAL("AQA\0"), out, sizeof out, &n));
    OK(mikey_sdp_decode(ts_span_str("AQ=="), out, sizeof out, &n));
    assert_int_equal(n, 1);
    OK(mikey_sdp_decode(ts_span_str("AQI="), out, sizeof out, &n));
    assert_int_equal(n, 2);
    OK(mikey_sdp_decode(ts_span_str("AQID"), out, sizeof out, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "\1\2\3", 3);
}

static void every_last_character_but_the_canonical_ones_is_refused(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        char two[] = {'A', alphabet[i], '=', '='};
        char one[] = {'A', 'A', alphabet[i], '='};
        assert_int_equal(mikey_sdp_is_base64(ts_span(two, 4)), i % 16 == 0);
        assert_int_equal(mikey_sdp_is_base64(ts_span(one, 4)), i % 4 == 0);
    }
}

static void a_message_that_does_not_fit_is_refused(void **state)
{
    uint8_t out[8];
    size_t n;
    (void)state;
    FAILS(TS_E_SPACE, mikey_sdp_decode(ts_span_str("AAAAAAAAAAAAAAAA"), out,
                                       sizeof out, &n));
}

static void a_value_is_cut_at_its_one_space(void **state)
{
    static const char *const bad[] = {
        "",          " ",     "mikey",    "mikey ",      " mikey",
        "  mikey A", "\tm A", "mikey\tA", "mi;key AQAF", "mikey\r ",
        " A",        "  A",   "m-k AA",   "\"mikey\" A"};
    struct ts_span prot, data;
    (void)state;
    OK(mikey_sdp_split(ts_span_str("mikey AQAF"), &prot, &data));
    same("mikey", prot);
    same("AQAF", data);
    OK(mikey_sdp_split(ts_span_str(" keyp2 DFsn Kksd"), &prot, &data));
    same("keyp2", prot);
    same("DFsn Kksd", data); /* RFC 4567 4.1.4 has such a one */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(TS_E_FORMAT, mikey_sdp_split(ts_span_str(bad[i]), &prot, &data));
}

/* --- the examples of RFC 4567 --- */

static void read_51(const char *text, size_t length, uint8_t type,
                    const char *id)
{
    struct mikey_sdp s;
    const struct mikey_sdp_attr *attr;
    uint8_t raw[256];
    struct mikey_msg m;
    size_t n;
    scanned(text, &s);
    assert_int_equal(s.n_media, 2);
    for (unsigned i = 0; i < 2; i++) {
        OK(mikey_sdp_applies(&s, i, MIKEY, &attr));
        assert_ptr_equal(attr, &s.attr[0]);
    }
    OK(mikey_sdp_read(attr->value, raw, sizeof raw, &n));
    assert_int_equal(n, length);
    OK(mikey_msg_read(ts_span(raw, n), &m, NULL));
    assert_int_equal(m.hdr.type, type);
    assert_int_equal(m.hdr.csb, 0xcd177e50);
    assert_int_equal(m.n_id, 1);
    same(id, m.id[0].data);
    /* older than its own section 7: a real message has the list */
    FAILS(TS_E_MISSING, mikey_sdp_list_check(&s, MIKEY_SDP_SESSION, m.sdp_ids,
                                             MIKEY_SDP_LIST_REQUIRED));
    OK(mikey_sdp_list_check(&s, MIKEY_SDP_SESSION, m.sdp_ids,
                            MIKEY_SDP_LIST_MAY_MISS));
}

static void the_offer_and_answer_of_rfc_4567_are_read(void **state)
{
    (void)state;
    read_51(HEAD "a=key-mgmt:mikey " OFFER_51 "\r\n" AUDIO VIDEO, 132, 0,
            "donald@duck.com");
    read_51(HEAD "a=key-mgmt:mikey " ANSWER_51 "\r\n" AUDIO VIDEO, 71, 1,
            "mickey@mouse.com");
}

static void the_other_examples_of_rfc_4567_are_read(void **state)
{
    struct mikey_sdp s;
    char list[32];
    const struct mikey_sdp_attr *attr;
    (void)state;
    /* 4.1.4 */
    scanned(HEAD "a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyO...\r\n"
                 "a=key-mgmt:keyp1 727gkdOshsuiSDF9sdhsdKnD/dhsoSJokdo7e...\r\n"
                 "a=key-mgmt:keyp2 DFsnuiSDSh9sdh Kksd/dhsoddo7eOok727...\r\n"
                 "m=audio 39000 RTP/SAVP 98\r\na=rtpmap:98 AMR/8000\r\n"
                 "m=video 42000 RTP/SAVP 31\r\na=rtpmap:31 H261/90000\r\n",
            &s);
    OK(mikey_sdp_list(&s, MIKEY_SDP_SESSION, list, sizeof list));
    assert_string_equal(list, "mikey;keyp1;keyp2");
    /* 5.2: the audio only */
    scanned(HEAD AUDIO "a=rtpmap:98 AMR/8000\r\n" KEY CLEAR, &s);
    OK(mikey_sdp_applies(&s, 0, MIKEY, &attr));
    FAILS(TS_E_EMPTY, mikey_sdp_applies(&s, 1, MIKEY, &attr));
    /* 5.2, the note: the session's would not touch the video */
    scanned(HEAD KEY AUDIO CLEAR, &s);
    OK(mikey_sdp_applies(&s, 0, MIKEY, &attr));
    FAILS(TS_E_EMPTY, mikey_sdp_applies(&s, 1, MIKEY, &attr));
    /* 5.1 as printed is folded for the page; SDP knows no folding */
    FAILS(TS_E_FORMAT, scan(HEAD "a=key-mgmt:mikey AQAF\r\n   UaDX\r\n" AUDIO,
                            MIKEY_SDP_OFFER_ANSWER, &s));
}

/* --- the walker --- */

static void attributes_come_with_their_level(void **state)
{
    static const struct {
        bool is_media;
        int level;
        const char *value;
    } wanted[] = {
        {false, MIKEY_SDP_SESSION, "mikey AQAF"},
        {false, MIKEY_SDP_SESSION, "keyp1 727g"},
        {true, 0, "audio 49000 RTP/SAVP 98"},
        {true, 1, "video 52230 RTP/SAVP 31"},
        {false, 1, "kp2 727g"},
        {false, 1, "mikey AQAF"},
        {true, 2, "video 52230 RTP/AVP 31"},
        {false, 2, "kp3 727g"},
    };
    struct mikey_sdp_walk w = mikey_sdp_walk_init(LITERAL(LEVELS));
    struct mikey_sdp_line line;
    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        OK(mikey_sdp_next(&w, &line));
        assert_int_equal(line.is_media, wanted[i].is_media);
        assert_int_equal(line.level, wanted[i].level);
        same(wanted[i].value, line.value);
        assert_int_equal(LEVELS[line.at], line.is_media ? 'm' : 'a');
    }
    FAILS(TS_E_EMPTY, mikey_sdp_next(&w, &line));
    FAILS(TS_E_EMPTY, mikey_sdp_next(&w, &line));
}

static void lines_end_with_crlf_or_lf_and_the_last_not_at_all(void **state)
{
    static const char *const texts[] = {
        "v=0\r\ns=-\r\n" KEY "m=audio 4 RTP/SAVP 0\r\n",
        "v=0\ns=-\na=key-mgmt:mikey AQAF\nm=audio 4 RTP/SAVP 0\n",
        "v=0\ns=-\na=key-mgmt:mikey AQAF\nm=audio 4 RTP/SAVP 0",
        "v=0\r\ns=-\n" KEY "m=audio 4 RTP/SAVP 0\r\n\r\n\n",
    };
    struct mikey_sdp s;
    const struct mikey_sdp_attr *attr;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scanned(texts[i], &s);
        OK(mikey_sdp_applies(&s, 0, MIKEY, &attr));
        same("AQAF", attr->data);
    }
}

static void the_name_of_the_attribute_is_case_sensitive(void **state)
{
    struct mikey_sdp s;
    (void)state;
    scanned(HEAD "a=Key-Mgmt:mikey AQAF\r\na=KEY-MGMT:mikey AQAF\r\n"
                 "a=key-mgmt2:mikey AQAF\r\na=key-mgm:mikey AQAF\r\n"
                 "a=x-key-mgmt:mikey AQAF\r\nb=key-mgmt:mikey AQAF\r\n" AUDIO,
            &s);
    assert_int_equal(s.n_attr, 0);
}

static void one_space_may_precede_the_protocol(void **state)
{
    struct mikey_sdp s;
    (void)state;
    scanned(HEAD "a=key-mgmt: mikey AQAF\r\n" AUDIO, &s);
    same("mikey", s.attr[0].prot);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    const struct {
        enum ts_err err;
        struct ts_span text;
        size_t at;
    } bad[] = {
        {TS_E_MISSING, {NULL, 0}, 0},
        {TS_E_MISSING, LITERAL("\r\n\n"), 0},
        {TS_E_FORMAT, LITERAL("v"), 0},
        {TS_E_FORMAT, LITERAL("v=1\r\n"), 0},
        {TS_E_FORMAT, LITERAL("v=00\r\n"), 0},
        {TS_E_FORMAT, LITERAL("s=-\r\n" V), 0},
        {TS_E_FORMAT, LITERAL("\r\n" V), 0},
        {TS_E_FORMAT, LITERAL("\xef\xbb\xbf" V), 0},
        {TS_E_FORMAT, LITERAL(V "s=-\r\n" V "t=0 0\r\n"), 10},
        {TS_E_FORMAT, LITERAL(V "\r\ns=-\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "s\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "S=-\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V " s=-\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "s =-\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "s=-\0\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "s=-\r" KEY), 5},
        {TS_E_FORMAT, LITERAL(V "s=-\r\r\n" AUDIO), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt\r\n" AUDIO), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt:\r\n" AUDIO), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt:mikey\r\n" AUDIO), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt:mikey \r\n" AUDIO), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt:  mikey AQAF\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "a=key-mgmt:mikey;keyp1 AQAF\r\n"), 5},
        {TS_E_FORMAT, LITERAL(V "m=\r\n"), 5},
        {TS_E_DUPLICATE, LITERAL(V KEY KEY AUDIO), 28},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mikey_sdp s;
        size_t at = 999;
        FAILS(bad[i].err,
              mikey_sdp_scan(bad[i].text, MIKEY_SDP_OFFER_ANSWER, &s, &at));
        assert_int_equal(at, bad[i].at);
        assert_int_equal(s.n_attr, 0); /* nothing of it can be used */
        assert_int_equal(s.n_media, 0);
    }
}

static void a_failure_stays(void **state)
{
    struct mikey_sdp_walk w = mikey_sdp_walk_init(LITERAL(V "x\r\n" KEY AUDIO));
    struct mikey_sdp_line line;
    (void)state;
    FAILS(TS_E_FORMAT, mikey_sdp_next(&w, &line));
    FAILS(TS_E_FORMAT, mikey_sdp_next(&w, &line));
    assert_int_equal(w.at, 5);
}

static void a_line_may_be_long_but_not_endless(void **state)
{
    static char text[MIKEY_SDP_LINE_MAX + 64];
    struct mikey_sdp s;
    int n = snprintf(text, sizeof text, V "a=key-mgmt:mikey ");
    size_t data = MIKEY_SDP_LINE_MAX - ((size_t)n - 5);
    (void)state;
    memset(text + n, 'A', data);
    memcpy(text + (size_t)n + data, "\r\n", 3);
    scanned(text, &s);
    assert_int_equal(s.attr[0].data.n, data);
    memcpy(text + (size_t)n + data, "A\r\n", 4);
    FAILS(TS_E_RANGE, scan(text, MIKEY_SDP_OFFER_ANSWER, &s));
}

/* Append text, n times. */
static size_t fill(char *out, size_t at, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++, at += strlen(text))
        memcpy(out + at, text, strlen(text) + 1);
    return at;
}

static void very_many_lines_are_walked_but_not_kept(void **state)
{
    enum { MANY = 65535 };
    static char text[sizeof V + MANY * sizeof KEY];
    struct mikey_sdp_line line;
    struct mikey_sdp s;
    size_t n = 0, at = fill(text, 0, V, 1);
    (void)state;
    fill(text, at, KEY, MANY);
    struct mikey_sdp_walk w = mikey_sdp_walk_init(ts_span_str(text));
    while (mikey_sdp_next(&w, &line) == TS_OK)
        n++;
    FAILS(TS_E_EMPTY, mikey_sdp_next(&w, &line));
    assert_int_equal(n, MANY);
    FAILS(TS_E_DUPLICATE, scan(text, MIKEY_SDP_OFFER_ANSWER, &s));

    at = fill(text, strlen(V), AUDIO, MIKEY_SDP_MEDIA_MAX);
    scanned(text, &s);
    assert_int_equal(s.n_media, MIKEY_SDP_MEDIA_MAX);
    fill(text, at, AUDIO, 1);
    FAILS(TS_E_FULL, scan(text, MIKEY_SDP_OFFER_ANSWER, &s));

    at = strlen(V);
    for (unsigned i = 0; i < MIKEY_SDP_ATTR_MAX; i++)
        at += (size_t)snprintf(text + at, 64, "a=key-mgmt:p%u A\r\n", i);
    scanned(text, &s);
    assert_int_equal(s.n_attr, MIKEY_SDP_ATTR_MAX);
    fill(text, at, KEY, 1);
    FAILS(TS_E_FULL, scan(text, MIKEY_SDP_OFFER_ANSWER, &s));
}

/* Copies of their own, so that ASan sees where each ends. */
static void every_cut_of_a_description_is_read_without_harm(void **state)
{
    (void)state;
    for (size_t n = 0; n <= sizeof LEVELS - 1; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        struct mikey_sdp s;
        size_t at;
        NOT_NULL(copy);
        memcpy(copy, LEVELS, n);
        enum ts_err err =
            mikey_sdp_scan(ts_span(copy, n), MIKEY_SDP_OFFER_ANSWER, &s, &at);
        assert_true(err == TS_OK || err == TS_E_FORMAT || err == TS_E_MISSING);
        assert_true(at <= n);
        free(copy);
    }
}

static void every_changed_octet_is_read_without_harm(void **state)
{
    static const char odd[] = "\0\r\n :;=/a\x80";
    uint8_t copy[sizeof LEVELS - 1];
    struct mikey_sdp s;
    const struct mikey_sdp_attr *attr;
    size_t at;
    (void)state;
    for (size_t i = 0; i < sizeof copy * (sizeof odd - 1); i++) {
        memcpy(copy, LEVELS, sizeof copy);
        copy[i % sizeof copy] = (uint8_t)odd[i / sizeof copy];
        struct ts_span text = ts_span(copy, sizeof copy);
        enum ts_err err = mikey_sdp_scan(text, MIKEY_SDP_OFFER_ANSWER, &s, &at);
        for (unsigned m = 0; m < s.n_media; m++)
            err = mikey_sdp_applies(&s, m, MIKEY, &attr);
        (void)err;
    }
}

/* --- media --- */

static void a_media_line_tells_whether_it_is_secured_and_live(void **state)
{
    static const struct {
        const char *line;
        bool secured, live;
    } good[] = {
        {"m=audio 49000 RTP/SAVP 98", true, true},
        {"m=audio 49000 RTP/SAVPF 98", true, true},
        {"m=audio 49000 rtp/savp 98", true, true},
        {"m=audio 9 TCP/RTP/SAVP 98", true, true},
        {"m=audio 9 DCCP/RTP/SAVPF 98", true, true},
        {"m=video 49170/2 RTP/SAVP 31 32", true, true},
        {"m=audio 65535 RTP/AVP 0", false, true},
        {"m=audio 9 RTP/AVPF 0", false, true},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 0", false, true}, /* keyed by DTLS */
        {"m=audio 9 RTP/SAVPX 0", false, true},
        {"m=audio 9 XRTP/SAVP 0", false, true},
        {"m=audio 9 RTP/SAVP/ 0", false, true},
        {"m=application 9 udp wb", false, true},
        {"m=audio 0 RTP/SAVP 98", true, false},
        {"m=audio 0 RTP/AVP 98", false, false},
    };
    char text[128];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct mikey_sdp s;
        (void)snprintf(text, sizeof text, V "%s\r\n", good[i].line);
        scanned(text, &s);
        assert_int_equal(s.media[0].secured, good[i].secured);
        assert_int_equal(s.media[0].live, good[i].live);
        OK(scan(text, MIKEY_SDP_RTSP, &s)); /* port 0 is usual there */
        assert_true(s.media[0].live);
    }
}

static void a_malformed_media_line_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "audio",
        "audio 49000",
        "audio 49000 RTP/SAVP",
        "audio 49000 RTP/SAVP ",
        "audio 49000  RTP/SAVP",
        " 49000 RTP/SAVP 0",
        "audio  RTP/SAVP 0",
        "audio x RTP/SAVP 0",
        "audio -1 RTP/SAVP 0",
        "audio +1 RTP/SAVP 0",
        "audio 65536 RTP/SAVP 0",
        "audio 000001 RTP/SAVP 0",
        "audio 99999999999999999999 RTP/SAVP 0",
        "audio 4000/ RTP/SAVP 0",
        "audio 4000/0 RTP/SAVP 0",
        "audio 4000/x RTP/SAVP 0",
        "audio 4000/2/2 RTP/SAVP 0",
        "audio /2 RTP/SAVP 0",
    };
    char text[128];
    struct mikey_sdp s;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, V "m=%s\r\n", bad[i]);
        FAILS(TS_E_FORMAT, scan(text, MIKEY_SDP_OFFER_ANSWER, &s));
    }
}

static void a_protocol_stands_once_at_a_level(void **state)
{
    struct mikey_sdp s;
    (void)state;
    FAILS(TS_E_DUPLICATE, scan(HEAD KEY KEY AUDIO, MIKEY_SDP_OFFER_ANSWER, &s));
    FAILS(TS_E_DUPLICATE,
          scan(HEAD KEY KEYP("keyp1") KEY AUDIO, MIKEY_SDP_OFFER_ANSWER, &s));
    FAILS(TS_E_DUPLICATE,
          scan(HEAD KEYP("k") KEYP("k") KEY AUDIO, MIKEY_SDP_OFFER_ANSWER, &s));
    FAILS(TS_E_DUPLICATE, scan(HEAD AUDIO KEY KEY, MIKEY_SDP_OFFER_ANSWER, &s));
    scanned(HEAD KEY AUDIO KEY VIDEO KEY, &s);
    scanned(HEAD KEY KEYP("Mikey") AUDIO, &s); /* another id: case counts */
}

static void rtsp_and_one_way_use_have_one_protocol_at_a_level(void **state)
{
    static const char two[] = HEAD KEY KEYP("keyp1") AUDIO;
    static const char levels[] = HEAD KEY AUDIO VIDEO KEYP("keyp1");
    struct mikey_sdp s;
    (void)state;
    OK(scan(two, MIKEY_SDP_OFFER_ANSWER, &s));
    FAILS(TS_E_DUPLICATE, scan(two, MIKEY_SDP_RTSP, &s));
    FAILS(TS_E_DUPLICATE, scan(two, MIKEY_SDP_ONE_WAY, &s));
    OK(scan(levels, MIKEY_SDP_RTSP, &s));
    OK(scan(levels, MIKEY_SDP_ONE_WAY, &s));
}

/* --- which attribute keys which medium --- */

/* Level of the attribute that keys a medium. */
static enum ts_err keyed(const struct mikey_sdp *s, unsigned media,
                         const char *prot, int *level)
{
    const struct mikey_sdp_attr *attr;
    enum ts_err err = mikey_sdp_applies(s, media, ts_span_str(prot), &attr);
    assert_int_equal(err == TS_OK, attr != NULL);
    *level = attr ? attr->level : 999;
    return err;
}

static void an_attribute_at_a_medium_hides_those_of_the_session(void **state)
{
    struct mikey_sdp s;
    int level;
    (void)state;
    scanned(HEAD KEY KEYP("keyp1") AUDIO VIDEO KEY AUDIO KEYP("keyp1"), &s);
    OK(keyed(&s, 0, "mikey", &level));
    assert_int_equal(level, MIKEY_SDP_SESSION);
    OK(keyed(&s, 0, "keyp1", &level));
    assert_int_equal(level, MIKEY_SDP_SESSION);
    OK(keyed(&s, 1, "mikey", &level));
    assert_int_equal(level, 1);
    /* hidden, though the medium has nothing of that protocol */
    FAILS(TS_E_UNSUPPORTED, keyed(&s, 1, "keyp1", &level));
    FAILS(TS_E_UNSUPPORTED, keyed(&s, 2, "mikey", &level));
    FAILS(TS_E_RANGE, keyed(&s, 3, "mikey", &level));
}

static void a_medium_in_the_clear_or_off_is_not_touched(void **state)
{
    struct mikey_sdp s;
    int level;
    (void)state;
    scanned(HEAD KEY CLEAR KEY OFF KEY AUDIO, &s);
    FAILS(TS_E_EMPTY, keyed(&s, 0, "mikey", &level));
    FAILS(TS_E_EMPTY, keyed(&s, 1, "mikey", &level));
    OK(keyed(&s, 2, "mikey", &level));
    assert_true(mikey_sdp_counts(&s, &s.attr[0]));
    assert_false(mikey_sdp_counts(&s, &s.attr[1]));
    assert_false(mikey_sdp_counts(&s, &s.attr[2]));
    OK(scan(HEAD KEY OFF, MIKEY_SDP_RTSP, &s)); /* 5.3: off is not off */
    OK(keyed(&s, 0, "mikey", &level));
}

static void a_secured_medium_without_keys_is_noticed(void **state)
{
    struct mikey_sdp s;
    int level;
    (void)state;
    scanned(HEAD AUDIO VIDEO KEY, &s);
    FAILS(TS_E_MISSING, keyed(&s, 0, "mikey", &level));
    OK(keyed(&s, 1, "mikey", &level));
}

static void levels_give_their_attributes_in_order_of_preference(void **state)
{
    struct mikey_sdp s;
    size_t n;
    (void)state;
    scanned(LEVELS, &s);
    const struct mikey_sdp_attr *attr = mikey_sdp_level(&s, 1, &n);
    assert_int_equal(n, 2);
    same("kp2", attr[0].prot);
    same("mikey", attr[1].prot);
    assert_non_null(mikey_sdp_level(&s, MIKEY_SDP_SESSION, &n));
    assert_int_equal(n, 2);
    assert_null(mikey_sdp_level(&s, 0, &n));
    assert_int_equal(n, 0);
    assert_null(mikey_sdp_level(&s, 3, &n));
    assert_null(mikey_sdp_level(&s, -2, &n));
    assert_null(mikey_sdp_find(&s, 1, ts_span_str("keyp1")));
}

static void the_first_preference_that_keys_all_is_chosen(void **state)
{
    static const struct {
        const char *text, *chosen; /* NULL: none */
        enum ts_err err;
    } cases[] = {
        {HEAD KEY AUDIO, "mikey", TS_OK},
        {HEAD KEYP("k2") KEY AUDIO, "k2", TS_OK},
        {HEAD KEYP("k9") KEY KEYP("k2") AUDIO, "mikey", TS_OK},
        {HEAD KEYP("k2") KEY AUDIO VIDEO KEY, "mikey", TS_OK},
        {HEAD KEYP("k2") AUDIO VIDEO KEY, NULL, TS_E_UNSUPPORTED},
        {HEAD KEY AUDIO CLEAR KEYP("k2"), "mikey", TS_OK},
        {HEAD KEYP("k9") AUDIO, NULL, TS_E_UNSUPPORTED},
        {HEAD KEYP("MIKEY") AUDIO, NULL, TS_E_UNSUPPORTED},
        {HEAD AUDIO VIDEO KEY, "mikey", TS_OK}, /* audio has no key-mgmt */
        {HEAD AUDIO, NULL, TS_E_MISSING},
        {HEAD CLEAR KEY OFF KEY, NULL, TS_E_MISSING},
    };
    const struct ts_span known[] = {MIKEY, ts_span_str("k2")};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_sdp s;
        struct ts_span prot;
        scanned(cases[i].text, &s);
        FAILS(cases[i].err, mikey_sdp_choose(&s, known, 2, &prot));
        if (cases[i].chosen)
            same(cases[i].chosen, prot);
    }
}

UNIT_MAIN(
    cmocka_unit_test(a_protocol_id_is_letters_and_digits),
    cmocka_unit_test(data_is_canonical_base64),
    cmocka_unit_test(every_last_character_but_the_canonical_ones_is_refused),
    cmocka_unit_test(a_message_that_does_not_fit_is_refused),
    cmocka_unit_test(a_value_is_cut_at_its_one_space),
    cmocka_unit_test(the_offer_and_answer_of_rfc_4567_are_read),
    cmocka_unit_test(the_other_examples_of_rfc_4567_are_read),
    cmocka_unit_test(attributes_come_with_their_level),
    cmocka_unit_test(lines_end_with_crlf_or_lf_and_the_last_not_at_all),
    cmocka_unit_test(the_name_of_the_attribute_is_case_sensitive),
    cmocka_unit_test(one_space_may_precede_the_protocol),
    cmocka_unit_test(what_is_wrong_is_told_with_its_place),
    cmocka_unit_test(a_failure_stays),
    cmocka_unit_test(a_line_may_be_long_but_not_endless),
    cmocka_unit_test(very_many_lines_are_walked_but_not_kept),
    cmocka_unit_test(every_cut_of_a_description_is_read_without_harm),
    cmocka_unit_test(every_changed_octet_is_read_without_harm),
    cmocka_unit_test(a_media_line_tells_whether_it_is_secured_and_live),
    cmocka_unit_test(a_malformed_media_line_is_refused),
    cmocka_unit_test(a_protocol_stands_once_at_a_level),
    cmocka_unit_test(rtsp_and_one_way_use_have_one_protocol_at_a_level),
    cmocka_unit_test(an_attribute_at_a_medium_hides_those_of_the_session),
    cmocka_unit_test(a_medium_in_the_clear_or_off_is_not_touched),
    cmocka_unit_test(a_secured_medium_without_keys_is_noticed),
    cmocka_unit_test(levels_give_their_attributes_in_order_of_preference),
    cmocka_unit_test(the_first_preference_that_keys_all_is_chosen))
