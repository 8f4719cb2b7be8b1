"""The page of the artifact format: its files, and the manifest field by field."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Final

from reference.docstrings import arguments
from reference.markdown import code, fence, filled, prose, table
from textwright.core import artifact as artifacts
from textwright.core.artifact import FileRecord, Manifest, Variant

SINCE: Final[Mapping[tuple[type, str], int]] = {
    (Variant, "stages"): artifacts.CASCADE_FORMAT_VERSION,
    (Manifest, "thresholds"): artifacts.THRESHOLDS_FORMAT_VERSION,
    (Manifest, "min_confidence"): artifacts.DECISION_FORMAT_VERSION,
    (Manifest, "costs"): artifacts.DECISION_FORMAT_VERSION,
    (Manifest, "out_of_distribution"): artifacts.OUT_OF_DISTRIBUTION_FORMAT_VERSION,
}
"""Fields that came with a format after the first; a test writes an artifact with each."""

_ADDED_BY_WRITING: Final = (
    ("format_version", "number", "Format of this manifest: the oldest one that says everything."),
    ("sha256", "string", "Digest of the manifest's bytes, with 64 zeros where the digest stands."),
    ("task", "string", "`single-label` or `multi-label`."),
)
_HEAD: Final = ("field", "type", "format", "absent", "meaning")
_FILE: Final = re.compile(r" {4}(?P<name>\S+(?: \S+)?) {2,}(?P<content>\S.*)")
_MAX_ITEMS: Final = 3


def page(artifact: Path) -> str:
    """Write the page.

    Args:
        artifact: The one whose manifest is the example.
    """
    content = json.loads((artifact / artifacts.MANIFEST).read_text(encoding="utf-8"))
    example = json.dumps(_short(content), indent=2, ensure_ascii=False).replace('"..."', "...")
    manifest = table(_HEAD, [*_added(), *_rows(Manifest), _files_row()])
    return filled(
        "artifact",
        files=table(("file", "content"), _files()),
        fields="\n".join((manifest, *map(_section, (Variant, FileRecord)))),
        example=fence("text", example),
    )


def _files() -> list[tuple[str, str]]:
    """Read the list of files in the docstring of ``core.artifact``."""
    listed = [_FILE.fullmatch(line) for line in inspect.cleandoc(artifacts.__doc__ or "").splitlines()]
    return [(code(line["name"]), prose(line["content"])) for line in listed if line]


def _added() -> list[tuple[str, ...]]:
    return [(code(name), kind, "1", "refused", meaning) for name, kind, meaning in _ADDED_BY_WRITING]


def _files_row() -> tuple[str, ...]:
    return (
        code("files"),
        "object",
        "1",
        "refused",
        (
            "File name to digest and size, for every file but the manifest: [FileRecord](#filerecord). Of a stage only "
            "`STAGE/manifest.json`, which lists its other files."
        ),
    )


def _section(kind: type) -> str:
    return f"### {kind.__name__}\n\n{table(_HEAD, _rows(kind))}"


def _rows(kind: Any) -> list[tuple[str, ...]]:  # noqa: ANN401  a dataclass
    meanings = arguments(kind)
    return [
        (
            code(field.name),
            _json_type(field),
            str(SINCE.get((kind, field.name), artifacts.FORMAT_VERSION)),
            _absent(field),
            prose(meanings.get(field.name, _FILE_RECORD.get(field.name, ""))),
        )
        for field in fields(kind)
    ]


_FILE_RECORD: Final = {"sha256": "SHA-256 of the file, in hexadecimal digits.", "size_bytes": "Size in bytes."}


def _json_type(field: Field[Any]) -> str:
    kind = str(field.type)
    if "Mapping[str, Variant]" in kind:
        return "object of [Variant](#variant)"
    words = {"Labels": "array of string", "str": "string", "int": "number", "float": "number"}
    return words.get(kind, "object")


def _absent(field: Field[Any]) -> str:
    """Say what a manifest without the field means."""
    if field.default_factory is not MISSING:
        return "empty"
    if field.default is MISSING:
        return "refused"
    return "none" if field.default in (None, "") else code(json.dumps(field.default))


def _short(value: object) -> object:
    """Cut long lists and tables."""
    if isinstance(value, dict):
        items = list(value.items())
        kept = items if len(items) <= 2 * _MAX_ITEMS or "format_version" in value else items[:_MAX_ITEMS]
        return {**{name: _short(item) for name, item in kept}, **({} if len(kept) == len(items) else {"...": "..."})}
    if isinstance(value, list) and len(value) > _MAX_ITEMS:
        return [*map(_short, value[:_MAX_ITEMS]), "..."]
    return value
