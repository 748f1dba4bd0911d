/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/sdp.h"

#include <nettle/base64.h>

#include "base/msan.h"

static bool is_alnum(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9');
}

bool mikey_sdp_is_prot(struct ts_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]))
            return false;
    return s.n > 0;
}

bool mikey_sdp_is_base64(struct ts_span s)
{
    /* characters whose last two or four bits are zero */
    static const char two[] = "AEIMQUYcgkosw048", four[] = "AQgw";
    if (s.n == 0 || s.n % 4)
        return false;
    size_t pad = s.p[s.n - 1] != '=' ? 0 : s.p[s.n - 2] != '=' ? 1 : 2;
    for (size_t i = 0; i < s.n - pad; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '/')
            return false;
    uint8_t last = s.p[s.n - pad - 1];
    return pad == 0 || (pad == 1 && memchr(two, last, sizeof two - 1)) ||
           (pad == 2 && memchr(four, last, sizeof four - 1));
}

enum ts_err mikey_sdp_decode(struct ts_span data, uint8_t *out, size_t cap,
                             size_t *n)
{
    struct base64_decode_ctx ctx;
    size_t len = cap;
    if (!mikey_sdp_is_base64(data))
        return TS_E_FORMAT;
    if (BASE64_DECODE_LENGTH(data.n) > cap)
        return TS_E_SPACE;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &len, out, data.n, (const char *)data.p) ||
        !base64_decode_final(&ctx))
        return TS_E_FORMAT;
    ts_msan_out(out, len);
    *n = len;
    return TS_OK;
}

enum ts_err mikey_sdp_split(struct ts_span value, struct ts_span *prot,
                            struct ts_span *data)
{
    if (value.n && value.p[0] == ' ')
        value = ts_span(value.p + 1, value.n - 1);
    const uint8_t *space = value.n ? memchr(value.p, ' ', value.n) : NULL;
    if (!space)
        return TS_E_FORMAT;
    *prot = ts_span(value.p, (size_t)(space - value.p));
    *data = ts_span(space + 1, value.n - prot->n - 1);
    return mikey_sdp_is_prot(*prot) && data->n ? TS_OK : TS_E_FORMAT;
}

enum ts_err mikey_sdp_read(struct ts_span value, uint8_t *out, size_t cap,
                           size_t *n)
{
    static const char id[] = "mikey ";
    if (value.n && value.p[0] == ' ')
        value = ts_span(value.p + 1, value.n - 1);
    if (value.n < sizeof id - 1 || memcmp(value.p, id, sizeof id - 1) != 0)
        return TS_E_UNSUPPORTED;
    return mikey_sdp_decode(
        ts_span(value.p + sizeof id - 1, value.n - (sizeof id - 1)), out, cap,
        n);
}

enum ts_err mikey_sdp_write(struct ts_span msg, char *out, size_t cap)
{
    static const char id[] = "mikey ";
    size_t n = BASE64_ENCODE_RAW_LENGTH(msg.n);
    if (cap < sizeof id + n)
        return TS_E_SPACE;
    memcpy(out, id, sizeof id - 1);
    base64_encode_raw(out + sizeof id - 1, msg.n, msg.p);
    ts_msan_out(out + sizeof id - 1, n);
    out[sizeof id - 1 + n] = '\0';
    return TS_OK;
}
