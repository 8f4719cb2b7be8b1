"""Bodies that are small enough to be read and would be dear to answer: refused before anything is made of them.

The bounds of CPU time are far above what a refusal takes (0.2 s at most) and far below what these bodies once took.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import process_time

import pytest
from costly_bodies import ATTACKS, CSV, INFER, binary_texts, tensor
from starlette.testclient import TestClient

import textwright
from textwright.api.problems import STATUS
from textwright.core.labels import Labels, Task
from textwright.core.manifest_checks import _MAX_TOKENS, HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE, MOST_BYTES
from textwright.data.text_files import MAX_LINE
from textwright.runtime.bounds import MAX_OPEN_SECONDS
from textwright.server.app import create_app
from textwright.server.http.connections import _MAX_UNFINISHED_BYTES
from textwright.server.http.http_protocol import _MAX_PIPELINED, _STALLED_S
from textwright.server.settings import ServeSettings

MOST_CPU_S = 2.0


@pytest.fixture
def client(predictor):
    with TestClient(create_app(predictor), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", ATTACKS)
def test_a_dear_body_is_refused_cheaply_and_others_are_served(client, name):
    path, media_type, make = ATTACKS[name]
    body, headers = binary_texts() if make is None else (make(), {})
    assert len(body) < ServeSettings().max_body_bytes
    start = process_time()
    answer = client.post(path, content=body, headers={"content-type": media_type, **headers})
    assert process_time() - start < MOST_CPU_S
    assert answer.status_code == 422
    assert len(answer.content) < 2_000
    assert client.post("/v1/predict", json={"text": "good"}).status_code == 200


def test_an_output_that_is_asked_for_several_times_is_answered_once(client):
    request = {"inputs": [json.loads(tensor() + "}")], "outputs": [{"name": "label"}, {"name": "logits"}] * 8}
    answer = client.post(INFER, json=request)
    assert [output["name"] for output in answer.json()["outputs"]] == ["label", "logits"]


@pytest.fixture(scope="module")
def wide(make_artifact):
    """A model of 1,000 labels."""
    names = tuple(f"label-{number:04}" for number in range(1000))
    artifact = make_artifact(
        "wide", labels=Labels(names, Task.SINGLE_LABEL), words={"good": (3.0,) + (0.0,) * 998 + (2.0,)}
    )
    with TestClient(create_app(textwright.load(artifact, num_threads=1))) as client:
        yield client


TEXTS = ["good"] * 1000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/predict", {"texts": TEXTS}),
        ("/predict", {"inputs": [[text] for text in TEXTS]}),
        ("/invocations", {"instances": TEXTS}),
        ("/v2/models/wide/infer", {"inputs": [{"name": "a", "datatype": "BYTES", "shape": [1000], "data": TEXTS}]}),
    ],
)
def test_an_answer_that_would_be_too_large_is_refused_before_it_is_computed(wide, path, body):
    answer = wide.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "request-limit")
    assert "--max-answer-bytes" in answer.json()["detail"]


def test_so_is_a_table(wide):
    answer = wide.post("/v1/predict", content="\n".join(["text", *TEXTS]), headers={"content-type": CSV})
    assert (answer.status_code, answer.json()["code"]) == (422, "request-limit")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/predict", {"texts": TEXTS, "top_k": 2}),
        ("/predict", {"inputs": TEXTS, "parameters": {"top_k": 2}}),
        (
            "/v2/models/wide/infer",
            {
                "inputs": [{"name": "a", "datatype": "BYTES", "shape": [1000], "data": TEXTS}],
                "outputs": [{"name": "label"}],
            },
        ),
    ],
)
def test_fewer_labels_or_outputs_are_answered(wide, path, body):
    answer = wide.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 500_000


def test_the_estimate_is_not_below_what_is_sent(wide):
    bound = wide.app.state.settings.max_answer_bytes
    texts = TEXTS[:100]
    assert len(wide.post("/v1/predict", json={"texts": texts}).content) < bound
    model = wide.app.state.registry.default.model
    most = model.label_bytes + 1000 * 28 + 120
    assert len(wide.post("/v1/predict", json={"texts": texts}).content) <= 100 * most + 200


def test_top_k_gives_the_most_probable_labels_best_first(wide):
    (few,) = wide.post("/v1/predict", json={"text": "good", "top_k": 2}).json()["predictions"]
    (every,) = wide.post("/v1/predict", json={"text": "good"}).json()["predictions"]
    assert list(few["probabilities"]) == ["label-0000", "label-0999"]
    assert few["probabilities"] == {name: every["probabilities"][name] for name in few["probabilities"]}
    assert len(every["probabilities"]) == 1000
    assert (few["label"], few["confidence"]) == (every["label"], every["confidence"])


@pytest.mark.parametrize("top_k", [5000, None, 1000.0])
def test_top_k_beyond_the_labels_gives_all(wide, top_k):
    (said,) = wide.post("/v1/predict", json={"text": "good", "top_k": top_k}).json()["predictions"]
    assert len(said["probabilities"]) == 1000


@pytest.mark.parametrize("top_k", [0, -1, 1.5, "2", True, [1]])
def test_another_top_k_is_refused_in_words(client, top_k):
    answer = client.post("/v1/predict", json={"text": "good", "top_k": top_k})
    assert (answer.status_code, answer.json()["code"]) == (422, "request")
    assert '"top_k" must be a whole number of 1 or more' in answer.json()["detail"]


PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "limits.md").read_text(encoding="utf-8")
BOUNDS = re.findall(r"^\| `--([a-z-]+)` \| ([0-9.]+) \|", PAGE, re.MULTILINE)


def test_the_page_tells_every_bound_with_its_default():
    defaults = {name.replace("-", "_"): float(value) for name, value in BOUNDS}
    settings = ServeSettings().model_dump()
    assert defaults == {name: settings[name] for name in defaults}
    assert {name for name in settings if name.startswith("max_") or name.endswith("_s")} <= set(defaults)


def test_the_page_tells_the_bounds_of_files():
    def bound(pattern):
        return float(re.search(rf"^\|.*{pattern}", PAGE, re.MULTILINE)[1])

    assert bound(r"a line of .* \| (\d+) Mi \|") * 2**20 == MAX_LINE
    assert bound(r"`golden.jsonl`.* \| (\d+) MiB") * 2**20 == MOST_BYTES["golden.jsonl"] == MOST_BYTES["manifest.json"]
    assert bound(r"`tokenizer.json`.* \| (\d+) MiB") * 2**20 == MOST_BYTES["tokenizer.json"]
    assert bound(r"golden examples \| (\d+) s each") == MAX_OPEN_SECONDS
    assert bound(r"`temperature` .* \| ([0-9.]+) to") == LOWEST_TEMPERATURE
    assert bound(r"`temperature` .* to (\d+) \|") == HIGHEST_TEMPERATURE
    assert bound(r"`max_length` .* to (\d+) tokens") == _MAX_TOKENS


def test_the_page_tells_the_bounds_of_connections():
    for bound in (f"{_MAX_UNFINISHED_BYTES // 10**6} MB", f"| {_MAX_PIPELINED} | 431", f"answer | {_STALLED_S:g} |"):
        assert bound in PAGE


def test_the_page_tells_statuses_and_codes_as_they_are():
    status_of = {kind.code: int(status) for kind, status in STATUS.items()}
    told = re.findall(r"\b(4\d\d|504) `([a-z-]+)`", PAGE)
    assert told
    assert all(status_of[code] == int(status) for status, code in told)
