"""The CloudFormation templates: rendered, and read with their short functions (``!Ref``) spelled out."""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

_PACKAGE: Final = "textwright.deploy.cloud"
USER_DATA: Final = "user-data.sh"


def read(name: str) -> str:
    """Read a template that is used as it is."""
    return (resources.files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def server_template(profile: str) -> str:
    """Render the template of EC2 servers, the start-up script within.

    Args:
        profile: ``single`` for one instance, ``balanced`` for a group behind a load balancer.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701  no HTML
    )
    return environment.get_template("server.yaml.j2").render(profile=profile, user_data=read(USER_DATA)) + "\n"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Reads ``!Ref x`` as ``{"Ref": "x"}``, ``!GetAtt a.b`` as ``{"Fn::GetAtt": ["a", "b"]}`` and so on."""


def _short(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value.split(".", 1) if suffix == "GetAtt" and isinstance(value, str) else value}


_Loader.add_multi_constructor("!", _short)


def parse(text: str) -> dict[str, Any]:
    """Read a template.

    Args:
        text: YAML, or JSON, which is YAML too.

    Returns:
        The template with every function in its long form.
    """
    content: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    return content
