"""What ``textwright serve`` is given: ``PATH`` or ``NAME=PATH``, and how it becomes a model that answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from textwright.errors import SettingsError
from textwright.server.settings import ServeSettings

if TYPE_CHECKING:
    from textwright.runtime.predictor import Predictor
    from textwright.server.inference.served_model import ServedModel

_NAMED = re.compile(r"(?P<name>[^=/\\]*)=(?P<path>.+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class ModelSpec:
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
            Where the model comes from.

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

    def load(self, settings: ServeSettings) -> ServedModel:
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
        from textwright.server.inference.engine import tune_threads

        predictor = load(self.path, variant=settings.variant, num_threads=settings.num_threads)
        if settings.num_threads is None:
            predictor = predictor.with_stages(tune_threads)
        return self.serve(predictor, settings)

    def serve(self, predictor: Predictor, settings: ServeSettings) -> ServedModel:
        """Run a model once, so that the first request finds it warm.

        Args:
            predictor: What was loaded from here.
            settings: The limits.

        Returns:
            A model, not yet started.

        Raises:
            BackendError: If the model cannot predict.
        """
        from textwright.server.inference.served_model import ServedModel

        load_again = partial(self.load, settings)
        return ServedModel.warmed_up(predictor, settings, name=self.name, load_again=load_again)
