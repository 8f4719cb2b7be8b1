"""The golden examples against what was built: through its own door, each text gets the probabilities that it gets here.

One text at a time, because the answers of a dynamically quantized model depend on the other texts of a batch.
That the model here gives the stored golden logits was verified when it was packaged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from textwright.core.artifact import Artifact
from textwright.core.types import Float32s
from textwright.errors import GoldenMismatchError
from textwright.runtime.loading import open_predictor
from textwright.runtime.predictor import GOLDEN_TOLERANCE

ASK_SERVER: Final = """
import http.client, json, sys
answers = []
for body in sys.argv[1:]:
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=120)
    connection.request("POST", "/v1/predict", body.encode(), {"content-type": "application/json"})
    answer = connection.getresponse()
    answers.append({"statusCode": answer.status, "body": answer.read().decode()})
print(json.dumps(answers))
"""
"""Runs inside the server's container, so that no port need be published."""

ASK_FUNCTION: Final = """
import json, sys
import function
context = {"http": {"method": "POST", "path": "/v1/predict"}}
headers = {"content-type": "application/json"}
event = {"version": "2.0", "rawPath": "/v1/predict", "requestContext": context, "headers": headers}
print(json.dumps([function.handler({**event, "body": body}) for body in sys.argv[1:]]))
"""
"""Runs where the function's module is; the last line that it prints holds the answers."""


def questions(artifact: Artifact) -> list[str]:
    """Write a request's body for each golden text."""
    return [json.dumps({"text": item.text}) for item in artifact.golden()]


def check_answers(artifact: Artifact, output: str, what: str) -> int:
    """Compare answers with those of the same artifact here.

    Args:
        artifact: The artifact that was packaged.
        output: What :data:`ASK_SERVER` or :data:`ASK_FUNCTION` printed.
        what: What was asked, for messages.

    Returns:
        The number of golden examples.

    Raises:
        GoldenMismatchError: If an answer is missing, or one differs beyond the tolerance; names the worst.
    """
    return compare_answers(artifact, _answers(output, what), what)


def compare_answers(artifact: Artifact, answers: Sequence[Mapping[str, Any]], what: str) -> int:
    """Compare answers that were read already; see :func:`check_answers`.

    Args:
        artifact: The artifact that was packaged.
        answers: For each golden example an object with ``statusCode`` and ``body``, in order.
        what: What was asked, for messages.
    """
    expected = _expected(artifact)
    found = _found(answers, artifact, what)
    if found.shape != expected.shape:
        raise GoldenMismatchError(f"{what} gave probabilities of shape {found.shape}, not {expected.shape}")
    difference = np.abs(found - expected).max(axis=1)
    worst = int(difference.argmax())
    if not difference[worst] <= GOLDEN_TOLERANCE:  # NaN is worse than any bound
        raise GoldenMismatchError(
            f"{what} does not reproduce golden example {worst + 1}: a probability differs by {difference[worst]:.2g} "
            f"(bound {GOLDEN_TOLERANCE:g}), so it must not be deployed; its processor or libraries compute otherwise"
        )
    return len(expected)


def _expected(artifact: Artifact) -> Float32s:
    predictor = open_predictor(artifact, num_threads=1)
    rows = [predictor.probabilities(predictor.logits([item.text])) for item in artifact.golden()]
    return np.concatenate(rows)


def _answers(output: str, what: str) -> Sequence[Any]:
    lines = output.strip().splitlines()
    try:
        answers: Sequence[Any] = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise GoldenMismatchError(f"{what} gave no answer to its golden examples: {output.strip()[-500:]}") from error
    return answers


def _found(answers: Sequence[Mapping[str, Any]], artifact: Artifact, what: str) -> Float32s:
    names, rows = artifact.manifest.labels.names, []
    for answer in answers:
        content = json.loads(answer["body"])
        if answer["statusCode"] != 200:
            raise GoldenMismatchError(f"{what} refused a golden example: {content.get('detail')}")
        rows.append([content["predictions"][0]["probabilities"].get(name, np.nan) for name in names])
    return np.asarray(rows, dtype=np.float32)
