/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of a MIKEY message (docs/mikeytool-json.md) as octets: the reverse
 * of decode.h.
 *
 * Members that follow from others (lengths, counts, offsets, next payloads;
 * octets beside a view of them that people read) are not written from. When the
 * message is written it is decoded, and what was given must stand in that.
 */
#ifndef TOOL_ENCODE_H
#define TOOL_ENCODE_H

#include <stdio.h>

#include "tool/take.h"

/**
 * Encode a whole message.
 *
 * @param root   what mt_decode() gives, perhaps changed by hand
 * @param w      gets the message; holds nothing before
 * @param fix    pass over members that follow from others and are wrong
 * @param notes  with fix, gets a line for each member whose octets were so
 *               passed over; may be NULL
 * @param why    on failure path and reason
 * @return false for what is no well-formed message
 */
bool mt_encode(json_t *root, struct ts_writer *w, bool fix, FILE *notes,
               char why[static MT_LONG_WHY]);

/** A message being encoded. */
struct mt_encoder {
    struct mt_take t;
    struct ts_writer *w;
    unsigned depth; /* regions around the payload, as in struct mt_decoder */
};

/**
 * Append the items of the list "payloads", from the one at place first on.
 *
 * @param next_at  offset of the octet that names the first of them
 */
void mt_encode_chain(struct mt_encoder *e, struct mt_obj *o, size_t first,
                     size_t next_at);

/** Append the fields of a payload behind its next payload octet. */
void mt_encode_payload(struct mt_encoder *e, struct mt_obj *o, uint8_t type);

/** Append TP, TICKET. */
void mt_encode_tp(struct mt_encoder *e, struct mt_obj *o);
void mt_encode_ticket(struct mt_encoder *e, struct mt_obj *o);

/**
 * Append octets behind their length.
 *
 * @param octets       width of the length: 1 or 2
 * @param length_name  its member, which is not looked at
 */
void mt_encode_sized(struct mt_encoder *e, struct mt_obj *o, unsigned octets,
                     const char *length_name, const char *name);

/** End a region behind a 16-bit length; fails if it has become too long. */
void mt_encode_close(struct mt_encoder *e, const char *name, size_t mark);

/** Fail if the message has become too long. */
void mt_encode_fits(struct mt_encoder *e, const char *name);

#endif
