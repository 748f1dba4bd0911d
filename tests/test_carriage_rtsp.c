/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4567 in RTSP: the header KeyMgmt and its rules. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "mikey/rtsp.h"

#define MOVIE "rtsp://movie.example.com/action"
#define AUDIO MOVIE "/audio"
#define VIDEO MOVIE "/video"

#define MIKEY ts_span_str("mikey")

static enum ts_err read_value(struct ts_span value,
                              struct mikey_rtsp_spec spec[static 4], size_t *n)
{
    size_t at = value.n + 1;
    enum ts_err err = mikey_rtsp_read(value, spec, 4, n, &at);
    assert_true(at <= value.n);
    assert_int_equal(*n > 0, err == TS_OK);
    return err;
}

static void same(const char *wanted, struct ts_span got)
{
    assert_true(ts_span_equal(ts_span_str(wanted), got));
}

/* --- reading --- */

static void the_headers_of_rfc_4567_are_read(void **state)
{
    /* 5.3 and 5.4, folded as printed */
    static const char *const lines[] = {
        "keymgmt: prot=mikey; uri=\"" MOVIE "\";\r\n"
        "         data=\"AQEFgM0XflABAAAAAAAAAAAAAAYAyONQ6g...\"",
        "keymgmt: prot=mikey; uri=\"" AUDIO "\";\r\n"
        "         data=\"AQEFgM0XflABAAAAAAAAAAAAA...\"",
        "keymgmt: prot=mikey; uri=\"" VIDEO "\";\r\n"
        "         data=\"AQEFgM0AdlABAAAAAAAAAAAAAA...\"",
    };
    static const char *const uris[] = {MOVIE, AUDIO, VIDEO};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct mikey_rtsp_spec spec[4];
        struct ts_span value;
        size_t n;
        OK(mikey_rtsp_header(ts_span_str(lines[i]), &value));
        OK(read_value(value, spec, &n));
        assert_int_equal(n, 1);
        same("mikey", spec[0].prot);
        same(uris[i], spec[0].uri);
        assert_memory_equal(spec[0].data.p, "AQEFgM0", 7);
    }
}

static void the_name_of_the_header_has_no_case(void **state)
{
    static const char *const others[] = {
        "",          "KeyMgmt",    "KeyMgmt2: x", "Key-Mgmt: x",
        "CSeq: 313", "KeyMgmt : x"};
    struct ts_span value;
    (void)state;
    OK(mikey_rtsp_header(ts_span_str("KeyMgmt: \tx"), &value));
    same("x", value);
    OK(mikey_rtsp_header(ts_span_str("KEYMGMT:x"), &value));
    same("x", value);
    OK(mikey_rtsp_header(ts_span_str("KeyMgmt:"), &value));
    assert_int_equal(value.n, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        FAILS(TS_E_NOTFOUND, mikey_rtsp_header(ts_span_str(others[i]), &value));
}

static void an_element_is_read_in_many_forms(void **state)
{
    static const struct {
        const char *value, *uri;
    } good[] = {
        {"prot=mikey;data=\"AQ==\"", ""},
        {"prot=mikey;data=AQ==", ""}, /* needs no quotes */
        {"prot=mikey;data = AQ== ;uri=\"rtsp:a\"", "rtsp:a"},
        {"prot=mikey;data=\"AQ==\";", ""}, /* the grammar's ';' */
        {"prot=mikey; data=\"AQ==\" ; ", ""},
        {"PROT=mikey;URI=\"rtsp://a/b\";Data=\"AQ==\"", "rtsp://a/b"},
        {"prot=mikey;data=\"AQ==\";uri=\"rtsp://a/b\"", "rtsp://a/b"},
        {" prot = mikey\t;\r\n\turi\n = \"rtsp://a/b\" ; data =\"AQ==\"  ",
         "rtsp://a/b"},
        {"prot=mikey;uri=\"rtsp://[::1]:554/a;b=1,2?c=%22#d\";data=\"AQ==\"",
         "rtsp://[::1]:554/a;b=1,2?c=%22#d"}, /* ',' and ';' inside quotes */
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct mikey_rtsp_spec spec[4];
        size_t n;
        OK(read_value(ts_span_str(good[i].value), spec, &n));
        assert_int_equal(n, 1);
        same("mikey", spec[0].prot);
        same(good[i].uri, spec[0].uri);
        same("AQ==", spec[0].data);
    }
}

static void several_elements_are_read_in_their_order(void **state)
{
    static const char value[] = "prot=mikey;uri=\"" MOVIE "\";data=\"AQ==\","
                                "prot=keyp1;uri=\"" AUDIO "\";data=\"Ag==\";"
                                " , prot=MIKEY;data=\"Aw==\"";
    static const char *const prots[] = {"mikey", "keyp1", "MIKEY"};
    static const char *const datas[] = {"AQ==", "Ag==", "Aw=="};
    struct mikey_rtsp_spec spec[4];
    size_t n;
    (void)state;
    OK(read_value(ts_span_str(value), spec, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < sizeof prots / sizeof prots[0]; i++) {
        same(prots[i], spec[i].prot); /* case counts: no "mikey" */
        same(datas[i], spec[i].data);
        assert_memory_equal(value + spec[i].at, "prot", 4);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
#define GOOD "prot=mikey;data=\"AQ==\"" /* 22 octets */
    const struct {
        enum ts_err err;
        struct ts_span value;
        size_t at;
    } bad[] = {
        {TS_E_FORMAT, {NULL, 0}, 0},
        {TS_E_FORMAT, LITERAL(" "), 1},
        {TS_E_FORMAT, LITERAL(","), 0},
        {TS_E_FORMAT, LITERAL(";" GOOD), 0},
        {TS_E_FORMAT, LITERAL(GOOD ","), 23},
        {TS_E_FORMAT, LITERAL(GOOD ",," GOOD), 23},
        {TS_E_FORMAT, LITERAL(GOOD ";;"), 23},
        {TS_E_FORMAT, LITERAL(GOOD " " GOOD), 23},
        {TS_E_FORMAT, LITERAL(GOOD "x"), 22},
        {TS_E_FORMAT, LITERAL("prot"), 0},
        {TS_E_FORMAT, LITERAL("prot="), 0},
        {TS_E_FORMAT, LITERAL("prot=;data=\"AQ==\""), 0},
        {TS_E_FORMAT, LITERAL("prot=\"mikey\";data=\"AQ==\""), 0},
        {TS_E_FORMAT, LITERAL("prot=mi-key;data=\"AQ==\""), 7},
        {TS_E_MISSING, LITERAL("prot=mikey"), 0},
        {TS_E_MISSING, LITERAL("prot=mikey;"), 0},
        {TS_E_MISSING, LITERAL("prot=mikey;uri=\"rtsp://a\""), 0},
        {TS_E_MISSING, LITERAL(GOOD ",prot=mikey"), 23},
        {TS_E_ORDER, LITERAL("data=\"AQ==\";prot=mikey"), 0},
        {TS_E_ORDER, LITERAL("uri=\"rtsp://a\";prot=mikey;data=\"AA\""), 0},
        {TS_E_UNKNOWN, LITERAL("prot=mikey;mode=PLAY;data=\"AQ==\""), 11},
        {TS_E_UNKNOWN, LITERAL("protx=mikey;data=\"AQ==\""), 0},
        {TS_E_DUPLICATE, LITERAL("prot=mikey;prot=mikey;data=\"AQ==\""), 11},
        {TS_E_DUPLICATE, LITERAL(GOOD ";data=\"AQ==\""), 23},
        {TS_E_DUPLICATE,
         LITERAL("prot=m;uri=\"r:a\";uri=\"r:a\";data=\"AQ==\""), 17},
        {TS_E_DUPLICATE, LITERAL(GOOD "," GOOD), 23}, /* one context */
        {TS_E_FORMAT, LITERAL("prot=mikey;data="), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=AQ==\""), 20},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=AQ=-"), 19},
        {TS_E_FORMAT, LITERAL("prot=mikey;data='AQ=='"), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"AQ=="), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"AQ ==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"AQ\r\n ==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"AQ\0==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;data=\"A\\\"Q==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=rtsp://a;data=\"AQ==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"\";data=\"AQ==\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"rtsp://a b\";data=\"A\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"/action\";data=\"A\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"rtsp:%4\";data=\"A\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"rtsp:<>\";data=\"A\""), 11},
        {TS_E_FORMAT, LITERAL("prot=mikey;uri=\"r:\xc3\xa9\";data=\"A\""), 11},
        {TS_E_FORMAT, LITERAL(GOOD "\r\nX: y"), 22}, /* the next header */
        {TS_E_FORMAT, LITERAL(GOOD "\r\n"), 22},
        {TS_E_FORMAT, LITERAL(GOOD "\n"), 22},
        {TS_E_FORMAT, LITERAL(GOOD "\r "), 22},
        {TS_E_FORMAT, LITERAL(GOOD "\0"), 22},
        {TS_E_FORMAT, LITERAL("prot=mikey\0;data=\"AQ==\""), 10},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mikey_rtsp_spec spec[4];
        size_t n, at;
        FAILS(bad[i].err, mikey_rtsp_read(bad[i].value, spec, 4, &n, &at));
        if (at != bad[i].at)
            print_error("case %zu\n", i);
        assert_int_equal(at, bad[i].at);
        assert_int_equal(n, 0);
    }
}

static void more_elements_than_fit_are_refused(void **state)
{
    enum { MANY = 65535, EACH = 40 };
    static char value[MANY * EACH];
    struct mikey_rtsp_spec spec[4];
    size_t n, len = 0;
    (void)state;
    for (int i = 0; i < 5; i++) {
        len += (size_t)snprintf(value + len, EACH, "%sprot=k;uri=\"r:%d\"; %s",
                                i ? "," : "", i, "data=\"AQ==\"");
        FAILS(i < 4 ? TS_OK : TS_E_FULL,
              read_value(ts_span(value, len), spec, &n));
    }
    for (int i = 5; i < MANY; i++)
        len += (size_t)snprintf(value + len, EACH, ",prot=k;uri=\"r:%d\";%s", i,
                                "data=\"AQ\"");
    FAILS(TS_E_FULL, read_value(ts_span(value, len), spec, &n));
    memset(value, ' ', sizeof value);
    FAILS(TS_E_FORMAT, read_value(ts_span(value, sizeof value), spec, &n));
    memset(value, 'A', sizeof value);
    FAILS(TS_E_UNKNOWN, read_value(ts_span(value, sizeof value), spec, &n));
}

static const char whole[] = "prot=mikey; uri=\"" MOVIE "\";\r\n data=\"AQEF\", "
                            "prot=keyp1; uri=\"" AUDIO "\"; data=\"AQ==\"";

/* Copies of their own, so that ASan sees where each ends. */
static void every_cut_of_a_header_is_read_without_harm(void **state)
{
    (void)state;
    for (size_t n = 0; n <= sizeof whole - 1; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        struct mikey_rtsp_spec spec[4];
        size_t have;
        NOT_NULL(copy);
        memcpy(copy, whole, n);
        enum ts_err err = read_value(ts_span(copy, n), spec, &have);
        /* whole elements only: after the first, and at the end */
        assert_int_equal(err == TS_OK,
                         n == sizeof whole - 1 ||
                             (n && strncmp(whole + n, ", prot", 6) == 0));
        free(copy);
    }
}

static void every_changed_octet_is_read_without_harm(void **state)
{
    static const char odd[] = "\0\r\n\t ;,=\"\\%:a\x80";
    uint8_t copy[sizeof whole - 1];
    struct mikey_rtsp_spec spec[4];
    size_t n;
    (void)state;
    for (size_t i = 0; i < sizeof copy * (sizeof odd - 1); i++) {
        memcpy(copy, whole, sizeof copy);
        copy[i % sizeof copy] = (uint8_t)odd[i / sizeof copy];
        enum ts_err err = read_value(ts_span(copy, sizeof copy), spec, &n);
        (void)err;
    }
}

/* --- writing --- */

static void what_is_written_reads_the_same(void **state)
{
    const struct mikey_rtsp_new out[] = {
        {ts_span_str(MOVIE), LITERAL("\1\2\3\4")},
        {ts_span_str(AUDIO ";a=b,c"), LITERAL("\1")},
        {{NULL, 0}, LITERAL("\1\2\0")},
    };
    struct mikey_rtsp_spec spec[4];
    char text[256];
    uint8_t raw[8];
    size_t n, len;
    (void)state;
    OK(mikey_rtsp_write(out, 1, text, sizeof text));
    assert_string_equal(text,
                        "prot=mikey; uri=\"" MOVIE "\"; data=\"AQIDBA==\"");
    OK(mikey_rtsp_write(out, 3, text, sizeof text));
    OK(read_value(ts_span_str(text), spec, &n));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        same("mikey", spec[i].prot);
        assert_true(ts_span_equal(spec[i].uri, out[i].uri));
        OK(mikey_sdp_decode(spec[i].data, raw, sizeof raw, &len));
        assert_true(ts_span_equal(ts_span(raw, len), out[i].msg));
    }
    for (size_t cap = 0; cap <= strlen(text); cap++) {
        char *small = malloc(cap ? cap : 1);
        NOT_NULL(small);
        FAILS(TS_E_SPACE, mikey_rtsp_write(out, 3, small, cap));
        free(small);
    }
}

static void no_uri_ends_the_header(void **state)
{
    const struct ts_span bad[] = {
        LITERAL("rtsp://a\r\nX-Evil: 1"),
        LITERAL("rtsp://a\n"),
        LITERAL("rtsp://a\r"),
        LITERAL("rtsp://a\0b"),
        LITERAL("rtsp://a\"; data=\"AQ==\""),
        LITERAL("rtsp://a\"b"),
        LITERAL("rtsp://a b"),
        LITERAL("rtsp://a\tb"),
        LITERAL("rtsp://a\\b"),
        LITERAL("rtsp://\x7f"),
        LITERAL("rtsp://\x80"),
        LITERAL("rtsp://%"),
        LITERAL("rtsp://%0"),
        LITERAL("rtsp://%0x"),
        LITERAL("/action"),
        LITERAL("*"),
        LITERAL("action"),
        LITERAL("1rtsp://a"),
        LITERAL(":a"),
    };
    char text[128];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct mikey_rtsp_new one = {bad[i], LITERAL("\1")};
        assert_false(mikey_rtsp_is_uri(bad[i]));
        FAILS(TS_E_FORMAT, mikey_rtsp_write(&one, 1, text, sizeof text));
    }
    assert_false(mikey_rtsp_is_uri(ts_span(NULL, 0)));
    assert_true(mikey_rtsp_is_uri(ts_span_str("rtsp://u@h:554/%0D%0a/~x?y#z")));
}

static void elements_that_could_not_be_read_are_not_written(void **state)
{
    const struct mikey_rtsp_new twice[] = {{{NULL, 0}, LITERAL("\1")},
                                           {{NULL, 0}, LITERAL("\2")}};
    const struct mikey_rtsp_new empty = {{NULL, 0}, {NULL, 0}};
    char text[128];
    (void)state;
    FAILS(TS_E_EMPTY, mikey_rtsp_write(twice, 0, text, sizeof text));
    FAILS(TS_E_DUPLICATE, mikey_rtsp_write(twice, 2, text, sizeof text));
    FAILS(TS_E_MISSING, mikey_rtsp_write(&empty, 1, text, sizeof text));
}

/* --- the rules --- */

static void the_server_begins_in_play_mode_and_in_no_other(void **state)
{
    bool server;
    (void)state;
    OK(mikey_rtsp_initiator(MIKEY_RTSP_PLAY, &server));
    assert_true(server);
    FAILS(TS_E_UNSUPPORTED, mikey_rtsp_initiator(MIKEY_RTSP_RECORD, &server));
    assert_false(server);
}

static void three_messages_have_the_header(void **state)
{
    (void)state;
    assert_int_equal(mikey_rtsp_need(MIKEY_RTSP_DESCRIBE_RESPONSE),
                     MIKEY_NEED_SHOULD);
    assert_int_equal(mikey_rtsp_need(MIKEY_RTSP_SETUP), MIKEY_NEED_MUST);
    assert_int_equal(mikey_rtsp_need(MIKEY_RTSP_SETUP_ERROR), MIKEY_NEED_MAY);
    assert_int_equal(mikey_rtsp_need(MIKEY_RTSP_OTHER), MIKEY_NEED_NONE);
}

static void describe_carries_the_attribute_in_its_sdp(void **state)
{
    /* 5.3; port 0 as RTSP has it */
    static const char movie[] =
        "v=0\r\no=actionmovie 2891092738 2891092738 IN IP4 "
        "movie.example.com\r\n"
        "s=Action Movie\r\ne=action@movie.example.com\r\nt=0 0\r\n"
        "c=IN IP4 movie.example.com\r\n"
        "a=control:" MOVIE "\r\n"
        "a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAy...\r\n"
        "m=audio 0 RTP/SAVP 98\r\na=rtpmap:98 AMR/8000\r\n"
        "a=control:" AUDIO "\r\n"
        "m=video 0 RTP/SAVP 31\r\na=rtpmap:31 H261/90000\r\n"
        "a=control:" VIDEO "\r\n";
    const struct mikey_sdp_attr *attr;
    struct mikey_sdp s;
    size_t at;
    (void)state;
    OK(mikey_sdp_scan(ts_span_str(movie), MIKEY_SDP_RTSP, &s, &at));
    OK(mikey_sdp_applies(&s, 0, MIKEY, &attr));
    OK(mikey_sdp_applies(&s, 1, MIKEY, &attr));
    assert_int_equal(attr->level, MIKEY_SDP_SESSION);
    OK(mikey_rtsp_check_sdp(&s, ts_span_str(MOVIE)));
}

static void
without_a_uri_for_all_there_are_keys_for_single_media_only(void **state)
{
    static const char session[] =
        "v=0\na=key-mgmt:mikey AQ==\nm=audio 0 RTP/SAVP 98\n";
    static const char media[] =
        "v=0\nm=audio 0 RTP/SAVP 98\na=key-mgmt:mikey AQ==\n";
    struct mikey_sdp s;
    size_t at;
    (void)state;
    OK(mikey_sdp_scan(ts_span_str(session), MIKEY_SDP_RTSP, &s, &at));
    OK(mikey_rtsp_check_sdp(&s, ts_span_str(MOVIE)));
    FAILS(TS_E_UNSUPPORTED, mikey_rtsp_check_sdp(&s, ts_span(NULL, 0)));
    OK(mikey_sdp_scan(ts_span_str(media), MIKEY_SDP_RTSP, &s, &at));
    OK(mikey_rtsp_check_sdp(&s, ts_span(NULL, 0)));
}

/* A SETUP of the audio, with keys for this context. */
static struct mikey_rtsp_setup setup_of(enum mikey_rtsp_context offered,
                                        bool first)
{
    return (struct mikey_rtsp_setup){
        .request = ts_span_str(AUDIO),
        .aggregate = ts_span_str(MOVIE),
        .medium = ts_span_str(AUDIO),
        .offered = offered,
        .first = first,
    };
}

static void
the_session_is_keyed_in_the_first_setup_a_medium_in_its_own(void **state)
{
    static const struct {
        enum mikey_rtsp_context offered;
        bool first;
        enum mikey_rtsp_context expected;
        const char *uri;
    } cases[] = {
        {MIKEY_RTSP_SESSION, true, MIKEY_RTSP_SESSION, MOVIE},
        {MIKEY_RTSP_SESSION, false, MIKEY_RTSP_NOTHING, ""},
        {MIKEY_RTSP_MEDIUM, true, MIKEY_RTSP_MEDIUM, AUDIO},
        {MIKEY_RTSP_MEDIUM, false, MIKEY_RTSP_MEDIUM, AUDIO},
        {MIKEY_RTSP_NOTHING, true, MIKEY_RTSP_NOTHING, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_rtsp_setup setup =
            setup_of(cases[i].offered, cases[i].first);
        assert_int_equal(mikey_rtsp_expect(&setup), cases[i].expected);
        same(cases[i].uri, mikey_rtsp_uri(&setup));
    }
}

static void an_element_is_about_its_uri_or_that_of_the_request(void **state)
{
    static const struct {
        const char *uri;
        enum mikey_rtsp_context about;
    } cases[] = {
        {MOVIE, MIKEY_RTSP_SESSION},
        {AUDIO, MIKEY_RTSP_MEDIUM},
        {"", MIKEY_RTSP_MEDIUM},
        {VIDEO, MIKEY_RTSP_NOTHING},
        {MOVIE "/", MIKEY_RTSP_NOTHING},
        {"rtsp:a", MIKEY_RTSP_NOTHING},
        {MOVIE "/AUDIO", MIKEY_RTSP_NOTHING},
    };
    struct mikey_rtsp_setup setup = setup_of(MIKEY_RTSP_SESSION, true);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct mikey_rtsp_spec one = {.uri = ts_span_str(cases[i].uri)};
        assert_int_equal(mikey_rtsp_about(&setup, &one), cases[i].about);
    }
    const struct mikey_rtsp_spec bare = {.at = 0};
    setup.request = ts_span_str(MOVIE);
    assert_int_equal(mikey_rtsp_about(&setup, &bare), MIKEY_RTSP_SESSION);
    setup.aggregate = ts_span(NULL, 0);
    setup.request = ts_span(NULL, 0);
    assert_int_equal(mikey_rtsp_about(&setup, &bare), MIKEY_RTSP_NOTHING);
    /* a presentation of one medium may have one URI for both */
    setup.request = setup.aggregate = setup.medium;
    assert_int_equal(mikey_rtsp_about(&setup, &bare), MIKEY_RTSP_SESSION);
    setup.offered = MIKEY_RTSP_MEDIUM;
    assert_int_equal(mikey_rtsp_about(&setup, &bare), MIKEY_RTSP_MEDIUM);
}

static void a_setup_is_judged_by_what_it_has_to_carry(void **state)
{
#define EL(prot, uri) "prot=" prot ";data=\"AQ==\";uri=\"" uri "\""
    static const struct {
        enum mikey_rtsp_context offered;
        bool first;
        const char *value; /* NULL: no header */
        enum mikey_rtsp_event event;
    } cases[] = {
        {MIKEY_RTSP_SESSION, true, EL("mikey", MOVIE),
         MIKEY_RTSP_SETUP_MESSAGE},
        {MIKEY_RTSP_SESSION, true, EL("k", AUDIO) "," EL("mikey", MOVIE),
         MIKEY_RTSP_SETUP_MESSAGE},
        {MIKEY_RTSP_SESSION, true, NULL, MIKEY_RTSP_SETUP_LACKING},
        {MIKEY_RTSP_SESSION, true, EL("mikey", AUDIO),
         MIKEY_RTSP_SETUP_LACKING},
        /* the request URI is the medium's, so the session has to be named */
        {MIKEY_RTSP_SESSION, true, "prot=mikey;data=\"AQ==\"",
         MIKEY_RTSP_SETUP_LACKING},
        {MIKEY_RTSP_SESSION, true, EL("keyp1", MOVIE),
         MIKEY_RTSP_SETUP_UNCLEAR},
        {MIKEY_RTSP_SESSION, true, EL("Mikey", MOVIE),
         MIKEY_RTSP_SETUP_UNCLEAR},
        {MIKEY_RTSP_SESSION, false, NULL, MIKEY_RTSP_SETUP_PLAIN},
        {MIKEY_RTSP_SESSION, false, EL("mikey", MOVIE), MIKEY_RTSP_SETUP_PLAIN},
        {MIKEY_RTSP_MEDIUM, true, EL("mikey", AUDIO), MIKEY_RTSP_SETUP_MESSAGE},
        {MIKEY_RTSP_MEDIUM, false, "prot=mikey;data=\"AQ==\"",
         MIKEY_RTSP_SETUP_MESSAGE}, /* 5.4: the uri could be excluded */
        {MIKEY_RTSP_MEDIUM, true, EL("mikey", VIDEO), MIKEY_RTSP_SETUP_LACKING},
        {MIKEY_RTSP_MEDIUM, true, EL("mikey", MOVIE), MIKEY_RTSP_SETUP_LACKING},
        {MIKEY_RTSP_MEDIUM, true,
         EL("mikey", AUDIO) ",prot=mikey;data=\"Ag==\"",
         MIKEY_RTSP_SETUP_UNCLEAR}, /* both about the audio */
        {MIKEY_RTSP_NOTHING, true, EL("mikey", AUDIO), MIKEY_RTSP_SETUP_PLAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mikey_rtsp_setup setup =
            setup_of(cases[i].offered, cases[i].first);
        struct mikey_rtsp_spec spec[4];
        const struct mikey_rtsp_spec *found;
        size_t n = 0;
        if (cases[i].value)
            OK(read_value(ts_span_str(cases[i].value), spec, &n));
        assert_int_equal(mikey_rtsp_setup_event(&setup, spec, n, MIKEY, &found),
                         cases[i].event);
        assert_int_equal(found != NULL,
                         cases[i].event == MIKEY_RTSP_SETUP_MESSAGE);
        assert_true(!found || mikey_rtsp_about(&setup, found) ==
                                  mikey_rtsp_expect(&setup));
    }
}

static void the_rules_are_those_of_rfc_4567(void **state)
{
    static const struct {
        enum mikey_rtsp_event event;
        enum mikey_rtsp_act act;
        unsigned status;
        enum mikey_need message;
    } rules[] = {
        {MIKEY_RTSP_SETUP_PLAIN, MIKEY_RTSP_PROCEED, 0, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_MESSAGE, MIKEY_RTSP_PROCESS, 0, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_LACKING, MIKEY_RTSP_REFUSE, 403, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_UNCLEAR, MIKEY_RTSP_REFUSE, 463, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_MALFORMED, MIKEY_RTSP_REFUSE, 463, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_TAKEN, MIKEY_RTSP_PROCEED, 0, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_FAILED, MIKEY_RTSP_REFUSE, 463, MIKEY_NEED_MAY},
        {MIKEY_RTSP_DESCRIBED, MIKEY_RTSP_PROCEED, 0, MIKEY_NEED_MUST},
        {MIKEY_RTSP_DESCRIBE_FAILED, MIKEY_RTSP_ABORT, 0, MIKEY_NEED_NONE},
        {MIKEY_RTSP_SETUP_REFUSED, MIKEY_RTSP_ABORT, 0, MIKEY_NEED_NONE},
    };
    (void)state;
    assert_int_equal(sizeof rules / sizeof rules[0], MIKEY_RTSP_EVENTS);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct mikey_rtsp_verdict v = mikey_rtsp_rule(rules[i].event);
        assert_int_equal(v.act, rules[i].act);
        assert_int_equal(v.status, rules[i].status);
        assert_int_equal(v.message, rules[i].message);
        assert_int_equal(v.reason != NULL, v.status != 0);
        assert_int_equal(v.status != 0, v.act == MIKEY_RTSP_REFUSE);
        assert_non_null(v.clause);
    }
    assert_string_equal(mikey_rtsp_rule(MIKEY_RTSP_SETUP_FAILED).reason,
                        "Key management failure");
    assert_int_equal(mikey_rtsp_rule(MIKEY_RTSP_EVENTS).act, MIKEY_RTSP_REFUSE);
}

UNIT_MAIN(cmocka_unit_test(the_headers_of_rfc_4567_are_read),
          cmocka_unit_test(the_name_of_the_header_has_no_case),
          cmocka_unit_test(an_element_is_read_in_many_forms),
          cmocka_unit_test(several_elements_are_read_in_their_order),
          cmocka_unit_test(what_is_wrong_is_told_with_its_place),
          cmocka_unit_test(more_elements_than_fit_are_refused),
          cmocka_unit_test(every_cut_of_a_header_is_read_without_harm),
          cmocka_unit_test(every_changed_octet_is_read_without_harm),
          cmocka_unit_test(what_is_written_reads_the_same),
          cmocka_unit_test(no_uri_ends_the_header),
          cmocka_unit_test(elements_that_could_not_be_read_are_not_written),
          cmocka_unit_test(the_server_begins_in_play_mode_and_in_no_other),
          cmocka_unit_test(three_messages_have_the_header),
          cmocka_unit_test(describe_carries_the_attribute_in_its_sdp),
          cmocka_unit_test(
              without_a_uri_for_all_there_are_keys_for_single_media_only),
          cmocka_unit_test(
              the_session_is_keyed_in_the_first_setup_a_medium_in_its_own),
          cmocka_unit_test(an_element_is_about_its_uri_or_that_of_the_request),
          cmocka_unit_test(a_setup_is_judged_by_what_it_has_to_carry),
          cmocka_unit_test(the_rules_are_those_of_rfc_4567))
