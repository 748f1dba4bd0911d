/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the value of a key-mgmt attribute: what is accepted is the one
 * way to write its message. What begins like a description is read as one:
 * levels, lists and crypto sessions fit each other, whatever it says. A second
 * one behind it, after a line without "x=", is the answer to it.
 */
#include "fuzz/mikey.h"
#include "mikey/sdp.h"

static void check_value(struct ts_span value)
{
    static uint8_t msg[4096];
    static char text[8192];
    struct ts_span prot, data;
    size_t len, space = value.n && value.p[0] == ' ';
    enum ts_err err = mikey_sdp_read(value, msg, 16, &len);
    MUST_HOLD(err || len <= 16);
    if (mikey_sdp_read(value, msg, sizeof msg, &len))
        return;
    MUST_HOLD(err == TS_OK || err == TS_E_SPACE);
    MUST_HOLD(mikey_sdp_write(ts_span(msg, len), text, 8) == TS_E_SPACE);
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

/* A list out of the ids of all levels, which may stand in it once. */
static void make_list(const struct mikey_sdp *s)
{
    static char list[1 << 20];
    struct ts_span prot[MIKEY_SDP_ATTR_MAX + 1];
    for (size_t i = 0; i < s->n_attr; i++)
        prot[i] = s->attr[i].prot;
    enum ts_err err = mikey_sdp_list_make(prot, s->n_attr, list, sizeof list);
    MUST_HOLD((err == TS_E_EMPTY) == (s->n_attr == 0));
    MUST_HOLD(err == TS_OK || err == TS_E_EMPTY || err == TS_E_DUPLICATE ||
              err == TS_E_SPACE);
    if (err)
        return;
    MUST_HOLD(mikey_sdp_list_make(prot, s->n_attr, list, 1) == TS_E_SPACE);
    prot[0] = ts_span_str("a;b");
    MUST_HOLD(mikey_sdp_list_make(prot, s->n_attr, list, sizeof list) ==
              TS_E_FORMAT);
    MUST_HOLD(mikey_sdp_list_make(prot, sizeof prot / sizeof prot[0], list,
                                  sizeof list) == TS_E_FULL);
}

/* Other ids and sessions than a level has, out of the octets of the text. */
static void check_foreign(const struct mikey_sdp *s, int level,
                          struct ts_span text)
{
    const struct ts_span none = ts_span(NULL, 0);
    const struct ts_span tail =
        text.n > 16 ? ts_span(text.p + text.n - 16, 16) : text;
    uint8_t first;
    MUST_HOLD(mikey_sdp_list_check(s, level, none, MIKEY_SDP_LIST_MAY_MISS) ==
              TS_OK);
    MUST_HOLD(mikey_sdp_list_check(s, level, none, MIKEY_SDP_LIST_REQUIRED) ==
              TS_E_MISSING);
    (void)!mikey_sdp_list_check(s, level, tail, MIKEY_SDP_LIST_REQUIRED);
    (void)!mikey_sdp_cs_check(s, level, tail.p, tail.n % 8);
    MUST_HOLD(mikey_sdp_cs(s, level, s->n_media, &first) == TS_E_RANGE);
}

/* The octets of the text decide what becomes of each attribute. */
static void check_offer(const struct mikey_sdp *s, struct ts_span text)
{
    struct mikey_sdp_offer o;
    enum ts_err err =
        mikey_sdp_offer_begin(&o, s, ts_span_str("mikey"), text.n & 1);
    MUST_HOLD((err == TS_OK) == (mikey_sdp_offer_next(&o) >= 0));
    for (int i = mikey_sdp_offer_next(&o); i >= 0;
         i = mikey_sdp_offer_next(&o)) {
        /* the last character: it is anybody's choice */
        unsigned how = s->attr[i].value.p[s->attr[i].value.n - 1] % 4;
        enum mikey_sdp_event event = mikey_sdp_offer_event(&o, text.n & 2);
        MUST_HOLD(event != MIKEY_SDP_OFFER_TAKEN);
        MUST_HOLD(mikey_sdp_offer_result(&o, i, MIKEY_SDP_PENDING) ==
                  TS_E_RANGE);
        MUST_HOLD(mikey_sdp_offer_result(
                      &o, i, (enum mikey_sdp_result)(MIKEY_SDP_TAKEN + how)) ==
                  TS_OK);
        MUST_HOLD(mikey_sdp_offer_result(&o, i, MIKEY_SDP_TAKEN) == TS_E_STATE);
    }
    enum mikey_sdp_event event = mikey_sdp_offer_event(&o, text.n & 2);
    MUST_HOLD(event != MIKEY_SDP_OFFER_OPEN);
    MUST_HOLD(mikey_sdp_rule(event).clause);
    for (int level = MIKEY_SDP_SESSION; level < s->n_media; level++)
        if (mikey_sdp_answer_need(&o, level) == MIKEY_NEED_MUST)
            MUST_HOLD(event == MIKEY_SDP_OFFER_TAKEN);
}

/* What is accepted as an answer has an attribute only where the offer does. */
static void check_other_answer(const struct mikey_sdp *offer,
                               struct ts_span text)
{
    static struct mikey_sdp answer;
    const struct mikey_sdp_attr *got;
    struct ts_span prot;
    size_t at;
    if (mikey_sdp_scan(text, MIKEY_SDP_OFFER_ANSWER, &answer, &at) ||
        mikey_sdp_answer_check(offer, &answer, &prot, &at))
        return;
    size_t found = 0;
    for (unsigned i = 0; i < offer->n_attr; i++) {
        const struct mikey_sdp_attr *sent = &offer->attr[i];
        enum ts_err err =
            mikey_sdp_answer_attr(offer, &answer, sent, text.n & 1, &got);
        MUST_HOLD((err == TS_OK) == (got != NULL));
        found += !err;
    }
    MUST_HOLD(found == answer.n_attr);
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

static void check_description(struct ts_span text, struct ts_span behind,
                              enum mikey_sdp_use use)
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
    for (int level = MIKEY_SDP_SESSION; level < s.n_media; level++) {
        check_level(&s, level);
        check_foreign(&s, level, text);
    }
    make_list(&s);
    check_offer(&s, text);
    check_answer(&s);
    check_other_answer(&s, behind);
}

/* Cut the input where the answer begins. */
static struct ts_span cut_answer(struct ts_span *input)
{
    const uint8_t *cut = memmem(input->p, input->n, "\n-\nv=", 5);
    if (!cut)
        return ts_span(NULL, 0);
    size_t n = (size_t)(cut - input->p) + 1;
    struct ts_span behind = ts_span(cut + 3, input->n - n - 2);
    input->n = n;
    return behind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_span input = ts_span(data, n);
    if (n < 2 || memcmp(data, "v=", 2) != 0) {
        check_value(input);
        return 0;
    }
    struct ts_span behind = cut_answer(&input);
    check_description(input, behind, MIKEY_SDP_OFFER_ANSWER);
    check_description(input, behind, MIKEY_SDP_RTSP);
    check_description(input, behind, MIKEY_SDP_ONE_WAY);
    for (int event = 0; event <= MIKEY_SDP_EVENTS; event++)
        MUST_HOLD(mikey_sdp_rule((enum mikey_sdp_event)event).clause);
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
