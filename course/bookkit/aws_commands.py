"""Command lines of the program ``aws``, compared with AWS's own description of its APIs, without any account.

The descriptions are those in ``botocore``, from which the program makes its commands: operations, parameters, which are
required, of what type, and which words are allowed. What a command would *do* cannot be known from them.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final

_OF_THE_PROGRAM: Final = {("ecr", "get-login-password")}
"""Commands that the program adds to the APIs."""
_GLOBAL: Final = {"--region", "--query", "--output", "--profile"}
_RENAMED: Final = {
    ("ec2", "run-instances"): {"--count": ("MinCount", "MaxCount")},
    ("ec2", "authorize-security-group-ingress"): {
        "--protocol": ("IpProtocol",),
        "--port": ("FromPort", "ToPort"),
        "--cidr": ("CidrIp",),
        "--source-group": ("SourceSecurityGroupName",),
    },
}
"""Parameters of the program that stand for others of an API."""
_INNER: Final = re.compile(r"\$\((aws [^()]*)\)")
_VARIABLE: Final = re.compile(r"\$\{?\w+\}?")


def check_aws(script: str) -> list[dict[str, str]]:
    r"""Check every ``aws`` command of a shell script.

    Args:
        script: Lines as typed; ``$(aws ...)`` and ``\`` at the end of a line are understood.

    Returns:
        A row for each: ``command``, and the ``parameters`` that were checked.

    Raises:
        ValueError: For a command or parameter that does not exist, is missing, or has a value of a wrong form.
    """
    lines = re.sub(r"\\\n\s*", " ", script).splitlines()
    commands = []
    for line in lines:
        commands += _INNER.findall(line)
        words = shlex.split(_INNER.sub("OUTPUT", line), comments=True)
        if words[:1] == ["aws"]:
            commands.append(shlex.join(words[: words.index("|")] if "|" in words else words))
    return [_checked(shlex.split(command)) for command in commands]


def _checked(words: list[str]) -> dict[str, str]:
    _, service, command, *rest = words
    row = {"command": f"aws {service} {command}"}
    if (service, command) in _OF_THE_PROGRAM:
        return {**row, "parameters": "of the program itself"}
    from botocore import xform_name
    from botocore.session import get_session

    session = get_session()
    if service not in session.get_available_services():
        raise ValueError(f"aws {service}: there is no such service")
    model = session.get_service_model(service)
    if command == "wait":
        (waiter, *rest) = rest
        waiters = session.get_waiter_model(service)
        names = {xform_name(name, "-"): name for name in waiters.waiter_names}
        if waiter not in names:
            raise ValueError(f"aws {service} wait {waiter}: there is no such waiter")
        row = {"command": f"aws {service} wait {waiter}"}
        command = xform_name(waiters.get_waiter(names[waiter]).operation, "-")
    options = _options(rest)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if command not in operations:
        raise ValueError(f"{row['command']}: there is no such command")
    shape = model.operation_model(operations[command]).input_shape
    _check_parameters(row["command"], shape, options, _RENAMED.get((service, command), {}))
    return {**row, "parameters": ", ".join(options) or "none"}


def _options(words: list[str]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for word in words:
        if word.startswith("--"):
            name = word
            options[name] = []
        else:
            options[name].append(word)
    return {name: values for name, values in options.items() if name not in _GLOBAL}


def _check_parameters(
    command: str,
    shape: Any,  # noqa: ANN401
    options: dict[str, list[str]],
    renamed: dict[str, tuple[str, ...]],
) -> None:
    from botocore import xform_name
    from botocore.validate import ParamValidator

    members = {f"--{xform_name(name, '-')}": name for name in shape.members} if shape else {}
    values: dict[str, Any] = {}
    for option, words in options.items():
        if option in renamed:
            values |= {name: _value(shape.members[name], words, f"{command} {option}") for name in renamed[option]}
            continue
        name = members.get(option) or members.get(option.replace("--no-", "--", 1))
        if name is None:
            raise ValueError(f"{command}: there is no parameter {option}")
        values[name] = _value(shape.members[name], words, f"{command} {option}")
    if shape is not None:
        report = ParamValidator().validate(values, shape)
        if report.has_errors():
            raise ValueError(f"{command}: {report.generate_report()}")


def _value(shape: Any, words: list[str], where: str) -> Any:  # noqa: ANN401
    """Read a parameter's words as the program does: scalars, lists by spaces, ``Key=Value,Key=Value``, or JSON."""
    if words and words[0][:1] in "[{" and shape.type_name in {"structure", "list", "map"}:
        return json.loads(words[0])
    if shape.type_name == "list":
        return [_value(shape.member, [word], where) for word in words]
    if shape.type_name == "boolean":
        return words[:1] != ["false"]
    (word,) = words
    match shape.type_name:
        case "integer" | "long":
            return int(word)
        case "structure":
            return {
                key: _value(_member(shape, key, where), [value], where)
                for key, _, value in (pair.partition("=") for pair in word.split(","))
            }
        case "map":
            return dict(pair.split("=", 1) for pair in word.split(","))
        case "blob":
            return word.encode()
    allowed = getattr(shape, "enum", None)
    if allowed and word not in allowed and not _VARIABLE.search(word):
        raise ValueError(f"{where}: {word} is none of {', '.join(allowed[:8])}")
    return word


def _member(shape: Any, key: str, where: str) -> Any:  # noqa: ANN401
    if key not in shape.members:
        raise ValueError(f"{where}: there is no {key}; there are {', '.join(shape.members)}")
    return shape.members[key]
