"""The pipeline: an artifact and a labeled source in; an artifact with the variants that won, and a report of all, out.

::

    OUT/artifact/                    what is shipped: the winner, the reference, what is best at the other targets
    OUT/optimization.json, .html     everything that was tried
    OUT/folds/                       models of cross-validated gates, where the validation texts are few
    OUT/candidates/NAME.json, NAME/  finished candidates, so that a search that was stopped goes on

Nothing but the gate texts decides: the validation texts and, where these are few, training texts by cross-validation.
The test texts are read once, at the end, for what the artifact says of itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

import numpy as np

from textwright import __version__
from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Variant
from textwright.core.callbacks import Callback, CallbackList, RunInfo
from textwright.core.files import write_text
from textwright.data.in_memory import DataSource
from textwright.data.settings import DataSettings
from textwright.errors import ArtifactError, DataError, NoGainError, NotFoundError, SettingsError, TextwrightError
from textwright.evaluate.card import update_batch_invariance
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.measure import evaluate_observations
from textwright.evaluate.paired_drop import PairedDrop, smallest_bound
from textwright.evaluate.predictions import observe
from textwright.evaluate.publish import publish
from textwright.optimize.candidate_result import CandidateResult, is_winner, rejection_reason, verdict
from textwright.optimize.candidates import CandidateSpec, candidate_specs
from textwright.optimize.eval_texts import Texts, check_enough_texts, num_texts_needed, read_texts
from textwright.optimize.folds import gate_texts_in_words
from textwright.optimize.gate_texts import GatePart, fold_parts
from textwright.optimize.measure import compare_answers, compare_costs
from textwright.optimize.outcome import OptimizationResult
from textwright.optimize.settings import OptimizationTarget, OptimizeSettings
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

_NUM_THREADS: Final = 1
"""Of every measured inference: a server runs one inference per core."""


@dataclass(frozen=True, slots=True)
class CandidateSearch:
    """What every candidate of a search shares.

    Args:
        own: The variant that is to be beaten, and the validation texts.
        folds: Models of the same training without a part of the training texts, and that part.
        texts: Of the source.
        settings: Gates, target and limits.
        folder: Where candidates are kept.
    """

    own: GatePart
    folds: Sequence[GatePart]
    texts: Texts
    settings: OptimizeSettings
    folder: Path

    @property
    def reference(self) -> Predictor:
        """The variant that is to be beaten."""
        return self.own.reference

    @property
    def num_gate_texts(self) -> int:
        """Texts that the gates compare on."""
        return sum(len(part.examples) for part in (self.own, *self.folds))

    @property
    def accuracy(self) -> float:
        """The reference's, on the gate texts."""
        return float(np.concatenate([part.observations.correct for part in (self.own, *self.folds)]).mean())


def optimize(
    path: Path,
    source: DataSource,
    out: Path,
    settings: OptimizeSettings,
    data: DataSettings,
    callbacks: Sequence[Callback] = (),
) -> OptimizationResult:
    """Try candidates on an artifact and write one with the variants that won.

    Args:
        path: The artifact.
        source: Labeled texts; best those that it was trained on, whose splits are then cut as they were.
        out: Folder of the result; an equal search that was stopped goes on there.
        settings: Gates, target and limits.
        data: How to read the source.
        callbacks: Called at each candidate, and at each fold that a model is trained without.

    Returns:
        Everything tried, with its verdict.

    Raises:
        DataError: If the source cannot be used, has other labels or hardly any texts; with ``settings.require_bound``
            also if they are too few for the bounds.
        ArtifactError: If the artifact cannot be trusted.
        SettingsError: If it has several stages, or a candidate is named that this model does not have, or folds
            are set and cannot be had.
        NoGainError: If nothing is gained and ``settings.require`` asks for it; the report is written all the same.
    """
    original, callback = artifacts.read(path), CallbackList(callbacks)
    if original.stages:
        raise SettingsError(
            f"{path} is made of several models; optimize these, then make it again of those (textwright cascade)"
        )
    reference = load(path, variant=original.manifest.reference_variant, num_threads=_NUM_THREADS)
    texts = read_texts(source, data, original.manifest)
    own = GatePart.of(reference, texts.gate, texts.calibration)
    recipes = _wanted(candidate_specs(own.material.graph), settings.recipes)
    folds, why_no_folds = fold_parts(reference, str(source), texts, settings, out / "folds", callback)
    search = CandidateSearch(own, folds, texts, settings, out / "candidates")
    num_out_of_fold = search.num_gate_texts - len(texts.gate)
    gate_texts = gate_texts_in_words(len(texts.gate), num_out_of_fold, len(folds), why_no_folds)
    check_enough_texts(search.num_gate_texts, gate_texts)
    _refuse_too_few(search.num_gate_texts, settings)
    unavailable = {recipe.name: reason for recipe in recipes if (reason := recipe.unavailable_reason())}
    candidates, skipped = _try_all(search, [item for item in recipes if item.name not in unavailable], callback)
    names = _choose(candidates, settings)
    by_name = {candidate.name: candidate for candidate in candidates}
    artifact, evaluations, drops = _publish(search, str(source), names, by_name, out / "artifact")
    outcome = OptimizationResult.of(
        reference,
        search.accuracy,
        gate_texts,
        str(source),
        settings,
        candidates,
        names,
        skipped,
        unavailable,
        evaluations,
        artifact,
        drops,
    )
    outcome.write(out)
    if settings.require and not any(is_winner(candidate, settings.target, settings) for candidate in candidates):
        raise NoGainError(
            f"no variant of {path} passed its gates and is better in {settings.target} on this CPU "
            f"({instruction_set()}); {outcome.json_path(out)} says why of each; the artifact there is the "
            "reference alone"
        )
    return outcome


def _refuse_too_few(num_texts: int, settings: OptimizeSettings) -> None:
    """Refuse texts that cannot exclude what the bounds forbid, where the bounds must be shown."""
    needed = num_texts_needed(settings)
    if settings.require_bound and num_texts < needed:
        raise DataError(
            f"the gates have {num_texts:,} texts, but --max-drop {settings.max_drop:g} and --agreement "
            f"{settings.agreement:g} need {needed:,} to be shown: fewer cannot show them even if no answer changes; "
            f"give a source with more texts, leave --require-bound out, or allow --max-drop "
            f"{math.ceil(1000 * smallest_bound(num_texts)) / 10:g}"
        )


def _wanted(recipes: list[CandidateSpec], names: Sequence[str]) -> list[CandidateSpec]:
    known = [recipe.name for recipe in recipes]
    for name in names:
        if name not in known:
            raise SettingsError(f"no recipe {name!r} for this model; there are {', '.join(known) or 'none'}")
    return [recipe for recipe in recipes if (recipe.name in names if names else not recipe.only_by_name)]


def _try_all(
    search: CandidateSearch, recipes: Sequence[CandidateSpec], callback: Callback
) -> tuple[list[CandidateResult], list[str]]:
    """Try recipes until the budget is spent; return the candidates, and the names of those not begun."""
    budget = search.settings.budget_minutes
    begun, candidates, skipped = monotonic(), list[CandidateResult](), list[str]()
    for number, recipe in enumerate(recipes, start=1):
        is_late = budget is not None and monotonic() - begun > 60 * budget
        if is_late and _stored(search, recipe) is None:
            skipped.append(recipe.name)
            continue
        run = RunInfo(recipe.name, recipe.summary, number, len(recipes))
        callback.on_run_begin(run)
        candidates.append(_try(search, recipe))
        callback.on_run_end(run, verdict(candidates[-1], search.settings))
    return candidates, skipped


def _try(search: CandidateSearch, recipe: CandidateSpec) -> CandidateResult:
    """Try a recipe, or go on with what is known of it; each half is kept as soon as it is known."""
    candidate = _stored(search, recipe) or _keep(search, recipe, _gated(search, recipe))
    if candidate.gate is not None and candidate.cost is None and not rejection_reason(candidate.gate, search.settings):
        cost = compare_costs(_predictor(_made(search, recipe)), search.reference, search.texts.gate.texts)
        return _keep(search, recipe, replace(candidate, cost=cost))
    return candidate


def _keep(search: CandidateSearch, recipe: CandidateSpec, candidate: CandidateResult) -> CandidateResult:
    content = {"identity": _identity(search, recipe), "candidate": candidate.to_json()}
    write_text(search.folder / f"{recipe.name}.json", json.dumps(content, indent=2) + "\n")
    return candidate


def _gated(search: CandidateSearch, recipe: CandidateSpec) -> CandidateResult:
    candidate = CandidateResult(recipe.name, recipe.precision, recipe.summary, recipe.engine)
    own = search.own
    try:
        predictor = _predictor(own.make(recipe, search.folder / recipe.name))
        with TemporaryDirectory(prefix="textwright-") as folder:
            folds = [
                (_predictor(part.make(recipe, Path(folder) / str(number))), part.observations, part.examples)
                for number, part in enumerate(search.folds)
            ]
            return replace(candidate, gate=compare_answers(predictor, own.observations, own.examples, folds))
    except TextwrightError as error:
        return replace(candidate, failure=str(error))


def _predictor(artifact: Artifact) -> Predictor:
    return Predictor(artifact, num_threads=_NUM_THREADS)


def _made(search: CandidateSearch, recipe: CandidateSpec) -> Artifact:
    """Take a recipe's graph that is there, or make it."""
    folder = search.folder / recipe.name
    with suppress(ArtifactError, NotFoundError):
        return artifacts.read(folder)
    return search.own.make(recipe, folder)


def _identity(search: CandidateSearch, recipe: CandidateSpec) -> str:
    """Hash what a candidate depends on: model, recipe, texts, versions and processor."""
    texts = [[*part.texts, part.targets.tolist()] for part in (search.texts.gate, search.texts.calibration)]
    texts.append([part.reference.artifact.digest for part in search.folds])
    facts = [
        *(search.reference.artifact.digest, search.reference.variant, recipe.name, recipe.summary),
        *(__version__, *_engine_versions(recipe.engine), instruction_set(), texts),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _engine_versions(engine: str) -> list[str]:
    """List what runs a graph, with versions."""
    names = ["onnxruntime", *(["openvino"] if engine.startswith("openvino") else [])]
    return [engine, *map(metadata.version, names)]


def _stored(search: CandidateSearch, recipe: CandidateSpec) -> CandidateResult | None:
    try:
        content = json.loads((search.folder / f"{recipe.name}.json").read_text(encoding="utf-8"))
        is_same = content["identity"] == _identity(search, recipe)
        return CandidateResult.of_json(content["candidate"]) if is_same else None
    except (OSError, ValueError, KeyError, TypeError):  # absent, or of another version: try it again
        return None


def _choose(candidates: list[CandidateResult], settings: OptimizeSettings) -> list[str]:
    """Name the winners: the best at the target first, then the best at each other target."""
    names = []
    for target in (settings.target, *OptimizationTarget):
        won = [candidate for candidate in candidates if is_winner(candidate, target, settings)]
        if won:
            names.append(max(won, key=lambda candidate: candidate.cost.gain(target) if candidate.cost else 0.0).name)
    return list(dict.fromkeys(names))


def _publish(
    search: CandidateSearch, source: str, names: list[str], candidates: Mapping[str, CandidateResult], path: Path
) -> tuple[Artifact, dict[str, Evaluation], dict[str, PairedDrop]]:
    """Publish the winners with what is measured of them on the test texts, then all variants that there were."""
    reference, test = search.reference, search.texts.test
    old = reference.artifact
    graphs = {name: artifacts.read(search.folder / name).path / "model.onnx" for name in names}
    contents = {**old.contents(), **{f"{name}.onnx": graph.read_bytes() for name, graph in graphs.items()}}
    variants = {name: _variant(search, candidates[name]) for name in names}
    first = {names[0]: variants.pop(names[0])} if names and _gains(search, candidates[names[0]]) else {}
    manifest = replace(old.manifest, variants={**first, **_others(old, {**first, **variants}), **variants})
    was, drops = observe(reference, test), {}
    evaluations = {reference.variant: evaluate_observations(reference, test, was, source=source, split="test")}
    golden = [item.text for item in old.golden(reference.variant)]
    with publish(path, manifest, contents, num_threads=_NUM_THREADS) as publication:
        for name in names:
            predictor = publication.predictor(name)
            publication.add_golden(predictor, golden)
            predictions = observe(predictor, test)
            evaluations[name] = evaluate_observations(predictor, test, predictions, source=source, split="test")
            drops[name] = PairedDrop.of(predictions.correct, was.correct)
            publication.add_metrics(name, evaluations[name], _batch_invariance(candidates[name]))
        if artifacts.CARD in contents:
            publication.card = update_batch_invariance(contents[artifacts.CARD].decode(), publication.manifest)
    return publication.artifact, evaluations, drops


def _variant(search: CandidateSearch, candidate: CandidateResult) -> Variant:
    return Variant(
        f"{candidate.name}.onnx",
        candidate.precision,
        golden=f"{candidate.name}.golden.jsonl",
        instruction_set=instruction_set(),
        engine=candidate.engine,
        recipe=candidate.summary,
        gate=_evidence(search, candidate),
    )


def _evidence(search: CandidateSearch, candidate: CandidateResult) -> dict[str, float]:
    """Say for the manifest what the gates have shown of a variant."""
    gate = candidate.gate
    if gate is None:
        return {}
    names = ("num_texts", "num_lost", "num_won", "drop", "drop_bound", "agreement")
    return {**{name: getattr(gate, name) for name in names}, "num_folds": len(search.folds)}


def _batch_invariance(candidate: CandidateResult) -> dict[str, float]:
    return {} if candidate.gate is None else candidate.gate.batch_invariance.to_manifest()


def _gains(search: CandidateSearch, candidate: CandidateResult) -> bool:
    """Say whether a candidate is better at the very target, so that it may answer when nobody names a variant."""
    return is_winner(candidate, search.settings.target, search.settings)


def _others(old: Artifact, added: Mapping[str, Variant]) -> dict[str, Variant]:
    return {name: item for name, item in old.manifest.variants.items() if name not in added}
