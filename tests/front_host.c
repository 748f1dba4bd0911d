/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front role before an engine that does what the request says, for
 * front_test.py:
 *
 *     front_host HTTP-PORT [HTTPS-PORT CERT KEY [CONNECTIONS]]
 *
 * The second octet of a message is what happens: 'e' echo, 'h' no readable
 * HDR, 'b' busy for 7 seconds, 's' silence, 'g' garbage and then an echo,
 * 'c' crash. The kind of the request is put in front of what is echoed.
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kms/front.h"
#include "kms/msg.h"
#include "service/listen.h"

struct engine_conf {
    struct ts_ring_fds asks, replies;
};

static void say(struct ts_ring *to, struct kms_reply reply, struct ts_span body)
{
    reply.len = (uint32_t)body.n;
    if (ts_ring_send(to, ts_span(&reply, sizeof reply), body) != TS_OK)
        ts_log(TS_WARN, "reply-ring-full");
    ts_ring_wake(to);
}

static void garbage(struct ts_ring *to, uint64_t id)
{
    const struct kms_reply bad[] = {
        {id, 5, 200, 0},     {id, 0, 200, 0},     {id, 0, 999, 0},
        {id, 0, 503, 65535}, {id + 1, 0, 400, 0}, {id ^ 1u << 31, 0, 400, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ts_ring_send(to, ts_span(&bad[i], sizeof bad[i]),
                         ts_span(NULL, 0)) != TS_OK)
            return;
    if (ts_ring_send(to, ts_span(bad, 3), ts_span(NULL, 0)) != TS_OK)
        return;
}

static void act(struct ts_ring *to, const uint8_t *rec, size_t n)
{
    static uint8_t echo[KMS_REPLY_MAX];
    struct kms_ask ask;
    memcpy(&ask, rec, sizeof ask);
    const uint8_t *body = rec + sizeof ask;
    n -= sizeof ask;
    switch (n > 1 ? body[1] : 'e') {
    case 'c':
        abort();
    case 's':
        return;
    case 'h':
        say(to, (struct kms_reply){ask.id, 0, 400, 0}, ts_span(NULL, 0));
        return;
    case 'b':
        say(to, (struct kms_reply){ask.id, 0, 503, 7}, ts_span(NULL, 0));
        return;
    case 'g':
        garbage(to, ask.id);
        break;
    default:
        break;
    }
    memcpy(echo, body, n);
    echo[0] = (uint8_t)ask.kind;
    say(to, (struct kms_reply){ask.id, 0, 200, 0}, ts_span(echo, n));
}

static int engine_run(struct ts_self *self, const void *arg)
{
    const struct engine_conf *conf = arg;
    static uint8_t rec[sizeof(struct kms_ask) + KMS_BODY_MAX];
    struct ts_ring *asks, *replies;
    size_t n;
    if (ts_ring_open(conf->asks, &asks) != TS_OK ||
        ts_ring_open(conf->replies, &replies) != TS_OK ||
        ts_role_up(self) != TS_OK)
        return 1;
    say(replies, (struct kms_reply){0, 0, 503, 0}, ts_span(NULL, 0));
    struct pollfd fds[] = {{ts_role_fd(self), POLLIN, 0},
                           {ts_ring_fd(asks), POLLIN, 0}};
    while (ts_role_signal(self) != SIGTERM) {
        while (ts_ring_recv(asks, rec, sizeof rec, &n) == TS_OK)
            act(replies, rec, n);
        if (ts_ring_sleep(asks))
            poll(fds, 2, -1);
        ts_ring_drain(asks);
    }
    ts_ring_close(asks);
    ts_ring_close(replies);
    return 0;
}

/* Listen on loopback, both families, and let the front have it. */
static void add_listeners(struct kms_front_conf *conf, struct ts_role *front,
                          const char *port, bool tls)
{
    in_port_t p = htons((in_port_t)strtoul(port, NULL, 10));
    const struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = p, .sin_addr = {htonl(0x7f000001)}};
    const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                    .sin6_port = p,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr *addr[] = {(const struct sockaddr *)&v4,
                                     (const struct sockaddr *)&v6};
    const socklen_t len[] = {sizeof v4, sizeof v6};
    for (int i = 0; i < 2; i++) {
        char msg[TS_LISTEN_MSG];
        int fd;
        if (ts_listen(addr[i], len[i], port, &fd, msg) != TS_OK)
            exit(ts_role_fail(1, "%s", msg));
        conf->listeners[conf->n++] = (struct ts_http_listener){fd, tls};
        ts_role_keep(front, fd);
    }
}

int main(int argc, char **argv)
{
    struct engine_conf engine;
    struct kms_front_conf conf = {.connections = 16384, .body_bytes = 64 << 20};
    struct ts_role roles[] = {
        {.name = "front",
         .run = kms_front_run,
         .arg = &conf,
         .sandbox = {.profile = TS_PROFILE_NET}},
        {.name = "engine",
         .run = engine_run,
         .arg = &engine,
         .sandbox = {.profile = TS_PROFILE_PURE}},
    };
    ts_log_start("supervisor", TS_INFO, false);
    if (argc < 2 ||
        ts_ring_create(KMS_FRONT_WAITING, sizeof(struct kms_ask) + KMS_BODY_MAX,
                       &conf.asks) != TS_OK ||
        ts_ring_create(KMS_FRONT_WAITING,
                       sizeof(struct kms_reply) + KMS_REPLY_MAX,
                       &conf.replies) != TS_OK)
        return 2;
    engine = (struct engine_conf){conf.asks, conf.replies};
    add_listeners(&conf, &roles[0], argv[1], false);
    if (argc > 4) {
        conf.cert = argv[3];
        conf.key = argv[4];
        add_listeners(&conf, &roles[0], argv[2], true);
    }
    if (argc > 5)
        conf.connections = (unsigned)strtoul(argv[5], NULL, 10);
    for (int i = 0; i < 2; i++) {
        ts_role_keep_ring(&roles[i], &conf.asks);
        ts_role_keep_ring(&roles[i], &conf.replies);
    }
    const struct ts_daemon daemon = {"host", TS_INFO, false, roles, 2};
    return ts_supervise(&daemon);
}
