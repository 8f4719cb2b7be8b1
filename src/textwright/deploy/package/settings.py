"""How an artifact is packaged; each setting is defined here and nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from textwright.config import Settings


class ImageSettings(Settings):
    """What to package, for which Python, and with which engine."""

    example_text: str = ""
    """Text that documentation and golden examples ask for instead of texts of the data, none of which is shipped."""
    variant: str | None = None
    """Graph of the artifact to ship ("fp32", "int8"); absent: the artifact's default."""
    python: str | None = None
    """Python of the target, such as 3.12; absent: this one's for an image, 3.12 for a zip."""
    base_image: str | None = None
    """Image to build on; absent: Python's official slim one on Debian 12."""
    pin_base_image: bool | None = None
    """Name the base by the digest that its tag has now, or fail; absent: the official one if its registry answers."""
    engine: str = "docker"
    """Program of the container engine."""
    build_network: str | None = None
    """Network of the build, for example host; absent: the engine's default."""
    pip_config: Path | None = None
    """Configuration of pip for the build, given as a secret: it does not enter the image."""
    ca_certificate: Path | None = None
    """Certificate that the configuration of pip names as /run/build-ca.crt; given as a secret."""

    @property
    def image_python(self) -> str:
        """The Python of an image."""
        return self.python or f"{sys.version_info.major}.{sys.version_info.minor}"

    def build_options(self) -> list[str]:
        """Tell the engine's options that follow from the settings."""
        network = ["--network", self.build_network] if self.build_network else []
        pip = ["--secret", f"id=pipconf,src={self.pip_config}"] if self.pip_config else []
        certificate = ["--secret", f"id=ca,src={self.ca_certificate}"] if self.ca_certificate else []
        return [*network, *pip, *certificate]


class PackageSettings(ImageSettings):
    """What to package, and whether to build it."""

    build: bool = False
    """Build the image with the local engine, run it and replay the golden examples against it."""
    measured: Path | None = None
    """What `textwright cost --out DIR` measured of this model: memory of the manifests; absent: by the files' size."""
    max_zip_bytes: Annotated[int, Field(ge=1)] = 50_000_000
    """Maximum number of bytes of a zip; larger ones than the default cannot be uploaded directly, but through S3."""
