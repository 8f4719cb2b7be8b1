"""Tiny forms of the constructed sources: each says how well it can be learned, and holds what it claims."""

import unicodedata

import numpy as np
import pytest
from slow_params import slow_unless

from battery_sources import SOURCES
from battery_sources.constructed import CONSTRUCTED
from battery_sources.topics import TopicTexts
from textwright.core.labels import Task
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

TINY = {source.name: min(1.0, 240 / (source.num_rows + source.num_test)) for source in CONSTRUCTED}
TINY |= {"thousand-labels": 0.25, "one-percent": 0.1, "tickets-40": 0.4, "long-end": 0.05, "long-spread": 0.05}
LABELS = {"thousand-labels": 1000, "tickets-40": 40, "tags": 12, "three-words": 4, "japanese": 4, "million": 4}
LABELS |= dict.fromkeys(("long-spread", "emoji", "html", "log-lines", "accents"), 3)


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    folder = tmp_path_factory.mktemp("battery")

    def load(name):
        path, ceiling = SOURCES[name].write(folder, TINY[name])
        return load_dataset(str(path), DataSettings()), ceiling

    return load


@pytest.mark.parametrize(
    "name", slow_unless(lambda name: name != "thousand-labels", [source.name for source in CONSTRUCTED])
)
def test_a_tiny_form_loads_with_its_labels_and_its_size(load, name):
    dataset, ceiling = load(name)
    source = SOURCES[name]
    assert len(dataset.labels) == LABELS.get(name, 2)
    assert (dataset.labels.task is Task.MULTI_LABEL) == source.is_multi_label
    num_rows = sum(len(examples) for examples in dataset.splits.values())
    assert num_rows == round(source.num_rows * TINY[name]) + round(source.num_test * TINY[name])
    assert 1 / len(dataset.labels) < ceiling <= 1


def test_a_third_of_the_sources_is_held_and_half_of_them_is_real():
    num_held = sum(source.is_held for source in SOURCES.values())
    assert len(SOURCES) / 4 < num_held < len(SOURCES) / 2
    assert sum(source.is_real for source in SOURCES.values()) * 2 == len(SOURCES)


def test_the_ceiling_is_what_the_bayes_classifier_reaches():
    own = (("x",), ("y",))
    rows = TopicTexts(("a", "b"), own=own, vocabulary=("z",), length=(3, 3), signal=0.3, confusion=0.2).make(4000)
    counts = np.array([[text.split().count(word) for word in "xy"] for text in (it.text for it in rows.examples)])
    said = np.where(counts[:, 0] == counts[:, 1], 0, counts.argmax(axis=1))
    right = np.mean([it.labels[0] == "ab"[label] for it, label in zip(rows.examples, said, strict=True)])
    assert right == pytest.approx(rows.ceiling, abs=0.02)


def test_wrong_labels_lower_the_ceiling():
    rows = TopicTexts(("a", "b"), length=(30, 30), signal=0.5, flipped=0.2).make(200)
    assert rows.ceiling == pytest.approx(0.8, abs=0.001)


def test_the_rare_label_is_one_in_a_hundred(load):
    dataset, _ = load("one-percent")
    share = np.mean(np.concatenate([examples.targets for examples in dataset.splits.values()]) == 0)
    assert share == pytest.approx(0.01, abs=0.003)


def test_accents_are_composed_in_training_and_decomposed_in_testing(load):
    dataset, _ = load("accents")
    for examples, form in ((dataset.train, "NFC"), (dataset.validation, "NFC"), (dataset.test, "NFD")):
        assert all(text == unicodedata.normalize(form, text) for text in examples.texts)
    assert any(text != unicodedata.normalize("NFC", text) for text in dataset.test.texts)


def test_some_rows_have_several_tags_and_some_none(load):
    dataset, _ = load("tags")
    assert set(dataset.train.targets.sum(axis=1).tolist()) >= {0, 1, 2}


def test_only_the_end_of_a_long_text_tells(load):
    long = SOURCES["long-end"].make(4)
    ends = [" ".join(it.text.split()[-50:]) for it in long.examples]
    assert min(len(it.text.split()) for it in long.examples) >= 2_900
    assert all(len(end) < len(it.text) for end, it in zip(ends, long.examples, strict=True))
    own = TopicTexts(("approve", "reject"), num_own=20)._words()[0]
    heads = {word for it in long.examples for word in it.text.split()[:-50]}
    assert not heads & {word for words in own for word in words}


def test_equal_calls_make_equal_files(tmp_path):
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        SOURCES["html"].write(folder, 0.01)
    assert (tmp_path / "first" / "html.csv").read_bytes() == (tmp_path / "second" / "html.csv").read_bytes()
