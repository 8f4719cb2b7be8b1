"""Several models in one server: each is found by name and version, and the first answers where none is named."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from textwright.errors import BackendError, NotFoundError, SettingsError
from textwright.server.app import create_app
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.registry.registry import ModelRegistry
from textwright.server.settings import ServeSettings

SETTINGS = ServeSettings(num_threads=1)


@pytest.fixture
def paths(make_artifact, tiny_multilabel_artifact):
    other = {"good": (3.0, -3.0), "bad": (-3.0, 3.0)}  # another version of the same name, which says the opposite
    return make_artifact("tiny"), tiny_multilabel_artifact, make_artifact("tiny", words=other)


def load(*words):
    return ModelRegistry([ModelSpec.parse(str(word)).load(SETTINGS) for word in words])


@pytest.fixture
def registry(paths):
    return load(*paths)


@pytest.fixture
def client(registry):
    with TestClient(create_app(registry, SETTINGS)) as client:
        yield client


def model_of(answer):
    assert answer.status_code == 200, answer.text
    return "{name}@{version}".format(**answer.json()["model"])


def test_the_first_answers_where_none_is_named(client, registry):
    assert model_of(client.post("/v1/predict", json={"text": "good"})) == registry.models[0].title


@pytest.mark.parametrize("position", [0, 1, 2])
def test_each_is_found_by_name_and_version(client, registry, position):
    service = registry.models[position]
    body = {"text": "good", "model": service.title}
    assert model_of(client.post("/v1/predict", json=body)) == service.title
    address = f"/v1/predict?model={service.title}"
    assert model_of(client.post(address, json={"text": "good"})) == service.title
    table = client.post(address, content=b"text\ngood\n", headers={"content-type": "text/csv"})
    assert table.status_code == 200
    assert table.text.startswith("text,predicted_label" + ("s," if position == 1 else ","))


def test_of_two_versions_the_first_has_the_name(client, registry):
    one, _, other = registry.models
    labels = [
        client.post("/v1/predict", json={"text": "good", "model": asked}).json()["predictions"][0]["label"]
        for asked in ("tiny", one.title, other.title)
    ]
    assert labels == ["positive", "positive", "negative"]


def test_the_open_inference_routes_serve_each(client, registry):
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["good"]}
    for service in registry.models:
        name, version = service.identity.name, service.identity.version
        address = f"/v2/models/{name}/versions/{version}"
        assert client.get(address).json()["parameters"]["labels"] == service.info.labels
        assert client.get(f"{address}/ready").json() == {"name": name, "ready": True}
        answer = client.post(f"{address}/infer", json={"inputs": [tensor]}).json()
        assert (answer["model_name"], answer["model_version"]) == (name, version)
    assert client.get("/v2/models/tiny/versions/000000000000").status_code == 404


@pytest.mark.parametrize("asked", ["other", "tiny@000000000000", "", "@", "tiny-multilabel@", "t@i@n@y"])
def test_an_unknown_model_is_told_with_those_there_are(client, registry, asked):
    answer = client.post("/v1/predict", json={"text": "good", "model": asked})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert all(service.title in answer.json()["detail"] for service in registry.models)


def test_all_are_listed_the_default_first(client, registry):
    listed = client.get("/v1/models").json()["models"]
    assert [f"{item['name']}@{item['version']}" for item in listed] == [item.title for item in registry.models]
    assert listed[0] == client.get("/v1/model").json()
    assert listed[1] == client.get("/v1/model?model=tiny-multilabel").json()


def test_a_name_of_the_command_line_goes_before_the_artifacts(paths):
    registry = load(f"mine={paths[0]}", paths[0])
    assert [service.identity.name for service in registry.models] == ["mine", "tiny"]
    assert registry.choose("mine").info.name == "mine"


def test_one_model_twice_is_refused_with_the_cure(paths):
    with pytest.raises(SettingsError, match="OTHER-NAME=PATH"):
        load(paths[0], paths[0])


@pytest.mark.parametrize("word", ["=x", "a b=x", "-a=x", "\u00e9=x", "a" * 129 + "=x"])
def test_a_name_that_does_not_fit_into_an_address_is_refused(word):
    with pytest.raises(SettingsError, match="name of a model"):
        ModelSpec.parse(word)


def test_a_path_with_an_equals_sign_is_a_path(tmp_path):
    (tmp_path / "lr=0.1").mkdir()
    word = str(tmp_path / "lr=0.1")
    assert ModelSpec.parse(word) == ModelSpec(tmp_path / "lr=0.1")
    assert ModelSpec.parse(f"name={word}") == ModelSpec(tmp_path / "lr=0.1", "name")


def test_a_model_that_is_not_here_is_an_error_of_ours(registry):
    with pytest.raises(NotFoundError):
        registry.find("tiny", "x")


def test_each_model_is_counted_by_its_name(client):
    client.post("/v1/predict", json={"texts": ["good", "bad"]})
    client.post("/v1/predict", json={"text": "song", "model": "tiny-multilabel"})
    told = client.get("/metrics").text
    assert 'textwright_texts_total{model="tiny"} 2.0' in told
    assert 'textwright_texts_total{model="tiny-multilabel"} 1.0' in told


def test_a_failing_model_leaves_the_others_answering(client, registry):
    async def broken(_items):
        raise BackendError("broken")

    registry.models[1].stages[0].batcher._run = broken
    registry.models[1].stages[0].engine.is_quick = lambda *_: False
    assert client.post("/v1/predict", json={"text": "song", "model": "tiny-multilabel"}).status_code == 503
    assert client.post("/v1/predict", json={"text": "good"}).status_code == 200
    assert client.get("/v2/models/tiny/ready").status_code == 200
    assert client.get("/v2/models/tiny-multilabel/ready").status_code == 503
    assert client.get("/readyz").status_code == 503
