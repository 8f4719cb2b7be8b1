"""Every setting of the server is a flag, an environment variable and a key of a recipe, one before the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import textwright.cli.serve as command
from textwright.cli.main import run
from textwright.server.settings import ServeSettings

OTHERS = {
    "host": "0.0.0.0",  # noqa: S104
    "port": 8081,
    "variant": "int8",
    "workers": 3,
    "num_threads": 5,
    "max_texts": 7,
    "max_text_chars": 11,
    "max_body_bytes": 1300,
    "body_timeout_s": 1.5,
    "head_timeout_s": 3.5,
    "max_header_bytes": 2049,
    "max_headers": 29,
    "max_connections": 31,
    "api_keys": Path("keys.txt"),
    "admin_keys": Path("admins.txt"),
    "feedback": "feedback.db",
    "cors_origins": ("https://one.example", "https://two.example"),
    "timeout_s": 2.5,
    "max_answer_bytes": 2048,
    "max_explained_texts": 23,
    "explain_max_cost": 2.5,
    "max_queue_texts": 17,
    "max_queue_tokens": 19,
    "shutdown_grace_s": 3,
    "keep_alive_s": 4,
    "root_path": "/sentiment",
    "split": "old=90,new=10",
    "shadow": "new",
    "shadow_max_texts": 37,
    "split_window": 41,
    "split_max_error_share": 0.5,
    "split_max_latency_ms": 43.5,
    "split_max_disagreement": 0.25,
    "otlp_endpoint": "http://127.0.0.1:4318/v1/traces",
    "record": "records",
    "record_texts": True,
    "record_retention_days": 7.5,
    "record_max_bytes": 200_000,
    "record_rotate_s": 12.5,
}
"""A value for each setting that is not its default."""


@pytest.fixture
def served(monkeypatch):
    """Return a function that runs ``serve`` with words and returns the settings that reached the server."""

    def serve(*words):
        found = []
        monkeypatch.setattr(command, "run_server", lambda *given, **_: found.append(given[1]))
        assert run(["serve", "an-artifact", *words]) == 0
        return found[0]

    return serve


def words_of(value):
    return [str(item) for item in value] if isinstance(value, tuple) else [str(value)]


def test_every_setting_is_tried_here():
    assert set(OTHERS) == set(ServeSettings.model_fields)
    defaults = ServeSettings().model_dump()
    assert all(defaults[name] != value for name, value in OTHERS.items())


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_a_flag(served, name):
    flag = f"--{name.replace('_', '-')}"
    assert getattr(served(*(part for word in words_of(OTHERS[name]) for part in (flag, word))), name) == OTHERS[name]


@pytest.mark.parametrize("name", OTHERS)
def test_it_is_an_environment_variable(served, name, monkeypatch):
    value = OTHERS[name]
    monkeypatch.setenv(f"TEXTWRIGHT_SERVE_{name.upper()}", " ".join(words_of(value)))
    assert getattr(served(), name) == value


@pytest.mark.parametrize("style", ["underscores", "hyphens"])
@pytest.mark.parametrize("name", OTHERS)
def test_it_is_a_key_of_a_recipe(served, name, style, tmp_path):
    key = name if style == "underscores" else name.replace("_", "-")
    value = [str(item) for item in OTHERS[name]] if isinstance(OTHERS[name], tuple) else OTHERS[name]
    told = value if isinstance(value, int | float | list) else str(value)
    recipe = tmp_path / "serve.toml"
    recipe.write_text(f"{key} = {json.dumps(told)}\n")
    assert getattr(served("--config", str(recipe)), name) == OTHERS[name]


def test_a_flag_goes_before_the_environment_and_that_before_a_recipe(served, monkeypatch, tmp_path):
    recipe = tmp_path / "serve.toml"
    recipe.write_text("max-texts = 1\nworkers = 2\nport = 1\n")
    monkeypatch.setenv("TEXTWRIGHT_SERVE_WORKERS", "4")
    monkeypatch.setenv("TEXTWRIGHT_SERVE_PORT", "4")
    found = served("--config", str(recipe), "--port", "5")
    assert (found.max_texts, found.workers, found.port) == (1, 4, 5)


def test_the_artifacts_may_come_from_the_environment(monkeypatch):
    found = []
    monkeypatch.setattr(command, "run_server", lambda *given, **_: found.extend(given[0]))
    monkeypatch.setenv("TEXTWRIGHT_SERVE_ARTIFACTS", "a name=b")
    assert run(["serve"]) == 0
    assert [(str(item.path), item.name) for item in found] == [("a", None), ("b", "name")]


def test_without_an_artifact_it_is_said_what_to_type(capsys):
    assert run(["serve"]) == 3
    assert "textwright serve runs/demo" in capsys.readouterr().err
