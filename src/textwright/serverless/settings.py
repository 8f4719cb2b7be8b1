"""How a model is served as a Lambda function; each setting is defined here and read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final

from textwright.errors import SettingsError

PREFIX: Final = "TEXTWRIGHT_LAMBDA_"
_QUEUE_ANSWERS: Final = ("refuse", "log")
_KINDS: Final = {"str": str, "int": int, "float": float, "str | None": str, "int | None": int}


@dataclass(frozen=True, slots=True)
class LambdaSettings:
    """What one request may hold and how the model is loaded; ``TEXTWRIGHT_LAMBDA_<NAME>`` sets each.

    A plain dataclass instead of a ``config.Settings``: importing pydantic would be a third of the cold start.

    Args:
        artifact: Folder of the artifact; a relative one stands beside the function's module.
        variant: Graph to load; None takes the artifact's default.
        num_threads: Threads of one inference, >= 1; None takes one per core. A function of less than 1,770 MB of
            memory has less than one core.
        max_texts: Maximum number of texts in one request, >= 1.
        max_text_chars: Maximum number of characters in one text, >= 1.
        max_body_bytes: Maximum number of bytes of a body, >= 64; Lambda itself takes 6 MB, a load balancer 1 MB.
        max_explained_texts: Maximum number of texts in a request that asks for explanations, >= 1.
        explain_max_cost: Tokens that the model reads to explain a text, as a multiple of the text's own, >= 1.
        time_margin_s: Seconds before the function's time-out at which a request is given up with a DeadlineError
            instead of being cut off without a word, >= 0.
        api_keys: Lines of an API-key file (``api.auth``), separated by newlines or commas; they hold hashes, not
            keys. None lets everybody ask whom the function's address lets through. A share of texts per minute holds
            for each instance of the function by itself.
        base_path: What stands before the routes in the path, such as ``/sentiment`` of a custom domain's API mapping or
            of a load balancer's rule; the routes are answered with it and without.
        queue_answers: What becomes of messages of SQS. ``refuse``: they stay in the queue. ``log``: each is a request
            whose predictions become lines of the log; the event source needs ``ReportBatchItemFailures``.
    """

    artifact: str = "artifact"
    variant: str | None = None
    num_threads: int | None = None
    max_texts: int = 1000
    max_text_chars: int = 100_000
    max_body_bytes: int = 4_000_000
    max_explained_texts: int = 32
    explain_max_cost: float = 8.0
    time_margin_s: float = 0.25
    api_keys: str | None = None
    base_path: str = ""
    queue_answers: str = "refuse"

    def __post_init__(self) -> None:
        """Check the bounds."""
        least = {
            "num_threads": 1,
            "max_texts": 1,
            "max_text_chars": 1,
            "max_body_bytes": 64,
            "max_explained_texts": 1,
            "explain_max_cost": 1,
            "time_margin_s": 0,
        }
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and not value >= bound:
                raise SettingsError(f"{variable(name)} is {value}; it must be at least {bound}")
        if self.base_path and (not self.base_path.startswith("/") or self.base_path.endswith("/")):
            raise SettingsError(
                f"{variable('base_path')} is {self.base_path[:40]!r}; it must begin with / and not end with it"
            )
        if self.queue_answers not in _QUEUE_ANSWERS:
            raise SettingsError(
                f"{variable('queue_answers')} is {self.queue_answers[:40]!r}; it must be {' or '.join(_QUEUE_ANSWERS)}"
            )


def read_settings(environment: Mapping[str, str]) -> LambdaSettings:
    """Read the settings from the environment; an empty variable counts as absent.

    Args:
        environment: Variable name -> value.

    Returns:
        The settings; absent names have their defaults.

    Raises:
        SettingsError: If a value is no number, or out of its bounds, or a variable of our prefix is not known.
    """
    fields_by_variable = {variable(field.name): field for field in fields(LambdaSettings)}
    values = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    if unknown := sorted(set(values) - set(fields_by_variable)):
        raise SettingsError(f"{unknown[0]} is no setting; known are {', '.join(fields_by_variable)}")
    chosen = {
        fields_by_variable[name].name: _convert(name, str(fields_by_variable[name].type), value)
        for name, value in values.items()
        if value
    }
    return LambdaSettings(**chosen)


def defaults() -> dict[str, str]:
    """Tell each variable and its default, "" for none, for templates and documentation."""
    values = {variable(field.name): field.default for field in fields(LambdaSettings)}
    return {name: "" if value in {None, MISSING} else str(value) for name, value in values.items()}


def variable(setting: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + setting.upper()


def _convert(name: str, kind: str, value: str) -> Any:  # noqa: ANN401  str, int or float
    try:
        return _KINDS[kind](value)
    except ValueError as error:
        raise SettingsError(f"{name} is {value[:40]!r}; it must be {kind.removesuffix(' | None')}") from error
