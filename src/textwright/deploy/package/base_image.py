"""Which bytes a tag of a base image means today: its digest, from the registry that holds it.

A tag moves; an image that is named by its digest is the same next year. Caller: ``packaging``.

Source:
    Open Container Initiative, "Distribution Specification" 1.1, "Pulling manifests"; Docker, "Token authentication
    specification".
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from textwright.errors import BaseImageError

OFFICIAL: Final = "python:{python}-slim-bookworm"
"""Python's official image of a version, slim, on Debian 12."""
_DOCKER_HUB: Final = "registry-1.docker.io"
_MANIFESTS: Final = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
"""The list of all processors first: its digest stands for the image on each."""
_TIMEOUT_S: Final = 10.0
_MAX_BYTES: Final = 4_194_304
"""The specification's bound of a manifest."""
_LOCAL: Final = frozenset({"localhost", "127.0.0.1"})
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image by its tag.

    Args:
        registry: Host, and port if it has one.
        repository: The image's name there.
        tag: Which one of it.
    """

    registry: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, image: str) -> ImageName:
        """Read a name as Docker does: without a host it is of Docker Hub, without a tag the latest."""
        host, slash, rest = image.partition("/")
        if not (slash and (host == "localhost" or "." in host or ":" in host)):
            host, rest = _DOCKER_HUB, image if slash else f"library/{image}"
        repository, _, tag = rest.partition(":")
        return cls(host, repository, tag or "latest")

    @property
    def url(self) -> str:
        """Where its manifest is; registries of this machine speak plain HTTP, as they do to Docker."""
        scheme = "http" if self.registry.partition(":")[0] in _LOCAL else "https"
        return f"{scheme}://{self.registry}/v2/{self.repository}/manifests/{self.tag}"


def by_digest(image: str) -> str:
    """Name an image by the digest that its tag means now.

    Args:
        image: Its name with a tag, such as ``python:3.12-slim-bookworm``; one with a digest stays as it is.

    Returns:
        The name, its tag for readers, and the digest: ``python:3.12-slim-bookworm@sha256:...``.

    Raises:
        BaseImageError: If the registry cannot be reached, has no such image or does not give it to everybody.
    """
    if "@" in image:
        return image
    name = ImageName.parse(image)
    try:
        digest = _digest_of(name)
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise BaseImageError(
            f"the registry {name.registry} did not give the digest of {image}: {_reason(error)}; name the image with "
            "its digest, --base-image NAME@sha256:..."
        ) from None
    return f"{image}@{digest}"


def _digest_of(name: ImageName) -> str:
    try:
        body = _get(name.url)
    except HTTPError as error:
        challenge = error.headers.get("www-authenticate", "")
        if error.code != HTTPStatus.UNAUTHORIZED or not challenge.lower().startswith("bearer "):
            raise
        body = _get(name.url, _token(challenge))
    # The digest is that of the bytes; what a header says about them is not needed.
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _token(challenge: str) -> str:
    """Get a token for anybody, from where the registry says."""
    parameters = dict(_PARAMETER.findall(challenge))
    realm = parameters.pop("realm")
    if (parts := urlsplit(realm)).scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise ValueError(f"it gives out tokens at {realm[:80]!r}, which is not encrypted")
    answer = json.loads(_get(f"{realm}?{urlencode(parameters)}"))
    return str(answer.get("token") or answer["access_token"])


def _get(url: str, token: str | None = None) -> bytes:
    headers = {"Accept": _MANIFESTS} | ({"Authorization": f"Bearer {token}"} if token else {})
    with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_S) as answer:  # noqa: S310  built above, or https
        body = bytes(answer.read(_MAX_BYTES + 1))
    if len(body) > _MAX_BYTES:
        raise ValueError(f"its answer has more than {_MAX_BYTES} bytes")
    return body


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"it answered {error.code} {error.reason}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
