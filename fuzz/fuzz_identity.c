/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as an identity: what is accepted has a canonical form that is
 * printable, of the length told, and its own canonical form.
 */
#include <stdlib.h>

#include "base/identity.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_identity id, again;
    if (ts_identity(ts_span(data, n), &id)) {
        MUST_HOLD(id.len == 0 && id.text[0] == '\0');
        return 0;
    }
    MUST_HOLD(id.len <= TS_IDENTITY_MAX && strlen(id.text) == id.len);
    for (size_t i = 0; i < id.len; i++)
        MUST_HOLD(id.text[i] > ' ' && id.text[i] < 0x7f);
    MUST_HOLD(ts_identity(ts_span(id.text, id.len), &again) == TS_OK);
    MUST_HOLD(again.len == id.len && strcmp(again.text, id.text) == 0);
    MUST_HOLD(ts_identity_same(ts_span(data, n), ts_span(id.text, id.len)));
    return 0;
}
