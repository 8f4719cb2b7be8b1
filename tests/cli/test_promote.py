"""``textwright promote`` as it is typed: what is promoted, what is refused, and what is written."""

from __future__ import annotations

import json

import pytest
from tiny_words import SENTIMENT_WORDS, TOPICS, TOPICS_BIAS, TOPICS_WORDS

from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.core.labels import Labels

WORSE = {**SENTIMENT_WORDS, "good": (2.0, -2.0)}
NUM_TEXTS = 600
WORDS_OF_TOPICS = (("song", "music"), ("story", "plot"), ("actor", "acting"))


@pytest.fixture
def frozen(tmp_path):
    """Texts that the tiny model has right, in two parts of which one holds "good" alone."""
    rows = ["text,label,part"]
    for number in range(NUM_TEXTS):
        word, label = (("great", "positive"), ("awful", "negative"), ("good", "positive"))[number % 3]
        rows.append(f"the {word} film number {number},{label},{'b' if word == 'good' else 'a'}")
    path = tmp_path / "frozen.csv"
    path.write_text("\n".join([*rows, ""]))
    return path


@pytest.fixture
def compare(make_artifact, frozen, capsys):
    """Return a function that promotes an artifact and gives exit code, output, and the folder of the candidate."""

    def promote(*flags, candidate=None, champion=None):
        paths = [make_artifact(name, **(fields or {})) for name, fields in (("new", candidate), ("old", champion))]
        code = run(["promote", str(paths[0]), "--against", str(paths[1]), "--data", str(frozen), *flags])
        return code, capsys.readouterr(), paths[0]

    return promote


def test_a_candidate_that_answers_alike_is_promoted(compare):
    code, printed, path = compare("--max-latency-ratio", "50", "--slices", "part")
    assert code == 0
    assert "promoted: accuracy is not worse" in printed.out
    assert "part = a" in printed.out
    assert "whether the champion was trained on some of these texts is not known" in printed.out
    assert "--split old=90,new=10" in printed.err
    report = json.loads((path.parent / "new.promotion" / "promotion.json").read_text())
    assert report["is_promoted"] is True
    assert report["overall"]["standing"] == "not worse"
    assert report["candidate"]["digest"] == artifacts.read(path).digest  # still verified, and the one that was measured
    page = (path.parent / "new.promotion" / "promotion.html").read_text()
    assert "Content-Security-Policy" in page
    assert "new@" in page


def test_a_worse_candidate_is_refused_with_every_reason(compare):
    code, printed, path = compare("--slices", "part", candidate={"words": WORSE})
    assert code == 13
    error = printed.err.partition("error:")[2]
    assert "accuracy is worse: -33.33 points" in error
    assert "worse where part = b: -100.00 points" in error
    assert "Traceback" not in printed.err
    report = json.loads((path.parent / "new.promotion" / "promotion.json").read_text())
    assert report["is_promoted"] is False
    assert len(report["reasons"]) >= 2


def test_equal_is_not_better(compare):
    code, printed, _ = compare("--require-better", "--max-latency-ratio", "50")
    assert code == 13
    assert "--require-better asks for better" in printed.err


def test_a_better_candidate_is_called_better(compare):
    code, printed, _ = compare("--require-better", "--max-latency-ratio", "50", champion={"words": WORSE})
    assert code == 0
    assert "promoted: accuracy is better: +33.33 points" in printed.out


def test_labels_in_another_order_are_the_same_labels(compare):
    turned = {word: scores[::-1] for word, scores in SENTIMENT_WORDS.items()}
    fields = {"labels": Labels(("positive", "negative")), "words": turned}
    code, printed, _ = compare("--json", "--max-latency-ratio", "50", champion=fields)
    assert code == 0
    content = json.loads(printed.out)
    assert content["overall"]["candidate"] == content["overall"]["champion"] == 1.0


def test_a_slower_and_larger_candidate_is_refused(compare):
    code, printed, _ = compare("--max-size-ratio", "1.5", candidate={"num_slow_layers": 4})
    assert code == 13
    assert "times as large" in printed.err
    assert "--max-size-ratio is 1.5" in printed.err


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"labels": Labels(("negative", "neutral", "positive")), "words": {"good": (0.0, 0.0, 1.0)}}, "'neutral'"),
        ({"labels": TOPICS, "words": {"song": (1.0, 0.0, 0.0)}}, "multi-label"),
    ],
)
def test_other_labels_are_refused_with_the_cure(compare, fields, expected):
    code, printed, path = compare(champion=fields)
    assert code == 3
    assert expected in printed.err
    assert "textwright evaluate" in printed.err
    assert not (path.parent / "new.promotion").exists()


@pytest.mark.parametrize(
    ("flags", "code", "expected"),
    [
        (("--slices", "region"), 3, "names the column 'region', and"),
        (("--margin", "0"), 2, "margin"),
        (("--tests", "none.jsonl"), 3, "no file of tests"),
    ],
)
def test_refusals_are_one_sentence(compare, flags, code, expected):
    given, printed, _ = compare(*flags)
    assert given == code
    assert expected in printed.err
    assert "Traceback" not in printed.err


def test_the_same_artifact_twice_is_refused(tiny_artifact, frozen, capsys):
    assert run(["promote", str(tiny_artifact), "--against", str(tiny_artifact), "--data", str(frozen)]) == 3
    assert "the same artifact" in capsys.readouterr().err


def test_minimum_functionality_must_hold(compare, tmp_path):
    (tmp_path / "tests.jsonl").write_text('{"text": "not good", "label": "negative", "test": "a negation"}\n')
    code, printed, _ = compare("--tests", str(tmp_path / "tests.jsonl"), "--max-latency-ratio", "50")
    assert code == 13
    assert "it fails 1 of 1 texts of 'a negation' (minimum functionality), 0 are allowed" in printed.err


def test_texts_that_a_model_was_trained_on_are_left_out(trained_run, make_artifact, tmp_path, capsys):
    run_folder, source = trained_run("bow", "binary")
    words = {"good": (-2.0, 2.0), "bad": (2.0, -2.0)}
    champion = make_artifact("old", labels=Labels(("bad", "good")), words=words)
    flags = ["--against", str(champion), "--data", str(source), "--split", "all", "--json", "--margin", "100"]
    copy = artifacts.copy(artifacts.read(run_folder), tmp_path / "run" / "artifact").path
    (copy.parent / "text_hashes.npz").write_bytes((run_folder / "text_hashes.npz").read_bytes())
    run(["promote", str(copy.parent), *flags])
    report = json.loads(capsys.readouterr().out)
    assert report["data"]["num_seen_by_candidate"] > 200
    assert report["data"]["num_texts"] + report["data"]["num_seen_by_candidate"] == 300
    assert (tmp_path / "run" / "promotion" / "promotion.html").is_file()


def test_models_of_several_labels_are_compared_by_exact_match(make_artifact, tmp_path, capsys):
    rows = [{"text": f"{word} number {n}", "label": [label]} for n in range(60) for word, label in WORDS_OF_TOPICS]
    path = tmp_path / "frozen.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields = {"labels": TOPICS, "words": TOPICS_WORDS, "bias": TOPICS_BIAS}
    turned = {
        "labels": Labels(TOPICS.names[::-1], TOPICS.task),
        "words": {word: scores[::-1] for word, scores in TOPICS_WORDS.items()},
        "bias": TOPICS_BIAS[::-1],
    }
    paths = [str(make_artifact(name, **these)) for name, these in (("new", fields), ("old", turned))]
    flags = ["--data", str(path), "--json", "--margin", "5", "--max-latency-ratio", "50", "--max-size-ratio", "50"]
    assert run(["promote", paths[0], "--against", paths[1], *flags]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["metric"] == "exact_match"
    assert report["overall"]["num_lost"] == report["overall"]["num_won"] == 0
    assert "labels are not of sentiment" in " ".join(item["not_applicable"] for item in report["behavior"])
