"""Fixtures that every room shares: whole artifacts, made without torch, small enough to make anew for each test."""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from tiny_words import SENTIMENT, SENTIMENT_WORDS, SUBTLE_WORDS, TOPICS, TOPICS_BIAS, TOPICS_WORDS

from textwright.core import artifact as artifacts
from textwright.core.artifact import Manifest, Variant
from textwright.core.encodings import pad
from textwright.core.labels import Labels
from textwright.core.surprisal import Surprisal
from textwright.core.tokenizer import TextTokenizer, word_level_tokenizer
from textwright.core.types import Float32s
from textwright.evaluate import benchmark
from textwright.runtime.session import Session

GOLDEN_TEXTS = ("", "the", "unheard of", "the good the bad and the awful story of an actor")

settings.register_profile("quick", deadline=None, max_examples=30)  # a busy machine is no failure
settings.register_profile("thorough", deadline=None)  # .ci/slow
settings.load_profile("quick")

CASCADE_TEXTS = ("great great", "awful", "a great film", "a subtle film", "loud", "")
"""Of the default cascade the fast stage answers the first two alone."""

MakeArtifact = Callable[..., Path]
"""Makes a tiny artifact and returns its folder; keywords replace fields of its manifest."""


def pytest_collection_finish() -> None:
    """Collect garbage seldom: going through the objects of torch and scikit-learn costs an eighth of all time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_runtest_setup() -> None:
    """Have libraries build once per process what they build anew at each call, though it is always the same."""
    registration = sys.modules.get("torch.onnx._internal.exporter._registration")
    if registration is not None:  # torch's exporter reads its 497 operators: half the time of a small export
        keep_results(registration.ONNXRegistry, "from_torchlib")
    routing = sys.modules.get("fastapi.routing")
    if routing is not None:  # the schemas of a route's answers: most of the time in which an application is made
        keep_results(routing, "create_model_field")
    for name in ("accelerate.accelerator", "accelerate.optimizer"):
        module = sys.modules.get(name)
        if module is not None:  # whether a library can be imported, twice in each step: a tenth of a tiny training
            keep_results(module, "is_lomo_available")


def keep_results(owner: Any, name: str) -> None:
    """Cache a function of a class or a module, which gives equal results for equal arguments."""
    function = getattr(owner, name)
    if not hasattr(function, "cache_info"):
        cached = functools.cache(function)
        setattr(owner, name, staticmethod(cached) if isinstance(owner, type) else cached)


@pytest.fixture(autouse=True, scope="session")
def short_timings() -> Iterator[None]:
    """Time models twice only: most tests ask whether a thing is made right, not whether it is fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "NUM_ROUNDS", 2)
        patch.setattr(benchmark, "MIN_BATCH_SECONDS", 0.02)
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run of the tests share; who writes into it holds a lock."""
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    return tmp_path_factory.getbasetemp().parent if is_one_of_several else tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def trained_run(shared_folder: Path) -> Callable[[str, str], tuple[Path, Path]]:
    """Return a function that gives the run folder and the source of a tiny model, which no test may change.

    ``trained_run("bow", "multi-class")`` trains as ``tiny_families`` says: once in all processes of this run of the
    tests together, which share the folder.
    """
    from filelock import FileLock
    from tiny_families import save_rows, train

    def give(family: str, task: str) -> tuple[Path, Path]:
        folder = shared_folder / "trained" / f"{family}-{task}"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            if not (folder / "is-trained").exists():
                train(family, save_rows(task, folder), folder)
                (folder / "is-trained").touch()
        return folder / "run", folder / "rows.jsonl"

    return give


@pytest.fixture(scope="session")
def make_encoder_graph(
    shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[bytes, TextTokenizer]]:
    """Return a function that gives the graph of an encoder with random weights, and its tokenizer.

    ``make_encoder_graph("bert", padded=True)`` exports a kind of ``tiny_encoders.KINDS``, with work for padding: once
    in all processes of this run of the tests together. Without that work it is the same graph, rewritten.
    """
    from encoder_graphs import make_encoder
    from filelock import FileLock

    from textwright.export.onnx import to_onnx
    from textwright.graph.unpadding import unpad

    @functools.cache
    def make(kind: str, *, padded: bool = False) -> tuple[bytes, TextTokenizer]:
        folder = shared_folder / "encoder-graphs" / kind
        folder.mkdir(parents=True, exist_ok=True)
        graph, tokenizer = folder / "padded.onnx", folder / "tokenizer.json"
        with FileLock(folder / "lock"):
            if not graph.exists():
                module, made = make_encoder(kind, tmp_path_factory.mktemp("encoder"))
                tokenizer.write_text(made.serialize(), encoding="utf-8")
                graph.write_bytes(to_onnx(module, without_padding=False))
        content = graph.read_bytes()
        return content if padded else unpad(content), TextTokenizer(tokenizer.read_text(encoding="utf-8"))

    return make


@pytest.fixture(scope="session")
def make_artifact(tmp_path_factory: pytest.TempPathFactory) -> MakeArtifact:
    """Return a function that makes a tiny artifact: ``make_artifact("name", words=..., temperature=2.0)``.

    A text's logits are the mean of its words' vectors plus a bias; an unknown word counts as a vector of zeros. The
    default is the model of ``tiny_artifact``; give ``labels``, ``words`` and ``bias`` for another, and any field
    of the manifest by its name. ``num_slow_layers`` adds products to the graph that take time and add zero. With
    ``training_texts`` the model abstains on texts whose surprisal is above ``max_surprisal``.
    """

    def make(
        name: str = "tiny",
        *,
        labels: Labels = SENTIMENT,
        words: Mapping[str, tuple[float, ...]] = SENTIMENT_WORDS,
        bias: tuple[float, ...] = (),
        max_length: int = 16,
        num_slow_layers: int = 0,
        training_texts: Sequence[str] = (),
        max_surprisal: float = 1.0,
        **fields: Any,
    ) -> Path:
        tokenizer = word_level_tokenizer(list(words), max_length=max_length)
        vectors = np.array([[0.0] * len(labels)] * 2 + list(words.values()), dtype=np.float32)
        graph = _graph(vectors, np.array(bias or [0.0] * len(labels), dtype=np.float32), num_slow_layers)
        manifest = Manifest(name, "bow", labels, max_length, {"fp32": Variant("model.onnx")})
        contents = {
            "model.onnx": graph,
            "tokenizer.json": tokenizer.serialize().encode(),
            "golden.jsonl": _golden(tokenizer, graph),
            "README.md": b"# A tiny model for tests\n",
        }
        if training_texts:
            surprisal = Surprisal.fit(training_texts, tokenizer)
            contents[artifacts.SURPRISALS] = surprisal.to_bytes()
            fields["out_of_distribution"] = surprisal.facts(max_surprisal, 0.01)
        return artifacts.write(tmp_path_factory.mktemp(name) / name, replace(manifest, **fields), contents).path

    return make


@pytest.fixture(scope="session")
def make_cascade(make_artifact: MakeArtifact, tmp_path_factory: pytest.TempPathFactory) -> MakeArtifact:
    """Return a function that makes a tiny cascade: ``make_cascade(min_confidence=0.9, fast={...}, strong={...})``.

    ``fast`` and ``strong`` are keywords for ``make_artifact``. The default fast stage reads 8 tokens and is sure of
    texts full of "great" or "awful"; the default strong stage reads 16 and knows the words "subtle" and "loud" as well.
    """
    from textwright.optimize.cascade.assemble import CascadePlan, write_cascade
    from textwright.optimize.cascade.pair import Pair
    from textwright.runtime.loading import load

    def make(
        name: str = "tiny-cascade",
        *,
        min_confidence: float = 0.9,
        fast: Mapping[str, Any] | None = None,
        strong: Mapping[str, Any] | None = None,
        texts: Sequence[str] = CASCADE_TEXTS,
    ) -> Path:
        paths = (
            make_artifact("tiny-fast", **{"max_length": 8, **(fast or {})}),
            make_artifact("tiny-strong", **{"words": SUBTLE_WORDS, "temperature": 2.0, **(strong or {})}),
        )
        pair = Pair(*(load(path, num_threads=1) for path in paths))
        plan = CascadePlan(pair, min_confidence, name, texts, {}, {"curve": []})
        return write_cascade(tmp_path_factory.mktemp(name) / "artifact", plan).path

    return make


@pytest.fixture(scope="session")
def tiny_cascade(make_cascade: MakeArtifact) -> Path:
    """Return the folder of a cascade of two single-label models, which no test may change."""
    return make_cascade()


@pytest.fixture
def tiny_artifact(make_artifact: MakeArtifact) -> Path:
    """Return the folder of a single-label model: "good" and "great" raise positive, "bad" and "awful" negative."""
    return make_artifact()


@pytest.fixture
def tiny_abstaining_artifact(make_artifact: MakeArtifact) -> Path:
    """Return the folder of the model of ``tiny_artifact`` that abstains from a text of which it is less than 90 % sure.

    It answers "good" and "awful", and abstains from "good bad" and from words that it does not know.
    """
    return make_artifact("tiny-abstaining", min_confidence=0.9)


@pytest.fixture
def tiny_multilabel_artifact(make_artifact: MakeArtifact) -> Path:
    """Return the folder of a multi-label model: "song" raises music, "story" plot and "actor" acting."""
    return make_artifact("tiny-multilabel", labels=TOPICS, words=TOPICS_WORDS, bias=TOPICS_BIAS)


def _graph(vectors: Float32s, bias: Float32s, num_slow_layers: int = 0) -> bytes:
    """Build the one signature: gather (V, K) -> masked mean -> plus bias; an empty text gives the bias alone."""
    from onnx import TensorProto, checker, helper, numpy_helper

    batch = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, batch) for name in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(bias)])]
    constants = {"vectors": vectors, "bias": bias, "last": np.array([2]), "tokens": np.array([1]), "one": np.float32(1)}
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["gathered"]),  # (B, T, K)
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),  # (B, T)
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),  # (B, T, 1)
        helper.make_node("Mul", ["gathered", "column"], ["attended"]),  # (B, T, K)
        helper.make_node("ReduceSum", ["attended", "tokens"], ["sum"], keepdims=0),  # (B, K)
        helper.make_node("ReduceSum", ["mask", "tokens"], ["count"], keepdims=1),  # (B, 1)
        helper.make_node("Max", ["count", "one"], ["divisor"]),  # (B, 1)
        helper.make_node("Div", ["sum", "divisor"], ["mean"]),  # (B, K)
        helper.make_node("Add", ["mean", "bias"], ["logits" if not num_slow_layers else "sum of words"]),  # (B, K)
    ]
    if num_slow_layers:
        wide = np.random.default_rng(0).normal(0, 0.05, (512, 512)).astype(np.float32)
        constants |= {"widen": np.zeros((len(bias), 512), np.float32), "wide": wide, "narrow": wide[:, : len(bias)]}
        steps = ["deep 0", *(f"deep {number}" for number in range(1, num_slow_layers + 1))]
        nodes += [
            helper.make_node("MatMul", ["attended", "widen"], [steps[0]]),  # (B, T, 512)
            *(helper.make_node("MatMul", [old, "wide"], [new]) for old, new in pairwise(steps)),
            helper.make_node("MatMul", [steps[-1], "narrow"], ["nothing"]),  # (B, T, K)
            helper.make_node("ReduceSum", ["nothing", "tokens"], ["zero"], keepdims=0),  # (B, K)
            helper.make_node("Add", ["sum of words", "zero"], ["logits"]),
        ]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _golden(tokenizer: TextTokenizer, graph: bytes) -> bytes:
    ids = [item.ids for item in tokenizer.encode(GOLDEN_TEXTS)]
    logits = Session(graph, num_threads=1).infer(*pad(ids, tokenizer.pad_id))
    lines = [json.dumps({"text": text, "logits": row}) for text, row in zip(GOLDEN_TEXTS, logits.tolist(), strict=True)]
    return "\n".join([*lines, ""]).encode()
