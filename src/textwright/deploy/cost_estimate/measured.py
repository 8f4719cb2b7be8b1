"""What a request was measured to take, and where; kept in ``cost.json`` and read from it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from textwright.config import explain
from textwright.errors import NotFoundError, SettingsError


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """What a request takes of the server, with one thread.

    Args:
        cpu_s: Processor seconds.
        memory_bytes: Most memory of the process.
        request_bytes: Of a request's body.
        response_bytes: Of an answer, with its headers.
        log_bytes: Of its line in the log.
        num_requests: How many were asked.
    """

    cpu_s: float
    memory_bytes: int
    request_bytes: float
    response_bytes: float
    log_bytes: float
    num_requests: int


@dataclass(frozen=True, slots=True)
class FunctionLoad:
    """What a request takes of the Lambda function, with one thread.

    Args:
        init_cpu_s: Processor seconds from the start of the process to the warm handler.
        cpu_s: Processor seconds of a request.
        memory_bytes: Most memory of the process.
        log_bytes: Of its line in the log, with the metrics.
        num_requests: How many were asked.
    """

    init_cpu_s: float
    cpu_s: float
    memory_bytes: int
    log_bytes: float
    num_requests: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Server and function, one model, one kind of request, one machine.

    Args:
        name: What the model is called.
        version: Of its artifact.
        variant: The graph.
        texts_per_request: Texts of each request.
        tokens: Tokens that were asked for in each text.
        mean_tokens: Those that a text had, on average; fewer if the model reads no more.
        server: What the server took.
        function: What the function took.
        machine: Where.
    """

    name: str
    version: str
    variant: str
    texts_per_request: int
    tokens: int
    mean_tokens: float
    server: ServerLoad
    function: FunctionLoad
    machine: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values, from which :meth:`read` makes the same again."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what an earlier run measured.

        Args:
            path: Its ``cost.json``, or the folder that holds it.

        Returns:
            What was measured there.

        Raises:
            NotFoundError: If there is no such file.
            SettingsError: If it is not one that ``textwright cost`` wrote; says what is wrong.
        """
        file = path / "cost.json" if path.is_dir() else path
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return TypeAdapter(cls).validate_python(content["measured"])
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no {file}; textwright cost --out DIR writes cost.json") from error
        except ValidationError as error:
            raise SettingsError(f"{file}: {explain(error)}; give the cost.json of an earlier run") from error
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{file} is no cost.json of an earlier run") from error
