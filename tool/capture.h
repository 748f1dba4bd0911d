/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding MIKEY messages in captured frames:
 *
 *     frame -> capture_ip    link, IP, fragments, UDP and TCP
 *           -> capture_tcp   segments in order, flow by flow
 *           -> capture_stream  SIP, HTTP, RTSP messages in a stream; MIKEY
 *           -> capture_find  MIKEY in them, in datagrams, in SDP
 *
 * Everything here is from strangers. What cannot be read is passed over; memory
 * is bounded, and what it costs is said by a note.
 */
#ifndef TOOL_CAPTURE_H
#define TOOL_CAPTURE_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"
#include "tool/when.h"

/** One end of a datagram or stream. */
struct mt_end {
    bool v6;
    uint8_t addr[16]; /* 4 or 16 octets of it */
    uint16_t port;
};

/** Where something was found: the frame with which it was complete. */
struct mt_place {
    uint64_t frame; /* from 1 on */
    struct mt_when when;
    struct mt_end from, to;
};

/** What was found. */
struct mt_found {
    const struct mt_place *place;
    const char *carrier; /* udp-2269, tcp-2269, sip, sdp, http, rtsp */
    const char *form;    /* raw, base64, sdp */
    struct ts_span msg;  /* a message, to be decoded */
    const char *why;     /* or, if not NULL, why there is none */
};

/** Who takes it. */
struct mt_sink {
    void (*found)(void *arg, const struct mt_found *found);
    void (*note)(void *arg, const char *line);
    void *arg;
};

/** Room for an end as text. */
#define MT_END 64

/** "192.0.2.1:5060" or "[2001:db8::1]:5060"; returns text. */
const char *mt_end_text(const struct mt_end *end, char text[static MT_END]);

struct mt_capture;

/** A capture of the given link type (LINKTYPE_ of pcap); NULL: no memory. */
struct mt_capture *mt_capture_new(int link, const struct mt_sink *sink);

/** Whether frames of a link type can be read. */
bool mt_link_known(int link);

/**
 * Take the next frame.
 *
 * @return OK, also for a frame that is nothing to us; E_NOMEM
 */
TS_MUST enum ts_err mt_capture_frame(struct mt_capture *c, struct mt_when when,
                                     struct ts_span frame);

/** The end: give what is still waiting for more. OK or E_NOMEM. */
TS_MUST enum ts_err mt_capture_end(struct mt_capture *c);

/** Frames so far. */
uint64_t mt_capture_frames(const struct mt_capture *c);

/** Release; NULL is allowed. */
void mt_capture_free(struct mt_capture *c);

/* --- capture files (tool/capture_file.c) --- */

/** Octets of a file that mt_is_capture() looks at. */
#define MT_MAGIC 12

/** Whether a file is pcap or pcapng, by how it begins. */
bool mt_is_capture(struct ts_span start);

/** Room for the reason why a file cannot be read. */
#define MT_FILE_WHY 300

/**
 * Read a capture file.
 *
 * @param f       closed in the end
 * @param frames  gets the number of frames that were read
 * @param why     on failure what is wrong
 * @return OK; E_NOMEM; E_FORMAT, also behind a good beginning; E_UNSUPPORTED
 *         for a link type
 */
TS_MUST enum ts_err mt_capture_file(FILE *f, const struct mt_sink *sink,
                                    uint64_t *frames,
                                    char why[static MT_FILE_WHY]);

#endif
