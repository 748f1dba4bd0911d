/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/sdp.h"

#include <nettle/base64.h>

/* Every character is of the alphabet; up to two '=' at the very end. */
static bool alphabet_only(struct ts_span s)
{
    if (s.n == 0 || s.n % 4)
        return false;
    size_t pad = s.p[s.n - 1] == '=' ? s.p[s.n - 2] == '=' ? 2 : 1 : 0;
    for (size_t i = 0; i < s.n - pad; i++) {
        uint8_t c = s.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

enum ts_err mikey_sdp_read(struct ts_span value, uint8_t *out, size_t cap,
                           size_t *n)
{
    static const char id[] = "mikey ";
    struct base64_decode_ctx ctx;
    if (value.n && value.p[0] == ' ')
        value = ts_span(value.p + 1, value.n - 1);
    if (value.n < sizeof id - 1 || memcmp(value.p, id, sizeof id - 1) != 0)
        return TS_E_UNSUPPORTED;

    struct ts_span text =
        ts_span(value.p + sizeof id - 1, value.n - (sizeof id - 1));
    if (!alphabet_only(text))
        return TS_E_FORMAT;
    if (BASE64_DECODE_LENGTH(text.n) > cap)
        return TS_E_SPACE;
    *n = cap;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, n, out, text.n, (const char *)text.p) ||
        !base64_decode_final(&ctx))
        return TS_E_FORMAT; /* non-zero bits behind the last octet, too */
    return TS_OK;
}

enum ts_err mikey_sdp_write(struct ts_span msg, char *out, size_t cap)
{
    static const char id[] = "mikey ";
    size_t n = BASE64_ENCODE_RAW_LENGTH(msg.n);
    if (cap < sizeof id + n)
        return TS_E_SPACE;
    memcpy(out, id, sizeof id - 1);
    base64_encode_raw(out + sizeof id - 1, msg.n, msg.p);
    out[sizeof id - 1 + n] = '\0';
    return TS_OK;
}
