"""Textwright as an estimator of scikit-learn: in ``cross_val_score``, ``GridSearchCV``, pipelines and joblib.

>>> from textwright.sklearn import TextwrightClassifier
>>> TextwrightClassifier(family="bow").fit(texts, labels).predict(["A touching film."])   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from textwright.core.text_input import list_of_texts
from textwright.core.types import Float32s
from textwright.data.label_names import label_name
from textwright.errors import DataError, MissingExtraError, SettingsError
from textwright.python_api.training import train

try:
    from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped]
    from sklearn.utils import check_random_state  # type: ignore[import-untyped]
    from sklearn.utils.validation import check_is_fitted  # type: ignore[import-untyped]
except ImportError as missing:
    raise MissingExtraError("the estimator of scikit-learn", "train") from missing

if TYPE_CHECKING:
    from textwright.python_api.model import Model

__all__ = ["TextwrightClassifier"]

_OF_TRAINING: Final = ("num_epochs", "learning_rate", "batch_size", "max_length")
_MAX_SEED: Final = 2**31 - 1


class TextwrightClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # it has no types
    """Classify texts: single-label, with 2 to many classes.

    The training texts that ``fit`` gets are split once more: ``validation_fraction`` of them chooses the epoch and the
    temperature, ``test_fraction`` is measured for the model's own record. No duplicate is on two sides, so every class
    needs three distinct texts. A fitted estimator is pickled with its model.

    Args:
        family: Kind of model; ``textwright families`` lists them.
        num_epochs: Maximum number of epochs; None takes the family's default, as for the next three.
        learning_rate: Highest step size.
        batch_size: Texts of a step.
        max_length: Longest text in tokens.
        validation_fraction: Share of the texts for validation, in (0, 0.5).
        test_fraction: Share of the texts that are measured in the end, in (0, 0.5); small, since cross-validation
            measures from outside.
        random_state: Seed of training and of the split: a number, a ``RandomState``, or None for another each time.
        settings: Further settings by name, as for :func:`textwright.train`.
        verbose: Show the progress.

    Attributes:
        classes_: The labels as they were given, sorted, (K,).
        model_: The :class:`textwright.Model`.
    """

    def __init__(
        self,
        family: str = "linear",
        *,
        num_epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        max_length: int | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.01,
        random_state: Any = 0,  # noqa: ANN401  as scikit-learn has it
        settings: Mapping[str, Any] | None = None,
        verbose: bool = False,
    ) -> None:
        self.family = family
        self.num_epochs = num_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.validation_fraction = validation_fraction
        self.test_fraction = test_fraction
        self.random_state = random_state
        self.settings = settings
        self.verbose = verbose

    def fit(self, X: Iterable[str], y: Iterable[Any]) -> Self:  # noqa: N803  scikit-learn's name
        """Train a model.

        Args:
            X: N texts, from any iterable that has an order.
            y: N labels: strings, whole numbers or booleans.

        Returns:
            The estimator itself.

        Raises:
            DataError: If a class has fewer than three distinct texts, or there is one class alone; if ``y`` has not
                one dimension.
            TextError: If an item is not a string; names its position.
            SettingsError: If a setting is unknown or out of bounds, or lets the model abstain.
        """
        if abstaining := [name for name in ("max_error_rate", "ood_rate") if (self.settings or {}).get(name)]:
            raise SettingsError(
                f"settings have {abstaining[0]}, but scikit-learn's predict gives each text a class; leave it out, or "
                "train with textwright.train"
            )
        texts, labels = list_of_texts(X), np.asarray(y if hasattr(y, "__array__") else list(y))
        if labels.ndim != 1:
            raise DataError(f"y has {labels.ndim} dimensions; give one label for each text")
        self.classes_, positions = np.unique(labels, return_inverse=True)
        names = [label_name(item) for item in self.classes_.tolist()]
        if len(set(names)) < len(names) or "" in names:
            raise DataError(f"the labels {names} of y cannot be told apart, or one is empty; rename them")
        self.model_ = self._train(texts, [names[position] for position in positions.tolist()])
        columns = {name: column for column, name in enumerate(self.model_.labels.names)}
        self._columns = [columns[name] for name in names]
        self._positions = {name: position for position, name in enumerate(names)}
        return self

    def _train(self, texts: Iterable[str], names: list[str]) -> Model:
        settings = {name: getattr(self, name) for name in _OF_TRAINING if getattr(self, name) is not None}
        state = self.random_state
        seed = state if isinstance(state, int) else int(check_random_state(state).randint(_MAX_SEED))
        fractions = {"validation_fraction": self.validation_fraction, "test_fraction": self.test_fraction}
        keywords = {"seed": seed, "split_seed": seed, **fractions, **settings, **(self.settings or {})}
        return train((texts, names), family=self.family, baselines=False, verbose=self.verbose, **keywords)

    def predict(self, X: Iterable[str]) -> Any:  # noqa: ANN401, N803  an array of the labels' own type
        """Predict the label of each text, (N,).

        Args:
            X: N texts.

        Raises:
            TextError: If an item is not a string; names its position.
        """
        check_is_fitted(self)
        labels = [str(item.label) for item in self.model_.predict(X)]
        return self.classes_[[self._positions[label] for label in labels]]

    def predict_proba(self, X: Iterable[str]) -> Float32s:  # noqa: N803
        """Predict calibrated probabilities, (N, K), columns in the order of ``classes_``.

        Args:
            X: N texts.

        Raises:
            TextError: If an item is not a string; names its position.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(X)[:, self._columns]

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        tags.no_validation = True  # texts are checked, and not as arrays of numbers
        return tags
