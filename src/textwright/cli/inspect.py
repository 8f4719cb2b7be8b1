"""``textwright inspect``: what an artifact is and what was measured of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact, Manifest, StageArtifact
from textwright.core.surprisal import describe_rate
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.evaluate.scores import TITLES, shown


def inspect(
    artifact: Path,
    /,
    *,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Show what an artifact is and what was measured of it, after verifying every byte.

    Example: textwright inspect runs/demo

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    content = artifacts.read(artifact)
    terminal = Terminal(output)
    terminal.result(artifacts.describe(content), lambda: _show(terminal, content))
    terminal.next(f'textwright predict {shlex.quote(str(artifact))} "a text"')


def _source(data: Mapping[str, Any]) -> str:
    """Say what it was trained on: "reviews.csv (train 320, validation 40, test 40)"."""
    splits = ", ".join(f"{name} {count:,}" for name, count in data.get("num_examples", {}).items())
    return f"{data.get('source', 'unknown')}{f' ({splits})' if splits else ''}"


def _stages(stages: Sequence[StageArtifact]) -> dict[str, str]:
    return {
        f"{stage.name} stage": f"{stage.artifact.manifest.name} ({stage.artifact.manifest.family}), "
        + (
            f"answers from a confidence of {stage.min_confidence:.4f} on"
            if stage.min_confidence
            else "answers the rest"
        )
        for stage in stages
    }


def _thresholds(thresholds: Mapping[str, float]) -> dict[str, str]:
    listed = ", ".join(f"{name} from {value:.3f} on" for name, value in thresholds.items())
    return {"thresholds": listed} if listed else {}


def _abstains(manifest: Manifest) -> dict[str, str]:
    rate = manifest.out_of_distribution.get("rate")
    when = [f"below a confidence of {manifest.min_confidence:.4f}"] if manifest.min_confidence else []
    if rate is not None:
        when.append(f"on texts {describe_rate(rate)}")
    return {"abstains": "; ".join(when)} if when else {}


def _show(terminal: Terminal, content: Artifact) -> None:
    manifest = content.manifest
    facts = {
        "name": manifest.name,
        "version": content.version,
        "family": manifest.family,
        "task": manifest.labels.task.value,
        "labels": ", ".join(manifest.labels.names),
        "max_length": f"{manifest.max_length} tokens",
        "temperature": f"{manifest.temperature:.3f}",
        **_thresholds(manifest.thresholds),
        **_abstains(manifest),
        **({"decides by": "the lowest expected cost (costs with --json)"} if manifest.costs else {}),
        "trained on": _source(manifest.data),
        **_stages(content.stages),
        "created": manifest.created,
        "size": f"{content.size_bytes / 1e6:.2f} MB",
        "folder": str(content.path),
    }
    terminal.table("Artifact", ("", ""), facts.items())
    for name, variant in manifest.variants.items():
        metrics = [
            (
                TITLES.get(metric, metric),
                shown(metric, interval["value"]),
                shown(metric, interval["low"], interval["high"]),
            )
            for metric, interval in variant.metrics.items()
        ]
        if "max_change" in variant.batch_invariance:
            metrics.append(("largest change with batch", f"{variant.batch_invariance['max_change']:.2g}", ""))
        engine = f" on {variant.engine}" if variant.engine else ""
        title = f"Variant {name} ({variant.precision}{engine}), measured on {manifest.metrics_split or 'nothing yet'}"
        terminal.table(title, ("metric", "value", "95 % interval"), metrics)
    files = [(name, f"{record.size_bytes:,}", record.sha256[:12]) for name, record in content.files.items()]
    terminal.table("Files", ("file", "bytes", "sha256"), files)
