"""The CloudFormation templates: rendered, read with their short functions (``!Ref``) spelled out, and resolved.

A resolved template has its parameters put in. What only AWS can know (``Fn::GetAtt``, a resource's ``Ref``) stays as it
is. Two such templates can be compared resource by resource, also when only a parameter differs.

Source:
    AWS CloudFormation User Guide, "Intrinsic function reference" and "Condition functions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import yaml

_PACKAGE: Final = "textwright.deploy.cloud"
NO_VALUE: Final = {"Ref": "AWS::NoValue"}
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9]+)\}")


def read(name: str) -> str:
    """Read a template that is used as it is."""
    return (resources.files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def render(name: str, **values: str) -> str:
    """Render a template."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701  no HTML
    )
    return environment.get_template(name).render(values) + "\n"


def parse(text: str) -> dict[str, Any]:
    """Read a template.

    Args:
        text: YAML, or JSON, which is YAML too.

    Returns:
        The template with every function in its long form: ``!Ref x`` as ``{"Ref": "x"}``, ``!GetAtt a.b`` as
        ``{"Fn::GetAtt": ["a", "b"]}`` and so on.
    """
    import yaml

    content: dict[str, Any] = yaml.load(text, Loader=_loader())  # noqa: S506  a SafeLoader
    return content


@cache
def _loader() -> type[yaml.SafeLoader]:
    """Make the reader of YAML here, so that this module can be imported without the extra that brings it."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
        """Reads the short functions."""

    def short(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
        name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value: Any = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {name: value.split(".", 1) if suffix == "GetAtt" and isinstance(value, str) else value}

    Loader.add_multi_constructor("!", short)
    return Loader


def resolve(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Put parameters into a template and leave out what their values switch off.

    Args:
        template: As :func:`parse` returns it.
        parameters: Name -> value; absent ones have the template's default.

    Returns:
        ``Resources`` and ``Outputs`` without conditions and without references to parameters.
    """
    defaults = {name: str(slot.get("Default", "")) for name, slot in template.get("Parameters", {}).items()}
    slots = {
        name: _typed(template["Parameters"][name], parameters.get(name, value)) for name, value in defaults.items()
    }
    scope = _Scope(slots, template.get("Conditions", {}))
    return {part: scope.section(template.get(part, {})) for part in ("Resources", "Outputs")}


def _typed(slot: Mapping[str, Any], value: str) -> Any:  # noqa: ANN401  text or a list of texts
    is_list = slot["Type"].startswith("List<") or slot["Type"] == "CommaDelimitedList"
    return value.split(",") if is_list else value


class _Scope:
    """What names stand for."""

    def __init__(self, slots: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        self._slots, self._conditions = slots, conditions

    def section(self, items: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve resources or outputs, those left out whose condition is false."""
        existing = {name: item for name, item in items.items() if self._holds(item.get("Condition"))}
        return {
            name: self.value({key: part for key, part in item.items() if key != "Condition"})
            for name, item in existing.items()
        }

    def value(self, part: Any) -> Any:  # noqa: ANN401  any JSON
        """Resolve one part of a template."""
        if isinstance(part, list):
            return [item for item in map(self.value, part) if item != NO_VALUE]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            name, argument = next(iter(part.items()))
            if name == "Ref" and argument in self._slots:
                return self._slots[argument]
            if name == "Fn::If":
                return self.value(argument[1] if self._holds(argument[0]) else argument[2])
            if name == "Fn::Sub" and isinstance(argument, str):
                return self._sub(argument)
            if name == "Fn::Select" and isinstance(chosen := self.value(argument[1]), list):
                return chosen[int(argument[0])]
        resolved = {key: self.value(item) for key, item in part.items()}
        return {key: item for key, item in resolved.items() if item != NO_VALUE}

    def _sub(self, text: str) -> Any:  # noqa: ANN401  text, or the function with what is left
        filled = _VARIABLE.sub(lambda match: str(self._slots.get(match[1], match[0])), text)
        return {"Fn::Sub": filled} if "${" in filled else filled

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401  a name or a function
        if condition is None:
            return True
        if isinstance(condition, str):
            return self._holds(self._conditions[condition])
        name, arguments = next(iter(condition.items()))
        match name:
            case "Condition":
                return self._holds(arguments)
            case "Fn::Equals":
                left, right = map(str, map(self.value, arguments))
                return left == right
            case "Fn::Not":
                return not self._holds(arguments[0])
            case "Fn::And":
                return all(map(self._holds, arguments))
            case "Fn::Or":
                return any(map(self._holds, arguments))
        raise ValueError(f"no condition function of these templates: {name}")
