/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call: asks the KMS, signals, checks and lets the audio flow. A table in
 * call.c says what happens in which state.
 */
#ifndef UE_CALL_H
#define UE_CALL_H

#include <re.h>

#include "ue/conf.h"
#include "ue/kms.h"
#include "ue/output.h"
#include "ue/signal.h"

struct ue_call;

/** What all calls of a UE share. */
struct ue_call_env {
    const struct ue_conf *conf;
    const struct ue_output *out;
    const struct ue_wav *wav; /* what is sent, or NULL for silence */
    struct ue_signal *signal;
    struct ue_kms *kms;
    unsigned seconds; /* to hang up after, 0 for never */

    /* Told once a call, as the last thing that it does. answered: it came to
       keys; protected: and from there to a good end. */
    void (*over)(bool answered, bool protected, void *arg);
    void *arg;

    struct list calls; /* those that are under way */
};

/** No call goes there: RFC 5031, 3GPP TS 33.328 6.1. */
bool ue_call_is_emergency(const char *uri);

/**
 * Call somebody. env->over() tells the end, perhaps before this returns.
 *
 * @param env     must outlive the call
 * @param number  of the call, from 1
 * @param uri     who is called, borrowed
 * @return OK; or, without env->over(), E_NOMEM, E_RANGE (unusable credential)
 */
TS_MUST enum ts_err ue_call_place(struct ue_call_env *env, unsigned number,
                                  const char *uri);

/**
 * Take the call of an UE_SIGNAL_INCOMING event, or refuse it. As
 * ue_call_place().
 */
TS_MUST enum ts_err ue_call_incoming(struct ue_call_env *env, unsigned number,
                                     const struct ue_signal_event *event);

/** An event of the call's session, whose owner is the call. */
void ue_call_event(struct ue_call *call, const struct ue_signal_event *event);

/** Hang up all calls, whatever their state. */
void ue_call_hang_up_all(struct ue_call_env *env);

#endif
