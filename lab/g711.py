# SPDX-License-Identifier: Apache-2.0
"""G.711 both ways, from its value tables.

A code word stands for one value, so decoding is a table; encoding is the
code word whose value is nearest. Of a value that a code word stands for
nothing is lost, whoever encodes it: the lab's speech has only such values.
"""

import array
import bisect
import sys

PCMU, PCMA = 0, 8  # RTP payload types (RFC 3551)


def _ulaw_value(code):
    code = ~code & 0xFF
    value = ((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)
    return 0x84 - value if code & 0x80 else value - 0x84


def _alaw_value(code):
    code ^= 0x55
    value, segment = (code & 0x0F) << 4, (code & 0x70) >> 4
    value += 8 if segment == 0 else 0x108
    value <<= max(segment - 1, 0)
    return value if code & 0x80 else -value


_VALUES = {PCMU: [_ulaw_value(c) for c in range(256)],
           PCMA: [_alaw_value(c) for c in range(256)]}
# Values in order with their code words; of the two zeros of u-law the
# positive one comes last in its code and is the one everybody sends.
_SORTED = {law: sorted((v, c) for c, v in enumerate(values))
           for law, values in _VALUES.items()}


def to_samples(octets):
    """16 bit little endian octets, as in a WAV file, to numbers."""
    samples = array.array("h", octets)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def to_octets(samples):
    samples = array.array("h", samples)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def decode(law, codes):
    """G.711 code words to 16 bit little endian samples."""
    values = _VALUES[law]
    return to_octets(values[code] for code in codes)


def encode(law, octets):
    """16 bit little endian samples to the nearest code words."""
    table, known = _SORTED[law], {}
    for sample in set(to_samples(octets)):
        at = bisect.bisect_right(table, (sample, 256))
        near = table[max(at - 1, 0):at + 1]
        known[sample] = min(
            reversed(near), key=lambda entry: abs(entry[0] - sample))[1]
    return bytes(known[sample] for sample in to_samples(octets))


def through(law, octets):
    """What is left of samples after one way through the codec."""
    return decode(law, encode(law, octets))
