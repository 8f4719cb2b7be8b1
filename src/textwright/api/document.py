"""Base of the dataclasses that FastAPI documents; the texts beneath their fields are the descriptions there."""

from __future__ import annotations

from typing import Any, ClassVar


class Document:
    """Base of the documents: pydantic, where it makes their schema, shall read exact types and no unknown fields."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "strict": True,
        "use_attribute_docstrings": True,
    }
