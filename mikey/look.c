/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at messages, for whoever has no key and no role.
 */
#include "mikey/mikey.h"
#include "mikey/srtp.h"

const char *mikey_version(void)
{
    return MIKEY_VERSION_TEXT; /* meson.build */
}

_Static_assert(sizeof((struct mikey_glance *)0)->idr ==
                   sizeof((struct mikey_msg *)0)->idr,
               "as many roles as messages have");
_Static_assert(sizeof((struct mikey_glance *)0)->error == MIKEY_ERR_MAX,
               "as many errors as messages have");

enum ts_err mikey_look(struct ts_span message, struct mikey_glance *g)
{
    struct mikey_msg m;
    bool hdr_ok;
    enum ts_err err = mikey_msg_read(message, &m, &hdr_ok);
    *g = (struct mikey_glance){.bad_at = m.bad_at, .bad_in = m.bad_in};
    if (!hdr_ok)
        return err;
    g->type = m.hdr.type;
    g->v = m.hdr.v;
    g->prf = m.hdr.prf;
    g->csb = m.hdr.csb;
    g->n_cs = m.hdr.n_cs;
    g->map_type = m.hdr.map_type;
    g->has_t = m.has_t;
    g->t = m.t;
    memcpy(g->idr, m.idr, sizeof g->idr);
    g->n_errors = m.n_err;
    memcpy(g->error, m.err, m.n_err);
    g->ticket_flags = m.has_ticket ? m.ticket.tp.flags : m.tp.flags;
    return err;
}

bool mikey_walk(struct ts_span message, struct mikey_walk *walk,
                struct mikey_item *item)
{
    struct mikey_payload p;
    if (walk->at == 0) {
        struct ts_reader r = ts_reader_span(message);
        struct mikey_hdr hdr;
        if (mikey_hdr_read(&r, &hdr))
            return false;
        *walk = (struct mikey_walk){ts_reader_pos(&r), hdr.next};
    }
    if (walk->at > message.n)
        return false;
    struct mikey_chain c = mikey_chain_init(
        ts_span(message.p + walk->at, message.n - walk->at), walk->next);
    if (!mikey_chain_next(&c, &p))
        return false;
    *item = (struct mikey_item){p.type, walk->at, p.body};
    *walk = (struct mikey_walk){walk->at + p.body.n, p.next};
    return true;
}

enum ts_err mikey_look_policy(struct ts_span message, size_t nth, uint8_t *no,
                              struct mikey_srtp_policy *policy)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(message, &m, NULL);
    if (err)
        return err;
    if (nth >= m.n_sp)
        return TS_E_NOTFOUND;
    *no = m.sp[nth].no;
    return mikey_srtp_policy_read(&m.sp[nth], policy);
}

enum ts_err mikey_ticket_name(const struct mikey_ticket_info *info,
                              enum mikey_id_role role, size_t nth,
                              struct mikey_id *id)
{
    struct mikey_chain c = mikey_chain_first(info->policy);
    struct mikey_payload p;
    while (mikey_chain_next(&c, &p)) {
        if (p.type != MIKEY_IDR || p.u.id.role != role || nth-- > 0)
            continue;
        *id = p.u.id;
        return TS_OK;
    }
    return TS_E_NOTFOUND;
}
