"""The page for those who come from other tools: its code runs as it stands, theirs where it is installed here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest
from page_code import blocks, with_encoder, write_tickets
from server_process import serving
from tiny_encoders import BERT_SPECIAL, save_tiny_encoder
from transformers import PreTrainedTokenizerFast

PAGE: Final = Path(__file__).parent.parent / "docs" / "coming-from.md"
QUESTION: Final = "The invoice was charged twice."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("coming-from")
    write_tickets(place)
    return place


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    place = save_tiny_encoder("bert", tmp_path_factory.mktemp("encoder"))
    named = zip(("pad", "unk", "cls", "sep", "mask"), BERT_SPECIAL, strict=True)
    tokens = {f"{name}_token": token for name, token in named}
    PreTrainedTokenizerFast(tokenizer_file=str(place / "tokenizer.json"), **tokens).save_pretrained(place)
    return place


@pytest.fixture
def run(folder, encoder, monkeypatch, capsys):
    """Run a block of the page where its file lies; returns what it prints."""
    monkeypatch.chdir(folder)

    def run_block(section, number):
        code = with_encoder(blocks(PAGE, section)[number], encoder)
        exec(compile(code, f"{PAGE.name}: {section}", "exec"), {"__name__": "__main__"})  # noqa: S102  our own page
        return capsys.readouterr().out

    return run_block


def test_scikit_learn_theirs_and_ours(run, folder):
    assert re.search(r"accuracy +1\.00", run("scikit-learn", 0))
    assert (folder / "model.joblib").is_file()
    printed = run("scikit-learn", 1)
    assert printed.splitlines()[-1] == "billing"
    assert re.search(r"Accuracy +100\.0 %", printed)
    assert run("scikit-learn", 2).strip() == "[1. 1.]"


@pytest.mark.slow
def test_a_frozen_encoder_in_place_of_setfit(run):
    assert run("SetFit", 1).splitlines()[-1] in {"billing", "shipping"}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of their libraries, not of ours
def test_transformers_theirs(run):
    printed = run("Transformers", 0)
    assert re.search(r"'label': '(billing|shipping)'", printed)


@pytest.mark.slow
def test_transformers_ours(run):
    assert set(json.loads(run("Transformers", 1).splitlines()[-1].replace("'", '"'))) == {"billing", "shipping"}


def test_serving_ours_answers_the_curl_line(run, folder, tmp_path):
    if not (folder / "runs" / "tickets").exists():
        run("scikit-learn", 1)
    _, ours = blocks(PAGE, "BentoML", "sh")
    body = json.loads(re.search(r"-d '(.*)'", ours)[1])
    address = re.search(r"curl http://127\.0\.0\.1:8000(\S+)", ours)[1]
    with serving(folder / "runs" / "tickets", log=tmp_path / "log") as server:
        status, answer = server.ask("POST", address, body)
    assert (status, answer["predictions"][0]["label"] if "predictions" in answer else answer["label"]) == (
        200,
        "billing",
    )


def test_every_section_says_what_stays_changes_and_is_not_there():
    content = PAGE.read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", content, re.MULTILINE)
    assert sections == ["scikit-learn", "SetFit", "Transformers", "BentoML"]
    for word in ("Stays", "Changes", "Not there"):
        assert content.count(f"- **{word}**: ") == len(sections)
