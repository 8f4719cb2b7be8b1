"""Base of the dataclasses that FastAPI documents, and the one in every answer.

The texts beneath the fields are the descriptions in the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


class Document:
    """Base of the documents: pydantic, where it makes their schema, shall read exact types and no unknown fields."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "strict": True,
        "use_attribute_docstrings": True,
    }


@dataclass
class ModelIdentity(Document):
    """Which model answered."""

    name: str
    """What the model is called."""
    version: str
    """First 12 digits of the artifact's sha256: another version, another model."""
    family: str
    """The kind of model."""
    variant: str
    """The graph that is loaded, for example fp32 or int8."""
    task: str
    """single-label: exactly one label holds. multi-label: each label holds or not by itself."""
