from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from textwright.data.vectors import open_vectors
from textwright.errors import DataError, NotFoundError

WORDS = {"the": (0.5, -1.0), "film": (2.0, 3.5), "Paris": (1.0, 1.0)}
BODY = "\n".join(f"{word} {a} {b}" for word, (a, b) in WORDS.items()) + "\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_arrays(folder: Path, words: list[str], vectors: np.ndarray) -> Path:
    folder.mkdir()
    np.save(folder / "vectors.npy", vectors)
    parquet.write_table(pa.table({"index": words}), folder / "words.parquet")
    return folder


def as_arrays(path: Path) -> Path:
    return write_arrays(path, list(WORDS), np.array(list(WORDS.values()), dtype=np.float32))


FORMS = {
    "GloVe": lambda path: write(path / "v.txt", BODY),
    "word2vec": lambda path: write(path / "v.vec", f"3 2\n{BODY}"),
    "fastText, spaces at the ends of lines": lambda path: write(path / "v.vec", f"3 2\n{BODY}".replace("\n", " \n")),
    "tabs and carriage returns": lambda path: write(path / "v", BODY.replace(" ", "\t").replace("\n", "\r\n")),
    "no last line end": lambda path: write(path / "v.txt", BODY.rstrip()),
    "gzip": lambda path: write(path / "v.vec.gz", gzip.compress(BODY.encode())),
    "arrays": lambda path: as_arrays(path / "arrays"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_words_and_vectors(form: str, tmp_path: Path) -> None:
    vectors = open_vectors(FORMS[form](tmp_path))
    assert list(vectors.words()) == list(WORDS)
    found = vectors.take(["film", "unheard", "paris", "the"])
    np.testing.assert_array_equal(found.vectors, np.array([(2, 3.5), (0, 0), (1, 1), (0.5, -1)], dtype=np.float32))
    assert found.is_found.tolist() == [True, False, True, True]


@pytest.mark.parametrize("form", ["text", "arrays"])
@given(order=st.permutations(["Polish", "polish", "POLISH", "polish"]))
def test_the_exact_spelling_goes_before_another_and_the_first_before_the_second(
    form: str, order: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("order")
    numbers = np.arange(1, 5, dtype=np.float32)[:, None]
    if form == "arrays":
        source = write_arrays(path / "arrays", order, numbers)
    else:
        source = write(path / "v.txt", "".join(f"{word} {n}\n" for n, word in enumerate(order, start=1)))
    assert open_vectors(source).take(["polish"]).vectors.tolist() == [[order.index("polish") + 1]]
    assert open_vectors(source).take(["pOLISH"]).is_found.tolist() == [False]


def test_a_word_may_hold_spaces_and_characters_that_end_lines_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "v.txt", "a 1 2\n. . . 3 4\nb\x85c\u2028d 5 6\n")
    assert list(open_vectors(path).words()) == ["a", ". . .", "b\x85c\u2028d"]


MALFORMED = {
    "too few": ("a 1 2\nb 1\n", r"v.txt, line 2: 1 numbers after the word 'b'; there must be 2, as line 1 says: mend"),
    "too many": ("a 1 2\nb 1 2 3\n", "v.txt, line 2: 3 numbers after the word 'b'"),
    "an empty line": ("a 1 2\n\nb 1 2\n", "v.txt, line 2: 0 numbers"),
    "no numbers": ("a\nb\n", "v.txt, line 1: 0 numbers after the word 'a'; there must be 1 or more"),
    "a word for a number": ("a 1 2\nfilm 1 x\n", "v.txt, line 2: 'x' is not a finite number, after the word 'film'"),
    "not a number": ("a 1 2\nfilm 1 nan\n", "v.txt, line 2: 'nan' is not a finite number"),
    "infinite": ("film -inf 2\n", "v.txt, line 1: '-inf' is not a finite number"),
    "empty": ("", "v.txt: no word vectors in it"),
    "a header alone": ("3 2\n", "v.txt: no word vectors in it"),
    "a header of another width": ("2 3\na 1 2\nb 1 2\n", "v.txt, line 2: 2 numbers .*there must be 3, as line 1 says"),
    "a header of more words": ("9 2\na 1 2\n", "v.txt, line 1: the header says 9 words and 1 follow, the last on line"),
    "not UTF-8": (b"a 1 2\nf\xe9te 1 2\n", "v.txt, line 2: the word is not UTF-8"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_line_is_named(kind: str, tmp_path: Path) -> None:
    content, message = MALFORMED[kind]
    with pytest.raises(DataError, match=message):
        open_vectors(write(tmp_path / "v.txt", content)).take(["film", "b"])


def test_numbers_that_nobody_asked_for_are_not_parsed(tmp_path: Path) -> None:
    path = write(tmp_path / "v.txt", "a 1 2\nb broken 2\n")
    assert open_vectors(path).take(["a"]).vectors.tolist() == [[1, 2]]


CUT = gzip.compress(BODY.encode() * 500, mtime=0)[:60]


@pytest.mark.parametrize("content", [b"no gzip", CUT], ids=["other", "cut"])
def test_a_broken_gzip_file_is_refused_with_its_line(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"v.vec.gz, line \d+: the file cannot be read on"):
        open_vectors(write(tmp_path / "v.vec.gz", content)).take(["film"])


def test_a_binary_file_and_a_name_that_is_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"v.bin: word vectors of the binary form .bin are not read; save them as text"):
        open_vectors(write(tmp_path / "v.bin", b"\0"))
    with pytest.raises(NotFoundError, match="glove-6b-51d"):
        open_vectors("glove-6b-51d")


def test_a_folder_must_hold_one_array_of_one_row_per_word(tmp_path: Path) -> None:
    folder = write_arrays(tmp_path / "short", ["a", "b"], np.ones((3, 2), dtype=np.float32))
    with pytest.raises(DataError, match=r"vectors.npy: an array of shape \(3, 2\) .* each of the 2 words"):
        open_vectors(folder).take(["a"])
    (folder / "words.parquet").unlink()
    with pytest.raises(DataError, match=r"short: a folder of word vectors holds one .parquet file, this one 0"):
        list(open_vectors(folder).words())


def test_only_the_wanted_rows_are_kept_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "v.txt", "".join(f"w{n} {' '.join(['0.125'] * 50)}\n" for n in range(2_000)))
    found = open_vectors(path).take(["w7", "w1999"])
    assert found.vectors.shape == (2, 50)
    assert found.vectors.base is None  # no view of a larger table
