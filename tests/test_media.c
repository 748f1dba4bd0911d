/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end sends to a socket of the test, which hands the packets on to the
 * other end: as they are, altered, again, or others in their place.
 */
#include "unit.h"

#include <re.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ue/media.h"

enum { PACKETS = 6, SIZE = 512, SSRC_A = 0xa1, SSRC_B = 0xb2 };

struct bench {
    struct ue_media *a, *b;
    struct udp_sock *between;
    struct ue_sdp to_between; /* where A sends to */
    struct sa to_b;
    unsigned caught;
    size_t len[PACKETS];
    uint8_t packet[PACKETS][SIZE];
};

static void keys_of(struct ue_media_keys *keys, bool aes256, uint32_t from,
                    uint32_t to)
{
    uint8_t n = aes256 ? 32 : 16;
    *keys = (struct ue_media_keys){.aes256 = aes256};
    keys->send.ssrc = from;
    keys->recv.ssrc = to;
    keys->send.master.len = keys->recv.master.len = n;
    for (uint8_t i = 0; i < n; i++) {
        keys->send.master.b[i] = (uint8_t)(from + i);
        keys->recv.master.b[i] = (uint8_t)(to + i);
    }
}

static void stop(void *arg)
{
    (void)arg;
    re_cancel();
}

static void on_caught(const struct sa *from, struct mbuf *mb, void *arg)
{
    struct bench *t = arg;
    size_t n = mbuf_get_left(mb);
    (void)from;
    assert_true(n <= SIZE);
    memcpy(t->packet[t->caught], mbuf_buf(mb), n);
    t->len[t->caught] = n;
    if (++t->caught == PACKETS)
        re_cancel();
}

/* Give B a packet and let it take it. */
static void deliver(struct bench *t, const uint8_t *packet, size_t n)
{
    struct mbuf *mb = mbuf_alloc(SIZE);
    struct tmr timer = {0};
    uint64_t before = ue_media_counts(t->b).received;
    assert_non_null(mb);
    assert_int_equal(mbuf_write_mem(mb, packet, n), 0);
    mb->pos = 0;
    assert_int_equal(udp_send(t->between, &t->to_b, mb), 0);
    mem_deref(mb);
    for (int i = 0; i < 500 && ue_media_counts(t->b).received == before; i++) {
        tmr_start(&timer, 2, stop, NULL);
        (void)re_main(NULL);
    }
    assert_int_equal(ue_media_counts(t->b).received, before + 1);
}

static void end_bench(struct bench *t)
{
    ue_media_close(t->a);
    ue_media_close(t->b);
    mem_deref(t->between);
    ue_media_exit();
    libre_close();
}

#define BENCH __attribute__((cleanup(end_bench))) struct bench

/* Both ends keyed, and the first packets of A caught. */
static void begin(struct bench *t, bool aes256, const char *host)
{
    struct ue_media_keys keys;
    struct sa any, local;
    assert_int_equal(libre_init(), 0);
    OK(ue_media_init());
    OK(ue_media_open(&t->a, host));
    OK(ue_media_open(&t->b, host));
    assert_int_equal(ue_media_port(t->a) % 2, 0);
    assert_int_equal(sa_set_str(&any, host, 0), 0);
    assert_int_equal(udp_listen(&t->between, &any, on_caught, t), 0);
    assert_int_equal(udp_local_get(t->between, &local), 0);
    assert_int_equal(sa_set_str(&t->to_b, host, ue_media_port(t->b)), 0);
    (void)strncpy(t->to_between.host, host, sizeof(t->to_between.host) - 1);
    t->to_between.port = sa_port(&local);
    FAILS(TS_E_STATE, ue_media_talk(t->a, &t->to_between, NULL));
    keys_of(&keys, aes256, SSRC_A, SSRC_B);
    OK(ue_media_key(t->a, &keys, UE_PCMU, NULL));
    OK(ue_media_talk(t->a, &t->to_between, NULL));
    (void)re_main(NULL);
    ue_media_hush(t->a);
    assert_int_equal(t->caught, PACKETS);
}

static void key_b(struct bench *t, bool aes256)
{
    struct ue_media_keys keys;
    keys_of(&keys, aes256, SSRC_B, SSRC_A);
    OK(ue_media_key(t->b, &keys, UE_PCMU, NULL));
}

static void counted(const struct bench *t, unsigned authenticated,
                    unsigned dropped)
{
    struct ue_media_counts c = ue_media_counts(t->b);
    assert_int_equal(c.authenticated, authenticated);
    assert_int_equal(c.dropped, dropped);
    assert_int_equal(c.received, authenticated + dropped);
    assert_int_equal(c.sent, 0);
}

static void protected_audio_passes(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        BENCH t = {0};
        begin(&t, i % 2 == 1, hosts[i / 2]);
        key_b(&t, i % 2 == 1);
        for (unsigned p = 0; p < PACKETS; p++)
            deliver(&t, t.packet[p], t.len[p]);
        counted(&t, PACKETS, 0);
    }
}

static void nothing_is_taken_before_there_are_keys(void **state)
{
    BENCH t = {0};
    (void)state;
    begin(&t, true, "127.0.0.1");
    deliver(&t, t.packet[0], t.len[0]);
    counted(&t, 0, 1);
    key_b(&t, true);
    deliver(&t, t.packet[1], t.len[1]);
    counted(&t, 1, 1);
}

static void a_packet_passes_once_only(void **state)
{
    BENCH t = {0};
    (void)state;
    begin(&t, true, "127.0.0.1");
    key_b(&t, true);
    deliver(&t, t.packet[1], t.len[1]);
    deliver(&t, t.packet[0], t.len[0]); /* late, but new */
    deliver(&t, t.packet[0], t.len[0]);
    deliver(&t, t.packet[1], t.len[1]);
    counted(&t, 2, 2);
}

static void every_changed_octet_is_noticed(void **state)
{
    BENCH t = {0};
    (void)state;
    begin(&t, true, "127.0.0.1");
    key_b(&t, true);
    for (size_t i = 0; i < t.len[0]; i++) {
        t.packet[0][i] ^= 1;
        deliver(&t, t.packet[0], t.len[0]);
        t.packet[0][i] ^= 1;
    }
    for (size_t n = 0; n < t.len[0]; n += 7)
        deliver(&t, t.packet[0], n);
    counted(&t, 0, (unsigned)(t.len[0] + (t.len[0] + 6) / 7));
    deliver(&t, t.packet[0], t.len[0]);
    assert_int_equal(ue_media_counts(t.b).authenticated, 1);
}

/* Whoever sees the SSRC can send such packets: they must not move the
   receiver's idea of the sequence. */
static void forged_packets_do_no_lasting_harm(void **state)
{
    BENCH t = {0};
    (void)state;
    begin(&t, true, "127.0.0.1");
    key_b(&t, true);
    deliver(&t, t.packet[0], t.len[0]);
    for (unsigned jump = 0x0800; jump < 0x10000; jump += 0x0800) {
        uint8_t forged[SIZE];
        memcpy(forged, t.packet[1], t.len[1]);
        unsigned seq = (unsigned)(forged[2] << 8 | forged[3]) + jump;
        forged[2] = (uint8_t)(seq >> 8);
        forged[3] = (uint8_t)seq;
        deliver(&t, forged, t.len[1]);
    }
    for (unsigned p = 1; p < PACKETS; p++)
        deliver(&t, t.packet[p], t.len[p]);
    counted(&t, PACKETS, 31);
}

static void plain_rtp_is_dropped(void **state)
{
    BENCH t = {0};
    uint8_t plain[172] = {0x80, UE_PCMU, 0, 1, 0, 0, 0, 160, 0, 0, 0, SSRC_A};
    (void)state;
    begin(&t, true, "127.0.0.1");
    key_b(&t, true);
    deliver(&t, plain, sizeof(plain));
    plain[11] = SSRC_B;
    deliver(&t, plain, sizeof(plain));
    counted(&t, 0, 2);
}

static void keys_are_given_once_and_have_the_right_length(void **state)
{
    BENCH t = {0};
    struct ue_media_keys keys;
    (void)state;
    begin(&t, true, "127.0.0.1");
    keys_of(&keys, true, SSRC_B, SSRC_A);
    FAILS(TS_E_STATE, ue_media_key(t.a, &keys, UE_PCMU, NULL));
    keys.aes256 = false;
    FAILS(TS_E_RANGE, ue_media_key(t.b, &keys, UE_PCMU, NULL));
    FAILS(TS_E_FORMAT, ue_media_open(&(struct ue_media *){NULL}, "nowhere"));
}

/* One frame of A's, made without A. */
static void speak(struct bench *t, srtp_t srtp, unsigned seq, uint32_t ts)
{
    uint8_t packet[SIZE] = {0x80, UE_PCMU, 0, (uint8_t)seq};
    int n = 12 + 160;
    for (int i = 0; i < 4; i++)
        packet[4 + i] = (uint8_t)(ts >> (24 - 8 * i));
    packet[11] = SSRC_A;
    memset(packet + 12, 0x2a, 160);
    assert_int_equal(srtp_protect(srtp, packet, &n), srtp_err_status_ok);
    deliver(t, packet, (size_t)n);
}

/* B records to path. */
static void record_b(struct bench *t, const char *path, srtp_t *srtp)
{
    struct ue_media_keys keys;
    struct ue_recorder *rec;
    uint8_t key[32 + sizeof(keys.recv.salt)] = {0};
    srtp_policy_t policy = {.ssrc = {ssrc_specific, SSRC_A}, .key = key};
    keys_of(&keys, true, SSRC_B, SSRC_A);
    OK(ue_recorder_open(path, &rec));
    OK(ue_media_key(t->b, &keys, UE_PCMU, rec));
    memcpy(key, keys.recv.master.b, 32);
    memcpy(key + 32, keys.recv.salt, sizeof(keys.recv.salt));
    srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp);
    assert_int_equal(srtp_create(srtp, &policy), srtp_err_status_ok);
}

static void a_recording_goes_on_after_a_leap_of_the_timestamp(void **state)
{
    static const uint32_t at[] = {1000, 1160, 900000, 900160, 2000, 2160};
    char path[] = "/tmp/tessera-media-XXXXXX";
    int fd = mkstemp(path);
    struct ue_wav *wav;
    int16_t pcm[7 * 160];
    srtp_t srtp;
    BENCH t = {0};
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    begin(&t, true, "127.0.0.1");
    record_b(&t, path, &srtp);
    for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        speak(&t, srtp, i + 1, at[i]);
    srtp_dealloc(srtp);
    ue_media_close(t.b);
    t.b = NULL;
    OK(ue_wav_load(path, &wav));
    ue_wav_read(wav, 0, pcm, 7 * 160);
    for (size_t i = 0; i < 7 * 160; i++)
        assert_int_equal(pcm[i] != 0, i < 6 * 160);
    ue_wav_free(wav);
    (void)unlink(path);
}

UNIT_MAIN(cmocka_unit_test(protected_audio_passes),
          cmocka_unit_test(nothing_is_taken_before_there_are_keys),
          cmocka_unit_test(a_packet_passes_once_only),
          cmocka_unit_test(every_changed_octet_is_noticed),
          cmocka_unit_test(forged_packets_do_no_lasting_harm),
          cmocka_unit_test(plain_rtp_is_dropped),
          cmocka_unit_test(a_recording_goes_on_after_a_leap_of_the_timestamp),
          cmocka_unit_test(keys_are_given_once_and_have_the_right_length))
