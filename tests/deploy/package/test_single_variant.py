"""What is shipped is one variant, and it is the one that was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

import textwright
from textwright.core import artifact as artifacts
from textwright.core.artifact import GOLDEN
from textwright.deploy.package.single_variant import write_single_variant
from textwright.errors import GoldenMismatchError, NotFoundError, SettingsError
from textwright.runtime.predictor import Predictor
from textwright.runtime.selection import golden_lines

TEXTS = ["a good film", "", "the bad and the awful"]


def test_an_artifact_of_one_variant_is_copied_byte_for_byte(tiny_artifact, tmp_path):
    source = artifacts.read(tiny_artifact)
    assert write_single_variant(source, None, tmp_path / "out").digest == source.digest


@pytest.mark.parametrize("variant", ["fp32", "other"])
def test_one_of_several_variants_stands_alone_and_answers_alike(two_variants, tmp_path, variant):
    source = artifacts.read(two_variants)
    shipped = write_single_variant(source, variant, tmp_path / "out")
    assert list(shipped.manifest.variants) == [variant]
    assert len([name for name in shipped.files if name.endswith(".onnx")]) == 1
    assert shipped.digest != source.digest
    expected = textwright.load(two_variants, variant=variant).predict(TEXTS)
    assert textwright.load(shipped.path).predict(TEXTS) == expected
    assert [item.text for item in shipped.golden()] == [item.text for item in source.golden()]


def test_what_tells_texts_out_of_distribution_goes_along(make_artifact, tmp_path):
    source = artifacts.read(make_artifact("unlike", training_texts=["a good film", "the bad film"] * 9))
    shipped = write_single_variant(source, None, tmp_path / "out", example_text="a good film")
    assert shipped.files[artifacts.SURPRISALS] == source.files[artifacts.SURPRISALS]
    found = textwright.load(shipped.path).predict(["a good film", "zebra"])
    assert [item.out_of_distribution for item in found] == [False, True]


@pytest.mark.parametrize("name", ["tiny_artifact", "two_variants"])
def test_a_typed_example_leaves_no_text_of_the_data_behind(request, tmp_path, name):
    source = _with_private_texts(artifacts.read(request.getfixturevalue(name)), tmp_path / "private")
    shipped = write_single_variant(source, None, tmp_path / "out", example_text="a parcel came late")
    assert shipped.manifest.example_texts == ("a parcel came late",)
    assert [item.text for item in shipped.golden()] == ["a parcel came late", ""]
    assert all(b"private" not in path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert textwright.load(shipped.path).predict(TEXTS) == textwright.load(source.path).predict(TEXTS)


def _with_private_texts(source, folder):
    """Write an artifact with two texts of the data and an awkward one as golden examples."""
    texts = ["a private text", "", "another private text"]
    contents = source.contents()
    for variant, chosen in source.manifest.variants.items():
        contents[chosen.golden or GOLDEN] = golden_lines(Predictor(source, variant=variant, num_threads=1), texts)
    manifest = replace(source.manifest, data={"example_texts": ["a private text"]})
    return artifacts.write(folder, manifest, contents)


def test_a_typed_example_reaches_every_stage(tiny_cascade, tmp_path):
    shipped = write_single_variant(artifacts.read(tiny_cascade), None, tmp_path / "out", example_text="one of mine")
    assert [item.artifact.manifest.example_texts for item in shipped.stages] == [("one of mine",)] * 2
    assert shipped.manifest.example_texts == ("one of mine",)


def test_a_blank_example_is_refused(tiny_artifact, tmp_path):
    with pytest.raises(SettingsError, match="blank"):
        write_single_variant(artifacts.read(tiny_artifact), None, tmp_path / "out", example_text="  ")


def test_a_variant_that_is_not_there_is_refused(two_variants, tmp_path):
    with pytest.raises(NotFoundError, match="int4"):
        write_single_variant(artifacts.read(two_variants), "int4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_variant_of_another_engine_is_refused_with_those_that_can_be_shipped(two_variants, tmp_path):
    source = artifacts.read(two_variants)
    bound = replace(source.manifest.variants["other"], engine="openvino")
    manifest = replace(source.manifest, variants={**source.manifest.variants, "other": bound})
    with pytest.raises(SettingsError, match=r"other .*engine openvino.*: fp32$"):
        write_single_variant(replace(source, manifest=manifest), "other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_does_not_reproduce_here_is_not_shipped(tiny_artifact, tmp_path):
    source = artifacts.read(tiny_artifact)
    contents = {name: (source.path / name).read_bytes() for name in source.files}
    contents[GOLDEN] = b'{"text": "good", "logits": [9.0, 9.0]}\n'
    wrong = artifacts.write(tmp_path / "wrong", source.manifest, contents)
    with pytest.raises(GoldenMismatchError):
        write_single_variant(wrong, None, tmp_path / "out")


def test_a_cascade_is_shipped_with_both_stages(tiny_cascade, tmp_path):
    source = artifacts.read(tiny_cascade)
    assert write_single_variant(source, None, tmp_path / "copy").digest == source.digest
    (name,) = source.manifest.variants
    variants = {"other": replace(source.manifest.variants[name], precision="int8"), **source.manifest.variants}
    contents = {file: (source.path / file).read_bytes() for file in source.files}
    two = artifacts.write(tmp_path / "two", replace(source.manifest, variants=variants), contents)
    shipped = write_single_variant(two, name, tmp_path / "out")
    of_a_model = ("manifest.json", "model.onnx", "tokenizer.json", "golden.jsonl", "README.md")
    assert set(shipped.files) == {
        *("golden.jsonl", "README.md", "cascade.json"),
        *(f"{stage}/{file}" for stage in ("fast", "strong") for file in of_a_model),
    }
    found = textwright.load(shipped.path).predict([*TEXTS, "great"])
    assert found == textwright.load(tiny_cascade).predict([*TEXTS, "great"])
    assert {item.stage for item in found} == {"fast", "strong"}
