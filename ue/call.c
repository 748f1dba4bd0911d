/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum state {
    IDLE,
    ASKING,    /* caller: the KMS is asked for a ticket */
    CALLING,   /* caller: the INVITE is on its way */
    RESOLVING, /* callee: the KMS is asked to open the ticket */
    ANSWERED,  /* callee: answered, the ACK is awaited */
    TALKING,
    ENDING, /* CANCEL or BYE is on its way */
    OVER,
};

enum input {
    KMS_ANSWER,
    RINGING,
    ANSWER,    /* 2xx to our INVITE */
    CONFIRMED, /* ACK to our answer */
    GONE,      /* the session has ended */
    HANG_UP,   /* we want to end */
    LATE,      /* the time of the state is over */
};

enum {
    RINGING_MS = 180 * 1000, /* RFC 3261 16.6, timer C */
    SILENCE_MS = 30 * 1000,  /* then the other side is gone */
    ENDING_MS = 5 * 1000,
};

/* What comes with an input. */
struct detail {
    const struct ue_kms_answer *kms;
    const struct ue_signal_event *event;
};

struct ue_call {
    struct le le;
    struct ue_call_env *env;
    enum state state;
    unsigned number;
    const char *uri; /* who is called; NULL for an incoming call */
    struct ue_keying *keying;
    struct ue_kms_request *request;
    struct ue_session *session;
    struct ue_media *media;
    struct tmr timer;
    uint64_t until;   /* when to hang up, or 0 */
    uint64_t heard;   /* packets at the last look */
    bool asked_twice; /* the KMS's time was taken once */
    bool rang;        /* it was said that it rings */
    bool keyed;       /* there were keys, so the call was answered */
    bool aes256;      /* those keys */
    bool failed;
    struct ue_ending ending;
    char why[256];
    uint8_t *offer; /* what the caller offered */
    size_t offer_len;
    struct ue_sdp peer;         /* points into offer or an answer */
    uint8_t body[UE_MIKEY_MAX]; /* to the KMS */
    char line[UE_LINE_MAX];     /* key-mgmt value */
    char sdp[UE_LINE_MAX + 4096];
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Note why the call fails; the first reason counts. */
static void __attribute__((format(printf, 2, 3)))
fail(struct ue_call *c, const char *format, ...)
{
    va_list args;
    if (c->failed)
        return;
    c->failed = true;
    va_start(args, format);
    (void)vsnprintf(c->why, sizeof(c->why), format, args);
    va_end(args);
}

static void fail_keying(struct ue_call *c, const char *what, enum ts_err err)
{
    const char *reason = ue_keying_reason(c->keying);
    fail(c, "%s: %s", what, reason[0] ? reason : ts_strerror(err));
}

static void on_late(void *arg);

/* How long a state may last, in ms; 0: as long as it likes. */
static uint64_t patience(const struct ue_call *c)
{
    uint64_t now = tmr_jiffies();
    switch (c->state) {
    case CALLING:
        return RINGING_MS;
    case TALKING:
        if (!c->until || c->until > now + SILENCE_MS)
            return SILENCE_MS;
        return c->until > now ? c->until - now : 1;
    case ENDING:
        return ENDING_MS;
    default:
        return 0;
    }
}

static void arm(struct ue_call *c)
{
    uint64_t ms = patience(c);
    tmr_cancel(&c->timer);
    if (ms)
        tmr_start(&c->timer, ms, on_late, c);
}

static void on_kms(const struct ue_kms_answer *answer, void *arg);

static enum state post(struct ue_call *c, const char *type, size_t len,
                       enum state next)
{
    enum ts_err err = ue_kms_post(&c->request, c->env->kms, type,
                                  ts_span(c->body, len), on_kms, c);
    if (!err)
        return next;
    fail(c, "%s", ts_strerror(err));
    return OVER;
}

/* Caller, steps 2 and 3: ask for keys and a ticket. */
static enum state ask(struct ue_call *c)
{
    size_t len;
    enum ts_err err = ue_keying_request(c->keying, c->uri, now_us(), c->body,
                                        sizeof(c->body), &len);
    if (!err)
        return post(c, "ticketrequest", len, ASKING);
    fail_keying(c, "no ticket request", err);
    return OVER;
}

static enum ts_err open_media(struct ue_call *c, struct ue_sdp_own *own)
{
    const char *host = ue_signal_host(c->env->signal);
    enum ts_err err = ue_media_open(&c->media, host);
    if (err)
        return err;
    *own = (struct ue_sdp_own){
        .host = host,
        .ipv6 = strchr(host, ':') != NULL,
        .port = ue_media_port(c->media),
        .session = (uint32_t)(now_us() / 1000000),
        .key = c->line,
    };
    return TS_OK;
}

/* Caller, step 4: the ticket goes into the INVITE. */
static enum state invite(struct ue_call *c)
{
    struct ue_sdp_own own;
    size_t len;
    enum ts_err err = open_media(c, &own);
    if (!err)
        err = ue_sdp_write_offer(&own, c->sdp, sizeof(c->sdp), &len);
    if (!err)
        err = ue_session_invite(&c->session, c->env->signal, c->uri,
                                ts_span(c->sdp, len), c);
    if (err) {
        fail(c, "cannot call %s: %s", c->uri, ts_strerror(err));
        return OVER;
    }
    ue_output_offered(c->env->out, c->number, c->uri, false);
    return CALLING;
}

static enum state kms_granted(struct ue_call *c, const struct detail *d)
{
    if (d->kms->err) {
        fail(c, "%s", d->kms->text);
        return OVER;
    }
    enum ts_err err =
        ue_keying_granted(c->keying, d->kms->body.p, d->kms->body.n, now_us(),
                          c->line, sizeof(c->line));
    if (err == TS_E_AGAIN && !c->asked_twice) {
        c->asked_twice = true;
        return ask(c);
    }
    if (!err)
        return invite(c);
    fail_keying(c, "no ticket", err);
    return OVER;
}

static enum state rings(struct ue_call *c, const struct detail *d)
{
    if (d->event->code == 180 && !c->rang)
        ue_output_ringing(c->env->out, c->number);
    c->rang |= d->event->code == 180;
    return CALLING;
}

/* Where to record to; the second call gets a file of its own, and so on. */
static struct ue_recorder *open_recorder(struct ue_call *c)
{
    const char *path = c->env->conf->record;
    char numbered[512];
    struct ue_recorder *rec = NULL;
    if (!path)
        return NULL;
    if (c->number > 1) {
        const char *dot = strrchr(path, '.');
        int stem =
            dot && !strchr(dot, '/') ? (int)(dot - path) : (int)strlen(path);
        int n = snprintf(numbered, sizeof(numbered), "%.*s-%u%s", stem, path,
                         c->number, path + stem);
        if (n < 0 || (size_t)n >= sizeof(numbered))
            return NULL;
        path = numbered;
    }
    enum ts_err err = ue_recorder_open(path, &rec);
    if (err)
        (void)fprintf(stderr, "tessera-ue: cannot record to %s: %s\n", path,
                      ts_strerror(err));
    return rec;
}

/* There are keys: say whose, and let nothing in or out without them. */
static enum ts_err use_keys(struct ue_call *c, struct ue_media_keys *keys)
{
    ue_output_proven(c->env->out, c->number, keys->proven);
    enum ts_err err =
        ue_media_key(c->media, keys, c->peer.pt, open_recorder(c));
    ts_key_wipe(&keys->send.master);
    ts_key_wipe(&keys->recv.master);
    c->keyed = !err;
    c->aes256 = keys->aes256;
    return err;
}

static enum state talk(struct ue_call *c)
{
    enum ts_err err = ue_media_talk(c->media, &c->peer, c->env->wav);
    if (err) {
        fail(c, "no audio to %s: %s", c->peer.host, ts_strerror(err));
        ue_session_end(c->session);
        return ENDING;
    }
    ue_output_talking(c->env->out, c->number,
                      c->aes256 ? "AES_256_CM_HMAC_SHA1_80"
                                : "AES_CM_128_HMAC_SHA1_80");
    return TALKING;
}

/* Caller, step 11: what the answer says is believed only if it verifies. */
static enum state check_answer(struct ue_call *c, const struct detail *d)
{
    struct ue_media_keys keys;
    enum ts_err err = ue_sdp_read_answer(d->event->body, &c->peer);
    if (err) {
        fail(c, "answer refused: %s", c->peer.fault);
    } else {
        memcpy(c->line, c->peer.key.p, c->peer.key.n);
        c->line[c->peer.key.n] = '\0';
        err = ue_keying_answered(c->keying, c->line, now_us(), &keys);
        if (err)
            fail_keying(c, "answer refused", err);
        else
            err = use_keys(c, &keys);
    }
    ts_wipe(&keys, sizeof(keys));
    if (!err)
        return talk(c);
    fail(c, "%s", ts_strerror(err));
    ue_session_end(c->session);
    return ENDING;
}

/* Callee: refuse, and say no more than the caller needs to know. */
static enum state refuse(struct ue_call *c, unsigned code, const char *reason,
                         unsigned warning, const char *text)
{
    ue_session_reject(c->session, code, reason, warning, text);
    c->session = NULL;
    c->ending.code = code;
    return OVER;
}

/* Callee, steps 7 and 8: check the offer and send the ticket to the KMS. */
static enum state resolve(struct ue_call *c)
{
    char claimed[257];
    size_t len;
    memcpy(c->line, c->peer.key.p, c->peer.key.n);
    c->line[c->peer.key.n] = '\0';
    enum ts_err err = ue_keying_offered(c->keying, c->line, now_us(), claimed,
                                        c->body, sizeof(c->body), &len);
    if (!err)
        return post(c, "ticketresolve", len, RESOLVING);
    fail_keying(c, "offer refused", err);
    return refuse(c, 488, "Not Acceptable Here", 399, "key management failed");
}

static enum state answer(struct ue_call *c, struct ue_media_keys *keys)
{
    struct ue_sdp_own own;
    size_t len;
    enum ts_err err = open_media(c, &own);
    if (!err)
        err = use_keys(c, keys);
    if (!err)
        err = ue_sdp_write_answer(&own, &c->peer, c->sdp, sizeof(c->sdp), &len);
    if (!err)
        err = ue_session_answer(c->session, ts_span(c->sdp, len));
    if (!err)
        return ANSWERED;
    fail(c, "cannot answer: %s", ts_strerror(err));
    return refuse(c, 500, "Server Internal Error", 0, "");
}

/* Callee, step 10: the keys of the ticket verify the offer. */
static enum state kms_resolved(struct ue_call *c, const struct detail *d)
{
    struct ue_media_keys keys;
    if (d->kms->err) {
        fail(c, "%s", d->kms->text);
        return refuse(c, 480, "Temporarily Unavailable", 399,
                      "key management not reachable");
    }
    enum ts_err err =
        ue_keying_resolved(c->keying, d->kms->body.p, d->kms->body.n, now_us(),
                           c->line, sizeof(c->line), &keys);
    enum state next = OVER;
    if (err == TS_E_AGAIN && !c->asked_twice) {
        c->asked_twice = true;
        next = resolve(c);
    } else if (err) {
        fail_keying(c, "offer refused", err);
        next =
            refuse(c, 488, "Not Acceptable Here", 399, "key management failed");
    } else {
        next = answer(c, &keys);
    }
    ts_wipe(&keys, sizeof(keys));
    return next;
}

static enum state confirmed(struct ue_call *c, const struct detail *d)
{
    (void)d;
    return talk(c);
}

static enum state stop_asking(struct ue_call *c, const struct detail *d)
{
    (void)d;
    fail(c, "interrupted");
    return OVER;
}

static enum state stop_resolving(struct ue_call *c, const struct detail *d)
{
    (void)d;
    fail(c, "interrupted");
    return refuse(c, 480, "Temporarily Unavailable", 0, "");
}

static enum state give_up(struct ue_call *c, const struct detail *d)
{
    (void)d;
    fail(c, "not answered");
    ue_session_end(c->session);
    return ENDING;
}

static enum state hang_up(struct ue_call *c, const struct detail *d)
{
    (void)d;
    ue_session_end(c->session);
    return ENDING;
}

/* Time to hang up, or to see whether there is still somebody. */
static enum state look(struct ue_call *c, const struct detail *d)
{
    uint64_t heard = ue_media_counts(c->media).authenticated;
    if (!c->until || tmr_jiffies() < c->until) {
        if (heard != c->heard) {
            c->heard = heard;
            arm(c);
            return TALKING;
        }
        fail(c, "nothing was heard for %d seconds", SILENCE_MS / 1000);
    }
    return hang_up(c, d);
}

/* The session has ended; code 0 is a clean end. */
static enum state gone(struct ue_call *c, const struct detail *d)
{
    const struct ue_signal_event *e = d->event;
    c->session = NULL;
    c->ending.by_peer = e->by_peer;
    c->ending.code = e->code;
    if (e->code)
        fail(c, "%u %s", e->code, e->text);
    return OVER;
}

static enum state no_goodbye(struct ue_call *c, const struct detail *d)
{
    (void)d;
    fail(c, "the other side does not answer");
    return OVER;
}

/* What is not in the table does not matter in that state. */
static const struct step {
    enum state state;
    enum input input;
    enum state (*act)(struct ue_call *c, const struct detail *d);
} steps[] = {
    {ASKING, KMS_ANSWER, kms_granted},
    {ASKING, HANG_UP, stop_asking},
    {CALLING, RINGING, rings},
    {CALLING, ANSWER, check_answer},
    {CALLING, GONE, gone},
    {CALLING, HANG_UP, give_up},
    {CALLING, LATE, give_up},
    {RESOLVING, KMS_ANSWER, kms_resolved},
    {RESOLVING, GONE, gone},
    {RESOLVING, HANG_UP, stop_resolving},
    {ANSWERED, CONFIRMED, confirmed},
    {ANSWERED, GONE, gone},
    {ANSWERED, HANG_UP, hang_up},
    {TALKING, GONE, gone},
    {TALKING, HANG_UP, hang_up},
    {TALKING, LATE, look},
    {ENDING, GONE, gone},
    {ENDING, LATE, no_goodbye},
};

static void release(struct ue_call *c)
{
    list_unlink(&c->le);
    tmr_cancel(&c->timer);
    ue_kms_cancel(c->request);
    if (c->session)
        ue_session_forget(c->session);
    ue_media_close(c->media);
    ue_keying_free(c->keying);
    free(c->offer);
    ts_wipe(c, sizeof(*c));
    free(c);
}

static void finish(struct ue_call *c)
{
    const struct ue_call_env *env = c->env;
    struct ue_media_counts counts = {0};
    bool keyed = c->keyed;
    if (keyed) {
        counts = ue_media_counts(c->media);
        ue_output_media(env->out, c->number, counts);
        if (counts.authenticated == 0 || counts.sent == 0)
            fail(c, "no protected audio");
    }
    bool protected = keyed && !c->failed;
    c->ending.protected = protected;
    c->ending.why = c->failed ? c->why : "hung up";
    ue_output_ended(env->out, c->number, &c->ending);
    release(c);
    env->over(keyed, protected, env->arg);
}

static void enter(struct ue_call *c, enum state state)
{
    enum state before = c->state;
    c->state = state;
    if (state == OVER) {
        finish(c);
        return;
    }
    if (state == before)
        return;
    if (state == ENDING && c->media)
        ue_media_hush(c->media);
    if (state == TALKING && c->env->seconds)
        c->until = tmr_jiffies() + (uint64_t)c->env->seconds * 1000;
    arm(c);
}

static void feed(struct ue_call *c, enum input input, struct detail detail)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].state == c->state && steps[i].input == input) {
            enter(c, steps[i].act(c, &detail));
            return;
        }
    }
}

static void on_late(void *arg)
{
    feed(arg, LATE, (struct detail){0});
}

static void on_kms(const struct ue_kms_answer *reply, void *arg)
{
    struct ue_call *c = arg;
    c->request = NULL;
    feed(c, KMS_ANSWER, (struct detail){.kms = reply});
}

static enum ts_err create(struct ue_call **out, struct ue_call_env *env,
                          unsigned number)
{
    struct ue_call *c = calloc(1, sizeof(*c));
    uint32_t ssrc;
    *out = NULL;
    if (!c)
        return TS_E_NOMEM;
    c->env = env;
    c->number = number;
    enum ts_err err = ts_random(NULL, (uint8_t *)&ssrc, sizeof(ssrc));
    if (!err) /* 0 would mean: not known yet */
        err =
            ue_keying_new(&c->keying, &env->conf->credential, ssrc ? ssrc : 1);
    if (err) {
        free(c);
        return err;
    }
    list_append(&env->calls, &c->le, c);
    *out = c;
    return TS_OK;
}

bool ue_call_is_emergency(const char *uri)
{
    static const char sos[] = "urn:service:sos";
    return strncasecmp(uri, sos, strlen(sos)) == 0;
}

enum ts_err ue_call_place(struct ue_call_env *env, unsigned number,
                          const char *uri)
{
    struct ue_call *c;
    enum ts_err err = create(&c, env, number);
    if (err)
        return err;
    c->uri = uri;
    enter(c, ask(c));
    return TS_OK;
}

/* Read the offer; refuse it before any KMS traffic if it will not do. */
static enum state consider(struct ue_call *c)
{
    enum ts_err err =
        ue_sdp_read_offer(ts_span(c->offer, c->offer_len), &c->peer);
    bool ipv6 = strchr(ue_signal_host(c->env->signal), ':') != NULL;
    if (err) {
        fail(c, "offer refused: %s", c->peer.fault);
        return refuse(c, 488, "Not Acceptable Here",
                      err == TS_E_UNSUPPORTED ? 306 : 399, c->peer.fault);
    }
    if (c->peer.ipv6 != ipv6) {
        fail(c, "offer refused: address of the other family");
        return refuse(c, 488, "Not Acceptable Here", 300,
                      "incompatible network protocol");
    }
    enum state next = resolve(c);
    if (next != RESOLVING || ue_session_ring(c->session) == TS_OK)
        return next;
    fail(c, "cannot send 180");
    return refuse(c, 500, "Server Internal Error", 0, "");
}

enum ts_err ue_call_incoming(struct ue_call_env *env, unsigned number,
                             const struct ue_signal_event *event)
{
    struct ue_call *c;
    enum ts_err err = create(&c, env, number);
    if (!err) {
        c->offer_len = event->body.n;
        c->offer = malloc(event->body.n + 1);
        err = c->offer ? TS_OK : TS_E_NOMEM;
    }
    if (err) {
        ue_session_reject(event->session, 500, "Server Internal Error", 0, "");
        if (c)
            release(c);
        return err;
    }
    memcpy(c->offer, event->body.p, event->body.n);
    c->session = event->session;
    ue_session_own(c->session, c);
    ue_output_offered(env->out, number, event->peer, true);
    enter(c, consider(c));
    return TS_OK;
}

void ue_call_event(struct ue_call *c, const struct ue_signal_event *event)
{
    static const struct {
        enum ue_signal_kind kind;
        enum input input;
    } inputs[] = {
        {UE_SIGNAL_PROGRESS, RINGING},
        {UE_SIGNAL_ANSWERED, ANSWER},
        {UE_SIGNAL_CONFIRMED, CONFIRMED},
        {UE_SIGNAL_ENDED, GONE},
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (inputs[i].kind == event->kind) {
            feed(c, inputs[i].input, (struct detail){.event = event});
            return;
        }
    }
}

void ue_call_hang_up_all(struct ue_call_env *env)
{
    struct le *next;
    for (struct le *le = env->calls.head; le; le = next) {
        next = le->next; /* the call may be gone afterwards */
        feed(le->data, HANG_UP, (struct detail){0});
    }
}
