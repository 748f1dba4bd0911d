/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the value of a key-mgmt attribute: what is accepted is the one
 * way to write its message. What begins like a description is read as one:
 * levels, lists and crypto sessions fit each other, whatever it says.
 */
#include "fuzz/mikey.h"
#include "mikey/sdp.h"

static void check_value(struct ts_span value)
{
    static uint8_t msg[4096];
    static char text[8192];
    struct ts_span prot, data;
    size_t len, space = value.n && value.p[0] == ' ';
    if (mikey_sdp_read(value, msg, sizeof msg, &len))
        return;
    MUST_HOLD(len <= sizeof msg);
    MUST_HOLD(mikey_sdp_write(ts_span(msg, len), text, sizeof text) == TS_OK);
    MUST_HOLD(strlen(text) == value.n - space);
    MUST_HOLD(memcmp(text, value.p + space, value.n - space) == 0);
    MUST_HOLD(mikey_sdp_split(value, &prot, &data) == TS_OK);
    MUST_HOLD(ts_span_equal(prot, ts_span_str("mikey")));
    MUST_HOLD(mikey_sdp_is_base64(data));
}

/* What a level is told to say about itself is what it accepts. */
static void check_level(const struct mikey_sdp *s, int level)
{
    static char list[1 << 20];
    size_t n;
    const struct mikey_sdp_attr *attr = mikey_sdp_level(s, level, &n);
    if (n && mikey_sdp_list(s, level, list, sizeof list) == TS_OK)
        MUST_HOLD(mikey_sdp_list_check(s, level, ts_span_str(list),
                                       MIKEY_SDP_LIST_REQUIRED) == TS_OK);
    for (size_t i = 0; i < n; i++) {
        MUST_HOLD(attr[i].level == level);
        MUST_HOLD(mikey_sdp_find(s, level, attr[i].prot) == &attr[i]);
    }
    uint8_t cs[2 * MIKEY_SDP_MEDIA_MAX], first;
    size_t n_cs = 0;
    for (unsigned i = 0; i < s->n_media; i++) {
        unsigned media;
        bool initiator;
        if (mikey_sdp_cs(s, level, i, &first))
            continue;
        for (unsigned k = 0; k < 2; k++) {
            cs[n_cs] = (uint8_t)(first + k);
            MUST_HOLD(mikey_sdp_cs_media(s, level, cs[n_cs++], &media,
                                         &initiator) == TS_OK);
            MUST_HOLD(media == i && initiator == (k == 0));
        }
    }
    MUST_HOLD(mikey_sdp_cs_check(s, level, cs, n_cs) == TS_OK);
}

/* The octets of the text decide what becomes of each attribute. */
static void check_offer(const struct mikey_sdp *s, struct ts_span text)
{
    struct mikey_sdp_offer o;
    enum ts_err err =
        mikey_sdp_offer_begin(&o, s, ts_span_str("mikey"), text.n & 1);
    MUST_HOLD((err == TS_OK) == (mikey_sdp_offer_next(&o) >= 0));
    for (int i = mikey_sdp_offer_next(&o); i >= 0; i = mikey_sdp_offer_next(&o))
        MUST_HOLD(mikey_sdp_offer_result(
                      &o, i,
                      (enum mikey_sdp_result)(MIKEY_SDP_TAKEN +
                                              text.p[s->attr[i].at + 1] % 4)) ==
                  TS_OK);
    enum mikey_sdp_event event = mikey_sdp_offer_event(&o, text.n & 2);
    MUST_HOLD(event != MIKEY_SDP_OFFER_OPEN);
    MUST_HOLD(mikey_sdp_rule(event).clause);
    for (int level = MIKEY_SDP_SESSION; level < s->n_media; level++)
        if (mikey_sdp_answer_need(&o, level) == MIKEY_NEED_MUST)
            MUST_HOLD(event == MIKEY_SDP_OFFER_TAKEN);
}

/* A description would do as its own answer. */
static void check_answer(const struct mikey_sdp *s)
{
    const struct mikey_sdp_attr *got;
    struct ts_span prot;
    size_t at;
    enum ts_err err = mikey_sdp_answer_check(s, s, &prot, &at);
    MUST_HOLD(err == TS_OK || err == TS_E_UNSUPPORTED); /* two protocols */
    for (unsigned i = 0; i < s->n_attr; i++)
        MUST_HOLD(mikey_sdp_answer_attr(s, s, &s->attr[i], true, &got) ==
                      TS_OK &&
                  got == &s->attr[i]);
}

static void check_description(struct ts_span text, enum mikey_sdp_use use)
{
    static struct mikey_sdp s;
    const struct ts_span known = ts_span_str("mikey");
    const struct mikey_sdp_attr *attr;
    struct ts_span prot;
    size_t at;
    enum ts_err err = mikey_sdp_scan(text, use, &s, &at);
    MUST_HOLD(at <= text.n);
    MUST_HOLD(err == TS_OK || (s.n_attr == 0 && s.n_media == 0));
    for (unsigned i = 0; i < s.n_attr; i++)
        must_be_inside(s.attr[i].value, text);
    for (unsigned i = 0; i < s.n_media; i++) {
        must_be_inside(s.media[i].kind, text);
        must_be_inside(s.media[i].proto, text);
    }
    bool chosen = mikey_sdp_choose(&s, &known, 1, &prot) == TS_OK;
    for (unsigned i = 0; i < s.n_media; i++) {
        err = mikey_sdp_applies(&s, i, known, &attr);
        MUST_HOLD((err == TS_OK) == (attr != NULL));
        MUST_HOLD(!chosen || err != TS_E_UNSUPPORTED);
    }
    for (int level = MIKEY_SDP_SESSION; level < s.n_media; level++)
        check_level(&s, level);
    check_offer(&s, text);
    check_answer(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_span input = ts_span(data, n);
    if (n < 2 || memcmp(data, "v=", 2) != 0) {
        check_value(input);
        return 0;
    }
    check_description(input, MIKEY_SDP_OFFER_ANSWER);
    check_description(input, MIKEY_SDP_RTSP);
    check_description(input, MIKEY_SDP_ONE_WAY);
    struct mikey_sdp_walk w = mikey_sdp_walk_init(input);
    struct mikey_sdp_line line;
    size_t last = 0;
    while (mikey_sdp_next(&w, &line) == TS_OK) {
        MUST_HOLD(line.at > last && line.at == w.at); /* it gets on */
        last = line.at;
        must_be_inside(line.value, input);
    }
    return 0;
}
