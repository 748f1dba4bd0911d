/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a UE tells on standard output: one line a state, in plain words or,
 * for programs, as one JSON object (docs/ue-json.md).
 */
#ifndef UE_OUTPUT_H
#define UE_OUTPUT_H

#include "ue/media.h"

struct ue_output {
    bool json;
    bool colour; /* words only */
};

/** How a call ended. */
struct ue_ending {
    bool protected; /* and cleanly ended: nothing else counts as success */
    bool by_peer;
    unsigned code;   /* SIP status code, 0 if none */
    const char *why; /* for a person */
};

/** Words or JSON; colour if standard output is a terminal. */
struct ue_output ue_output_open(bool json);

/** Ready for calls at this address. */
void ue_output_listening(const struct ue_output *out, const char *host,
                         uint16_t port);

/** Registered at the proxy. */
void ue_output_registered(const struct ue_output *out, const char *identity);

/** A call was sent to peer, or one came that claims to be from peer. */
void ue_output_offered(const struct ue_output *out, unsigned call,
                       const char *peer, bool incoming);

/** The other phone rings. */
void ue_output_ringing(const struct ue_output *out, unsigned call);

/** The KMS vouches for this identity of the other side. */
void ue_output_proven(const struct ue_output *out, unsigned call,
                      const char *identity);

/** Protected audio may flow. */
void ue_output_talking(const struct ue_output *out, unsigned call,
                       const char *protection);

/** What flowed; once, when the call is over. */
void ue_output_media(const struct ue_output *out, unsigned call,
                     struct ue_media_counts counts);

/** A call is over. */
void ue_output_ended(const struct ue_output *out, unsigned call,
                     const struct ue_ending *ending);

#endif
