/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tessera-kmsd: the KMS. Reads its configuration, checks that store and store
 * key are there and belong together, binds its sockets, and starts one process
 * a role:
 *
 *     front --asks--> engine --queries--> store
 *           <-replies-       <--found----
 *                     engine --entries--> audit
 *                            <--done-----
 *
 * Roles to come stand in the same table: auth (passwords, one-time codes), zn
 * (Diameter), zk (a peer KMS), a front of its own where TLS proves identities.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kms/enginerole.h"
#include "kms/front.h"
#include "kms/replay.h"
#include "kms/seal.h"
#include "kms/store.h"
#include "kms/storerole.h"
#include "service/audit.h"
#include "service/listen.h"

/* For what requests being received hold beyond the first 2 KiB of each. */
#define BODY_BYTES (64u << 20)

static const char usage[] =
    "usage: tessera-kmsd -c FILE\n"
    "\n"
    "The key management server. Stays in the foreground and prints \"ready\"\n"
    "when it accepts requests. Make store and keys first:\n"
    "    tesseractl -c FILE init\n"
    "\n"
    "  -c FILE   configuration, see tessera-kmsd.conf(5)\n"
    "  -h        this help\n"
    "\n"
    "Exit: 0 after SIGTERM or SIGINT, 1 failed, 2 usage or configuration.\n";

/** Everything that the roles get; lives as long as the daemon. */
struct kmsd {
    struct kms_conf conf;
    struct ts_ring_fds asks, replies, queries, found, entries, done;
    int replay;
    char *store_dir, *admin_dir;
    struct kms_front_conf front;
    struct kms_engine_conf engine;
    struct kms_store_conf store;
    struct ts_audit_conf audit;
    struct ts_role roles[4];
};

static int fail(int code, const char *what)
{
    fprintf(stderr, "tessera-kmsd: %s\n", what);
    return code;
}

/* The store is there and was made with this store key. */
static int check_store(const struct kms_conf *conf)
{
    char msg[TS_CONF_MSG];
    struct kms_store *store;
    struct kms_sealer sealer;
    struct ts_key key;
    uint8_t check[KMS_SEALED_MAX];
    size_t n = 0;

    enum ts_err err = kms_store_open(conf->store, &store, msg);
    if (err)
        return fail(err == TS_E_NOTFOUND || err == TS_E_CONFIG ? 2 : 1, msg);
    err = kms_store_check(store, check, &n);
    kms_store_close(store);
    if (err)
        return fail(1, "the store cannot be read; is it whole?");
    if (kms_storekey_load(conf->store_key, &key, msg))
        return fail(2, msg);
    err = kms_sealer_init(&sealer, &key);
    ts_key_wipe(&key);
    if (!err)
        err = kms_check_verify(&sealer, ts_span(check, n));
    kms_sealer_wipe(&sealer);
    if (err) {
        snprintf(msg, sizeof msg,
                 "%s: not the key that %s was made with; set store-key to the "
                 "right file",
                 conf->store_key, conf->store);
        return fail(2, msg);
    }
    return 0;
}

static int bind_all(struct kmsd *d, const struct kms_listen *l, size_t n,
                    bool tls)
{
    char msg[TS_LISTEN_MSG];
    for (size_t i = 0; i < n; i++) {
        struct ts_http_listener *to = &d->front.listeners[d->front.n];
        if (ts_listen((const struct sockaddr *)&l[i].addr, l[i].len, l[i].text,
                      &to->fd, msg))
            return fail(1, msg);
        to->tls = tls;
        d->front.n++;
    }
    return 0;
}

static enum ts_err make_rings(struct kmsd *d)
{
    const struct {
        struct ts_ring_fds *ring;
        size_t slots, size;
    } rings[] = {
        {&d->asks, KMS_FRONT_WAITING, sizeof(struct kms_ask) + KMS_BODY_MAX},
        {&d->replies, KMS_FRONT_WAITING,
         sizeof(struct kms_reply) + KMS_REPLY_MAX},
        {&d->queries, 256, sizeof(struct kms_query) + KMS_KEYID_MAX + 1},
        {&d->found, 256,
         sizeof(struct kms_found) + sizeof(struct kms_user_rec)},
        {&d->entries, 512, sizeof(struct ts_audit_entry) + TS_AUDIT_MAX},
        {&d->done, 512, sizeof(struct ts_audit_done)},
    };
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        enum ts_err err =
            ts_ring_create(rings[i].slots, rings[i].size, rings[i].ring);
        if (err)
            return err;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return kms_replay_create(
        d->conf.limits.replay_entries, d->conf.limits.answer_bytes,
        (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
        &d->replay);
}

/* The folder of a file, to be freed. */
static char *folder_of(const char *path)
{
    char *copy = strdup(path);
    char *dir = copy ? strdup(dirname(copy)) : NULL;
    free(copy);
    return dir;
}

static void add_front(struct kmsd *d, struct ts_role *role)
{
    d->front.cert = d->conf.cert;
    d->front.key = d->conf.key;
    d->front.connections = (unsigned)d->conf.limits.connections;
    d->front.body_bytes = BODY_BYTES;
    d->front.asks = d->asks;
    d->front.replies = d->replies;
    *role = (struct ts_role){.name = "front",
                             .run = kms_front_run,
                             .arg = &d->front,
                             .sandbox = {.profile = TS_PROFILE_NET}};
    ts_role_keep_ring(role, &d->asks);
    ts_role_keep_ring(role, &d->replies);
    for (size_t i = 0; i < d->front.n; i++)
        ts_role_keep(role, d->front.listeners[i].fd);
}

static void add_engine(struct kmsd *d, struct ts_role *role)
{
    const struct ts_ring_fds *rings[] = {&d->asks,  &d->replies, &d->queries,
                                         &d->found, &d->entries, &d->done};
    d->engine = (struct kms_engine_conf){
        .conf = &d->conf,
        .asks = d->asks,
        .replies = d->replies,
        .queries = d->queries,
        .found = d->found,
        .entries = d->entries,
        .done = d->done,
        .replay = d->replay,
    };
    *role = (struct ts_role){.name = "engine",
                             .run = kms_engine_run,
                             .arg = &d->engine,
                             .sandbox = {.profile = TS_PROFILE_PURE}};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++)
        ts_role_keep_ring(role, rings[i]);
    ts_role_keep(role, d->replay);
}

static void add_store(struct kmsd *d, struct ts_role *role)
{
    d->store = (struct kms_store_conf){.store = d->conf.store,
                                       .admin = d->conf.admin_socket,
                                       .from_engine = d->queries,
                                       .to_engine = d->found};
    *role = (struct ts_role){.name = "store",
                             .run = kms_store_run,
                             .arg = &d->store,
                             .sandbox = {.profile = TS_PROFILE_FILES,
                                         .dirs = {d->store_dir, d->admin_dir}}};
    ts_role_keep_ring(role, &d->queries);
    ts_role_keep_ring(role, &d->found);
}

static void add_audit(struct kmsd *d, struct ts_role *role)
{
    d->audit = (struct ts_audit_conf){
        .path = d->conf.audit_file, .entries = d->entries, .done = d->done};
    *role = (struct ts_role){
        .name = "audit",
        .run = ts_audit_run,
        .arg = &d->audit,
        .sandbox = {.profile = TS_PROFILE_FILES, .dirs = {NULL}}};
    ts_role_keep_ring(role, &d->entries);
    ts_role_keep_ring(role, &d->done);
}

static int run(struct kmsd *d)
{
    const struct ts_daemon daemon = {.name = "kmsd",
                                     .least = d->conf.log_level,
                                     .clear = d->conf.log_clear,
                                     .roles = d->roles,
                                     .nroles = 4};
    int code = check_store(&d->conf);
    if (!code)
        code = bind_all(d, d->conf.http, d->conf.n_http, false);
    if (!code)
        code = bind_all(d, d->conf.https, d->conf.n_https, true);
    if (code)
        return code;
    d->store_dir = folder_of(d->conf.store);
    d->admin_dir = folder_of(d->conf.admin_socket);
    if (make_rings(d) || !d->store_dir || !d->admin_dir)
        return fail(1, "out of memory or file descriptors");
    add_front(d, &d->roles[0]);
    add_engine(d, &d->roles[1]);
    add_store(d, &d->roles[2]);
    add_audit(d, &d->roles[3]);
    return ts_supervise(&daemon);
}

int main(int argc, char **argv)
{
    static struct kmsd d;
    char msg[TS_CONF_MSG];
    const char *file = NULL;
    const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};
    int opt;
    if (TS_SANDBOX && ts_process_harden())
        return fail(1, "cannot close the process to others");
    opterr = 0; /* one line, and it is ours */
    while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (opt == 'h')
            return fputs(usage, stdout) == EOF;
        if (opt != 'c')
            return fail(2, "no such option, or no FILE; try tessera-kmsd -h");
        file = optarg;
    }
    if (!file || optind != argc)
        return fail(2, "a configuration is needed; try tessera-kmsd -h");
    if (kms_conf_load(file, &d.conf, msg))
        return fail(2, msg);
    ts_log_start("main", d.conf.log_level, d.conf.log_clear);
    int code = run(&d);
    free(d.store_dir);
    free(d.admin_dir);
    kms_conf_free(&d.conf);
    return code;
}
