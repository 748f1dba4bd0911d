/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures, two ways. With the first octet odd the others are a capture file,
 * for libpcap. With it even they are frames, which a fuzzer reaches more
 * easily: a link type, then frames behind 16 bits of length. What is found must
 * be a view that can be read, with a known carrier; the notes must be lines.
 */
#include "base/reader.h"
#include "fuzz/mikey.h"
#include "tool/capture.h"
#include "tool/decode.h"

static void must_be_a_line(const char *line)
{
    MUST_HOLD(*line);
    for (; *line; line++)
        MUST_HOLD(*line >= ' ' && *line <= '~');
}

static void on_found(void *arg, const struct mt_found *found)
{
    static const char *const carriers[] = {"udp-2269", "tcp-2269", "sip",
                                           "sdp",      "http",     "rtsp"};
    char end[MT_END], why[MT_WHY];
    bool known = false;
    (void)arg;
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++)
        known |= strcmp(found->carrier, carriers[i]) == 0;
    MUST_HOLD(known && found->place->frame > 0);
    must_be_a_line(mt_end_text(&found->place->from, end));
    must_be_a_line(mt_end_text(&found->place->to, end));
    MUST_HOLD(found->why || found->form);
    if (found->why)
        must_be_a_line(found->why);
    else
        json_decref(mt_decode(found->msg, why));
}

static void on_note(void *arg, const char *line)
{
    (void)arg;
    must_be_a_line(line);
}

static const struct mt_sink sink = {on_found, on_note, NULL};

static void read_file(struct ts_span data)
{
    char why[MT_FILE_WHY];
    uint64_t frames;
    if (data.n == 0)
        return;
    (void)mt_is_capture(data);
    FILE *f = fmemopen((void *)(uintptr_t)data.p, data.n, "rb");
    MUST_HOLD(f);
    if (mt_capture_file(f, &sink, &frames, why))
        must_be_a_line(why);
}

static void read_frames(struct ts_span data)
{
    static const int links[] = {1, 0, 101, 108, 113, 228, 229, 276};
    struct ts_reader r = ts_reader_span(data);
    int link = links[ts_get_u8(&r) % 8];
    struct mt_capture *c = mt_capture_new(link, &sink);
    MUST_HOLD(c);
    while (ts_reader_left(&r)) {
        size_t n = ts_get_u16(&r), left = ts_reader_left(&r);
        struct ts_span frame = ts_get_span(&r, n < left ? n : left);
        MUST_HOLD(mt_capture_frame(c, (struct mt_when){0, 0}, frame) == TS_OK);
    }
    MUST_HOLD(mt_capture_end(c) == TS_OK);
    mt_capture_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > 65536)
        return 0;
    struct ts_span rest = ts_span(data + 1, n - 1);
    if (data[0] & 1)
        read_file(rest);
    else
        read_frames(rest);
    return 0;
}
