/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message from an input in any of its forms.
 */
#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

#include "base/bytes.h"
#include "tool/decode.h"
#include "tool/io.h"

/** mt_decode() with the member "form". */
json_t *mt_decode_form(struct ts_span msg, const char *form,
                       char why[static MT_WHY]);

/**
 * Read an input to its end, and give the octets of the message in it.
 *
 * @param room  gets them, at most cap
 * @return false after mt_complain()
 */
bool mt_load_octets(struct mt_input *in, uint8_t *room, size_t cap,
                    struct ts_span *msg);

/**
 * Read an input to its end and decode the message in it.
 *
 * @return NULL after mt_complain()
 */
json_t *mt_load(struct mt_input *in);

#endif
