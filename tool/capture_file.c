/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files, by way of libpcap.
 */
#include <pcap/pcap.h>

#include "tool/capture.h"

static bool begins(struct ts_span s, size_t at, const char *magic)
{
    return s.n >= at + 4 && memcmp(s.p + at, magic, 4) == 0;
}

/* pcap in both byte orders, in microseconds, nanoseconds, and as changed by
 * Kuznetzov; a section header of pcapng. */
bool mt_is_capture(struct ts_span start)
{
    static const char *const pcap[] = {"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1",
                                       "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1",
                                       "\xa1\xb2\xcd\x34", "\x34\xcd\xb2\xa1"};
    for (size_t i = 0; i < sizeof pcap / sizeof pcap[0]; i++)
        if (begins(start, 0, pcap[i]))
            return true;
    return begins(start, 0, "\n\r\r\n") &&
           (begins(start, 8, "\x1a\x2b\x3c\x4d") ||
            begins(start, 8, "\x4d\x3c\x2b\x1a"));
}

static enum ts_err fail(enum ts_err err, const char *what,
                        char why[static MT_FILE_WHY])
{
    snprintf(why, MT_FILE_WHY, "%s", what);
    return err;
}

static enum ts_err read_frames(pcap_t *pcap, struct mt_capture *c,
                               char why[static MT_FILE_WHY])
{
    struct pcap_pkthdr *head;
    const uint8_t *octets;
    int more;
    while ((more = pcap_next_ex(pcap, &head, &octets)) == 1) {
        struct mt_when when = {head->ts.tv_sec,
                               (uint32_t)(head->ts.tv_usec / 1000)};
        enum ts_err err =
            mt_capture_frame(c, when, ts_span(octets, head->caplen));
        if (err)
            return fail(err, ts_strerror(err), why);
    }
    enum ts_err err = mt_capture_end(c);
    if (err)
        return fail(err, ts_strerror(err), why);
    if (more == PCAP_ERROR_BREAK)
        return TS_OK;
    snprintf(why, MT_FILE_WHY, "behind frame %llu: %s",
             (unsigned long long)mt_capture_frames(c), pcap_geterr(pcap));
    return TS_E_FORMAT;
}

static enum ts_err read_open(pcap_t *pcap, const struct mt_sink *sink,
                             uint64_t *frames, char why[static MT_FILE_WHY])
{
    int link = pcap_datalink(pcap);
    if (!mt_link_known(link)) {
        const char *name = pcap_datalink_val_to_name(link);
        snprintf(why, MT_FILE_WHY,
                 "link type %d (%s) is not supported; Ethernet, Linux cooked, "
                 "raw IP and loopback are",
                 link, name ? name : "without a name");
        return TS_E_UNSUPPORTED;
    }
    struct mt_capture *c = mt_capture_new(link, sink);
    if (!c)
        return fail(TS_E_NOMEM, ts_strerror(TS_E_NOMEM), why);
    enum ts_err err = read_frames(pcap, c, why);
    *frames = mt_capture_frames(c);
    mt_capture_free(c);
    return err;
}

enum ts_err mt_capture_file(FILE *f, const struct mt_sink *sink,
                            uint64_t *frames, char why[static MT_FILE_WHY])
{
    char error[PCAP_ERRBUF_SIZE] = "";
    *frames = 0;
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(
        f, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!pcap) {
        (void)fclose(f);
        return fail(TS_E_FORMAT, error, why);
    }
    enum ts_err err = read_open(pcap, sink, frames, why);
    pcap_close(pcap);
    return err;
}
