"""Texts that the tiny models of ``conftest`` have seen, and records of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from textwright.api.model import LoadedModel
from textwright.api.protocols.request import Scored
from textwright.api.validation import RequestLimits
from textwright.core import artifact as artifacts
from textwright.core.artifact import PROFILE
from textwright.data.dataset import Examples
from textwright.evaluate.predictions import observe
from textwright.evaluate.profile import make_profile
from textwright.runtime.predictor import Predictor
from textwright.server.telemetry.recorder import AnsweredRequest, describe_request, write_records

LIMITS = RequestLimits(
    max_texts=1000, max_text_chars=1000, max_body_bytes=10_000, max_answer_bytes=100_000, max_explained_texts=1
)
FILLERS = ("the", "a", "film", "is", "story")
WORDS_OF = {"negative": ("bad", "awful"), "positive": ("good", "great")}
MISLEADING = 0.1
"""Share of the sentences whose word speaks for the other label."""


def make_texts(
    num_texts: int, seed: int, *, share_positive: float = 0.5, fillers: tuple[str, ...] = FILLERS
) -> Examples:
    """Sentences of the tiny model: one word that tells the label, most often the right one, among others."""
    random = np.random.default_rng(seed)
    targets = (random.random(num_texts) < share_positive).astype(np.int64)
    spoken = np.where(random.random(num_texts) < MISLEADING, 1 - targets, targets)
    texts = []
    for label in spoken:
        word = random.choice(WORDS_OF[("negative", "positive")[label]])
        texts.append(" ".join(random.permutation([*random.choice(fillers, random.integers(3, 9)), word])))
    return Examples(texts, targets)


def multilabel(num_texts: int, seed: int) -> Examples:
    """Sentences of the tiny multi-label model: each topic named or not."""
    random = np.random.default_rng(seed)
    holds = random.random((num_texts, 3)) < (0.5, 0.3, 0.2)
    texts = [" ".join(["the", *np.array(["song", "story", "actor"])[row]]) for row in holds]
    return Examples(texts, holds)


def with_profile(predictor: Predictor, examples: Examples, folder: Path) -> Path:
    """Write the artifact again, with a reference profile of these texts."""
    profile = make_profile(predictor, examples, observe(predictor, examples), split="validation")
    source = predictor.artifact
    manifest = replace(source.manifest, data={"source": "made-up"})
    contents = {**source.contents(), PROFILE: profile.to_bytes()}
    return artifacts.write(folder / "artifact", manifest, contents).path


def write_requests(
    predictor: Predictor,
    texts: list[str],
    path: Path,
    *,
    keep_texts: bool = False,
    first: datetime | None = None,
    every_s: float = 60.0,
) -> None:
    """Record texts, two in each request, one request every minute."""
    model = LoadedModel(predictor, LIMITS)
    first = first or datetime.now(UTC) - timedelta(seconds=every_s * len(texts))
    records = []
    for start in range(0, len(texts), 2):
        part = texts[start : start + 2]
        scores = predictor.score(part)
        scored = list(map(Scored, scores.predictions, scores.logits))
        time = first + timedelta(seconds=every_s * start / 2)
        request = AnsweredRequest(time, f"request-{start}", model, part, scored)
        records += describe_request(request, keep_texts=keep_texts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_records(file, model.labels, records)
