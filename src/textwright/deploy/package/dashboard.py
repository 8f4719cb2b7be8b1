"""The Grafana dashboard of a server: each panel is one row of a table, so that it can be read and tested.

A test holds every metric in it to those that the server really has.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

_WIDTH: Final = 12
_HEIGHT: Final = 8


class Panel(NamedTuple):
    """One graph.

    Args:
        title: What it shows.
        unit: Grafana's name of the unit.
        queries: Name of a line -> PromQL; braces in a name are filled from labels.
    """

    title: str
    unit: str
    queries: dict[str, str]


def _quantile(share: float, metric: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket[$__rate_interval])))"


PANELS: Final = (
    Panel("Requests", "reqps", {"{{status}}": "sum by (status) (rate(textwright_requests_total[$__rate_interval]))"}),
    Panel("Texts", "ops", {"{{model}}": "sum by (model) (rate(textwright_texts_total[$__rate_interval]))"}),
    Panel(
        "Time of a request",
        "s",
        {f"{share:.0%}": _quantile(share, "textwright_request_seconds") for share in (0.5, 0.95, 0.99)},
    ),
    Panel(
        "95 % of each stage are quicker than",
        "s",
        {stage: _quantile(0.95, f"textwright_{stage}_seconds") for stage in ("tokenize", "queue", "infer")},
    ),
    Panel("Problems", "ops", {"{{code}}": "sum by (code) (rate(textwright_rejections_total[$__rate_interval]))"}),
    Panel(
        "Waiting",
        "short",
        {"texts": "sum(textwright_queue_texts)", "tokens": "sum(textwright_queue_tokens)"},
    ),
    Panel("Texts of a batch, median", "short", {"median": _quantile(0.5, "textwright_batch_texts")}),
    Panel(
        "Share of texts longer than the model reads",
        "percentunit",
        {
            "{{model}}": "sum by (model) (rate(textwright_truncated_texts_total[$__rate_interval])) / "
            "sum by (model) (rate(textwright_texts_total[$__rate_interval]))"
        },
    ),
)


def dashboard() -> str:
    """Write the dashboard as Grafana provisions it: JSON, the same bytes each time."""
    content = {
        "uid": "textwright",
        "title": "Textwright",
        "schemaVersion": 39,
        "refresh": "5s",
        "time": {"from": "now-15m", "to": "now"},
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(content, indent=2) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "prometheus"}
    targets = [
        {"refId": chr(ord("A") + index), "expr": query, "legendFormat": name, "datasource": source}
        for index, (name, query) in enumerate(panel.queries.items())
    ]
    place = {"x": number % 2 * _WIDTH, "y": number // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": source,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
