/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/when.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define SINCE_1900 INT64_C(2208988800) /* NTP seconds of 1970-01-01 */
#define ERA        (INT64_C(1) << 32)
#define MICRO      1000000u

void mt_when_write(struct mt_when when, bool digits, char text[static MT_WHEN])
{
    struct tm tm = {0};
    time_t seconds = (time_t)when.seconds;
    (void)gmtime_r(&seconds, &tm);
    size_t n = strftime(text, MT_WHEN, "%Y-%m-%dT%H:%M:%S", &tm);
    if (digits)
        snprintf(text + n, MT_WHEN - n, ".%06uZ", (unsigned)when.micro);
    else
        snprintf(text + n, MT_WHEN - n, "Z");
}

/* The numbers at the places of '0'; all else must be as in the pattern. */
static bool match(const char *text, const char *pattern, int number[6])
{
    unsigned n = 0;
    for (unsigned i = 0; pattern[i]; i++) {
        if (pattern[i] != '0' && text[i] != pattern[i])
            return false; /* at the latest at the end of text */
        if (pattern[i] != '0')
            n++;
        else if (!isdigit((unsigned char)text[i]))
            return false;
        else
            number[n] = 10 * number[n] + (text[i] - '0');
    }
    return true;
}

bool mt_when_read(const char *text, struct mt_when *when)
{
    static const char pattern[] = "0000-00-00T00:00:00";
    int number[6] = {0};
    if (!match(text, pattern, number))
        return false;
    struct tm tm = {.tm_year = number[0] - 1900,
                    .tm_mon = number[1] - 1,
                    .tm_mday = number[2],
                    .tm_hour = number[3],
                    .tm_min = number[4],
                    .tm_sec = number[5]};
    struct tm same = tm;
    when->seconds = timegm(&same);
    if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday ||
        same.tm_hour != tm.tm_hour || same.tm_min != tm.tm_min ||
        same.tm_sec != tm.tm_sec)
        return false; /* the 31st of June */
    when->micro = 0;
    text += sizeof pattern - 1;
    uint32_t unit = MICRO / 10;
    if (*text == '.')
        for (text++; unit && isdigit((unsigned char)*text); unit /= 10)
            when->micro += unit * (uint32_t)(*text++ - '0');
    return text[0] == 'Z' && text[1] == '\0';
}

struct mt_when mt_when_of_ntp(uint64_t ntp)
{
    int64_t seconds = (int64_t)(ntp >> 32);
    if (seconds < ERA / 2)
        seconds += ERA;
    return (struct mt_when){seconds - SINCE_1900,
                            (uint32_t)((ntp & 0xffffffffu) * MICRO >> 32)};
}

bool mt_when_to_ntp(struct mt_when when, uint64_t *ntp)
{
    int64_t seconds = when.seconds + SINCE_1900;
    if (seconds < ERA / 2 || seconds >= ERA + ERA / 2)
        return false;
    uint64_t fraction = (((uint64_t)when.micro << 32) + MICRO - 1) / MICRO;
    *ntp = (uint64_t)seconds << 32 | fraction;
    return true;
}
