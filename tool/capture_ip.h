/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a frame to a UDP datagram or TCP segment: link layer, IPv4 and IPv6,
 * fragments. Checksums are not looked at: on the machine that sent a packet
 * they are often not there yet.
 */
#ifndef TOOL_CAPTURE_IP_H
#define TOOL_CAPTURE_IP_H

#include "tool/capture.h"

#define MT_TCP 6
#define MT_UDP 17

/** A datagram or segment. */
struct mt_packet {
    struct mt_end from, to;
    uint8_t protocol; /* MT_TCP, MT_UDP */
    uint32_t seq;     /* TCP, as the flags */
    bool syn, fin, rst;
    struct ts_span data;
};

struct mt_frags;

/** Datagrams of which fragments have come; NULL: no memory. */
struct mt_frags *mt_frags_new(const struct mt_sink *sink);

/** Release; NULL is allowed. */
void mt_frags_free(struct mt_frags *frags);

/** A fragment, and of what. */
struct mt_frag {
    struct mt_end from, to; /* port 0 */
    uint32_t id;
    uint8_t protocol;
    uint16_t offset; /* octets */
    bool more;
    struct ts_span data;
};

/**
 * Take a fragment. Of octets that come twice the first ones count. Up to 64
 * datagrams are kept at a time; then the oldest is dropped.
 *
 * @param whole  gets all of the datagram; valid until the next call
 * @return OK when it is whole, E_AGAIN as long as it is not, E_FORMAT for a
 *         fragment that belongs nowhere, E_NOMEM
 */
TS_MUST enum ts_err mt_frags_take(struct mt_frags *frags,
                                  const struct mt_frag *frag,
                                  struct ts_span *whole);

/**
 * Find the IP packet in a frame.
 *
 * @param link  LINKTYPE_ of pcap
 * @return OK; E_SHORT; E_UNKNOWN if there is none, or for the link type
 */
TS_MUST enum ts_err mt_link_read(int link, struct ts_span frame,
                                 struct ts_span *ip);

/**
 * Read an IP packet.
 *
 * @param p  filled in; its data are a view into ip or, of a datagram that has
 *           become whole, valid until the next call
 * @return OK; E_AGAIN for a fragment; E_UNKNOWN for what is neither UDP nor
 *         TCP; E_SHORT, E_FORMAT; E_NOMEM
 */
TS_MUST enum ts_err mt_ip_read(struct mt_frags *frags, struct ts_span ip,
                               struct mt_packet *p);

#endif
