/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIKEY messages in datagrams, in SDP (RFC 4567 3.1), in bodies of HTTP and in
 * KeyMgmt headers of RTSP (RFC 4567 3.2).
 */
#ifndef TOOL_CAPTURE_FIND_H
#define TOOL_CAPTURE_FIND_H

#include "tool/capture.h"
#include "tool/capture_text.h"
#include "tool/octets.h"

#define MT_MIKEY_PORT 2269

/** Longest body that is kept. */
#define MT_BODY_MAX MT_BASE64_MAX

/** Give a message, or why there is none. */
void mt_find_raw(struct ts_span msg, const char *carrier,
                 const struct mt_place *place, const struct mt_sink *sink);
void mt_find_none(const char *why, const char *carrier,
                  const struct mt_place *place, const struct mt_sink *sink);

/** The carrier of a message in a text message. */
const char *mt_carrier(const struct mt_head *head);

/** What the headers alone hold. */
void mt_find_in_head(const struct mt_head *head, const struct mt_place *place,
                     const struct mt_sink *sink);

/** What a body holds; whole: nothing of it is missing. */
void mt_find_in_body(const struct mt_head *head, struct ts_span body,
                     bool whole, const struct mt_place *place,
                     const struct mt_sink *sink);

/** What a UDP datagram holds. */
void mt_find_in_datagram(struct ts_span data, const struct mt_place *place,
                         const struct mt_sink *sink);

#endif
