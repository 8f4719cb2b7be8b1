"""The model card, README.md of the artifact, in the form that model hubs read: YAML front matter, then Markdown.

Every number in it was measured, or counted, and stands beside what it was measured on. What nobody knows -- the
license of the data, the language of the texts -- is not guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from textwright.core.artifact import Manifest
from textwright.core.labels import Task
from textwright.core.percent import percent
from textwright.evaluate.baselines import Baseline
from textwright.evaluate.coverage import AbstentionScores
from textwright.evaluate.evaluation import Evaluation, LabelScores
from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import LOWER_IS_BETTER, TITLES, shown

_BATCH_INVARIANCE: Final = "## Batch invariance"
_MEASURED: Final = frozenset({"num_texts", "max_change", "mean_change", "num_changed_labels"})
_MAX_LISTED_LABELS: Final = 30
_FEW_EXAMPLES: Final = 30
"""A label with fewer measured examples than this is named among the limits."""


def model_card(manifest: Manifest, evaluations: Mapping[str, Evaluation], about: str = "") -> str:
    """Write the model card from what was measured.

    Args:
        manifest: What the artifact is.
        evaluations: Split name -> what was measured on it. The split named ``manifest.metrics_split``, or else the
            last, is the one that the card leads with.
        about: A paragraph on how the model answers; empty for none.

    Returns:
        Markdown with YAML front matter; the same input gives the same text.
    """
    lead = manifest.metrics_split if manifest.metrics_split in evaluations else next(reversed(list(evaluations)), "")
    sections = [
        [f"# {_code(manifest.name)}", "", *_summary(manifest, about)],
        ["## Use", "", *_use(manifest)],
        ["## Intended use", "", *_intended_use(manifest)],
        ["## Data", "", *_data(manifest)],
        ["## Measured", "", *_measured(evaluations)],
    ]
    baselines = [Baseline.of_json(item) for item in manifest.training.get("baselines", ())]
    if baselines:
        sections += [[f"### Beside baselines, {manifest.metrics_split} split", "", *_beside(baselines)]]
    if lead:
        sections += [
            [f"### Each label, {lead} split", "", *_per_label(evaluations[lead])],
            ["## Calibration", "", *_calibration(evaluations[lead], lead)],
        ]
    if stability := _batch_invariance(manifest):
        sections += [[_BATCH_INVARIANCE, "", *stability]]
    sections += [
        ["## Limits", "", *_limits(manifest, evaluations.get(lead))],
        ["## How it was made", "", *_how(manifest)],
    ]
    body = "\n\n".join("\n".join(section) for section in sections)
    return f"{_front_matter(manifest, evaluations)}\n{body}\n"


def update_batch_invariance(card: str, manifest: Manifest) -> str:
    """Replace a card's section on batch invariance, where variants were added to an artifact.

    Args:
        card: Markdown that :func:`model_card` wrote; a card without the section gets it at its end.
        manifest: With all variants.

    Returns:
        The card, otherwise as it was.
    """
    before, heading, rest = card.partition(f"\n{_BATCH_INVARIANCE}\n")
    section = "\n".join([_BATCH_INVARIANCE, "", *_batch_invariance(manifest)])
    _, next_heading, after = rest.partition("\n## ")
    return f"{before}\n{section}\n{next_heading}{after}" if heading else f"{card.rstrip()}\n\n{section}\n"


def _front_matter(manifest: Manifest, evaluations: Mapping[str, Evaluation]) -> str:
    """Write the YAML block. JSON is YAML, so each value is written as JSON and needs no YAML library."""
    results = [
        {
            "task": {"type": "text-classification"},
            "dataset": {"type": _source(manifest), "name": _source(manifest), "split": split},
            "metrics": [
                {"type": name, "name": TITLES[name], "value": round(interval.value, 6)}
                for name, interval in evaluation.metrics.items()
            ],
        }
        for split, evaluation in evaluations.items()
    ]
    fields: dict[str, Any] = {
        "library_name": "textwright",
        "pipeline_tag": "text-classification",
        "tags": ["text-classification", manifest.labels.task.value, "onnx", manifest.family],
        "model-index": [{"name": manifest.name, "results": results}],
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "\n".join(["---", *lines, "---", ""])


def _summary(manifest: Manifest, about: str) -> Iterator[str]:
    kind = "exactly one" if manifest.labels.task is Task.SINGLE_LABEL else "any number"
    yield (
        f"A text classifier of family `{manifest.family}`: it gives a text {kind} of {len(manifest.labels)} labels, "
        "with a probability for each. Made with Textwright."
    )
    if about:
        yield ""
        yield about
    yield ""
    yield f"Labels: {_listed(manifest.labels.names)}."


def _use(manifest: Manifest) -> list[str]:
    answer = "label" if manifest.labels.task is Task.SINGLE_LABEL else "labels"
    return [
        "```python",
        "import textwright",
        'predictor = textwright.load("path/to/this/folder")',
        f'print(predictor.predict(["A text to classify."])[0].{answer})',
        "```",
    ]


def _intended_use(manifest: Manifest) -> Iterator[str]:
    yield (
        f"Sorting texts like those of {_code(_source(manifest))} into the labels above. Texts of another kind, "
        "language or time were not measured; measure them before relying on the answers: "
        "`textwright evaluate ARTIFACT your-labeled-file.csv`."
    )


def _data(manifest: Manifest) -> Iterator[str]:
    data = manifest.data
    yield f"Source: {_code(_source(manifest))}, sha256 of all texts and labels `{data.get('fingerprint', 'unknown')}`."
    counts = data.get("num_examples", {})
    if counts:
        how = "The source brought its splits." if data.get("splits_are_given") else f"Splits were {_drawn(data)}."
        yield from ("", how, "", *_table(("split", "texts"), ((name, f"{count:,}") for name, count in counts.items())))


def _drawn(data: Mapping[str, Any]) -> str:
    seed = data.get("settings", {}).get("split_seed")
    return "drawn, stratified by label" + (f", with seed {seed}" if seed is not None else "")


def _measured(evaluations: Mapping[str, Evaluation]) -> Iterator[str]:
    if not evaluations:
        yield "Nothing was measured."
        return
    yield (
        "Measured on the shipped ONNX graph, not on the model that was trained. Brackets hold 95 % bootstrap intervals "
        "over the texts (Wilson for a share of exactly 0 or 1); they say nothing of other training seeds."
    )
    yield ""
    names = [name for name in TITLES if any(name in item.metrics for item in evaluations.values())]
    heading = (f"{TITLES[name]} {'↓' if name in LOWER_IS_BETTER else '↑'}" for name in names)
    rows = (
        (split, f"{item.num_examples:,}", *(_metric(name, item.metrics.get(name)) for name in names))
        for split, item in evaluations.items()
    )
    yield from _table(("split", "texts", *heading), rows)
    if "validation" in evaluations:
        yield ""
        yield (
            "The validation texts chose the best epoch and the temperature, and whether there are thresholds or a "
            "confidence from which on it answers, so their numbers flatter the model."
        )


def _beside(baselines: Sequence[Baseline]) -> list[str]:
    """Show the baselines with the difference of the model to each."""
    names = list(baselines[0].metrics)
    rows = (
        (
            _code(item.name),
            *(shown(name, item.metrics[name]) for name in names),
            f"{_points(item.difference)}, p = {item.p_value:.3f}",
        )
        for item in baselines
    )
    return _table(("baseline", *(TITLES[name] for name in names), f"model minus baseline, {TITLES[names[0]]}"), rows)


def _per_label(evaluation: Evaluation) -> list[str]:
    rows = (
        (
            _code(row.label),
            f"{row.support:,}",
            _value(row.precision) if row.num_predicted else "never predicted",
            _value(row.recall) if row.support else "does not occur",
            _value(row.f1) if row.support else "does not occur",
            _value(row.roc_auc),
            _value(row.pr_auc),
        )
        for row in evaluation.per_label
    )
    return _table(("label", "texts", "precision", "recall", "F1", "ROC-AUC", "PR-AUC"), rows)


def _calibration(evaluation: Evaluation, split: str) -> Iterator[str]:
    before, after = evaluation.before, evaluation.after
    is_one = f"{after.temperature:.3f}" == "1.000"
    if after.temperature == 1.0:
        yield "No temperature was fitted; the probabilities are those of the model as it was trained."
    elif is_one:
        yield "The temperature fitted on the validation split is 1.000, which leaves the probabilities as they are."
    else:
        yield (
            f"Logits are divided by a temperature of {after.temperature:.3f}, fitted on the validation split. Its "
            f"effect on the {split} split:"
        )
    yield ""
    sides = [("1 (as trained)", before)]
    if not is_one:
        sides.append((f"{after.temperature:.3f} (as served)", after))
    losses = ("log_loss", "calibration_error")
    rows = ((name, *(_metric(loss, getattr(side, loss)) for loss in losses)) for name, side in sides)
    yield from _table(("temperature", "log loss ↓", "calibration error ↓"), rows)
    if evaluation.thresholds:
        listed = ", ".join(f"{_code(name)} from {value:.3f} on" for name, value in evaluation.thresholds.items())
        yield ""
        yield f"Labels with a threshold of their own, chosen on the validation split: {listed}."
    if evaluation.costs is not None:
        yield ""
        yield (
            "It predicts the label of the lowest expected cost by the cost matrix in the manifest. Mean cost of an "
            f"answer on the {split} split: {_cost(evaluation.costs.mean_cost)}; of the most probable label: "
            f"{_cost(evaluation.costs.of_most_probable)}."
        )
    if evaluation.abstention is not None:
        yield ""
        yield _abstention(evaluation.abstention, evaluation.num_examples, split)


def _abstention(scores: AbstentionScores, num_texts: int, split: str) -> str:
    when = [f"below a confidence of {scores.min_confidence:.3f}"] if scores.min_confidence else []
    if scores.num_out_of_distribution is not None:
        when.append("on texts unlike the training texts")
    answered = (
        f"It abstains {' and '.join(when)}, chosen on the validation split. On the {split} split it answers "
        f"{scores.num_answered:,} of {num_texts:,} texts"
    )
    if scores.num_out_of_distribution is not None:
        answered += f" and takes {scores.num_out_of_distribution:,} for out of distribution"
    if scores.error_rate is None:
        return f"{answered}."
    wrong = f"{scores.num_wrong:,} of these answers are wrong, {_share(scores.error_rate)} (Wilson)"
    return f"{answered}; {wrong}. All other numbers count the most probable label of every text."


def _batch_invariance(manifest: Manifest) -> list[str]:
    """Show for each variant how far its predictions change with batch composition; empty if none was measured."""
    rows = [
        (
            _code(name),
            f"{item.batch_invariance['max_change']:.2g}",
            f"{item.batch_invariance['mean_change']:.2g}",
            f"{item.batch_invariance['num_changed_labels']:,.0f} of {item.batch_invariance['num_texts']:,.0f}",
        )
        for name, item in manifest.variants.items()
        if item.batch_invariance.keys() >= _MEASURED
    ]
    if not rows:
        return []
    summary = (
        "The same texts scored alone and in batches with other texts: how far a probability changes, and how many "
        "predicted labels do."
    )
    return [
        summary,
        "",
        *_table(("variant", "largest change", "mean change", "labels changed"), rows),
    ]


def _limits(manifest: Manifest, lead: Evaluation | None) -> Iterator[str]:
    yield f"- Of a text the {manifest.tokens_read} tokens are read; an answer says if there were more."
    if lead is None:
        yield "- Nothing was measured, so nothing is known of its mistakes."
        return
    share = percent(lead.num_mistakes / lead.num_examples)
    yield f"- {lead.num_mistakes:,} of the {lead.num_examples:,} measured texts ({share}) were not right in whole."
    if lead.num_truncated:
        yield f"- Longer than it reads: {lead.num_truncated:,} of the {lead.num_examples:,} measured texts."
        shares = (f"{'cut' if row.truncated else 'read whole'} {_share(row.accuracy)}" for row in lead.by_truncation)
        yield f"- {TITLES[lead.primary_metric]} of texts by whether they were cut: {'; '.join(shares)}."
    yield from (f"- {sentence[:1].upper()}{sentence[1:]}." for sentence in manifest.training.get("warnings", ()))
    present = [row for row in lead.per_label if row.support]
    if len(present) > 1:
        yield f"- {_weakest(present)}"
    rare = [row.label for row in lead.per_label if row.support < _FEW_EXAMPLES]
    if rare:
        yield f"- Measured on fewer than {_FEW_EXAMPLES} texts, so hardly known: {_listed(rare)}."


def _weakest(present: Sequence[LabelScores]) -> str:
    row = min(present, key=lambda row: row.recall.value)
    return f"The label found least often is {_code(row.label)}: recall {_value(row.recall)}."


def _how(manifest: Manifest) -> Iterator[str]:
    adapted = manifest.training.get("adapted_encoder")
    if adapted:
        yield f"{adaptation_in_words(adapted)}."
        yield ""
    teachers = manifest.training.get("distillation", {}).get("teachers", [])
    if teachers:
        named = ", ".join(f"{_code(item['name'])} ({item['family']}, version {item['version']})" for item in teachers)
        yield f"It learned the answers of {named}, beside the labels."
        yield ""
    settings = json.dumps(manifest.training, indent=2, ensure_ascii=False, sort_keys=True)
    yield from ("```json", settings, "```")  # no line of JSON can close the fence
    if manifest.versions:
        yield ""
        yield "Libraries: " + ", ".join(f"{name} {version}" for name, version in manifest.versions.items()) + "."


def adaptation_in_words(adapted: Mapping[str, Any]) -> str:
    """Say what an encoder was adapted to, how long and how well it guesses tokens then.

    Args:
        adapted: The manifest's account of it, ``training.adapted_encoder``.
    """
    rounds = "once" if adapted["num_epochs"] == 1 else f"{adapted['num_epochs']:,} times"
    return (
        f"The encoder was adapted by masked-language training before: it read {adapted['num_texts']:,} texts "
        f"({adapted['num_tokens']:,} tokens) of {_code(_without_folder(str(adapted['texts'])))} {rounds}, in "
        f"{adapted['seconds'] / 60:,.1f} minutes (digest {_code(adapted['digest'])}; {adapted['num_left_out']:,} texts "
        "left out, which were of the validation or test split, or nearly, or twice there); of held-out masked tokens "
        f"it then guessed {percent(adapted['masked_accuracy'])}"
    )


def _source(manifest: Manifest) -> str:
    return _without_folder(str(manifest.data.get("source") or "unknown"))


def _without_folder(source: str) -> str:
    """Name data; of a path on somebody's machine only its last part."""
    path = PurePath(source)
    return path.name if path.is_absolute() or source.startswith((".", "~")) else source


def _value(interval: Interval | None) -> str:
    if interval is None:
        return "not defined"
    return f"{interval.value:.3f} [{interval.low:.3f} to {interval.high:.3f}]"


def _cost(interval: Interval) -> str:
    return f"{interval.value:.4f} [{interval.low:.4f} to {interval.high:.4f}]"


def _metric(name: str, interval: Interval | None) -> str:
    if interval is None:
        return "not defined"
    return f"{shown(name, interval.value)} [{shown(name, interval.low, interval.high)}]"


def _share(interval: Interval) -> str:
    return f"{percent(interval.value)} [{percent(interval.low, interval.high)}]"


def _points(interval: Interval) -> str:
    return f"{100 * interval.value:+.1f} points [{100 * interval.low:+.1f} to {100 * interval.high:+.1f}]"


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(_code, names[:_MAX_LISTED_LABELS]))
    more = len(names) - _MAX_LISTED_LABELS
    return f"{listed} and {more} more" if more > 0 else listed


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _code(name: str) -> str:
    """Show a name that somebody else chose as code, where neither Markdown nor HTML is read."""
    return "`" + " ".join(name.split()).replace("`", "'") + "`"
