/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/reader.h"

static void numbers_are_read_in_network_order(void **state)
{
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7,   8,
                                 9, 8, 7, 6, 5, 4, 0xf3};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    assert_int_equal(ts_get_u8(&r), 0x01);
    assert_int_equal(ts_get_u16(&r), 0x0203);
    assert_int_equal(ts_get_u32(&r), 0x04050607);
    assert_int_equal(ts_reader_pos(&r), 7);
    assert_true(ts_get_u64(&r) == 0x08090807060504f3);
    OK(ts_reader_end(&r));
}

static void the_top_bit_does_not_spread(void **state)
{
    static const uint8_t in[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    assert_int_equal(ts_get_u8(&r), 0xff);
    assert_int_equal(ts_get_u16(&r), 0xffff);
    assert_true(ts_get_u32(&r) == 0xffffffff);
    OK(ts_reader_end(&r));
}

static void the_first_failure_stays(void **state)
{
    static const uint8_t in[] = {1, 2, 3};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    assert_int_equal(ts_get_u32(&r), 0);
    assert_int_equal(ts_reader_left(&r), 0);
    assert_int_equal(ts_get_u8(&r), 0);
    ts_reader_fail(&r, TS_E_RANGE);
    FAILS(TS_E_SHORT, ts_reader_end(&r));
}

static void nothing_moves_after_a_failure(void **state)
{
    static const uint8_t in[] = {1, 2, 3};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    (void)ts_get_u8(&r);
    ts_reader_fail(&r, TS_E_UNKNOWN);
    assert_int_equal(ts_get_u8(&r), 0);
    assert_null(ts_get_span(&r, 0).p);
    assert_int_equal(ts_reader_pos(&r), 1);
    FAILS(TS_E_UNKNOWN, ts_reader_end(&r));
}

static void bytes_left_over_are_an_error(void **state)
{
    static const uint8_t in[] = {1, 2};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    (void)ts_get_u8(&r);
    FAILS(TS_E_TRAILING, ts_reader_end(&r));
    (void)ts_get_u8(&r);
    OK(ts_reader_end(&r));
}

static void a_view_points_into_the_input(void **state)
{
    static const uint8_t in[] = {2, 'a', 'b', 'c'};
    struct ts_reader r = ts_reader_init(in, sizeof in);
    (void)state;
    struct ts_span s = ts_get_span(&r, ts_get_u8(&r));
    assert_ptr_equal(s.p, in + 1);
    assert_int_equal(s.n, 2);
    assert_int_equal(ts_reader_left(&r), 1);
    assert_int_equal(ts_get_span(&r, SIZE_MAX).n, 0);
    FAILS(TS_E_SHORT, ts_reader_end(&r));
}

static void an_inner_region_must_be_used_up(void **state)
{
    static const uint8_t in[] = {3, 'a', 'b', 'c', 9};
    struct ts_reader outer = ts_reader_init(in, sizeof in);
    (void)state;
    struct ts_reader inner =
        ts_reader_span(ts_get_span(&outer, ts_get_u8(&outer)));
    assert_int_equal(ts_get_u16(&inner), 'a' << 8 | 'b');
    FAILS(TS_E_TRAILING, ts_reader_end(&inner));
    assert_int_equal(ts_get_u8(&inner), 'c');
    OK(ts_reader_end(&inner));
    assert_int_equal(ts_get_u8(&outer), 9);
    OK(ts_reader_end(&outer));
}

static void an_empty_input_ends_at_once(void **state)
{
    struct ts_reader r = ts_reader_init(NULL, 0);
    (void)state;
    assert_int_equal(ts_get_span(&r, 0).n, 0);
    OK(ts_reader_end(&r));
    assert_int_equal(ts_get_u8(&r), 0);
    FAILS(TS_E_SHORT, ts_reader_end(&r));
}

UNIT_MAIN(cmocka_unit_test(numbers_are_read_in_network_order),
          cmocka_unit_test(the_top_bit_does_not_spread),
          cmocka_unit_test(the_first_failure_stays),
          cmocka_unit_test(nothing_moves_after_a_failure),
          cmocka_unit_test(bytes_left_over_are_an_error),
          cmocka_unit_test(a_view_points_into_the_input),
          cmocka_unit_test(an_inner_region_must_be_used_up),
          cmocka_unit_test(an_empty_input_ends_at_once))
