/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carriage in SDP (RFC 4567): the value of a key-mgmt attribute, that is what
 * stands behind "a=key-mgmt:".
 */
#ifndef MIKEY_SDP_H
#define MIKEY_SDP_H

#include "base/bytes.h"
#include "base/err.h"

/**
 * Read "mikey BASE64", with at most one space before "mikey".
 *
 * @param value  text without the end of the line
 * @param out    gets the message
 * @param cap    size of out
 * @param n      gets its length
 * @return OK; E_UNSUPPORTED for another protocol id; E_FORMAT for what is not
 *         canonical base64; E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_read(struct ts_span value, uint8_t *out,
                                   size_t cap, size_t *n);

/**
 * Write "mikey BASE64" and a NUL.
 *
 * @return OK or E_SPACE
 */
TS_MUST enum ts_err mikey_sdp_write(struct ts_span msg, char *out, size_t cap);

#endif
