/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of tesseractl share. */
#include "tool/ctl.h"

#include <nettle/base16.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kms/adminsock.h"

static bool colour(void)
{
    return isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

static void say(const struct ctl *ctl, const char *kind, const char *text)
{
    if (ctl->json) {
        json_t *o = json_pack("{s:s}", kind, text);
        char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;
        (void)fprintf(stderr, "%s\n", line ? line : "{\"error\":\"\"}");
        free(line);
        json_decref(o);
    } else if (colour()) {
        (void)fprintf(stderr, "\033[31mtesseractl:\033[0m %s\n", text);
    } else {
        (void)fprintf(stderr, "tesseractl: %s\n", text);
    }
}

int ctl_fail(const struct ctl *ctl, int code, const char *format, ...)
{
    char text[2 * TS_CONF_MSG];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    say(ctl, "error", text);
    return code;
}

int ctl_fail_store(const struct ctl *ctl, enum ts_err err)
{
    if (err == TS_E_AGAIN)
        return ctl_fail(ctl, 1,
                        "store %s: another program holds it; try once more",
                        ctl->conf.store);
    const char *why = kms_store_why(ctl->store);
    return ctl_fail(ctl, 1, "store %s: %s", ctl->conf.store,
                    err == TS_E_IO && *why ? why : ts_strerror(err));
}

/* Print and release. */
__attribute__((format(printf, 3, 0))) static int
print(const struct ctl *ctl, json_t *object, const char *format, va_list ap)
{
    if (!object)
        return ctl_fail(ctl, 1, "out of memory");
    int rc;
    if (ctl->json) {
        rc = json_dumpf(object, stdout, JSON_COMPACT);
        if (rc == 0)
            rc = putchar('\n');
    } else {
        rc = vprintf(format, ap);
        if (rc >= 0)
            rc = putchar('\n');
    }
    json_decref(object);
    return rc < 0 ? ctl_fail(ctl, 1, "standard output cannot be written") : 0;
}

int ctl_print(const struct ctl *ctl, json_t *object, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int code = print(ctl, object, format, ap);
    va_end(ap);
    return code;
}

int ctl_print_change(const struct ctl *ctl, json_t *object, const char *format,
                     ...)
{
    char msg[TS_CONF_MSG];
    bool told;
    enum ts_err err = kms_admin_tell(ctl->conf.admin_socket, &told, msg);
    const char *daemon = err ? "failed" : told ? "told" : "not running";
    if (object && json_object_set_new(object, "daemon", json_string(daemon))) {
        json_decref(object);
        object = NULL;
    }
    va_list ap;
    va_start(ap, format);
    int code = print(ctl, object, format, ap);
    va_end(ap);
    if (err)
        return ctl_fail(ctl, 1, "the store is changed, but %s", msg);
    return code;
}

int ctl_open(struct ctl *ctl)
{
    char msg[TS_CONF_MSG];
    enum ts_err err = kms_store_open(ctl->conf.store, &ctl->store, msg);
    if (!err)
        return 0;
    return ctl_fail(ctl, err == TS_E_CONFIG || err == TS_E_NOTFOUND ? 2 : 1,
                    "%s", msg);
}

int ctl_use_key(struct ctl *ctl, const struct ts_key *key)
{
    uint8_t check[KMS_SEALED_MAX];
    size_t n = 0;
    enum ts_err err = kms_sealer_init(&ctl->sealer, key);
    if (!err)
        err = kms_store_check(ctl->store, check, &n);
    if (err)
        return ctl_fail_store(ctl, err);
    if (kms_check_verify(&ctl->sealer, ts_span(check, n)))
        return ctl_fail(ctl, 2,
                        "store key %s: is not the key of the store %s; put "
                        "back the one that it was made with",
                        ctl->conf.store_key, ctl->conf.store);
    return 0;
}

int ctl_unlock(struct ctl *ctl)
{
    char msg[TS_CONF_MSG];
    struct ts_key key;
    int code = ctl_open(ctl);
    if (code)
        return code;
    enum ts_err err = kms_storekey_load(ctl->conf.store_key, &key, msg);
    if (err)
        code = ctl_fail(ctl, 2, "%s", msg);
    else
        code = ctl_use_key(ctl, &key);
    ts_key_wipe(&key);
    return code;
}

int ctl_identity(const struct ctl *ctl, const char *uri,
                 struct ts_identity *out)
{
    if (ts_identity(ts_span_str(uri), out) == TS_OK)
        return 0;
    return ctl_fail(ctl, 2,
                    "%.300s: is no identity; write sip:user@domain, "
                    "sips:user@domain or tel:+number",
                    uri);
}

const char *ctl_bad_key_id(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > KMS_KEYID_MAX)
        return "is not 1 to 255 bytes long";
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return "holds a control character";
    }
    json_t *utf8 = json_string(text);
    json_decref(utf8);
    return utf8 ? NULL : "is no UTF-8 text";
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ctl_hex_key(const char *text, size_t n, struct ts_key *key)
{
    *key = (struct ts_key){0};
    if (n < 32 || n > 2 * TS_KEY_MAX || n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        int hi = digit(text[i]), lo = digit(text[i + 1]);
        if (hi < 0 || lo < 0) {
            ts_key_wipe(key);
            return false;
        }
        key->b[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    key->len = (uint8_t)(n / 2);
    return true;
}

enum ts_err ctl_put_user(struct ctl *ctl, const char *identity,
                         const char *key_id, const struct ts_key *key,
                         uint64_t now)
{
    struct kms_sealed sealed;
    enum ts_err err = kms_seal_credential(&ctl->sealer, ts_span_str(key_id),
                                          ts_span_str(identity), key, &sealed);
    if (err)
        return err;
    return kms_store_user_put(ctl->store, identity, ts_span_str(key_id),
                              kms_sealed_span(&sealed), now);
}

enum ts_err ctl_new_key(struct ctl *ctl, uint64_t now, uint8_t id[static 16])
{
    struct ts_key key = {.len = KMS_TICKETKEY_LEN};
    struct kms_sealed sealed;
    enum ts_err err = ts_random(NULL, key.b, key.len);
    if (!err)
        err = ts_random(NULL, id, 16);
    if (!err)
        err = kms_seal_ticketkey(&ctl->sealer, id, &key, &sealed);
    if (!err)
        err =
            kms_store_key_rotate(ctl->store, id, kms_sealed_span(&sealed), now);
    ts_key_wipe(&key);
    return err;
}

const char *ctl_time(uint64_t seconds, char buf[static CTL_TIME])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) ||
        strftime(buf, CTL_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        buf[0] = '\0';
    return buf;
}

const char *ctl_key_id(const uint8_t id[static 16], char buf[static CTL_KEY_ID])
{
    base16_encode_update(buf, 16, id);
    buf[CTL_KEY_ID - 1] = '\0';
    return buf;
}

uint64_t ctl_now(void)
{
    return (uint64_t)time(NULL);
}
