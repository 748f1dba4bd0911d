/* SPDX-License-Identifier: Apache-2.0 */
/* The file that holds the store key (kms/seal.h). */
#include "kms/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/base16.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kms/storefile.h"

#define DIGITS (2 * KMS_STOREKEY_LEN)

/* Write one line of explanation; errno is shown where it says more. */
static enum ts_err fail(char msg[static TS_CONF_MSG], enum ts_err err,
                        const char *path, const char *what)
{
    snprintf(msg, TS_CONF_MSG, "store key %s: %s", path, what);
    return err;
}

static enum ts_err fail_errno(char msg[static TS_CONF_MSG], const char *path)
{
    return fail(msg, errno == ENOENT ? TS_E_NOTFOUND : TS_E_IO, path,
                strerror(errno));
}

/* Read at most cap bytes; the number read, or -1 with errno. */
static ssize_t read_some(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, buf + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

/* 64 digits and a newline, nothing else. */
static bool decode(const char *text, size_t n, struct ts_key *key)
{
    struct base16_decode_ctx ctx;
    uint8_t out[BASE16_DECODE_LENGTH(DIGITS)];
    size_t len = sizeof out;
    bool ok = n == DIGITS + 1 && text[DIGITS] == '\n';
    for (size_t i = 0; ok && i < DIGITS; i++)
        ok = (text[i] >= '0' && text[i] <= '9') ||
             (text[i] >= 'a' && text[i] <= 'f') ||
             (text[i] >= 'A' && text[i] <= 'F');
    base16_decode_init(&ctx);
    ok = ok && base16_decode_update(&ctx, &len, out, DIGITS, text) &&
         base16_decode_final(&ctx) &&
         ts_key_set(key, ts_span(out, KMS_STOREKEY_LEN)) == TS_OK;
    ts_wipe(out, sizeof out);
    ts_wipe(&ctx, sizeof ctx);
    return ok;
}

enum ts_err kms_storekey_load(const char *path, struct ts_key *key,
                              char msg[static TS_CONF_MSG])
{
    *key = (struct ts_key){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(msg, path);
    struct stat st;
    char text[DIGITS + 2];
    ssize_t n = -1;
    enum ts_err err;
    if (fstat(fd, &st) != 0)
        err = fail_errno(msg, path);
    else if (!S_ISREG(st.st_mode))
        err = fail(msg, TS_E_CONFIG, path, "is no regular file");
    else if (st.st_mode & 077)
        err = fail(msg, TS_E_CONFIG, path,
                   "others than its owner may open it; chmod 0600 the file");
    else if ((n = read_some(fd, text, sizeof text)) < 0)
        err = fail_errno(msg, path);
    else if (!decode(text, (size_t)n, key))
        err = fail(msg, TS_E_CONFIG, path,
                   "is not 64 hexadecimal digits and a newline; restore it "
                   "from its backup");
    else
        err = TS_OK;
    ts_wipe(text, sizeof text);
    close(fd);
    return err;
}

/* Fill the file with a fresh key. */
static int write_key(int fd)
{
    uint8_t raw[KMS_STOREKEY_LEN];
    char text[DIGITS + 1];
    int rc = -1;
    if (ts_random(NULL, raw, sizeof raw) == TS_OK) {
        base16_encode_update(text, sizeof raw, raw);
        text[DIGITS] = '\n';
        errno = ENOSPC; /* what a short write means */
        if (write(fd, text, sizeof text) == (ssize_t)sizeof text)
            rc = fsync(fd);
    }
    ts_wipe(raw, sizeof raw);
    ts_wipe(text, sizeof text);
    return rc;
}

enum ts_err kms_storekey_create(const char *path, char msg[static TS_CONF_MSG])
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp)
        return fail(msg, TS_E_CONFIG, path, "the path is too long");
    int fd = mkostemp(temp, O_CLOEXEC); /* O_EXCL, mode 0600 */
    if (fd < 0)
        return fail_errno(msg, path);
    /* link() is what never overwrites; a reader sees all 64 digits or none. */
    enum ts_err err = TS_OK;
    if (write_key(fd) != 0)
        err = fail_errno(msg, path);
    else if (link(temp, path) != 0)
        err = errno == EEXIST ? fail(msg, TS_E_EXISTS, path, "exists already")
                              : fail_errno(msg, path);
    else if (kms_sync_folder(path))
        err = fail_errno(msg, path);
    close(fd);
    unlink(temp);
    return err;
}
