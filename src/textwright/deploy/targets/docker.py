"""A container anywhere: the REST API as an image, with a compose file and a Kubernetes manifest beside it."""

from __future__ import annotations

from collections.abc import Sequence

from textwright.deploy.package.engine import ContainerEngine
from textwright.deploy.package.packaging import ImageFormat
from textwright.deploy.smoke_test import ASK_SERVER


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


class Docker:
    """Images are run by whoever has a container engine or a cluster."""

    name = "docker"
    formats = (ServerImage(),)
    costs = None
    deployer = None


TARGET = Docker()
