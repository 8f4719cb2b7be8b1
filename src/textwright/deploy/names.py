"""Names that follow from a model's name, each in the grammar of what bears it.

Callers: ``deploy.package`` and ``deploy.cloud``. Every name is lower-case letters, digits and single hyphens, begins
with a letter or a digit (with a letter where the target asks for one) and ends with a letter or a digit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

NameTarget: TypeAlias = Literal["image", "kubernetes", "deployment"]
DEPLOYMENT_PATTERN: Final = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"
"""Single hyphens between letters and digits: ECR refuses repositories of any other form."""
MAX_DEPLOYMENT_CHARS: Final = 40
_FALLBACK: Final = "textwright"
_PREFIX: Final = "model-"
_MAX_TAG_CHARS: Final = 256


@dataclass(frozen=True, slots=True)
class _Grammar:
    max_chars: int
    begins_with_letter: bool


_GRAMMARS: Final[dict[NameTarget, _Grammar]] = {
    "image": _Grammar(50, begins_with_letter=False),
    "kubernetes": _Grammar(50, begins_with_letter=True),
    "deployment": _Grammar(MAX_DEPLOYMENT_CHARS, begins_with_letter=True),
}


def name_for(target: NameTarget, model: str) -> str:
    """Turn a model's name into a name that the target takes.

    Args:
        target: ``image``: repository of a container registry. ``kubernetes``: Deployment, Service and label of a
            cluster; 50 characters leave room for the suffix of a pod's name, which may have 63. ``deployment``: stacks,
            function, log group and ECR repository on AWS, each with a prefix.
        model: Any text; a model trained from ``20news.csv`` is called ``20news``.

    Returns:
        The name; ``textwright`` if the model's name holds no Latin letter or digit.

    Source:
        OCI Distribution Specification, "Pulling manifests" (repository names); RFC 1035, section 2.3.1, which
        Kubernetes asks of Services; Amazon ECR API Reference, "CreateRepository" (repositoryName).
    """
    grammar = _GRAMMARS[target]
    words = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or _FALLBACK
    if grammar.begins_with_letter and not words[0].isalpha():
        words = _PREFIX + words
    return words[: grammar.max_chars].rstrip("-")


def tag_value_for(text: str) -> str:
    """Turn any text into the value of a tag on AWS: letters, digits, spaces and ``_.:/=+-@``, at most 256 of them.

    Source:
        AWS Tagging API Reference, "Tag naming limits and requirements".
    """
    return re.sub(r"[^\w .:/=+\-@]", "_", text, flags=re.ASCII)[:_MAX_TAG_CHARS]
