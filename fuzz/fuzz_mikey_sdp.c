/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the value of a key-mgmt attribute: what is accepted is the one
 * way to write its message.
 */
#include "fuzz/mikey.h"
#include "mikey/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t msg[4096];
    static char text[8192];
    size_t len, space = n && data[0] == ' ';
    if (mikey_sdp_read(ts_span(data, n), msg, sizeof msg, &len))
        return 0;
    MUST_HOLD(len <= sizeof msg);
    MUST_HOLD(mikey_sdp_write(ts_span(msg, len), text, sizeof text) == TS_OK);
    MUST_HOLD(strlen(text) == n - space);
    MUST_HOLD(memcmp(text, data + space, n - space) == 0);
    return 0;
}
