"""The build context: all that the build needs, the same bytes each time, and never over something that is not ours."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec

import pytest
import yaml

from textwright.cli.main import run
from textwright.core import artifact as artifacts
from textwright.deploy.names import name_for
from textwright.deploy.package.context import memory_mib, write_context
from textwright.deploy.package.packaging import package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.targets import find_format
from textwright.errors import ContainerEngineError, MissingExtraError, NotFoundError, PackageSpaceError, SettingsError

BASE = "python:3.11-slim-bookworm"


def digest_of(folder):
    lines = [
        f"{path.relative_to(folder)} {path.stat().st_mode:o} {path.stat().st_mtime_ns} "
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return "\n".join(lines)


def make(artifact, folder, target="docker", **settings):
    said = []
    made = package(
        artifacts.read(artifact), find_format(target), folder, PackageSettings(**settings), report=said.append
    )
    return made, said


@pytest.mark.usefixtures("offline")
def test_the_same_artifact_gives_the_same_bytes(tiny_artifact, tmp_path):
    make(tiny_artifact, tmp_path / "one")
    make(tiny_artifact, tmp_path / "two")
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")


@pytest.mark.usefixtures("offline")
def test_the_artifact_of_the_context_can_be_read_when_it_is_written(tiny_artifact, tmp_path):
    context = write_context(artifacts.read(tiny_artifact), None, tmp_path / "out", python="3.11", base_image=BASE)
    assert len(context.artifact.golden()) == len(artifacts.read(tiny_artifact).golden())


@pytest.mark.usefixtures("offline")
def test_another_model_of_the_same_size_has_another_time(make_artifact, tmp_path):
    graphs = []
    for number, value in enumerate([1.0, 2.0]):
        made, _ = make(make_artifact(f"tiny{number}", words={"good": (-value, value)}), tmp_path / str(number))
        graphs.append((made.path / "artifact" / "model.onnx").stat())
    assert graphs[0].st_size == graphs[1].st_size
    assert graphs[0].st_mtime != graphs[1].st_mtime


@pytest.mark.usefixtures("offline")
def test_the_context_holds_one_variant_and_says_what_it_is(two_variants, tmp_path):
    made, _ = make(two_variants, tmp_path / "out", variant="other")
    shipped = artifacts.read(tmp_path / "out" / "artifact")
    assert list(shipped.manifest.variants) == ["other"]
    told = json.loads((tmp_path / "out" / "textwright-package.json").read_text())
    assert (told["version"], told["artifact_sha256"]) == (made.version, shipped.digest)
    assert told["source_sha256"] == artifacts.read(two_variants).digest


@pytest.mark.usefixtures("offline")
def test_the_dockerfile_keeps_its_promises(tiny_artifact, tmp_path):
    made, _ = make(tiny_artifact, tmp_path / "out", base_image="registry.example/python:3.12")
    text = (made.path / "Dockerfile").read_text()
    assert "ARG BASE_IMAGE=registry.example/python:3.12\n" in text
    assert text.count("USER 10001:10001") == 2
    assert "HEALTHCHECK" in text
    assert "ORT_DISABLE_TELEMETRY=1" in text
    assert "# syntax" not in text
    assert artifacts.read(made.path / "artifact").digest in text
    for lines in (made.path / "requirements-server.txt", made.path / "requirements-lambda.txt"):
        requirements = [line for line in lines.read_text().splitlines() if not line.startswith("#")]
        assert all(" --hash=sha256:" in line for line in requirements)
        assert not any(line.startswith(("torch", "transformers")) for line in requirements)


@pytest.mark.usefixtures("offline")
def test_the_function_and_not_the_server_says_that_it_bears_a_snapshot(tiny_artifact, tmp_path):
    made, _ = make(tiny_artifact, tmp_path / "out")
    stages = (made.path / "Dockerfile").read_text().split("\nFROM ")
    label = 'LABEL com.amazonaws.lambda.feature.snapstart="Allow"'
    assert [stage.partition("\n")[0] for stage in stages if label in stage] == ["base AS lambda"]


@pytest.mark.usefixtures("offline")
def test_a_context_is_replaced_and_anything_else_is_not(tiny_artifact, tmp_path):
    make(tiny_artifact, tmp_path / "out")
    make(tiny_artifact, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(SettingsError, match="is no package"):
        make(tiny_artifact, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.usefixtures("offline")
def test_a_failure_leaves_nothing_behind(two_variants, tmp_path):
    out = tmp_path / "outer" / "out"
    with pytest.raises(NotFoundError):
        write_context(artifacts.read(two_variants), "int4", out, python="3.11", base_image=BASE)
    assert list(out.parent.iterdir()) == []


@pytest.mark.usefixtures("offline")
def test_a_full_disk_is_said_in_words(tiny_artifact, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("textwright.deploy.package.context.write_wheel", fail)
    with pytest.raises(PackageSpaceError, match="no room on the disk"):
        make(tiny_artifact, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_engine_is_said_before_anything_is_done(tiny_artifact, tmp_path):
    with pytest.raises(ContainerEngineError, match="no container engine 'no-such-engine'"):
        make(tiny_artifact, tmp_path / "out", build=True, engine="no-such-engine")
    assert not (tmp_path / "out").exists()


def test_an_engine_that_sleeps_is_said_in_words(tiny_artifact, tmp_path):
    engine = tmp_path / "engine"
    engine.write_text(
        "#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///x. Is it running?' >&2\nexit 1\n"
    )
    engine.chmod(0o755)
    with pytest.raises(ContainerEngineError, match="start the engine"):
        make(tiny_artifact, tmp_path / "out", build=True, engine=str(engine))


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["20news", "true", "1e5", f"{'a' * 49}-b"])
def test_manifests_name_the_same_image_and_services_as_clusters_allow(make_artifact, tmp_path, name):
    made, _ = make(make_artifact(name), tmp_path / "out")
    parts = list(yaml.safe_load_all((made.path / "kubernetes.yaml").read_text()))
    assert {part["metadata"]["name"] for part in parts} == {name_for("kubernetes", name)}
    (container,) = parts[0]["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((made.path / "compose.yaml").read_text())
    assert container["image"] == compose["services"]["server"]["image"] == f"{name_for('image', name)}:{made.version}"


@pytest.mark.usefixtures("offline")
def test_manifests_limit_memory_networks_and_disruption(tiny_artifact, tmp_path):
    made, _ = make(tiny_artifact, tmp_path / "out")
    parts = {part["kind"]: part for part in yaml.safe_load_all((made.path / "kubernetes.yaml").read_text())}
    pods = parts["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        spec = parts[kind]["spec"]
        assert (spec.get("selector") or spec["podSelector"])["matchLabels"].items() <= pods
    assert parts["NetworkPolicy"]["spec"]["egress"] == []
    (rule,) = parts["NetworkPolicy"]["spec"]["ingress"]
    (container,) = parts["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert [port["port"] for port in rule["ports"]] == [port["containerPort"] for port in container["ports"]]
    assert container["resources"]["limits"]["memory"] == "512Mi"
    compose = yaml.safe_load((made.path / "compose.yaml").read_text())
    assert compose["services"]["server"]["mem_limit"] == "512m"


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("mib", "limit"), [(80, 256), (300, 512), (1000, 1536)])
def test_manifests_ask_for_the_memory_that_was_measured(tiny_artifact, tmp_path, measured_file, mib, limit):
    made, _ = make(tiny_artifact, tmp_path / "out", measured=measured_file(tiny_artifact, mib))
    assert f"memory: {limit}Mi" in (made.path / "kubernetes.yaml").read_text()
    assert f"mem_limit: {limit}m" in (made.path / "compose.yaml").read_text()


def test_a_measurement_of_another_model_is_refused(tiny_artifact, tmp_path, measured_file):
    with pytest.raises(SettingsError, match="is of tiny another/fp32, not of version"):
        make(tiny_artifact, tmp_path / "out", measured=measured_file(tiny_artifact, 80, "another"))


def test_a_large_model_gets_more_memory_without_a_measurement(tiny_artifact):
    class Large:
        path, files = tiny_artifact, {"model.onnx": ""}

    artifact = artifacts.read(tiny_artifact)
    assert memory_mib(artifact, None) == 512
    with (tiny_artifact / "large").open("wb") as file:
        file.truncate(440 * 2**20)
    Large.files = {"large": ""}
    assert memory_mib(Large, None) >= 3 * 440
    (tiny_artifact / "large").unlink()


def test_one_repository_holds_server_and_function():
    names = ("docker", "lambda-image", "score-job", "score-rayjob")
    assert [find_format(name).tag("0123") for name in names] == ["0123", "0123-lambda", "0123-score", "0123-ray"]


@pytest.mark.usefixtures("offline")
def test_the_server_alone_has_no_pyarrow_and_no_job(tiny_artifact, tmp_path):
    made, _ = make(tiny_artifact, tmp_path / "out")
    assert not list(made.path.glob("*score*"))
    assert "score" not in (made.path / "Dockerfile").read_text()
    assert "pyarrow" not in (made.path / "requirements-server.txt").read_text()


@pytest.mark.usefixtures("offline")
def test_the_job_runs_the_image_that_is_built_and_its_command_scores(make_artifact, tmp_path):
    """The very arguments of the manifest, with the folders of the pod in their place."""
    made, _ = make(make_artifact("reviews"), tmp_path / "out", target="score-job")
    assert "FROM base AS score\n" in (made.path / "Dockerfile").read_text()
    pins = [line.split("==")[0] for line in (made.path / "requirements-score.txt").read_text().splitlines()[1:-1]]
    assert {"pyarrow", "zstandard", "onnxruntime", "cyclopts"} <= set(pins)
    assert not {"fastapi", "uvicorn", "protobuf", "sympy", "torch"} & set(pins)
    job = yaml.safe_load((made.path / "score-job.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"reviews:{made.version}-score"
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "a.csv").write_text("text\ngood\nbad\n")
    words = [
        word.replace("/srv/", f"{made.path}/").replace("/data/", f"{tmp_path}/data/") for word in container["args"]
    ]
    assert run(words) == 0
    assert (tmp_path / "data" / "scored" / "a-00000.csv").read_text().count("\n") == 3
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed; .ci/ray packages with it")
@pytest.mark.usefixtures("offline")
def test_an_image_with_ray_needs_ray_where_it_is_packaged(tiny_artifact, tmp_path):
    with pytest.raises(MissingExtraError, match=r"textwright\[ray,deploy\]"):
        make(tiny_artifact, tmp_path / "out", target="score-rayjob")
    assert not (tmp_path / "out").exists()
