/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <limits.h>

static const enum ts_err all[] = {
#define X(name, text) TS_##name,
    TS_ERR_LIST(X)
#undef X
};

#define N_ALL (sizeof all / sizeof all[0])

static void each_error_has_its_own_name_and_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_true(strlen(ts_strerror(all[i])) > 0);
        assert_true(strlen(ts_errname(all[i])) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(ts_strerror(all[i]), ts_strerror(all[j]));
            assert_string_not_equal(ts_errname(all[i]), ts_errname(all[j]));
        }
    }
}

static void names_are_those_of_the_source(void **state)
{
    (void)state;
    assert_int_equal(TS_OK, 0);
    assert_string_equal(ts_errname(TS_OK), "OK");
    assert_string_equal(ts_errname(TS_E_AUTH), "E_AUTH");
    assert_string_equal(ts_strerror(TS_E_SHORT), "input ends too early");
    assert_string_equal(ts_errname(TS_E_INTERNAL), "E_INTERNAL");
}

static void a_foreign_value_has_a_text_too(void **state)
{
    static const int foreign[] = {-1, N_ALL, INT_MAX, INT_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        enum ts_err err = (enum ts_err)foreign[i];
        assert_string_equal(ts_strerror(err), "unknown error");
        assert_string_equal(ts_errname(err), "E_?");
    }
}

UNIT_MAIN(cmocka_unit_test(each_error_has_its_own_name_and_text),
          cmocka_unit_test(names_are_those_of_the_source),
          cmocka_unit_test(a_foreign_value_has_a_text_too))
