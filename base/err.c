/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

static const struct {
    const char *name;
    const char *text;
} errors[] = {
#define X(name, text) {#name, text},
    TS_ERR_LIST(X)
#undef X
};

#define N_ERRORS (sizeof(errors) / sizeof(errors[0]))

const char *ts_strerror(enum ts_err err)
{
    return (unsigned)err < N_ERRORS ? errors[err].text : "unknown error";
}

const char *ts_errname(enum ts_err err)
{
    return (unsigned)err < N_ERRORS ? errors[err].name : "E_?";
}
