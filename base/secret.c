/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <string.h>
#include <nettle/memops.h>

void ts_wipe(void *p, size_t n)
{
    if (p && n)
        explicit_bzero(p, n);
}

void ts_key_wipe(struct ts_key *key)
{
    if (key)
        ts_wipe(key, sizeof *key);
}

bool ts_equal(const void *a, size_t na, const void *b, size_t nb)
{
    return na == nb && (na == 0 || memeql_sec(a, b, na));
}

enum ts_err ts_key_set(struct ts_key *key, struct ts_span s)
{
    if (s.n == 0 || s.n > TS_KEY_MAX)
        return TS_E_RANGE;
    key->len = (uint8_t)s.n;
    memcpy(key->b, s.p, s.n);
    return TS_OK;
}
