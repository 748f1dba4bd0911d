/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/octets.h"

#include <ctype.h>

#include <nettle/base64.h>

#include "mikey/sdp.h"

static bool is_text(const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isspace(in[i]) && (in[i] < ' ' || in[i] > '~'))
            return false;
    return true;
}

struct ts_span mt_trim(struct ts_span s)
{
    while (s.n && isspace(s.p[s.n - 1]))
        s.n--;
    while (s.n && isspace(s.p[0]))
        s = ts_span(s.p + 1, s.n - 1);
    return s;
}

static bool skip(struct ts_span *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (s->n < n || memcmp(s->p, prefix, n) != 0)
        return false;
    *s = ts_span(s->p + n, s->n - n);
    return true;
}

/* White space out; gives what is left. */
static size_t squeeze(uint8_t *in, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++)
        if (!isspace(in[i]))
            in[to++] = in[i];
    return to;
}

unsigned mt_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    c = (uint8_t)tolower(c);
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

/* In place: two digits to one octet. False if they are not all digits. */
static bool from_hex(uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mt_digit(in[i]) > 15)
            return false;
    for (size_t i = 0; i + 1 < n; i += 2)
        in[i / 2] = (uint8_t)(mt_digit(in[i]) << 4 | mt_digit(in[i + 1]));
    return true;
}

bool mt_from_hex(uint8_t *in, size_t *n)
{
    size_t digits = squeeze(in, *n);
    *n = digits / 2;
    return digits % 2 == 0 && from_hex(in, digits);
}

enum ts_err mt_from_base64(struct ts_span text, struct ts_span *out)
{
    static uint8_t room[BASE64_DECODE_LENGTH(MT_BASE64_MAX)];
    struct base64_decode_ctx ctx;
    size_t n = sizeof room;
    if (text.n > MT_BASE64_MAX)
        return TS_E_RANGE;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &n, room, text.n, (const char *)text.p) ||
        !base64_decode_final(&ctx) || n == 0)
        return TS_E_FORMAT;
    *out = ts_span(room, n);
    return n > MT_INPUT_MAX ? TS_E_RANGE : TS_OK;
}

/* The value of a key-mgmt attribute. */
static enum ts_err from_sdp(struct ts_span value, struct ts_span *out)
{
    static uint8_t room[MT_INPUT_MAX];
    size_t n = 0;
    enum ts_err err = mikey_sdp_read(value, room, sizeof room, &n);
    *out = ts_span(room, n);
    return err;
}

enum ts_err mt_octets(uint8_t *in, size_t n, struct ts_span *out,
                      const char **form)
{
    *out = ts_span(in, n);
    *form = "raw";
    if (n == 0)
        return TS_E_EMPTY;
    if (!is_text(in, n))
        return TS_OK;

    struct ts_span line = mt_trim(*out);
    bool attribute = skip(&line, "a=key-mgmt:");
    struct ts_span id = line;
    if (attribute || skip(&id, "mikey ")) {
        *form = "sdp";
        return from_sdp(line, out);
    }
    n = squeeze(in, n);
    if (n == 0)
        return TS_E_EMPTY;
    if (from_hex(in, n)) {
        *form = "hex";
        *out = ts_span(in, n / 2);
        return n % 2 ? TS_E_FORMAT : TS_OK;
    }
    *form = "base64";
    return mt_from_base64(ts_span(in, n), out);
}
