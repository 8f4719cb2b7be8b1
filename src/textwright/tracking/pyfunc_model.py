"""An artifact as a model of MLflow: what ``mlflow models serve`` and ``mlflow.pyfunc.load_model`` import.

MLflow stores the name of this module beside the files, and calls :func:`_load_pyfunc`; nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from textwright.errors import TextError
from textwright.runtime.loading import load
from textwright.runtime.prediction_columns import predict_columns
from textwright.runtime.predictor import Predictor

TEXT_COLUMN: Final = "text"


class PyfuncModel:
    """A predictor with the interface that MLflow asks of a model.

    Args:
        predictor: A loaded artifact.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401  of pandas
        """Predict a table of texts.

        Args:
            model_input: A DataFrame with a column "text", N rows.
            params: Taken by no model of Textwright.

        Returns:
            A DataFrame of N rows with the columns that ``predict --output`` adds: the label or labels, the confidence,
            whether the text was cut, the probability of each label.

        Raises:
            TextError: If the column is missing, or holds something that is no text.
        """
        import pandas as pd

        del params
        if TEXT_COLUMN not in getattr(model_input, "columns", ()):
            raise TextError(f"the table has no column {TEXT_COLUMN!r}; name the column of the texts so")
        columns = predict_columns(self._predictor, model_input[TEXT_COLUMN].tolist())
        return pd.DataFrame(columns, index=model_input.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    """Open the artifact, verified; called by MLflow with the folder that it stored."""
    return PyfuncModel(load(path))
