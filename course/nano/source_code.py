"""A corpus that every machine has: the sources of Python's standard library, and what stands where in them."""

from __future__ import annotations

import io
import sysconfig
import tokenize
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
"""All that the corpus is written in; the newline has id 0."""
INDEX = {character: number for number, character in enumerate(CHARACTERS)}
SIGNALS = ("depth", "string", "comment", "indentation")


def source_files() -> tuple[list[Path], list[Path]]:
    """List the modules at the top of the standard library: those to train on, and every seventh, which is held out."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return [path for place, path in enumerate(files) if place % 7 != 3], files[3::7]


def read_source(path: Path) -> str:
    """Read a file; each character that is not in :data:`CHARACTERS` becomes a question mark."""
    text = path.read_text(encoding="utf-8").replace("\f", "").expandtabs()
    return "".join(character if character in INDEX else "?" for character in text)


def encode(text: str) -> Tensor:
    """Turn characters into ids, (N,)."""
    return torch.tensor([INDEX[character] for character in text])


def signals(text: str) -> Tensor:
    """Say for each character of a whole file where it stands, (N, 4), in the order of :data:`SIGNALS`.

    Depth is the number of brackets open after it, indentation the number of spaces that its line began with so far;
    string and comment are 1 in one and 0 elsewhere. Brackets in strings and comments open nothing.
    """
    starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
    found = torch.zeros(len(text) + 1, len(SIGNALS))
    f_string = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        (row, column), (last_row, last_column) = token.start, token.end
        first = min(len(text), starts[min(row, len(starts)) - 1] + column)
        end = min(len(text), starts[min(last_row, len(starts)) - 1] + last_column)
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":  # from Python 3.12 on, an f-string is many tokens
            f_string = first
        if kind == "STRING" or kind == "FSTRING_END":
            found[first if kind == "STRING" else f_string : end, 1] = 1
        if kind == "COMMENT":
            found[first:end, 2] = 1
        if kind == "OP" and token.string in "([{)]}":
            found[first, 0] += 1 if token.string in "([{" else -1
    found[:, 0] = found[:, 0].cumsum(0)
    for start, line in zip(starts, text.splitlines(), strict=False):
        spaces = len(line) - len(line.lstrip(" "))
        found[start : start + len(line) + 1, 3] = torch.arange(1, len(line) + 2).clamp(max=spaces).float()
    return found[: len(text)]
