"""OpenVINO answers as ONNX Runtime does, sends nothing, and is refused in words where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

import textwright
from textwright.core import artifact as artifacts
from textwright.core.artifact import Variant
from textwright.errors import ArtifactFormatError, BackendError, MissingExtraError
from textwright.runtime.engines import open_session

TEXTS = ["a good film", "the film is awful", "", "unheard of"]
needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None, reason="the base install is tested without the extra"
)


@pytest.fixture
def bind(tiny_artifact, tmp_path):
    """Return a function that writes the tiny model with a first variant bound to an engine."""

    def make(engine: str):
        old = artifacts.read(tiny_artifact)
        contents = {name: (tiny_artifact / name).read_bytes() for name in old.files}
        bound = Variant("model.onnx", golden="golden.jsonl", engine=engine)
        manifest = replace(old.manifest, variants={"bound": bound, **old.manifest.variants})
        return artifacts.write(tmp_path / "bound", manifest, contents).path

    return make


@needs_openvino
@pytest.mark.parametrize("engine", ["openvino", "openvino-bf16", "openvino-int8"])
def test_openvino_answers_as_onnx_runtime_does(tiny_artifact, engine):
    path = tiny_artifact / "model.onnx"
    sessions = [open_session(path, name, num_threads=1) for name in (engine, "")]
    ids = np.array([[2, 3, 4], [5, 0, 0]])
    mask = np.array([[1, 1, 1], [1, 0, 0]])
    found, expected = (session.infer(ids, mask) for session in sessions)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5 if engine == "openvino" else 0.03)


@needs_openvino
def test_a_variant_is_run_by_the_engine_it_was_gated_on(bind):
    predictor = textwright.load(bind("openvino"))
    assert predictor.artifact.manifest.variants["bound"].engine == "openvino"
    assert [item.label for item in predictor.predict(TEXTS[:2])] == ["positive", "negative"]


@needs_openvino
def test_threads_do_not_meet_in_a_request(bind):
    predictor = textwright.load(bind("openvino"), num_threads=1)
    expected = [predictor.logits([text]).tolist() for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: predictor.logits([text]).tolist(), TEXTS * 25))
    assert found == expected * 25


@needs_openvino
def test_what_openvino_cannot_read_is_said(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(BackendError, match="OpenVINO cannot open"):
        open_session(path, "openvino")


@needs_openvino
def test_importing_openvino_sends_nothing():
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('a connection was asked for')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from textwright.runtime.openvino import import_openvino\n"
        "import_openvino()\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry') and sys.modules[name]])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_missing_engine_is_refused_with_the_cure(bind, monkeypatch):
    path = bind("openvino")
    monkeypatch.setitem(sys.modules, "openvino", None)  # as Python marks what cannot be imported
    with pytest.raises(MissingExtraError, match=r'pip install "textwright\[openvino\]"'):
        textwright.load(path)
    assert textwright.load(path, variant="fp32").predict(["a good film"])[0].label == "positive"


def test_an_engine_of_another_version_is_refused(bind):
    with pytest.raises(ArtifactFormatError, match=r"'quantum'.*onnxruntime.*upgrade"):
        textwright.load(bind("quantum"))
