/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/phone.h"

#include <curl/curl.h>
#include <re.h>
#define DEBUG_MODULE "tessera-ue" /* re_dbg.h wants both */
#define DEBUG_LEVEL  0
#include <re_dbg.h>
#include <signal.h>
#include <stdio.h>

#include "ue/call.h"

enum {
    CALLS_MAX = 64,      /* at the same time */
    LEAVE_MS = 8 * 1000, /* for BYE and un-registering */
    FAILED = 1,
    UNUSABLE = 2,
};

struct phone {
    const struct ue_conf *conf;
    const struct ue_order *order;
    struct ue_output out;
    struct ue_wav *wav;
    struct ue_call_env env;
    struct tmr timer;
    bool registered; /* at least once */
    bool leaving;    /* no new calls, */
    bool closing;    /* and no more running ones */
    bool failed;
    unsigned placed;   /* calls so far, of either kind */
    unsigned answered; /* calls that came to keys and are over */
};

/* The signal handler of re_main() has no argument. */
static struct phone *the_phone;

static void complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "tessera-ue: %s: %s\n", what, why);
}

/* Somebody did not let us go in time. */
static void on_leave_late(void *arg)
{
    struct phone *p = arg;
    p->failed = true;
    ue_signal_abort(p->env.signal);
    p->env.signal = NULL;
    re_cancel();
}

static void close_when_idle(struct phone *p)
{
    if (!p->leaving || p->closing || !list_isempty(&p->env.calls))
        return;
    p->closing = true;
    ue_signal_close(p->env.signal);
}

static void leave(struct phone *p)
{
    if (p->leaving)
        return;
    p->leaving = true;
    tmr_start(&p->timer, LEAVE_MS, on_leave_late, p);
    ue_call_hang_up_all(&p->env);
    close_when_idle(p);
}

static void on_over(bool answered, bool protected, void *arg)
{
    struct phone *p = arg;
    const struct ue_order *order = p->order;
    p->answered += answered ? 1 : 0;
    if ((answered || order->uri) && !protected)
        p->failed = true;
    if (order->uri || (order->calls && p->answered >= order->calls))
        leave(p);
    close_when_idle(p);
}

static void place(struct phone *p)
{
    enum ts_err err = ue_call_place(&p->env, ++p->placed, p->order->uri);
    if (!err)
        return;
    complain("cannot call", ts_strerror(err));
    p->failed = true;
    leave(p);
}

static void on_incoming(struct phone *p, const struct ue_signal_event *event)
{
    uint32_t running = list_count(&p->env.calls);
    unsigned most = p->order->calls && p->order->calls < CALLS_MAX
                        ? p->order->calls - p->answered
                        : CALLS_MAX;
    if (p->order->uri || p->leaving || running >= most) {
        ue_session_reject(event->session, 486, "Busy Here", 0, "");
        return;
    }
    enum ts_err err = ue_call_incoming(&p->env, ++p->placed, event);
    if (err)
        complain("cannot take a call", ts_strerror(err));
}

static void on_registered(struct phone *p)
{
    if (p->registered)
        return;
    p->registered = true;
    ue_output_registered(&p->out, p->conf->credential.identity);
    if (p->order->uri)
        place(p);
}

static void on_event(const struct ue_signal_event *event, void *arg)
{
    struct phone *p = arg;
    switch (event->kind) {
    case UE_SIGNAL_REGISTERED:
        on_registered(p);
        break;
    case UE_SIGNAL_NOT_REGISTERED:
        complain("not registered", event->text);
        if (!p->registered) {
            p->failed = true;
            leave(p);
        }
        break;
    case UE_SIGNAL_INCOMING:
        on_incoming(p, event);
        break;
    case UE_SIGNAL_CLOSED:
        p->env.signal = NULL;
        re_cancel();
        break;
    case UE_SIGNAL_PROGRESS:
    case UE_SIGNAL_ANSWERED:
    case UE_SIGNAL_CONFIRMED:
    case UE_SIGNAL_ENDED:
        if (event->owner)
            ue_call_event(event->owner, event);
        break;
    }
}

static void on_signal(int sig)
{
    (void)sig;
    if (the_phone->leaving)
        on_leave_late(the_phone);
    else
        leave(the_phone);
}

static int start_failed(const struct phone *p, enum ts_err err)
{
    const struct ue_signal_conf *conf = &p->conf->signal;
    const char *what = conf->listen ? conf->listen : "listen";
    if (err == TS_E_EXISTS)
        complain(what, "the port is in use");
    else if (err == TS_E_NOTFOUND)
        complain(conf->proxy, "the proxy has no such address");
    else if (err == TS_E_CONFIG)
        complain("listen and proxy", "use listen=ADDRESS:PORT (not 0.0.0.0) "
                                     "and proxy=tcp:HOST:PORT or udp:...");
    else
        complain(what, ts_strerror(err));
    return err == TS_E_CONFIG ? UNUSABLE : FAILED;
}

/* Open what calls need, in the order in which it may be missing. */
static int open_all(struct phone *p)
{
    const struct ue_conf *conf = p->conf;
    enum ts_err err;
    if (conf->send && (err = ue_wav_load(conf->send, &p->wav)) != TS_OK) {
        complain(conf->send, err == TS_E_IO
                                 ? "cannot be read"
                                 : "not a WAV of PCM, 8000 Hz, mono, 16 bit");
        return UNUSABLE;
    }
    p->env.wav = p->wav;
    err = ue_kms_open(&p->env.kms, conf->kms, conf->ca);
    if (err) {
        complain(conf->kms, "the kms is not an http or https URL");
        return UNUSABLE;
    }
    err = ue_signal_open(&p->env.signal, &conf->signal, on_event, p);
    if (err)
        return start_failed(p, err);
    ue_output_listening(&p->out, ue_signal_host(p->env.signal),
                        ue_signal_port(p->env.signal));
    return 0;
}

/* Run until all is over. */
static int run(struct phone *p)
{
    int code = open_all(p);
    if (code)
        return code;
    if (!p->conf->signal.proxy) {
        if (p->order->uri)
            place(p);
    } else if (ue_signal_register(p->env.signal)) {
        complain("cannot register", p->conf->signal.proxy);
        return FAILED;
    }
    the_phone = p;
    (void)re_main(on_signal);
    return p->failed || p->answered == 0 ? FAILED : 0;
}

int ue_phone_run(const struct ue_conf *conf, const struct ue_order *order)
{
    struct phone p = {
        .conf = conf, .order = order, .out = ue_output_open(order->json)};
    p.env = (struct ue_call_env){.conf = conf,
                                 .out = &p.out,
                                 .seconds = order->seconds,
                                 .over = on_over,
                                 .arg = &p};
    if (order->uri && ue_call_is_emergency(order->uri)) {
        complain(order->uri, "Tessera does not place emergency calls");
        return FAILED;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    dbg_init(DBG_ERR, DBG_NONE); /* we say ourselves what went wrong */
    if (libre_init() || curl_global_init(CURL_GLOBAL_DEFAULT) ||
        ue_media_init()) {
        complain("start", "a library cannot be initialised");
        return FAILED;
    }
    int code = run(&p);
    tmr_cancel(&p.timer);
    ue_signal_abort(p.env.signal);
    ue_kms_close(p.env.kms);
    ue_wav_free(p.wav);
    ue_media_exit();
    curl_global_cleanup();
    libre_close();
    return code;
}
