/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/deck.h"

void deck_open(struct deck *d, const struct example *e,
               enum example_message which)
{
    struct mikey_hdr hdr;
    struct mikey_payload p;
    struct ts_reader r = ts_reader_span(example_span(e, which));
    memset(d, 0, sizeof *d);
    d->e = e;
    d->which = which;
    d->with_v = true;
    OK(mikey_hdr_read(&r, &hdr));
    d->hdr.n = ts_reader_pos(&r);
    memcpy(d->hdr.b, e->msg[which].b, d->hdr.n);
    struct mikey_chain c = {r, hdr.next};
    while (mikey_chain_next(&c, &p))
        if (p.type != MIKEY_V)
            deck_insert(d, d->n, p.type, p.body);
    OK(mikey_chain_end(&c));
}

size_t deck_find(const struct deck *d, uint8_t type)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->card[i].type == type)
            return i;
    fail_msg("no payload of type %u", type);
    return 0;
}

void deck_insert(struct deck *d, size_t i, uint8_t type, struct ts_span body)
{
    assert_true(d->n < DECK_MAX);
    memmove(&d->card[i + 1], &d->card[i], (d->n - i) * sizeof d->card[0]);
    d->card[i].type = type;
    d->card[i].body = body;
    d->n++;
}

void deck_remove(struct deck *d, size_t i)
{
    d->n--;
    memmove(&d->card[i], &d->card[i + 1], (d->n - i) * sizeof d->card[0]);
}

struct ts_span deck_deal(struct deck *d)
{
    struct bytes *out = &d->out;
    *out = d->hdr;
    out->b[2] = d->n ? d->card[0].type : d->with_v ? MIKEY_V : MIKEY_LAST;
    for (size_t i = 0; i < d->n; i++) {
        struct ts_span body = d->card[i].body;
        uint8_t last = d->with_v ? MIKEY_V : MIKEY_LAST;
        assert_true(out->n + body.n <= sizeof out->b);
        memcpy(out->b + out->n, body.p, body.n);
        if (d->card[i].type != MIKEY_SIGN) /* it names no next payload */
            out->b[out->n] = i + 1 < d->n ? d->card[i + 1].type : last;
        out->n += body.n;
    }
    if (d->with_v) {
        assert_true(out->n + 2 + d->e->suite->mac <= sizeof out->b);
        out->b[out->n] = MIKEY_LAST;
        out->b[out->n + 1] = d->e->suite->auth;
        out->n += 2u + d->e->suite->mac;
        scene_sign(d->e, d->which, out->b, out->n);
    }
    return span_of(out);
}

enum ts_err deck_open_again(struct deck *d)
{
    return scene_open(d->e, d->which, deck_deal(d));
}
