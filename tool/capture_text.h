/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of SIP, HTTP and RTSP messages, as far as they matter here: a start
 * line, headers, and how long the body is. Lines may end in LF alone.
 */
#ifndef TOOL_CAPTURE_TEXT_H
#define TOOL_CAPTURE_TEXT_H

#include "base/bytes.h"

enum mt_protocol { MT_NO_TEXT, MT_SIP, MT_HTTP, MT_RTSP };

/** What a body may hold for us. */
enum mt_body {
    MT_BODY_OTHER,
    MT_BODY_SDP,   /* SDP, or parts one of which may be SDP */
    MT_BODY_MIKEY, /* application/mikey */
};

/** A head. */
struct mt_head {
    enum mt_protocol protocol;
    bool response;
    unsigned status; /* of a response */
    struct ts_span headers;
    enum mt_body body;
    bool chunked; /* HTTP */
    bool has_length;
    uint64_t length; /* Content-Length */
};

/** The protocol that a start line belongs to, without the end of the line. */
enum mt_protocol mt_start_line(struct ts_span line);

/**
 * Where a head ends.
 *
 * @param text  begins with a start line
 * @param from  the end is known not to be before; it may be searched again in
 *              longer text from text.n - 3 on
 * @return offset of what follows the empty line; 0 if it is not there yet
 */
size_t mt_head_end(struct ts_span text, size_t from);

/** Read a whole head. */
struct mt_head mt_head_read(struct ts_span head);

/**
 * The next header.
 *
 * @param rest   headers that were not looked at yet
 * @param value  without blanks around; a folded one still has its line ends
 * @return false at the end
 */
bool mt_next_header(struct ts_span *rest, struct ts_span *name,
                    struct ts_span *value);

/** The next line, without its end; false at the end of rest. */
bool mt_next_line(struct ts_span *rest, struct ts_span *line);

/** Whether a text is a word, in small or large letters. */
bool mt_is_word(struct ts_span text, const char *word);

#endif
