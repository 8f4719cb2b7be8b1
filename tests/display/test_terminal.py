"""What is shown survives a console that knows few characters."""

from __future__ import annotations

import io
import json
import sys

from textwright.cli.main import show_any_character
from textwright.display.terminal import Output, Terminal

TEXT = "caf\u00e9 \u6771\u4eac"


def test_a_console_without_a_character_shows_its_escape():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show_any_character(stream)
    stream.write(TEXT)
    stream.flush()
    assert stream.buffer.getvalue() == rb"caf\xe9 \u6771\u4eac"
    show_any_character(None)  # as where standard output is closed


def test_json_is_json_in_any_encoding(monkeypatch):
    for encoding in ("ascii", "latin-1", "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        Terminal(Output(json=True)).result({"text": TEXT}, lambda: None)
        stream.flush()
        written = stream.buffer.getvalue().decode(encoding)
        assert json.loads(written) == {"text": TEXT}
        assert (TEXT in written) == (encoding == "utf-8")
