/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/conf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "kms/store.h"

#define DAY 86400

static const struct ts_conf_key keys[] = {
    {.section = "kms", .key = "identity", .flags = TS_CONF_REQUIRED},
    {.section = "kms", .key = "store", .flags = TS_CONF_REQUIRED},
    {.section = "kms", .key = "store-key", .flags = TS_CONF_REQUIRED},
    {.section = "http", .key = "listen", .flags = TS_CONF_MANY},
    {.section = "https",
     .key = "listen",
     .flags = TS_CONF_MANY | TS_CONF_REQUIRED | TS_CONF_OPTIONAL_SECTION},
    {.section = "https",
     .key = "cert",
     .flags = TS_CONF_REQUIRED | TS_CONF_OPTIONAL_SECTION},
    {.section = "https",
     .key = "key",
     .flags = TS_CONF_REQUIRED | TS_CONF_OPTIONAL_SECTION},
    {.section = "admin", .key = "socket"},
    {"policy", "skew", TS_CONF_UINT, 0, 1, 3600, "300"},
    {"policy", "max-lifetime", TS_CONF_UINT, 0, 60, 366 * DAY, "86400"},
    {"policy", "forking", TS_CONF_TEXT, 0, 0, 0, "yes"},
    {"policy", "reuse", TS_CONF_BOOL, 0, 0, 0, "no"},
    {"limits", "replay-entries", TS_CONF_UINT, 0, 1024, 1 << 28, "4194304"},
    {"limits", "answer-bytes", TS_CONF_UINT, 0, 1 << 20, 1 << 30, "16777216"},
    {"limits", "connections", TS_CONF_UINT, 0, 16, 1 << 20, "16384"},
    {.section = "audit", .key = "file"},
    {"log", "level", TS_CONF_TEXT, 0, 0, 0, "info"},
    {"log", "identities", TS_CONF_TEXT, 0, 0, 0, "pseudonym"},
    {.section = NULL},
};

/* What a load works on. */
struct load {
    const char *path; /* of the configuration file */
    struct kms_conf *conf;
    char *msg;
};

static enum ts_err no_memory(struct load *l)
{
    snprintf(l->msg, TS_CONF_MSG, "%s: out of memory", l->path);
    return TS_E_NOMEM;
}

/* The n-th value of a key is wrong; want says what may stand there. */
static enum ts_err wrong(struct load *l, const char *section, const char *key,
                         size_t n, const char *want)
{
    return ts_conf_refuse(l->conf->file, section, key, n, want, l->msg);
}

/* A path as seen from the folder of the configuration file. */
static enum ts_err resolve(struct load *l, const char *path, char **out)
{
    const char *slash = strrchr(l->path, '/');
    int folder = path[0] != '/' && slash ? (int)(slash - l->path) + 1 : 0;
    if (asprintf(out, "%.*s%s", folder, l->path, path) < 0) {
        *out = NULL;
        return no_memory(l);
    }
    return TS_OK;
}

/* The path in a key; without it the store's path and a suffix, or NULL. */
static enum ts_err get_path(struct load *l, const char *section,
                            const char *key, const char *suffix, char **out)
{
    const char *value = ts_conf_text(l->conf->file, section, key);
    if (value)
        return resolve(l, value, out);
    if (suffix && asprintf(out, "%s%s", l->conf->store, suffix) < 0) {
        *out = NULL;
        return no_memory(l);
    }
    return TS_OK;
}

/* One of the words, which end with NULL; its place goes to out. */
static enum ts_err get_word(struct load *l, const char *section,
                            const char *key, const char *const *words,
                            const char *want, unsigned *out)
{
    const char *value = ts_conf_text(l->conf->file, section, key);
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out = i;
            return TS_OK;
        }
    }
    return wrong(l, section, key, 0, want);
}

/* Digits only, 1 to 65535; 0 if it is no port. */
static uint16_t parse_port(const char *s)
{
    unsigned port = 0;
    if (!*s || strlen(s) > 5 || s[strspn(s, "0123456789")])
        return 0;
    for (; *s; s++)
        port = 10 * port + (unsigned)(*s - '0');
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* "192.0.2.1:80" or "[2001:db8::1]:80" */
static bool parse_listen(const char *text, struct kms_listen *out)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    size_t n = (size_t)(colon - text);
    memcpy(host, text, n);
    host[n] = '\0';
    uint16_t port = parse_port(colon + 1);
    *out = (struct kms_listen){.text = text};
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)&out->addr;
        host[n - 1] = '\0';
        a->sin6_family = AF_INET6;
        a->sin6_port = htons(port);
        out->len = sizeof *a;
        return port && inet_pton(AF_INET6, host + 1, &a->sin6_addr) == 1;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)&out->addr;
    a->sin_family = AF_INET;
    a->sin_port = htons(port);
    out->len = sizeof *a;
    return port && inet_pton(AF_INET, host, &a->sin_addr) == 1;
}

static enum ts_err get_listeners(struct load *l, const char *section,
                                 struct kms_listen *to, size_t *n)
{
    const char *text;
    for (*n = 0; (text = ts_conf_nth(l->conf->file, section, "listen", *n));
         ++*n) {
        if (*n == KMS_LISTEN_MAX)
            return wrong(l, section, "listen", *n, "more than 16 listeners");
        if (!parse_listen(text, &to[*n]))
            return wrong(l, section, "listen", *n,
                         "write an address and a port: 127.0.0.1:8080 or "
                         "[::1]:8080");
    }
    return TS_OK;
}

static enum ts_err load_kms(struct load *l)
{
    struct kms_conf *c = l->conf;
    c->identity = ts_conf_text(c->file, "kms", "identity");
    if (ts_identity(ts_span_str(c->identity), &c->canonical))
        return wrong(l, "kms", "identity", 0,
                     "write a SIP URI: sip:kms@example.org");
    const char *url = ts_conf_text(c->file, "kms", "store"), *path;
    char why[TS_CONF_MSG];
    enum ts_err err = kms_store_path(url, &path, why);
    if (err)
        return wrong(l, "kms", "store", 0, why);
    err = resolve(l, path, &c->store);
    return err ? err : get_path(l, "kms", "store-key", NULL, &c->store_key);
}

static enum ts_err load_listeners(struct load *l)
{
    struct kms_conf *c = l->conf;
    enum ts_err err = get_listeners(l, "http", c->http, &c->n_http);
    if (!err)
        err = get_listeners(l, "https", c->https, &c->n_https);
    if (!err)
        err = get_path(l, "https", "cert", NULL, &c->cert);
    if (!err)
        err = get_path(l, "https", "key", NULL, &c->key);
    if (!err && c->n_http + c->n_https == 0) {
        snprintf(l->msg, TS_CONF_MSG,
                 "%s: nowhere to listen; write [http] and "
                 "listen=127.0.0.1:8080",
                 l->path);
        err = TS_E_CONFIG;
    }
    return err;
}

static enum ts_err load_policy(struct load *l)
{
    static const char *const forking[] = {
        [KMS_FORKING_YES] = "yes",
        [KMS_FORKING_NO] = "no",
        [KMS_FORKING_REQUIRED] = "required",
        NULL,
    };
    struct kms_policy *p = &l->conf->policy;
    const struct ts_conf *f = l->conf->file;
    unsigned word = 0;
    p->skew = (uint32_t)ts_conf_uint(f, "policy", "skew");
    p->max_lifetime = (uint32_t)ts_conf_uint(f, "policy", "max-lifetime");
    p->reuse = ts_conf_bool(f, "policy", "reuse");
    enum ts_err err = get_word(l, "policy", "forking", forking,
                               "write yes, no or required", &word);
    p->forking = (enum kms_forking)word;
    return err;
}

static enum ts_err load_rest(struct load *l)
{
    static const char *const levels[] = {[TS_DEBUG] = "debug",
                                         [TS_INFO] = "info",
                                         [TS_WARN] = "warn",
                                         [TS_ERROR] = "error",
                                         [TS_ERROR + 1] = NULL};
    static const char *const identities[] = {"pseudonym", "clear", NULL};
    struct kms_conf *c = l->conf;
    c->limits = (struct kms_limits){
        .replay_entries = ts_conf_uint(c->file, "limits", "replay-entries"),
        .answer_bytes = ts_conf_uint(c->file, "limits", "answer-bytes"),
        .connections = ts_conf_uint(c->file, "limits", "connections"),
    };
    unsigned level = 0, clear = 0;
    enum ts_err err =
        get_path(l, "admin", "socket", ".admin", &c->admin_socket);
    if (!err)
        err = get_path(l, "audit", "file", ".audit", &c->audit_file);
    if (!err)
        err = get_word(l, "log", "level", levels,
                       "write debug, info, warn or error", &level);
    if (!err)
        err = get_word(l, "log", "identities", identities,
                       "write pseudonym or clear", &clear);
    c->log_level = (enum ts_level)level;
    c->log_clear = clear == 1;
    return err;
}

enum ts_err kms_conf_load(const char *path, struct kms_conf *conf,
                          char msg[static TS_CONF_MSG])
{
    struct load l = {path, conf, msg};
    *conf = (struct kms_conf){0};
    enum ts_err err = ts_conf_load(path, keys, &conf->file, msg);
    if (!err)
        err = load_kms(&l);
    if (!err)
        err = load_listeners(&l);
    if (!err)
        err = load_policy(&l);
    if (!err)
        err = load_rest(&l);
    return err;
}

void kms_conf_free(struct kms_conf *conf)
{
    if (!conf)
        return;
    free(conf->store);
    free(conf->store_key);
    free(conf->cert);
    free(conf->key);
    free(conf->admin_socket);
    free(conf->audit_file);
    ts_conf_free(conf->file);
    *conf = (struct kms_conf){0};
}
