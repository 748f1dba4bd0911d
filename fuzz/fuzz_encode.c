/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message (first octet 01): encode gives back what decode took apart. Any
 * other octets as JSON: refused with a reason in one line, or a message that
 * decode takes and of which encode gives the same octets.
 */
#include "fuzz/mikey.h"
#include "tool/decode.h"
#include "tool/encode.h"
#include "tool/json.h"
#include "tool/octets.h"

static void must_be_a_line(const char *why)
{
    size_t n = strnlen(why, MT_LONG_WHY);
    MUST_HOLD(n > 0 && n < MT_LONG_WHY);
    for (size_t i = 0; i < n; i++)
        MUST_HOLD(why[i] >= ' ' && why[i] <= '~');
}

/* By way of a text, as a person would have it. False if it is not taken. */
static bool round_trip(struct ts_span msg)
{
    static uint8_t room[MT_INPUT_MAX];
    struct ts_writer w = ts_writer_init(room, sizeof room);
    char why[MT_LONG_WHY];
    json_t *made = mt_decode(msg, why);
    if (!made) {
        must_be_a_line(why);
        return false;
    }
    char *text = json_dumps(made, JSON_COMPACT);
    json_decref(made);
    MUST_HOLD(text);
    json_t *read = mt_json_read(ts_span_str(text), why);
    free(text);
    MUST_HOLD(read);
    MUST_HOLD(mt_encode(read, &w, false, NULL, why));
    json_decref(read);
    MUST_HOLD(ts_span_equal(ts_written(&w), msg));
    return true;
}

static void try_json(json_t *root, bool fix)
{
    static uint8_t room[MT_INPUT_MAX];
    struct ts_writer w = ts_writer_init(room, sizeof room);
    char why[MT_LONG_WHY];
    if (mt_encode(root, &w, fix, NULL, why))
        MUST_HOLD(round_trip(ts_written(&w)));
    else
        must_be_a_line(why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char why[MT_LONG_WHY];
    if (n > 65536)
        return 0;
    if (n && data[0] == MIKEY_VERSION) {
        (void)round_trip(ts_span(data, n));
        return 0;
    }
    json_t *root = mt_json_read(ts_span(data, n), why);
    if (!root) {
        must_be_a_line(why);
        return 0;
    }
    try_json(root, false);
    try_json(root, true);
    json_decref(root);
    return 0;
}
