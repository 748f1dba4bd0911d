/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "decode": one message, or one in each line.
 */
#include "tool/decode.h"
#include "tool/io.h"
#include "tool/mikeytool.h"
#include "tool/octets.h"
#include "tool/put.h"

static json_t *decode(struct ts_span msg, const char *form,
                      char why[static MT_WHY])
{
    json_t *json = mt_decode(msg, why);
    if (json)
        mt_put_text(json, "form", form);
    return json;
}

static int decode_one(struct mt_input *in, unsigned options)
{
    char why[MT_WHY];
    struct ts_span msg;
    const char *form;
    if (!mt_input_whole(in, MT_INPUT_MAX))
        return 1;
    enum ts_err err = mt_octets(in->b, in->n, &msg, &form);
    if (err) {
        fprintf(stderr, "mikeytool: input, read as %s: %s\n", form,
                ts_strerror(err));
        return 1;
    }
    json_t *json = decode(msg, form, why);
    return json ? mt_print(json, options) : mt_complain("not well-formed", why);
}

static json_t *decode_line(struct mt_input *in, enum mt_line line)
{
    char why[MT_WHY] = "longer than 256 KiB";
    json_t *json = NULL;
    if (line == MT_LINE && !mt_from_hex(in->b, &in->n))
        snprintf(why, sizeof why, "no hexadecimal digits, two for each octet");
    else if (line == MT_LINE)
        json = decode(ts_span(in->b, in->n), "hex", why);
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

int mt_run_decode(char **args, unsigned options)
{
    struct mt_input in;
    if (!mt_input_open(&in, args[0]))
        return 1;
    int code =
        options & MT_LINES ? decode_lines(&in) : decode_one(&in, options);
    mt_input_close(&in);
    return code;
}
