/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as an offer and as an answer: either refused with a reason, or a
 * call that can be carried, whose answer in turn reads as one.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "ue/keying.h"
#include "ue/sdp.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void check(const struct ue_sdp *sdp)
{
    uint8_t addr[16];
    MUST_HOLD(!sdp->fault);
    MUST_HOLD(sdp->port && (sdp->pt == UE_PCMU || sdp->pt == UE_PCMA));
    MUST_HOLD(sdp->audio < sdp->medias && sdp->medias <= UE_SDP_MEDIA_MAX);
    MUST_HOLD(sdp->key.n > 6 && sdp->key.n < UE_LINE_MAX);
    MUST_HOLD(memcmp(sdp->key.p, "mikey ", 6) == 0);
    MUST_HOLD(inet_pton(sdp->ipv6 ? AF_INET6 : AF_INET, sdp->host, addr) == 1);
}

static void answer(const struct ue_sdp *offer)
{
    static char text[1 << 17];
    static const struct ue_sdp_own own = {
        .host = "192.0.2.1", .port = 4000, .key = "mikey AQAF"};
    struct ue_sdp back;
    size_t n;
    if (ue_sdp_write_answer(&own, offer, text, sizeof(text), &n))
        return;
    MUST_HOLD(ue_sdp_read_offer(ts_span(text, n), &back) == TS_OK);
    MUST_HOLD(back.medias == offer->medias && back.audio == offer->audio);
    MUST_HOLD(back.pt == offer->pt && back.port == own.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ue_sdp sdp;
    if (ue_sdp_read_offer(ts_span(data, n), &sdp) == TS_OK) {
        check(&sdp);
        answer(&sdp);
    } else {
        MUST_HOLD(sdp.fault);
    }
    if (ue_sdp_read_answer(ts_span(data, n), &sdp) == TS_OK)
        MUST_HOLD(sdp.medias == 1);
    else
        MUST_HOLD(sdp.fault);
    return 0;
}
