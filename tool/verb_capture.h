/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "decode" on a capture file.
 */
#ifndef TOOL_VERB_CAPTURE_H
#define TOOL_VERB_CAPTURE_H

#include "tool/io.h"

/**
 * Print one line of JSON for each message that a capture file holds.
 *
 * @param in  its first octets were read
 * @return the exit code
 */
int mt_decode_capture(struct mt_input *in);

#endif
