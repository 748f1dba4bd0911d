/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a TCP connection, octet after octet: SIP, HTTP and RTSP
 * messages in it, or on port 2269 MIKEY messages one behind the other.
 *
 * What does not begin with a start line is passed over line by line, so a
 * stream can be joined in the middle, and again behind a gap.
 */
#ifndef TOOL_CAPTURE_STREAM_H
#define TOOL_CAPTURE_STREAM_H

#include "tool/capture.h"
#include "tool/capture_text.h"

enum mt_stream_state {
    MT_AT_HEAD,   /* a head, or what is none */
    MT_AT_BODY,   /* left octets of a body that is wanted */
    MT_AT_REST,   /* a body that is wanted and lasts to the end */
    MT_AT_SKIP,   /* left octets that nobody wants */
    MT_AT_CHUNK,  /* the line before a chunk */
    MT_IN_CHUNK,  /* left octets of it */
    MT_CHUNK_END, /* the end of line behind it */
    MT_TRAILER,   /* lines behind the last one */
    MT_DEAD,      /* MIKEY that is none: nothing more is to be had */
};

/** A stream; all zero at first, but for mikey. */
struct mt_stream {
    bool mikey; /* port 2269 */
    enum mt_stream_state state;
    uint8_t *b;          /* octets that are not used up */
    size_t n, cap;       /* in b, of b */
    size_t pos;          /* of the first one that was not looked at */
    size_t body;         /* octets of chunks at the start of b, below pos */
    size_t scanned;      /* behind pos, no end of a head before it; of MIKEY the
                       offset of the next payload */
    uint8_t next;        /* type of that payload */
    uint64_t left;       /* see the states */
    bool known;          /* a start line was seen */
    struct mt_head head; /* of the body; its views are no longer valid */
};

/**
 * Take the next octets.
 *
 * @param place  where they were, given on with what is found
 * @return OK or E_NOMEM
 */
TS_MUST enum ts_err mt_stream_feed(struct mt_stream *s, struct ts_span data,
                                   const struct mt_place *place,
                                   const struct mt_sink *sink);

/** Here octets are missing: give what can be read of the last message. */
void mt_stream_gap(struct mt_stream *s, uint64_t octets,
                   const struct mt_place *place, const struct mt_sink *sink);

/** The end of the stream: the same, and release everything. */
void mt_stream_end(struct mt_stream *s, const struct mt_place *place,
                   const struct mt_sink *sink);

#endif
