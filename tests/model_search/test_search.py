"""A search as it is typed, on small files: what is shipped, what is read again, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from searched import write_reviews, write_topics

from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select_rows
from textwright.runtime.loading import load

QUICK = ("--no-prices", "--json", "--quiet")


def search(capsys: pytest.CaptureFixture[str], source: Path, out: Path, *flags: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    families = () if "--families" in flags else ("--families", "linear")
    assert run(["auto", str(source), "--out", str(out), *QUICK, *families, *flags]) == code
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def test_the_test_texts_are_read_by_what_is_shipped_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write_reviews(tmp_path / "reviews.csv", 300), tmp_path / "out"
    report = search(capsys, source, out)
    dataset = load_dataset(str(source), DataSettings())
    searched = (out / "search" / "reviews.jsonl").read_text(encoding="utf-8")
    assert not any(json.dumps(text) in searched for text in dataset.test.texts)
    assert all(json.dumps(text) in searched for text in dataset.validation.texts)

    artifact = artifacts.read(out)
    manifest = artifact.manifest
    assert manifest.data["source"] == str(source)
    assert manifest.data["fingerprint"] == dataset.fingerprint
    assert manifest.metrics_split == "test"
    measured = manifest.variants[manifest.default_variant].metrics["accuracy"]["value"]
    assert measured == pytest.approx(report["test"]["metrics"]["accuracy"]["value"])
    selection = select_rows(str(source), DataSettings(), artifact)
    assert list(selection.examples.texts) == list(dataset.test.texts)
    assert selection.num_trained == 0
    answers = [item.labels[0] for item in load(out).predict(selection.examples.texts)]
    truth = [dataset.labels.names[target] for target in selection.examples.targets]
    assert measured == pytest.approx(sum(map(str.__eq__, answers, truth)) / len(truth))
    page = (out / "auto.html").read_text(encoding="utf-8")
    assert report["choice"]["why"][0].split(":")[0] in page

    again = search(capsys, source, out)  # nothing is trained, timed or measured again
    assert [trial["seconds"] for trial in again["trials"]] == [trial["seconds"] for trial in report["trials"]]
    assert again["finalists"] == report["finalists"]
    assert artifacts.read(out).version == artifact.version


def test_constraints_that_nothing_keeps_ship_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write_reviews(tmp_path / "reviews.csv", 120), tmp_path / "out"
    search(capsys, source, out)
    assert (out / "artifact").is_dir()
    impossible = ("--max-latency-ms", "0.000001", "--min-accuracy", "100")
    report = search(capsys, source, out, *impossible, code=14)
    assert not (out / "artifact").exists()  # what an earlier choice shipped does not keep to these constraints
    assert report["choice"]["chosen"] == ""
    assert report["choice"]["nearest"] == "linear"
    assert report["test"] is None
    assert "times the 1e-06 allowed" in " ".join(report["choice"]["why"])
    assert "nothing is shipped" in (out / "auto.html").read_text(encoding="utf-8")
    assert search(capsys, source, out)["choice"]["chosen"] == "linear"


def test_sixty_rows_are_enough_and_are_said_to_be_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = search(capsys, write_reviews(tmp_path / "reviews.csv", 60), tmp_path / "out")
    assert report["choice"]["chosen"] == "linear"
    assert "Every choice was made on 6 validation texts" in " ".join(report["advice"])


def test_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    source = write_reviews(tmp_path / "reviews.csv", 60)
    assert "is no search" in search(capsys, source, tmp_path, code=3)["error"]["message"]


def test_other_data_in_the_same_folder_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search(capsys, write_reviews(tmp_path / "reviews.csv", 60), tmp_path / "out")
    other = write_reviews(tmp_path / "reviews.csv", 80)
    assert "a search of other texts" in search(capsys, other, tmp_path / "out", code=3)["error"]["message"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--families", "cow"), "no family 'cow'"),
        (("--families", ","), "name one or more"),
        (("--unlabeled", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_bad_input_is_said_in_words(
    flags: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_reviews(tmp_path / "reviews.csv", 60)
    assert message in search(capsys, source, tmp_path / "out", *flags, code=3)["error"]["message"]


def test_all_problems_of_the_data_are_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("text,label\na film,good\nanother,\n,bad\n")
    assert search(capsys, path, tmp_path / "out", code=3)["error"]["code"] == "data"


def test_a_label_of_the_test_texts_alone_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"a {word} film {n},{word},{split}" for n, split in enumerate(("train", "validation", "test") * 20)
            for word in ("good", "bad")]  # fmt: skip
    path = tmp_path / "given.csv"
    path.write_text("\n".join(["text,label,split", *rows, "a new film,new,test", ""]))
    message = search(capsys, path, tmp_path / "out", "--split-column", "split", code=3)["error"]["message"]
    assert "label 'new' does not occur in the training split" in message


@pytest.mark.slow
@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_topics(path.with_suffix(".jsonl"), 400),
        lambda path: write_reviews(path, 400, language="spanish"),
        lambda path: write_reviews(path, 1_000, one_in=100, noise=0.0),
    ],
    ids=["multi-label", "spanish", "99-to-1"],
)
@pytest.mark.parametrize("metric", ["accuracy", "macro-f1"])
def test_other_kinds_of_files(
    write: Callable[[Path], Path], metric: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "texts.csv")
    report = search(capsys, source, tmp_path / "out", "--metric", metric)
    assert report["choice"]["chosen"]
    value = report["test"]["metrics"][report["primary_metric"]]["value"]
    assert value > 0.7
    assert artifacts.read(tmp_path / "out").manifest.data["source"] == str(source)
