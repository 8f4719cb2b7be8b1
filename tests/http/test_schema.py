"""Schemathesis asks a real server whatever its OpenAPI document allows, and forbids; run by ``.ci/api``."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from server_process import serving

pytestmark = pytest.mark.api

CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.mark.parametrize("has_keys", [False, True], ids=["open", "with keys"])
def test_the_document_is_true(tiny_artifact, tiny_multilabel_artifact, tmp_path, has_keys):
    for name in ("keys", "admin"):
        (tmp_path / name).write_text(f"me {sha256(b'secret').hexdigest()}\n")
    flags = ["--api-keys", tmp_path / "keys", "--admin-keys", tmp_path / "admin"] if has_keys else []
    flags += ["--feedback", tmp_path / "feedback.db"]
    limits = ["--max-texts", 5, "--max-text-chars", 40, "--num-threads", 1]
    with serving(tiny_artifact, tiny_multilabel_artifact, *limits, *flags, log=tmp_path / "log") as server:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "--no-color"),
            *("run", f"http://127.0.0.1:{server.port}/openapi.json", "--checks", "all"),
            *("--max-examples", 50, "--seed", 1, "--continue-on-failure"),
            *(["--header", "Authorization: Bearer secret"] if has_keys else []),
        ]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, check=False, timeout=500, cwd=tmp_path, env=env
        )
        assert done.returncode == 0, done.stdout
        assert server.predict("good", model="tiny")["predictions"][0]["label"] if not has_keys else True
        assert server.stop() == 0
    assert all(line.get("status", 0) < 500 for line in server.lines())
