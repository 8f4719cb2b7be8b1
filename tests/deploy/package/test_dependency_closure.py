"""What serves is listed, locked and written down; Textwright's own wheel is the same bytes each time."""

from __future__ import annotations

import ensurepip
import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import textwright
from textwright.core import artifact as artifacts
from textwright.deploy.package.dependency_closure import (
    AARCH64,
    LEFT_OUT,
    Locked,
    Pin,
    function_pins,
    lock,
    requirements_text,
    server_pins,
)
from textwright.deploy.package.sbom import bill_of_materials
from textwright.deploy.package.wheel import write_wheel
from textwright.errors import DeployError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch):
    """A folder of wheels that pip may look into, and nothing else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return tmp_path


def test_the_server_needs_what_it_imports_in_the_versions_installed_here():
    pins = dict(server_pins())
    assert {"fastapi", "starlette", "uvicorn", "uvloop", "numpy", "onnxruntime", "pydantic-core", "cyclopts"} <= set(
        pins
    )
    assert not {"torch", "transformers", "textwright", "pytest", *LEFT_OUT} & set(pins)
    assert all(version == metadata.version(name) for name, version in pins.items())


def test_the_function_needs_three_libraries():
    assert [pin.name for pin in function_pins()] == ["numpy", "onnxruntime", "tokenizers"]


def test_what_is_left_out_is_never_imported_while_serving(tiny_artifact):
    code = (
        "import sys, textwright\nfrom textwright.server.app import create_app\n"
        "from textwright.server.settings import ServeSettings\n"
        "predictor = textwright.load(sys.argv[1])\npredictor.predict(['good'])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny_artifact)], capture_output=True, text=True, check=True)
    for module in ("huggingface_hub", "flatbuffers", "google", "sympy"):
        assert f"'{module}'" not in done.stdout


def test_the_wheel_is_the_same_bytes_and_installs(wheelhouse, tmp_path_factory):
    wheel = write_wheel(wheelhouse)
    again = write_wheel(tmp_path_factory.mktemp("again"))
    assert wheel.read_bytes() == again.read_bytes()
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True)
    code = "import textwright, importlib.metadata as m; print(textwright.__file__, m.version('textwright'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(target)}
    )
    assert done.stdout.split() == [str(target / "textwright" / "__init__.py"), textwright.__version__]


def test_a_lock_holds_the_hash_of_the_wheel_that_pip_would_take(wheelhouse):
    wheel = write_wheel(wheelhouse)
    (locked,) = lock([Pin("textwright", textwright.__version__)], python=PYTHON)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert locked.hashes == (digest,)
    text = requirements_text([locked], wheel)
    assert f"textwright=={textwright.__version__} --hash=sha256:{digest}\n" in text
    assert f"./wheels/{wheel.name} --hash=sha256:{digest}\n" in text


@pytest.mark.slow
def test_the_pip_of_a_stock_environment_locks_for_another_platform(wheelhouse, monkeypatch):
    (stock,) = Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl")
    monkeypatch.setenv("PYTHONPATH", str(stock))
    asked = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(stock) in asked.stdout
    write_wheel(wheelhouse)
    assert lock([Pin("textwright", textwright.__version__)], python="3.13", platforms=(AARCH64,))


def test_a_version_without_a_wheel_is_refused_in_pips_words(wheelhouse):
    with pytest.raises(DeployError, match="No matching distribution found for textwright==99"):
        lock([Pin("textwright", "99")], python=PYTHON)


def test_the_bill_of_materials_names_all_and_reproduces(tiny_artifact):
    artifact = artifacts.read(tiny_artifact)
    locked = [Locked(pin, ("ab" * 32,)) for pin in function_pins()]
    text = bill_of_materials(artifact, locked)
    assert text == bill_of_materials(artifact, locked)
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {item["name"] for item in bill["components"]} == {"textwright", "numpy", "onnxruntime", "tokenizers"}
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": artifact.digest}]
