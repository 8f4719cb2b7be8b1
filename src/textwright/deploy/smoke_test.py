"""The golden examples against what was built or deployed: each text gets the probabilities that it gets here.

One text at a time, because the answers of a dynamically quantized model depend on the other texts of a batch.
That the model here gives the stored golden logits was verified when it was packaged.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from textwright.errors import GoldenMismatchError

if TYPE_CHECKING:  # numpy and the runtime are for what answers, not for the help of a command
    from textwright.core.artifact import Artifact
    from textwright.core.types import Float32s

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

ASK_SCORING: Final = """
import json, os, sys
os.environ["OMP_NUM_THREADS"] = "1"
import pyarrow
from pyarrow import parquet
from textwright.cli.main import run
parquet.write_table(pyarrow.table({"text": [json.loads(body)["text"] for body in sys.argv[1:]]}), "/tmp/golden.parquet")
code = run(["score", "/srv/artifact", "/tmp/golden.parquet", "--out", "/tmp/scored", "--workers", "1", "--quiet"])
rows = parquet.read_table("/tmp/scored").to_pylist() if code == 0 else []
prefix = "probability_"
said = [{name.removeprefix(prefix): row[name] for name in row if name.startswith(prefix)} for row in rows]
bodies = [json.dumps({"predictions": [{"probabilities": item}]}) for item in said]
print(json.dumps([{"statusCode": 200, "body": body} for body in bodies]))
"""
"""Runs in the image that scores: the texts of the bodies go through a Parquet file, as they will."""

Answer: TypeAlias = Mapping[str, Any]
"""``statusCode`` and ``body``, as a Lambda function returns them."""


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """How a deployment answered its golden examples.

    Args:
        num_golden: Golden examples that it reproduced.
        first_ms: Time of the first answer, round trip: on a new instance of a function that is the cold start.
        warm_ms: Median of the others.
    """

    num_golden: int
    first_ms: float
    warm_ms: float


@dataclass(frozen=True)
class SmokeTest:
    """The golden examples of one variant of an artifact.

    Args:
        artifact: A verified artifact.
        variant: The variant that is shipped; None takes the default.
    """

    artifact: Artifact
    variant: str | None = None

    @property
    def bodies(self) -> list[str]:
        """The body of a request for each golden text."""
        return [json.dumps({"text": item.text}) for item in self.artifact.golden(self.variant)]

    def check_output(self, output: str, what: str) -> int:
        """Compare the answers that :data:`ASK_SERVER` or :data:`ASK_FUNCTION` printed; see :meth:`check`."""
        lines = output.strip().splitlines()
        try:
            answers: Sequence[Answer] = json.loads(lines[-1])
        except (IndexError, ValueError) as error:
            raise GoldenMismatchError(
                f"{what} gave no answer to its golden examples: {output.strip()[-500:]}"
            ) from error
        return self.check(answers, what)

    def check(self, answers: Sequence[Answer], what: str) -> int:
        """Compare answers with those of the same model here.

        Args:
            answers: One for each golden example, in order.
            what: What gave them, for messages.

        Returns:
            The number of golden examples.

        Raises:
            GoldenMismatchError: If an answer is missing, or one differs beyond the tolerance; names the worst.
        """
        import numpy as np

        from textwright.runtime.predictor import GOLDEN_TOLERANCE

        expected, probabilities = self._expected, self._probabilities(answers, what)
        if probabilities.shape != expected.shape:
            raise GoldenMismatchError(f"{what} gave probabilities of shape {probabilities.shape}, not {expected.shape}")
        difference = np.abs(probabilities - expected).max(axis=1)
        worst = int(difference.argmax())
        if not difference[worst] <= GOLDEN_TOLERANCE:  # NaN is worse than any bound
            raise GoldenMismatchError(
                f"{what} does not reproduce golden example {worst + 1}: a probability differs by "
                f"{difference[worst]:.2g} (bound {GOLDEN_TOLERANCE:g}), so it must not be deployed; its processor or "
                "libraries compute otherwise"
            )
        return len(expected)

    def run(self, predict: Callable[[str], Answer], version: str, what: str) -> SmokeTestResult:
        """Send each golden example to what was deployed and compare the answers.

        Args:
            predict: Sends the body of one request.
            version: Version of the artifact that was packaged, which each answer must name.
            what: Where the requests go, for messages.

        Raises:
            GoldenMismatchError: If another model answers, or one answer differs.
        """
        answers, times = [], []
        for body in self.bodies:
            start = perf_counter()
            answers.append(predict(body))
            times.append(1e3 * (perf_counter() - start))
        for answer in answers:
            _require_json(answer, what)
        num_golden = self.check(answers, what)
        versions = {json.loads(answer["body"])["model"]["version"] for answer in answers}
        if versions != {version}:
            raise GoldenMismatchError(
                f"{what} answers with version {', '.join(sorted(versions))} of the model, not {version}"
            )
        return SmokeTestResult(num_golden, times[0], statistics.median(times[1:] or times))

    @cached_property
    def _expected(self) -> Float32s:
        import numpy as np

        from textwright.runtime.loading import open_predictor

        predictor = open_predictor(self.artifact, variant=self.variant, num_threads=1)
        rows = [predictor.probabilities(predictor.logits([item.text])) for item in self.artifact.golden(self.variant)]
        return np.concatenate(rows)

    def _probabilities(self, answers: Sequence[Answer], what: str) -> Float32s:
        import numpy as np

        names, rows = self.artifact.manifest.labels.names, []
        for answer in answers:
            content = json.loads(answer["body"])
            if answer["statusCode"] != 200:
                raise GoldenMismatchError(f"{what} refused a golden example: {content.get('detail')}")
            rows.append([content["predictions"][0]["probabilities"].get(name, np.nan) for name in names])
        return np.asarray(rows, dtype=np.float32)


def _require_json(answer: Answer, what: str) -> None:
    try:
        json.loads(answer["body"])
    except (KeyError, ValueError) as error:
        raise GoldenMismatchError(f"{what} gave no answer to a golden example: {str(answer)[:300]}") from error
