"""A split and a shadow as clients meet them: who answers, what is counted, and when requests return."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections import Counter
from hashlib import sha256
from time import monotonic, sleep

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_process import serving
from starlette.testclient import TestClient
from tiny_words import SENTIMENT_WORDS, TOPICS

import textwright
from textwright.core.labels import Labels
from textwright.errors import BackendError, SettingsError
from textwright.server.app import create_app
from textwright.server.registry.model_spec import ModelSpec
from textwright.server.registry.registry import ModelRegistry
from textwright.server.registry.return_guard import CountWindow
from textwright.server.settings import ServeSettings

OPPOSITE = {word: scores[::-1] for word, scores in SENTIMENT_WORDS.items()}
PREDICT = "/v1/predict"


def metrics_of(client):
    """Return sample name and the values of its labels -> value."""
    text = client.get("/metrics").text
    return {
        (sample.name.removeprefix("textwright_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def who(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["model"]["name"]


def wait_until(condition, seconds=60):
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end
        sleep(0.01)


@pytest.fixture
def make_app(make_artifact):
    """Return a function that makes an application of an old model and a new one."""

    def make(new=None, **fields):
        settings = ServeSettings(**fields)
        paths = {"old": make_artifact("old"), "new": make_artifact("new", **(new or {}))}
        specs = [ModelSpec(path, name) for name, path in paths.items()]
        models = [spec.serve(textwright.load(spec.path, num_threads=1), settings) for spec in specs]
        return create_app(ModelRegistry(models), settings)

    return make


@pytest.fixture
def serve(make_app):
    """Return a function that starts such an application and gives its client."""
    clients = []

    def start(**fields):
        client = TestClient(make_app(**fields), raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


def test_requests_are_split_and_the_answer_says_who_answered(serve):
    client = serve(split="old=70,new=30")
    names = Counter(who(client.post(PREDICT, json={"text": f"good {number}"})) for number in range(200))
    assert 30 <= names["new"] <= 90
    counted = metrics_of(client)
    assert counted["split_requests_total", "old"] == names["old"]
    assert counted["split_requests_total", "new"] == names["new"]
    assert counted["split_returned", "new"] == 0


def test_the_same_text_and_the_same_key_have_the_same_model(serve):
    client = serve(split="old=50,new=50")
    by_text = {number: who(client.post(PREDICT, json={"text": f"text {number}"})) for number in range(20)}
    assert set(by_text.values()) == {"old", "new"}
    for number, name in by_text.items():
        assert who(client.post(PREDICT, json={"texts": [f"text {number}"]})) == name
        assert who(client.post("/v1/predict?model=old", json={"text": f"text {number}"})) == "old"
    by_key = {
        key: {who(client.post(PREDICT, json={"text": f"text {n}"}, headers={"x-split-key": key})) for n in range(5)}
        for key in ("anna", "bert", "carl", "dora", "emil", "fred")
    }
    assert all(len(names) == 1 for names in by_key.values())
    assert set().union(*by_key.values()) == {"old", "new"}


def test_an_api_key_is_a_key(serve, tmp_path):
    names = [f"client{number}" for number in range(8)]
    lines = [f"{name} {sha256(name.encode()).hexdigest()}" for name in names]
    (tmp_path / "keys").write_text("\n".join([*lines, ""]))
    client = serve(split="old=50,new=50", api_keys=tmp_path / "keys")
    by_key = {
        name: {
            who(client.post(PREDICT, json={"text": f"text {n}"}, headers={"authorization": f"Bearer {name}"}))
            for n in range(5)
        }
        for name in names
    }
    assert all(len(models) == 1 for models in by_key.values())
    assert set().union(*by_key.values()) == {"old", "new"}


@pytest.mark.parametrize("body", [{"inputs": "good"}, {"inputs": [["good"], ["bad"]]}])
def test_other_protocols_are_split_too(serve, body):
    client = serve(split="old=0,new=100")
    assert client.post("/predict", json=body).status_code == 200
    assert metrics_of(client)["split_requests_total", "new"] == 1


def test_a_request_that_names_a_model_is_not_split(serve):
    client = serve(split="old=0,new=100", shadow="new")
    assert who(client.post(PREDICT, json={"text": "good", "model": "old"})) == "old"
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["good"]}
    assert client.post("/v2/models/old/infer", json={"inputs": [tensor]}).json()["model_name"] == "old"
    assert ("split_requests_total", "old") not in metrics_of(client)


def test_the_shadow_is_compared_and_never_sent(serve):
    client = serve(new={"words": {**SENTIMENT_WORDS, "good": (2.0, -2.0)}}, shadow="new")
    answer = client.post(PREDICT, json={"texts": ["good", "great", "awful"]})
    assert who(answer) == "old"
    assert [item["label"] for item in answer.json()["predictions"]] == ["positive", "positive", "negative"]
    wait_until(lambda: metrics_of(client).get(("shadow_texts_total", "new", "agreed")) == 2)
    assert metrics_of(client)["shadow_texts_total", "new", "disagreed"] == 1


def test_what_the_shadow_cannot_take_is_dropped_and_counted(serve):
    client = serve(shadow="new", shadow_max_texts=2)
    assert who(client.post(PREDICT, json={"texts": ["good"] * 3})) == "old"
    wait_until(lambda: metrics_of(client).get(("shadow_texts_total", "new", "dropped")) == 3)


def break_model(client, name):
    """Let a model fail from now on."""

    def fail(*_args, **_kwargs):
        raise BackendError("broken for a test")

    served = client.app.state.registry.find(name)
    for stage in served.stages:
        stage.engine.predictor.infer = fail


def test_requests_return_when_the_candidate_fails(serve, caplog):
    client = serve(split="old=0,new=100", split_window=100)
    break_model(client, "new")
    told = []
    client.app.state.traffic.on_return = lambda name, reason: told.append((name, reason))
    with caplog.at_level(logging.WARNING, logger="textwright"):
        statuses = [client.post(PREDICT, json={"text": "good"}).status_code for _ in range(12)]
    assert statuses[:6] == [503] * 6
    assert statuses[8:] == [200] * 4  # 5 % of 100 may fail; the sixth was one too many
    assert who(client.post(PREDICT, json={"text": "good"})) == "old"
    counted = metrics_of(client)
    assert counted["split_returned", "new"] == 1
    assert counted["model_errors_total", "new"] >= 6
    assert [record.getMessage() for record in caplog.records].count("traffic returned") == 1
    ((name, reason),) = told
    assert (name, reason.split(",")[0]) == ("new", f"{reason[0]} of the last {reason[0]} requests failed")


def test_a_broken_candidate_does_not_make_the_server_unready(serve):
    client = serve(split="old=50,new=50")
    break_model(client, "new")
    client.post(PREDICT, json={"text": "good", "model": "new"})
    assert client.get("/readyz").status_code == 200
    break_model(client, "old")
    client.post(PREDICT, json={"text": "good", "model": "old"})
    assert client.get("/readyz").status_code == 503


def test_requests_return_when_the_candidate_is_slow(serve):
    client = serve(split="old=0,new=100", split_window=20, split_max_latency_ms=1e-6)
    names = [who(client.post(PREDICT, json={"text": "good"})) for _ in range(6)]
    assert names[0] == "new"
    assert names[-1] == "old"


@pytest.mark.parametrize("fields", [{"split": "old=0,new=100"}, {"shadow": "new"}])
def test_requests_return_when_the_candidate_disagrees(serve, fields):
    client = serve(new={"words": OPPOSITE}, split_window=20, split_max_disagreement=0.2, **fields)
    for _ in range(3):
        client.post(PREDICT, json={"texts": ["good"] * 2})
    wait_until(lambda: metrics_of(client)["split_returned", "new"] == 1)
    assert who(client.post(PREDICT, json={"text": "good"})) == "old"
    counted = metrics_of(client)["shadow_texts_total", "new", "disagreed"]
    client.post(PREDICT, json={"text": "good"})
    sleep(0.05)
    assert metrics_of(client)["shadow_texts_total", "new", "disagreed"] == counted  # it is not asked any more


def test_a_candidate_that_agrees_is_left_alone(serve):
    client = serve(split="old=50,new=50", split_window=5, split_max_error_share=0, split_max_disagreement=0)
    for number in range(60):
        client.post(PREDICT, json={"text": f"good {number}"})
        client.post(PREDICT, json={"texts": []})  # a client's own fault is no error of the candidate
    assert metrics_of(client)["split_returned", "new"] == 0


def test_a_reload_gives_the_candidate_its_share_again(make_artifact, tmp_path):
    admin = tmp_path / "admin"
    admin.write_text(f"root {sha256(b'secret').hexdigest()}\n")
    settings = ServeSettings(split="old=0,new=100", split_window=20, admin_keys=admin)
    place = shutil.copytree(make_artifact("new"), tmp_path / "new")
    specs = [ModelSpec(make_artifact("old"), "old"), ModelSpec(place, "new")]
    registry = ModelRegistry([spec.load(settings) for spec in specs])
    with TestClient(create_app(registry, settings), raise_server_exceptions=False) as client:
        client.app.state.traffic.give_back("new", "a test")
        assert who(client.post(PREDICT, json={"text": "good"})) == "old"
        reload = client.post("/v1/models/new/reload", headers={"authorization": "Bearer secret"})
        assert reload.status_code == 200
        assert who(client.post(PREDICT, json={"text": "good"})) == "new"
        shutil.rmtree(place)
        shutil.copytree(make_artifact("new", labels=Labels(("bad", "good"))), place)
        refused = client.post("/v1/models/new/reload", headers={"authorization": "Bearer secret"})
        assert refused.status_code == 503
        assert "same labels" in refused.json()["detail"]
        assert who(client.post(PREDICT, json={"text": "good"})) == "new"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"split": "old=90,newer=10"}, "names 'newer', and the models are old, new"),
        ({"shadow": "newer"}, "names 'newer'"),
        ({"shadow": "old"}, "which answers already"),
        ({"split": "old=90,new=10", "new": {"labels": Labels(("bad", "good"))}}, "same labels"),
        ({"shadow": "new", "new": {"labels": TOPICS, "words": {"song": (1.0, 0.0, 0.0)}}}, "same labels"),
    ],
)
def test_wrong_names_and_labels_are_refused(make_app, fields, reason):
    with pytest.raises(SettingsError, match=reason):
        make_app(**fields)


def test_two_models_of_one_name_cannot_be_split(make_artifact):
    settings = ServeSettings(split="tiny=50,other=50")
    paths = [make_artifact("tiny"), make_artifact("tiny", words=OPPOSITE)]
    models = [ModelSpec(path).serve(textwright.load(path, num_threads=1), settings) for path in paths]
    with pytest.raises(SettingsError, match=r"two models are called 'tiny'.*old=PATH new=PATH"):
        create_app(ModelRegistry(models), settings)


def test_a_window_forgets_what_is_long_ago():
    window = CountWindow(10, 0.2)
    assert not any(window.add(is_bad=number % 5 == 0) for number in range(100))
    assert [window.add(is_bad=True) for _ in range(3)][-1]


def test_the_shadow_waits_while_the_model_that_answers_is_busy(make_app):
    app = make_app(shadow="new")

    async def ask():
        async with app.router.lifespan_context(app):
            registry, traffic = app.state.registry, app.state.traffic
            old, new = registry.find("old"), registry.find("new")
            from textwright.server.registry.shadow import ShadowRequest

            with old.stages[0].batcher.admit(1):
                traffic.compare(ShadowRequest(["good"], [("positive",)], old, new, "new"))
                await asyncio.sleep(0.05)
                during = app.state.metrics._shadow_texts.labels("new", "agreed")._value.get()
            await asyncio.sleep(0.1)
            return during, app.state.metrics._shadow_texts.labels("new", "agreed")._value.get()

    assert asyncio.run(ask()) == (0, 1)


@pytest.mark.slow
def test_all_workers_split_alike_and_return_together(make_artifact, tmp_path):
    words = ["old=" + str(make_artifact("old")), "new=" + str(make_artifact("new", words=OPPOSITE))]
    flags = ["--workers", "2", "--split", "old=50,new=50", "--split-max-disagreement", "0.1", "--split-window", "20"]
    log = tmp_path / "log"
    with serving(*words, *flags, log=log) as server:
        keys = [f"customer{number}" for number in range(20)]

        def ask(key):
            status, answer = server.ask("POST", PREDICT, {"text": "good"}, {"x-split-key": key})
            assert status == 200
            return answer["model"]["name"]

        first = {key: ask(key) for key in keys[:4]}  # each on a connection of its own, so from either worker
        wait_until(lambda: all(ask(key) in {first[key], "old"} for key in first))
        wait_until(lambda: {ask(key) for key in keys} == {"old"})
        assert all(ask(key) == "old" for key in keys * 5)
        assert 'textwright_split_returned{model="new"} 1.0' in server.ask("GET", "/metrics")[1]
        returned = [line for line in server.lines() if line["event"] == "traffic returned"]
        assert len(returned) == 2  # each worker says it
        assert {line["model"] for line in returned} == {"new"}
        before = {child.pid for child in psutil.Process(server.process.pid).children()}
        os.kill(min(before), signal.SIGKILL)
        # The worker that takes its place is told as well: it says so in the log, as the others did.
        wait_until(lambda: [line["event"] for line in server.lines()].count("traffic returned") == 3)
        assert all(ask(key) == "old" for key in keys * 2)
