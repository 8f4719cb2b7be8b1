"""From what was typed to a queue: suspected labels, uncertain texts of a file, or recorded ones."""

from __future__ import annotations

from pathlib import Path

from textwright.core.callbacks import Callback
from textwright.data.settings import DataSettings
from textwright.optional_deps import require
from textwright.review.label_errors import find_label_errors
from textwright.review.queue import ReviewQueue, queue_of_errors
from textwright.review.settings import ReviewSettings
from textwright.review.uncertain import is_records, queue_of_uncertain, read_records, score_file, score_source
from textwright.runtime.loading import load


def make_queue(
    source: str,
    artifact: Path | None,
    settings: ReviewSettings,
    data: DataSettings,
    callback: Callback,
) -> ReviewQueue:
    """Choose what is asked about.

    Args:
        source: A labeled source whose labels are suspected; with an artifact, a file of texts or a built-in source; or
            a folder of records of a server.
        artifact: The model that is unsure of texts; None for suspected labels, and for records, which have
            probabilities.
        settings: How many texts.
        data: Columns and encoding.
        callback: Told of the stages.

    Returns:
        The queue; the same input gives the same.

    Raises:
        NotFoundError: If there is no such source or artifact.
        DataError: If it cannot be read, or holds nothing to ask about.
        MissingExtraError: If what training or cleaning needs is not installed.
    """
    require("train", what="choosing texts to review")
    if is_records(source):
        callback.on_stage_begin("reading recorded texts")
        return queue_of_uncertain(read_records(source), settings.num_texts)
    if artifact is None:
        return queue_of_errors(find_label_errors(source, data, callback=callback), settings.num_texts)
    predictor = load(artifact)
    callback.on_stage_begin("predicting")
    if Path(source).is_file():
        scored = score_file(Path(source), predictor, data, callback)
    else:
        scored = score_source(source, predictor, data, callback)
    callback.on_stage_begin(f"choosing {settings.num_texts} of {len(scored.texts):,} texts")
    return queue_of_uncertain(scored, settings.num_texts)
