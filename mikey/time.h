/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIKEY timestamps and Unix time. NTP seconds with the top bit set count from
 * 1900, others from 2036 (RFC 4330; R214, R232, R233), so times from 1968 to
 * 2104 can be written.
 */
#ifndef MIKEY_TIME_H
#define MIKEY_TIME_H

#include "mikey/look.h" /* mikey_time_unix() */
#include "mikey/msg.h"

/** NTP-UTC of a Unix time in microseconds. */
struct mikey_time mikey_time_ntp(uint64_t us);

/** NTP-UTC-32 of a Unix time in seconds (validity periods). */
struct mikey_time mikey_time_ntp32(uint64_t seconds);

/**
 * Whether a timestamp is within skew of now.
 *
 * @param now   Unix microseconds
 * @param skew  seconds
 * @return OK, E_TIME, or E_UNSUPPORTED for a COUNTER
 */
TS_MUST enum ts_err mikey_time_check(struct mikey_time t, uint64_t now,
                                     uint32_t skew);

/** The last second that can be written, as Unix time (in 2104). */
#define MIKEY_TIME_MAX UINT64_C(4233462143)

/** Whether two timestamps are of one clock, and can be compared: NTP types
 *  with each other, a COUNTER with a COUNTER. */
bool mikey_time_alike(struct mikey_time a, struct mikey_time b);

/** Whether a is later than b, of the same clock; also across 2036 (R214). */
bool mikey_time_later(struct mikey_time a, struct mikey_time b);

/**
 * Later than b, as little as its type can tell.
 *
 * @param t  gets it; its type is kept, and must be of the same clock
 * @return OK; E_RANGE: there is no later one
 */
TS_MUST enum ts_err mikey_time_after(struct mikey_time b, struct mikey_time *t);

#endif
