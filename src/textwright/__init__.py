"""Textwright: a labelled file becomes a measured, deployed text-classification API.

>>> import textwright
>>> predictor = textwright.load("runs/demo")           # doctest: +SKIP
>>> predictor.predict(["A touching film."])[0].label   # doctest: +SKIP
'positive'

Importing this package imports nothing else; ``load`` brings in numpy, tokenizers and ONNX Runtime on its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textwright.runtime.predictor import Prediction, Predictor, load

__version__ = "0.1.0"
__all__ = ["Prediction", "Predictor", "load"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  PEP 562
    """Import a public name on its first use."""
    if name in __all__:
        from textwright.runtime import predictor

        return getattr(predictor, name)
    raise AttributeError(f"module 'textwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
