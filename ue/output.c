/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char GREEN[] = "\033[32m", RED[] = "\033[31m", PLAIN[] = "";

struct ue_output ue_output_open(bool json)
{
    return (struct ue_output){json, !json && isatty(STDOUT_FILENO)};
}

/* Text of other people, fit for a terminal and for JSON. */
struct safe {
    char text[257];
};

static struct safe safe(const char *from)
{
    struct safe to = {""};
    for (size_t i = 0; i < sizeof(to.text) - 1 && from[i]; i++)
        to.text[i] = from[i];
    for (char *p = to.text; *p; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
    return to;
}

/* One line of words. */
static void __attribute__((format(printf, 3, 4)))
say(const struct ue_output *out, const char *colour, const char *format, ...)
{
    bool coloured = out->colour && colour[0];
    va_list args;
    if (coloured)
        fputs(colour, stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    puts(coloured ? "\033[0m" : "");
    fflush(stdout);
}

/* One line of JSON; takes over fields, which may be NULL when out of memory. */
static void tell(const char *event, unsigned call, json_t *fields)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    json_t *line =
        json_pack("{s:s, s:f}", "event", event, "time", (double)ms / 1000);
    if (call)
        json_object_set_new(line, "call", json_integer(call));
    json_object_update(line, fields);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(13));
    if (text)
        puts(text);
    fflush(stdout);
    free(text);
    json_decref(line);
    json_decref(fields);
}

void ue_output_listening(const struct ue_output *out, const char *host,
                         uint16_t port)
{
    if (out->json)
        tell("listening", 0,
             json_pack("{s:s, s:i}", "host", host, "port", (int)port));
    else
        say(out, PLAIN, "listening on %s port %u", host, port);
}

void ue_output_registered(const struct ue_output *out, const char *identity)
{
    if (out->json)
        tell("registered", 0, json_pack("{s:s}", "identity", identity));
    else
        say(out, PLAIN, "registered as %s", identity);
}

void ue_output_offered(const struct ue_output *out, unsigned call,
                       const char *peer, bool incoming)
{
    if (out->json)
        tell("offered", call,
             json_pack("{s:s, s:s}", "direction", incoming ? "in" : "out",
                       incoming ? "claimed" : "peer", safe(peer).text));
    else if (incoming)
        say(out, PLAIN, "call %u: comes in, not proven yet", call);
    else
        say(out, PLAIN, "call %u: calling %s", call, safe(peer).text);
}

void ue_output_ringing(const struct ue_output *out, unsigned call)
{
    if (out->json)
        tell("ringing", call, NULL);
    else
        say(out, PLAIN, "call %u: it rings", call);
}

void ue_output_proven(const struct ue_output *out, unsigned call,
                      const char *identity)
{
    if (out->json)
        tell("proven", call,
             json_pack("{s:s}", "identity", safe(identity).text));
    else
        say(out, GREEN, "call %u: proven: %s", call, safe(identity).text);
}

void ue_output_talking(const struct ue_output *out, unsigned call,
                       const char *protection)
{
    if (out->json)
        tell("talking", call, json_pack("{s:s}", "protection", protection));
    else
        say(out, PLAIN, "call %u: talking, protected by %s", call, protection);
}

void ue_output_media(const struct ue_output *out, unsigned call,
                     struct ue_media_counts counts)
{
    if (out->json)
        tell("media", call,
             json_pack("{s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts.sent,
                       "received", (json_int_t)counts.received, "authenticated",
                       (json_int_t)counts.authenticated, "dropped",
                       (json_int_t)counts.dropped));
    else
        say(out, PLAIN,
            "call %u: %" PRIu64 " packets sent, %" PRIu64 " received: %" PRIu64
            " authenticated, %" PRIu64 " dropped",
            call, counts.sent, counts.received, counts.authenticated,
            counts.dropped);
}

void ue_output_ended(const struct ue_output *out, unsigned call,
                     const struct ue_ending *ending)
{
    if (out->json)
        tell("ended", call,
             json_pack("{s:b, s:s, s:i, s:s}", "protected", ending->protected,
                       "by", ending->by_peer ? "peer" : "self", "code",
                       (int)ending->code, "reason", safe(ending->why).text));
    else
        say(out, ending->protected ? GREEN : RED, "call %u: ended, %s: %s%s",
            call, ending->protected ? "protected" : "NOT protected",
            ending->by_peer ? "by the other side, " : "",
            safe(ending->why).text);
}
