"""The public clients of the protocols, against a real server: they understand it, and it understands them."""

from __future__ import annotations

import numpy as np
import pytest
from server_process import serving

import textwright

TEXTS = ["a good film", "an awful film", "", "caf\u00e9 \U0001f600"]


@pytest.fixture(scope="module")
def server(make_artifact, tmp_path_factory):
    artifact = make_artifact("tiny")
    with serving(artifact, "--num-threads", 1, log=tmp_path_factory.mktemp("log") / "log") as server:
        server.predictor = textwright.load(artifact, num_threads=1)
        yield server


@pytest.mark.parametrize("path", ["", "/", "/predict"])
@pytest.mark.parametrize("top_k", [None, 1])
@pytest.mark.parametrize("text", TEXTS[:2])
def test_the_inference_client_of_hugging_face(server, text, top_k, path):
    from huggingface_hub import InferenceClient

    client = InferenceClient(model=f"http://127.0.0.1:{server.port}{path}")
    found = client.text_classification(text, top_k=top_k)
    (said,) = server.predictor.predict([text])
    assert found[0].label == said.label
    assert len(found) == (top_k or 2)
    assert [item.score for item in found] == pytest.approx(
        sorted(said.probabilities.values(), reverse=True)[:top_k], abs=1e-6
    )


def test_the_inference_client_is_told_a_refusal_in_words(server):
    from huggingface_hub import InferenceClient
    from huggingface_hub.errors import HfHubHTTPError

    client = InferenceClient(model=f"http://127.0.0.1:{server.port}/predict")
    with pytest.raises(HfHubHTTPError, match="422"):
        client.text_classification("good " * 200_000 + "x")


@pytest.fixture
def triton(server):
    from tritonclient.http import InferenceServerClient

    client = InferenceServerClient(f"127.0.0.1:{server.port}")
    yield client
    client.close()


def test_tritons_client_asks_how_the_server_is(server, triton):
    version = server.predictor.artifact.version
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("tiny")
    assert triton.is_model_ready("tiny", version)
    assert triton.get_model_metadata("tiny")["versions"] == [version]
    assert triton.get_server_metadata()["name"] == "textwright"


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("shape", [[4], [4, 1]], ids=str)
def test_tritons_client_infers(server, triton, shape, is_binary):
    from tritonclient.http import InferInput, InferRequestedOutput

    texts = InferInput("text", shape, "BYTES")
    texts.set_data_from_numpy(np.array(TEXTS, dtype=object).reshape(shape), binary_data=is_binary)
    names = ["label", "probabilities", "logits", "truncated"]
    outputs = [InferRequestedOutput(name, binary_data=is_binary) for name in names]
    answer = triton.infer("tiny", [texts], outputs=outputs, request_id="abc")
    said = server.predictor.predict(TEXTS)
    labels = [item.decode() if isinstance(item, bytes) else item for item in answer.as_numpy("label")]
    assert labels == [item.label for item in said]
    expected = np.array([list(item.probabilities.values()) for item in said])
    assert answer.as_numpy("probabilities") == pytest.approx(expected, abs=1e-6)
    assert answer.as_numpy("logits") == pytest.approx(server.predictor.logits(TEXTS), abs=1e-5)
    assert answer.as_numpy("truncated").tolist() == [False] * 4
    assert answer.get_response()["id"] == "abc"


def test_tritons_client_is_told_a_refusal_in_words(server, triton):
    from tritonclient.http import InferInput
    from tritonclient.utils import InferenceServerException

    texts = InferInput("text", [1], "BYTES")
    texts.set_data_from_numpy(np.array(["good"], dtype=object))
    with pytest.raises(InferenceServerException, match="no such model"):
        triton.infer("other", [texts])
