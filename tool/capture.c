/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "tool/capture_find.h"
#include "tool/capture_ip.h"
#include "tool/capture_tcp.h"

struct mt_capture {
    int link;
    struct mt_sink sink;
    uint64_t frames;
    struct mt_frags *frags;
    struct mt_flows *flows;
};

const char *mt_end_text(const struct mt_end *end, char text[static MT_END])
{
    char addr[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(end->v6 ? AF_INET6 : AF_INET, end->addr, addr, sizeof addr);
    snprintf(text, MT_END, end->v6 ? "[%s]:%u" : "%s:%u", addr, end->port);
    return text;
}

struct mt_capture *mt_capture_new(int link, const struct mt_sink *sink)
{
    struct mt_capture *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->link = link;
    c->sink = *sink;
    c->frags = mt_frags_new(sink);
    c->flows = mt_flows_new(sink);
    if (c->frags && c->flows)
        return c;
    mt_capture_free(c);
    return NULL;
}

enum ts_err mt_capture_frame(struct mt_capture *c, struct mt_when when,
                             struct ts_span frame)
{
    struct mt_packet p;
    struct ts_span ip;
    struct mt_place place = {.frame = ++c->frames, .when = when};
    enum ts_err err = mt_link_read(c->link, frame, &ip);
    if (!err)
        err = mt_ip_read(c->frags, ip, &p);
    if (err)
        return err == TS_E_NOMEM ? err : TS_OK;
    place.from = p.from;
    place.to = p.to;
    if (p.protocol == MT_TCP)
        return mt_flows_take(c->flows, &p, &place);
    mt_find_in_datagram(p.data, &place, &c->sink);
    return TS_OK;
}

enum ts_err mt_capture_end(struct mt_capture *c)
{
    return mt_flows_end(c->flows);
}

uint64_t mt_capture_frames(const struct mt_capture *c)
{
    return c->frames;
}

void mt_capture_free(struct mt_capture *c)
{
    if (!c)
        return;
    mt_frags_free(c->frags);
    mt_flows_free(c->flows);
    free(c);
}
