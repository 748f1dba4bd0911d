/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIKEY timestamps and Unix time. NTP seconds with the top bit set count from
 * 1900, others from 2036 (RFC 4330; R214, R232, R233), so times from 1968 to
 * 2104 can be written.
 */
#ifndef MIKEY_TIME_H
#define MIKEY_TIME_H

#include "mikey/msg.h"

/** NTP-UTC of a Unix time in microseconds. */
struct mikey_time mikey_time_ntp(uint64_t us);

/** NTP-UTC-32 of a Unix time in seconds (validity periods). */
struct mikey_time mikey_time_ntp32(uint64_t seconds);

/**
 * Unix time of a timestamp, in microseconds; 0 for one before 1970.
 *
 * @return OK, or E_UNSUPPORTED for a COUNTER
 */
TS_MUST enum ts_err mikey_time_unix(struct mikey_time t, uint64_t *us);

/**
 * Whether a timestamp is within skew of now.
 *
 * @param now   Unix microseconds
 * @param skew  seconds
 * @return OK, E_TIME, or E_UNSUPPORTED for a COUNTER
 */
TS_MUST enum ts_err mikey_time_check(struct mikey_time t, uint64_t now,
                                     uint32_t skew);

#endif
