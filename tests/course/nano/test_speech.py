import io

import librosa
import numpy as np
import pytest
import soundfile
import torch

from nano import speech, tacotron
from nano.speech import BANDS, HOP, RATE, SILENT, Listener

transforms = pytest.mark.slow  # the first one has librosa compile itself, 17 s of processor time in a new environment


@pytest.fixture(scope="module")
def said():
    return speech.teacher()["zero"]


@transforms
def test_mel_is_librosas_on_a_scale_of_its_own(said):
    found = speech.mel(said)
    bands = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=BANDS, fmin=125, fmax=7600)  # (M, F)
    spectrum = torch.stft(
        torch.from_numpy(np.pad(said, 512)), 1024, HOP, 800, torch.hann_window(800), center=False, return_complex=True
    ).abs()  # (F, T)
    expected = (torch.log((torch.from_numpy(bands) @ spectrum).clamp(min=1e-4)) + 5.5) / 2
    assert found.shape == (len(said) // HOP + 1, BANDS)
    torch.testing.assert_close(found, expected.T, atol=2e-3, rtol=0)


@transforms
def test_silence_has_the_value_of_padding():
    assert torch.allclose(speech.mel(np.zeros(4000, np.float32)), torch.tensor(SILENT))


@transforms
def test_a_tone_lights_its_own_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    centers = librosa.mel_frequencies(BANDS + 2, fmin=125, fmax=7600)[1:-1]
    assert abs(centers[speech.mel(tone)[40].argmax()] - 1000) < 40


@transforms
def test_griffin_lim_comes_back_to_the_spectrogram(said):
    before = speech.mel(said)
    sound = speech.griffin_lim(before)
    after = speech.mel(sound)
    assert sound.shape == (HOP * (len(before) - 1),)
    assert np.abs(sound).max() <= 1
    loud = before > 0
    assert (after - before)[loud].abs().mean() < 0.12
    noise = speech.mel(np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32) * 0.05)
    assert (noise - before)[loud].abs().mean() > 0.5  # another sound is far away


@transforms
def test_more_rounds_come_nearer(said):
    before = speech.mel(said)
    off = [(speech.mel(speech.griffin_lim(before, rounds)) - before).abs().mean() for rounds in (1, 60)]
    assert off[1] < 0.8 * off[0]


@transforms
def test_the_phases_start_the_same_each_time(said):
    first, second = (speech.griffin_lim(speech.mel(said), 4) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@transforms
@pytest.mark.parametrize("num_windows", [2, 5, 9])
def test_a_sound_may_be_shorter_than_one_transform(num_windows):
    assert speech.griffin_lim(torch.zeros(num_windows, BANDS), 2).shape == (HOP * (num_windows - 1),)


def test_one_window_has_no_sound():
    with pytest.raises(ValueError, match="it takes 2 or more"):
        speech.griffin_lim(torch.zeros(1, BANDS))


@pytest.mark.parametrize("form", ["FLAC", "WAV"])
def test_a_file_holds_the_sound(said, form):
    content = speech.encode(said, form)
    sound, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == RATE
    assert soundfile.info(io.BytesIO(content)).format == form
    np.testing.assert_allclose(sound, said, atol=1 / 32767)


def test_the_teacher_says_what_the_index_lists():
    teacher = speech.teacher()
    assert len(teacher) == 800
    assert set(teacher) <= {tacotron.number_phrase(number) for number in range(1000)}
    seconds = np.array([len(sound) / RATE for sound in teacher.values()])
    assert 0.3 < seconds.min() < seconds.max() < 2.5
    quiet = [np.abs(sound[-400:]).max() for sound in teacher.values()]  # each ends where the next one begins
    assert max(quiet) < 0.05


def test_the_listener_hears_the_teacher_and_not_silence():
    phrases = list(speech.teacher())[:3]
    listener = Listener(tacotron.LEXICON)
    verdict = speech.judge(listener, phrases, [speech.teacher()[phrase] for phrase in phrases])
    assert verdict.word_error_rate <= 0.2
    mixed = speech.judge(listener, phrases, [speech.teacher()[phrase] for phrase in (*phrases[1:], phrases[0])])
    assert mixed.share == 0
    assert listener.hear(np.zeros(RATE, np.float32)) == []


def test_the_listener_keeps_nothing_of_what_it_heard(said):
    listener = Listener(tacotron.LEXICON)
    first = listener.hear(said)
    listener.hear(np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.3)
    assert listener.hear(said) == first


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("six hundred twelve", "six hundred twelve", 0),
        ("six hundred twelve", "six hundred", 1),
        ("six hundred twelve", "six six hundred twelve", 1),
        ("six hundred twelve", "five hundred ten", 2),
        ("six", "", 1),
        ("", "one two", 2),
    ],
)
def test_errors_are_the_fewest_changes_of_words(said, heard, errors):
    assert speech.word_errors(said.split(), heard.split()) == errors


def test_a_verdict_counts_phrases_and_words(monkeypatch):
    listener = Listener(["one", "two"])
    monkeypatch.setattr(listener, "hear", lambda sound: ["one"] * len(sound))
    verdict = speech.judge(listener, ["one one", "one two"], [np.zeros(2), np.zeros(2)])
    assert (verdict.right, verdict.share, verdict.word_error_rate) == ([True, False], 0.5, 0.25)
