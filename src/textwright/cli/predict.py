"""``textwright predict``: the labels of texts, or of a whole file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from textwright.cli.render import DEFAULT_OUTPUT, Output, Terminal
from textwright.data.settings import DataSettings
from textwright.errors import SettingsError
from textwright.runtime.predictor import Prediction, Predictor, load

_DATA: Final = DataSettings()


def predict(
    artifact: Path,
    /,
    *texts: str,
    input: Path | None = None,  # noqa: A002  the flag's name
    to: Annotated[Path | None, Parameter(name="--output")] = None,
    variant: str | None = None,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Predict the labels of texts, or of every row of a file.

    Example: textwright predict runs/demo "A touching film." "Two hours I will not get back."

    Example: textwright predict runs/demo --input reviews.csv --output scored.csv

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        texts: Texts to predict.
        input: File of texts: CSV, TSV, JSON lines or Parquet, .gz and .zst included.
        to: File to write: the input's records with the prediction beside each; its ending decides the format.
        variant: Graph to run; by default the artifact's first.
    """
    if (input is None) == (not texts) or (input is None) != (to is None):
        raise SettingsError("give either texts, or --input FILE together with --output FILE")
    terminal = Terminal(output)
    predictor = load(artifact, variant=variant)
    if input is not None and to is not None:
        num_rows = _predict_file(terminal, predictor, input, to, data)
        terminal.result({"output": str(to), "num_rows": num_rows}, lambda: terminal.say(f"{num_rows:,} rows: {to}"))
        terminal.next(f"textwright serve {artifact}")
        return
    predictions = predictor.predict(texts)
    content = {"predictions": [_to_json(text, item) for text, item in zip(texts, predictions, strict=True)]}
    terminal.result(content, lambda: _show(terminal, predictor, texts, predictions))
    terminal.next(f"textwright serve {artifact}")


def _predict_file(terminal: Terminal, predictor: Predictor, source: Path, target: Path, data: DataSettings) -> int:
    from textwright.prediction_files import predict_file

    with terminal.progress() as bar:
        task = bar.add_task("predicting", total=100, note="")

        def advance(num_rows: int, fraction: float) -> None:
            bar.update(task, completed=round(100 * fraction), note=f"{num_rows:,} rows")

        return predict_file(predictor, source, target, data, progress=advance)


def _to_json(text: str, prediction: Prediction) -> dict[str, Any]:
    return {"text": text, **prediction._asdict(), "confidence": prediction.confidence}


def _show(terminal: Terminal, predictor: Predictor, texts: tuple[str, ...], predictions: list[Prediction]) -> None:
    rows = [
        (", ".join(item.labels) or "(none)", f"{item.confidence:.1%}", text + (" (cut)" if item.truncated else ""))
        for text, item in zip(texts, predictions, strict=True)
    ]
    terminal.table("", ("label", "confidence", "text"), rows)
    if any(item.truncated for item in predictions):
        terminal.note(f"(cut): only the first {predictor.artifact.manifest.max_length} tokens were read")
