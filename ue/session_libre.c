/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/signal_libre.h"

#include <errno.h>
#include <netinet/tcp.h>

enum {
    DIALOGS = 8, /* early dialogs of one INVITE */
    T1 = 500,    /* RFC 3261 17.1.1.1, in ms */
    T2 = 4000,
    ACK_WAIT = 64 * T1,
};

enum state {
    CALLING,   /* INVITE sent, no final response */
    CALLED,    /* INVITE received, not answered */
    ACCEPTING, /* 2xx received, ACK not sent: the handler is running */
    ACCEPTED,  /* 2xx sent, ACK not received */
    UP,
    LEAVING, /* BYE or CANCEL sent */
};

struct ue_session {
    struct le le;
    struct ue_signal *sig;
    void *owner;
    enum state state;
    bool silent;             /* forgotten by its owner */
    bool ending;             /* to be ended as soon as that is possible */
    struct sip_dialog *root; /* ours, of an INVITE that we sent */
    struct sip_dialog *dialogs[DIALOGS + 1]; /* one is kept for a 2xx */
    unsigned count;
    struct sip_dialog *up;     /* the one that was answered */
    uint32_t cseq;             /* of the INVITE */
    struct sip_request *req;   /* INVITE or BYE that is under way */
    struct sip_strans *strans; /* INVITE to be answered */
    struct sip_msg *invite;
    struct mbuf *final; /* our 2xx, until the ACK */
    struct tmr timer;
    uint64_t waited; /* for the ACK, in ms */
    uint64_t wait;
};

static void destroy(void *data)
{
    struct ue_session *s = data;
    list_unlink(&s->le);
    tmr_cancel(&s->timer);
    mem_deref(s->req);
    mem_deref(s->strans);
    mem_deref(s->invite);
    mem_deref(s->final);
    mem_deref(s->root);
    for (unsigned i = 0; i < s->count; i++)
        mem_deref(s->dialogs[i]);
    mem_deref(s->sig->sip);
}

static struct ue_session *create(struct ue_signal *sig, enum state state)
{
    struct ue_session *s = mem_zalloc(sizeof(*s), destroy);
    if (!s)
        return NULL;
    s->sig = sig;
    s->state = state;
    mem_ref(sig->sip);
    list_append(&sig->sessions, &s->le, s);
    return s;
}

static void emit(struct ue_session *s, struct ue_signal_event *event)
{
    event->session = s;
    event->owner = s->owner;
    if (!s->silent)
        ue_signal_emit(s->sig, event);
}

/* The last event, and the end of the session. */
static void finish(struct ue_session *s, unsigned code, const char *text,
                   bool by_peer)
{
    emit(s, &(struct ue_signal_event){.kind = UE_SIGNAL_ENDED,
                                      .code = code,
                                      .text = text,
                                      .by_peer = by_peer});
    mem_deref(s);
}

static void finish_error(struct ue_session *s, int err)
{
    finish(s, err == ETIMEDOUT ? 408 : 503, strerror(err), false);
}

/* The reason phrase, and what a Warning says beyond it. */
static void finish_response(struct ue_session *s, const struct sip_msg *msg)
{
    const struct sip_hdr *warning = sip_msg_hdr(msg, SIP_HDR_WARNING);
    char text[192];
    struct pl more;
    if (warning &&
        re_regex(warning->val.p, warning->val.l, "\"[^\"]+\"", &more) == 0)
        (void)re_snprintf(text, sizeof(text), "%r: %r", &msg->reason, &more);
    else
        (void)re_snprintf(text, sizeof(text), "%r", &msg->reason);
    finish(s, msg->scode, text, true);
}

static struct ts_span body_of(const struct sip_msg *msg)
{
    return ts_span(mbuf_buf(msg->mb), mbuf_get_left(msg->mb));
}

/* The dialog of a message, -1 if there is none. */
static int find_dialog(const struct ue_session *s, const struct sip_msg *msg)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (sip_dialog_cmp(s->dialogs[i], msg))
            return (int)i;
    }
    return -1;
}

/* The dialog of a response to our INVITE; a new one for a tag not yet seen. */
static int take_dialog(struct ue_session *s, const struct sip_msg *msg)
{
    int i = find_dialog(s, msg);
    unsigned places = msg->scode < 200 ? DIALOGS : DIALOGS + 1;
    if (i >= 0 || s->count == places || !pl_isset(&msg->to.tag))
        return i;
    if (sip_dialog_fork(&s->dialogs[s->count], s->root, msg))
        return -1;
    return (int)s->count++;
}

static void send_ack(struct ue_session *s, struct sip_dialog *dialog)
{
    (void)sip_drequestf(NULL, s->sig->sip, false, "ACK", dialog, s->cseq, NULL,
                        NULL, NULL, NULL, "Content-Length: 0\r\n\r\n");
}

/* Only a 2xx is a clean end; the session is over in any case. */
static void on_bye_answered(int err, const struct sip_msg *msg, void *arg)
{
    struct ue_session *s = arg;
    if (err)
        finish_error(s, err);
    else if (msg->scode >= 300)
        finish_response(s, msg);
    else if (msg->scode >= 200)
        finish(s, 0, "hung up", false);
}

static void on_over(void *arg)
{
    finish_error(arg, EIO);
}

static void send_bye(struct ue_session *s)
{
    s->state = LEAVING;
    if (sip_drequestf(&s->req, s->sig->sip, true, "BYE", s->up, 0, NULL, NULL,
                      on_bye_answered, s, "Content-Length: 0\r\n\r\n"))
        tmr_start(&s->timer, 0, on_over, s);
}

/* A 2xx of a branch that nobody waits for. */
static void drop_branch(struct ue_session *s, struct sip_dialog *dialog)
{
    send_ack(s, dialog);
    (void)sip_drequestf(NULL, s->sig->sip, true, "BYE", dialog, 0, NULL, NULL,
                        NULL, NULL, "Content-Length: 0\r\n\r\n");
}

static void on_accepted(struct ue_session *s, const struct sip_msg *msg)
{
    int i = take_dialog(s, msg);
    if (i < 0) {
        finish(s, 500, "answer without Contact or tag", true);
        return;
    }
    s->up = s->dialogs[i];
    s->state = ACCEPTING;
    if (!s->ending)
        emit(s, &(struct ue_signal_event){.kind = UE_SIGNAL_ANSWERED,
                                          .dialog = (unsigned)i,
                                          .code = msg->scode,
                                          .body = body_of(msg)});
    send_ack(s, s->up);
    s->state = UP;
    if (s->ending)
        send_bye(s);
}

static void on_invite_answered(int err, const struct sip_msg *msg, void *arg)
{
    struct ue_session *s = arg;
    if (err) {
        finish_error(s, err);
        return;
    }
    s->cseq = msg->cseq.num;
    if (msg->scode >= 300) {
        finish_response(s, msg);
    } else if (msg->scode >= 200) {
        on_accepted(s, msg);
    } else if (msg->scode > 100 && !s->ending) {
        int i = take_dialog(s, msg);
        emit(s, &(struct ue_signal_event){.kind = UE_SIGNAL_PROGRESS,
                                          .dialog = i < 0 ? 0 : (unsigned)i,
                                          .code = msg->scode,
                                          .body = body_of(msg)});
    }
}

/* Nothing in a URI may end the header that it stands in. */
static bool is_plain(const char *uri)
{
    for (const char *p = uri; *p; p++) {
        if (*p <= ' ' || *p > '~' || strchr("<>\"", *p))
            return false;
    }
    return true;
}

/* The dialog of a call to uri, through the proxy or straight there. */
static enum ts_err make_root(struct ue_session *s, const char *uri)
{
    const struct ue_signal *sig = s->sig;
    const char *route[] = {sig->route};
    uint32_t routes = sig->route[0] ? 1 : 0;
    const char *transport =
        routes || strstr(uri, ";transport=") ? "" : sip_transp_param(sig->tp);
    char target[512];
    struct uri parts;
    struct pl text;
    pl_set_str(&text, uri);
    if (!is_plain(uri) || uri_decode(&parts, &text) ||
        (!routes && pl_strcasecmp(&parts.scheme, "sip")) ||
        re_snprintf(target, sizeof(target), "%s%s", uri, transport) < 0)
        return TS_E_FORMAT;
    int err = sip_dialog_alloc(&s->root, target, uri, NULL, sig->conf->identity,
                               route, routes);
    return err == ENOMEM ? TS_E_NOMEM : err ? TS_E_FORMAT : TS_OK;
}

enum ts_err ue_session_invite(struct ue_session **out, struct ue_signal *sig,
                              const char *uri, struct ts_span body, void *owner)
{
    struct ue_session *s = create(sig, CALLING);
    *out = NULL;
    if (!s)
        return TS_E_NOMEM;
    s->owner = owner;
    enum ts_err err = make_root(s, uri);
    if (!err && sip_drequestf(&s->req, sig->sip, true, "INVITE", s->root, 0,
                              NULL, NULL, on_invite_answered, s,
                              "%sAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
                              "Content-Type: application/sdp\r\n"
                              "Content-Length: %zu\r\n\r\n%b",
                              sig->contact, body.n, body.p, body.n))
        err = TS_E_IO;
    if (err)
        mem_deref(s);
    else
        *out = s;
    return err;
}

static void on_cancelled(void *arg)
{
    struct ue_session *s = arg;
    (void)sip_treply(&s->strans, s->sig->sip, s->invite, 487,
                     "Request Terminated");
    finish(s, 487, "the caller gave up", true);
}

/* The 200 must not wait until the peer's kernel confirms the 180. */
static void send_at_once(const struct sip_msg *msg)
{
    const int on = 1;
    int fd = tcp_conn_fd(sip_msg_tcpconn(msg));
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void ue_session_incoming(struct ue_signal *sig, const struct sip_msg *msg)
{
    struct ue_session *s = create(sig, CALLED);
    char peer[257];
    if (!s || sip_dialog_accept(&s->dialogs[0], msg)) {
        (void)sip_reply(sig->sip, msg, s ? 400 : 503,
                        s ? "Bad Request" : "Out Of Memory");
        mem_deref(s);
        return;
    }
    s->up = s->dialogs[0];
    s->count = 1;
    send_at_once(msg);
    s->invite = mem_ref((struct sip_msg *)(uintptr_t)msg);
    if (sip_strans_alloc(&s->strans, sig->sip, msg, on_cancelled, s)) {
        mem_deref(s);
        return;
    }
    if (pl_strcpy(&msg->from.auri, peer, sizeof(peer)))
        peer[0] = '\0';
    emit(s, &(struct ue_signal_event){.kind = UE_SIGNAL_INCOMING,
                                      .peer = peer,
                                      .body = body_of(msg)});
}

void ue_session_own(struct ue_session *s, void *owner)
{
    s->owner = owner;
}

enum ts_err ue_session_ring(struct ue_session *s)
{
    if (s->state != CALLED || !s->strans)
        return TS_E_STATE;
    int err =
        sip_treplyf(&s->strans, NULL, s->sig->sip, s->invite, true, 180,
                    "Ringing", "%sContent-Length: 0\r\n\r\n", s->sig->contact);
    return err ? TS_E_IO : TS_OK;
}

/* The 2xx once more, until the ACK is there (RFC 3261 13.3.1.4). */
static void on_no_ack(void *arg)
{
    struct ue_session *s = arg;
    s->waited += s->wait;
    if (s->waited >= ACK_WAIT) {
        send_bye(s);
        return;
    }
    struct sa to;
    sip_reply_addr(&to, s->invite, false);
    (void)sip_send(s->sig->sip, s->invite->sock, s->invite->tp, &to, s->final);
    s->wait = s->wait * 2 > T2 ? T2 : s->wait * 2;
    tmr_start(&s->timer, s->wait, on_no_ack, s);
}

enum ts_err ue_session_answer(struct ue_session *s, struct ts_span body)
{
    if (s->state != CALLED)
        return TS_E_STATE;
    s->state = ACCEPTED;
    int err = sip_treplyf(&s->strans, &s->final, s->sig->sip, s->invite, true,
                          200, "OK",
                          "%sContent-Type: application/sdp\r\n"
                          "Content-Length: %zu\r\n\r\n%b",
                          s->sig->contact, body.n, body.p, body.n);
    s->wait = T1;
    tmr_start(&s->timer, err ? 0 : s->wait, on_no_ack, s);
    return TS_OK;
}

void ue_session_reject(struct ue_session *s, unsigned code, const char *reason,
                       unsigned warning, const char *text)
{
    struct ue_signal *sig = s->sig;
    char header[256] = "";
    if (warning)
        (void)re_snprintf(header, sizeof(header), "Warning: %u %J \"%s\"\r\n",
                          warning, &sig->local, text);
    (void)sip_treplyf(&s->strans, NULL, sig->sip, s->invite, false,
                      (uint16_t)code, reason, "%sContent-Length: 0\r\n\r\n",
                      header);
    mem_deref(s);
}

void ue_session_end(struct ue_session *s)
{
    switch (s->state) {
    case CALLING:
        s->ending = true;
        sip_request_cancel(s->req);
        break;
    case ACCEPTING: /* the ACK must go first */
    case ACCEPTED:  /* no BYE before the ACK (RFC 3261 15) */
        s->ending = true;
        break;
    case UP:
        send_bye(s);
        break;
    case CALLED:
    case LEAVING:
        break;
    }
}

void ue_session_forget(struct ue_session *s)
{
    s->silent = true;
    s->owner = NULL;
}

static void on_ack(struct ue_session *s)
{
    if (s->state != ACCEPTED)
        return;
    tmr_cancel(&s->timer);
    s->final = mem_deref(s->final);
    s->state = UP;
    if (s->ending)
        send_bye(s);
    else
        emit(s, &(struct ue_signal_event){.kind = UE_SIGNAL_CONFIRMED});
}

static void on_bye(struct ue_session *s, const struct sip_msg *msg)
{
    (void)sip_reply(s->sig->sip, msg, 200, "OK");
    if (s->strans)
        (void)sip_treply(&s->strans, s->sig->sip, s->invite, 487,
                         "Request Terminated");
    finish(s, 0, "hung up", true);
}

bool ue_session_request(struct ue_signal *sig, const struct sip_msg *msg)
{
    struct ue_session *s = NULL;
    for (struct le *le = sig->sessions.head; le && !s; le = le->next) {
        if (find_dialog(le->data, msg) >= 0)
            s = le->data;
    }
    if (pl_strcmp(&msg->met, "ACK") == 0) {
        if (s)
            on_ack(s);
        return true; /* an ACK is never answered */
    }
    if (!s)
        return false;
    if (!sip_dialog_rseq_valid(s->up ? s->up : s->root, msg))
        (void)sip_reply(sig->sip, msg, 500, "Out Of Order");
    else if (pl_strcmp(&msg->met, "BYE") == 0)
        on_bye(s, msg);
    else if (pl_strcmp(&msg->met, "INVITE") == 0)
        (void)sip_treplyf(NULL, NULL, sig->sip, msg, false, 488,
                          "Not Acceptable Here",
                          "Warning: 399 tessera \"sessions do not change\"\r\n"
                          "Content-Length: 0\r\n\r\n");
    else
        ue_signal_other(sig, msg);
    return true;
}

/* A 2xx without a place: end it from a dialog that is made for that. */
static void drop_stray(struct ue_session *s, const struct sip_msg *msg)
{
    struct sip_dialog *dialog = NULL;
    if (pl_isset(&msg->to.tag) && !sip_dialog_fork(&dialog, s->root, msg))
        drop_branch(s, dialog);
    mem_deref(dialog);
}

void ue_session_stray(struct ue_signal *sig, const struct sip_msg *msg)
{
    if (msg->scode < 200 || msg->scode > 299 ||
        pl_strcmp(&msg->cseq.met, "INVITE") != 0)
        return;
    for (struct le *le = sig->sessions.head; le; le = le->next) {
        struct ue_session *s = le->data;
        if (!s->root || !sip_dialog_cmp_half(s->root, msg))
            continue;
        int i = take_dialog(s, msg);
        if (i >= 0 && s->dialogs[i] == s->up)
            send_ack(s, s->up);
        else if (i >= 0)
            drop_branch(s, s->dialogs[i]);
        else
            drop_stray(s, msg);
        return;
    }
}
