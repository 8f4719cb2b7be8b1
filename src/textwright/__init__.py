"""Textwright: a labeled file becomes a measured, deployed text-classification API.

>>> import textwright as tw
>>> model = tw.train("reviews.csv", family="bow")      # doctest: +SKIP
>>> model.evaluate("new.csv").show()                   # doctest: +SKIP
>>> model.predict(["A touching film."])[0].label       # doctest: +SKIP
'positive'

Importing this package imports nothing else; a public name brings in what it needs on its first use: ``load`` numpy,
tokenizers and ONNX Runtime, ``train`` torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textwright import sklearn
    from textwright.client.clients import AsyncClient, Client
    from textwright.comparison.baselines import MajorityBaseline, TfidfBaseline
    from textwright.comparison.candidate import RunJob
    from textwright.core.callbacks import Callback, CallbackList, EpochRecord
    from textwright.core.encodings import Encodings
    from textwright.core.labels import Labels
    from textwright.core.numerics import softmax
    from textwright.core.tokenizer import TextTokenizer, train_word_level
    from textwright.data.assets import asset_path, asset_states
    from textwright.data.check import check as check_data
    from textwright.data.dataset import Dataset, Examples
    from textwright.data.duplicates import find_duplicates
    from textwright.data.load import load_dataset, load_examples
    from textwright.data.settings import DataSettings
    from textwright.data.vectors import open_vectors
    from textwright.environment import diagnose
    from textwright.evaluate.evaluation import Evaluation
    from textwright.evaluate.intervals import bootstrap
    from textwright.evaluate.measure import evaluate as evaluate_predictor
    from textwright.evaluate.paired import holm, paired_p_value
    from textwright.evaluate.predictions import LabeledPredictions, observe
    from textwright.export.onnx import to_onnx
    from textwright.export.parity import check_parity
    from textwright.models import find_family, list_families
    from textwright.optimize.quantization.static_int8 import quantize_columns
    from textwright.pipeline import BuildPlan, BuildResult, build_artifact
    from textwright.python_api.auto import AutoResult, auto
    from textwright.python_api.comparison import Comparison
    from textwright.python_api.evaluation import EvaluationResult
    from textwright.python_api.model import Model, load
    from textwright.python_api.training import compare, train
    from textwright.runtime.predictor import Predictor, TextPrediction
    from textwright.serverless.start import start as start_function
    from textwright.training.batches import EncodedExamples, encode_examples, shuffled_batches, sorted_batches
    from textwright.training.loop import seed_step
    from textwright.training.optimizer import learning_rate_scale, make_optimizer, set_learning_rate
    from textwright.training.run import Prepared, TrainedModel, prepare
    from textwright.training.run import train as train_model
    from textwright.training.settings import TrainSettings

__version__ = "0.1.0"
__all__ = [
    # From labeled data to a model, and back from its folder.
    "train", "load", "compare", "auto",
    # What they return.
    "Model", "TextPrediction", "EvaluationResult", "Comparison", "AutoResult",
    # A model in scikit-learn; a server from Python.
    "sklearn", "Client", "AsyncClient",
    # What is wrong with a file; what can be trained; what is installed here.
    "check_data", "list_families", "diagnose",
]  # fmt: skip
"""What most people need. The names below are public too, and what ``docs/python.md`` calls the parts."""

if TYPE_CHECKING:
    __all__ += [
        # Predicting.
        "Predictor", "Encodings", "softmax",
        # A labeled source, split; tokens and word vectors.
        "load_dataset", "load_examples", "DataSettings", "Dataset", "Examples", "Labels", "find_duplicates",
        "TextTokenizer", "train_word_level", "open_vectors", "asset_path", "asset_states",
        # From a source to an artifact in one call.
        "BuildPlan", "build_artifact", "BuildResult",
        # The same, step by step: families, what is decided before the first step, the loop's parts, the loop.
        "find_family", "TrainSettings", "prepare", "Prepared", "EncodedExamples", "encode_examples",
        "shuffled_batches", "sorted_batches", "seed_step", "make_optimizer", "learning_rate_scale", "set_learning_rate",
        "train_model", "TrainedModel", "Callback", "CallbackList", "EpochRecord", "to_onnx", "check_parity",
        # Measure it, and compare what was measured.
        "evaluate_predictor", "Evaluation", "observe", "LabeledPredictions", "bootstrap", "paired_p_value", "holm",
        "RunJob", "MajorityBaseline", "TfidfBaseline",
        # Make it smaller; answer the events of Lambda.
        "quantize_columns", "start_function",
    ]  # fmt: skip

_HOMES: Final = {
    "textwright.client.clients": ("AsyncClient", "Client"),
    "textwright.comparison.baselines": ("MajorityBaseline", "TfidfBaseline"),
    "textwright.comparison.candidate": ("RunJob",),
    "textwright.core.callbacks": ("Callback", "CallbackList", "EpochRecord"),
    "textwright.core.encodings": ("Encodings",),
    "textwright.core.labels": ("Labels",),
    "textwright.core.numerics": ("softmax",),
    "textwright.core.tokenizer": ("TextTokenizer", "train_word_level"),
    "textwright.data.assets": ("asset_path", "asset_states"),
    "textwright.data.check": ("check_data",),
    "textwright.data.dataset": ("Dataset", "Examples"),
    "textwright.data.duplicates": ("find_duplicates",),
    "textwright.data.load": ("load_dataset", "load_examples"),
    "textwright.data.settings": ("DataSettings",),
    "textwright.data.vectors": ("open_vectors",),
    "textwright.environment": ("diagnose",),
    "textwright.evaluate.evaluation": ("Evaluation",),
    "textwright.evaluate.intervals": ("bootstrap",),
    "textwright.evaluate.measure": ("evaluate_predictor",),
    "textwright.evaluate.predictions": ("LabeledPredictions", "observe"),
    "textwright.evaluate.paired": ("holm", "paired_p_value"),
    "textwright.export.onnx": ("to_onnx",),
    "textwright.export.parity": ("check_parity",),
    "textwright.models": ("find_family", "list_families"),
    "textwright.optimize.quantization.static_int8": ("quantize_columns",),
    "textwright.pipeline": ("BuildResult", "BuildPlan", "build_artifact"),
    "textwright.python_api.model": ("Model", "load"),
    "textwright.python_api.auto": ("AutoResult", "auto"),
    "textwright.python_api.comparison": ("Comparison",),
    "textwright.python_api.evaluation": ("EvaluationResult",),
    "textwright.python_api.training": ("compare", "train"),
    "textwright.runtime.predictor": ("TextPrediction", "Predictor"),
    "textwright.serverless.start": ("start_function",),
    "textwright.training.batches": ("EncodedExamples", "encode_examples", "shuffled_batches", "sorted_batches"),
    "textwright.training.loop": ("seed_step",),
    "textwright.training.optimizer": ("learning_rate_scale", "make_optimizer", "set_learning_rate"),
    "textwright.training.run": ("Prepared", "TrainedModel", "prepare", "train_model"),
    "textwright.training.settings": ("TrainSettings",),
}
"""Module -> the public names that live there."""

_NAMED_THERE: Final = {
    "check_data": "check",
    "evaluate_predictor": "evaluate",
    "start_function": "start",
    "train_model": "train",
}
"""Public name -> its name in its module, where the two differ."""


def __getattr__(name: str) -> Any:  # noqa: ANN401  PEP 562
    """Import a public name on its first use."""
    if name == "sklearn":
        return import_module("textwright.sklearn")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), _NAMED_THERE.get(name, name))
    raise AttributeError(f"module 'textwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
