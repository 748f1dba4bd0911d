/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audio of one call: G.711 in RTP under SRTP, 20 ms a packet. Nothing is
 * sent and nothing is played before there are keys; what does not come from
 * the SSRC of the keys, does not authenticate or was seen before is dropped
 * and counted.
 *
 * Runs in libre's event loop.
 */
#ifndef UE_MEDIA_H
#define UE_MEDIA_H

#include "ue/keying.h"
#include "ue/sdp.h"
#include "ue/wav.h"

struct ue_media;

/** Packets so far; received = authenticated + dropped. */
struct ue_media_counts {
    uint64_t sent;
    uint64_t received;
    uint64_t authenticated;
    uint64_t dropped;
};

/** Once in a process, before the first call. OK or E_INTERNAL. */
TS_MUST enum ts_err ue_media_init(void);

/** The end of ue_media_init(). */
void ue_media_exit(void);

/**
 * Take a port.
 *
 * @param out   gets the state; ue_media_close() releases it
 * @param host  numeric address of this machine, either family
 * @return OK, E_FORMAT (no address), E_IO, E_NOMEM
 */
TS_MUST enum ts_err ue_media_open(struct ue_media **out, const char *host);

/** The port that was taken, an even number. */
uint16_t ue_media_port(const struct ue_media *m);

/**
 * Give the keys; from here on packets are received.
 *
 * @param keys  copied where needed, not kept
 * @param pt    UE_PCMU or UE_PCMA
 * @param rec   what is heard goes there, or NULL; owned by m from here on
 * @return OK, E_STATE when there are keys already, E_RANGE, E_NOMEM
 */
TS_MUST enum ts_err ue_media_key(struct ue_media *m,
                                 const struct ue_media_keys *keys, uint8_t pt,
                                 struct ue_recorder *rec);

/**
 * Begin to send: the file once, then silence until ue_media_close().
 *
 * @param peer  where to, as read from its SDP
 * @param wav   what to send, or NULL for silence; must outlive m
 * @return OK, E_STATE without keys, E_FORMAT for an address of another family
 */
TS_MUST enum ts_err ue_media_talk(struct ue_media *m, const struct ue_sdp *peer,
                                  const struct ue_wav *wav);

/** Stop sending; packets are still received. */
void ue_media_hush(struct ue_media *m);

/** Packets so far. */
struct ue_media_counts ue_media_counts(const struct ue_media *m);

/** Stop and release. NULL is ignored. */
void ue_media_close(struct ue_media *m);

#endif
