"""The bill of materials: what the package holds, in CycloneDX 1.6 JSON, the same bytes each time.

CycloneDX's own library writes it.

Source:
    ECMA-424, CycloneDX Bill of Materials Specification 1.6.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import textwright
from textwright.deploy.package.dependency_closure import Locked

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

    from textwright.core.artifact import Artifact

_NAMESPACE: Final = uuid.UUID("6f2b3a5e-93ab-5b0d-9f0c-0a2d6a6b1c3e")


def bill_of_materials(artifact: Artifact, locked: Sequence[Locked]) -> str:
    """Write the bill of what is shipped above the base image or runtime.

    Args:
        artifact: The model.
        locked: The distributions, with their hashes.

    Returns:
        JSON. Its serial number follows from its content, and it has no time stamp, so it reproduces.
    """
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.output.json import JsonV1Dot6

    model = _model(artifact)
    components = [_textwright(), *map(_distribution, locked)]
    bom = Bom(metadata=BomMetaData(component=model), components=components, serial_number=_NAMESPACE)
    bom.metadata.timestamp = None
    bom.register_dependency(model, components)
    bom.serial_number = uuid.uuid5(_NAMESPACE, JsonV1Dot6(bom).output_as_string())
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text + "\n"


def _textwright() -> Component:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import DisjunctiveLicense
    from packageurl import PackageURL

    name, version = "textwright", textwright.__version__
    purl = PackageURL("pypi", name=name, version=version)
    apache = DisjunctiveLicense(id="Apache-2.0")
    return Component(name=name, version=version, purl=purl, bom_ref=str(purl), licenses=[apache])


def _distribution(item: Locked) -> Component:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

    purl = PackageURL("pypi", name=item.pin.name, version=item.pin.version)
    digests = [Property(name="textwright:wheel-sha256", value=digest) for digest in item.hashes]
    return Component(name=item.pin.name, version=item.pin.version, purl=purl, bom_ref=str(purl), properties=digests)


def _model(artifact: Artifact) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=artifact.manifest.name,
        version=artifact.version,
        bom_ref=f"textwright:model@{artifact.digest}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=artifact.digest)],
    )
