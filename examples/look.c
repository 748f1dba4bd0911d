/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Print what a MIKEY message says to everybody, and where it is wrong. Messages
 * are lines on standard input: "mikey BASE64" as in SDP, or hexadecimal digits.
 *
 *     look < FILE
 */
#include "common.h"

static const char *type_name(uint8_t type)
{
    static const char *const names[] = {
        [MIKEY_PSK] = "PSK",
        [MIKEY_PSK_VERIFY] = "PSK verification",
        [MIKEY_PK] = "PK",
        [MIKEY_PK_VERIFY] = "PK verification",
        [MIKEY_ERROR] = "Error",
        [MIKEY_REQUEST_INIT_PSK] = "REQUEST_INIT_PSK",
        [MIKEY_REQUEST_INIT_PK] = "REQUEST_INIT_PK",
        [MIKEY_REQUEST_RESP] = "REQUEST_RESP",
        [MIKEY_TRANSFER_INIT] = "TRANSFER_INIT",
        [MIKEY_TRANSFER_RESP] = "TRANSFER_RESP",
        [MIKEY_RESOLVE_INIT_PSK] = "RESOLVE_INIT_PSK",
        [MIKEY_RESOLVE_INIT_PK] = "RESOLVE_INIT_PK",
        [MIKEY_RESOLVE_RESP] = "RESOLVE_RESP",
    };
    bool known = type < sizeof names / sizeof names[0] && names[type];
    return known ? names[type] : "another type";
}

/* An identity is text that anybody may have written: not to be printed as it
 * is. */
static void put_text(struct ts_span s)
{
    for (size_t i = 0; i < s.n; i++)
        putchar(s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
}

static bool look(struct ts_span message)
{
    static const char *const roles[8] = {
        "?",      "from",        "to",          "KMS",
        "key id", "application", "KMS of from", "KMS of to"};
    struct mikey_glance g;
    struct mikey_walk walk = {0};
    struct mikey_item item;
    enum ts_err err = mikey_look(message, &g);
    bool more = mikey_walk(message, &walk, &item);
    if (walk.at > 0) /* the header could be read */
        printf("%s (%u), CSB ID %08x, %u crypto sessions, %zu octets\n",
               type_name(g.type), g.type, (unsigned)g.csb, g.n_cs, message.n);
    for (unsigned role = 0; role < 8; role++) {
        if (!g.idr[role].data.p)
            continue;
        printf("  %s: ", roles[role]);
        put_text(g.idr[role].data);
        putchar('\n');
    }
    for (unsigned i = 0; i < g.n_errors; i++)
        printf("  error %u\n", g.error[i]);
    for (; more; more = mikey_walk(message, &walk, &item))
        printf("  %4zu: payload %u, %zu octets\n", item.offset, item.type,
               item.octets.n);
    if (err)
        printf("  wrong at offset %zu, in payload %u: %s (%s)\n", g.bad_at,
               g.bad_in, ts_strerror(err), ts_errname(err));
    return err == TS_OK;
}

int main(void)
{
    static char line[LINE_MAX];
    static struct octets message;
    bool ok = true;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = '\0';
        enum ts_err err = mikey_sdp_read(ts_span_str(line), message.b,
                                         sizeof message.b, &message.n);
        if (err)
            err = from_hex(line, &message);
        ok = !failed("line", err) && look(view(&message)) && ok;
    }
    return ok ? 0 : 1;
}
