/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/identity.h"

#define KEY_MIN 16 /* bytes, as libmikey wants them */

static const char UE[] = "ue";

static const struct ts_conf_key keys[] = {
    {UE, "identity", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {UE, "kms", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {UE, "kms-identity", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {UE, "ca", TS_CONF_TEXT, 0, 0, 0, NULL},
    {UE, "proxy", TS_CONF_TEXT, 0, 0, 0, NULL},
    {UE, "listen", TS_CONF_TEXT, 0, 0, 0, NULL},
    {UE, "suite", TS_CONF_UINT, 0, 128, 256, "256"},
    {UE, "send", TS_CONF_TEXT, 0, 0, 0, NULL},
    {UE, "record", TS_CONF_TEXT, 0, 0, 0, NULL},
    {UE, "credential", TS_CONF_TEXT, 0, 0, 0, "psk"},
    {UE, "psk-id", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {UE, "secret-file", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {NULL, NULL, TS_CONF_TEXT, 0, 0, 0, NULL},
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* n characters of hex; blanks at the end do not count. */
static enum ts_err read_hex(const char *text, size_t n, struct ts_key *key)
{
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    if (n == 0 || n % 2 || n / 2 > TS_KEY_MAX)
        return TS_E_FORMAT;
    for (size_t i = 0; i < n / 2; i++) {
        int hi = digit(text[2 * i]), lo = digit(text[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return TS_E_FORMAT;
        key->b[i] = (uint8_t)(hi << 4 | lo);
    }
    key->len = (uint8_t)(n / 2);
    return TS_OK;
}

static enum ts_err load_secret(const char *path, struct ts_key *key,
                               char msg[static TS_CONF_MSG])
{
    char text[2 * TS_KEY_MAX + 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (n < 0)
        (void)snprintf(msg, TS_CONF_MSG, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return TS_E_IO;
    enum ts_err err = read_hex(text, (size_t)n, key);
    ts_wipe(text, sizeof(text));
    if (!err && key->len >= KEY_MIN)
        return TS_OK;
    ts_key_wipe(key);
    (void)snprintf(msg, TS_CONF_MSG,
                   "%s: not a key: %d to %d hexadecimal digits are needed",
                   path, 2 * KEY_MIN, 2 * TS_KEY_MAX);
    return TS_E_CONFIG;
}

/* What the table of keys cannot say. */
static enum ts_err check(const char *path, const struct ue_conf *conf,
                         char msg[static TS_CONF_MSG])
{
    const char *credential = ts_conf_text(conf->file, UE, "credential");
    const char *identity = conf->credential.identity;
    struct ts_identity id;
    int suite = conf->credential.suite;
    if (ts_identity(ts_span_str(identity), &id) ||
        strncmp(id.text, "sip:", 4) != 0 || !strchr(id.text, '@'))
        (void)snprintf(
            msg, TS_CONF_MSG,
            "%s: [ue] identity=%.200s: not of the form sip:USER@HOST", path,
            identity);
    else if (suite != 128 && suite != 256)
        (void)snprintf(msg, TS_CONF_MSG, "%s: [ue] suite is 128 or 256", path);
    else if (strcmp(credential, "psk") != 0)
        (void)snprintf(msg, TS_CONF_MSG,
                       "%s: [ue] credential=%.40s: only psk is known", path,
                       credential);
    else if (!conf->signal.proxy && !conf->signal.listen)
        (void)snprintf(msg, TS_CONF_MSG,
                       "%s: [ue] needs listen where there is no proxy", path);
    else
        return TS_OK;
    return TS_E_CONFIG;
}

/* The file that a key names, as seen from the folder of the configuration
   file; NULL without that key. */
static enum ts_err find_file(const char *conf, const char *key,
                             struct ue_conf *out, const char **file)
{
    const char *path = ts_conf_text(out->file, UE, key);
    const char *slash = strrchr(conf, '/');
    *file = path;
    if (!path || path[0] == '/' || !slash)
        return TS_OK;
    size_t folder = (size_t)(slash - conf) + 1, size = folder + strlen(path);
    char *text = malloc(size + 1);
    if (!text)
        return TS_E_NOMEM;
    (void)snprintf(text, size + 1, "%.*s%s", (int)folder, conf, path);
    out->paths[out->n_paths++] = text;
    *file = text;
    return TS_OK;
}

static enum ts_err find_files(const char *conf, struct ue_conf *out,
                              const char **secret, char msg[static TS_CONF_MSG])
{
    enum ts_err err = find_file(conf, "ca", out, &out->ca);
    if (!err)
        err = find_file(conf, "send", out, &out->send);
    if (!err)
        err = find_file(conf, "record", out, &out->record);
    if (!err)
        err = find_file(conf, "secret-file", out, secret);
    if (err)
        (void)snprintf(msg, TS_CONF_MSG, "%s: %s", conf, ts_strerror(err));
    return err;
}

enum ts_err ue_conf_load(const char *path, struct ue_conf *out,
                         char msg[static TS_CONF_MSG])
{
    memset(out, 0, sizeof(*out));
    enum ts_err err = ts_conf_load(path, keys, &out->file, msg);
    if (err)
        return err;
    const struct ts_conf *file = out->file;
    out->credential.identity = ts_conf_text(file, UE, "identity");
    out->credential.kms_identity = ts_conf_text(file, UE, "kms-identity");
    out->credential.psk_id = ts_conf_text(file, UE, "psk-id");
    out->credential.suite = (int)ts_conf_uint(file, UE, "suite");
    out->credential.seen = &out->seen;
    out->signal.identity = out->credential.identity;
    out->signal.listen = ts_conf_text(file, UE, "listen");
    out->signal.proxy = ts_conf_text(file, UE, "proxy");
    out->kms = ts_conf_text(file, UE, "kms");
    const char *secret;
    err = check(path, out, msg);
    if (!err)
        err = find_files(path, out, &secret, msg);
    return err ? err : load_secret(secret, &out->credential.psk, msg);
}

void ue_conf_free(struct ue_conf *conf)
{
    ts_key_wipe(&conf->credential.psk);
    while (conf->n_paths)
        free(conf->paths[--conf->n_paths]);
    ts_conf_free(conf->file);
    conf->file = NULL;
}
