# SPDX-License-Identifier: Apache-2.0
"""Makes the speech of the lab's calls and compares what arrived with it."""

import wave
from dataclasses import dataclass

import g711
from harness import tool

RATE = 8000
PACKET = 160  # samples in 20 ms, one RTP packet


@dataclass(frozen=True)
class Speaker:
    """Who says what; two voices, so that two directions never look alike."""

    voice: str
    text: str


ALICE = Speaker("en-gb", "Hello Bob. If you can hear me, the ticket "
                         "that I sent you was genuine.")
BOB = Speaker("en-us+f3", "I hear you, Alice. The ticket opened for me, and "
                          "for me alone.")


def read_wav(path):
    """The samples of a mono file with 8000 samples a second."""
    with wave.open(str(path), "rb") as file:
        shape = (file.getnchannels(), file.getsampwidth(),
                 file.getframerate())
        if shape != (1, 2, RATE):
            raise ValueError(f"{path} is {shape}, not mono 16 bit 8000 Hz")
        return file.readframes(file.getnframes())


def write_wav(path, octets):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(octets)


def speak(lab, name, speaker, seconds):
    """A WAV file of that length with the speaker's sentence.

    A little silence at both ends keeps the words whole where a recording
    starts a moment late.
    """
    raw = lab.folder / f"{name}-studio.wav"
    narrow = lab.folder / f"{name}-narrow.wav"
    path = lab.folder / f"{name}.wav"
    lab.run(f"espeak-{name}", [tool("espeak-ng", "espeak-ng"), "-v",
                               speaker.voice, "-w", raw, speaker.text])
    lab.run(f"sox-{name}", [
        tool("sox", "sox"), raw, "-b", 16, "-c", 1, narrow, "gain", "-n",
        "-3", "rate", RATE, "pad", 0.2, seconds, "trim", 0, seconds])
    write_wav(path, g711.through(g711.PCMU, read_wav(narrow)))
    return path


@dataclass(frozen=True)
class Match:
    """Where a recording holds the sent samples, and how many of them."""

    sent: int
    offset: int  # sample of the recording at which the sent file starts
    skipped: int  # samples of the sent file before the first equal one
    equal: int

    def whole(self, slack):
        """All but at most `slack` samples at either end are equal."""
        tail = self.sent - self.skipped - self.equal
        return self.skipped <= slack and tail <= slack


def find(sent, recorded):
    """The longest run of the sent samples in the recording, or None.

    A run starts from the loudest packet, which occurs only once, and grows
    in both directions for as long as every sample is the same.
    """
    anchor = _loudest(sent)
    at = recorded.find(sent[anchor:anchor + 2 * PACKET])
    while at % 2:  # between two samples, or -1
        if at < 0:
            return None
        at = recorded.find(sent[anchor:anchor + 2 * PACKET], at + 1)
    before = _common(sent[:anchor][::-1], recorded[:at][::-1])
    after = _common(sent[anchor:], recorded[at:])
    return Match(len(sent) // 2, (at - anchor) // 2, (anchor - before) // 2,
                 (before + after) // 2)


def _loudest(octets):
    samples = g711.to_samples(octets)
    starts = range(0, max(len(samples) - PACKET, 1), PACKET)
    return 2 * max(starts, key=lambda s: sum(
        abs(v) for v in samples[s:s + PACKET]))


def _common(one, other):
    """How many leading octets are the same, in whole samples."""
    size = min(len(one), len(other))
    if one[:size] == other[:size]:
        return size & ~1
    return next(i for i in range(size) if one[i] != other[i]) & ~1


def likeness(one, other):
    """The share of equal samples, both starting at the first."""
    first, second = g711.to_samples(one), g711.to_samples(other)
    size = min(len(first), len(second))
    equal = sum(a == b for a, b in zip(first, second))
    return equal / size if size else 0.0
