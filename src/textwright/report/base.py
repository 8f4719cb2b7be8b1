"""What every report has in common: its values as JSON, its page, its two files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar

from textwright.core.files import PAGE_SUFFIXES, refuse_file_name, write_text
from textwright.errors import MissingExtraError, SettingsError


class Report:
    """A result, a dataclass, that is written as ``NAME.json`` and, where there is a template of that name, as a page.

    Texts and names in it are somebody else's: the page escapes them, runs no script and loads nothing from elsewhere.
    """

    __slots__ = ()
    NAME: ClassVar[str]
    """Of the template and of both files, without the ending."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name as JSON-ready values."""
        content: dict[str, Any] = json_values(self)
        return content

    def charts(self) -> Mapping[str, str]:
        """Draw the plots of the page: name -> SVG. Called only when a page is drawn, so it may import matplotlib."""
        return {}

    def page_values(self) -> Mapping[str, Any]:
        """Give the template what it needs beside the report itself, which it knows as ``report``."""
        return {}

    def to_html(self) -> str:
        """Draw the page.

        Returns:
            A whole HTML page; the same report gives the same page.

        Raises:
            MissingExtraError: If matplotlib or jinja2 is not installed.
        """
        try:
            from textwright.report.page import render

            return render(f"{self.NAME}.html.j2", self.charts(), report=self, **self.page_values())
        except ImportError as error:
            raise MissingExtraError("the HTML report", "report") from error

    def write_json(self, path: Path) -> None:
        """Write the values at once: the old file or the new, never a part."""
        write_text(path, json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_html(self, path: Path) -> None:
        """Write the page at once: the old file or the new, never a part.

        Args:
            path: The HTML file; its folder is made when missing.

        Raises:
            MissingExtraError: If matplotlib or jinja2 is not installed.
            SettingsError: If the file cannot be written.
        """
        if path.is_dir():
            raise SettingsError(f"{path} is a folder; give the report a file name: {path / 'report.html'}")
        page = self.to_html()
        try:
            write_text(path, page)
        except OSError as error:
            raise SettingsError(
                f"the report cannot be written to {path}: {error.strerror}; choose another file"
            ) from error

    def write(self, out: Path) -> None:
        """Write both files, the page first: without jinja2 and matplotlib nothing is written."""
        self.write_html(self.html_path(out))
        self.write_json(self.json_path(out))

    @classmethod
    def json_path(cls, out: Path) -> Path:
        """Name the file of the values: beside the page, under its name."""
        return cls.html_path(out).with_suffix(".json")

    @classmethod
    def html_path(cls, out: Path) -> Path:
        """Name the file of the page.

        Args:
            out: A folder, or the page itself if its name ends in .html.

        Raises:
            SettingsError: If it is the name of another kind of file.
        """
        if out.suffix.lower() in PAGE_SUFFIXES and not out.is_dir():
            return out
        try:
            refuse_file_name(out)
        except SettingsError as error:
            raise SettingsError(f"{out}: a report is a page; give a name that ends in .html, or a folder") from error
        return out / f"{cls.NAME}.html"


def json_values(value: object) -> Any:  # noqa: ANN401  JSON
    """Turn dataclasses, settings, mappings and sequences, at any depth, into JSON-ready values."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {field.name: json_values(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: json_values(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_values(item) for item in value]
    return value


def with_verdicts(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Turn dataclasses with a ``verdict`` into JSON-ready values, the verdict in words among them."""
    return [{**json_values(item), "verdict": item.verdict} for item in items]
