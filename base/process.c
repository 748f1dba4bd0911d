/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What secrets need from the kernel. Apart from base/secret.c, so that libmikey
 * has nothing that makes a system call.
 */
#include "base/secret.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

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
