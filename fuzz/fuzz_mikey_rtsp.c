/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the value of a KeyMgmt header: what is accepted can be judged,
 * and what we would write of it reads the same.
 */
#include "fuzz/mikey.h"
#include "mikey/rtsp.h"

enum { MOST = 8 };

static void check_one(const struct mikey_rtsp_spec *spec, struct ts_span value)
{
    must_be_inside(spec->prot, value);
    must_be_inside(spec->uri, value);
    must_be_inside(spec->data, value);
    MUST_HOLD(mikey_sdp_is_prot(spec->prot) && spec->data.n);
    MUST_HOLD(spec->uri.n == 0 || mikey_rtsp_is_uri(spec->uri));
    MUST_HOLD(spec->at < value.n);
}

static void write_again(const struct mikey_rtsp_spec *spec, size_t n)
{
    static uint8_t raw[MOST][4096];
    static char text[1 << 16];
    struct mikey_rtsp_new out[MOST];
    struct mikey_rtsp_spec again[MOST];
    size_t len, at, have;
    for (size_t i = 0; i < n; i++) {
        if (mikey_sdp_decode(spec[i].data, raw[i], sizeof raw[i], &len))
            return;
        out[i] = (struct mikey_rtsp_new){spec[i].uri, ts_span(raw[i], len)};
    }
    MUST_HOLD(mikey_rtsp_write(out, n, text, 16) == TS_E_SPACE);
    if (mikey_rtsp_write(out, n, text, sizeof text) == TS_E_SPACE)
        return;
    MUST_HOLD(mikey_rtsp_read(ts_span_str(text), again, MOST, &have, &at) ==
              TS_OK);
    MUST_HOLD(have == n);
    for (size_t i = 0; i < n; i++) {
        MUST_HOLD(ts_span_equal(again[i].uri, spec[i].uri));
        MUST_HOLD(ts_span_equal(again[i].data, spec[i].data));
    }
}

/* What libmikey would not write. */
static void write_wrong(struct ts_span value)
{
    char text[64];
    struct mikey_rtsp_new out[2] = {{ts_span(NULL, 0), ts_span("", 1)},
                                    {ts_span(NULL, 0), ts_span("", 1)}};
    MUST_HOLD(mikey_rtsp_write(out, 0, text, sizeof text) == TS_E_EMPTY);
    MUST_HOLD(mikey_rtsp_write(out, 2, text, sizeof text) == TS_E_DUPLICATE);
    out[0].uri = value;
    if (value.n && !mikey_rtsp_is_uri(value))
        MUST_HOLD(mikey_rtsp_write(out, 1, text, sizeof text) == TS_E_FORMAT);
    out[0].msg.n = 0;
    MUST_HOLD(mikey_rtsp_write(out, 1, text, sizeof text) == TS_E_MISSING);
}

/* The rules, all of them. */
static void check_rules(void)
{
    static const struct mikey_sdp nothing, keyed = {.n_session = 1};
    bool server;
    for (int event = 0; event <= MIKEY_RTSP_EVENTS; event++)
        MUST_HOLD(mikey_rtsp_rule((enum mikey_rtsp_event)event).clause);
    for (int m = 0; m <= MIKEY_RTSP_SETUP_ERROR + 1; m++)
        (void)mikey_rtsp_need((enum mikey_rtsp_message)m);
    MUST_HOLD(mikey_rtsp_initiator(MIKEY_RTSP_PLAY, &server) == TS_OK);
    MUST_HOLD(mikey_rtsp_initiator((enum mikey_rtsp_mode)(MIKEY_RTSP_PLAY + 1),
                                   &server) == TS_E_UNSUPPORTED);
    MUST_HOLD(mikey_rtsp_check_sdp(&nothing, ts_span(NULL, 0)) == TS_OK);
    MUST_HOLD(mikey_rtsp_check_sdp(&keyed, ts_span(NULL, 0)) ==
              TS_E_UNSUPPORTED);
}

static void judge(const struct mikey_rtsp_spec *spec, size_t n)
{
    const struct mikey_rtsp_spec *found;
    for (unsigned i = 0; i < 6; i++) {
        const struct mikey_rtsp_setup setup = {
            .request = ts_span_str("rtsp://a/m/1"),
            .aggregate = ts_span_str("rtsp://a/m"),
            .medium = ts_span_str("rtsp://a/m/1"),
            .offered = (enum mikey_rtsp_context)(i % 3),
            .first = i < 3,
        };
        enum mikey_rtsp_event event = mikey_rtsp_setup_event(
            &setup, spec, n, ts_span_str("mikey"), &found);
        MUST_HOLD((event == MIKEY_RTSP_SETUP_MESSAGE) == (found != NULL));
        MUST_HOLD(mikey_rtsp_rule(event).clause);
        struct ts_span uri = mikey_rtsp_uri(&setup);
        MUST_HOLD(!uri.p == (mikey_rtsp_expect(&setup) == MIKEY_RTSP_NOTHING));
    }
    const struct mikey_rtsp_setup one = {
        .request = ts_span_str("rtsp://a/m"),
        .aggregate = ts_span_str("rtsp://a/m"),
        .medium = ts_span_str("rtsp://a/m"),
        .offered = MIKEY_RTSP_MEDIUM,
    };
    for (size_t i = 0; i < n; i++)
        MUST_HOLD(mikey_rtsp_about(&one, &spec[i]) != MIKEY_RTSP_SESSION);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct mikey_rtsp_spec spec[MOST];
    struct ts_span value = ts_span(data, n), behind;
    size_t have, at;
    if (mikey_rtsp_header(value, &behind) == TS_OK)
        value = behind;
    enum ts_err err = mikey_rtsp_read(value, spec, MOST, &have, &at);
    MUST_HOLD(at <= value.n);
    MUST_HOLD((err == TS_OK) == (have > 0));
    for (size_t i = 0; i < have; i++)
        check_one(&spec[i], value);
    judge(spec, have);
    check_rules();
    write_wrong(value);
    if (have)
        write_again(spec, have);
    return 0;
}
