"""How a training looks in the terminal: the progress of the work, then what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textwright.core.artifact import Manifest, describe
from textwright.core.example_texts import TYPED
from textwright.core.files import exclusive_folder
from textwright.core.percent import percent
from textwright.core.surprisal import describe_rate
from textwright.display.terminal import ProgressView, Terminal
from textwright.evaluate.card import adaptation_in_words
from textwright.evaluate.scores import TITLES, shown
from textwright.tracking.trackers import Service, open_tracker

if TYPE_CHECKING:
    from textwright.pipeline import BuildPlan, BuildResult


def build_with_view(
    plan: BuildPlan,
    out: Path,
    terminal: Terminal,
    *,
    overwrite: bool = False,
    linear_baseline: bool = True,
    track: Service | None = None,
) -> BuildResult | None:
    """Build an artifact, showing the progress; what ``textwright train`` and ``textwright.train`` call.

    Args:
        plan: What to train on what.
        out: The run folder; one process at a time writes into it.
        terminal: Where to show it.
        overwrite: Throw away a run of another plan that is in ``out``.
        linear_baseline: Fit a tuned linear model as well and compare with it.
        track: Service that records the training; None records it nowhere.

    Returns:
        As :func:`textwright.pipeline.build_artifact` does, whose errors are raised too.

    Raises:
        TrackingError: If the service does not take the run; nothing is trained then.
    """
    from textwright.pipeline import build_artifact  # brings torch

    with exclusive_folder(out), ProgressView(terminal, "reading the data") as view:
        with open_tracker(track, plan, out, view.on_warning) as tracker:
            callbacks = [view] if tracker is None else [view, tracker]
            built = build_artifact(plan, out, overwrite=overwrite, callbacks=callbacks, linear_baseline=linear_baseline)
            if built is not None and tracker is not None:
                view.on_stage_begin(f"recording the model in {tracker.service}")
                tracker.finish(built)
        return built


def show_built(terminal: Terminal, built: BuildResult, more: Mapping[str, Any] | None = None) -> None:
    """Say what was made and what was measured of it, with intervals; ``more`` is for programs."""
    artifact = built.artifact
    manifest = artifact.manifest
    metrics = manifest.variants[manifest.default_variant].metrics
    content = {**describe(artifact), "metrics": dict(metrics), "reused": built.reused, **_said(built), **(more or {})}

    def show() -> None:
        if built.reused:
            terminal.note(f"{artifact.path} is there already, of equal settings on equal data; nothing was trained")
        terminal.table(
            f"{manifest.name} on the {manifest.metrics_split} split "
            f"({manifest.data['num_examples'][manifest.metrics_split]} texts)",
            ("metric", "value", "95 % interval", *(item.name for item in built.baselines)),
            (
                (
                    TITLES[name],
                    shown(name, it["value"]),
                    shown(name, it["low"], it["high"]),
                    *_of_baselines(built, name),
                )
                for name, it in metrics.items()
            ),
        )
        for item in built.baselines:
            if item.settings:
                terminal.note(f"{item.name}: {item.settings}; {item.seconds:.1f} s")
        for warning in built.warnings:
            terminal.say(f"! {warning}")
        if built.verdict:
            terminal.say(built.verdict)
        for name, item in manifest.training.get("thresholds", {}).items():
            terminal.say(_threshold_line(name, item, manifest.training["settings"]["precision_at_least"]))
        if rate := manifest.out_of_distribution.get("rate"):
            terminal.say(f"it abstains out of distribution: on texts {describe_rate(rate)}")
        if abstention := manifest.training.get("abstention"):
            terminal.say(_abstention_line(abstention))
        _note_adaptation(terminal, built)
        _note_choices(terminal, manifest.training)
        terminal.say(f"artifact: {artifact.path} ({artifact.size_bytes / 1e6:.2f} MB, version {artifact.version})")
        terminal.note(_example_line(manifest))

    terminal.result(content, show)


def _example_line(manifest: Manifest) -> str:
    """Say which texts of the data will be shown to others, and how to prevent it."""
    if not manifest.example_texts:
        return "no example is stored: the validation texts have addresses or long numbers; --example-text gives one"
    texts = ", ".join(json.dumps(text, ensure_ascii=False) for text in manifest.example_texts)
    if TYPED in manifest.data:
        return f"example: {texts}, as typed; no text of the data is stored"
    return f"examples in the API's pages: {texts}, of the validation split; --example-text TEXT shows another instead"


def _note_adaptation(terminal: Terminal, built: BuildResult) -> None:
    """Say what the encoder was adapted to; nothing where it was not."""
    adapted = built.artifact.manifest.training.get("adapted_encoder")
    if adapted is not None:
        terminal.note(adaptation_in_words(adapted).replace("`", ""))


def _note_choices(terminal: Terminal, training: Mapping[str, Any]) -> None:
    """Say what a bag of words decided by naive Bayes on its training texts, where that is not the usual."""
    settings = training.get("model", {})
    if settings.get("casing") == "auto" and training.get("casing") == "cased":
        terminal.note("words keep their case, which tells the labels apart; --model.casing uncased lower-cases them")
    num_buckets = training.get("num_bigram_buckets")
    if settings.get("num_bigram_buckets") == "auto" and num_buckets:
        terminal.note(
            f"pairs of neighboring words count, in {num_buckets:,} buckets, since their order tells the labels apart "
            "or their script has no spaces; --model.num-bigram-buckets 0 looks at single words"
        )


def note_warm_start(terminal: Terminal, built: BuildResult) -> None:
    """Say what a model took over from the one that it began with; nothing where it began anew."""
    training = built.artifact.manifest.training
    copied = training.get("warm_start_copied")
    if copied is None:
        return
    added = f", new: {', '.join(copied['labels_added'])}" if copied["labels_added"] else ""
    terminal.note(
        f"began with {training['warm_start']['model']}: {copied['num_words_kept']:,} of its tokens, "
        f"{copied['num_words_added']:,} new ones; {len(copied['labels_kept'])} of its labels{added}"
    )
    if copied["labels_dropped"]:
        terminal.note(
            f"! it does not know {', '.join(copied['labels_dropped'])} any more: the new rows have none; add some rows "
            "of them to keep them"
        )


def _of_baselines(built: BuildResult, metric: str) -> list[str]:
    return [shown(metric, item.metrics[metric]) if metric in item.metrics else "-" for item in built.baselines]


def _said(built: BuildResult) -> dict[str, Any]:
    """What the model was compared with and what is wrong with it, for programs."""
    return {
        "baselines": {item.name: item.to_json() for item in built.baselines},
        "beats_majority": built.beats_majority,
        "verdict": built.verdict,
        "warnings": list(built.warnings),
    }


def _abstention_line(item: Mapping[str, Any]) -> str:
    """Say from which confidence on the model answers, and what shows that it keeps the error rate."""
    answers = (
        f"it answers from a confidence of {item['min_confidence']:.3f} on, and abstains below"
        if item["min_confidence"]
        else "it answers every text, and never abstains"
    )
    return (
        f"{answers}: on the validation split {item['num_answered']:,} of {item['num_texts']:,} texts get an answer, "
        f"of which {item['num_wrong']:,} are wrong; so at most {percent(item['error_bound'])} of its answers are "
        f"wrong, with 95 % confidence ({100 * item['max_error_rate']:g} % was asked for)"
    )


def _threshold_line(label: str, item: Mapping[str, Any], precision_at_least: float) -> str:
    """Say what a threshold came to on the validation split, and whether that is what was asked for."""
    hits = round(item["precision"] * item["num_predicted"])
    line = (
        f"{label!r} is predicted from a probability of {item['threshold']:.3f} on. On the validation split {hits} of "
        f"{item['num_predicted']} such predictions are right (precision {item['precision']:.3f}), and {hits} of "
        f"{item['num_positives']} texts are found (recall {item['recall']:.3f})"
    )
    if item["is_reached"]:
        return line
    return f"! {line}. A precision of {precision_at_least:g} is not reached there; this is the highest"
