"""Builds of the reader's own Dockerfiles, as they stand in the lessons, without secrets and options of ours.

The certificates that pip needs where these are made come with the base: a layer on top of the stand-in, of 0.2 MB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from container_tools import docker


def with_certificate(base: str, tag: str) -> None:
    """Put this machine's certificates on a base, where pip finds them.

    Args:
        base: The image.
        tag: Name of the new one.
    """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.environ["BUILD_CA_CERTIFICATE"], Path(folder, "ca.crt"))
        Path(folder, "pip.conf").write_text("[global]\ncert = /etc/ssl/build-ca.crt\n")
        dockerfile = f"FROM {base}\nCOPY ca.crt /etc/ssl/build-ca.crt\nCOPY pip.conf /etc/pip.conf\n"
        Path(folder, "Dockerfile").write_text(dockerfile)
        build(Path(folder), tag)


def build(context: Path, tag: str, *options: str) -> float:
    """Build an image.

    Args:
        context: With a Dockerfile.
        tag: Name of the image.
        *options: More options of ``docker build``.

    Returns:
        The seconds that it took.

    Raises:
        RuntimeError: If it fails; with the end of what the build said.
    """
    command = ["/usr/bin/docker", "build", "--progress", "plain", "--network", "host", "--tag", tag, *options]
    start = time.monotonic()
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run([*command, str(context)], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"the build of {tag} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.monotonic() - start


def image_bytes(image: str) -> int:
    """Ask the engine for the size of an image with all its layers."""
    return int(docker("image", "inspect", "-f", "{{.Size}}", image))
