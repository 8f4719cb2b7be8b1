"""``textwright predict``: the labels of texts, or of a whole file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import Parameter

from textwright.core.labels import Task
from textwright.core.percent import percent
from textwright.core.surprisal import describe_rate
from textwright.data.settings import FileSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.errors import SettingsError
from textwright.runtime.explanation import Method, TextExplanation
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor, TextPrediction

if TYPE_CHECKING:
    from textwright.batch_predict import PredictedFile

_DATA: Final = FileSettings()
_MOST_WORDS: Final = 10
_MAX_TITLE_CHARS: Final = 60
_BAR: Final = 20
"""Characters of the longest bar."""
_UNLIKE: Final = "(out of distribution)"


def predict(
    artifact: Path,
    /,
    *texts: str,
    input: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,  # noqa: A002  the flag's name
    to: Annotated[Path | None, Parameter(name="--output", allow_leading_hyphen=True)] = None,
    on_error: Literal["fail", "skip"] = "fail",
    explain: bool = False,
    variant: str | None = None,
    data: Annotated[FileSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Predict the labels of texts, or of every row of a file.

    Example: textwright predict runs/demo "A touching film." "Two hours I will not get back."

    Example: textwright predict runs/demo --input reviews.csv --output scored.csv

    Example: cat reviews.csv | textwright predict runs/demo --input - --output - > scored.csv

    Example: textwright predict runs/demo --explain "A touching film, but overlong."

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        texts: Texts to predict.
        input: File of texts (.csv .tsv .json .jsonl .txt .parquet .xlsx; text also .gz, .zst); - reads standard input.
        to: File to write: the input's records with the prediction beside each; its ending decides the format. It
            appears when all is written. - writes to standard output: CSV or TSV as the input, of others JSON lines.
        on_error: What a row of --input that cannot be read does: fail ends the command, and nothing is written; skip
            leaves its prediction empty and says in a column "error" what is wrong, with file and line.
        explain: Also show which words of each text speak for its label and which against it; of a multi-label task for
            each label that holds.
        variant: Graph to run; by default the artifact's first.
    """
    if (input is None) == (not texts) or (input is None) != (to is None):
        raise SettingsError("give either texts, or --input FILE together with --output FILE")
    if explain and input is not None:
        raise SettingsError("--explain is for texts on the command line; leave it out, or give no --input")
    terminal = Terminal(output)
    predictor = load(artifact, variant=variant)
    if input is not None and to is not None:
        summary = _predict_file(terminal, predictor, input, to, data, skip_errors=on_error == "skip")
        _show_file(terminal, summary, to)
        terminal.next(f"textwright serve {artifact}")
        return
    predictions = predictor.predict(texts)
    explanations = _explain(predictor, texts, predictions) if explain else []
    rows = [_to_json(text, item) for text, item in zip(texts, predictions, strict=True)]
    for row, of_labels in zip(rows, explanations, strict=False):
        row["explanation"] = of_labels[0].to_json()
        if predictor.labels.task is Task.MULTI_LABEL:
            row["explanations"] = [item.to_json() for item in of_labels]
    terminal.result({"predictions": rows}, lambda: _show(terminal, predictor, texts, predictions, explanations))
    terminal.next(f"textwright serve {artifact}")


def _explain(
    predictor: Predictor, texts: Sequence[str], predictions: Sequence[TextPrediction]
) -> list[list[TextExplanation]]:
    """Explain each label that holds for a text, the most probable first; where none does, the most probable one."""
    return [
        [predictor.explain([text], label=label)[0] for label in item.labels] or predictor.explain([text])
        for text, item in zip(texts, predictions, strict=True)
    ]


def _predict_file(
    terminal: Terminal, predictor: Predictor, source: Path, target: Path, data: FileSettings, *, skip_errors: bool
) -> PredictedFile:
    from textwright.batch_predict import predict_file

    with terminal.progress() as bar:
        task = bar.add_task("predicting", total=100, note="")

        def advance(num_rows: int, fraction: float) -> None:
            bar.update(task, completed=round(100 * fraction), note=f"{num_rows:,} rows")

        return predict_file(predictor, source, target, data, skip_errors=skip_errors, progress=advance)


def _show_file(terminal: Terminal, summary: PredictedFile, target: Path) -> None:
    """Say what was written; standard output holds the rows alone where they went there."""
    if summary.num_errors:
        terminal.note(
            f"! {summary.num_errors:,} of {summary.num_rows:,} rows have no prediction; the column 'error' says why. "
            f"The first: {summary.first_error}"
        )
    if str(target) == "-":
        terminal.note(f"{summary.num_rows:,} rows")
        return
    content = {"output": str(target), "num_rows": summary.num_rows, "num_errors": summary.num_errors}
    terminal.result(content, lambda: terminal.say(f"{summary.num_rows:,} rows: {target}"))


def _to_json(text: str, prediction: TextPrediction) -> dict[str, Any]:
    answer = prediction._asdict() | {"confidence": prediction.confidence}
    if prediction.stage is None:
        del answer["stage"]
    if not prediction.out_of_distribution:
        del answer["out_of_distribution"]
    return {"text": text, **answer}


def _show(
    terminal: Terminal,
    predictor: Predictor,
    texts: tuple[str, ...],
    predictions: list[TextPrediction],
    explanations: Sequence[Sequence[TextExplanation]],
) -> None:
    none = "(unsure)" if predictor.labels.task is Task.SINGLE_LABEL else "(none)"
    rows = [
        (
            *(", ".join(item.labels) or (_UNLIKE if item.out_of_distribution else none), percent(item.confidence)),
            *([item.stage] if item.stage else []),
            text + (" (cut)" if item.truncated else ""),
        )
        for text, item in zip(texts, predictions, strict=True)
    ]
    terminal.table("", ("label", "confidence", *(["stage"] if predictor.stage_names else []), "text"), rows)
    if any(item.truncated for item in predictions):
        terminal.note(f"(cut): only the {predictor.artifact.manifest.tokens_read} tokens were read")
    manifest = predictor.artifact.manifest
    if any(item.out_of_distribution for item in predictions):
        terminal.note(f"{_UNLIKE}: {describe_rate(manifest.out_of_distribution['rate'])}")
    if none == "(unsure)" and not all(item.labels or item.out_of_distribution for item in predictions):
        least = manifest.min_confidence
        terminal.note(
            f"(unsure): the most probable label has less than the {percent(least)} from which on the model answers"
        )
    for text, of_labels in zip(texts, explanations, strict=False):
        for explanation in of_labels:
            _show_explanation(terminal, explanation, text if len(texts) > 1 else "")


def _show_explanation(terminal: Terminal, explanation: TextExplanation, text: str) -> None:
    """Show the words that say most first; a bar's length is the contribution's size.

    The text is named where there are several.
    """
    ranked = sorted(explanation.words, key=lambda word: -abs(word.contribution))[:_MOST_WORDS]
    strongest = max((abs(word.contribution) for word in ranked), default=0.0) or 1.0
    rows = [
        (
            word.text,
            "for" if word.contribution > 0 else "against" if word.contribution < 0 else "neither",
            f"{word.contribution:+.2f} " + "#" * round(_BAR * abs(word.contribution) / strongest),
        )
        for word in ranked
    ]
    how = "exact" if explanation.method is Method.EXACT else "by leaving words out"
    of_text = f' "{_brief(text)}"' if text else ""
    terminal.table(f"Why {explanation.label}? ({how}){of_text}", ("word", "speaks", "nats"), rows)


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TITLE_CHARS else f"{line[: _MAX_TITLE_CHARS - 2]} \N{HORIZONTAL ELLIPSIS}"
