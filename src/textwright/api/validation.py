"""What one request may hold: number and length of texts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from textwright.errors import RequestLimitError


def larger_flag(setting: str) -> str:
    """Say how a limit of the server is raised."""
    return f"start the server with a larger --{setting.replace('_', '-')}"


class RequestLimits(NamedTuple):
    """What one request may hold.

    Args:
        max_texts: Maximum number of texts, >= 1.
        max_text_chars: Maximum number of characters of one text, >= 1.
        max_body_bytes: Maximum number of bytes of the body, >= 64.
        max_answer_bytes: Maximum number of bytes of the answer, as estimated before anything is computed.
        max_explained_texts: Maximum number of texts of a request that asks for explanations, >= 1.
        cure: Says how the limit of a name is raised.
    """

    max_texts: int
    max_text_chars: int
    max_body_bytes: int
    max_answer_bytes: int = sys.maxsize
    max_explained_texts: int = 32
    cure: Callable[[str], str] = larger_flag


def check_texts(texts: Sequence[str], limits: RequestLimits) -> None:
    """Refuse more texts, or longer ones, than one request may hold.

    Args:
        texts: N texts, at least one.
        limits: The limits.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    check_num_texts(len(texts), limits)
    if max(map(len, texts)) > limits.max_text_chars:
        longest = max(range(len(texts)), key=lambda position: len(texts[position]))
        name = f"text {longest}" if len(texts) > 1 else "the text"
        raise RequestLimitError(
            f"{name} has {len(texts[longest])} characters, at most {limits.max_text_chars} are allowed; cut "
            f"it (the model reads only the beginning), or {limits.cure('max_text_chars')}"
        )


def check_num_texts(num_texts: int, limits: RequestLimits) -> None:
    """Refuse more texts than one request may hold; call it before anything is made of each.

    Args:
        num_texts: Texts, rows or list items of a request.
        limits: The limits.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    if num_texts > limits.max_texts:
        raise RequestLimitError(
            f"the request holds {num_texts} texts, at most {limits.max_texts} are allowed; send them in several "
            f"requests, or {limits.cure('max_texts')}",
            num_texts,
        )


def check_num_explained(num_texts: int, limits: RequestLimits) -> None:
    """Refuse to explain more texts than one request may ask for.

    Args:
        num_texts: Texts of the request.
        limits: The limits.

    Raises:
        RequestLimitError: Names the number, the bound and the cure.
    """
    if num_texts > limits.max_explained_texts:
        raise RequestLimitError(
            f"the request asks to explain {num_texts} texts, at most {limits.max_explained_texts} are allowed; send "
            f"them in several requests, or {limits.cure('max_explained_texts')}"
        )
