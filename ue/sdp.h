/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SDP offer and answer of a protected audio call (RFC 3264, RFC 4566), with
 * the key management line of RFC 4567. The reader is strict: what is not
 * clearly a protected call that this UE can carry is refused with a reason.
 *
 * It accepts exactly one a=key-mgmt line, at session level, of the protocol
 * mikey; an audio line of profile RTP/SAVP with PCMU or PCMA and a port; a
 * numeric unicast address; both directions. Other m-lines may stand beside it,
 * whatever they say, and are answered with port 0. Empty lines at the end are
 * ignored.
 */
#ifndef UE_SDP_H
#define UE_SDP_H

#include "base/bytes.h"
#include "base/err.h"

/** Most m-lines in one description. */
#define UE_SDP_MEDIA_MAX 32

/** Payload types of RFC 3551. */
enum { UE_PCMU = 0, UE_PCMA = 8 };

/** What a description says; spans point into the text that was read. */
struct ue_sdp {
    char host[46];      /* where media goes to: numeric address */
    bool ipv6;          /* and its family */
    uint16_t port;      /* and its port, never 0 */
    uint8_t pt;         /* UE_PCMU or UE_PCMA, the first that is listed */
    struct ts_span key; /* what stands behind "a=key-mgmt:", "mikey ..." */
    unsigned medias;    /* number of m-lines */
    unsigned audio;     /* index of the one that is used */
    struct ts_span media[UE_SDP_MEDIA_MAX]; /* what stands behind "m=" */
    const char *fault; /* why it was refused, for a person; else NULL */
};

/** The own side of a description. */
struct ue_sdp_own {
    const char *host; /* numeric address */
    bool ipv6;        /* its family */
    uint16_t port;    /* RTP port */
    uint32_t session; /* number in the o= line */
    const char *key;  /* value behind "a=key-mgmt:" */
};

/**
 * Read an offer.
 *
 * @param text  the body as received, any octets; must outlive out
 * @param out   filled in; out->fault is set on every failure
 * @return OK; E_FORMAT for what is no SDP or not base64; E_MISSING without
 *         key-mgmt, audio or address; E_DUPLICATE for two key-mgmt lines;
 *         E_UNSUPPORTED for what RFC 4567 allows but this UE refuses (other
 *         protocol, media level) and for RTP/AVP; E_RANGE, E_FULL for sizes
 */
TS_MUST enum ts_err ue_sdp_read_offer(struct ts_span text, struct ue_sdp *out);

/** As ue_sdp_read_offer() for the answer to an offer with one m-line. */
TS_MUST enum ts_err ue_sdp_read_answer(struct ts_span text, struct ue_sdp *out);

/**
 * Write an offer.
 *
 * @param own   what is offered
 * @param out   gets the text, without NUL
 * @param cap   its size in bytes
 * @param len   gets the length of the text
 * @return OK or E_SPACE
 */
TS_MUST enum ts_err ue_sdp_write_offer(const struct ue_sdp_own *own, char *out,
                                       size_t cap, size_t *len);

/** As ue_sdp_write_offer(), for the answer to an offer that was read. */
TS_MUST enum ts_err ue_sdp_write_answer(const struct ue_sdp_own *own,
                                        const struct ue_sdp *offer, char *out,
                                        size_t cap, size_t *len);

#endif
