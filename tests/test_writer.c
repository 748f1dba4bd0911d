/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/writer.h"

static void assert_written(const struct ts_writer *w, struct ts_span wanted)
{
    struct ts_span got = ts_written(w);
    assert_int_equal(w->err, TS_OK);
    assert_int_equal(got.n, wanted.n);
    assert_memory_equal(got.p, wanted.p, wanted.n);
}

static void numbers_are_written_in_network_order(void **state)
{
    uint8_t buf[15];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    ts_put_u8(&w, 0x01);
    ts_put_u16(&w, 0x0203);
    ts_put_u32(&w, 0x04050607);
    ts_put_u64(&w, 0x08090a0b0c0d0eff);
    assert_written(&w, LITERAL("\x01\x02\x03\x04\x05\x06\x07"
                               "\x08\x09\x0a\x0b\x0c\x0d\x0e\xff"));
}

static void what_does_not_fit_fails_and_stays_failed(void **state)
{
    uint8_t buf[4] = {0};
    struct ts_writer w = ts_writer_init(buf, 3);
    (void)state;
    ts_put(&w, "ab", 2);
    ts_put(&w, "cd", 2);
    FAILS(TS_E_SPACE, w.err);
    ts_put_u8(&w, 'x');
    ts_writer_fail(&w, TS_E_RANGE);
    FAILS(TS_E_SPACE, w.err);
    assert_int_equal(ts_written(&w).n, 0);
    assert_memory_equal(buf, "ab\0\0", 4);
}

static void a_length_is_filled_in(void **state)
{
    uint8_t buf[16];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    size_t outer = ts_open_u16(&w);
    ts_put_u8(&w, 7);
    size_t inner = ts_open_u8(&w);
    ts_put_span(&w, ts_span_str("abc"));
    ts_close_u8(&w, inner);
    ts_close_u16(&w, outer);
    assert_written(&w, LITERAL("\0\x05\x07\x03"
                               "abc"));
}

static void an_empty_region_has_length_zero(void **state)
{
    uint8_t buf[3];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    ts_close_u16(&w, ts_open_u16(&w));
    ts_close_u8(&w, ts_open_u8(&w));
    ts_put(&w, NULL, 0);
    assert_written(&w, LITERAL("\0\0\0"));
}

static void a_region_may_not_outgrow_its_length(void **state)
{
    static uint8_t buf[0x10010];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    size_t mark = ts_open_u8(&w);
    assert_non_null(ts_put_room(&w, 255));
    ts_close_u8(&w, mark);
    assert_int_equal(buf[0], 255);
    mark = ts_open_u8(&w);
    assert_non_null(ts_put_room(&w, 256));
    ts_close_u8(&w, mark);
    FAILS(TS_E_RANGE, w.err);

    w = ts_writer_init(buf, sizeof buf);
    mark = ts_open_u16(&w);
    assert_non_null(ts_put_room(&w, 0xffff));
    ts_close_u16(&w, mark);
    FAILS(TS_OK, w.err);
    w = ts_writer_init(buf, sizeof buf);
    mark = ts_open_u16(&w);
    assert_non_null(ts_put_room(&w, 0x10000));
    ts_close_u16(&w, mark);
    FAILS(TS_E_RANGE, w.err);
}

static void closing_after_a_failure_writes_nothing(void **state)
{
    uint8_t buf[4] = {9, 9, 9, 9};
    struct ts_writer w = ts_writer_init(buf, 1);
    (void)state;
    size_t mark = ts_open_u16(&w);
    ts_close_u16(&w, mark);
    ts_close_u8(&w, mark);
    FAILS(TS_E_SPACE, w.err);
    assert_memory_equal(buf + 1, "\x09\x09\x09", 3);
}

static void a_huge_length_does_not_wrap(void **state)
{
    uint8_t buf[8];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    ts_put_u8(&w, 1);
    assert_null(ts_put_room(&w, SIZE_MAX));
    FAILS(TS_E_SPACE, w.err);
}

UNIT_MAIN(cmocka_unit_test(numbers_are_written_in_network_order),
          cmocka_unit_test(what_does_not_fit_fails_and_stays_failed),
          cmocka_unit_test(a_length_is_filled_in),
          cmocka_unit_test(an_empty_region_has_length_zero),
          cmocka_unit_test(a_region_may_not_outgrow_its_length),
          cmocka_unit_test(closing_after_a_failure_writes_nothing),
          cmocka_unit_test(a_huge_length_does_not_wrap))
