/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/time.h"

#define SINCE_1900 2208988800u /* NTP seconds of 1970-01-01 */
#define MICRO      1000000u

struct mikey_time mikey_time_ntp(uint64_t us)
{
    uint64_t seconds = us / MICRO + SINCE_1900;
    uint64_t fraction = (us % MICRO << 32) / MICRO;
    return (struct mikey_time){MIKEY_NTP_UTC, seconds << 32 | fraction};
}

struct mikey_time mikey_time_ntp32(uint64_t seconds)
{
    return (struct mikey_time){MIKEY_NTP_UTC_32, (seconds + SINCE_1900) << 32};
}

enum ts_err mikey_time_unix(struct mikey_time t, uint64_t *us)
{
    if (t.type == MIKEY_COUNTER)
        return TS_E_UNSUPPORTED;
    uint64_t seconds = t.value >> 32;
    if (!(seconds & 0x80000000u)) /* second era, R214 */
        seconds += UINT64_C(1) << 32;
    uint64_t fraction = t.value & 0xffffffffu;
    if (seconds < SINCE_1900)
        *us = 0; /* 1968 and 1969: all that matters is that they are over */
    else
        *us = (seconds - SINCE_1900) * MICRO + (fraction * MICRO >> 32);
    return TS_OK;
}

enum ts_err mikey_time_check(struct mikey_time t, uint64_t now, uint32_t skew)
{
    uint64_t at;
    enum ts_err err = mikey_time_unix(t, &at);
    if (err)
        return err;
    uint64_t off = at > now ? at - now : now - at;
    return off <= (uint64_t)skew * MICRO ? TS_OK : TS_E_TIME;
}

bool mikey_time_alike(struct mikey_time a, struct mikey_time b)
{
    return (a.type == MIKEY_COUNTER) == (b.type == MIKEY_COUNTER);
}

#define ERA (UINT64_C(1) << 63) /* set before 2036, clear after */

/* As a number that grows. */
static uint64_t order(struct mikey_time t)
{
    return t.type == MIKEY_COUNTER ? t.value : t.value ^ ERA;
}

bool mikey_time_later(struct mikey_time a, struct mikey_time b)
{
    return order(a) > order(b);
}

enum ts_err mikey_time_after(struct mikey_time b, struct mikey_time *t)
{
    const bool counter = t->type == MIKEY_COUNTER;
    const unsigned unit = t->type == MIKEY_NTP_UTC_32 ? 32 : 0; /* bits */
    const uint64_t last = order(b) >> unit;
    if (last >= (counter ? UINT32_MAX : UINT64_MAX >> unit))
        return TS_E_RANGE;
    t->value = (last + 1) << unit;
    if (!counter)
        t->value ^= ERA;
    return TS_OK;
}
