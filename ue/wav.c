/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/wav.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/reader.h"

/*
 *  0 "RIFF"  4 size of the rest   8 "WAVE"
 * 12 "fmt " 16 size 16           20 format 1, channels 1
 * 24 rate   28 bytes a second    32 bytes a sample, bits a sample
 * 36 "data" 40 size              44 samples            (all little endian)
 */
enum { HEADER = 44, RATE = 8000, BITS = 16, PCM = 1, MONO = 1 };

struct ue_wav {
    struct ts_span pcm; /* into file */
    uint8_t file[];
};

struct ue_recorder {
    int fd;
    uint32_t bytes; /* of samples */
};

static uint16_t get_le16(struct ts_reader *r)
{
    uint16_t v = ts_get_u16(r);
    return (uint16_t)(v << 8 | v >> 8);
}

static uint32_t get_le32(struct ts_reader *r)
{
    uint32_t lo = get_le16(r);
    return lo | (uint32_t)get_le16(r) << 16;
}

static bool is_tag(struct ts_span s, const char *tag)
{
    return ts_span_equal(s, ts_span_str(tag));
}

static enum ts_err check_format(struct ts_span body)
{
    struct ts_reader r = ts_reader_span(body);
    uint16_t format = get_le16(&r);
    uint16_t channels = get_le16(&r);
    uint32_t rate = get_le32(&r);
    uint32_t byte_rate = get_le32(&r);
    uint16_t block = get_le16(&r);
    uint16_t bits = get_le16(&r);
    if (r.err)
        return r.err;
    if (format != PCM || channels != MONO || rate != RATE || bits != BITS)
        return TS_E_UNSUPPORTED;
    if (byte_rate != RATE * 2 || block != 2)
        return TS_E_FORMAT;
    return TS_OK;
}

enum ts_err ue_wav_parse(struct ts_span file, struct ts_span *pcm)
{
    struct ts_reader whole = ts_reader_span(file);
    bool riff = is_tag(ts_get_span(&whole, 4), "RIFF");
    uint32_t size = get_le32(&whole);
    struct ts_reader r = ts_reader_span(ts_get_span(&whole, size));
    bool wave = is_tag(ts_get_span(&r, 4), "WAVE");
    bool format = false;
    *pcm = ts_span(NULL, 0);
    if (whole.err || !riff || !wave)
        return whole.err ? whole.err : TS_E_FORMAT;
    while (ts_reader_left(&r)) {
        struct ts_span tag = ts_get_span(&r, 4);
        uint32_t n = get_le32(&r);
        struct ts_span body = ts_get_span(&r, n);
        if (n % 2 && ts_reader_left(&r))
            ts_get_u8(&r); /* chunks begin at even places */
        if (r.err)
            return r.err;
        if (is_tag(tag, "fmt ")) {
            enum ts_err err = format ? TS_E_DUPLICATE : check_format(body);
            if (err)
                return err;
            format = true;
        } else if (is_tag(tag, "data")) {
            if (!format || pcm->p)
                return format ? TS_E_DUPLICATE : TS_E_ORDER;
            if (n % 2)
                return TS_E_FORMAT;
            *pcm = body;
        }
    }
    return format && pcm->p ? TS_OK : TS_E_MISSING;
}

/* Read exactly n bytes, wherever the kernel cuts them. */
static enum ts_err read_all(int fd, uint8_t *to, size_t n)
{
    while (n) {
        ssize_t got = read(fd, to, n);
        if (got <= 0)
            return TS_E_IO;
        to += got;
        n -= (size_t)got;
    }
    return TS_OK;
}

enum ts_err ue_wav_load(const char *path, struct ue_wav **out)
{
    struct ue_wav *wav = NULL;
    enum ts_err err = TS_E_IO;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *out = NULL;
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
        goto out;
    err = TS_E_RANGE;
    if (st.st_size < HEADER || st.st_size > UE_WAV_MAX)
        goto out;
    err = TS_E_NOMEM;
    wav = malloc(sizeof(*wav) + (size_t)st.st_size);
    if (!wav)
        goto out;
    err = read_all(fd, wav->file, (size_t)st.st_size);
    if (!err)
        err = ue_wav_parse(ts_span(wav->file, (size_t)st.st_size), &wav->pcm);
out:
    if (fd >= 0)
        close(fd);
    if (err)
        free(wav);
    else
        *out = wav;
    return err;
}

void ue_wav_free(struct ue_wav *wav)
{
    free(wav);
}

void ue_wav_read(const struct ue_wav *wav, uint64_t at, int16_t *pcm, size_t n)
{
    size_t samples = wav ? wav->pcm.n / 2 : 0;
    for (size_t i = 0; i < n; i++) {
        pcm[i] = 0;
        if (at + i < samples) {
            const uint8_t *p = wav->pcm.p + 2 * (at + i);
            pcm[i] = (int16_t)(p[0] | p[1] << 8);
        }
    }
}

static void put_le(uint8_t *to, uint32_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static enum ts_err write_header(const struct ue_recorder *rec)
{
    uint8_t h[HEADER];
    memcpy(h, "RIFF....WAVEfmt ....................data....", HEADER);
    put_le(h + 4, HEADER - 8 + rec->bytes, 4);
    put_le(h + 16, 16, 4);
    put_le(h + 20, PCM, 2);
    put_le(h + 22, MONO, 2);
    put_le(h + 24, RATE, 4);
    put_le(h + 28, RATE * 2, 4);
    put_le(h + 32, 2, 2);
    put_le(h + 34, BITS, 2);
    put_le(h + 40, rec->bytes, 4);
    return pwrite(rec->fd, h, HEADER, 0) == HEADER ? TS_OK : TS_E_IO;
}

enum ts_err ue_recorder_open(const char *path, struct ue_recorder **out)
{
    struct ue_recorder *rec = calloc(1, sizeof(*rec));
    *out = NULL;
    if (!rec)
        return TS_E_NOMEM;
    rec->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (rec->fd < 0 || write_header(rec)) {
        ue_recorder_close(rec);
        return TS_E_IO;
    }
    *out = rec;
    return TS_OK;
}

enum ts_err ue_recorder_write(struct ue_recorder *rec, uint64_t at,
                              const int16_t *pcm, size_t n)
{
    uint8_t le[2 * 960];
    if (n > sizeof(le) / 2 || at > (UE_WAV_MAX - HEADER) / 2 - n)
        return TS_E_RANGE;
    for (size_t i = 0; i < n; i++)
        put_le(le + 2 * i, (uint16_t)pcm[i], 2);
    off_t where = (off_t)(HEADER + 2 * at);
    if (pwrite(rec->fd, le, 2 * n, where) != (ssize_t)(2 * n))
        return TS_E_IO;
    uint32_t end = (uint32_t)(2 * (at + n));
    if (end <= rec->bytes)
        return TS_OK;
    rec->bytes = end; /* samples first, so that the header never lies */
    return write_header(rec);
}

void ue_recorder_close(struct ue_recorder *rec)
{
    if (!rec)
        return;
    if (rec->fd >= 0)
        close(rec->fd);
    free(rec);
}
