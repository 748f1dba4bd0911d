/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What signal_libre.c (endpoint) and session_libre.c (sessions) share. The
 * sessions stand on libre's transactions and dialogs, not on its sipsess,
 * which has one dialog and no PRACK: docs/signalling.md.
 */
#ifndef UE_SIGNAL_LIBRE_H
#define UE_SIGNAL_LIBRE_H

#include <re.h>

#include "ue/signal.h"

struct ue_signal {
    const struct ue_signal_conf *conf;
    ue_signal_fn fn;
    void *arg;
    struct sip *sip;
    struct sip_lsnr *requests, *responses;
    struct sipreg *reg;
    struct list sessions;
    struct tmr over; /* runs when the stack has closed */
    enum sip_transp tp;
    struct sa local;
    char host[46];     /* own address */
    char user[128];    /* user part of Contact */
    char contact[256]; /* whole header line */
    char route[128];   /* URI of the proxy, empty without one */
};

/** Give an event to the owner of the endpoint. */
void ue_signal_emit(struct ue_signal *sig, const struct ue_signal_event *event);

/** An INVITE outside a dialog. */
void ue_session_incoming(struct ue_signal *sig, const struct sip_msg *msg);

/**
 * A request in a dialog.
 *
 * @return false if no session has this dialog
 */
bool ue_session_request(struct ue_signal *sig, const struct sip_msg *msg);

/** Another method than those: 200 to OPTIONS, else 405 with Allow. */
void ue_signal_other(struct ue_signal *sig, const struct sip_msg *msg);

/** A response that belongs to no transaction: perhaps a 2xx once more. */
void ue_session_stray(struct ue_signal *sig, const struct sip_msg *msg);

#endif
