/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAV files of one kind: PCM, 8000 Hz, mono, 16 bit. Reading refuses all
 * others; writing keeps the file readable at every moment, so that a program
 * that is killed leaves what it had.
 */
#ifndef UE_WAV_H
#define UE_WAV_H

#include "base/bytes.h"
#include "base/err.h"

/** Largest file that is read: about an hour. */
#define UE_WAV_MAX (64u << 20)

struct ue_wav;
struct ue_recorder;

/**
 * Find the samples in a file's bytes.
 *
 * @param file  the whole file
 * @param pcm   gets the samples, 16 bit little endian, an even number of bytes
 * @return OK; E_SHORT, E_FORMAT, E_DUPLICATE or E_ORDER for what is not
 *         well-formed, E_UNSUPPORTED for another kind of audio, E_MISSING
 *         without samples. Bytes behind the RIFF chunk are ignored.
 */
TS_MUST enum ts_err ue_wav_parse(struct ts_span file, struct ts_span *pcm);

/**
 * Load a file.
 *
 * @param out  gets it; ue_wav_free() releases it
 * @return OK, E_IO (cannot be read), E_RANGE (above UE_WAV_MAX), E_NOMEM, or
 *         as ue_wav_parse()
 */
TS_MUST enum ts_err ue_wav_load(const char *path, struct ue_wav **out);

/** Release. NULL is ignored. */
void ue_wav_free(struct ue_wav *wav);

/** Copy n samples from place at; behind the end, and for NULL, silence. */
void ue_wav_read(const struct ue_wav *wav, uint64_t at, int16_t *pcm, size_t n);

/**
 * Create a file to record to, for its owner only; an old one is replaced.
 *
 * @param out  gets it; ue_recorder_close() releases it
 * @return OK, E_IO, E_NOMEM
 */
TS_MUST enum ts_err ue_recorder_open(const char *path,
                                     struct ue_recorder **out);

/**
 * Write n samples to place at. A gap is silence; a place that was written is
 * written over.
 *
 * @return OK, E_IO, or E_RANGE when the file would exceed UE_WAV_MAX
 */
TS_MUST enum ts_err ue_recorder_write(struct ue_recorder *rec, uint64_t at,
                                      const int16_t *pcm, size_t n);

/** Close and release. NULL is ignored. */
void ue_recorder_close(struct ue_recorder *rec);

#endif
