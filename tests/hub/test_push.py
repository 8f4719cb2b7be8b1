"""Pushing: what is sent, what the card says, and what goes wrong in words."""

from __future__ import annotations

import json

import pytest
import yaml
from hub_server import point_client_to

from textwright.core import artifact as artifacts
from textwright.core.hub import HubAddress
from textwright.errors import HubAccessError, HubError, HubNetworkError, SettingsError
from textwright.hub.card import hub_card
from textwright.hub.push import push
from textwright.hub.settings import PushSettings

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own upload

REPO = "owner/reviews"


def send(path, repo=REPO, **settings):
    return push(artifacts.read(path), repo, PushSettings(**settings))


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


@pytest.fixture
def run(make_artifact, tmp_path):
    """A run folder with what a training leaves beside the artifact."""
    folder = tmp_path / "run"
    artifacts.copy(artifacts.read(make_artifact("reviews")), folder / "artifact")
    for name in ("checkpoint/state.pt", "tensorboard/events.out", "settings.json", "texts.npz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"of the run, not of the artifact")
    return folder


def test_exactly_the_artifact_and_a_card_are_sent(hub, run):
    pushed = send(run)
    files = hub.repos["model", REPO].files()
    artifact = artifacts.read(run)
    expected = {f"artifact/{name}" for name in (*artifact.files, "manifest.json")}
    assert {*files} == {*expected, "README.md", ".gitattributes"}
    assert files["artifact/manifest.json"] == (run / "artifact/manifest.json").read_bytes()
    assert files["artifact/model.onnx"] == (run / "artifact/model.onnx").read_bytes()
    assert (pushed.version, pushed.num_files) == (artifact.version, len(expected))
    assert any("PUT /lfs/" in request for request in hub.requests), "the graph goes to large-file storage"


def test_a_second_push_replaces_the_files_of_the_first_in_one_commit(hub, make_artifact):
    first = send(make_artifact("reviews"))
    repo = hub.repos["model", REPO]
    stale = {**repo.files(), "artifact/int8.onnx": b"of an earlier variant", "notes.md": b"mine"}
    repo.commit("main", stale, "by hand")
    num_commits = len(repo.messages)
    second = send(make_artifact("reviews", temperature=2.0))
    assert second.version != first.version
    assert len(repo.messages) == num_commits + 1
    assert "artifact/int8.onnx" not in repo.files()
    assert repo.files()["notes.md"] == b"mine"


def test_pushing_the_same_again_sends_no_file(hub, make_artifact):
    path = make_artifact("reviews")
    first = send(path)
    hub.requests.clear()
    assert send(path).commit == first.commit
    assert not [request for request in hub.requests if request.startswith("PUT")]


def test_the_card_has_the_metadata_of_the_hub(hub, trained_run):
    run, _ = trained_run("bow", "multi-class")
    send(run, license="apache-2.0", language="en", dataset="owner/rows")
    fields = front_matter(hub.repos["model", REPO].files()["README.md"].decode())
    assert fields["license"] == "apache-2.0"
    assert fields["library_name"] == "textwright"
    assert fields["pipeline_tag"] == "text-classification"
    assert fields["language"] == "en"
    assert fields["datasets"] == ["owner/rows"]
    assert "accuracy" in fields["metrics"]
    measured = artifacts.read(run).manifest.variants["fp32"].metrics
    results = {item["dataset"]["split"]: item for item in fields["model-index"][0]["results"]}
    values = {item["type"]: item["value"] for item in results["test"]["metrics"]}
    assert values["accuracy"] == pytest.approx(measured["accuracy"]["value"], abs=1e-6)


def test_a_license_that_nobody_gave_is_unknown_and_a_local_file_is_no_dataset(make_artifact):
    artifact = artifacts.read(make_artifact("reviews", data={"source": "/home/somebody/reviews.csv"}))
    fields = front_matter(hub_card(artifact, HubAddress(REPO), PushSettings()))
    assert fields["license"] == "unknown"
    assert "datasets" not in fields
    assert "/home/somebody" not in hub_card(artifact, HubAddress(REPO), PushSettings())


def test_a_source_of_the_hub_is_named_as_the_dataset(make_artifact):
    artifact = artifacts.read(make_artifact("reviews", data={"source": "hf://datasets/owner/rows@v1"}))
    assert front_matter(hub_card(artifact, HubAddress(REPO), PushSettings()))["datasets"] == ["owner/rows"]


def test_the_card_shows_how_this_very_repository_is_loaded(trained_run):
    artifact = artifacts.read(trained_run("bow", "multi-class")[0])
    card = hub_card(artifact, HubAddress(REPO, "v2"), PushSettings())
    assert f'textwright.load("hf://{REPO}@v2")' in card


def test_a_card_that_was_edited_can_stay(hub, make_artifact):
    send(make_artifact("reviews"))
    repo = hub.repos["model", REPO]
    repo.commit("main", {**repo.files(), "README.md": b"my words"}, "by hand")
    send(make_artifact("reviews", temperature=3.0), card=False)
    assert repo.files()["README.md"] == b"my words"


def test_a_license_that_the_hub_does_not_take_is_refused_before_anything_is_sent(hub, make_artifact):
    with pytest.raises(HubError, match="license"):
        send(make_artifact("reviews"), license="My Own License!")
    assert [*hub.repos["model", REPO].files()] == [".gitattributes"]


def test_a_branch_is_made_and_main_stays(hub, make_artifact):
    pushed = send(make_artifact("reviews"), revision="v2")
    repo = hub.repos["model", REPO]
    assert "artifact/manifest.json" in repo.files("v2")
    assert "artifact/manifest.json" not in repo.files("main")
    assert pushed.address == f"hf://{REPO}@v2"


def test_private_makes_a_private_repository(hub, make_artifact):
    send(make_artifact("reviews"), private=True)
    assert hub.repos["model", REPO].private


def test_private_refuses_a_repository_that_is_public(hub, make_artifact):
    hub.add("model", REPO, {"README.md": b"public"})
    with pytest.raises(HubError, match=r"is public, and --private was given"):
        send(make_artifact("reviews"), private=True)
    assert [*hub.repos["model", REPO].files()] == ["README.md"]


def test_without_a_token_nothing_is_asked(hub, make_artifact, tmp_path, monkeypatch):
    point_client_to(hub, tmp_path, monkeypatch, token="")
    with pytest.raises(HubAccessError, match="hf auth login"):
        send(make_artifact("reviews"))
    assert hub.requests == []


@pytest.mark.parametrize(("token", "repo"), [("hf_reader", REPO), ("hf_owner", "other/reviews"), ("hf_no", REPO)])
def test_a_token_without_the_right_is_refused_in_words(hub, make_artifact, tmp_path, monkeypatch, token, repo):
    point_client_to(hub, tmp_path, monkeypatch, token=token)
    with pytest.raises(HubAccessError, match=r"no right|not valid"):
        send(make_artifact("reviews"), repo)


def test_a_hub_that_does_not_answer_is_said_in_words(hub, make_artifact, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubNetworkError, match="cannot be reached"):
        send(make_artifact("reviews"))


@pytest.mark.parametrize("repo", ["reviews", "a/b/c", "hf://datasets/owner/rows", "owner/reviews@v1", "ow ner/x", ""])
def test_a_name_that_is_no_repository_is_refused(hub, make_artifact, repo):
    with pytest.raises(SettingsError):
        send(make_artifact("reviews"), repo)
    assert hub.requests == []


def test_a_cascade_is_pushed_with_its_stages(hub, make_cascade):
    path = make_cascade()
    send(path)
    files = hub.repos["model", REPO].files()
    assert "artifact/fast/manifest.json" in files
    assert json.loads(files["artifact/manifest.json"])["sha256"] == artifacts.read(path).digest
