"""The matrix of servers: what its rows are called, what is lost, and the table and drawing of a result."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tables

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "serving"))

from draw import draw_matrix
from matrix import ENGINES, LAYERS, RIVAL, Row, _lost, onnxruntime_bf16


def content() -> dict:
    names = {
        Row(layers, engine, is_cascade): 0 for layers in LAYERS for engine in ENGINES for is_cascade in (False, True)
    }
    rates = {row.name: 100.0 * place for place, row in enumerate(names, start=2)} | {RIVAL: 50.0}
    beside = {"points_lost": 0.25, "points_lost_of_seeds": [0.25], "p_value": 0.5}
    quality = {"accuracy": {"mean": 0.86, "deviation": 0.01, "seeds": [0.86]}, "size_bytes": 24_000_000, "workers": 1}
    both = {"against_same_weights": beside, "against_pipeline": beside}
    return {
        "rows": {
            row.name: {
                "layers": row.layers,
                "engine": row.engine,
                "is_cascade": bool(row.is_cascade),
                **quality,
                **both,
            }
            for row in names
        },
        "rival_size_bytes": 90_000_000,
        "measured_rounds": {
            name: {
                key: {"median": value, "min": value, "max": value}
                for key, value in {"per_second": rate, "lone_p50_ms": 3, "start_s": 2, "resident_mib": 300}.items()
            }
            for name, rate in {RIVAL: rates.pop(RIVAL), **rates}.items()
        },
        "throughput_against_pipeline": {name: {"median": rate / 50} for name, rate in {RIVAL: 50.0, **rates}.items()},
    }


def test_rows_are_named_by_what_is_served():
    row = Row("3 layers", "OpenVINO int8", is_cascade=True, workers=2)
    assert row.name == "bow, 3 layers, OpenVINO int8, 2 workers"
    assert row.one_worker.name == "bow, 3 layers, OpenVINO int8"
    assert row.fp32.name == "3 layers, ONNX Runtime fp32"


def test_points_lost_are_those_of_the_same_seeds():
    reference = {0: np.array([1, 1, 1, 1]), 1: np.array([1, 1, 0, 0])}
    found = _lost({1: np.array([1, 0, 0, 0])}, reference)
    assert found["points_lost"] == 25
    assert found["points_lost_of_seeds"] == [25]


def test_a_result_becomes_a_table_and_the_fastest_rows_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    (tmp_path / "serving_matrix.json").write_text(json.dumps(content()))
    lines = tables.serving_matrix().splitlines()
    assert len(lines) == 2 + 1 + 2 * len(LAYERS) * len(ENGINES)
    assert lines[2].startswith("| FastAPI + pipeline | 50 | 1.0 x | 3.0 ms |  |  |  |")
    best = tables._matrix_rows()
    assert [row[0] for row in best] == [
        f"serving {'a cascade, `bow` before ' * is_cascade}`bert` of {layers}, OpenVINO int8: requests a second"
        for layers in LAYERS
        for is_cascade in (False, True)
    ]
    assert "test accuracy 86.0 % (the pipeline's 86.2 %; one seed)" in best[0][2]


def test_a_result_is_drawn(tmp_path):
    draw_matrix(content(), tmp_path / "matrix.png")
    assert (tmp_path / "matrix.png").stat().st_size > 10_000


def test_onnx_runtime_says_whether_it_multiplies_bfloat16():
    pytest.importorskip("onnx")
    assert "MatMul" in onnxruntime_bf16()  # once it can, a row for it belongs into ENGINES
