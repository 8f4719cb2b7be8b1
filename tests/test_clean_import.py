"""Importing changes nothing in the world, and serving never imports the training stack."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys

import textwright

TRAINING_STACK = {"torch", "transformers", "accelerate", "tensorboard", "matplotlib", "pyarrow", "datasets", "onnx"}
SKIPPED = ("textwright.__main__", "textwright.sklearn")  # importing scikit-learn sets two variables of OpenMP
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(textwright.__path__, "textwright.") if module.name not in SKIPPED
)

PROBE = """
import importlib, json, logging, os, sys, threading
before = dict(os.environ), list(logging.root.handlers), logging.root.level, os.getcwd()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = dict(os.environ), list(logging.root.handlers), logging.root.level, os.getcwd()
files = [os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names]
print(json.dumps({"same": before == after, "files": files, "threads": threading.active_count(),
                  "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def probe(tmp_path, *modules):
    home = str(tmp_path)
    environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": home, "PYTHONWARNINGS": "ignore"}
    for name in ("ORT_DISABLE_TELEMETRY", "TEXTWRIGHT_CACHE"):
        environment.pop(name, None)
    command = [sys.executable, "-c", PROBE, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_every_module_changes_nothing(tmp_path, monkeypatch):
    import matplotlib as mpl

    monkeypatch.setenv("MPLCONFIGDIR", mpl.get_cachedir())  # at its import it lists the fonts where no list is kept
    seen = probe(tmp_path, *MODULES)
    assert seen["same"], "an import changed the environment, the root logger or the working folder"
    assert seen["files"] == [], "an import wrote files"


def test_importing_the_package_imports_nothing_else(tmp_path):
    assert not {"numpy", "onnxruntime", "tokenizers", "pydantic", "rich"} & set(
        probe(tmp_path, "textwright")["modules"]
    )


LIGHT = [
    *("textwright.runtime.predictor", "textwright.server.app", "textwright.cli.serve", "textwright.client.clients"),
    *("textwright.python_api.model", "textwright.python_api.training", "textwright.python_api.serving"),
    *("textwright.python_api.evaluation", "textwright.python_api.comparison"),
]


def test_serving_imports_nothing_of_the_training_stack(tmp_path):
    assert not TRAINING_STACK & set(probe(tmp_path, *LIGHT)["modules"])


def test_predicting_imports_neither_torch_nor_a_server(tmp_path, tiny_artifact):
    code = (
        "import json, sys, textwright\n"
        "label = textwright.load(sys.argv[1]).predict(['good film'])[0].label\n"
        "print(json.dumps([label, sorted({name.partition('.')[0] for name in sys.modules})]))"
    )
    command = [sys.executable, "-c", code, str(tiny_artifact)]
    label, modules = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert label == "positive"
    assert not (TRAINING_STACK | {"fastapi", "starlette", "uvicorn", "pydantic", "cyclopts", "rich"}) & set(modules)


def test_the_telemetry_of_onnx_runtime_is_off_before_its_import(tmp_path, tiny_artifact):
    code = (
        "import sys, os, builtins\n"
        "real = builtins.__import__\n"
        "def watch(name, *rest, **more):\n"
        "    if name == 'onnxruntime' and 'onnxruntime' not in sys.modules:\n"
        "        print('telemetry', os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = watch\n"
        "import textwright; textwright.load(sys.argv[1])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code, str(tiny_artifact)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["telemetry", "1"]
