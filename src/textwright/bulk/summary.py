"""What a run of bulk scoring did: rows, throughput, and the price of a million texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from textwright.bulk.ledger import FragmentResult

_SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What was scored.

    Args:
        out: Folder of the output.
        num_files: Output files.
        num_rows: Rows of all of them, of earlier runs too.
        num_errors: Rows among them without a prediction.
        num_truncated: Texts that were not read whole.
        first_error: Why the first row without a prediction has none; empty if all have one.
        num_scored: Rows that this run scored.
        seconds: That this run took, without planning and the loading of the model.
        hourly_usd: Dollars that an hour costs; None if that is not known.
    """

    out: str
    num_files: int
    num_rows: int
    num_errors: int
    num_truncated: int
    first_error: str
    num_scored: int
    seconds: float
    hourly_usd: float | None = None

    @property
    def texts_per_second(self) -> float:
        """Texts that this run scored in a second; 0 if there was nothing left to do."""
        return self.num_scored / self.seconds if self.num_scored else 0.0

    @property
    def usd_per_million(self) -> float | None:
        """Dollars for a million texts at this run's rate."""
        if self.hourly_usd is None or not self.num_scored:
            return None
        return self.hourly_usd / _SECONDS_PER_HOUR / self.texts_per_second * 1e6

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        derived = {"texts_per_second": round(self.texts_per_second, 1), "usd_per_million": self.usd_per_million}
        return {**asdict(self), "seconds": round(self.seconds, 3), **derived}


def summarize(
    out: str, results: Collection[FragmentResult], num_scored: int, seconds: float, hourly_usd: float | None
) -> ScoreSummary:
    """Sum up all fragments of an output; ``num_scored`` rows were scored in ``seconds`` by this run."""
    return ScoreSummary(
        out,
        len(results),
        sum(result.num_rows for result in results),
        sum(result.num_errors for result in results),
        sum(result.num_truncated for result in results),
        next((result.first_error for result in results if result.first_error), ""),
        num_scored,
        seconds,
        hourly_usd,
    )
