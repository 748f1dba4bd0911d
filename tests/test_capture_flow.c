/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP segments to streams, and the messages in them. What stands for a message
 * here is any body that begins with 01: nobody decodes it.
 */
#include <time.h>

#include "tests/unit.h"
#include "tool/capture_find.h"
#include "tool/capture_stream.h"
#include "tool/capture_tcp.h"

/* --- who takes what is found --- */

static struct {
    size_t n;
    struct {
        char carrier[12];
        char form[8];
        size_t len;
        uint8_t msg[400];
        char why[80];
    } found[40];
    unsigned notes;
    char note[250];
} got;

static void on_found(void *arg, const struct mt_found *f)
{
    (void)arg;
    assert_true(got.n < sizeof got.found / sizeof got.found[0]);
    assert_true(f->msg.n <= sizeof got.found[0].msg);
    size_t i = got.n++;
    snprintf(got.found[i].carrier, sizeof got.found[i].carrier, "%s",
             f->carrier);
    snprintf(got.found[i].form, sizeof got.found[i].form, "%s",
             f->form ? f->form : "");
    snprintf(got.found[i].why, sizeof got.found[i].why, "%s",
             f->why ? f->why : "");
    got.found[i].len = f->msg.n;
    if (f->msg.n)
        memcpy(got.found[i].msg, f->msg.p, f->msg.n);
}

static void on_note(void *arg, const char *line)
{
    (void)arg;
    got.notes++;
    snprintf(got.note, sizeof got.note, "%s", line);
}

static const struct mt_sink sink = {on_found, on_note, NULL};

static void clear(void)
{
    memset(&got, 0, sizeof got);
}

static void assert_found(size_t i, const char *carrier, struct ts_span msg)
{
    assert_true(i < got.n);
    assert_string_equal(got.found[i].carrier, carrier);
    assert_string_equal(got.found[i].why, "");
    assert_true(
        ts_span_equal(ts_span(got.found[i].msg, got.found[i].len), msg));
}

static void assert_why(size_t i, const char *carrier, const char *why)
{
    assert_true(i < got.n);
    assert_string_equal(got.found[i].carrier, carrier);
    assert_string_equal(got.found[i].why, why);
}

/* --- streams --- */

static const struct mt_place nowhere;

/* A stream in pieces of a size, then its end. */
static void feed(struct ts_span text, size_t size, bool mikey)
{
    struct mt_stream s = {.mikey = mikey};
    clear();
    for (size_t at = 0; at < text.n; at += size) {
        size_t n = text.n - at < size ? text.n - at : size;
        OK(mt_stream_feed(&s, ts_span(text.p + at, n), &nowhere, &sink));
    }
    mt_stream_end(&s, &nowhere, &sink);
}

#define LINE(base64) "a=key-mgmt:mikey " base64 "\r\n"

static const char sip_stream[] =
    "\r\n\r\n"
    "REGISTER sip:example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n"
    "INVITE sip:bob@example.com SIP/2.0\r\n"
    "Via: x\r\nContent-Type: application/sdp\r\nContent-Length: 66\r\n\r\n"
    "v=0\r\n" LINE("AQID") "m=audio 1\r\n" LINE(
        "AQIDBA==") "\r\n"
                    "SIP/2.0 200 OK\nl : 27\nc: multipart/mixed\n\n" LINE(
                        "AQUF") "\r\n\r\n"
                                "ACK sip:bob@example.com SIP/2.0\r\n\r\n";

static void assert_sip(void)
{
    assert_int_equal(got.n, 3);
    assert_found(0, "sip", LITERAL("\1\2\3"));
    assert_found(1, "sip", LITERAL("\1\2\3\4"));
    assert_found(2, "sip", LITERAL("\1\5\5"));
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t size = 1; size <= sizeof sip_stream; size += 1 + size / 5) {
        feed(ts_span_str(sip_stream), size, false);
        assert_sip();
    }
}

static const char http_stream[] =
    "POST /kms HTTP/1.1\r\nContent-Type: Application/MIKEY ; a=b\r\n"
    "Content-Length: 4\r\n\r\n\1abc"
    "HTTP/1.1 100 Continue\r\nContent-Type: application/mikey\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n"
    "Content-Type: application/mikey\r\n\r\n"
    "1\r\n\1\r\n00A;x=y\r\nabcdefghij\r\n2\nkl\n0\r\nTrailer: x\r\n\r\n"
    "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    "Content-Type: text/html\r\n\r\n5\r\n\1\2\3\4\5\r\n0\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 59\r\n\r\n"
    "POST /kms HTTP/1.1\r\nContent-Type: application/mikey\r\n\r\n\r\n\r\n"
    "HTTP/1.0 200 OK\r\nContent-Type: application/sdp\r\n"
    "Content-Length: 28\r\n\r\nv=0\n" LINE(
        "AQIE") "\n"
                "HTTP/1.0 200 OK\r\nContent-Type: application/mikey\r\n\r\n"
                " AQID\r\nBAUG \r\n";

static void bodies_of_http_end_as_their_heads_say(void **state)
{
    (void)state;
    for (size_t size = 1; size < sizeof http_stream; size += 1 + size / 3) {
        feed(ts_span_str(http_stream), size, false);
        assert_int_equal(got.n, 4);
        assert_found(0, "http", LITERAL("\1abc"));
        assert_found(1, "http", LITERAL("\1abcdefghijkl"));
        assert_found(2, "sdp", LITERAL("\1\2\4"));
        assert_found(3, "http", LITERAL("\1\2\3\4\5\6"));
        assert_string_equal(got.found[3].form, "base64");
    }
}

static const char rtsp_stream[] =
    "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n"
    "Content-Length: 27\r\n\r\nv=0\n" LINE("AQI=") /* of a DESCRIBE */
    "$\0\0\x26SETUP rtsp://x RTSP/1.0\r\nKeyMgmt: prot"
    "SETUP rtsp://x/1 RTSP/1.0\r\nkeymgmt: prot=mikey; uri=\"rtsp://x/1\";\r\n"
    "\tdata=\"AQID\", prot=other; data=\"AQIE\", prot=mikey;data=AQUF\r\n\r\n"
    "RTSP/1.0 463 Key management failure\r\nKeyMgmt: prot=mikey;data=\"?\"\r\n"
    "KeyMgmt: data=\"AQID\"; prot=mikey; uri=; ;=,;\"\r\n\r\n";

static void rtsp_has_a_header_of_its_own(void **state)
{
    struct ts_span text = ts_span(rtsp_stream, sizeof rtsp_stream - 1);
    (void)state;
    for (size_t size = 1; size < sizeof rtsp_stream; size += 1 + size / 3) {
        feed(text, size, false);
        assert_int_equal(got.n, 4);
        assert_found(0, "rtsp", LITERAL("\1\2"));
        assert_found(1, "rtsp", LITERAL("\1\2\3"));
        assert_found(2, "rtsp", LITERAL("\1\5\5"));
        assert_why(3, "rtsp", "KeyMgmt: its data are not base64");
    }
}

static const char mikey_stream[] =
    "\1\x0e\0\0\0\0\0\1\0\1"                    /* header alone */
    "\1\x0e\x0b\0\0\0\0\1\0\1\x15\2ab\0\0\0\1c" /* RAND, EXT */
    "\1\x0e\4\0\0\0\0\1\0\1\0\3sig"             /* SIGN ends it, too */
    "\1\x0e\x0b\0\0\0\0\1\0\1\0\2";             /* cut */

static void mikey_messages_stand_one_behind_the_other(void **state)
{
    struct ts_span text = ts_span(mikey_stream, sizeof mikey_stream - 1);
    (void)state;
    for (size_t size = 1; size < sizeof mikey_stream; size += 3) {
        feed(text, size, true);
        assert_int_equal(got.n, 4);
        assert_found(0, "tcp-2269", ts_span(text.p, 10));
        assert_found(1, "tcp-2269", ts_span(text.p + 10, 19));
        assert_found(2, "tcp-2269", ts_span(text.p + 29, 15));
        assert_found(3, "tcp-2269", ts_span(text.p + 44, 12));
    }
}

static void what_is_no_mikey_is_given_once(void **state)
{
    struct mt_stream s = {.mikey = true};
    (void)state;
    clear();
    OK(mt_stream_feed(&s, LITERAL("\2hello"), &nowhere, &sink));
    OK(mt_stream_feed(&s, LITERAL("world"), &nowhere, &sink));
    assert_int_equal(got.n, 1);
    mt_stream_gap(&s, 7, &nowhere, &sink); /* here one might begin */
    OK(mt_stream_feed(&s, LITERAL("\1\x0e\0\0\0\0\0\1\0\1"), &nowhere, &sink));
    mt_stream_end(&s, &nowhere, &sink);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.found[1].len, 10);
}

static void a_stream_can_be_joined_in_the_middle(void **state)
{
    (void)state;
    for (size_t at = 1; at < 60; at += 6) {
        feed(ts_span_str(sip_stream + at), 7, false);
        assert_sip();
    }
    feed(LITERAL("\0\1\xff INVITE a b SIP/2.0\r\nINVITE  SIP/2.0\r\n"
                 "invite sip:b SIP/2.0\r\nINVITE sip:b SIP/2.1\r\n"
                 "SIP/2.0 2 OK\r\nSIP/2.0 20\r\n"
                 "INVITE sip:b SIP/2.0\r\nl:23\r\n\r\n" LINE("AQID")),
         5, false);
    assert_int_equal(got.n, 1);
}

static void lengths_that_lie_cost_one_message(void **state)
{
    static const char *const lengths[] = {
        "Content-Length: 99999999999999999999\r\n", "Content-Length: -1\r\n",
        "Content-Length: 12x\r\n", "Content-Length:\r\n",
        "Transfer-Encoding: chunked\r\n"};
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int n = snprintf(text, sizeof text,
                         "POST / HTTP/1.1\r\nContent-Type: application/mikey"
                         "\r\n%s\r\nzz\r\n%.150s",
                         lengths[i], http_stream);
        feed(ts_span(text, (size_t)n < sizeof text ? (size_t)n : 299), 3,
             false);
        assert_true(got.n >= 1);
        assert_found(0, "http", LITERAL("\1abc"));
    }
}

/* Start lines without end: a head that is too long begins at each of them.
 * What was searched for its end is not searched again, or a capture of some
 * megabytes would take minutes. */
static void heads_without_end_take_no_longer_than_others(void **state)
{
    static const char line[] = "A a SIP/2.0\r\n";
    static char text[64 * sizeof line];
    const clock_t start = clock();
    struct mt_stream s = {0};
    size_t n = 0;
    (void)state;
    clear();
    while (n + sizeof line < sizeof text)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", line);
    for (unsigned i = 0; i < 4096; i++)
        OK(mt_stream_feed(&s, ts_span(text, n), &nowhere, &sink));
    OK(mt_stream_feed(&s, LITERAL("\r\n"), &nowhere, &sink));
    OK(mt_stream_feed(&s, ts_span_str(sip_stream), &nowhere, &sink));
    assert_sip();
    mt_stream_end(&s, &nowhere, &sink);
    assert_true((clock() - start) / CLOCKS_PER_SEC < 5); /* of the processor */
}

static void a_gap_costs_only_the_message_it_is_in(void **state)
{
    struct mt_stream s = {0};
    (void)state;
    clear();
    OK(mt_stream_feed(
        &s, LITERAL("INVITE sip:b SIP/2.0\r\nl:99\r\n\r\n" LINE("AQID") "x=y"),
        &nowhere, &sink));
    mt_stream_gap(&s, 30, &nowhere, &sink);
    OK(mt_stream_feed(&s, LITERAL("rest\r\n"), &nowhere, &sink));
    OK(mt_stream_feed(&s,
                      LITERAL("POST / HTTP/1.1\r\nContent-Type: application/"
                              "mikey\r\nContent-Length: 9\r\n\r\n\1\2"),
                      &nowhere, &sink));
    mt_stream_gap(&s, 3, &nowhere, &sink);
    OK(mt_stream_feed(&s,
                      LITERAL("HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n"
                              "Content-Length: 900\r\n\r\nabc"),
                      &nowhere, &sink));
    mt_stream_gap(&s, 890, &nowhere, &sink); /* nobody wanted that */
    OK(mt_stream_feed(
        &s, LITERAL("abcdefgSIP/2.0 200 OK\r\nl:23\r\n\r\n" LINE("AQIE")),
        &nowhere, &sink));
    mt_stream_end(&s, &nowhere, &sink);
    assert_int_equal(got.n, 3);
    assert_found(0, "sip", LITERAL("\1\2\3"));
    assert_why(1, "http", "the capture has not all of the body");
    assert_found(2, "sip", LITERAL("\1\2\4"));
}

static void what_is_too_long_is_not_kept(void **state)
{
    static const char much[60000] = "x";
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nContent-Type: application/mikey\r\n"
        "Content-Length: 600000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/mikey\r\n"
        "Transfer-Encoding: chunked\r\n\r\n927C0\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/mikey\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct mt_stream s = {0};
        clear();
        OK(mt_stream_feed(&s, ts_span_str(heads[i]), &nowhere, &sink));
        for (unsigned k = 0; k < 10; k++) {
            OK(mt_stream_feed(&s, ts_span(much, sizeof much), &nowhere, &sink));
            assert_true(s.cap <= 3 * MT_BODY_MAX);
        }
        assert_int_equal(got.n, 1);
        assert_why(0, "http", "the body is longer than 512 KiB");
        mt_stream_end(&s, &nowhere, &sink);
    }
    struct mt_stream s = {0};
    OK(mt_stream_feed(&s, LITERAL("SIP/2.0 200 OK\r\n"), &nowhere, &sink));
    for (unsigned k = 0; k < 10; k++)
        OK(mt_stream_feed(&s, ts_span(much, sizeof much), &nowhere, &sink));
    assert_true(s.n <= 8 * 1024 + 1); /* a head without end, then no line */
    mt_stream_end(&s, &nowhere, &sink);
}

/* --- datagrams --- */

static void datagram(uint16_t port, struct ts_span data)
{
    const struct mt_place place = {.to.port = port};
    clear();
    mt_find_in_datagram(data, &place, &sink);
}

static void datagrams_are_known_by_port_or_by_how_they_begin(void **state)
{
    (void)state;
    datagram(2269, LITERAL("\1\2"));
    assert_found(0, "udp-2269", LITERAL("\1\2"));
    datagram(2269, LITERAL(""));
    assert_int_equal(got.n, 0);
    datagram(
        9, LITERAL("SIP/2.0 183 x\r\nl:23\r\n\r\n" LINE("AQID") LINE("AQIE")));
    assert_int_equal(got.n, 1); /* the length counts */
    datagram(9, LITERAL("SIP/2.0 183 x\r\n\r\n" LINE("AQID") LINE("AQIE")));
    assert_int_equal(got.n, 2); /* without one all of it */
    datagram(9, LITERAL("SIP/2.0 183 x\r\n" LINE("AQID")));
    assert_int_equal(got.n, 0); /* no body */
    datagram(9, LITERAL("v=0\n" LINE("AQID")));
    assert_found(0, "sdp", LITERAL("\1\2\3"));
    datagram(9, LITERAL("\x20\0hh1234application/sdp\0v=0\n" LINE("AQID")));
    assert_found(0, "sdp", LITERAL("\1\2\3"));
    datagram(9, LITERAL("\x30\1hh1234567890123456authv=0\n" LINE("AQID")));
    assert_found(0, "sdp", LITERAL("\1\2\3"));
    datagram(9, LITERAL("\x21\0hh1234v=0\n" LINE("AQID"))); /* compressed */
    assert_int_equal(got.n, 0);
    datagram(9, LITERAL("v=1\n" LINE("AQID")));
    assert_int_equal(got.n, 0);
}

static void attributes_of_others_are_passed_over(void **state)
{
    (void)state;
    datagram(9, LITERAL("v=0\n"
                        "a=key-mgmt:other AQID\n"
                        "a=key-mgmt: mikey AQID\n"
                        "a=key-mgmt:mikey AQI\n"
                        "a=key-mgmt:mikey  AQID\n"
                        "a=key-mgmt:mikeyx AQID\n"
                        " a=key-mgmt:mikey AQID\n"
                        "a=key-mgmt:mikey AQIE"));
    assert_int_equal(got.n, 4);
    assert_found(0, "sdp", LITERAL("\1\2\3"));
    assert_why(1, "sdp", "a=key-mgmt:mikey: what follows is not base64");
    assert_why(2, "sdp", "a=key-mgmt:mikey: what follows is not base64");
    assert_found(3, "sdp", LITERAL("\1\2\4"));
}

/* --- TCP --- */

static struct mt_flows *flows(void)
{
    struct mt_flows *f = mt_flows_new(&sink);
    NOT_NULL(f);
    clear();
    return f;
}

enum { SYN = 1, FIN = 2, RST = 4 };

/* A segment of the one flow. */
static void segment(struct mt_flows *f, uint32_t seq, unsigned flags,
                    struct ts_span data)
{
    static struct mt_place place = {.from.port = 1, .to.port = 2};
    const struct mt_packet p = {.protocol = MT_TCP,
                                .seq = seq,
                                .syn = flags & SYN,
                                .fin = flags & FIN,
                                .rst = flags & RST,
                                .data = data};
    place.frame++;
    OK(mt_flows_take(f, &p, &place));
}

static void part(struct mt_flows *f, uint32_t first, size_t at, size_t n)
{
    segment(f, first + (uint32_t)at, 0, ts_span(sip_stream + at, n));
}

#define SIP_N (sizeof sip_stream - 1)

/* Heap's algorithm: every order of four segments. */
static void permute(unsigned *order, size_t n)
{
    static const size_t cut[] = {0, 50, 90, 91, SIP_N};
    if (n == 1) {
        struct mt_flows *f = flows();
        uint32_t first = 0xffffff80u; /* the numbers begin again inside */
        segment(f, first - 1, SYN, LITERAL(""));
        for (size_t i = 0; i < 4; i++)
            part(f, first, cut[order[i]], cut[order[i] + 1] - cut[order[i]]);
        assert_sip();
        mt_flows_free(f);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        permute(order, n - 1);
        size_t j = n % 2 ? 0 : i;
        unsigned swap = order[j];
        order[j] = order[n - 1];
        order[n - 1] = swap;
    }
}

static void segments_may_come_in_any_order(void **state)
{
    unsigned order[] = {0, 1, 2, 3};
    (void)state;
    permute(order, 4);
    assert_int_equal(got.notes, 0);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

#define BODY 200
static const char body_head[] = "POST / HTTP/1.1\r\n"
                                "Content-Type: application/mikey\r\n"
                                "Content-Length: 200\r\n\r\n";

/* Segments that overlap and say different things: the first ones count. */
static void overlap(uint32_t seed)
{
    uint8_t body[BODY], said[BODY], all = 0;
    bool have[BODY] = {false};
    size_t head = sizeof body_head - 1;
    struct mt_flows *f = flows();
    segment(f, 9, SYN, LITERAL(""));
    segment(f, 10, 0, ts_span_str(body_head));
    for (unsigned round = 0; all < BODY; round++) {
        size_t at = draw(&seed, BODY), n = 1 + draw(&seed, 60);
        n = n < BODY - at ? n : BODY - at;
        for (size_t i = at; i < at + n; i++) {
            said[i] = i ? (uint8_t)(2 + round) : 1; /* 01: a raw message */
            if (!have[i])
                body[i] = said[i];
            all += !have[i];
            have[i] = true;
        }
        segment(f, (uint32_t)(10 + head + at), 0, ts_span(said + at, n));
    }
    assert_int_equal(got.n, 1);
    assert_found(0, "http", ts_span(body, BODY));
    mt_flows_free(f);
}

static void of_what_comes_twice_the_first_counts(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++)
        overlap(seed);
}

static void what_is_sent_again_is_found_once(void **state)
{
    struct mt_flows *f = flows();
    (void)state;
    segment(f, 9, SYN, LITERAL(""));
    for (unsigned round = 0; round < 2; round++) {
        segment(f, 9, SYN, LITERAL(""));
        part(f, 10, 0, 100);
        part(f, 10, 100, SIP_N - 100);
        segment(f, 9, 0, LITERAL("x")); /* keep-alive */
        segment(f, 10 + SIP_N, FIN, LITERAL(""));
        segment(f, 11 + SIP_N, 0, LITERAL("")); /* the last ACK */
    }
    assert_sip();
    mt_flows_free(f);
}

static void a_port_may_be_used_again(void **state)
{
    static const unsigned ends[] = {FIN, RST, 0};
    struct mt_flows *f = flows();
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        clear();
        segment(f, 1000 - 300 * i, SYN, LITERAL(""));
        part(f, 1001 - 300 * i, 0, SIP_N);
        assert_sip();
        segment(f, 1001 - 300 * i + SIP_N, ends[i], LITERAL(""));
    }
    clear();
    part(f, 0x70000000, 0, SIP_N); /* without a SYN, far away */
    assert_sip();
    OK(mt_flows_end(f));
    assert_int_equal(got.n, 3);
    mt_flows_free(f);
}

static void fin_waits_for_what_is_before_it(void **state)
{
    struct mt_flows *f = flows();
    static const char text[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: application/mikey\r\n\r\n\1abc";
    struct ts_span all =
        LITERAL("HTTP/1.1 200 OK\r\n"
                "Content-Type: application/mikey\r\n\r\n\1abc");
    (void)state;
    segment(f, 9, SYN, LITERAL(""));
    segment(f, 12, FIN, ts_span(text + 2, all.n - 2));
    assert_int_equal(got.n, 0);
    segment(f, 10, 0, ts_span(text, 2));
    assert_int_equal(got.n, 1);
    assert_found(0, "http", LITERAL("\1abc"));
    mt_flows_free(f);
}

static void what_never_comes_is_missed_aloud(void **state)
{
    struct mt_flows *f = flows();
    (void)state;
    segment(f, 9, SYN, LITERAL(""));
    part(f, 10, 0, 80);
    part(f, 10, 90, SIP_N - 90);
    assert_int_equal(got.n, 0);
    OK(mt_flows_end(f));
    assert_int_equal(got.notes, 1);
    assert_non_null(strstr(got.note, "10 octets before this are missing"));
    assert_true(got.n >= 1);
    assert_found(got.n - 1, "sip", LITERAL("\1\5\5"));
    mt_flows_free(f);
}

UNIT_MAIN(cmocka_unit_test(a_stream_may_be_cut_anywhere),
          cmocka_unit_test(bodies_of_http_end_as_their_heads_say),
          cmocka_unit_test(rtsp_has_a_header_of_its_own),
          cmocka_unit_test(mikey_messages_stand_one_behind_the_other),
          cmocka_unit_test(what_is_no_mikey_is_given_once),
          cmocka_unit_test(a_stream_can_be_joined_in_the_middle),
          cmocka_unit_test(lengths_that_lie_cost_one_message),
          cmocka_unit_test(heads_without_end_take_no_longer_than_others),
          cmocka_unit_test(a_gap_costs_only_the_message_it_is_in),
          cmocka_unit_test(what_is_too_long_is_not_kept),
          cmocka_unit_test(datagrams_are_known_by_port_or_by_how_they_begin),
          cmocka_unit_test(attributes_of_others_are_passed_over),
          cmocka_unit_test(segments_may_come_in_any_order),
          cmocka_unit_test(of_what_comes_twice_the_first_counts),
          cmocka_unit_test(what_is_sent_again_is_found_once),
          cmocka_unit_test(a_port_may_be_used_again),
          cmocka_unit_test(fin_waits_for_what_is_before_it),
          cmocka_unit_test(what_never_comes_is_missed_aloud))
