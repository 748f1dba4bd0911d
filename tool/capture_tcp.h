/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP: the octets of each direction of a connection in their order. Segments
 * may come late, twice, or overlap; of octets that come twice the first ones
 * count. Memory is bounded: too many flows, or too much that waits, and the
 * flow that was silent longest is dropped.
 */
#ifndef TOOL_CAPTURE_TCP_H
#define TOOL_CAPTURE_TCP_H

#include "tool/capture_ip.h"

/** Flows at a time, and octets of them that may wait in all. */
#define MT_FLOWS     4096
#define MT_FLOWS_MAX (32 * 1024 * 1024)

/** Octets, and segments, of one flow that may wait for one that is missing. */
#define MT_WAIT_MAX    (1024 * 1024)
#define MT_WAIT_PIECES 1024

struct mt_flows;

/** No flows yet; NULL: no memory. */
struct mt_flows *mt_flows_new(const struct mt_sink *sink);

/**
 * Take a segment.
 *
 * @param place  its frame; from and to are those of p
 * @return OK or E_NOMEM
 */
TS_MUST enum ts_err mt_flows_take(struct mt_flows *flows,
                                  const struct mt_packet *p,
                                  const struct mt_place *place);

/** The end of the capture: give what still waits. OK or E_NOMEM. */
TS_MUST enum ts_err mt_flows_end(struct mt_flows *flows);

/** Release; NULL is allowed. */
void mt_flows_free(struct mt_flows *flows);

#endif
