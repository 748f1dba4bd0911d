/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front takes from outside: a body of a request, and a record of the
 * engine. The first octet says which.
 */
#include <stdlib.h>

#include "kms/frontwire.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void take_body(struct ts_span text)
{
    static uint8_t room[KMS_BODY_ROOM];
    enum kms_form form;
    struct ts_span msg;
    if (kms_body_open(text, room, &form, &msg) != TS_OK)
        return;
    MUST_HOLD(msg.n > 0 && msg.n <= KMS_BODY_MAX && msg.p[0] == 0x01);
    MUST_HOLD(form == KMS_FORM_RAW ? msg.p == text.p : msg.p == room);
}

static void take_reply(struct ts_span rec)
{
    struct kms_reply reply;
    struct ts_span msg;
    if (kms_reply_open(rec, &reply, &msg) != TS_OK)
        return;
    MUST_HOLD(msg.n <= KMS_REPLY_MAX && msg.n <= rec.n);
    MUST_HOLD(reply.id == 0 || (reply.status == 200) == (msg.n > 0));
    MUST_HOLD(reply.retry <= 3600);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct ts_span rest = ts_span(data + 1, n - 1);
    if (data[0] & 1)
        take_body(rest);
    else
        take_reply(rest);
    return 0;
}
