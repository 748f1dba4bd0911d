/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "decode": one message, those of a capture file, or one in each line.
 */
#include "tool/capture.h"
#include "tool/load.h"
#include "tool/mikeytool.h"
#include "tool/octets.h"
#include "tool/put.h"
#include "tool/verb_capture.h"

static int decode_one(struct mt_input *in, unsigned options)
{
    if (!mt_input_read(in, MT_MAGIC))
        return 1;
    if (mt_is_capture(ts_span(in->b, in->n)))
        return mt_decode_capture(in);
    json_t *json = mt_load(in);
    return json ? mt_print(json, options) : 1;
}

static json_t *decode_line(struct mt_input *in, enum mt_line line)
{
    char why[MT_WHY] = "longer than 256 KiB";
    json_t *json = NULL;
    if (line == MT_LINE && !mt_from_hex(in->b, &in->n))
        snprintf(why, sizeof why, "no hexadecimal digits, two for each octet");
    else if (line == MT_LINE)
        json = mt_decode_form(ts_span(in->b, in->n), "hex", why);
    if (json)
        return json;
    json = mt_object();
    mt_put_text(json, "error", why);
    return json;
}

static int decode_lines(struct mt_input *in)
{
    enum mt_line line;
    while ((line = mt_input_line(in, 2 * MT_INPUT_MAX)) != MT_LINES_END)
        if (mt_print(decode_line(in, line), MT_COMPACT) != 0)
            return 1;
    return 0;
}

int mt_run_decode(const struct mt_call *call)
{
    char **args = call->args;
    unsigned options = call->options;
    struct mt_input in;
    if (!mt_input_open(&in, args[0]))
        return 1;
    int code =
        options & MT_LINES ? decode_lines(&in) : decode_one(&in, options);
    mt_input_close(&in);
    return code;
}
