/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ue/wav.h"

#define FMT  "fmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0"
#define DATA "data\4\0\0\0\1\0\xff\x7f"
#define GOOD "RIFF\x28\0\0\0WAVE" FMT DATA

/* A name in a folder of its own; the end of the block removes both. */
struct place {
    char folder[32];
    char file[64];
};

static struct place make_place(void)
{
    struct place p = {.folder = "/tmp/test_wav.XXXXXX"};
    assert_non_null(mkdtemp(p.folder));
    (void)snprintf(p.file, sizeof(p.file), "%s/a.wav", p.folder);
    return p;
}

static void remove_place(struct place *p)
{
    (void)unlink(p->file);
    (void)rmdir(p->folder);
}

#define PLACE __attribute__((cleanup(remove_place))) struct place

static void free_wav(struct ue_wav **wav)
{
    ue_wav_free(*wav);
}

static void close_recorder(struct ue_recorder **rec)
{
    ue_recorder_close(*rec);
}

#define WAV      __attribute__((cleanup(free_wav))) struct ue_wav *
#define RECORDER __attribute__((cleanup(close_recorder))) struct ue_recorder *

static void put_file(const struct place *p, struct ts_span bytes)
{
    int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    close(fd);
}

static enum ts_err parse(struct ts_span file)
{
    struct ts_span pcm;
    return ue_wav_parse(file, &pcm);
}

static void samples_are_found_behind_other_chunks(void **state)
{
    struct ts_span pcm;
    (void)state;
    OK(ue_wav_parse(LITERAL(GOOD), &pcm));
    assert_true(ts_span_equal(pcm, LITERAL("\1\0\xff\x7f")));
    OK(ue_wav_parse(LITERAL("RIFF\x34\0\0\0WAVELIST\3\0\0\0abc\0" FMT DATA),
                    &pcm));
    assert_int_equal(pcm.n, 4);
    OK(ue_wav_parse(LITERAL(GOOD "rest"), &pcm));
}

static void another_kind_of_audio_is_refused(void **state)
{
    (void)state;
    /* place, value: format, channels, rate, bits */
    static const struct {
        size_t at;
        uint8_t value;
        enum ts_err err;
    } changes[] = {
        {20, 3, TS_E_UNSUPPORTED}, {22, 2, TS_E_UNSUPPORTED},
        {24, 1, TS_E_UNSUPPORTED}, {34, 8, TS_E_UNSUPPORTED},
        {28, 1, TS_E_FORMAT},      {32, 1, TS_E_FORMAT},
        {0, 'X', TS_E_FORMAT},     {8, 'X', TS_E_FORMAT},
        {12, 'X', TS_E_ORDER},     {36, 'X', TS_E_MISSING},
        {16, 14, TS_E_SHORT},      {40, 3, TS_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        uint8_t file[] = GOOD;
        file[changes[i].at] = changes[i].value;
        FAILS(changes[i].err, parse(ts_span(file, sizeof(file) - 1)));
    }
}

static void sizes_that_lie_are_refused(void **state)
{
    (void)state;
    FAILS(TS_E_SHORT, parse(LITERAL("RIFF\x29\0\0\0WAVE" FMT DATA)));
    FAILS(TS_E_SHORT, parse(LITERAL("RIFF\xff\xff\xff\xffWAVE" FMT DATA)));
    FAILS(TS_E_SHORT, parse(LITERAL("RIFF\x28\0\0\0WAVE" FMT
                                    "data\xff\xff\xff\xff\1\0\xff\x7f")));
    FAILS(TS_E_DUPLICATE, parse(LITERAL("RIFF\x34\0\0\0WAVE" FMT DATA DATA)));
    FAILS(TS_E_DUPLICATE, parse(LITERAL("RIFF\x40\0\0\0WAVE" FMT FMT DATA)));
    FAILS(TS_E_MISSING, parse(LITERAL("RIFF\x1c\0\0\0WAVE" FMT)));
}

static void every_cut_of_a_file_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(GOOD) - 1; n++) {
        uint8_t *copy = malloc(n ? n : 1); /* so that ASan sees its end */
        NOT_NULL(copy);
        memcpy(copy, GOOD, n);
        enum ts_err err = parse(ts_span(copy, n));
        free(copy);
        assert_int_not_equal(err, TS_OK);
    }
}

static void a_file_is_loaded_and_silent_behind_its_end(void **state)
{
    PLACE p = make_place();
    WAV wav = NULL;
    int16_t pcm[4];
    (void)state;
    put_file(&p, LITERAL(GOOD));
    OK(ue_wav_load(p.file, &wav));
    ue_wav_read(wav, 1, pcm, 4);
    assert_int_equal(pcm[0], 0x7fff);
    assert_int_equal(pcm[1], 0);
    ue_wav_read(wav, UINT64_MAX / 2, pcm, 4);
    assert_int_equal(pcm[3], 0);
    ue_wav_read(NULL, 0, pcm, 4);
    assert_int_equal(pcm[0], 0);
}

static void what_cannot_be_loaded_says_so(void **state)
{
    PLACE p = make_place();
    WAV wav = NULL;
    (void)state;
    FAILS(TS_E_IO, ue_wav_load(p.file, &wav));
    FAILS(TS_E_IO, ue_wav_load(p.folder, &wav));
    put_file(&p, LITERAL("RIFF"));
    FAILS(TS_E_RANGE, ue_wav_load(p.file, &wav));
    put_file(&p, LITERAL(GOOD));
    assert_int_equal(truncate(p.file, (off_t)UE_WAV_MAX + 1), 0);
    FAILS(TS_E_RANGE, ue_wav_load(p.file, &wav));
    assert_null(wav);
}

static void what_is_recorded_is_read_again(void **state)
{
    PLACE p = make_place();
    RECORDER rec = NULL;
    WAV wav = NULL;
    const int16_t one[] = {1, -1, INT16_MIN}, two[] = {7};
    int16_t pcm[8];
    struct stat st;
    (void)state;
    OK(ue_recorder_open(p.file, &rec));
    OK(ue_recorder_write(rec, 4, one, 3));
    OK(ue_recorder_write(rec, 0, two, 1)); /* out of order, with a gap */
    OK(ue_wav_load(p.file, &wav));
    ue_wav_read(wav, 0, pcm, 8);
    const int16_t wanted[] = {7, 0, 0, 0, 1, -1, INT16_MIN, 0};
    assert_memory_equal(pcm, wanted, sizeof(wanted));
    assert_int_equal(stat(p.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 44 + 2 * 7);
}

static void a_place_beyond_the_limit_is_refused(void **state)
{
    PLACE p = make_place();
    RECORDER rec = NULL;
    const int16_t one[] = {1};
    (void)state;
    OK(ue_recorder_open(p.file, &rec));
    FAILS(TS_E_RANGE, ue_recorder_write(rec, UINT64_MAX, one, 1));
    FAILS(TS_E_RANGE, ue_recorder_write(rec, UE_WAV_MAX / 2, one, 1));
    RECORDER none = NULL;
    FAILS(TS_E_IO, ue_recorder_open("/nowhere/a.wav", &none));
    assert_null(none);
}

/* Record until killed, at no particular point. */
static void record_for_ever(struct ue_recorder *rec, int ready)
{
    int16_t pcm[160] = {5, 5, 5};
    for (uint64_t at = 0;; at += 160) {
        if (ue_recorder_write(rec, at % 1600000, pcm, 160))
            _exit(1);
        if (at == 32000 && write(ready, "x", 1) != 1)
            _exit(1);
    }
}

static void a_killed_program_leaves_a_readable_file(void **state)
{
    PLACE p = make_place();
    RECORDER rec = NULL;
    WAV wav = NULL;
    int16_t pcm[160];
    int ready[2];
    char x;
    (void)state;
    OK(ue_recorder_open(p.file, &rec));
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        record_for_ever(rec, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &x, 1), 1);
    close(ready[0]);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    OK(ue_wav_load(p.file, &wav));
    ue_wav_read(wav, 16000, pcm, 160);
    assert_int_equal(pcm[2], 5);
}

UNIT_MAIN(cmocka_unit_test(samples_are_found_behind_other_chunks),
          cmocka_unit_test(another_kind_of_audio_is_refused),
          cmocka_unit_test(sizes_that_lie_are_refused),
          cmocka_unit_test(every_cut_of_a_file_is_refused),
          cmocka_unit_test(a_file_is_loaded_and_silent_behind_its_end),
          cmocka_unit_test(what_cannot_be_loaded_says_so),
          cmocka_unit_test(what_is_recorded_is_read_again),
          cmocka_unit_test(a_place_beyond_the_limit_is_refused),
          cmocka_unit_test(a_killed_program_leaves_a_readable_file))
