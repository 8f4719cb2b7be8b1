"""Sound as a network sees it: a mel spectrogram, the way back by Griffin-Lim, and a listener of its own.

::

    sound (16,000 numbers a second) -> windows of 50 ms -> Fourier -> 80 bands of the mel scale -> logarithm: (T, 80)
    (T, 80) -> exponential -> nearest spectrum that is not negative -> phases by Griffin-Lim -> sound

Sources: Shen et al., 2018, Natural TTS Synthesis by Conditioning WaveNet on Mel Spectrogram Predictions, section 2.1,
https://arxiv.org/abs/1712.05884; Griffin & Lim, 1984, Signal Estimation from Modified Short-Time Fourier Transform,
https://doi.org/10.1109/TASSP.1984.1164317; Perraudin et al., 2013, A Fast Griffin-Lim Algorithm,
https://doi.org/10.1109/WASPAA.2013.6701851. The transforms are librosa's, the files libsndfile's, the listener is
PocketSphinx.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    import pocketsphinx

Sound = NDArray[np.float32]
"""Samples from -1 to 1, (N,)."""
RATE = 16_000
"""Samples a second."""
HOP = 200
"""Samples from one window to the next: 12.5 ms."""
BANDS = 80
"""M, bands of the mel scale."""
_WINDOW, _FOURIER = 800, 1024
_SCALE = {"sr": RATE, "fmin": 125.0, "fmax": 7600.0}
_WINDOWS = {"n_fft": _FOURIER, "hop_length": HOP, "win_length": _WINDOW}
_FLOOR, _MIDDLE, _SPREAD = 1e-4, -5.5, 2.0
SILENT = (math.log(_FLOOR) - _MIDDLE) / _SPREAD
"""What a log-mel spectrogram holds where there is no sound."""
_RECORDED = Path(__file__).parents[1] / "recorded"


def mel(sound: Sound) -> Tensor:
    """Turn sound (N,) into a log-mel spectrogram (T, M), T = N // HOP + 1, of about mean 0 and standard deviation 1."""
    import librosa

    bands = librosa.feature.melspectrogram(y=sound, **_SCALE, **_WINDOWS, n_mels=BANDS, power=1.0)  # (M, T)
    return torch.from_numpy((np.log(np.maximum(bands, _FLOOR)).T - _MIDDLE) / _SPREAD)  # (T, M)


def griffin_lim(spectrogram: Tensor, num_rounds: int = 60) -> Sound:
    """Turn a log-mel spectrogram (T, M) into sound that has about that spectrogram, (HOP * (T - 1),).

    A spectrogram has no phases. They start at random, by a fixed seed; each round makes sound of them, and takes over
    the phases that this sound has.

    Raises:
        ValueError: If it has fewer than two windows.
    """
    import librosa

    if len(spectrogram) < 2:
        raise ValueError(f"a spectrogram of {len(spectrogram)} windows has no sound; it takes 2 or more")
    bands = np.exp(spectrogram.T.numpy() * _SPREAD + _MIDDLE)  # (M, T)
    bands = np.pad(bands, ((0, 0), (0, max(0, _FOURIER // HOP + 2 - len(spectrogram)))))  # as long as one transform
    spectrum = librosa.feature.inverse.mel_to_stft(bands, **_SCALE, n_fft=_FOURIER, power=1.0)  # (F, T)
    sound = librosa.griffinlim(spectrum, n_iter=num_rounds, **_WINDOWS, random_state=0)  # (N,)
    return np.clip(sound[: HOP * (len(spectrogram) - 1)], -1, 1).astype(np.float32)  # (N,)


def encode(sound: Sound, form: str = "FLAC") -> bytes:
    """Write sound as a file of 16 bits: "FLAC" (half the size, without loss) or "WAV"."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound, RATE, format=form, subtype="PCM_16")
    return file.getvalue()


@cache
def teacher() -> dict[str, Sound]:
    """Read what the teacher says: phrase -> sound, in the order in which they were recorded.

    The voice is ``slt`` of Flite, from recordings of CMU ARCTIC; ``booktools.teacher`` wrote the file.
    """
    import soundfile

    spoken = json.loads((_RECORDED / "32-teacher.json").read_text(encoding="utf-8"))["samples"]
    sound, rate = soundfile.read(_RECORDED / "32-teacher.ogg", dtype="float32")
    if rate != RATE:
        raise ValueError(f"the teacher speaks at {rate} samples a second; it takes {RATE}")
    ends = np.cumsum(list(spoken.values()))
    return dict(zip(spoken, np.split(sound, ends[:-1]), strict=True))


def teacher_hash() -> str:
    """Return the hash of the teacher's sound: of which a voice was made."""
    return hashlib.sha256((_RECORDED / "32-teacher.ogg").read_bytes()).hexdigest()[:16]


class Listener:
    """Writes down which of some words it hears, one after the other: PocketSphinx, trained on other people's speech.

    Args:
        words: All that it can hear, in any order and number; each stands in the dictionary CMUdict.
        silence: Seconds put before and after a sound.
        dither: Standard deviation of noise put over it: digital silence has a logarithm that no speech has.
    """

    def __init__(self, words: Iterable[str], silence: float = 0.5, dither: float = 1e-4) -> None:
        import pocketsphinx

        known = set(words)
        self.grammar = f"#JSGF V1.0;\ngrammar words;\npublic <words> = ( {' | '.join(sorted(known))} )+;\n"
        path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
        rows = path.read_text(encoding="utf-8").splitlines()  # "zero Z IH R OW", "zero(2) Z IY R OW", ...
        self.dictionary = "".join(f"{row}\n" for row in rows if re.match(r"[^\s(]*", row)[0] in known)
        self.silence, self.dither = silence, dither

    def hear(self, sound: Sound) -> list[str]:
        """Return the words of a sound; none if it hears none of them."""
        padded = np.pad(sound, int(self.silence * RATE))
        noisy = padded + self.dither * np.random.default_rng(0).standard_normal(len(padded))
        decoder = self._decoder()  # a fresh one: it adapts to what it hears, and no sound may help another
        decoder.start_utt()
        decoder.process_raw((np.clip(noisy, -1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return heard.hypstr.split() if heard else []

    def _decoder(self) -> pocketsphinx.Decoder:
        import pocketsphinx

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "words.dict")
            path.write_text(self.dictionary, encoding="utf-8")
            decoder = pocketsphinx.Decoder(lm=None, dict=str(path), samprate=RATE, loglevel="FATAL")
        decoder.add_jsgf_string("words", self.grammar)
        decoder.activate_search("words")
        return decoder


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a listener made of phrases.

    Args:
        right: For each phrase, whether each of its words was heard and no other.
        errors: Words left out, put in or mistaken, of all phrases.
        num_words: Of all phrases.
    """

    right: list[bool]
    errors: int
    num_words: int

    @property
    def share(self) -> float:
        """Share of phrases that were heard right."""
        return sum(self.right) / len(self.right)

    @property
    def word_error_rate(self) -> float:
        """Errors for each word said; above 1 if it hears more than was said."""
        return self.errors / self.num_words


def judge(listener: Listener, phrases: Sequence[str], sounds: Iterable[Sound]) -> Verdict:
    """Let a listener write down sounds and compare them with what should have been said."""
    said = [phrase.split() for phrase in phrases]
    errors = [word_errors(words, listener.hear(sound)) for words, sound in zip(said, sounds, strict=True)]
    return Verdict([each == 0 for each in errors], sum(errors), sum(map(len, said)))


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Count the words to put in, to leave out or to change until one row is the other (Levenshtein's distance)."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, start=1):
        before, row[0] = row[0], place
        for other, each in enumerate(heard, start=1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (word != each))
    return row[-1]
