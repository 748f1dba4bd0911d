/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/media.h"

#include <re.h>
#include <rem_g711.h>
#include <srtp2/srtp.h>
#include <stdlib.h>

#include "base/log.h"

enum {
    FRAME = 160, /* samples in a packet, 20 ms */
    FRAME_MS = 20,
    FRAME_MAX = 960,      /* samples that are taken from one packet */
    WINDOW = 128,         /* packets of the replay window */
    PORT_TRIES = 16,      /* until the kernel gives an even port */
    JUMP_MAX = 60 * 8000, /* samples that a timestamp may leap */
};

struct ue_media {
    struct udp_sock *sock;
    uint16_t port;
    int family;
    uint8_t pt;
    srtp_t send, recv;
    struct ue_media_counts counts;

    /* sending */
    struct tmr timer;
    struct sa peer;
    const struct ue_wav *wav;
    uint64_t start; /* time of the first packet, in ms */
    uint64_t frames;
    uint32_t send_ssrc, send_ts;
    uint16_t send_seq;

    /* receiving */
    uint32_t recv_ssrc;
    struct ue_recorder *rec;
    bool heard;       /* a packet has authenticated */
    uint32_t last_ts; /* its timestamp, */
    int64_t last_at;  /* and its place in the recording */
};

enum ts_err ue_media_init(void)
{
    return srtp_init() == srtp_err_status_ok ? TS_OK : TS_E_INTERNAL;
}

void ue_media_exit(void)
{
    srtp_shutdown();
}

/* librem 0.6 makes +-2 of the two zeros of PCMU. */
static int16_t decode_pcmu(uint8_t code)
{
    return (code & 0x7f) == 0x7f ? 0 : g711_ulaw2pcm(code);
}

static void decode(uint8_t pt, const uint8_t *from, int16_t *pcm, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = pt == UE_PCMU ? decode_pcmu(from[i]) : g711_alaw2pcm(from[i]);
}

static void encode(uint8_t pt, const int16_t *pcm, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* librem negates: the least value has no counterpart */
        int16_t s = pcm[i] == INT16_MIN ? -INT16_MAX : pcm[i];
        to[i] = pt == UE_PCMU ? g711_pcm2ulaw(s) : g711_pcm2alaw(s);
    }
}

/* Put the samples where their timestamp says. */
static void record(struct ue_media *m, uint32_t ts, const uint8_t *payload,
                   size_t n)
{
    int16_t pcm[FRAME_MAX];
    int32_t leap = m->heard ? (int32_t)(ts - m->last_ts) : 0;
    if (leap > JUMP_MAX || leap < -JUMP_MAX)
        leap = FRAME; /* the sender counts anew: go on from here */
    int64_t at = m->last_at + leap;
    if (at < 0)
        return;
    m->last_ts = ts;
    m->last_at = at;
    m->heard = true;
    if (!m->rec)
        return;
    decode(m->pt, payload, pcm, n);
    enum ts_err err = ue_recorder_write(m->rec, (uint64_t)at, pcm, n);
    if (err) {
        ts_log(TS_WARN, "record-failed", TS_ERR(err));
        ue_recorder_close(m->rec);
        m->rec = NULL;
    }
}

/* Authenticate and decrypt in place. */
static bool unprotect(struct ue_media *m, struct mbuf *mb)
{
    size_t left = mbuf_get_left(mb);
    uint32_t ssrc;
    if (!m->recv || left < RTP_HEADER_SIZE || left > INT16_MAX)
        return false;
    memcpy(&ssrc, mbuf_buf(mb) + 8, 4);
    if (ntohl(ssrc) != m->recv_ssrc)
        return false;
    int len = (int)left;
    if (srtp_unprotect(m->recv, mbuf_buf(mb), &len) != srtp_err_status_ok)
        return false;
    mb->end = mb->pos + (size_t)len;
    return true;
}

static void on_packet(const struct sa *from, struct mbuf *mb, void *arg)
{
    struct ue_media *m = arg;
    struct rtp_header hdr;
    (void)from; /* SRTP proves the sender, an address does not */
    m->counts.received++;
    if (!unprotect(m, mb)) {
        m->counts.dropped++;
        return;
    }
    m->counts.authenticated++;
    if (rtp_hdr_decode(&hdr, mb) || hdr.pt != m->pt)
        return;
    size_t n = mbuf_get_left(mb);
    if (hdr.pad) {
        size_t pad = n ? mbuf_buf(mb)[n - 1] : 0;
        if (pad == 0 || pad > n)
            return;
        n -= pad;
    }
    if (n && n <= FRAME_MAX)
        record(m, hdr.ts, mbuf_buf(mb), n);
}

/* A socket on a port of the kernel's choice. */
static enum ts_err bind_even(struct ue_media *m, const struct sa *local)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        struct sa got;
        if (udp_listen(&m->sock, local, on_packet, m) ||
            udp_local_get(m->sock, &got))
            return TS_E_IO;
        m->port = sa_port(&got);
        if (m->port % 2 == 0)
            return TS_OK;
        m->sock = mem_deref(m->sock);
    }
    return TS_E_IO;
}

enum ts_err ue_media_open(struct ue_media **out, const char *host)
{
    struct ue_media *m = calloc(1, sizeof(*m));
    enum ts_err err = TS_E_NOMEM;
    struct sa local;
    *out = NULL;
    if (!m)
        return err;
    err = TS_E_FORMAT;
    if (sa_set_str(&local, host, 0))
        goto fail;
    m->family = sa_af(&local);
    err = bind_even(m, &local);
    if (err)
        goto fail;
    *out = m;
    return TS_OK;
fail:
    ue_media_close(m);
    return err;
}

uint16_t ue_media_port(const struct ue_media *m)
{
    return m->port;
}

/* One direction's context, for one SSRC. */
static enum ts_err make_context(srtp_t *out, const struct ue_srtp *dir,
                                bool aes256)
{
    uint8_t key[32 + sizeof(dir->salt)];
    size_t n = aes256 ? 32 : 16;
    srtp_policy_t policy = {
        .ssrc = {.type = ssrc_specific, .value = dir->ssrc},
        .key = key,
        .window_size = WINDOW,
    };
    if (dir->master.len != n)
        return TS_E_RANGE;
    if (aes256) {
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    memcpy(key, dir->master.b, n);
    memcpy(key + n, dir->salt, sizeof(dir->salt));
    srtp_err_status_t status = srtp_create(out, &policy);
    ts_wipe(key, sizeof(key));
    return status == srtp_err_status_ok ? TS_OK : TS_E_NOMEM;
}

enum ts_err ue_media_key(struct ue_media *m, const struct ue_media_keys *keys,
                         uint8_t pt, struct ue_recorder *rec)
{
    uint8_t start[6];
    if (m->send || m->recv) {
        ue_recorder_close(rec);
        return TS_E_STATE;
    }
    m->rec = rec;
    m->pt = pt;
    m->send_ssrc = keys->send.ssrc;
    m->recv_ssrc = keys->recv.ssrc;
    enum ts_err err = ts_random(NULL, start, sizeof(start));
    if (err)
        return err;
    memcpy(&m->send_ts, start, 4);
    memcpy(&m->send_seq, start + 4, 2);
    m->send_seq &= 0x7fff; /* far from the wrap (RFC 3711 3.3.1) */
    err = make_context(&m->send, &keys->send, keys->aes256);
    if (err)
        return err;
    return make_context(&m->recv, &keys->recv, keys->aes256);
}

/* Build, protect and send one packet. */
static void send_frame(struct ue_media *m)
{
    int16_t pcm[FRAME];
    uint8_t packet[RTP_HEADER_SIZE + FRAME + SRTP_MAX_TRAILER_LEN];
    struct mbuf mb = {.buf = packet, .size = sizeof(packet)};
    const struct rtp_header hdr = {
        .ver = RTP_VERSION,
        .m = m->frames == 0,
        .pt = m->pt,
        .seq = (uint16_t)(m->send_seq + m->frames),
        .ts = m->send_ts + (uint32_t)(m->frames * FRAME),
        .ssrc = m->send_ssrc,
    };
    int len = RTP_HEADER_SIZE + FRAME;
    ue_wav_read(m->wav, m->frames * FRAME, pcm, FRAME);
    if (rtp_hdr_encode(&mb, &hdr))
        return;
    encode(m->pt, pcm, packet + RTP_HEADER_SIZE, FRAME);
    if (srtp_protect(m->send, packet, &len) != srtp_err_status_ok)
        return;
    mb.pos = 0;
    mb.end = (size_t)len;
    if (udp_send(m->sock, &m->peer, &mb) == 0)
        m->counts.sent++;
}

/* Times count from the start, so that a late timer does not add up. */
static void on_frame(void *arg)
{
    struct ue_media *m = arg;
    send_frame(m);
    m->frames++;
    uint64_t due = m->start + m->frames * FRAME_MS;
    uint64_t now = tmr_jiffies();
    tmr_start(&m->timer, due > now ? due - now : 0, on_frame, m);
}

enum ts_err ue_media_talk(struct ue_media *m, const struct ue_sdp *peer,
                          const struct ue_wav *wav)
{
    if (!m->send)
        return TS_E_STATE;
    if (sa_set_str(&m->peer, peer->host, peer->port) ||
        sa_af(&m->peer) != m->family)
        return TS_E_FORMAT;
    m->wav = wav;
    m->start = tmr_jiffies();
    on_frame(m);
    return TS_OK;
}

void ue_media_hush(struct ue_media *m)
{
    tmr_cancel(&m->timer);
}

struct ue_media_counts ue_media_counts(const struct ue_media *m)
{
    return m->counts;
}

void ue_media_close(struct ue_media *m)
{
    if (!m)
        return;
    tmr_cancel(&m->timer);
    mem_deref(m->sock);
    if (m->send)
        srtp_dealloc(m->send);
    if (m->recv)
        srtp_dealloc(m->recv);
    ue_recorder_close(m->rec);
    free(m);
}
