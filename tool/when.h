/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as texts: ISO 8601, UTC, "2019-08-15T16:00:03.500000Z".
 */
#ifndef TOOL_WHEN_H
#define TOOL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/** A time: seconds since 1970, also before it, and microseconds. */
struct mt_when {
    int64_t seconds;
    uint32_t micro;
};

/** Room for a time as text. */
#define MT_WHEN 64

/** As text, with six digits of a second or without. */
void mt_when_write(struct mt_when when, bool digits, char text[static MT_WHEN]);

/**
 * Read a text; zero to six digits of a second.
 *
 * @return false for what is no time
 */
bool mt_when_read(const char *text, struct mt_when *when);

/** The time of 64 bits of NTP, in its era (R214). */
struct mt_when mt_when_of_ntp(uint64_t ntp);

/**
 * The 64 bits of NTP that mt_when_of_ntp() takes back to the same time.
 *
 * @return false for a time before 1968 or after 2104, which NTP has not
 */
bool mt_when_to_ntp(struct mt_when when, uint64_t *ntp);

#endif
