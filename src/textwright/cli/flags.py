"""Flags as they were typed, for the command that is suggested next."""

from __future__ import annotations

import shlex

from textwright.config import Settings


def typed(settings: Settings) -> str:
    """Write the settings that differ from their defaults.

    Args:
        settings: Of one group of flags.

    Returns:
        Each flag with a space before it, quoted for a shell; empty if all are defaults.
    """
    fields = type(settings).model_fields
    changed = {
        name: getattr(settings, name) for name, field in fields.items() if getattr(settings, name) != field.default
    }
    return "".join(f" {_flag(name.replace('_', '-'), value)}" for name, value in changed.items())


def _flag(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {shlex.quote(str(value))}"
