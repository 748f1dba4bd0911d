/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-load: a load of ticket resolves over HTTP/1.1 keep-alive.
 *
 *     bench-load ADDRESS PORT KMS-URI SUITE USERS ACTIVE CONNECTIONS REQUESTS
 *
 * The KMS knows USERS users, "sip:u0@example.org" and so on, with key ids "u0"
 * and so on, whose keys are the SHA-256 of the key id. ACTIVE of them, spread
 * evenly, each get a ticket for themselves. Then all resolves are written, one
 * line "ready" is printed, and a line on standard input starts the run: each
 * message is sent once, the users in turn. What is not answered by RESOLVE_RESP
 * is an error.
 *
 * Prints "seconds" and "errors", each with a tab and its value. Exit: 0, or 1
 * if there was no ticket or no run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/party.h"

#define CONNECTIONS_MAX 4096
#define REPLY_MAX       8192
#define NAME_MAX_LEN    48

/** One user and its ticket. */
struct user {
    struct party party;
    char uri[NAME_MAX_LEN], psk_id[NAME_MAX_LEN];
    struct party_msg request, transfer;
};

/** What is sent, one after the other, each by the next free connection. */
struct job {
    const char *type; /* requesttype */
    enum mikey_type expect;
    size_t n, next, done, errors;
    struct party_msg *msg;
    /* gets each good reply; may be NULL */
    enum ts_err (*take)(void *arg, size_t nth, struct ts_span reply);
    void *arg;
};

struct conn {
    int fd;
    size_t nth; /* the message under way */
    bool busy;
    size_t n; /* bytes of the answer so far */
    char in[REPLY_MAX];
};

struct load {
    const char *address, *kms;
    uint16_t port;
    const struct mikey_suite *suite;
    size_t n_users, n_active, n_conns, n_requests;
    struct user *users; /* n_active of them */
    struct party_msg *resolves;
    struct conn *conns;
    int epoll;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-load: %s\n", what);
    exit(1);
}

static void must(enum ts_err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "bench-load: %s: %s\n", what, ts_strerror(err));
    exit(1);
}

static void *memory(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        fail("out of memory");
    return p;
}

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- connections ---- */

static void connect_one(const struct load *l, struct conn *c)
{
    const int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(l->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (inet_pton(AF_INET, l->address, &to.sin_addr) != 1)
        fail("ADDRESS is no IPv4 address");
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 ||
        connect(c->fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("cannot connect");
}

/* Requests are small: a socket that was answered has room for one. */
static void send_next(struct conn *c, struct job *job)
{
    char out[512 + PARTY_MSG_MAX];
    c->busy = job->next < job->n;
    if (!c->busy)
        return;
    c->nth = job->next++;
    c->n = 0;
    const struct party_msg *m = &job->msg[c->nth];
    int head = snprintf(out, sizeof out,
                        "POST /keymanagement?requesttype=%s HTTP/1.1\r\n"
                        "Host: kms.example.org\r\n"
                        "Content-Type: application/mikey\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        job->type, m->n);
    memcpy(out + head, m->b, m->n);
    ssize_t all = head + (ssize_t)m->n;
    if (send(c->fd, out, (size_t)all, MSG_NOSIGNAL) != all)
        fail("connection lost");
}

/* The body of a complete answer; n 0 while it is not complete. */
static struct ts_span body_of(struct conn *c, bool *whole)
{
    c->in[c->n] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    const char *length = strcasestr(c->in, "\r\nContent-Length:");
    *whole = false;
    if (!end || !length || length > end)
        return ts_span(NULL, 0);
    size_t head = (size_t)(end + 4 - c->in);
    size_t n = strtoul(length + 17, NULL, 10);
    if (n > sizeof c->in - head)
        fail("answer too long");
    *whole = c->n >= head + n;
    return ts_span(end + 4, n);
}

static void take_answer(struct conn *c, struct job *job)
{
    bool whole;
    struct ts_span body = body_of(c, &whole);
    if (!whole)
        return;
    bool good = strncmp(c->in, "HTTP/1.1 200 ", 13) == 0 && body.n > 1 &&
                body.p[1] == job->expect;
    if (good && job->take)
        good = job->take(job->arg, c->nth, body) == TS_OK;
    job->errors += !good;
    job->done++;
    send_next(c, job);
}

static void read_some(struct conn *c, struct job *job)
{
    ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - 1 - c->n, 0);
    if (got <= 0 || !c->busy)
        fail("the KMS closed a connection");
    c->n += (size_t)got;
    take_answer(c, job);
}

/* All of a job, over all connections. */
static void run(struct load *l, struct job *job)
{
    struct epoll_event events[64];
    for (size_t i = 0; i < l->n_conns; i++)
        send_next(&l->conns[i], job);
    while (job->done < job->n) {
        int n = epoll_wait(l->epoll, events, 64, 10000);
        if (n == 0 || (n < 0 && errno != EINTR))
            fail("the KMS does not answer");
        for (int i = 0; i < n; i++)
            read_some(events[i].data.ptr, job);
    }
}

/* ---- messages ---- */

static void make_user(const struct load *l, size_t nth, struct user *u)
{
    struct sha256_ctx sha;
    size_t number = nth * (l->n_users / l->n_active);
    snprintf(u->uri, sizeof u->uri, "sip:u%zu@example.org", number);
    snprintf(u->psk_id, sizeof u->psk_id, "u%zu", number);
    u->party = (struct party){.suite = l->suite,
                              .uri = u->uri,
                              .kms = l->kms,
                              .psk_id = u->psk_id,
                              .psk = {.len = SHA256_DIGEST_SIZE}};
    sha256_init(&sha);
    sha256_update(&sha, strlen(u->psk_id), (const uint8_t *)u->psk_id);
    sha256_digest(&sha, SHA256_DIGEST_SIZE, u->party.psk.b);
}

static enum ts_err take_ticket(void *arg, size_t nth, struct ts_span reply)
{
    struct user *u = &((struct load *)arg)->users[nth];
    return party_transfer(&u->party, &u->request, reply, &u->transfer);
}

static void get_tickets(struct load *l)
{
    struct job job = {.type = "ticketrequest",
                      .expect = MIKEY_REQUEST_RESP,
                      .n = l->n_active,
                      .msg = memory(l->n_active, sizeof *job.msg),
                      .take = take_ticket,
                      .arg = l};
    for (size_t i = 0; i < l->n_active; i++) {
        struct user *u = &l->users[i];
        make_user(l, i, u);
        must(party_request(&u->party, u->uri, (uint32_t)i,
                           now_us(CLOCK_REALTIME), &u->request),
             "REQUEST_INIT");
        job.msg[i] = u->request;
    }
    run(l, &job);
    free(job.msg);
    if (job.errors)
        fail("a ticket was refused");
}

static void make_resolves(struct load *l)
{
    l->resolves = memory(l->n_requests, sizeof *l->resolves);
    for (size_t i = 0; i < l->n_requests; i++) {
        const struct user *u = &l->users[i % l->n_active];
        must(party_resolve(&u->party, &u->transfer, (uint32_t)i,
                           now_us(CLOCK_REALTIME), &l->resolves[i]),
             "RESOLVE_INIT");
    }
}

static void resolve_all(struct load *l)
{
    struct job job = {.type = "ticketresolve",
                      .expect = MIKEY_RESOLVE_RESP,
                      .n = l->n_requests,
                      .msg = l->resolves};
    uint64_t start = now_us(CLOCK_MONOTONIC);
    run(l, &job);
    printf("seconds\t%.6f\n", (double)(now_us(CLOCK_MONOTONIC) - start) / 1e6);
    printf("errors\t%zu\n", job.errors);
}

/* ---- the whole ---- */

static size_t number(const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n < least || n > most) {
        fprintf(stderr, "bench-load: %s is not in %zu..%zu\n", text, least,
                most);
        exit(2);
    }
    return n;
}

static struct load arguments(char **arg)
{
    struct load l = {.address = arg[1], .kms = arg[3]};
    l.port = (uint16_t)number(arg[2], 1, 65535);
    l.suite = mikey_suite_bits((unsigned)number(arg[4], 128, 256));
    l.n_users = number(arg[5], 1, 100000000);
    l.n_active = number(arg[6], 1, l.n_users);
    l.n_conns = number(arg[7], 1, CONNECTIONS_MAX);
    l.n_requests = number(arg[8], 1, 10000000);
    if (!l.suite)
        fail("SUITE is 128 or 256");
    return l;
}

int main(int argc, char **argv)
{
    if (argc != 9) {
        fprintf(stderr, "usage: bench-load ADDRESS PORT KMS-URI SUITE USERS "
                        "ACTIVE CONNECTIONS REQUESTS\n");
        return 2;
    }
    struct load l = arguments(argv);
    l.users = memory(l.n_active, sizeof *l.users);
    l.conns = memory(l.n_conns, sizeof *l.conns);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < l.n_conns; i++)
        connect_one(&l, &l.conns[i]);
    get_tickets(&l);
    make_resolves(&l);
    puts("ready");
    fflush(stdout);
    if (getchar() == '\n')
        resolve_all(&l);
    free(l.resolves);
    free(l.conns);
    free(l.users);
    return 0;
}
