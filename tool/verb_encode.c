/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "encode": JSON to a message, one or one in each line.
 */
#include <nettle/base64.h>
#include <unistd.h>

#include "tool/encode.h"
#include "tool/io.h"
#include "tool/json.h"
#include "tool/mikeytool.h"
#include "tool/octets.h"
#include "tool/put.h"

/* The message that a text describes; false with the reason in why. */
static bool encode(const struct mt_input *in, unsigned options,
                   struct ts_span *msg, char why[static MT_LONG_WHY])
{
    static uint8_t room[MT_INPUT_MAX];
    struct ts_writer w = ts_writer_init(room, sizeof room);
    bool fix = options & MT_FIX;
    json_t *root = mt_json_read(ts_span(in->b, in->n), why);
    if (!root)
        return false;
    bool good = mt_encode(root, &w, fix, stderr, why);
    json_decref(root);
    *msg = ts_written(&w);
    return good;
}

static void write_hex(struct ts_span msg)
{
    for (size_t i = 0; i < msg.n; i++)
        printf("%02x", msg.p[i]);
    putchar('\n');
}

static void write_base64(struct ts_span msg)
{
    static char text[BASE64_ENCODE_RAW_LENGTH(MT_INPUT_MAX)];
    base64_encode_raw(text, msg.n, msg.p);
    (void)fwrite(text, 1, BASE64_ENCODE_RAW_LENGTH(msg.n), stdout);
    putchar('\n');
}

/* Returns the exit code. A form other than raw is a line. */
static int write_message(struct ts_span msg, unsigned options)
{
    if (options & MT_HEX) {
        write_hex(msg);
    } else if (options & MT_BASE64) {
        write_base64(msg);
    } else if (options & MT_SDP) {
        fputs("a=key-mgmt:mikey ", stdout);
        write_base64(msg);
    } else {
        (void)fwrite(msg.p, 1, msg.n, stdout);
    }
    return mt_end_output();
}

static int encode_one(struct mt_input *in, unsigned options)
{
    char why[MT_LONG_WHY];
    struct ts_span msg;
    if (!mt_input_whole(in, MT_JSON_MAX))
        return 1;
    if (!encode(in, options, &msg, why))
        return mt_complain(in->name, why);
    return write_message(msg, options);
}

static int encode_line(struct mt_input *in, enum mt_line line, unsigned options)
{
    char why[MT_LONG_WHY] = "longer than 64 MiB";
    struct ts_span msg;
    if (line == MT_LINE && encode(in, options, &msg, why))
        return write_message(msg, options);
    json_t *error = mt_object();
    mt_put_text(error, "error", why);
    return mt_print(error, MT_COMPACT);
}

static int encode_lines(struct mt_input *in, unsigned options)
{
    enum mt_line line;
    while ((line = mt_input_line(in, MT_JSON_MAX)) != MT_LINES_END)
        if (encode_line(in, line, options) != 0)
            return 1;
    return 0;
}

/* The form that was asked for, else the one that fits the output. */
static unsigned choose_form(unsigned options)
{
    unsigned forms = options & (MT_HEX | MT_BASE64 | MT_SDP);
    if (!forms && (options & MT_LINES || isatty(STDOUT_FILENO)))
        return options | MT_HEX;
    return options;
}

int mt_run_encode(const struct mt_call *call)
{
    char **args = call->args;
    unsigned options = call->options;
    struct mt_input in;
    unsigned forms = options & (MT_HEX | MT_BASE64 | MT_SDP);
    if (forms & (forms - 1)) {
        (void)mt_complain("encode", "take one of --hex, --base64, --sdp");
        return 2;
    }
    if (!mt_input_open(&in, args[0]))
        return 1;
    options = choose_form(options);
    int code = options & MT_LINES ? encode_lines(&in, options)
                                  : encode_one(&in, options);
    mt_input_close(&in);
    return code;
}
