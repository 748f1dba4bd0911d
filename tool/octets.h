/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms in which a message comes to mikeytool.
 */
#ifndef TOOL_OCTETS_H
#define TOOL_OCTETS_H

#include "base/bytes.h"
#include "base/err.h"

/** Longest input in bytes; a message is below 64 KiB (design section 6). */
#define MT_INPUT_MAX (256 * 1024)

/** Longest base64 of a message with its line ends. */
#define MT_BASE64_MAX (512 * 1024)

/**
 * Make out the form of an input and give the message in it.
 *
 * A first octet 01, or any octet that is not text, makes it a raw message;
 * "mikey ..." or "a=key-mgmt:mikey ..." an SDP line; hexadecimal digits only
 * (with white space) hexadecimal; anything else base64 (with white space).
 *
 * @param in   at most MT_INPUT_MAX bytes; changed
 * @param out  the message: a view that is valid as long as in is, and until the
 *             next call
 * @param form "raw", "sdp", "hex" or "base64"
 * @return OK, E_EMPTY for an empty input, E_FORMAT
 */
TS_MUST enum ts_err mt_octets(uint8_t *in, size_t n, struct ts_span *out,
                              const char **form);

/** Without white space at both ends. */
struct ts_span mt_trim(struct ts_span s);

/** A hexadecimal digit, 0 to 15; 16 for what is none. */
unsigned mt_digit(uint8_t c);

/**
 * Hexadecimal digits, in place, to octets; white space may stand anywhere.
 *
 * @param in  changed
 * @param n   number of characters; becomes that of the octets
 * @return false for anything else, also for half an octet
 */
bool mt_from_hex(uint8_t *in, size_t *n);

/**
 * Base64 with padding; white space may stand anywhere.
 *
 * @param out  a view that is valid until the next call
 * @return OK, E_FORMAT, also for no octets at all, E_RANGE
 */
TS_MUST enum ts_err mt_from_base64(struct ts_span text, struct ts_span *out);

#endif
