"""The OpenAPI document of a server, and an example request for each of its operations."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import textwright
from textwright.core.files import write_text
from textwright.server.app import create_app
from textwright.server.settings import ServeSettings

ADDRESS: Final = "http://127.0.0.1:8000"
KEY: Final = "secret"
_JSON: Final = "application/json"
_UNTAGGED: Final = "Textwright"
_IN_BRACES: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Operation:
    """One operation of the document: a method on a path.

    Args:
        method: "GET" or "POST".
        path: With its parameters in braces.
        contract: The contract that it belongs to.
        content: What the document says of it.
    """

    method: str
    path: str
    contract: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A request that the server answers with status 200.

    Args:
        method: "GET" or "POST".
        path: Without parameters.
        media_type: Of the body; empty without one.
        body: JSON value, or text; None without one.
        needs_key: Whether it is sent with an API key.
    """

    method: str
    path: str
    media_type: str
    body: Any
    needs_key: bool


def application(artifact: Path, folder: Path) -> Any:  # noqa: ANN401  FastAPI, which pages need not import
    """Build the application of a server that has every route.

    Args:
        artifact: The model.
        folder: For the file of keys.
    """
    keys = folder / "keys"
    write_text(keys, key_line())
    return create_app(
        textwright.load(artifact, num_threads=1), ServeSettings(admin_keys=keys, feedback=folder / "feedback.db")
    )


def key_line() -> str:
    """Write the line of a file of keys that lets in who shows :data:`KEY`."""
    return f"documentation {hashlib.sha256(KEY.encode()).hexdigest()}\n"


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield the operations of an OpenAPI document in its order, each once (HEAD repeats GET)."""
    for path, methods in document["paths"].items():
        for method, content in methods.items():
            if method != "head":
                yield Operation(method.upper(), path, (content.get("tags") or [_UNTAGGED])[0], content)


def examples_of(operation: Operation, model: Mapping[str, str]) -> list[Example]:
    """Make a request for each media type that the operation reads, from what the document says.

    Args:
        operation: The operation.
        model: Values of the parameters in the path, ``name`` and ``version``.
    """
    path = _IN_BRACES.sub(lambda match: model[match[1]], operation.path)
    needs_key = "security" in operation.content
    contents = operation.content.get("requestBody", {}).get("content", {})
    bodies = [(media_type, _body(content)) for media_type, content in contents.items()] or [("", None)]
    return [Example(operation.method, path, media_type, body, needs_key) for media_type, body in bodies]


def _body(content: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value, or text
    body = content["example"] if "example" in content else next(iter(content["examples"].values()))["value"]
    return body.replace("\r\n", "\n") if isinstance(body, str) else body


def curl(example: Example, address: str = ADDRESS) -> str:
    """Write the request as a command of the shell; a key is read from the variable ``KEY``."""
    parts = [f"curl {address}{example.path}"]
    if example.method != "GET" and example.body is None:
        parts[0] = f"curl -X {example.method} {address}{example.path}"
    if example.needs_key:
        parts.append('-H "authorization: Bearer $KEY"')
    if example.body is not None:
        text = json.dumps(example.body) if example.media_type == _JSON else example.body
        parts += [f"-H 'content-type: {example.media_type}'", f"--data-binary '{_in_quotes(text)}'"]
    return " \\\n  ".join(parts)


def python(example: Example, address: str = ADDRESS) -> str:
    """Write the request as a program; a key is read from the variable ``KEY``."""
    head = ["import httpx", ""]
    arguments = [f'"{address}{example.path}"']
    if example.needs_key:
        head = ["import os", "", *head]
        arguments.append('headers={"authorization": f"Bearer {os.environ[\'KEY\']}"}')
    if example.body is not None:
        is_json = example.media_type == _JSON
        arguments.append(f"json={_literal(example.body)}" if is_json else f"content={_literal(example.body)}")
        if not is_json:
            arguments.append(f'headers={{"content-type": "{example.media_type}"}}')
    call = f"httpx.{example.method.lower()}(\n    " + ",\n    ".join(arguments) + ",\n)"
    if len(arguments) == 1:
        call = f"httpx.{example.method.lower()}({arguments[0]})"
    return "\n".join((*head, f"answer = {call}", "answer.raise_for_status()", "print(answer.text)"))


def _in_quotes(text: str) -> str:
    """Write text as it stands between single quotes of the shell."""
    return text.replace("'", "'\\''")


def _literal(value: object) -> str:
    """Write JSON as Python, which differs in three words."""
    text = json.dumps(value, ensure_ascii=False)
    if re.search(r"\b(true|false|null)\b", text):
        raise ValueError(f"Python spells a word of this example differently: {text}")
    return text
