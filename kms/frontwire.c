/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/frontwire.h"

#include <nettle/base64.h>

#define RETRY_MAX 3600 /* seconds; more than this nobody means */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* nettle skips white space anywhere; a body has only line breaks inside. */
static bool has_blank(struct ts_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\f' || s.p[i] == '\v')
            return true;
    return false;
}

static enum ts_err open_base64(struct ts_span text, uint8_t *room,
                               struct ts_span *msg)
{
    struct base64_decode_ctx ctx;
    size_t n = KMS_BODY_ROOM;
    while (text.n > 0 && is_space(text.p[text.n - 1]))
        text.n--;
    if (text.n > KMS_TEXT_MAX)
        return TS_E_RANGE;
    if (has_blank(text))
        return TS_E_FORMAT;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &n, room, text.n, (const char *)text.p) ||
        !base64_decode_final(&ctx))
        return TS_E_FORMAT;
    *msg = ts_span(room, n);
    return TS_OK;
}

enum ts_err kms_body_open(struct ts_span text,
                          uint8_t room[static KMS_BODY_ROOM],
                          enum kms_form *form, struct ts_span *msg)
{
    enum ts_err err = TS_OK;
    *msg = text;
    if (text.n == 0)
        return TS_E_MISSING;
    if (text.p[0] == 0x01) {
        *form = KMS_FORM_RAW;
    } else if (text.p[0] == 'A') {
        *form = KMS_FORM_BASE64;
        err = open_base64(text, room, msg);
    } else {
        return TS_E_FORMAT;
    }
    if (!err && msg->n > KMS_BODY_MAX)
        err = TS_E_RANGE;
    if (!err && (msg->n == 0 || msg->p[0] != 0x01))
        err = TS_E_FORMAT;
    return err;
}

enum ts_err kms_reply_open(struct ts_span rec, struct kms_reply *reply,
                           struct ts_span *msg)
{
    if (rec.n < sizeof *reply)
        return TS_E_FORMAT;
    memcpy(reply, rec.p, sizeof *reply);
    *msg = ts_span(rec.p + sizeof *reply, rec.n - sizeof *reply);
    if (reply->len != msg->n || reply->len > KMS_REPLY_MAX ||
        reply->retry > RETRY_MAX)
        return TS_E_FORMAT;
    if (reply->id == 0)
        return msg->n == 0 ? TS_OK : TS_E_FORMAT;
    switch (reply->status) {
    case 200:
        return msg->n > 0 ? TS_OK : TS_E_FORMAT;
    case 400:
    case 503:
        return msg->n == 0 ? TS_OK : TS_E_FORMAT;
    default:
        return TS_E_FORMAT;
    }
}
