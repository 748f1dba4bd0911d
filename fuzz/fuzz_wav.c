/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a WAV file: refused, or samples within the file. */
#include <stdlib.h>

#include "ue/wav.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_span pcm;
    if (ue_wav_parse(ts_span(data, n), &pcm))
        return 0;
    MUST_HOLD(pcm.n % 2 == 0);
    MUST_HOLD(pcm.p >= data + 44 && pcm.n <= n - 44);
    MUST_HOLD(pcm.p + pcm.n <= data + n);
    return 0;
}
