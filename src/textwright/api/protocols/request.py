"""The texts of a request and how its protocol writes their predictions; each protocol has a subclass or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from textwright.api.headers import JSON
from textwright.api.model import SCORE_BYTES, LoadedModel
from textwright.api.validation import RequestLimits
from textwright.core.types import Float32s
from textwright.runtime.predictor import TextPrediction

if TYPE_CHECKING:
    from textwright.runtime.explanation import TextExplanation


class Scored(NamedTuple):
    """What the model says about one text.

    Args:
        prediction: Its prediction.
        logits: The scores behind it, (K,), in nats, not calibrated.
        explanation: Its explanation; None where none is asked for.
    """

    prediction: TextPrediction
    logits: Float32s
    explanation: TextExplanation | None = None


class Answer(NamedTuple):
    """The answer to a request that was predicted.

    Args:
        body: Its bytes.
        media_type: Their type.
        headers: Further headers.
    """

    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = {}


class PredictRequest:
    """A parsed request.

    Args:
        texts: N texts, at least one.
    """

    model: str | None = None
    """Name, or name@version, of the model that shall answer; None for the default."""
    explain = False
    """Whether explanations are asked for."""
    may_truncate = True
    """False refuses texts that are longer than the model reads."""
    score_bytes = SCORE_BYTES
    """Bytes of one score of the answer and what stands around it, without the label's name."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def num_scores(self, num_labels: int) -> int:
        """Count the scores in the answer to one text."""
        return num_labels

    def check(self, model: LoadedModel) -> None:
        """Refuse what this model cannot answer, before anything is computed.

        Raises:
            RequestError: If the protocol could not write the predictions.
        """

    def encode(self, model: LoadedModel, scored: Sequence[Scored]) -> Answer:
        """Write the answer.

        Args:
            model: What answered.
            scored: N scored texts, in order.

        Returns:
            The answer in the form of the protocol.
        """
        raise NotImplementedError


class PredictProtocol(Protocol):
    """A module of this package."""

    @property
    def MEDIA_TYPES(self) -> Sequence[str]:  # noqa: N802  a constant of the module
        """The media types that it reads."""

    @property
    def parse(self) -> Callable[[Mapping[str, str], bytes, RequestLimits], PredictRequest]:
        """What reads a body, by its headers, within limits."""
