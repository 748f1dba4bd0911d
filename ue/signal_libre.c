/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/signal_libre.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TABLE = 32,    /* slots of libre's hash tables */
    EXPIRES = 300, /* of a registration, in seconds */
    SERVERS = 4,   /* name servers that are used */
};

#define ALLOW "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"

void ue_signal_emit(struct ue_signal *sig, const struct ue_signal_event *event)
{
    sig->fn(event, sig->arg);
}

static bool has_method(const struct sip_msg *msg, const char *method)
{
    return pl_strcmp(&msg->met, method) == 0;
}

static void on_invite(struct ue_signal *sig, const struct sip_msg *msg)
{
    const struct sip_hdr *require = sip_msg_hdr(msg, SIP_HDR_REQUIRE);
    if (require)
        (void)sip_replyf(sig->sip, msg, 420, "Bad Extension",
                         "Unsupported: %r\r\nContent-Length: 0\r\n\r\n",
                         &require->val);
    else if (mbuf_get_left(msg->mb) &&
             !msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
        (void)sip_replyf(sig->sip, msg, 415, "Unsupported Media Type",
                         "Accept: application/sdp\r\n"
                         "Content-Length: 0\r\n\r\n");
    else
        ue_session_incoming(sig, msg);
}

void ue_signal_other(struct ue_signal *sig, const struct sip_msg *msg)
{
    if (has_method(msg, "OPTIONS"))
        (void)sip_replyf(sig->sip, msg, 200, "OK",
                         ALLOW "Accept: application/sdp\r\n"
                               "Content-Length: 0\r\n\r\n");
    else
        (void)sip_replyf(sig->sip, msg, 405, "Method Not Allowed",
                         ALLOW "Content-Length: 0\r\n\r\n");
}

/* Everything that no transaction claims. Always handled: see on_response(). */
static bool on_request(const struct sip_msg *msg, void *arg)
{
    struct ue_signal *sig = arg;
    if (pl_isset(&msg->to.tag) || has_method(msg, "ACK")) {
        if (!ue_session_request(sig, msg))
            (void)sip_reply(sig->sip, msg, 481, "No Such Dialog");
    } else if (has_method(msg, "INVITE")) {
        on_invite(sig, msg);
    } else if (has_method(msg, "CANCEL")) {
        (void)sip_reply(sig->sip, msg, 481, "No Such Transaction");
    } else {
        ue_signal_other(sig, msg);
    }
    return true;
}

/* True, or libre would write to stderr about it. */
static bool on_response(const struct sip_msg *msg, void *arg)
{
    ue_session_stray(arg, msg);
    return true;
}

static void on_registered(int err, const struct sip_msg *msg, void *arg)
{
    struct ue_signal *sig = arg;
    char reason[64];
    struct ue_signal_event event = {.kind = UE_SIGNAL_NOT_REGISTERED};
    if (err) {
        event.text = strerror(err);
    } else {
        (void)pl_strcpy(&msg->reason, reason, sizeof(reason));
        event.code = msg->scode;
        event.text = reason;
        if (msg->scode < 300)
            event.kind = UE_SIGNAL_REGISTERED;
    }
    ue_signal_emit(sig, &event);
}

static void on_over(void *arg)
{
    struct ue_signal *sig = arg;
    ue_signal_fn fn = sig->fn;
    void *owner = sig->arg;
    ue_signal_abort(sig);
    fn(&(struct ue_signal_event){.kind = UE_SIGNAL_CLOSED}, owner);
}

/* Called from within the stack's destructor, so the rest must wait. */
static void on_closed(void *arg)
{
    struct ue_signal *sig = arg;
    tmr_start(&sig->over, 0, on_over, sig);
}

/* Address of the proxy, "tcp:HOST:PORT"; family AF_UNSPEC: any. */
static enum ts_err find_proxy(struct ue_signal *sig, int family,
                              struct sa *proxy)
{
    const char *text = sig->conf->proxy;
    const struct addrinfo hints = {.ai_family = family,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct pl transport, host, port;
    char name[256], service[8];
    if (re_regex(text, strlen(text), "[a-z]+:\\[[0-9a-f:.]+\\]:[0-9]+",
                 &transport, &host, &port) &&
        re_regex(text, strlen(text), "[a-z]+:[^:]+:[0-9]+", &transport, &host,
                 &port))
        return TS_E_CONFIG;
    sig->tp = pl_strcmp(&transport, "udp") ? SIP_TRANSP_TCP : SIP_TRANSP_UDP;
    if ((sig->tp == SIP_TRANSP_TCP && pl_strcmp(&transport, "tcp")) ||
        pl_strcpy(&host, name, sizeof(name)) ||
        pl_strcpy(&port, service, sizeof(service)) || pl_u32(&port) == 0 ||
        pl_u32(&port) > UINT16_MAX)
        return TS_E_CONFIG;
    if (getaddrinfo(name, service, &hints, &found))
        return TS_E_NOTFOUND;
    int err = sa_set_sa(proxy, found->ai_addr);
    freeaddrinfo(found);
    return err ? TS_E_NOTFOUND : TS_OK;
}

/* The own address on the way to the proxy; nothing is sent. */
static enum ts_err find_source(const struct sa *proxy, struct sa *local)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    int fd = socket(sa_af(proxy), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TS_E_IO;
    int err = connect(fd, &proxy->u.sa, proxy->len) ||
              getsockname(fd, (struct sockaddr *)&name, &len) ||
              sa_set_sa(local, (struct sockaddr *)&name);
    close(fd);
    sa_set_port(local, 0);
    return err ? TS_E_IO : TS_OK;
}

/* Where to listen, and the URI of the proxy. */
static enum ts_err find_addresses(struct ue_signal *sig, struct sa *local)
{
    const struct ue_signal_conf *conf = sig->conf;
    struct sa proxy;
    sig->tp = SIP_TRANSP_TCP;
    sa_init(local, AF_UNSPEC);
    if (conf->listen && (sa_decode(local, conf->listen, strlen(conf->listen)) ||
                         sa_is_any(local)))
        return TS_E_CONFIG;
    if (!conf->proxy)
        return conf->listen ? TS_OK : TS_E_CONFIG;
    enum ts_err err = find_proxy(sig, sa_af(local), &proxy);
    if (err)
        return err;
    if (!conf->listen && (err = find_source(&proxy, local)) != TS_OK)
        return err;
    if (re_snprintf(sig->route, sizeof(sig->route), "sip:%J%s", &proxy,
                    sip_transp_param(sig->tp)) < 0)
        return TS_E_CONFIG;
    return TS_OK;
}

/* Name servers are needed for names in URIs only: none is no error. */
static struct dnsc *make_resolver(void)
{
    struct sa servers[SERVERS];
    uint32_t n = SERVERS;
    struct dnsc *dnsc = NULL;
    if (dns_srv_get(NULL, 0, servers, &n) == 0 && n)
        (void)dnsc_alloc(&dnsc, NULL, servers, n);
    return dnsc;
}

static enum ts_err start_stack(struct ue_signal *sig, const struct sa *local)
{
    struct dnsc *dnsc = make_resolver();
    int err = sip_alloc(&sig->sip, dnsc, TABLE, TABLE, TABLE, "tessera-ue",
                        on_closed, sig);
    mem_deref(dnsc);
    if (err)
        return TS_E_NOMEM;
    err = sip_transp_add(sig->sip, sig->tp, local);
    if (!err)
        err = sip_transp_laddr(sig->sip, &sig->local, sig->tp, local);
    if (!err)
        err = sip_listen(&sig->requests, sig->sip, true, on_request, sig);
    if (!err)
        err = sip_listen(&sig->responses, sig->sip, false, on_response, sig);
    if (err)
        return err == EADDRINUSE ? TS_E_EXISTS : TS_E_IO;
    return TS_OK;
}

static enum ts_err make_contact(struct ue_signal *sig)
{
    struct uri uri;
    struct pl text;
    struct sip_contact contact;
    pl_set_str(&text, sig->conf->identity);
    if (uri_decode(&uri, &text) || !pl_isset(&uri.user) ||
        pl_strcpy(&uri.user, sig->user, sizeof(sig->user)) ||
        sa_ntop(&sig->local, sig->host, sizeof(sig->host)))
        return TS_E_CONFIG;
    sip_contact_set(&contact, sig->user, &sig->local, sig->tp);
    if (re_snprintf(sig->contact, sizeof(sig->contact), "%H", sip_contact_print,
                    &contact) < 0)
        return TS_E_CONFIG;
    return TS_OK;
}

enum ts_err ue_signal_open(struct ue_signal **out,
                           const struct ue_signal_conf *conf, ue_signal_fn fn,
                           void *arg)
{
    struct ue_signal *sig = calloc(1, sizeof(*sig));
    struct sa local;
    *out = NULL;
    if (!sig)
        return TS_E_NOMEM;
    sig->conf = conf;
    sig->fn = fn;
    sig->arg = arg;
    enum ts_err err = find_addresses(sig, &local);
    if (!err)
        err = start_stack(sig, &local);
    if (!err)
        err = make_contact(sig);
    if (err) {
        ue_signal_abort(sig);
        return err;
    }
    *out = sig;
    return TS_OK;
}

const char *ue_signal_host(const struct ue_signal *sig)
{
    return sig->host;
}

uint16_t ue_signal_port(const struct ue_signal *sig)
{
    return sa_port(&sig->local);
}

enum ts_err ue_signal_register(struct ue_signal *sig)
{
    const char *identity = sig->conf->identity;
    const char *at = strchr(identity, '@');
    const char *route[] = {sig->route};
    char domain[256];
    if (!sig->route[0])
        return TS_E_STATE;
    if (!at || re_snprintf(domain, sizeof(domain), "sip:%s", at + 1) < 0)
        return TS_E_FORMAT;
    int err = sipreg_register(&sig->reg, sig->sip, domain, identity, NULL,
                              identity, EXPIRES, sig->user, route, 1, 0, NULL,
                              NULL, false, on_registered, sig, NULL, NULL);
    return err ? TS_E_IO : TS_OK;
}

void ue_signal_close(struct ue_signal *sig)
{
    sig->reg = mem_deref(sig->reg); /* un-registers */
    sip_close(sig->sip, false);     /* waits for all, then on_closed() */
}

void ue_signal_abort(struct ue_signal *sig)
{
    if (!sig)
        return;
    sig->reg = mem_deref(sig->reg);
    list_flush(&sig->sessions);
    mem_deref(sig->requests);
    mem_deref(sig->responses);
    if (sig->sip)
        sip_close(sig->sip, true);
    mem_deref(sig->sip);
    tmr_cancel(&sig->over); /* closing may have started it */
    free(sig);
}
