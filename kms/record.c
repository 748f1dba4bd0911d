/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit record of a decision, one JSON object in one line:
 *
 *   {"time":"2026-11-23T18:00:00.123Z","event":"resolve","result":"granted",
 *    "reason":"","user":"sip:bob@example.org","key-id":"bob-1",
 *    "from":"sip:alice@example.org","for":["sip:bob@example.org"],
 *    "csb":"0a1b2c3d","suite":256}
 *
 * Written by hand, not by a JSON library, because the engine does not allocate
 * on this path; the tests read it back with one. "csb" is the CSB ID, which
 * ties the record to the messages. A member that does not fit is left out.
 */
#include <stdio.h>
#include <time.h>

#include "kms/engine.h"

struct line {
    char *p;
    size_t n, cap;
    bool full;
};

static void put(struct line *l, const char *text, size_t n)
{
    if (n > l->cap - l->n) {
        l->full = true;
        return;
    }
    memcpy(l->p + l->n, text, n);
    l->n += n;
}

/* Take back what was begun at mark if its end did not fit. */
static bool whole(struct line *l, size_t mark)
{
    bool fits = !l->full;
    if (!fits)
        l->n = mark;
    l->full = false;
    return fits;
}

static inline void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* Octets that stand for themselves in a JSON string. */
static const bool plain[256] = {
    [' '] = true,
    ['!'] = true,
    ['#' ... '['] = true,
    [']' ... '~'] = true,
};

/* A JSON string of any octets: what is not plain ASCII is \u00XX. */
static void put_string(struct line *l, struct ts_span s, size_t most)
{
    size_t from = 0, end = s.n < most ? s.n : most;
    put_text(l, "\"");
    for (size_t i = 0; i < end; i++) {
        char code[8];
        if (plain[s.p[i]])
            continue;
        put(l, (const char *)s.p + from, i - from);
        snprintf(code, sizeof code, "\\u%04x", s.p[i]);
        put(l, code, 6);
        from = i + 1;
    }
    if (from < end)
        put(l, (const char *)s.p + from, end - from);
    put_text(l, s.n > most ? "...\"" : "\"");
}

static void put_member(struct line *l, const char *name, struct ts_span s)
{
    size_t mark = l->n;
    put_text(l, ",\"");
    put_text(l, name);
    put_text(l, "\":");
    put_string(l, s, 255);
    (void)whole(l, mark);
}

static void put_hex(struct line *l, const char *name, struct ts_span s)
{
    static const char digits[] = "0123456789abcdef";
    put_text(l, ",\"");
    put_text(l, name);
    put_text(l, "\":\"");
    for (size_t i = 0; i < s.n; i++) {
        put(l, &digits[s.p[i] >> 4], 1);
        put(l, &digits[s.p[i] & 15], 1);
    }
    put_text(l, "\"");
}

/* n decimal digits, and what stands behind them. */
static void put_digits(struct line *l, int value, unsigned n, char behind)
{
    char text[8];
    text[n] = behind;
    for (unsigned i = n; i > 0; i--, value /= 10)
        text[i - 1] = (char)('0' + value % 10);
    put(l, text, n + 1);
}

/* Not strftime(), which takes longer than all the rest of a record. */
static void put_time(struct line *l, uint64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    put_text(l, "{\"time\":\"");
    put_digits(l, tm.tm_year + 1900, 4, '-');
    put_digits(l, tm.tm_mon + 1, 2, '-');
    put_digits(l, tm.tm_mday, 2, 'T');
    put_digits(l, tm.tm_hour, 2, ':');
    put_digits(l, tm.tm_min, 2, ':');
    put_digits(l, tm.tm_sec, 2, '.');
    put_digits(l, (int)(us / 1000 % 1000), 3, 'Z');
    put_text(l, "\"");
}

/* As many responders as leave room for the rest of the line. */
static void put_policy(struct line *l, const struct mikey_policy *p)
{
    if (p->initiator.data.p)
        put_member(l, "from", p->initiator.data);
    l->cap += 16;
    put_text(l, ",\"for\":[");
    size_t i = 0;
    for (; i < p->n_responders; i++) {
        size_t mark = l->n;
        if (i)
            put_text(l, ",");
        put_string(l, p->responder[i].data, 255);
        if (!whole(l, mark))
            break;
    }
    l->cap += 112;
    put_text(l, "]");
    if (i < p->n_responders) {
        char more[48];
        snprintf(more, sizeof more, ",\"more\":%zu", p->n_responders - i);
        put_text(l, more);
    }
}

size_t kms_engine_record(const struct kms_engine *e,
                         const struct kms_question *q,
                         char line[static KMS_RECORD_MAX])
{
    /* list and end of line have their own room behind what may be cut */
    struct line l = {line, 0, KMS_RECORD_MAX - 256, false};
    uint8_t csb[4];
    (void)e;
    struct ts_writer w = ts_writer_init(csb, sizeof csb);
    ts_put_u32(&w, q->m.hdr.csb);

    put_time(&l, q->now);
    put_text(&l, q->type == MIKEY_REQUEST_INIT_PSK ? ",\"event\":\"request\""
                                                   : ",\"event\":\"resolve\"");
    put_member(&l, "result", ts_span_str(kms_result_name(q->result)));
    put_member(&l, "reason", ts_span_str(q->reason));
    if (q->user)
        put_member(&l, "user",
                   ts_span(q->user->identity, q->user->identity_len));
    if (q->key_id.n)
        put_member(&l, "key-id", q->key_id);
    /* only what was authenticated is put down as said by somebody */
    if (q->has_policy && q->user)
        put_policy(&l, &q->policy);
    l.cap = KMS_RECORD_MAX;
    put_hex(&l, "csb", ts_span(csb, sizeof csb));
    put_text(&l, q->m.hdr.prf == MIKEY_PRF_SHA256 ? ",\"suite\":256}"
                                                  : ",\"suite\":128}");
    return l.n;
}
