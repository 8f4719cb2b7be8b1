"""A container anywhere: the REST API or bulk scoring as an image, with the manifests for Kubernetes beside it."""

from __future__ import annotations

from collections.abc import Sequence

from textwright.deploy.package.context import Scoring
from textwright.deploy.package.engine import ContainerEngine
from textwright.deploy.package.packaging import ImageFormat
from textwright.deploy.smoke_test import ASK_SCORING, ASK_SERVER


class ServerImage(ImageFormat):
    """The REST API as an image."""

    name = "docker"
    description = "the REST API as an image"
    stage = "server"

    def answers(self, engine: ContainerEngine, image: str, bodies: Sequence[str]) -> str:
        """Start the server and send it requests from inside its container."""
        with engine.running(image) as container:
            return engine.ask_in(container, ASK_SERVER, bodies)

    def run_step(self, image: str) -> str:
        """Say how to start it."""
        return f"docker run --read-only --tmpfs /tmp --cap-drop ALL --publish 8000:8000 {image}"


class ScoringImage(ImageFormat):
    """Bulk scoring as an image, for a Job of Kubernetes or AWS Batch."""

    name = "score-job"
    description = "bulk scoring as an image, with a Job for Kubernetes"
    stage = "score"
    tag_suffix = "-score"
    scoring = Scoring(tag_suffix, "score-job.yaml")

    def answers(self, engine: ContainerEngine, image: str, bodies: Sequence[str]) -> str:
        """Score the texts of the requests as a Parquet file, in a container of its own."""
        return engine.ask_once(image, ASK_SCORING, bodies)

    def run_step(self, image: str) -> str:
        """Say how to score a folder."""
        command = "score /srv/artifact /data/raw --out /data/scored"
        return f"docker run --read-only --tmpfs /tmp --cap-drop ALL --volume DIR:/data {image} {command}"


class RayImage(ScoringImage):
    """Bulk scoring with Ray as an image, for KubeRay."""

    name = "score-rayjob"
    description = "the same with Ray, and a RayJob for KubeRay"
    tag_suffix = "-ray"
    scoring = Scoring(tag_suffix, "score-rayjob.yaml", with_ray=True)

    def run_step(self, image: str) -> str:
        """Say where it goes."""
        return (
            f"push {image} to a registry that the cluster reads, and kubectl apply --filename {self.scoring.manifest}"
        )


class Docker:
    """Images are run by whoever has a container engine or a cluster."""

    name = "docker"
    formats = (ServerImage(), ScoringImage(), RayImage())
    costs = None
    deployer = None


TARGET = Docker()
