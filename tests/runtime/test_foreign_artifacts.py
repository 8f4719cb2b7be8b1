"""An artifact that somebody else made and sealed: it loads and predicts, or is refused in words."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import textwright
from textwright.core import artifact as artifacts
from textwright.core import graph_checks
from textwright.core.labels import Labels
from textwright.core.manifest_checks import MOST_BYTES
from textwright.errors import ArtifactCorruptError, ArtifactError, ArtifactFormatError, BackendError
from textwright.runtime import bounds
from textwright.runtime import predictor as predictors
from textwright.runtime.session import Session

ABSENT = object()


def seal(folder, content):
    """Write a manifest with a digest that fits it."""
    content = {"format_version": content.get("format_version"), "sha256": "0" * 64, **content} | {"sha256": "0" * 64}
    raw = json.dumps(content).encode()
    (folder / "manifest.json").write_bytes(raw.replace(b"0" * 64, hashlib.sha256(raw).hexdigest().encode(), 1))


def change(folder, path, value):
    """Set a field of the manifest, or remove it, and seal it again."""
    content = json.loads((folder / "manifest.json").read_text())
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    if value is ABSENT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    seal(folder, content)


def replace_file(folder, name, raw):
    """Write a file and its hash."""
    (folder / name).write_bytes(raw)
    change(folder, ("files", name), {"sha256": hashlib.sha256(raw).hexdigest(), "size_bytes": len(raw)})


def test_a_manifest_that_is_sealed_again_loads(tiny_artifact):
    change(tiny_artifact, ("created",), "yesterday")
    assert textwright.load(tiny_artifact).predict(["good"])[0].label == "positive"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("temperature",), 1e-300, "temperature is 1e-300; it must be a number from 0.001 to 1000"),
        (("temperature",), float("nan"), "temperature is nan"),
        (("temperature",), float("inf"), "temperature is inf"),
        (("temperature",), 10**400, "temperature is 1000"),
        (("temperature",), "1", "temperature is '1'"),
        (("temperature",), True, "temperature is True"),
        (("threshold",), 2, "threshold is 2; it must be a number from 0 to 1"),
        (("max_length",), 0, "max_length is 0"),
        (("max_length",), 2**40, "max_length is 1099511627776"),
        (("max_length",), 8.5, "max_length is 8.5"),
        (("labels",), ["a", 2], "a list of strings"),
        (("labels",), "ab", "labels is 'ab'"),
        (("labels",), ["a", "\ud800"], "a list of strings"),
        (("labels",), ["a", "a"], "named twice"),
        (("task",), "regression", "regression"),
        (("name",), ["x"], "name is"),
        (("variants",), {}, "one or more variants"),
        (("variants",), [], "one or more variants"),
        (("variants", "fp32"), "model.onnx", "an object of fields"),
        (("variants", "fp32", "file"), ABSENT, "file"),
        (("variants", "fp32", "metrics"), {"accuracy": 1}, "an object of objects of numbers"),
        (("variants", "fp32", "batch_invariance"), {"max_change": "none"}, "an object of numbers"),
        (("variants", "fp32", "surprise"), 1, "surprise"),
        (("files",), None, "files is None"),
        (("files", "model.onnx"), None, "an object of fields"),
        (("files", "model.onnx", "sha256"), "x", "64 lower-case hexadecimal digits"),
        (("files", "model.onnx", "size_bytes"), "7", "size_bytes"),
        (("thresholds",), {"positive": "high"}, "an object of numbers"),
        (("fast_stage",), [], "fast_stage"),
        (("format_version",), True, "upgrade textwright"),
        (("format_version",), [1], "upgrade textwright"),
    ],
)
def test_a_field_of_another_type_or_range_is_refused(tiny_artifact, path, value, message):
    change(tiny_artifact, path, value)
    with pytest.raises(ArtifactFormatError) as caught:
        textwright.load(tiny_artifact)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "golden.jsonl"])
def test_a_file_that_is_read_must_be_listed(tiny_artifact, name):
    change(tiny_artifact, ("files", name), ABSENT)
    with pytest.raises(ArtifactCorruptError, match=f"do not list '{name}'"):
        textwright.load(tiny_artifact)


@pytest.fixture
def copied_cascade(tmp_path, tiny_cascade):
    return Path(shutil.copytree(tiny_cascade, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["cascade.json", "fast/manifest.json", "strong/manifest.json", "golden.jsonl"])
def test_what_a_cascade_is_read_from_must_be_listed(copied_cascade, name):
    change(copied_cascade, ("files", name), ABSENT)
    with pytest.raises(ArtifactCorruptError, match="do not list"):
        artifacts.read(copied_cascade)


@pytest.mark.parametrize("name", ["fast/model.onnx", "strong/tokenizer.json", "fast/manifest.json", "cascade.json"])
def test_a_changed_byte_in_any_folder_of_a_cascade_is_refused(copied_cascade, name):
    raw = bytearray((copied_cascade / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copied_cascade / name).write_bytes(bytes(raw))
    with pytest.raises(ArtifactCorruptError):
        artifacts.read(copied_cascade)


def test_a_stage_cannot_be_replaced_by_another_valid_artifact(copied_cascade, make_artifact):
    shutil.rmtree(copied_cascade / "fast")
    shutil.copytree(make_artifact("tiny-fast", max_length=9), copied_cascade / "fast")
    with pytest.raises(ArtifactCorruptError):
        artifacts.read(copied_cascade)


@pytest.mark.parametrize("name", ["weights.bin", "fast/weights.bin", "other/manifest.json"])
def test_a_file_that_no_manifest_of_a_cascade_lists_is_refused(copied_cascade, name):
    (copied_cascade / name).parent.mkdir(exist_ok=True)
    (copied_cascade / name).write_bytes(b"unlisted")
    with pytest.raises(ArtifactCorruptError, match="is not listed"):
        artifacts.read(copied_cascade)


@pytest.mark.parametrize("stage", ["..", "../up", "/etc", "a/b", "", ".", "manifest.json"])
def test_the_folder_of_a_stage_lies_in_the_cascade(copied_cascade, stage):
    variant = next(iter(json.loads((copied_cascade / "manifest.json").read_text())["variants"]))
    change(copied_cascade, ("variants", variant, "stages"), {stage: "fp32", "strong": "fp32"})
    with pytest.raises(ArtifactError):
        artifacts.read(copied_cascade)


@pytest.mark.parametrize("name", ["fast/model.onnx", "fast/../x", "other/manifest.json", "fast/sub/manifest.json"])
def test_a_cascade_lists_the_manifests_of_its_stages_alone(copied_cascade, name):
    change(copied_cascade, ("files", name), {"sha256": "0" * 64, "size_bytes": 1})
    with pytest.raises(ArtifactCorruptError, match="lies outside"):
        artifacts.read(copied_cascade)


def rewritten(folder, out, **replaced):
    """Write a cascade again with other files, sealed anew."""
    found = artifacts.read(folder)
    contents = {name: (found.path / name).read_bytes() for name in found.files}
    return artifacts.write(out, found.manifest, {**contents, **replaced})


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b'{"stages": 3}', b'{"stages": [{"name": "fast"}]}', b"\xff", b"[" * 5_000),
        b'{"stages": [{"name": "strong", "min_confidence": 0.9}, {"name": "fast", "min_confidence": 0}]}',
        b'{"stages": [{"name": "fast", "min_confidence": NaN}, {"name": "strong", "min_confidence": 0}]}',
        b'{"stages": [{"name": "fast", "min_confidence": "0.9"}, {"name": "strong", "min_confidence": 0}]}',
        b'{"stages": [{"name": "fast", "min_confidence": 0.9}, {"name": "strong", "min_confidence": 0.5}]}',
        b'{"stages": [{"name": "fast", "min_confidence": -1}, {"name": "strong", "min_confidence": 0}]}',
    ],
)
def test_stages_that_are_described_wrongly_are_refused(tiny_cascade, tmp_path, content):
    with pytest.raises(ArtifactFormatError, match="stages"):
        rewritten(tiny_cascade, tmp_path / "out", **{"cascade.json": content})


def test_a_stage_of_other_labels_is_refused(tiny_cascade, make_artifact, tmp_path):
    other = artifacts.read(make_artifact("other", labels=Labels(("no", "yes"))))
    names = (*other.files, "manifest.json")
    files = {f"fast/{name}": (other.path / name).read_bytes() for name in names}
    with pytest.raises(ArtifactFormatError, match="other labels"):
        rewritten(tiny_cascade, tmp_path / "out", **files)


def test_a_stage_is_no_cascade(tiny_cascade, tmp_path):
    inner = artifacts.read(tiny_cascade)
    files = {f"fast/{name}": (inner.path / name).read_bytes() for name in (*inner.files, "manifest.json")}
    with pytest.raises(ArtifactError):
        rewritten(tiny_cascade, tmp_path / "out", **files)


@pytest.mark.parametrize("name", ["../up", "/etc/hostname", "sub/x", "..", ".", "", "a\0b", "\ud800", "x" * 300])
def test_a_listed_file_lies_in_the_folder(tiny_artifact, name):
    change(tiny_artifact, ("files", name), {"sha256": "0" * 64, "size_bytes": 1})
    with pytest.raises(ArtifactError):
        artifacts.read(tiny_artifact)


def test_a_file_that_is_not_listed_is_refused(tiny_artifact):
    (tiny_artifact / "weights.bin").write_bytes(b"of a graph that keeps them outside")
    with pytest.raises(ArtifactCorruptError, match=r"weights\.bin is not listed"):
        artifacts.read(tiny_artifact)


def test_what_a_file_manager_leaves_is_no_reason(tiny_artifact):
    (tiny_artifact / ".DS_Store").write_bytes(b"\0")
    (tiny_artifact / "lost+found").mkdir()
    assert artifacts.read(tiny_artifact)
    replace_file(tiny_artifact, "model.onnx", (tiny_artifact / "model.onnx").read_bytes() + b".DS_Store")
    with pytest.raises(ArtifactCorruptError, match="DS_Store is not listed"):
        artifacts.read(tiny_artifact)


def test_the_graph_gives_a_logit_for_each_label(tiny_artifact):
    lines = (tiny_artifact / "golden.jsonl").read_text().splitlines()
    items = [json.loads(line) for line in lines]
    longer = [json.dumps(item | {"logits": [*item["logits"], 0.0]}) for item in items]
    replace_file(tiny_artifact, "golden.jsonl", "\n".join(longer).encode())
    change(tiny_artifact, ("labels",), ["a", "b", "c"])
    with pytest.raises(ArtifactFormatError, match="gives 2 logits a text, and the manifest names 3 labels"):
        textwright.load(tiny_artifact)


@pytest.mark.parametrize(
    "line", ["[]", "{", '{"text": 1, "logits": [0, 0]}', '{"text": "a", "logits": [0]}', '{"text": "a"}', "[" * 9_999,
             '{"text": "\\ud800", "logits": [0, 0]}', '{"text": "a", "logits": [0, NaN]}',
             '{"text": "a", "logits": 7}'],
)  # fmt: skip
def test_golden_examples_of_another_form_are_refused(tiny_artifact, line):
    replace_file(tiny_artifact, "golden.jsonl", line.encode())
    with pytest.raises(ArtifactFormatError, match=r"golden\.jsonl, line 1"):
        textwright.load(tiny_artifact)


@pytest.mark.parametrize("tokenizer", [b"", b"[]", b"\xff", b"[" * 9_999, b'{"model": {"type": "WordLevel"}}'])
def test_a_tokenizer_that_is_none_is_refused(tiny_artifact, tokenizer):
    replace_file(tiny_artifact, "tokenizer.json", tokenizer)
    with pytest.raises(ArtifactError, match=r"tokenizer\.json"):
        textwright.load(tiny_artifact)


def test_files_that_are_read_at_once_have_a_bound(tiny_artifact, monkeypatch):
    monkeypatch.setitem(MOST_BYTES, "tokenizer.json", 10)
    with pytest.raises(ArtifactFormatError, match=r"tokenizer\.json has .* at most 10 are read"):
        artifacts.read(tiny_artifact)


def test_deep_nesting_in_a_manifest_is_refused(tiny_artifact):
    (tiny_artifact / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(ArtifactError, match="not a manifest"):
        artifacts.read(tiny_artifact)


def endless_graph():
    """Build a graph that counts to 2**62 before it answers."""
    from onnx import TensorProto, helper, numpy_helper

    flag, number, scalar = TensorProto.BOOL, TensorProto.FLOAT, []
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["sum", "one"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, scalar),
            helper.make_tensor_value_info("go", flag, scalar),
            helper.make_tensor_value_info("sum", number, scalar),
        ],
        [
            helper.make_tensor_value_info("goes", flag, scalar),
            helper.make_tensor_value_info("more", number, scalar),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["turns", "yes", "one"], ["count"], body=body),
        helper.make_node("Cast", ["input_ids"], ["ids"], to=number),
        helper.make_node("Mul", ["ids", "count"], ["logits"]),
    ]
    batch = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, batch) for name in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("logits", number, ["batch", 2])]
    values = {"turns": np.array(2**62), "yes": np.array(True), "one": np.array(1, np.float32)}
    stored = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "endless", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def with_subgraph(model):
    """Hide the loop under another operator's name."""
    model.graph.node[0].op_type = "Custom"
    return model


def with_function(model):
    """Define an operator by others."""
    del model.graph.node[0]
    model.functions.append(onnx.helper.make_function("own", "F", ["x"], ["x"], [], model.opset_import))
    return model


def with_sparse(model):
    """Store three numbers that stand for a tensor of any size."""
    del model.graph.node[0]
    values, places = (onnx.numpy_helper.from_array(np.array([1]), name) for name in ("values", "places"))
    model.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, places, [2**40]))
    return model


@pytest.mark.parametrize(
    ("change_graph", "message"),
    [
        (lambda model: model, "the control flow operator Loop"),
        (with_subgraph, "a graph inside of an operator"),
        (with_function, "functions"),
        (with_sparse, "sparse tensors"),
    ],
    ids=["loop", "subgraph", "function", "sparse"],
)
def test_a_graph_that_may_not_end_is_refused_before_it_is_opened(tiny_artifact, change_graph, message, monkeypatch):
    monkeypatch.setattr(predictors, "open_session", lambda *_, **__: pytest.fail("the engine has seen the graph"))
    model = change_graph(onnx.load_model_from_string(endless_graph()))
    replace_file(tiny_artifact, "model.onnx", model.SerializeToString())
    with pytest.raises(ArtifactFormatError, match=f"holds {message}, and such a graph may not end"):
        textwright.load(tiny_artifact)


def test_a_graph_of_too_many_operators_is_refused(tiny_artifact, monkeypatch):
    monkeypatch.setattr(graph_checks, "MAX_NODES", 3)
    with pytest.raises(ArtifactFormatError, match="more than 3 operators"):
        textwright.load(tiny_artifact)


@pytest.mark.parametrize("cut", [0, 1, 17, 100])
def test_a_graph_that_is_cut_off_is_refused(tiny_artifact, cut):
    replace_file(tiny_artifact, "model.onnx", (tiny_artifact / "model.onnx").read_bytes()[:cut])
    with pytest.raises(ArtifactFormatError):
        textwright.load(tiny_artifact)


@pytest.mark.parametrize("location", ["/etc/hostname", "../weights.bin", "weights.bin"])
def test_weights_outside_of_the_graph_must_be_listed(tiny_artifact, location):
    model = onnx.load(tiny_artifact / "model.onnx")
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    replace_file(tiny_artifact, "model.onnx", model.SerializeToString())
    with pytest.raises(ArtifactCorruptError, match="do not list"):
        textwright.load(tiny_artifact)


def large_graph(num_products):
    """Build a graph without a loop that multiplies large matrices, of sizes that the file does not show."""
    nodes = [
        onnx.helper.make_node("Shape", ["input_ids"], ["two"]),
        onnx.helper.make_node("ReduceProd", ["two"], ["few"], keepdims=1),
        onnx.helper.make_node("Mul", ["few", "many"], ["rows"]),
        onnx.helper.make_node("Div", ["rows", "few"], ["row"]),
        onnx.helper.make_node("Concat", ["row", "row"], ["shape"], axis=0),
        onnx.helper.make_node("ConstantOfShape", ["shape"], ["product 0"]),
        *(
            onnx.helper.make_node("MatMul", [f"product {number}", f"product {number}"], [f"product {number + 1}"])
            for number in range(num_products)
        ),
        onnx.helper.make_node("ReduceSum", [f"product {num_products}"], ["zero"], keepdims=0),
        onnx.helper.make_node("Cast", ["input_ids"], ["ids"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Mul", ["ids", "zero"], ["logits"]),
    ]
    model = onnx.load_model_from_string(endless_graph())
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    return model


def test_a_graph_that_takes_too_long_is_stopped(tiny_artifact, monkeypatch):
    model = large_graph(200)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1_000]), "many"))
    replace_file(tiny_artifact, "model.onnx", model.SerializeToString())
    monkeypatch.setattr(bounds, "MAX_OPEN_SECONDS", 0.2)
    with pytest.raises(ArtifactFormatError, match="cannot be run"):
        textwright.load(tiny_artifact, num_threads=1)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit on memory is Linux's")
def test_a_graph_that_takes_too_much_memory_is_refused(tiny_artifact):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    model = large_graph(1)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([10**6]), "many"))  # 4 TB
    replace_file(tiny_artifact, "model.onnx", model.SerializeToString())
    with pytest.raises(ArtifactFormatError, match="cannot be run"):
        textwright.load(tiny_artifact)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limit on memory is Linux's")
def test_memory_is_bounded_while_an_artifact_is_opened_and_not_after():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounds.bounded_memory(10**6):
        with bounds.bounded_memory(10**6):  # another thread opens one too
            np.ones(2**20)
        with pytest.raises(MemoryError):
            np.ones(2**40)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with bounds.bounded_memory(10**6, "onnxruntime-cuda"):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_stopped_session_refuses(tiny_artifact):
    session = Session(tiny_artifact / "model.onnx", num_threads=1)
    session.stop()
    with pytest.raises(BackendError):
        session.infer(np.array([[2]]), np.array([[1]]))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("\ud800")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def places(content, path=()):
    """List the paths of all fields."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("kind", ["tiny_artifact", "tiny_multilabel_artifact", "tiny_cascade"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_whatever_a_manifest_says_it_is_refused_in_words_or_predicts(request, kind, data):
    folder = request.getfixturevalue(kind)
    written = (folder / "manifest.json").read_bytes()
    paths = sorted(places(json.loads(written)), key=repr)
    try:
        for _ in range(data.draw(st.integers(1, 2))):
            path = data.draw(st.sampled_from(paths))
            try:
                change(folder, path, data.draw(values | st.just(ABSENT)))
            except (LookupError, TypeError):  # the first change has removed it
                continue
        try:
            predictor = textwright.load(folder, num_threads=1)
        except ArtifactError as error:
            assert str(error)  # noqa: PT017  either outcome is right
        else:
            answers = predictor.predict(["a good song", ""])
            assert all(0 <= value <= 1 for item in answers for value in item.probabilities.values())
            json.dumps(artifacts.describe(predictor.artifact), ensure_ascii=False).encode()
    finally:
        (folder / "manifest.json").write_bytes(written)
