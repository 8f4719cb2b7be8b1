"""Loading from the hub: every way in takes an address, every byte is verified, and what fails is said in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import environment, point_client_to
from server_process import serving

import textwright
from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.core.hub import HubAddress, is_hub_address
from textwright.errors import (
    ArtifactCorruptError,
    ArtifactFormatError,
    HubNetworkError,
    NotFoundError,
    SettingsError,
)
from textwright.hub.push import push
from textwright.hub.settings import PushSettings

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own upload

REPO = "owner/reviews"
ADDRESS = f"hf://{REPO}"
WORDS = (("great", "positive"), ("awful", "negative"))
TEXTS = ["a great film", "an awful film", "unheard of"]


@pytest.fixture
def pushed(hub, make_artifact):
    """A model on the hub, and the same on this machine."""
    path = make_artifact("reviews")
    push(artifacts.read(path), REPO, PushSettings())
    return path


def answers(model):
    return [item.probabilities for item in model.predict(TEXTS)]


def offline(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr("time.sleep", lambda _: None)  # between the client's tries, 23 seconds in all
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )


def test_what_was_pushed_is_loaded_byte_for_byte(hub, pushed):
    local, loaded = textwright.load(pushed), textwright.load(ADDRESS)
    assert loaded.artifact.digest == local.artifact.digest
    assert answers(loaded) == answers(local)


def test_a_path_object_is_an_address_too(hub, pushed):
    assert answers(textwright.load(Path(ADDRESS))) == answers(textwright.load(pushed))


def test_a_cascade_is_loaded_with_its_stages(hub, make_cascade):
    path = make_cascade()
    push(artifacts.read(path), REPO, PushSettings())
    assert answers(textwright.load(ADDRESS)) == answers(textwright.load(path))


def test_a_commit_and_a_branch_are_what_they_were(hub, pushed, make_artifact):
    first = artifacts.read(pushed)
    commit = hub.repos["model", REPO].find("main")
    second = artifacts.read(make_artifact("reviews", temperature=2.0))
    push(second, REPO, PushSettings(revision="v2"))
    push(second, REPO, PushSettings())
    assert artifacts.read(Path(f"{ADDRESS}@{commit}")).version == first.version
    assert artifacts.read(Path(f"{ADDRESS}@v2")).version == second.version
    assert artifacts.read(Path(ADDRESS)).version == second.version


def test_a_branch_may_have_a_slash(hub, pushed, make_artifact):
    newer = make_artifact("newer", bias=(1.0, 0.0))
    push(artifacts.read(newer), REPO, PushSettings(revision="new/words"))
    assert answers(textwright.load(f"{ADDRESS}@new%2Fwords")) == answers(textwright.load(newer))
    assert answers(textwright.load(ADDRESS)) == answers(textwright.load(pushed))


def test_the_report_of_a_promotion_lies_in_the_working_directory(hub, pushed, make_artifact, tmp_path, monkeypatch):
    champion = make_artifact("champion", bias=(0.0, 0.001))
    rows = "\n".join(f"the {word} film number {number},{label}" for number in range(100) for word, label in WORDS)
    (tmp_path / "frozen.csv").write_text(f"text,label\n{rows}\n")
    monkeypatch.chdir(tmp_path)
    cached = hub.repos["model", REPO].files().keys()
    command = ["promote", ADDRESS, "--against", str(champion), "--data", "frozen.csv", "--max-latency-ratio", "50"]
    assert run(command) in (0, 13)
    assert json.loads((tmp_path / "reviews.promotion" / "promotion.json").read_text())["overall"]
    folder = textwright.load(ADDRESS).artifact.path.parent
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} <= {*cached}


def test_only_what_the_manifest_names_is_downloaded(hub, pushed):
    repo = hub.repos["model", REPO]
    repo.commit("main", {**repo.files(), "artifact/huge.bin": b"0" * 5_000, "weights.bin": b"0" * 5_000}, "by hand")
    hub.requests.clear()
    artifacts.read(Path(ADDRESS))
    assert not [request for request in hub.requests if "huge" in request or "weights" in request]


def test_an_edited_card_does_not_damage_the_model(hub, pushed):
    repo = hub.repos["model", REPO]
    repo.commit("main", {**repo.files(), "README.md": b"edited on the hub"}, "edit the card")
    assert artifacts.read(Path(ADDRESS)).version == artifacts.read(pushed).version


def test_a_folder_that_was_uploaded_as_it_is_is_an_artifact(hub, pushed):
    artifact = artifacts.read(pushed)
    files = {**artifact.contents(), "manifest.json": (pushed / "manifest.json").read_bytes()}
    hub.add("model", "owner/flat", {**files, ".gitattributes": b""})
    assert artifacts.read(Path("hf://owner/flat")).digest == artifact.digest


def test_a_damaged_download_is_refused(hub, pushed):
    hub.damaged.add("artifact/model.onnx")
    with pytest.raises(ArtifactCorruptError, match=r"downloaded twice, and is damaged.*model\.onnx"):
        textwright.load(ADDRESS)


def test_a_manifest_that_was_changed_is_refused(hub, pushed):
    repo = hub.repos["model", REPO]
    manifest = repo.files()["artifact/manifest.json"].replace(b'"temperature": 1.0', b'"temperature": 9.0')
    repo.commit("main", {**repo.files(), "artifact/manifest.json": manifest}, "by hand")
    with pytest.raises(ArtifactCorruptError, match=r"manifest\.json"):
        textwright.load(ADDRESS)


def test_a_damaged_cache_is_downloaded_again(hub, pushed):
    folder = artifacts.read(Path(ADDRESS)).path
    graph = (folder / "model.onnx").resolve()
    graph.chmod(0o644)
    graph.write_bytes(b"\0" * graph.stat().st_size)
    assert artifacts.read(Path(ADDRESS)).version == artifacts.read(pushed).version


def test_without_a_network_the_cache_answers(hub, pushed, monkeypatch):
    before = answers(textwright.load(ADDRESS))
    offline(monkeypatch)
    assert answers(textwright.load(ADDRESS)) == before


def test_without_a_network_and_a_cache_the_cure_is_said(hub, pushed, monkeypatch):
    offline(monkeypatch)
    with pytest.raises(HubNetworkError, match=r"cannot be reached; check the network"):
        textwright.load(ADDRESS)


def test_offline_mode_is_named(hub, pushed, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubNetworkError, match="HF_HUB_OFFLINE is set; unset it"):
        textwright.load(ADDRESS)


def test_a_repository_that_does_not_exist(hub):
    with pytest.raises(NotFoundError, match="has no model 'owner/nothing'"):
        textwright.load("hf://owner/nothing")


def test_a_private_repository_without_a_token(hub, make_artifact, tmp_path, monkeypatch):
    push(artifacts.read(make_artifact("reviews")), REPO, PushSettings(private=True))
    point_client_to(hub, tmp_path / "other", monkeypatch, token="")
    with pytest.raises(NotFoundError, match=r"without a token.*hf auth login"):
        textwright.load(ADDRESS)


def test_a_revision_that_does_not_exist(hub, pushed):
    with pytest.raises(NotFoundError, match="has no revision 'v9'"):
        textwright.load(f"{ADDRESS}@v9")


def test_a_repository_without_an_artifact(hub):
    hub.add("model", "owner/bert", {"config.json": b"{}", "model.safetensors": b"0" * 2_000})
    with pytest.raises(ArtifactFormatError, match="holds no artifact"):
        textwright.load("hf://owner/bert")


@pytest.mark.parametrize("name", ["../../escape.onnx", "/etc/passwd", "a/b/c", "..", "artifact\\..\\x"])
def test_a_manifest_that_names_files_elsewhere_is_refused(hub, pushed, name):
    repo = hub.repos["model", REPO]
    content = json.loads(repo.files()["artifact/manifest.json"])
    content["files"][name] = {"sha256": "0" * 64, "size_bytes": 1}
    repo.commit("main", {**repo.files(), "artifact/manifest.json": json.dumps(content).encode()}, "by hand")
    with pytest.raises(ArtifactCorruptError):
        textwright.load(ADDRESS)


@pytest.mark.parametrize("address", ["hf://", "hf://owner", "hf://owner/name@", "hf://owner/name/extra", "hf://a b/c"])
def test_an_address_of_another_form_is_refused(hub, address):
    with pytest.raises(SettingsError, match="form hf://owner/name"):
        textwright.load(address)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hf://owner/name", HubAddress("owner/name")),
        ("hf:/owner/name@v1.2", HubAddress("owner/name", "v1.2")),
        ("hf://models/owner/name@refs/pr/3", HubAddress("owner/name", "refs/pr/3")),
        ("hf://owner/name@feature%2Fshort", HubAddress("owner/name", "feature/short")),
        (
            "hf://datasets/owner/name:small@v1/data/train.csv",
            HubAddress("owner/name", "v1", "small", "data/train.csv", "dataset"),
        ),
    ],
)
def test_addresses_are_read_and_written(address, expected):
    assert is_hub_address(address)
    assert HubAddress.parse(address) == expected
    assert HubAddress.parse(str(expected)) == expected


def test_a_path_is_no_address():
    assert not any(map(is_hub_address, ("runs/demo", "hf", "./hf:/x", "owner/name", "s3://bucket/key")))


def test_a_fresh_process_pushes_predicts_and_serves(hub, make_artifact, tmp_path):
    """The walk of a user: the program alone, its own client, an empty cache."""
    path = make_artifact("reviews")
    env = {**os.environ, **environment(hub, str(tmp_path / "home"), token="hf_owner")}

    def textwright_says(*words):
        command = [sys.executable, "-m", "textwright", *map(str, words), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
        return json.loads(done.stdout)

    sent = textwright_says("push", path, REPO, "--private", "--license", "mit")
    local = textwright_says("predict", path, *TEXTS)
    assert textwright_says("predict", sent["address"], *TEXTS) == local
    assert textwright_says("inspect", sent["pinned"])["version"] == sent["version"]
    with serving(f"mine={ADDRESS}", log=tmp_path / "log", env=env) as server:
        answer = server.predict("a great film")
        status, model = server.ask("GET", "/v1/model")
    assert (status, model["version"]) == (200, sent["version"])
    assert answer["predictions"][0]["label"] == local["predictions"][0]["label"]
