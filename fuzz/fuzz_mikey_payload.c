/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payload. The first octet is its type, the others are its octets; 0 means
 * HDR, with its map of crypto sessions. What can be read writes back to the
 * same octets, and what stands in it is looked at as its receiver does.
 */
#include "fuzz/write_back.h"
#include "mikey/kms.h"

static const struct ts_span none;

/* ---- HDR ---- */

static void read_map(const struct mikey_hdr *hdr)
{
    static uint8_t buf[70000];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs, found;
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        MUST_HOLD(mikey_map_next(hdr, i, &r, &cs) == TS_OK);
        must_be_inside(cs.policies, hdr->map);
        must_be_inside(cs.spi, hdr->map);
        mikey_put_cs(&w, &cs);
        bool generic = hdr->map_type == MIKEY_MAP_GENERIC;
        MUST_HOLD(mikey_cs_find(hdr, cs.id, &found) ==
                  (generic ? TS_OK : TS_E_NOTFOUND));
        MUST_HOLD(mikey_cs_find(hdr, (uint8_t)~cs.id, &found) != TS_E_SHORT);
    }
    MUST_HOLD(ts_reader_end(&r) == TS_OK);
    if (hdr->map_type == MIKEY_MAP_GENERIC)
        MUST_HOLD(ts_span_equal(ts_written(&w), hdr->map));
}

static void read_hdr(struct ts_span all)
{
    static uint8_t buf[70000];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct ts_reader r = ts_reader_span(all);
    struct mikey_hdr hdr;
    if (mikey_hdr_read(&r, &hdr))
        return;
    size_t n = ts_reader_pos(&r);
    read_map(&hdr);
    (void)mikey_build_hdr(&w, &hdr);
    MUST_HOLD(!w.err && w.len == n);
    buf[2] = hdr.next; /* written by whoever comes next */
    MUST_HOLD(memcmp(buf, all.p, n) == 0);
}

/* ---- what stands in payloads ---- */

static void read_time(struct mikey_time t)
{
    uint64_t us;
    enum ts_err err = mikey_time_unix(t, &us);
    MUST_HOLD(!err == (t.type != MIKEY_COUNTER));
    if (err) {
        MUST_HOLD(mikey_time_check(t, 0, 0) == err);
        return;
    }
    MUST_HOLD(mikey_time_check(t, us, 0) == TS_OK);
    MUST_HOLD(mikey_time_check(t, us + 2000001, 2) == TS_E_TIME);
    MUST_HOLD(mikey_time_check(t, us + 1999999, 2) == TS_OK);
    if (us >= 2000000)
        MUST_HOLD(mikey_time_check(t, us - 1999999, 2) == TS_OK);
}

static void read_kemac(const struct mikey_kemac *kemac)
{
    static struct mikey_keys want;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        uint8_t no = 0;
        bool tgk;
        enum ts_err err =
            mikey_wanted_check(kemac, mikey_suite_bits(bits), &tgk, &no);
        MUST_HOLD(!err || no);
        if (err)
            continue;
        MUST_HOLD(mikey_wanted_read(kemac, &want) == TS_OK);
        MUST_HOLD(want.n <= MIKEY_WANT_MAX);
    }
}

static void read_policy(const struct mikey_tp *tp)
{
    static struct mikey_policy policy;
    bool tgk = true;
    uint8_t no;
    if (mikey_policy_read(tp->data, &policy))
        return;
    MUST_HOLD(policy.n_responders > 0);
    if (policy.has_kemac)
        (void)!mikey_wanted_check(&policy.kemac, mikey_suite_bits(256), &tgk,
                                  &no);
    (void)mikey_flags_ok(tp->flags, tgk);
    (void)!mikey_policy_valid(&policy, 1763922305, 300);
}

static void read_sp(const struct mikey_sp *sp)
{
    uint8_t params[128];
    struct ts_writer w = ts_writer_init(params, sizeof params);
    struct mikey_srtp_policy p, again;
    if (mikey_srtp_policy_read(sp, &p))
        return;
    mikey_srtp_policy_write(&w, &p);
    const struct mikey_sp written = {sp->no, sp->prot, ts_written(&w)};
    if (w.err || mikey_srtp_policy_read(&written, &again))
        abort();
    MUST_HOLD(mikey_srtp_policy_equal(&p, &again) && p.set == again.set);
}

static void read_ticket(const struct mikey_ticket *t)
{
    struct mikey_base base;
    struct mikey_v vi, vr;
    read_policy(&t->tp);
    if (mikey_base_read(t, &base) == TS_OK) {
        must_be_inside(base.covered, t->body);
        must_be_inside(base.kemac.data, t->data);
    }
    if (mikey_init_data_read(t->init, &vi, &vr) == TS_OK) {
        must_be_inside(vi.mac, t->init);
        MUST_HOLD(vi.mac.n == vr.mac.n);
    }
}

static void look_inside(const struct mikey_payload *p)
{
    switch (p->type) {
    case MIKEY_T:
        read_time(p->u.t);
        break;
    case MIKEY_TR:
        read_time(p->u.tr.t);
        break;
    case MIKEY_KEMAC:
        read_kemac(&p->u.kemac);
        break;
    case MIKEY_SP:
        read_sp(&p->u.sp);
        break;
    case MIKEY_TP:
        read_policy(&p->u.tp);
        break;
    case MIKEY_TICKET:
        read_ticket(&p->u.ticket);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct mikey_payload p;
    if (n == 0 || n > 60000)
        return 0;
    struct ts_span octets = n > 1 ? ts_span(data + 1, n - 1) : none;
    if (data[0] == MIKEY_LAST) {
        read_hdr(octets);
        return 0;
    }
    struct mikey_chain c = mikey_chain_init(octets, data[0]);
    if (!mikey_chain_next(&c, &p)) {
        MUST_HOLD(mikey_chain_end(&c) != TS_OK);
        return 0;
    }
    must_be_inside(p.body, octets);
    must_write_back(&p);
    look_inside(&p);
    return 0;
}
