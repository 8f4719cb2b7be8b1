"""How long a Lambda function takes from the start of its process to its first answer, beside the floor.

The zip is the one that ``textwright package --target lambda-zip`` writes, run under the runtime's Python with nothing
else on its path. The floor imports onnxruntime, numpy and tokenizers from the same zip and opens the same graph and
tokenizer: no handler on these libraries can start faster.

    python benchmarks/cold_start.py [RUN --variant int8-smooth]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

from _common import quantized, save, spread, versions
from textwright.core import artifact as artifacts
from textwright.deploy.package.function_zip import find_python
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format

ROUNDS: Final = 9
BARS: Final = {"init_cpu_s": 0.6, "init_over_floor": 1.3}
"""What the medians of an int8 MiniLM may be at most; the zip's bar is that of a direct upload."""
FLOOR: Final = """
import json, time
import onnxruntime, numpy, tokenizers
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 3
session = onnxruntime.InferenceSession("artifact/model.onnx", options, providers=["CPUExecutionProvider"])
tokenizer = tokenizers.Tokenizer.from_file("artifact/tokenizer.json")
print(json.dumps({"init_cpu_s": time.process_time()}))
"""
FUNCTION: Final = """
import json, time
import function
ready = time.process_time()
body = json.dumps({"text": "A touching film with a great cast."})
event = {"version": "2.0", "rawPath": "/v1/predict", "headers": {"content-type": "application/json"}, "body": body,
         "requestContext": {"http": {"method": "POST", "path": "/v1/predict"}}}
times = []
for _ in range(20):
    start = time.perf_counter()
    assert function.handler(event)["statusCode"] == 200
    times.append(time.perf_counter() - start)
print(json.dumps({"init_cpu_s": ready, "first_invoke_ms": 1e3 * times[0], "later_invoke_ms": 1e3 * sorted(times)[10]}))
"""


def run(python: Path, tree: Path, script: str) -> dict[str, float]:
    """Run a script in a new process over the unpacked zip and read what it measured of itself."""
    environment = {
        "PYTHONPATH": str(tree),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TEXTWRIGHT_LAMBDA_NUM_THREADS": "1",
        "PATH": os.defpath,
    }
    command = [str(python), "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tree)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure(artifact: Path, variant: str | None, version: str) -> dict[str, Any]:
    """Package an artifact, then time function and floor in turn."""
    python = find_python(version)
    if python is None:
        sys.exit(f"no Python {version} on this machine: it is the runtime's, so nothing can be measured without it")
    with tempfile.TemporaryDirectory() as temporary:
        settings = PackageSettings(variant=variant, python=version)
        made = package(artifacts.read(artifact), find_format("lambda-zip"), Path(temporary), settings, report=print)
        tree = Path(temporary) / "tree"
        with zipfile.ZipFile(made.path) as archive:
            archive.extractall(tree)
        rounds = [(run(python, tree, FUNCTION), run(python, tree, FLOOR)) for _ in range(ROUNDS + 1)][1:]
        tree_bytes = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    ratios = [ours["init_cpu_s"] / floor["init_cpu_s"] for ours, floor in rounds]
    measured: dict[str, Any] = {
        "model": made.name,
        "variant": variant or "default",
        "python": version,
        "zip_bytes": made.size_bytes,
        "tree_bytes": tree_bytes,
        "init_cpu_s": spread([ours["init_cpu_s"] for ours, _ in rounds]),
        "floor_cpu_s": spread([floor["init_cpu_s"] for _, floor in rounds]),
        "init_over_floor": spread(ratios),
        "first_invoke_ms": spread([ours["first_invoke_ms"] for ours, _ in rounds]),
        "later_invoke_ms": spread([ours["later_invoke_ms"] for ours, _ in rounds]),
    }
    is_held = all(measured[name]["median"] <= bar for name, bar in BARS.items())
    is_held = is_held and made.size_bytes <= settings.max_zip_bytes
    print(f"init {measured['init_cpu_s']['median']:.3f} s, {measured['init_over_floor']['median']:.2f} x the floor")
    return {**measured, "bars": {**BARS, "zip_bytes": settings.max_zip_bytes}, "bars_held": is_held}


def small() -> Path:
    """Give the leaderboard's bert the int8 variant that fits into a direct upload, close enough or not."""
    return quantized("movie-reviews", "bert", seed=0, kind="int8-smooth", max_drop=5, agreement=90)


def main() -> None:
    """Measure one artifact and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "artifact", type=Path, nargs="?", help="an artifact or run folder; absent: the leaderboard's bert, made int8"
    )
    parser.add_argument("--variant", help="graph to ship, for example int8-smooth")
    parser.add_argument("--python", default="3.12", help="Python of the runtime")
    options = parser.parse_args()
    artifact, variant = (options.artifact, options.variant) if options.artifact else (small(), "int8-smooth")
    save(
        "cold_start",
        {
            "command": "make bench-cold-start",
            "what": "CPU seconds from the start of the process to a warm handler, and the first invocation's time",
            "rounds": ROUNDS,
            "versions": versions("onnxruntime", "numpy", "tokenizers", "textwright"),
            **measure(artifact, variant, options.python),
        },
    )


if __name__ == "__main__":
    main()
