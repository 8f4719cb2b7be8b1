"""A model in a notebook: what it is and what was measured of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textwright.display.tables import TableContent, to_html
from textwright.evaluate.scores import LOWER_IS_BETTER, TITLES, shown

if TYPE_CHECKING:
    from textwright.python_api.model import Model


def model_html(model: Model) -> str:
    """Return the HTML that a notebook shows for a model.

    Args:
        model: Any model; of one that was not measured there is no table of metrics.
    """
    manifest, artifact = model.artifact.manifest, model.artifact
    others = [name for name in manifest.variants if name != model.variant]
    facts = [
        ("family", manifest.family),
        ("labels", ", ".join(manifest.labels.names)),
        ("variant", model.variant + (f"; there are also {', '.join(others)}" if others else "")),
        ("reads up to", f"{manifest.max_length:,} tokens"),
        ("size", f"{artifact.size_bytes / 1e6:.2f} MB"),
        ("folder", str(artifact.path)),
    ]
    metrics = [
        (
            TITLES.get(name, name),
            shown(name, it["value"]),
            shown(name, it["low"], it["high"]),
            "lower is better" if name in LOWER_IS_BETTER else "higher is better",
        )
        for name, it in model.metrics.items()
    ]
    tables = [TableContent(f"{manifest.name}, version {artifact.version}", ("", ""), facts)]
    if metrics:
        title = f"Measured on the {manifest.metrics_split} split"
        tables.append(TableContent(title, ("metric", "value", "95 % interval", ""), metrics))
    return to_html(tables, remarks=model.warnings)
