/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to a datagram or segment: link layers, IP, fragments.
 */
#include "tests/unit.h"
#include "tool/capture_ip.h"

static unsigned notes;

static void on_note(void *arg, const char *line)
{
    (void)arg;
    (void)line;
    notes++;
}

static const struct mt_sink sink = {.note = on_note};

#define IP4                                                                    \
    "\x45\0\0\x21\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2"                     \
    "\x12\x34\x56\x78\0\x0d\0\0hello"
#define IP6_HEAD(next, length)                                                 \
    "\x60\0\0\0\0" length next "\x40"                                          \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                 \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define UDP_HELLO "\x12\x34\x56\x78\0\x0d\0\0hello"

static struct mt_frags *frags(void)
{
    struct mt_frags *f = mt_frags_new(&sink);
    NOT_NULL(f);
    return f;
}

static void assert_hello(const struct mt_packet *p)
{
    assert_int_equal(p->protocol, MT_UDP);
    assert_int_equal(p->from.port, 0x1234);
    assert_int_equal(p->to.port, 0x5678);
    assert_true(ts_span_equal(p->data, LITERAL("hello")));
}

/* --- link layers --- */

static void each_link_layer_leads_to_the_packet(void **state)
{
    static const struct {
        int link;
        size_t head; /* octets in front of the packet */
        const char *frame;
        size_t padding;
    } cases[] = {
        {1, 14, "aaaaaabbbbbb\x08\0" IP4, 0},
        {1, 18, "aaaaaabbbbbb\x81\0\0\5\x08\0" IP4, 0},
        {1, 22, "aaaaaabbbbbb\x88\xa8\0\5\x81\0\0\5\x08\0" IP4, 0},
        {1, 14, "aaaaaabbbbbb\x08\0" IP4 "padded", 6},
        {0, 4, "\2\0\0\0" IP4, 0},
        {108, 4, "\0\0\0\2" IP4, 0},
        {12, 0, IP4, 0},
        {101, 0, IP4, 0},
        {228, 0, IP4, 0},
        {113, 16, "\0\0\0\1\0\6abcdefgh\x08\0" IP4, 0},
        {276, 20, "\x08\0\0\0\0\0\0\1\0\1\0\6abcdefgh" IP4, 0},
    };
    struct mt_frags *f = frags();
    struct mt_packet p;
    struct ts_span ip;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *frame = (const uint8_t *)cases[i].frame;
        size_t head = cases[i].head, n = head + 33 + cases[i].padding;
        assert_true(mt_link_known(cases[i].link));
        OK(mt_link_read(cases[i].link, ts_span(frame, n), &ip));
        OK(mt_ip_read(f, ip, &p));
        assert_hello(&p);
        for (n = 0; n < head; n++)
            FAILS(TS_E_SHORT,
                  mt_link_read(cases[i].link, ts_span(frame, n), &ip));
    }
    mt_frags_free(f);
}

static void what_is_not_ip_is_left_alone(void **state)
{
    struct ts_span ip;
    (void)state;
    assert_false(mt_link_known(105));
    FAILS(TS_E_UNKNOWN, mt_link_read(105, LITERAL(IP4), &ip));
    FAILS(TS_E_UNKNOWN,
          mt_link_read(1, LITERAL("aaaaaabbbbbb\x08\x06" IP4), &ip));
}

/* --- IP --- */

static void refuse(struct mt_frags *f, enum ts_err err, struct ts_span ip)
{
    struct mt_packet p;
    FAILS(err, mt_ip_read(f, ip, &p));
}

static void headers_that_lie_are_refused(void **state)
{
    struct mt_frags *f = frags();
    (void)state;
    refuse(f, TS_E_SHORT, LITERAL(""));
    refuse(f, TS_E_UNKNOWN, LITERAL("\x55"));
    refuse(f, TS_E_FORMAT,
           LITERAL("\x44\0\0\x21\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2"));
    refuse(f, TS_E_FORMAT,
           LITERAL("\x45\0\0\x13\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2"));
    refuse(f, TS_E_SHORT,
           LITERAL("\x4f\0\0\x3c\0\1\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2"));
    refuse(f, TS_E_UNKNOWN, /* ICMP */
           LITERAL("\x45\0\0\x14\0\1\0\0\x40\x01\0\0\xc0\0\2\1\xc0\0\2\2"));
    refuse(f, TS_E_FORMAT, /* TCP, data offset 4 */
           LITERAL("\x45\0\0\x28\0\1\0\0\x40\x06\0\0\xc0\0\2\1\xc0\0\2\2"
                   "\0\1\0\2\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0"));
    refuse(f, TS_E_SHORT, /* TCP, options that are not there */
           LITERAL("\x45\0\0\x28\0\1\0\0\x40\x06\0\0\xc0\0\2\1\xc0\0\2\2"
                   "\0\1\0\2\0\0\0\0\0\0\0\0\x60\0\0\0\0\0\0\0"));
    mt_frags_free(f);
}

static void no_cut_of_a_packet_reads_beyond_its_end(void **state)
{
    struct mt_frags *f = frags();
    struct ts_span whole = LITERAL(IP4);
    struct mt_packet p;
    (void)state;
    for (size_t n = 0; n < 28; n++)
        refuse(f, TS_E_SHORT, ts_span(whole.p, n));
    for (size_t n = 28; n < whole.n; n++) { /* cut by whoever captured */
        OK(mt_ip_read(f, ts_span(whole.p, n), &p));
        assert_int_equal(p.data.n, n - 28);
    }
    mt_frags_free(f);
}

static void a_length_of_zero_is_left_to_the_card(void **state)
{
    struct mt_frags *f = frags();
    struct mt_packet p;
    (void)state;
    OK(mt_ip_read(f,
                  LITERAL("\x45\0\0\0\0\1\0\0\x40\x11\0\0\xc0\0\2\1"
                          "\xc0\0\2\2" UDP_HELLO),
                  &p));
    assert_hello(&p);
    OK(mt_ip_read(f, LITERAL(IP6_HEAD("\x11", "\0") UDP_HELLO), &p));
    assert_hello(&p);
    mt_frags_free(f);
}

static void extension_headers_are_passed_over(void **state)
{
    struct mt_frags *f = frags();
    struct mt_packet p;
    (void)state;
    OK(mt_ip_read(f, LITERAL(IP6_HEAD("\x11", "\x0d") UDP_HELLO), &p));
    assert_hello(&p);
    assert_true(p.from.v6);
    assert_int_equal(p.from.addr[15], 1);
    OK(mt_ip_read(f,
                  LITERAL(IP6_HEAD("\0", "\x3d") /* then */
                          "\x2b\0\0\0\0\0\0\0"   /* hop by hop, */
                          "\x3c\1aaaaaaaaaaaaaa" /* routing, */
                          "\x33\0\0\0\0\0\0\0"   /* options, AH */
                          "\x11\2aaaaaaaaaaaaaa" UDP_HELLO),
                  &p));
    assert_hello(&p);
    OK(mt_ip_read(
        f, /* a fragment that is all of it */
        LITERAL(IP6_HEAD("\x2c", "\x15") "\x11\0\0\0\0\0\0\1" UDP_HELLO), &p));
    assert_hello(&p);
    refuse(f, TS_E_SHORT, LITERAL(IP6_HEAD("\0", "\x08") "\0\xff\0\0\0\0\0\0"));
    refuse(f, TS_E_UNKNOWN, LITERAL(IP6_HEAD("\x3b", "\0")));
    mt_frags_free(f);
}

/* --- fragments --- */

static struct mt_frag fragment(uint32_t id, uint16_t offset, bool more,
                               struct ts_span data)
{
    struct mt_frag frag = {.id = id,
                           .protocol = MT_UDP,
                           .offset = offset,
                           .more = more,
                           .data = data};
    return frag;
}

static enum ts_err take(struct mt_frags *f, struct mt_frag frag,
                        struct ts_span *whole)
{
    return mt_frags_take(f, &frag, whole);
}

static void fragments_come_in_any_order(void **state)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct mt_frags *f = frags();
    struct ts_span text = LITERAL("0123456789abcdefghi"), whole;
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 3; k++) {
            unsigned at = orders[i][k] * 8;
            struct ts_span part = ts_span(text.p + at, at == 16 ? 3 : 8);
            struct mt_frag frag = fragment(i, (uint16_t)at, at < 16, part);
            if (k < 2)
                FAILS(TS_E_AGAIN, take(f, frag, &whole));
            else
                OK(take(f, frag, &whole));
        }
        assert_true(ts_span_equal(whole, text));
    }
    mt_frags_free(f);
}

static void of_what_comes_twice_the_first_counts(void **state)
{
    struct mt_frags *f = frags();
    struct ts_span whole;
    (void)state;
    FAILS(TS_E_AGAIN,
          take(f, fragment(1, 8, true, LITERAL("bbbbbbbb")), &whole));
    FAILS(TS_E_AGAIN,
          take(f, fragment(1, 8, true, LITERAL("BBBBBBBBCCCCCCCC")), &whole));
    FAILS(TS_E_AGAIN, take(f, fragment(1, 24, false, LITERAL("d")), &whole));
    FAILS(TS_E_AGAIN, take(f, fragment(1, 24, false, LITERAL("DD")), &whole));
    OK(take(f, fragment(1, 0, true, LITERAL("AAAAAAAAXXXXXXXX")), &whole));
    assert_true(ts_span_equal(whole, LITERAL("AAAAAAAAbbbbbbbbCCCCCCCCd")));
    /* and then it is forgotten */
    FAILS(TS_E_AGAIN,
          take(f, fragment(1, 0, true, LITERAL("AAAAAAAA")), &whole));
    mt_frags_free(f);
}

static void fragments_that_belong_nowhere_are_refused(void **state)
{
    static const uint8_t much[65536];
    struct mt_frags *f = frags();
    struct ts_span whole;
    (void)state;
    FAILS(TS_E_FORMAT, take(f, fragment(1, 0, true, LITERAL("")), &whole));
    FAILS(TS_E_FORMAT, take(f, fragment(1, 0, true, LITERAL("abc")), &whole));
    FAILS(TS_E_FORMAT, take(f, fragment(1, 4, false, LITERAL("abc")), &whole));
    FAILS(TS_E_FORMAT,
          take(f, fragment(1, 65528, false, ts_span(much, 8)), &whole));
    FAILS(TS_E_FORMAT,
          take(f, fragment(1, 8, false, ts_span(much, 65528)), &whole));
    FAILS(TS_E_AGAIN,
          take(f, fragment(1, 8, false, ts_span(much, 65527)), &whole));
    OK(take(f, fragment(1, 0, true, ts_span(much, 8)), &whole));
    assert_int_equal(whole.n, 65535);
    mt_frags_free(f);
}

static void datagrams_differ_by_ends_protocol_and_number(void **state)
{
    struct mt_frags *f = frags();
    struct ts_span whole;
    struct mt_frag first = fragment(1, 0, true, LITERAL("aaaaaaaa"));
    struct mt_frag last = fragment(1, 8, false, LITERAL("bbb")), other;
    (void)state;
    FAILS(TS_E_AGAIN, take(f, first, &whole));
    other = last;
    other.id = 2;
    FAILS(TS_E_AGAIN, take(f, other, &whole));
    other = last;
    other.protocol = MT_TCP;
    FAILS(TS_E_AGAIN, take(f, other, &whole));
    other = last;
    other.from.addr[3] = 1;
    FAILS(TS_E_AGAIN, take(f, other, &whole));
    other = last;
    other.to.v6 = true;
    FAILS(TS_E_AGAIN, take(f, other, &whole));
    OK(take(f, last, &whole));
    mt_frags_free(f);
}

static void the_oldest_of_many_is_dropped_aloud(void **state)
{
    struct mt_frags *f = frags();
    struct ts_span whole;
    (void)state;
    notes = 0;
    for (uint32_t id = 0; id < 64; id++)
        FAILS(TS_E_AGAIN,
              take(f, fragment(id, 0, true, LITERAL("aaaaaaaa")), &whole));
    assert_int_equal(notes, 0);
    FAILS(TS_E_AGAIN,
          take(f, fragment(64, 0, true, LITERAL("aaaaaaaa")), &whole));
    assert_int_equal(notes, 1);
    OK(take(f, fragment(1, 8, false, LITERAL("b")), &whole));
    FAILS(TS_E_AGAIN, take(f, fragment(0, 8, false, LITERAL("b")), &whole));
    assert_int_equal(notes, 1);
    mt_frags_free(f);
}

static void no_frags_are_freed_in_peace(void **state)
{
    (void)state;
    mt_frags_free(NULL);
}

UNIT_MAIN(cmocka_unit_test(each_link_layer_leads_to_the_packet),
          cmocka_unit_test(what_is_not_ip_is_left_alone),
          cmocka_unit_test(headers_that_lie_are_refused),
          cmocka_unit_test(no_cut_of_a_packet_reads_beyond_its_end),
          cmocka_unit_test(a_length_of_zero_is_left_to_the_card),
          cmocka_unit_test(extension_headers_are_passed_over),
          cmocka_unit_test(fragments_come_in_any_order),
          cmocka_unit_test(of_what_comes_twice_the_first_counts),
          cmocka_unit_test(fragments_that_belong_nowhere_are_refused),
          cmocka_unit_test(datagrams_differ_by_ends_protocol_and_number),
          cmocka_unit_test(the_oldest_of_many_is_dropped_aloud),
          cmocka_unit_test(no_frags_are_freed_in_peace))
