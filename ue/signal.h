/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP signalling of a UE, whatever stack does it. An endpoint has one
 * identity, one address that it listens on, and any number of sessions. A
 * session is one INVITE, sent or received, and the dialogs that grow from it:
 * an INVITE that forks has several early dialogs, numbered from 0 in the order
 * in which they were seen, of which at most one is answered.
 *
 * Bodies are handed through as octets: what they mean is the caller's
 * business. All of it runs in libre's event loop; nothing here waits.
 */
#ifndef UE_SIGNAL_H
#define UE_SIGNAL_H

#include "base/bytes.h"
#include "base/err.h"

struct ue_signal;
struct ue_session;

/** What an endpoint is; strings are borrowed. */
struct ue_signal_conf {
    const char *identity; /* "sip:alice@example.org" */
    const char *listen;   /* "192.0.2.1:5060", "[::1]:0"; NULL with a proxy:
                             the address that leads there, any port */
    const char *proxy;    /* "tcp:HOST:PORT", "udp:[::1]:5060"; NULL: calls go
                             straight to the host of the URI, over TCP */
};

enum ue_signal_kind {
    UE_SIGNAL_REGISTERED,     /* and again after each refresh */
    UE_SIGNAL_NOT_REGISTERED, /* code, text; tried again by itself */
    UE_SIGNAL_INCOMING,       /* session, peer, body: an INVITE came */
    UE_SIGNAL_PROGRESS,       /* session, dialog, code, body: 101 to 199 */
    UE_SIGNAL_ANSWERED,       /* session, dialog, body: 2xx; the ACK leaves
                                  when the handler returns */
    UE_SIGNAL_CONFIRMED,      /* session: the ACK to our 2xx came */
    UE_SIGNAL_ENDED,          /* session, code, text, by_peer: the last event
                                  of a session, which is gone afterwards; code
                                  0 is a BYE, else the final response */
    UE_SIGNAL_CLOSED,         /* the last event of an endpoint */
};

/** What happened. Pointers are valid during the handler only. */
struct ue_signal_event {
    enum ue_signal_kind kind;
    struct ue_session *session;
    void *owner;      /* as given to the session */
    unsigned dialog;  /* number of the dialog within the session */
    unsigned code;    /* SIP status code */
    const char *text; /* for a person */
    const char *peer; /* From URI as claimed: proves nothing */
    struct ts_span body;
    bool by_peer;
};

typedef void (*ue_signal_fn)(const struct ue_signal_event *event, void *arg);

/**
 * Open an endpoint.
 *
 * @param out   gets it; ue_signal_close() ends it
 * @param conf  must outlive it
 * @param fn    called for every event, with arg
 * @return OK; E_CONFIG for an address that cannot be used, E_NOTFOUND for a
 *         proxy whose name has no address, E_EXISTS when the port is taken,
 *         E_IO, E_NOMEM
 */
TS_MUST enum ts_err ue_signal_open(struct ue_signal **out,
                                   const struct ue_signal_conf *conf,
                                   ue_signal_fn fn, void *arg);

/** The own numeric address, without port; media is bound to it as well. */
const char *ue_signal_host(const struct ue_signal *sig);

/** The own port. */
uint16_t ue_signal_port(const struct ue_signal *sig);

/** Register at the proxy and keep it so. E_STATE without a proxy, E_IO. */
TS_MUST enum ts_err ue_signal_register(struct ue_signal *sig);

/** Un-register and close; UE_SIGNAL_CLOSED follows. */
void ue_signal_close(struct ue_signal *sig);

/** Close at once, without a word to anybody. NULL is ignored. */
void ue_signal_abort(struct ue_signal *sig);

/**
 * Send an INVITE.
 *
 * @param out    gets the session
 * @param uri    who is called
 * @param body   an SDP offer, copied
 * @param owner  comes back in each event
 * @return OK, E_FORMAT for a URI that cannot be called, E_IO, E_NOMEM
 */
TS_MUST enum ts_err ue_session_invite(struct ue_session **out,
                                      struct ue_signal *sig, const char *uri,
                                      struct ts_span body, void *owner);

/** Take an incoming session: owner comes back in each of its events. */
void ue_session_own(struct ue_session *session, void *owner);

/** Say that the phone rings (180). OK, E_STATE, E_IO. */
TS_MUST enum ts_err ue_session_ring(struct ue_session *session);

/** Answer with 200 and an SDP answer, repeated until the ACK comes. */
TS_MUST enum ts_err ue_session_answer(struct ue_session *session,
                                      struct ts_span body);

/**
 * Refuse an incoming session; no event follows and the session is gone.
 *
 * @param code     400 to 699
 * @param reason   of the status line
 * @param warning  306 or 399 (RFC 3261 20.43), or 0 for no Warning header
 * @param text     of the warning, without quotes
 */
void ue_session_reject(struct ue_session *session, unsigned code,
                       const char *reason, unsigned warning, const char *text);

/**
 * End it by CANCEL or BYE, as its state wants; UE_SIGNAL_ENDED follows. Not for
 * an incoming session before its answer: ue_session_reject().
 */
void ue_session_end(struct ue_session *session);

/** No more events of this session; what is under way is finished silently. */
void ue_session_forget(struct ue_session *session);

#endif
