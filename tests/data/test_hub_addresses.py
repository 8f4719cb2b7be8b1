"""Datasets of the hub by address: one file of a repository, a whole dataset, a revision of it."""

from __future__ import annotations

import pytest
from hub_server import Hub, point_client_to, serving_hub

from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import HubNetworkError, NotFoundError, SettingsError

ROWS = [(f"a {word} film number {number}", label) for number in range(20) for word, label in (("good", 1), ("bad", 0))]
CSV = ("text,label\n" + "".join(f"{text},{('no', 'yes')[label]}\n" for text, label in ROWS)).encode()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with serving_hub(Hub()) as running:
        point_client_to(running, tmp_path / "hf", monkeypatch)
        running.add("dataset", "owner/reviews", {"train.csv": CSV, "README.md": b"# Reviews\n"})
        yield running


def test_a_file_of_a_dataset_is_read_as_a_file_is(hub):
    dataset = load_dataset("hf://datasets/owner/reviews/train.csv", DataSettings())
    assert dataset.labels.names == ("no", "yes")
    assert sum(map(len, dataset.splits.values())) == len(ROWS)


def test_a_revision_of_a_file_stays_what_it_was(hub):
    first = hub.repos["dataset", "owner/reviews"].find("main")
    hub.add("dataset", "owner/reviews", {"train.csv": b"text,label\nx,1\n"})
    dataset = load_dataset(f"hf://datasets/owner/reviews@{first}/train.csv", DataSettings())
    assert sum(map(len, dataset.splits.values())) == len(ROWS)


@pytest.mark.parametrize("address", ["hf://owner/reviews", "hf://datasets/owner/reviews@main"])
def test_a_whole_dataset_is_read_by_its_library(hub, tmp_path, monkeypatch, address):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    dataset = load_dataset(address, DataSettings())
    assert sum(map(len, dataset.splits.values())) == len(ROWS)


def test_what_does_not_exist_is_said_in_words(hub):
    with pytest.raises(NotFoundError, match=r"has no file 'test\.csv'"):
        load_dataset("hf://datasets/owner/reviews/test.csv", DataSettings())
    with pytest.raises(NotFoundError, match="has no dataset 'owner/nothing'"):
        load_dataset("hf://datasets/owner/nothing/train.csv", DataSettings())
    with pytest.raises(SettingsError, match="no address"):
        load_dataset("hf://reviews", DataSettings())


def test_without_a_network_the_cure_is_said(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr("time.sleep", lambda _: None)  # between the client's tries, 23 seconds in all
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(HubNetworkError, match="cannot be reached"):
        load_dataset("hf://datasets/owner/reviews/train.csv", DataSettings())
