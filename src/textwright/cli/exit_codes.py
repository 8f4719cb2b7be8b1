"""Exit codes, decided here and nowhere else; ``textwright doctor --exit-codes`` prints the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textwright import errors

USAGE: Final = 2
INTERRUPTED: Final = 130

EXIT_CODES: Final[Mapping[type[errors.TextwrightError], int]] = {
    errors.InputError: 3,
    errors.ArtifactError: 4,
    errors.AssetError: 5,
    errors.HubError: 5,
    errors.TrackingError: 5,
    errors.TrainingError: 6,
    errors.MissingExtraError: 7,
    errors.BackendError: 8,
    errors.ServingError: 8,
    errors.PortInUseError: 9,
    errors.DeployError: 10,
    errors.NoGainError: 11,
    errors.DriftError: 12,
    errors.NotPromotedError: 13,
    errors.ConstraintError: 14,
    errors.GateError: 15,
}

MEANINGS: Final[Mapping[int, str]] = {
    0: "done",
    1: "a defect of Textwright: please report the traceback",
    USAGE: "the command line cannot be understood: unknown command or flag, or a value out of its bounds",
    3: "the input is wrong: data, settings, text or path",
    4: "the artifact cannot be trusted: not an artifact, corrupt, not reproducible, or export parity failed",
    5: "an asset, the model hub or a tracking server: not reached, refused, another hash, or no space",
    6: "training cannot go on",
    7: "an optional dependency is missing; the message says which extra to install",
    8: "the inference engine failed, or is too busy to answer",
    9: "the port is taken",
    10: "packaging or deploying failed: too large, no space, no container engine, or refused by the cloud",
    11: "optimizing gained nothing on this machine, and a gain was required",
    12: "monitoring raised an alarm: the model sees other texts than it was trained on",
    13: "a candidate was not promoted: worse than the champion, or not shown to be as good",
    14: "a search found no model that keeps to the constraints; nothing was shipped",
    15: "a gate of evaluate was not passed: a slice is worse than the rest, or a behavioral test fails",
    INTERRUPTED: "stopped by Ctrl-C",
}


def exit_code_of(error: errors.TextwrightError) -> int:
    """Find the exit code of an error: that of its nearest mapped class.

    Args:
        error: An error raised on purpose.

    Returns:
        A code of :data:`MEANINGS`; 1 for a class that nobody mapped (a test forbids it).
    """
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), 1)
