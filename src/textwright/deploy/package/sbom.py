"""The bill of materials: what the package holds, in CycloneDX 1.6 JSON, the same bytes each time.

Source:
    ECMA-424, CycloneDX Bill of Materials Specification 1.6.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import textwright
from textwright.deploy.package.dependency_closure import Locked

if TYPE_CHECKING:
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
    own = {
        "type": "library",
        "bom-ref": f"pkg:pypi/textwright@{textwright.__version__}",
        "name": "textwright",
        "version": textwright.__version__,
        "purl": f"pkg:pypi/textwright@{textwright.__version__}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    components = [own, *map(_distribution, locked)]
    model = _model(artifact)
    dependencies = [{"ref": model["bom-ref"], "dependsOn": [item["bom-ref"] for item in components]}]
    content: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": model},
        "components": components,
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    return json.dumps({**content, "serialNumber": f"urn:uuid:{serial}"}, indent=2, ensure_ascii=False) + "\n"


def _distribution(item: Locked) -> dict[str, Any]:
    purl = f"pkg:pypi/{item.pin.name}@{item.pin.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": item.pin.name,
        "version": item.pin.version,
        "purl": purl,
        "properties": [{"name": "textwright:wheel-sha256", "value": digest} for digest in item.hashes],
    }


def _model(artifact: Artifact) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"textwright:model@{artifact.digest}",
        "name": artifact.manifest.name,
        "version": artifact.version,
        "hashes": [{"alg": "SHA-256", "content": artifact.digest}],
    }
