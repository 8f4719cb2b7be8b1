"""An encoder is adapted to texts once, never to held-out ones; what was cut short goes on to the same bits."""
# ruff: noqa: ARG002  a callback is given more than it uses

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_data import make_dataset, make_examples
from tiny_encoders import KINDS, WORDS, save_tiny_encoder
from tokenizers import Tokenizer

from textwright.core.callbacks import Callback
from textwright.core.encodings import Encodings
from textwright.data.cache import cache_dir
from textwright.data.settings import DataSettings
from textwright.errors import DataError, SettingsError
from textwright.models.pretrained import open_pretrained
from textwright.training import cross_validate
from textwright.training.adaptation import AdaptedEncoder, read_adaptation
from textwright.training.masked_language import MaskedTexts
from textwright.training.run import train
from textwright.training.settings import TrainSettings

TEXTS = list(dict.fromkeys(make_examples(200, 9).texts))
PAIRS = list(zip(WORDS[::2], WORDS[1::2], strict=False))
"""Words of which each tells the other."""
SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "bert"]


class Recorder(Callback):
    """Remembers what was said, and stops as Ctrl-C does at a step."""

    def __init__(self, stop_at: int = 0) -> None:
        self.stop_at, self.stages, self.warnings, self.steps = stop_at, [], [], []

    def on_stage_begin(self, stage: str) -> None:
        self.stages.append(stage)

    def on_warning(self, message: str) -> None:
        self.warnings.append(message)

    def on_progress(self, stage: str, done: int, total: int) -> None:
        self.steps.append(done)
        if done == self.stop_at:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return save_tiny_encoder("bert", tmp_path / "bert")


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    return path


def settings_for(file: Path, **settings: object) -> TrainSettings:
    return TrainSettings(family="bert", device="cpu", max_length=48, adapt_to=str(file), **settings)


def adapt(encoder: Path, file: Path, callback: Callback | None = None, **settings: object) -> AdaptedEncoder:
    adaptation = read_adaptation(settings_for(file, **settings), {"encoder": str(encoder)}, DataSettings())
    return adaptation.run(make_dataset(), callback or Callback())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return open_pretrained(str(folder)).load_backbone().state_dict()


def assert_same(one: Path, other: Path) -> None:
    for name, weight in weights(other).items():
        assert torch.equal(weights(one)[name], weight), name


def test_a_tenth_of_the_chosen_tokens_stays_and_most_are_masked() -> None:
    ids = [[1, *range(10, 110), 2] for _ in range(200)]
    counts = np.bincount(range(10, 110), minlength=110)
    texts = MaskedTexts(Encodings.of(ids), counts, pad_id=0, mask_id=3)
    (masked, attention, places), targets = texts.batch(np.arange(200), torch.Generator().manual_seed(0))
    before = torch.tensor(ids)
    assert len(places) == 200 * 15
    assert torch.equal(before.flatten()[places], targets)
    shown = masked.flatten()[places]
    is_masked, is_same = shown == 3, shown == targets
    assert 0.77 < is_masked.float().mean() < 0.83
    assert 0.08 < is_same.float().mean() < 0.13
    assert set(shown[~is_masked].tolist()) <= set(range(10, 110))
    untouched = torch.ones(before.numel(), dtype=torch.bool).index_fill(0, places, value=False)
    assert torch.equal(masked.flatten()[untouched], before.flatten()[untouched])
    assert torch.equal(attention, torch.ones_like(before))


def test_special_tokens_and_padding_are_never_guessed_and_a_short_text_has_one_place() -> None:
    counts = np.bincount([10, 11, 12], minlength=13)
    texts = MaskedTexts(Encodings.of([[1, 10, 2], [1, 10, 11, 12, 2]]), counts, pad_id=0, mask_id=3)
    for _ in range(20):
        _, targets = texts.batch(np.arange(2))
        assert targets.tolist()[0] == 10
        assert len(targets) == 2


@pytest.mark.parametrize("kind", ["bert", *SLOW])
def test_every_kind_of_encoder_learns_to_guess_and_is_read_back(kind: str, tmp_path: Path) -> None:
    folder = save_tiny_encoder(kind, tmp_path / kind)
    drawn = np.random.default_rng(0).integers(len(PAIRS), size=(500, 6)).tolist()
    texts = [" ".join(f"{PAIRS[pair][0]} {PAIRS[pair][1]}" for pair in row) for row in drawn]
    file = write(tmp_path / "more.csv", [f'"{text}"' for text in texts])
    short = adapt(folder, file, adapt_epochs=1, adapt_learning_rate=1e-6)
    long = adapt(folder, file, adapt_epochs=15, adapt_learning_rate=1e-2)
    assert long.facts["masked_loss"] < short.facts["masked_loss"] - 0.3
    assert long.facts["masked_accuracy"] > short.facts["masked_accuracy"]
    before, after = weights(folder), weights(long.folder)
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    one, other = (open_pretrained(str(it)).load_tokenizer(48).encode(TEXTS) for it in (folder, long.folder))
    assert np.array_equal(one.ids, other.ids)


def test_it_is_done_once_for_equal_texts_and_settings(encoder: Path, tmp_path: Path) -> None:
    first = adapt(encoder, write(tmp_path / "more.csv", TEXTS), adapt_epochs=2)
    again = Recorder()
    other_name = adapt(encoder, write(tmp_path / "renamed.csv", TEXTS), again, adapt_epochs=2)
    assert other_name.folder == first.folder
    assert again.steps == []
    assert {**first.facts, "texts": ""} == {**other_name.facts, "texts": ""}
    assert adapt(encoder, tmp_path / "more.csv", adapt_epochs=3).folder != first.folder
    assert adapt(encoder, write(tmp_path / "fewer.csv", TEXTS[1:]), adapt_epochs=2).folder != first.folder
    assert first.facts["num_texts"] == len(TEXTS) - first.facts["num_left_out"]


@pytest.mark.parametrize("stop_at", [2, 5])
def test_what_was_interrupted_goes_on_to_the_same_bits(
    stop_at: int, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "more.csv", TEXTS)
    whole = adapt(encoder, file, adapt_epochs=2).folder.rename(tmp_path / "whole")
    monkeypatch.setattr("textwright.training.adaptation._CHECKPOINT_EVERY_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        adapt(encoder, file, Recorder(stop_at), adapt_epochs=2)
    resumed = Recorder()
    found = adapt(encoder, file, resumed, adapt_epochs=2)
    assert resumed.steps[0] == stop_at
    assert any("going on from step" in stage for stage in resumed.stages)
    assert_same(found.folder, whole)
    assert [item.name for item in (cache_dir() / "adapted").iterdir()] == [found.folder.name]


def test_held_out_texts_are_left_out_and_that_is_said(encoder: Path, tmp_path: Path) -> None:
    dataset = make_dataset()
    leaked = [*dataset.test.texts[:5], *(text.upper() for text in dataset.validation.texts[:3])]
    clean = adapt(encoder, write(tmp_path / "clean.csv", TEXTS))
    recorder = Recorder()
    found = adapt(encoder, write(tmp_path / "leaking.csv", [*TEXTS, *leaked]), recorder)
    assert found.folder == clean.folder
    assert found.facts["num_left_out"] == clean.facts["num_left_out"] + len(set(leaked))
    assert any("of the validation or the test split" in warning for warning in recorder.warnings)


def test_labels_of_the_texts_are_not_looked_at(encoder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labeled.csv"
    file.write_text("text,label\n" + "".join(f"{text},{number}\n" for number, text in enumerate(TEXTS)))
    assert adapt(encoder, file).folder == adapt(encoder, write(tmp_path / "bare.csv", TEXTS)).folder


def test_texts_of_held_out_splits_alone_are_refused(encoder: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "test.csv", make_dataset().test.texts)
    with pytest.raises(DataError, match=r"adapt_to: of the \d+ texts of .*test\.csv 0 are left .* 2 or more"):
        adapt(encoder, file)


def test_an_empty_file_and_a_family_without_encoder_are_refused(encoder: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "empty.csv", ['" "'])
    with pytest.raises(DataError, match=r"empty\.csv holds no text .*--adapt-to"):
        adapt(encoder, file)
    settings = TrainSettings(family="bow", adapt_to=str(file))
    with pytest.raises(SettingsError, match=r"adapt_to is .*family bow has no encoder .*frozen-bert"):
        read_adaptation(settings, {"embedding_dim": 8}, DataSettings())
    assert read_adaptation(TrainSettings(family="bow"), {}, DataSettings()) is None


def test_an_encoder_without_a_mask_is_refused(encoder: Path, tmp_path: Path) -> None:
    content = (encoder / "tokenizer.json").read_text().replace("[MASK]", "[NONE]")
    Tokenizer.from_str(content).save(str(encoder / "tokenizer.json"))
    with pytest.raises(SettingsError, match=r"has no mask token \(\[MASK\] or <mask>\)"):
        adapt(encoder, write(tmp_path / "more.csv", TEXTS))


def test_a_training_that_cannot_adapt_refuses_to_pass_over_it(encoder: Path, tmp_path: Path) -> None:
    settings = settings_for(write(tmp_path / "more.csv", TEXTS))
    with pytest.raises(SettingsError, match="nothing adapts the encoder"):
        train(make_dataset(), settings, {"encoder": str(encoder)}, run_dir=tmp_path / "run")


@pytest.mark.parametrize("family", ["bert", "frozen-bert", "static-bert"])
def test_families_start_from_the_adapted_encoder(
    family: str, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_validate, "_NUM_STEPS", (4,))  # of a head that is not looked at
    adapted = adapt(encoder, write(tmp_path / "more.csv", TEXTS), adapt_epochs=3, adapt_learning_rate=3e-3)
    settings = TrainSettings(family=family, device="cpu", max_length=48, num_epochs=1, learning_rate=1e-9, adapt_to="x")
    model = {"encoder": str(encoder)}
    found = train(make_dataset(), settings, model, run_dir=tmp_path / "adapted", adapted=adapted)
    plain = train(make_dataset(), settings.model_copy(update={"adapt_to": ""}), model, run_dir=tmp_path / "plain")
    assert found.metadata["adapted_encoder"] == adapted.facts
    assert "adapted_encoder" not in plain.metadata
    assert not torch.equal(found.module.word_vectors, plain.module.word_vectors)
    if family == "frozen-bert":
        expected = weights(adapted.folder)
        own = found.module.encoder.backbone.state_dict()
        assert all(torch.equal(own[name], weight) for name, weight in expected.items() if "pooler" not in name)
    assert json.loads((adapted.folder / "adaptation.json").read_text())["num_epochs"] == 3
