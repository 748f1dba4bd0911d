/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MIKEY message as JSON (docs/mikeytool-json.md).
 */
#ifndef TOOL_DECODE_H
#define TOOL_DECODE_H

#include <jansson.h>

#include "mikey/msg.h"

/** Room for the line that tells what is wrong with a message. */
#define MT_WHY 200

/**
 * How many regions (TP Data, Ticket Data, Initiator Data) inside each other
 * are taken apart; what lies deeper is shown as octets.
 */
#define MT_NEST 8

/** A message being decoded. */
struct mt_decoder {
    const uint8_t *start; /* its first octet: offset 0 */
    char *why;            /* MT_WHY bytes */
    unsigned depth;       /* regions around the payload */
};

/**
 * Decode a whole message.
 *
 * @param msg  the message, exactly
 * @param why  on failure where and what
 * @return a new reference, or NULL for a message that is not well-formed
 */
json_t *mt_decode(struct ts_span msg, char why[static MT_WHY]);

/** Offset of a place in the message. */
size_t mt_offset(const struct mt_decoder *d, const uint8_t *at);

/** Say what is wrong, and where; returns false. */
bool mt_wrong(const struct mt_decoder *d, const uint8_t *at, const char *in,
              enum ts_err err);

/**
 * Append each payload of a chain to an array.
 *
 * @return false after mt_wrong()
 */
bool mt_decode_chain(const struct mt_decoder *d, struct mikey_chain *c,
                     json_t *payloads);

/** Put the fields of one payload into its object. */
bool mt_decode_payload(const struct mt_decoder *d,
                       const struct mikey_payload *p, json_t *object);

/** Put the fields that TP and TICKET share, and those of TICKET. */
bool mt_decode_tp(const struct mt_decoder *d, const struct mikey_tp *tp,
                  json_t *object);
bool mt_decode_ticket(const struct mt_decoder *d, const struct mikey_ticket *t,
                      json_t *object);

#endif
