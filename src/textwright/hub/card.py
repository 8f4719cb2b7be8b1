"""The README.md of a repository of the hub: the artifact's model card with the metadata that the hub reads.

The artifact holds its own card, unchanged and hashed; this one lies beside it and may be edited on the hub.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from textwright.core.artifact import CARD, Artifact
from textwright.core.hub import HubAddress, is_hub_address
from textwright.errors import SettingsError
from textwright.evaluate.scores import TITLES
from textwright.hub.settings import PushSettings

_FRONT_MATTER: Final = re.compile(r"---\n(?P<fields>.*?)\n---\n", re.DOTALL)
_HUB_METRICS: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "exact_match": "exact_match",
    "macro_f1": "f1",
    "micro_f1": "f1",
    "roc_auc": "roc_auc",
}
"""Metrics that the hub has pages of, by their names there."""
_UNKNOWN: Final = "unknown"
_LOCAL_PATH: Final = "path/to/this/folder"


def hub_card(artifact: Artifact, address: HubAddress, settings: PushSettings) -> str:
    """Write the model card of a repository.

    Args:
        artifact: What is pushed.
        address: Where to.
        settings: The license, the language and the dataset, where they are known.

    Returns:
        Markdown with YAML front matter; its measured values are those of the artifact's card.

    Raises:
        SettingsError: If the dataset is not named as the hub names one.
    """
    stored, body = _parts((artifact.path / CARD).read_text(encoding="utf-8"))
    fields = {**_known(artifact, settings), **_described(artifact), **stored}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---", "", body.replace(_LOCAL_PATH, str(address)).lstrip("\n")])


def _parts(card: str) -> tuple[dict[str, Any], str]:
    """Cut a card that ``evaluate.card`` wrote into its fields, each a line of JSON, and its text."""
    match = _FRONT_MATTER.match(card)
    if match is None:
        return {}, card
    pairs = (line.partition(": ") for line in match["fields"].splitlines())
    try:
        return {name: json.loads(value) for name, _, value in pairs}, card[match.end() :]
    except ValueError:  # of another hand
        return {}, card[match.end() :]


def _known(artifact: Artifact, settings: PushSettings) -> dict[str, Any]:
    """Tell what only the user knows."""
    language = {"language": settings.language} if settings.language else {}
    datasets = [name] if (name := _dataset(artifact, settings)) else []
    return {"license": settings.license or _UNKNOWN, **language, **({"datasets": datasets} if datasets else {})}


def _dataset(artifact: Artifact, settings: PushSettings) -> str:
    """Name the dataset on the hub; empty where it is none."""
    source = settings.dataset or str(artifact.manifest.data.get("source", ""))
    if not (settings.dataset or is_hub_address(source)):
        return ""
    try:
        return HubAddress.parse(source, kind="dataset").repo
    except SettingsError as error:
        raise SettingsError(f"--dataset is {source!r}; a dataset of the hub is named owner/name") from error


def _described(artifact: Artifact) -> dict[str, Any]:
    """Tell what the manifest knows; what the artifact's own card has takes precedence."""
    manifest = artifact.manifest
    measured = manifest.variants[manifest.default_variant].metrics
    task = "text-classification"
    values = [
        {"type": name, "name": TITLES.get(name, name), "value": round(item["value"], 6)}
        for name, item in measured.items()
    ]
    source = {"type": _UNKNOWN, "name": _UNKNOWN, "split": manifest.metrics_split or _UNKNOWN}
    results = [{"task": {"type": task}, "dataset": source, "metrics": values}] if values else []
    names = list(dict.fromkeys(_HUB_METRICS[name] for name in measured if name in _HUB_METRICS))
    return {
        "library_name": "textwright",
        "pipeline_tag": task,
        "tags": [task, manifest.labels.task.value, "onnx", manifest.family],
        "metrics": names,
        "model-index": [{"name": manifest.name, "results": results}],
    }
