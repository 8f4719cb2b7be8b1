"""The Open Inference Protocol as its specification describes it: health, metadata, JSON and binary tensors."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

TEXTS = ["a good film", "", "an awful film", "\U0001f600 \u4f60\u597d"]
INFER = "/v2/models/tiny/infer"


def tensor(*texts, **fields):
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts), **fields}


def infer(client, *inputs, **fields):
    return client.post(INFER, json={"inputs": list(inputs), **fields})


def outputs_of(answer):
    assert answer.status_code == 200, answer.text
    return {item["name"]: item for item in answer.json()["outputs"]}


def counted(*texts):
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)


def post_binary(client, request, binary, **headers):
    head = json.dumps(request).encode()
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return client.post(INFER, content=head + binary, headers=headers)


def test_health_and_metadata(client, predictor):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/tiny/ready").json() == {"name": "tiny", "ready": True}
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    model = client.get("/v2/models/tiny").json()
    assert (model["name"], model["versions"]) == ("tiny", [predictor.artifact.version])
    assert model["parameters"]["labels"] == ["negative", "positive"]
    assert {item["name"]: item["datatype"] for item in model["outputs"]} == {
        "label": "BYTES",
        "probabilities": "FP32",
        "logits": "FP32",
        "truncated": "BOOL",
    }


def test_texts_in_json_are_predicted_as_by_the_python_api(client, predictor):
    found = outputs_of(infer(client, tensor(*TEXTS), id="42"))
    said = predictor.predict(TEXTS)
    assert found["label"]["data"] == [item.label for item in said]
    assert found["probabilities"]["shape"] == [4, 2]
    assert found["probabilities"]["data"] == pytest.approx(
        [value for item in said for value in item.probabilities.values()], abs=1e-6
    )
    assert found["logits"]["data"] == pytest.approx(predictor.logits(TEXTS).ravel().tolist(), abs=1e-6)
    assert found["truncated"]["data"] == [False] * 4


def test_id_model_and_version_are_told(client, predictor):
    answer = infer(client, tensor("good"), id="42").json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", "tiny", predictor.artifact.version)
    assert "id" not in infer(client, tensor("good")).json()


@pytest.mark.parametrize("data", [["good", "bad"], [["good"], ["bad"]]])
def test_rows_of_one_text_are_texts(client, data):
    found = outputs_of(infer(client, tensor(data=data, shape=[2, 1])))
    assert found["label"]["data"] == ["positive", "negative"]


def test_only_the_outputs_that_were_asked_for_come(client):
    found = outputs_of(infer(client, tensor("good"), outputs=[{"name": "label"}]))
    assert list(found) == ["label"]


def test_a_version_in_the_address_must_be_the_models(client, predictor):
    path = f"/v2/models/tiny/versions/{predictor.artifact.version}"
    assert client.get(path).status_code == 200
    assert client.post(f"{path}/infer", json={"inputs": [tensor("good")]}).status_code == 200
    for wrong in ("/v2/models/other", "/v2/models/tiny/versions/1", "/v2/models/other/ready"):
        answer = client.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_texts_in_bytes_are_read(client, predictor):
    request = {"inputs": [tensor(shape=[4], data=None, parameters={"binary_data_size": len(counted(*TEXTS))})]}
    del request["inputs"][0]["data"]
    found = outputs_of(post_binary(client, request, counted(*TEXTS)))
    assert found["logits"]["data"] == pytest.approx(predictor.logits(TEXTS).ravel().tolist(), abs=1e-6)


def test_a_client_that_declares_no_media_type_is_answered(client):
    body = json.dumps({"inputs": [tensor("good")]}).encode()
    assert client.post(INFER, content=body, headers={}).status_code == 200
    assert client.post(INFER, content=body, headers={"content-type": "text/plain"}).status_code == 415


def test_outputs_in_bytes_follow_the_json_in_order(client, predictor):
    answer = infer(client, tensor(*TEXTS), parameters={"binary_data_output": True})
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    head, data = json.loads(answer.content[:length]), answer.content[length:]
    parts = {}
    for output in head["outputs"]:
        size = output["parameters"]["binary_data_size"]
        parts[output["name"]], data = data[:size], data[size:]
        assert "data" not in output
    assert data == b""
    assert parts["label"] == counted(*[item.label for item in predictor.predict(TEXTS)])
    assert np.frombuffer(parts["logits"], "<f4").reshape(4, 2) == pytest.approx(predictor.logits(TEXTS), abs=1e-6)
    assert parts["truncated"] == bytes(4)


def test_one_output_may_be_bytes_and_another_json(client):
    outputs = [{"name": "label"}, {"name": "logits", "parameters": {"binary_data": True}}]
    answer = infer(client, tensor("good"), outputs=outputs)
    length = int(answer.headers["inference-header-content-length"])
    label, logits = json.loads(answer.content[:length])["outputs"]
    assert label["data"] == ["positive"]
    assert logits["parameters"]["binary_data_size"] == len(answer.content) - length == 8


def test_no_label_of_a_multi_label_model_is_an_empty_string(tiny_multilabel_artifact):
    from starlette.testclient import TestClient

    import textwright
    from textwright.server.app import create_app

    with TestClient(create_app(textwright.load(tiny_multilabel_artifact, num_threads=1))) as client:
        answer = client.post("/v2/models/tiny-multilabel/infer", json={"inputs": [tensor("song", "the")]})
        found = outputs_of(answer)
    assert found["label"]["data"] == ["music", ""]
    assert found["probabilities"]["shape"] == [2, 3]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "0 inputs"),
        ([tensor("a"), tensor("b")], "2 inputs"),
        ([tensor("a", datatype="INT64")], "'INT64'"),
        ([tensor("a", shape=[2])], "1 texts, but its shape is [2]"),
        ([tensor("a", shape=[1, 2])], "[N, 1]"),
        ([tensor("a", shape=[])], "[N]"),
        ([tensor(shape=[0])], "[N]"),
        ([tensor("a", shape=[-1])], "[N]"),
        ([tensor(data=[1], shape=[1])], "data[0]"),
        ([tensor(data="a", shape=[1])], "no data"),
        ([{"name": "text"}], "inputs.0.shape"),
        ([tensor("a", parameters={"binary_data_size": 9})], "9, but 0 bytes"),
        ([tensor("a", parameters={"binary_data_size": -1})], "-1, but 0 bytes"),
    ],
    ids=str,
)
def test_a_tensor_that_is_not_of_texts_is_refused_in_words(client, inputs, said):
    answer = infer(client, *inputs)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize("media_type", ["", "application/json", "application/octet-stream"])
def test_commas_of_binary_texts_are_no_values(client, media_type):
    limits = client.app.state.settings
    texts = ["good".ljust(limits.max_text_chars, ",")] * limits.max_texts
    assert sum(text.count(",") for text in texts) > 16 * limits.max_texts + 4_096  # more than JSON may have
    binary = counted(*texts)
    request = {"inputs": [tensor(shape=[len(texts)], data=None, parameters={"binary_data_size": len(binary)})]}
    answer = post_binary(client, request, binary, content_type=media_type)
    assert outputs_of(answer)["label"]["data"] == ["positive"] * len(texts)


@pytest.mark.parametrize(
    ("binary", "said"),
    [
        (counted("good")[:-1], "beyond the end"),
        (b"\xff\xff\xff\xff", "beyond the end"),
        (struct.pack("<I", 2) + b"\xff\xfe", "text 0 is not UTF-8"),
        (counted("good", "bad"), "2 texts, but its shape is [1]"),
        (b"", "0 texts"),
    ],
)
def test_broken_bytes_are_refused_in_words(client, binary, said):
    request = {"inputs": [tensor("a", parameters={"binary_data_size": len(binary)})]}
    answer = post_binary(client, request, binary)
    assert answer.status_code == 422
    assert said in answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "100000", "9" * 5000, "0" * 5000, "\u0661"])
def test_a_wrong_length_of_the_json_is_refused(client, length):
    answer = post_binary(client, {}, b"", inference_header_content_length=length.encode())
    assert answer.json()["code"] in {"request", "request-syntax"}


def test_an_unknown_output_is_refused_with_those_there_are(client):
    answer = infer(client, tensor("good"), outputs=[{"name": "scores"}])
    assert answer.status_code == 422
    assert "label, probabilities, logits, truncated" in answer.json()["error"]


def test_the_limits_hold(client):
    assert infer(client, tensor(*["a"] * 6)).json()["code"] == "request-limit"


def test_tritons_clients_find_the_configuration_and_the_models(client, predictor):
    config = client.get("/v2/models/tiny/config").json()
    assert (config["name"], config["max_batch_size"]) == ("tiny", 0)
    assert config["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}]
    assert {item["name"]: (item["data_type"], item["dims"]) for item in config["output"]} == {
        "label": ("TYPE_STRING", [-1]),
        "probabilities": ("TYPE_FP32", [-1, 2]),
        "logits": ("TYPE_FP32", [-1, 2]),
        "truncated": ("TYPE_BOOL", [-1]),
    }
    assert client.get("/v2/models/other/config").status_code == 404
    assert client.post("/v2/repository/index").json() == [
        {"name": "tiny", "version": predictor.artifact.version, "state": "READY", "reason": ""}
    ]
