"""The image that scores: the Job's command over files of a volume, as the pod's user, with the pod's rights."""

from __future__ import annotations

import os
import subprocess
import sys

import kubernetes_validate
import pyarrow as pa
import pytest
import yaml
from container_tools import docker
from pyarrow import parquet

from textwright.bulk.run import score_files
from textwright.bulk.settings import ScoreSettings
from textwright.core import artifact as artifacts
from textwright.deploy.package.packaging import package
from textwright.deploy.targets import find_format

TEXTS = ["good", "bad", "the awful film", ""] * 50


@pytest.fixture(scope="module")
def score_image(artifact, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("score") / "context"
    return package(artifacts.read(artifact), find_format("score-job"), folder, settings, report=print)


def test_it_has_scored_its_golden_examples_and_its_size_is_told(score_image, artifact):
    assert score_image.num_golden == len(artifacts.read(artifact).golden())
    assert score_image.image_bytes > 0


def test_the_jobs_command_scores_the_files_of_its_volume(score_image, artifact, tmp_path):
    (tmp_path / "raw").mkdir()
    parquet.write_table(pa.table({"text": TEXTS}), tmp_path / "raw" / "a.parquet")
    (tmp_path / "raw" / "b.jsonl").write_text('{"text": "good"}\n')
    subprocess.run(["/usr/bin/chown", "-R", "10001:10001", str(tmp_path)], check=True)
    (container,) = job(score_image)["spec"]["template"]["spec"]["containers"]
    locked_in = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")  # noqa: S108
    docker("run", "--rm", *locked_in, "--volume", f"{tmp_path}:/data", container["image"], *container["args"])
    score_files(artifact, str(tmp_path / "raw"), str(tmp_path / "here"), settings=ScoreSettings(workers=2))
    there, here = (sorted((tmp_path / name).glob("*.*")) for name in ("scored", "here"))
    assert [path.name for path in there] == [path.name for path in here]
    assert len(there) == 3  # two of scores, and the ledger
    for one, other in zip(there, here, strict=True):
        if not one.name.startswith("_"):
            assert one.read_bytes() == other.read_bytes()


def test_the_dockerfile_and_the_job_are_what_their_tools_accept(score_image):
    hadolint = os.path.join(os.path.dirname(sys.executable), "hadolint")  # noqa: PTH118, PTH120
    subprocess.run([hadolint, "--failure-threshold", "info", str(score_image.path / "Dockerfile")], check=True)
    kubernetes_validate.validate(job(score_image), "1.33", strict=True)
    spoiled = {**job(score_image), "spec": {"template": {"spec": {"containers": "one"}}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoiled, "1.33", strict=True)


def job(score_image):
    return yaml.safe_load((score_image.path / "score-job.yaml").read_text())
