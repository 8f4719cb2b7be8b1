"""What ``textwright serve`` is given: ``PATH`` or ``NAME=PATH``, and how it becomes a model that answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from textwright.errors import SettingsError
from textwright.server.settings import ServeSettings

if TYPE_CHECKING:
    from textwright.server.service import Service

_NAMED = re.compile(r"(?P<name>[^=/\\]*)=(?P<path>.+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from; it can be loaded again, and may then be another version.

    Args:
        path: An artifact folder, or the run folder that holds it.
        name: What the model is called on the wire; None for the name in its manifest.
    """

    path: Path
    name: str | None = None

    @classmethod
    def parse(cls, word: str) -> Self:
        """Read a word of the command line.

        Args:
            word: ``PATH`` or ``NAME=PATH``; what exists as a path is one, also with ``=`` in it.

        Returns:
            The source.

        Raises:
            SettingsError: If the name holds anything but letters, digits, ``.``, ``_`` and ``-``.
        """
        match = _NAMED.fullmatch(word)
        if match is None or Path(word).exists():
            return cls(Path(word))
        if not _NAME.fullmatch(match["name"]):
            raise SettingsError(
                f"{match['name'][:80]!r} cannot be the name of a model; it takes letters, digits, '.', '_' and '-'"
            )
        return cls(Path(match["path"]), match["name"])

    def load(self, settings: ServeSettings) -> Service:
        """Load the artifact, verify it and warm it up; may run in any thread.

        Args:
            settings: The variant, the threads and the limits.

        Returns:
            A model, not yet started.

        Raises:
            ArtifactError: If the artifact cannot be trusted.
            NotFoundError: If there is no such artifact or variant.
            BackendError: If the model cannot predict.
        """
        from textwright.runtime.loading import load
        from textwright.server.engine import fitted
        from textwright.server.service import Service

        predictor = load(self.path, variant=settings.variant, num_threads=settings.num_threads)
        if settings.num_threads is None:
            predictor = predictor.with_stages(fitted)
        return Service.warmed_up(predictor, settings, source=self)
