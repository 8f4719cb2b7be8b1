"""What would be made and what changes, resource by resource, before anything acts; and the files to review."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from textwright.core.files import write_text
from textwright.deploy.cloud import templates
from textwright.deploy.cloud.stack import Stack, StackState

Action = Literal["create", "change", "keep", "remove"]
ORDER: Final = ("create", "change", "remove", "keep")


@dataclass(frozen=True, slots=True)
class StackPlan:
    """A stack as it shall be.

    Args:
        stack: The stack, whether or not it exists.
        file: Name of the template's file.
        template: Its text.
        parameters: Name -> value; a value in round brackets is known only when it is applied.
        scripts: File name -> text of what stands in the template and is reviewed by itself.
    """

    stack: Stack | None
    file: str
    template: str
    parameters: Mapping[str, str]
    scripts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource.

    Args:
        stack: Name of its stack's template.
        resource: Its name there.
        type: Its type.
        action: What becomes of it.
        fields: The properties that change.
    """

    stack: str
    resource: str
    type: str
    action: Action
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """What ``--apply`` would do.

    Args:
        name: Name of the deployment.
        target: As the command line calls it.
        region: Where; None if no AWS configuration was found.
        model: Name and version of the model.
        changes: Each resource, and what becomes of it.
        notes: What the reader should know.
        files: The files that were written for review.
        costs: Lines of the estimate.
    """

    name: str
    target: str
    region: str | None
    model: str
    changes: Sequence[Change]
    notes: Sequence[str] = ()
    files: Sequence[Path] = ()
    costs: Sequence[str] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "name": self.name,
            "target": self.target,
            "region": self.region,
            "model": self.model,
            "changes": [{**asdict(item), "fields": list(item.fields)} for item in self.changes],
            "notes": list(self.notes),
            "files": [str(path) for path in self.files],
            "costs": list(self.costs),
        }


def compare(plan: StackPlan, deployed: StackState | None) -> list[Change]:
    """Compare a stack with what is deployed.

    Args:
        plan: The stack as it shall be.
        deployed: The stack as it is; None if there is none.

    Returns:
        One change per resource, kept ones included.
    """
    new = templates.resolve(templates.parse(plan.template), plan.parameters)["Resources"]
    old: dict[str, Any] = {}
    if deployed is not None and deployed.is_usable and plan.stack is not None:
        old = templates.resolve(templates.parse(plan.stack.template()), deployed.parameters)["Resources"]
    stack = plan.file.removesuffix(".yaml")
    changes = [_change(stack, name, old.get(name), item) for name, item in new.items()]
    removed = [Change(stack, name, item["Type"], "remove") for name, item in old.items() if name not in new]
    return sorted([*changes, *removed], key=lambda item: ORDER.index(item.action))


def _change(stack: str, name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Change:
    if old is None:
        return Change(stack, name, new["Type"], "create")
    fields = tuple(dict.fromkeys(_differences(old.get("Properties", {}), new.get("Properties", {}))))
    return Change(stack, name, new["Type"], "change" if fields else "keep", fields)


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401  any JSON
    """Name what differs, no deeper than needed to know it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif str(old) != str(new):
        yield path.replace(".UserData.Fn::Base64.Fn::Join", ".UserData")


def write_files(folder: Path, plans: Sequence[StackPlan]) -> list[Path]:
    """Write what is to be reviewed: each template and its parameters, the start-up script and the policies.

    Args:
        folder: Where; files of the same names are replaced.
        plans: The stacks.

    Returns:
        The files.
    """
    contents: dict[str, str] = {}
    for plan in plans:
        contents[plan.file] = plan.template
        pairs = [{"ParameterKey": key, "ParameterValue": value} for key, value in plan.parameters.items()]
        contents[plan.file.replace(".yaml", ".parameters.json")] = json.dumps(pairs, indent=2) + "\n"
        for name, document in _policies(plan):
            contents[f"policies/{name}.json"] = json.dumps(document, indent=2) + "\n"
        contents |= plan.scripts
    for name, text in contents.items():
        write_text(folder / name, text)
    return [folder / name for name in contents]


def _policies(plan: StackPlan) -> Iterator[tuple[str, Any]]:
    for item in templates.resolve(templates.parse(plan.template), plan.parameters)["Resources"].values():
        properties = item.get("Properties", {})
        if item["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield policy["PolicyName"], policy["PolicyDocument"]
