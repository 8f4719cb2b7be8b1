"""What was planned and what is done, in one file beside the output; whoever runs the command again goes on from it.

Written whole each time, under a temporary name, and at most once a second: a fragment that was done and not yet noted
is scored again to the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final, NamedTuple

from textwright.bulk.inputs import InputFile
from textwright.bulk.plan import Fragment, PlannedFile, fingerprint, state_of
from textwright.core.artifact import Artifact
from textwright.errors import DataError, SettingsError
from textwright.storage import Location

LEDGER: Final = "_ledger.json"
_FORMAT_VERSION: Final = 1
_SECONDS_BETWEEN_WRITES: Final = 1.0


class FragmentResult(NamedTuple):
    """What came of a fragment.

    Args:
        target: Its output file, relative to the folder of the output.
        num_rows: Rows that were written, as many as were read.
        num_errors: Rows among them without a prediction.
        num_truncated: Texts that were not read whole.
        size_bytes: Of the output file.
        first_error: Why the first row without a prediction has none; empty if all have one.
    """

    target: str
    num_rows: int
    num_errors: int
    num_truncated: int
    size_bytes: int
    first_error: str = ""


@dataclass(slots=True)
class Ledger:
    """What is to be done and what is done.

    Args:
        out: Folder of the output.
        artifact: Name, digest and variant of the model.
        settings: What else decides the output's bytes.
        files: The input files.
        results: Output file -> what came of it.
        seconds: That were spent on scoring, over all runs.
    """

    out: Location
    artifact: Mapping[str, str]
    settings: Mapping[str, Any]
    files: list[PlannedFile] = field(default_factory=list)
    results: dict[str, FragmentResult] = field(default_factory=dict)
    seconds: float = 0.0
    _written: float = 0.0

    def add(self, result: FragmentResult, seconds: float) -> None:
        """Note a fragment that is done.

        Args:
            result: What came of it.
            seconds: Since the fragment noted before.
        """
        self.results[result.target] = result
        self.seconds += seconds
        if monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Write it all."""
        content = {
            "format_version": _FORMAT_VERSION,
            "artifact": dict(self.artifact),
            "settings": dict(self.settings),
            "files": [file.to_json() for file in self.files],
            "results": [list(result) for result in self.results.values()],
            "seconds": round(self.seconds, 3),
        }
        with self.out.child(LEDGER).writing() as file:
            file.write(json.dumps(content, ensure_ascii=False).encode())
        self._written = monotonic()

    def remaining(self) -> list[tuple[PlannedFile, Fragment]]:
        """List what is not done, in the order of the files."""
        return [
            (file, fragment)
            for file in self.files
            for fragment in file.fragments
            if fragment.target not in self.results
        ]


def describe_artifact(artifact: Artifact, variant: str) -> dict[str, str]:
    """Say which model it is."""
    return {"name": artifact.manifest.name, "digest": artifact.digest, "variant": variant}


def read_ledger(out: Location) -> Ledger | None:
    """Read the ledger of an output; None where there is none yet.

    Raises:
        DataError: If it cannot be read, or was written by a later version.
    """
    raw = out.child(LEDGER).read()
    if raw is None:
        return None
    try:
        content = json.loads(raw)
        if content["format_version"] != _FORMAT_VERSION:
            raise DataError(
                f"{out.child(LEDGER).address} is of format {content['format_version']}, and this version reads "
                f"{_FORMAT_VERSION}; upgrade textwright, or give another --out"
            )
        results = [FragmentResult(*values) for values in content["results"]]
        files = [PlannedFile.from_json(file) for file in content["files"]]
        by_target = {result.target: result for result in results}
        return Ledger(out, content["artifact"], content["settings"], files, by_target, content["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{out.child(LEDGER).address} is no ledger of textwright ({error}); give another --out"
        ) from error


def check_same(ledger: Ledger, artifact: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse to go on with another model or other settings.

    Raises:
        SettingsError: Says what differs.
    """
    out = ledger.out.address
    if dict(ledger.artifact) != dict(artifact):
        before, now = (
            f"{it['name']} {it['variant']} (version {it['digest'][:12]})" for it in (ledger.artifact, artifact)
        )
        raise SettingsError(f"{out} was begun with {before}, and this is {now}; give another --out")
    for name, value in settings.items():
        if ledger.settings.get(name) != value:
            raise SettingsError(
                f"{out} was begun with {name.replace('_', '-')} {ledger.settings.get(name)!r}, and this is {value!r}; "
                "give the same value, or another --out"
            )


def check_unchanged(ledger: Ledger, files: Sequence[InputFile]) -> list[InputFile]:
    """Refuse to go on with other input files than those that were planned.

    Args:
        ledger: Of the output.
        files: The input's files now.

    Returns:
        Files that were not there before; they can be planned now.

    Raises:
        DataError: If a file has changed or is missing; names it.
    """
    present = {file.name: file for file in files}
    planned = {file.name: file for file in ledger.files}
    for name, file in planned.items():
        if name not in present:
            raise DataError(
                f"{file.source} was an input of {ledger.out.address} and is not one any more; bring it back, or give "
                "another --out"
            )
        if has_changed(file, present[name]):
            raise DataError(
                f"{file.source} has changed since it was planned into {ledger.out.address}, so old and new predictions "
                "would mix; give another --out"
            )
    ledger.files = [replace(file, source=present[file.name].location.address) for file in ledger.files]
    return [file for name, file in present.items() if name not in planned]


def has_changed(planned: PlannedFile, file: InputFile) -> bool:
    """Say whether a file has other bytes than when it was planned; its time alone may differ where it was hashed."""
    state = state_of(file)
    if state == planned.state:
        return False
    is_of_same_size = state.size_bytes == planned.size_bytes and planned.sha256
    return not (is_of_same_size and fingerprint(file.location) == planned.sha256)


def forget_missing(ledger: Ledger) -> None:
    """Have fragments scored again whose output is not there, or of another size."""
    if not ledger.results:
        return
    for target, result in list(ledger.results.items()):
        state = ledger.out.child(target).state()
        if state is None or state.size_bytes != result.size_bytes:
            del ledger.results[target]
