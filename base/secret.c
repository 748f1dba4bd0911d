/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <nettle/memops.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

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

enum ts_err ts_random(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    while (n > 0) {
        ssize_t got = getrandom(buf, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return TS_E_IO;
        buf += got;
        n -= (size_t)got;
    }
    return TS_OK;
}

enum ts_err ts_process_harden(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return TS_E_IO;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return TS_E_IO;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return TS_E_IO;
    return TS_OK;
}
