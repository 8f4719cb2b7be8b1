"""Speed and price of the models that may be chosen, measured beside each other at the end of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textwright.core import artifact as artifacts
from textwright.core.callbacks import Callback
from textwright.deploy.cost_estimate.report import report_cost
from textwright.deploy.cost_estimate.settings import CostSettings
from textwright.deploy.targets import cost_models
from textwright.environment import machine
from textwright.errors import TextwrightError
from textwright.evaluate.benchmark import benchmark
from textwright.model_search.choice import Finalist, front
from textwright.model_search.ledger import SearchLedger
from textwright.model_search.settings import AutoSettings
from textwright.model_search.trials import FinishedModel
from textwright.runtime.loading import load

_MOST_FINALISTS: Final = 10
_MEASURE_S: Final = 1.0
"""Processor seconds for which server and function are each measured."""
_SECONDS_OF_PRICE: Final = 8.0


@dataclass(frozen=True, slots=True)
class Measuring:
    """Measures models, and keeps what it measured in the ledger.

    Args:
        folder: Of the search.
        ledger: Of the search.
        settings: Constraints and traffic.
        texts: Validation texts.
        callback: Told what is measured.
    """

    folder: Path
    ledger: SearchLedger
    settings: AutoSettings
    texts: Sequence[str]
    callback: Callback

    def finalists(self, models: Sequence[FinishedModel], seconds_left: float) -> list[Finalist]:
        """Time the models that may be chosen, and price those that nothing beats.

        Args:
            models: All that could be shipped.
            seconds_left: Of the budget; what is left of it decides on prices that no constraint asks for.
        """
        candidates = candidates_of(models)
        speeds = self._speeds(candidates)
        timed = [_timed(model, speeds[model.name]) for model in candidates]
        return [self._priced(item, seconds_left, num_priced) for num_priced, item in enumerate(_by_front(timed))]

    def _speeds(self, models: Sequence[FinishedModel]) -> Mapping[str, Sequence[float]]:
        """Look up what was timed on this machine, or time all models in turn."""
        known: dict[str, Any] = self.ledger.measured.get("speeds", {})
        facts = {"machine": machine(), "models": sorted(model.name for model in models)}
        if known.get("facts") != facts:
            self.callback.on_stage_begin(f"timing {len(models)} models in turn")
            predict = {
                model.name: load(self.folder / model.folder, variant=model.variant, num_threads=1).predict
                for model in models
            }
            timings = benchmark(predict, self.texts)
            speeds = {name: [item.latency_ms(), item.texts_per_second] for name, item in timings.items()}
            known = {"facts": facts, "speeds": speeds}
            self.ledger.measured["speeds"] = known
            self.ledger.write()
        result: Mapping[str, Sequence[float]] = known["speeds"]
        return result

    def _priced(self, finalist: Finalist, seconds_left: float, num_priced: int) -> Finalist:
        is_bound = self.settings.max_cost_per_million is not None
        has_time = (num_priced + 1) * _SECONDS_OF_PRICE <= seconds_left
        if is_bound or (self.settings.prices and finalist.is_on_front and has_time):
            return finalist.with_price(self._price(finalist.model))
        return finalist

    def _price(self, model: FinishedModel) -> float | None:
        """Look up dollars for a million predictions, or measure them; None where they cannot be had here."""
        known = self.ledger.measured.setdefault("prices", {})
        key = f"{model.name} at {self.settings.requests_per_day:g}"
        if key not in known:
            self.callback.on_stage_begin(f"pricing {model.name}")
            known[key] = self._measure_price(model)
            self.ledger.write()
        price: float | None = known[key]
        return price

    def _measure_price(self, model: FinishedModel) -> float | None:
        settings = CostSettings(measure_s=_MEASURE_S, variant=model.variant)
        artifact = artifacts.read(self.folder / model.folder)
        try:
            report = report_cost(
                artifact, self.settings.requests_per_day, settings, cost_models(), report=self.callback.on_stage_begin
            )
        except TextwrightError as error:
            self.callback.on_warning(f"{model.name} has no price: {error}")
            return None
        return min((item.estimate.usd_per_million for item in report.best), default=None)


def candidates_of(models: Sequence[FinishedModel]) -> list[FinishedModel]:
    """Choose which models are timed: the best of each kind of graph, since the others cost as much.

    Args:
        models: All that could be shipped.

    Returns:
        At most ten: first those that no other one beats in score, time and size, then the best of the others.
    """
    best: dict[tuple[str, str, int], FinishedModel] = {}
    for model in sorted(models, key=lambda item: (-item.score, item.seconds_per_text)):
        best.setdefault((model.family, model.variant, round(10 * math.log(model.size_bytes))), model)
    models = list(best.values())
    return sorted(models, key=lambda item: any(_is_beaten(item, other) for other in models))[:_MOST_FINALISTS]


def _is_beaten(model: FinishedModel, other: FinishedModel) -> bool:
    ours, theirs = ((-it.score, it.seconds_per_text, it.size_bytes) for it in (model, other))
    return all(a >= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs


def _timed(model: FinishedModel, speed: Sequence[float]) -> Finalist:
    latency_ms, texts_per_second = speed
    return Finalist(model, latency_ms, texts_per_second)


def _by_front(finalists: Sequence[Finalist]) -> list[Finalist]:
    """Mark what nothing beats, and put it first."""
    names = front(finalists)
    marked = [item.marked(is_on_front=item.name in names) for item in finalists]
    return sorted(marked, key=lambda item: (not item.is_on_front, -item.model.score))
