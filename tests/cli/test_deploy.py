"""``textwright deploy`` as it is typed: a plan without an account, as text and as JSON, and errors in one sentence."""

from __future__ import annotations

import json

import pytest

from textwright.cli.main import run


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("target", [["lambda"], ["ec2", "--profile", "single"], ["ec2"]])
def test_a_plan_is_printed_and_its_files_are_written(tiny_artifact, capsys, tmp_path, target):
    assert run(["deploy", *target, str(tiny_artifact), "--name", "demo"]) == 0
    said = capsys.readouterr()
    assert "USD a month" in said.out
    assert "--apply" in said.err
    assert (tmp_path / "deploy/demo/policies").is_dir()


def test_a_plan_as_json(tiny_artifact, capsys):
    assert run(["deploy", "lambda", str(tiny_artifact), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert plan["target"] == "lambda"
    assert {item["action"] for item in plan["changes"]} == {"create"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["lambda", "ARTIFACT", "--apply", "--region", "eu-central-1"], 10, "no AWS credentials"),
        (["lambda", "ARTIFACT", "--apply"], 3, "no region is known"),
        (["lambda", "ARTIFACT", "--name", "Demo!"], 2, "name"),
        (["lambda", "no-such-folder"], 3, "no-such-folder"),
        (["ec2", "ARTIFACT", "--instance-type", "t4g.small"], 3, "arm64"),
        (["status", "demo"], 3, "no region is known"),
        (["destroy", "demo", "--region", "eu-central-1"], 10, "no AWS credentials"),
    ],
)
def test_errors_in_one_sentence(tiny_artifact, capsys, arguments, code, words):
    typed = [str(tiny_artifact) if word == "ARTIFACT" else word for word in arguments]
    assert run(["deploy", *typed]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
