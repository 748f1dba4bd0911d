/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

static void a_text_is_recognised_in_any_case(void **state)
{
    (void)state;
    assert_true(ts_span_is(ts_span_str("KEYMGMT"), "KeyMgmt"));
    assert_true(ts_span_is(ts_span_str("URI"), "uri"));
    assert_true(ts_span_is(ts_span(NULL, 0), ""));
}

static void nothing_longer_or_shorter_passes_for_it(void **state)
{
    (void)state;
    assert_false(ts_span_is(ts_span_str("ur"), "uri"));
    assert_false(ts_span_is(ts_span_str("urix"), "uri"));
    assert_false(ts_span_is(LITERAL("uri\0"), "uri"));
    assert_false(ts_span_is(LITERAL("\0ri"), "uri"));
    assert_false(ts_span_is(ts_span(NULL, 0), "uri"));
}

static void only_letters_have_a_case(void **state)
{
    (void)state;
    assert_false(ts_span_is(ts_span_str("[{"), "{["));
    assert_false(ts_span_is(ts_span_str("@"), "`"));
    assert_false(ts_span_is(LITERAL("\xc9"), "\xe9"));
}

UNIT_MAIN(cmocka_unit_test(a_text_is_recognised_in_any_case),
          cmocka_unit_test(nothing_longer_or_shorter_passes_for_it),
          cmocka_unit_test(only_letters_have_a_case))
