"""The whole walk on a small file: measured, reproducible, resumable, and nothing written when a step fails."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_encoders import save_tiny_encoder

import textwright
from textwright import pipeline
from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.core.percent import percent
from textwright.core.reference_profile import read_profile
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import ParityError, SettingsError
from textwright.pipeline import BuildPlan, build_artifact
from textwright.training.settings import TrainSettings

GOOD, BAD = ["good", "great", "fine", "lovely"], ["bad", "awful", "poor", "dull"]
NEUTRAL = [f"word{number}" for number in range(60)]


QUICK = ("--num-epochs", "1", "--min-steps", "0")


def write_reviews(path: Path, num_rows: int = 160, *, seed: int = 0) -> Path:
    generator = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for number in range(num_rows):
            label, words = (("positive", GOOD), ("negative", BAD))[number % 2]
            text = generator.sample(NEUTRAL, 6) + generator.choices(words, k=2)
            generator.shuffle(text)
            rows.writerow([" ".join(text), label])
    return path


def plan_for(source: Path, **settings) -> BuildPlan:
    training = TrainSettings(
        **{"family": "bow", "num_epochs": 8, "batch_size": 16, "learning_rate": 0.05, "min_steps": 0}
        | {"adam_epsilon": 1e-8, **settings}
    )
    model = {"embedding_dim": 8, "min_frequency": 1, "dropout": 0, "word_dropout": 0}
    return BuildPlan(str(source), DataSettings(), training, model)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    source = write_reviews(folder / "reviews.csv")
    return source, folder / "run", build_artifact(plan_for(source), folder / "run")


def test_it_learns_and_says_how_well(built):
    _, out, result = built
    accuracy = result.evaluations["test"].metrics["accuracy"]
    assert accuracy.value >= 0.9
    manifest = textwright.load(out).artifact.manifest
    assert manifest.metrics_split == "test"
    metrics = manifest.variants["fp32"].metrics["accuracy"]
    assert metrics == {"value": accuracy.value, "low": accuracy.low, "high": accuracy.high}
    assert textwright.load(out).predict(["a lovely great word1"])[0].label == "positive"


def test_the_manifest_says_what_it_was_made_from(built):
    source, out, _ = built
    manifest = artifacts.read(out).manifest
    assert manifest.name == "reviews-bow"
    assert manifest.training["settings"]["batch_size"] == 16
    assert manifest.training["model"]["embedding_dim"] == 8
    assert manifest.data["fingerprint"] == load_dataset(str(source), DataSettings()).fingerprint
    assert sum(manifest.data["num_examples"].values()) == 160
    assert {"textwright", "torch", "onnxruntime"} <= set(manifest.versions)


def test_the_profile_counts_the_validation_split(built):
    _, out, _ = built
    artifact = textwright.load(out).artifact
    profile = read_profile(artifact)
    assert profile.num_texts == artifact.manifest.data["num_examples"]["validation"]
    assert profile.split == "validation"


def test_no_word_of_another_split_leaks_into_the_tokenizer(built):
    source, out, _ = built
    dataset = load_dataset(str(source), DataSettings())
    seen = {word for text in dataset.train.texts for word in text.split()}
    vocabulary = json.loads(artifacts.read(out).tokenizer())["model"]["vocab"]
    assert set(vocabulary) - {"[PAD]", "[UNK]"} == seen


def test_the_golden_examples_are_real_and_awkward(built):
    _, out, _ = built
    golden = artifacts.read(out).golden()
    assert len(golden) >= 12
    assert "" in [item.text for item in golden]
    assert any(not item.text.isascii() for item in golden)


def test_short_validation_texts_stand_as_examples(built):
    source, out, _ = built
    validation = load_dataset(str(source), DataSettings()).validation
    first, second = artifacts.read(out).manifest.example_texts
    labels = dict(zip(validation.texts, validation.targets.tolist(), strict=True))
    assert first == validation.texts[0]
    assert labels[first] != labels[second]


def test_a_typed_example_keeps_texts_of_the_data_out_of_the_artifact(built, tmp_path):
    source, out, _ = built
    plan = replace(plan_for(source, num_epochs=1), example_text="a parcel came late")
    artifact = build_artifact(plan, tmp_path / "run").artifact
    dataset = load_dataset(str(source), DataSettings())
    every_text = {*dataset.train.texts, *dataset.validation.texts, *dataset.test.texts}
    assert artifact.manifest.example_texts == ("a parcel came late",)
    assert not every_text & {item.text for item in artifact.golden()}
    assert build_artifact(plan, tmp_path / "run").reused
    with pytest.raises(SettingsError, match="example_text"):
        build_artifact(replace(plan_for(source), example_text="a parcel came late"), out)


def test_the_model_card_quotes_what_was_measured(built):
    _, out, result = built
    card = (out / "artifact" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    accuracy = result.evaluations["test"].metrics["accuracy"]
    assert f"{percent(accuracy.value)} [{percent(accuracy.low, accuracy.high)}]" in card


def test_the_manifest_keeps_how_it_stands_to_the_majority(built):
    source, out, result = built
    assert result.beats_majority
    assert result.warnings == ()
    assert result.verdict.startswith("On 16 test texts the model's accuracy is")
    again = build_artifact(plan_for(source), out)
    assert (again.baselines, again.warnings, again.verdict) == (result.baselines, result.warnings, result.verdict)


def test_train_ends_with_a_verdict_and_advises_no_model_that_learned_nothing(tmp_path, capsys):
    source = write_reviews(tmp_path / "reviews.csv", 60)
    command = [
        "train",
        str(source),
        "--out",
        str(tmp_path / "run"),
        *QUICK,
        "--learning-rate",
        "1e-6",
    ]
    assert run(command) == 0
    printed = capsys.readouterr()
    assert "tf-idf" in printed.out
    assert "below the linear baseline tf-idf" in printed.out or "not distinguishable from the linear" in printed.out
    assert "! 6 test texts cannot show that the model is better than always the most frequent label" in printed.out
    assert "next: textwright compare" in printed.err
    assert "textwright serve" not in printed.err
    assert run([*command, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content["baselines"]) == {"majority", "tf-idf"}
    assert content["beats_majority"] is False
    assert content["warnings"]


def test_the_linear_baseline_can_be_left_out(tmp_path, capsys):
    source = write_reviews(tmp_path / "reviews.csv", 60)
    flags = ["--out", str(tmp_path / "run"), *QUICK, "--no-baselines", "--json"]
    assert run(["train", str(source), *flags]) == 0
    assert set(json.loads(capsys.readouterr().out)["baselines"]) == {"majority"}


def test_evaluate_knows_the_rows_of_the_training(built, tmp_path, capsys):
    source, out, _ = built
    trained = load_dataset(str(source), DataSettings()).train.texts[:20]
    other = tmp_path / "other.csv"
    other.write_text("text,label\n" + "".join(f"{text},positive\n" for text in [*trained, "a lovely new text"]))
    assert run(["evaluate", str(out), str(other), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["num_trained"] == 20
    assert "the model was trained on 20 of these texts" in content["rows"]
    assert run(["evaluate", str(out / "artifact"), str(other), "--exclude-seen", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_examples"] == 1


def test_running_again_reuses_what_is_there(built):
    source, out, first = built
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = build_artifact(plan_for(source), out)
    assert again.reused
    assert again.artifact.digest == first.artifact.digest
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_another_plan_is_refused_by_name_and_leaves_the_artifact(built):
    source, out, first = built
    with pytest.raises(SettingsError, match=r"training\.settings\.seed was 0, now 1.*--overwrite"):
        build_artifact(plan_for(source, seed=1), out)
    assert artifacts.read(out).digest == first.artifact.digest


def test_other_data_under_the_same_name_is_noticed(built, tmp_path):
    _, out, _ = built
    changed = write_reviews(tmp_path / "reviews.csv", seed=1)
    message = r"data\.(source|fingerprint).*train on the old and the new rows together, or begin with"
    with pytest.raises(SettingsError, match=message):
        build_artifact(plan_for(changed), out)


def test_equal_plans_give_equal_models(built, tmp_path):
    source, out, _ = built
    build_artifact(plan_for(source), tmp_path / "twin")
    texts = ["good word1", "awful", "", "word2 word3"]
    np.testing.assert_array_equal(textwright.load(out).logits(texts), textwright.load(tmp_path / "twin").logits(texts))


def test_a_graph_that_disagrees_writes_no_artifact(built, tmp_path, monkeypatch):
    source, _, _ = built
    export = pipeline.to_onnx

    def drift(module):
        first = next(module.parameters())
        first.data.add_(0.01)
        graph = export(module)
        first.data.sub_(0.01)
        return graph

    monkeypatch.setattr(pipeline, "to_onnx", drift)
    with pytest.raises(ParityError, match="differ"):
        build_artifact(plan_for(source), tmp_path / "run")
    assert not (tmp_path / "run" / "artifact").exists()


def test_a_damaged_artifact_asks_for_overwrite_and_is_mended_by_it(tmp_path, capsys):
    source = write_reviews(tmp_path / "reviews.csv", 60)
    command = [
        "train",
        str(source),
        "--out",
        str(tmp_path / "run"),
        *QUICK,
        "--no-baselines",
        "--quiet",
    ]
    assert run(command) == 0
    (tmp_path / "run" / "artifact" / "model.onnx").write_bytes(b"damaged")
    assert run(command) == 3
    assert "--overwrite" in capsys.readouterr().err
    assert run([*command, "--overwrite"]) == 0
    assert textwright.load(tmp_path / "run").predict(["good"])[0].label in ("positive", "negative")


def test_multi_label_from_file_to_answer(tmp_path):
    generator = random.Random(0)
    source = tmp_path / "tags.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for number in range(200):
            tags = [tag for bit, tag in enumerate(("plot", "music")) if (number % 4) >> bit & 1]
            words = generator.sample(NEUTRAL, 4) + [f"about_{tag}" for tag in tags]
            file.write(json.dumps({"text": " ".join(words), "labels": tags}) + "\n")
    plan = plan_for(source, learning_rate=0.1, num_epochs=15)
    built = build_artifact(plan, tmp_path / "run")
    assert built.evaluations["test"].metrics["exact_match"].value > 0.8
    both = textwright.load(tmp_path / "run").predict(["about_plot about_music word1"])[0]
    assert set(both.labels) == {"plot", "music"}


def test_a_model_that_abstains_says_from_where_on_and_what_shows_it(built, tmp_path, capsys):
    source, _, plain = built
    noisy = tmp_path / "noisy.csv"
    rows = source.read_text().splitlines()
    swapped = {"positive": "negative", "negative": "positive"}
    with noisy.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for number, row in enumerate(rows[1:]):
            text, label = row.rsplit(",", 1)
            file.write(f"{text},{swapped[label] if number % 10 == 0 else label}\n")
    command = ["train", str(noisy), "--out", str(tmp_path / "run"), "--validation-fraction", "0.4", "--no-baselines"]
    model = ["--model.embedding-dim", "8", "--model.dropout", "0", "--model.word-dropout", "0", "--family", "bow"]
    settings = [*model, "--num-epochs", "8", "--min-steps", "0", "--batch-size", "16", "--learning-rate", "0.05"]
    assert run([*command, *settings, "--max-error-rate", "0.01"]) != 0
    assert "takes 299 texts with 95 % confidence" in " ".join(capsys.readouterr().err.split())
    assert run([*command, *settings, "--max-error-rate", "0.4"]) == 0
    assert "with 95 % confidence (40 % was asked for)" in " ".join(capsys.readouterr().out.split())
    manifest = artifacts.read(tmp_path / "run").manifest
    told = manifest.training["abstention"]
    assert told["min_confidence"] == manifest.min_confidence
    assert told["error_bound"] <= 0.4
    assert plain.artifact.manifest.min_confidence == 0.0
    assert "abstention" not in plain.artifact.manifest.training


def test_a_model_abstains_out_of_distribution_and_says_how_often(built, tmp_path, capsys):
    source = built[0]
    command = ["train", str(source), "--out", str(tmp_path / "run"), "--no-baselines", "--validation-fraction", "0.4"]
    model = ["--model.embedding-dim", "8", "--family", "bow", "--num-epochs", "2", "--min-steps", "0"]
    assert run([*command, *model, "--ood-rate", "0.001"]) != 0
    assert "that takes 999. Give more texts" in " ".join(capsys.readouterr().err.split())
    assert run([*command, *model, "--ood-rate", "0.05", "--max-error-rate", "0.4"]) == 0
    assert "less like the training texts than all but 5.0 % of the validation texts" in " ".join(
        capsys.readouterr().out.split()
    )
    loaded = textwright.load(tmp_path / "run")
    texts = [row.rsplit(",", 1)[0] for row in source.read_text().splitlines()[1:]]
    assert sum(item.out_of_distribution for item in loaded.predict(texts)) <= 0.1 * len(texts)
    strange = loaded.predict(["Das Wetter ist heute schön in Hamburg"])[0]
    assert (strange.label, strange.labels, strange.out_of_distribution) == (None, (), True)
    assert strange.confidence == max(strange.probabilities.values())
    assert run(["predict", str(tmp_path / "run"), "Das Wetter ist heute schön"]) == 0
    assert "(out of distribution)" in capsys.readouterr().out
    assert run(["predict", str(tmp_path / "run"), "Das Wetter", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"][0]["out_of_distribution"] is True
    assert run(["inspect", str(tmp_path / "run")]) == 0
    assert "all but 5.0 %" in " ".join(capsys.readouterr().out.split())


def test_what_is_refused_is_refused_before_the_encoder_is_adapted(tmp_path, monkeypatch):
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "more.csv").write_text("text\n" + "".join(f"word{number} music plot\n" for number in range(40)))
    source, encoder = write_reviews(tmp_path / "reviews.csv"), save_tiny_encoder("bert", tmp_path / "bert")
    training = TrainSettings(family="bert", device="cpu", max_length=48, adapt_to=str(tmp_path / "more.csv"))
    plan = BuildPlan(str(source), DataSettings(), training, {"encoder": str(encoder), "num_frozen_layers": 3})
    with pytest.raises(SettingsError, match="num_frozen_layers is 3"):
        build_artifact(plan, tmp_path / "run")
    assert not (tmp_path / "cache" / "adapted").exists()


def test_a_model_whose_labels_case_tells_apart_keeps_case_and_says_so(tmp_path, capsys):
    generator = random.Random(0)
    source = tmp_path / "names.csv"
    rows = ["text,label"]
    for number in range(160):
        word = generator.choice(["turkey", "china", "polish", "march"])
        shown = word.capitalize() if number % 2 else word
        rows.append(f"{' '.join(generator.sample(NEUTRAL, 6))} {shown},{'name' if number % 2 else 'word'}")
    source.write_text("\n".join(rows) + "\n", encoding="utf-8")
    flags = ["--family", "bow", "--no-baselines", "--num-epochs", "8", "--min-steps", "0", "--learning-rate", "0.05"]
    assert run(["train", str(source), *flags, "--batch-size", "16", "--out", str(tmp_path / "run")]) == 0
    assert "words keep their case" in " ".join(capsys.readouterr().err.split())
    model = textwright.load(tmp_path / "run")
    training = model.artifact.manifest.training
    assert (training["casing"], training["num_bigram_buckets"], training["model"]["casing"]) == ("cased", 0, "auto")
    assert [item.label for item in model.predict(["Turkey", "turkey", "in Polish", "to polish"])] == [
        "name",
        "word",
        "name",
        "word",
    ]
