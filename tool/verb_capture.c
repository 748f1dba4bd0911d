/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/verb_capture.h"

#include "tool/capture.h"
#include "tool/load.h"
#include "tool/mikeytool.h"
#include "tool/put.h"

/** What mt_decode_capture() has seen. */
struct seen {
    uint64_t messages;
    bool broken; /* standard output */
};

static void on_found(void *arg, const struct mt_found *found)
{
    struct seen *seen = arg;
    const struct mt_place *place = found->place;
    char text[MT_WHEN > MT_END ? MT_WHEN : MT_END], why[MT_WHY];
    json_t *o = mt_object(), *message = NULL;
    if (!found->why)
        message = mt_decode_form(found->msg, found->form, why);
    mt_put_number(o, "frame", place->frame);
    mt_when_write(place->when, true, text);
    mt_put_text(o, "time", text);
    mt_put_text(o, "source", mt_end_text(&place->from, text));
    mt_put_text(o, "destination", mt_end_text(&place->to, text));
    mt_put_text(o, "carrier", found->carrier);
    if (message)
        mt_put(o, "message", message);
    else
        mt_put_text(o, "error", found->why ? found->why : why);
    seen->messages++;
    seen->broken = seen->broken || mt_print(o, MT_COMPACT) != 0;
}

static void on_note(void *arg, const char *line)
{
    (void)arg;
    (void)mt_complain("note", line);
}

int mt_decode_capture(struct mt_input *in)
{
    char why[MT_FILE_WHY];
    struct seen seen = {0};
    const struct mt_sink sink = {on_found, on_note, &seen};
    uint64_t frames;
    FILE *f = mt_input_stream(in);
    if (!f)
        return 1;
    enum ts_err err = mt_capture_file(f, &sink, &frames, why);
    if (err)
        return mt_complain(in->name, why);
    if (seen.messages == 0) {
        snprintf(why, sizeof why,
                 "no MIKEY message in %llu frames; looked for were UDP and "
                 "TCP port 2269, and SIP, SDP, HTTP and RTSP in the clear",
                 (unsigned long long)frames);
        (void)mt_complain(in->name, why);
    }
    return seen.broken;
}
