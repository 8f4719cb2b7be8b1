"""``textwright deploy``: plan, apply, look at, undo and remove deployments on AWS."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from textwright.deploy.cloud.settings import Ec2Settings, FunctionSettings, PlaceSettings
from textwright.deploy.package.settings import ImageSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.deploy.cloud.deployment import Deployment
    from textwright.deploy.cloud.plan import Plan
    from textwright.deploy.cloud.walk import Deployed

DEFAULT_PLACE, DEFAULT_EC2, DEFAULT_FUNCTION, DEFAULT_IMAGE = (
    PlaceSettings(),
    Ec2Settings(),
    FunctionSettings(),
    ImageSettings(),
)
Place = Annotated[PlaceSettings, Parameter(name="*", group="Deployment")]
Packaging = Annotated[ImageSettings, Parameter(name="*", group="Packaging")]
Shown = Annotated[Output, Parameter(name="*", group="Output")]

app = App(name="deploy", help="Plan a deployment on AWS, apply it, look at it, go back, remove it.")


@app.command
def ec2(
    artifact: Path,
    /,
    *,
    place: Place = DEFAULT_PLACE,
    servers: Annotated[Ec2Settings, Parameter(name="*", group="Servers")] = DEFAULT_EC2,
    packaging: Packaging = DEFAULT_IMAGE,
    output: Shown = DEFAULT_OUTPUT,
) -> None:
    """Plan a REST API on EC2; with --apply, make it and check it.

    Example: textwright deploy ec2 runs/demo --profile single --api-keys-secret textwright/keys

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    require("aws", what="deploying to AWS")
    from textwright.deploy.cloud.server import deploy_servers

    terminal = Terminal(output)
    with terminal.steps("deploying") as tell:
        result = deploy_servers(artifact, place, servers, packaging, tell=tell)
    _show(terminal, result, "ec2", artifact)


@app.command(name="lambda")
def function(
    artifact: Path,
    /,
    *,
    place: Place = DEFAULT_PLACE,
    function: Annotated[FunctionSettings, Parameter(name="*", group="Function")] = DEFAULT_FUNCTION,
    packaging: Packaging = DEFAULT_IMAGE,
    output: Shown = DEFAULT_OUTPUT,
) -> None:
    """Plan a Lambda function with an address; with --apply, make it and check it.

    Example: textwright deploy lambda runs/demo --region eu-central-1

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """
    require("aws", what="deploying to AWS")
    from textwright.deploy.cloud.function import deploy_function

    terminal = Terminal(output)
    with terminal.steps("deploying") as tell:
        result = deploy_function(artifact, place, function, packaging, tell=tell)
    _show(terminal, result, "lambda", artifact)


@app.command
def status(name: str, /, *, region: str | None = None, output: Shown = DEFAULT_OUTPUT) -> None:
    """Show how a deployment is: its stack, address, version and alarms, and whether it answers.

    Example: textwright deploy status demo

    Args:
        name: Name of the deployment.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    where = _find(name, region)
    from textwright.deploy.cloud import operate

    terminal = Terminal(output)
    found = operate.status(where)
    rows = [(key, value) for key, value in found.to_json().items() if key != "alarms"]
    rows += [(f"alarm: {alarm}", state) for alarm, state in found.alarms.items()]
    terminal.result(found.to_json(), lambda: terminal.table("", ("", ""), rows))
    terminal.next(f"textwright deploy logs {name}")


@app.command
def logs(
    name: str,
    /,
    *,
    minutes: Annotated[float, Parameter(validator=Number(gt=0))] = 10,
    follow: bool = False,
    region: str | None = None,
) -> None:
    """Print the log of a deployment, which never holds a text.

    Example: textwright deploy logs demo --minutes 60

    Args:
        name: Name of the deployment.
        minutes: How far back.
        follow: Go on with new lines until Ctrl-C.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    where = _find(name, region)
    from textwright.deploy.cloud import operate

    terminal = Terminal(DEFAULT_OUTPUT)
    for line in operate.logs(where, minutes=minutes, follow=follow):
        terminal.say(line)


@app.command
def rollback(name: str, /, *, apply: bool = False, region: str | None = None, output: Shown = DEFAULT_OUTPUT) -> None:
    """Let the model before answer again; done twice, it undoes itself.

    Example: textwright deploy rollback demo --apply

    Args:
        name: Name of the deployment.
        apply: Do it; without, what would be done is printed.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    where = _find(name, region)
    from textwright.deploy.cloud import operate

    terminal = Terminal(output)
    plan = operate.plan_rollback(where)
    if apply:
        with terminal.steps("rolling back") as tell:
            operate.roll_back(where, tell)
    verb = "answers" if apply else "would answer"
    content = {"name": name, "applied": apply, "live": plan.previous, "previous": plan.live}
    if not apply:
        content = {"name": name, "applied": apply, "live": plan.live, "previous": plan.previous}
    terminal.result(content, lambda: terminal.say(f"{plan.previous} {verb} instead of {plan.live}"))
    terminal.next(f"textwright deploy {'status' if apply else 'rollback'} {name}{'' if apply else ' --apply'}")


@app.command
def destroy(name: str, /, *, apply: bool = False, region: str | None = None, output: Shown = DEFAULT_OUTPUT) -> None:
    """Remove everything of a deployment, the packages and the log included.

    Example: textwright deploy destroy demo --apply

    Args:
        name: Name of the deployment.
        apply: Do it; without, what would be removed is listed.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    where = _find(name, region)
    from textwright.deploy.cloud import operate

    terminal = Terminal(output)
    listed = operate.plan_destroy(where)
    rows = [{"stack": stack, "type": kind, "resource": resource} for stack, kind, resource in listed]
    content = {"name": name, "applied": apply, "resources": rows}
    if not apply:
        terminal.result(content, lambda: terminal.table("would be removed", ("stack", "type", "resource"), listed))
        terminal.next(f"textwright deploy destroy {name} --apply")
        return
    with terminal.steps("removing") as tell:
        operate.destroy(where, tell)
    terminal.result(content, lambda: terminal.say(f"{len(listed)} resources removed; nothing of {name} is left"))


def _find(name: str, region: str | None) -> Deployment:
    require("aws", what="speaking to AWS")
    from textwright.deploy.cloud.deployment import deployment
    from textwright.deploy.cloud.session import Cloud

    return deployment(Cloud(region), name)


def _show(terminal: Terminal, result: Plan | Deployed, target: str, artifact: Path) -> None:
    from textwright.deploy.cloud.plan import Plan

    if isinstance(result, Plan):
        terminal.result({"plan": result.to_json()}, lambda: _show_plan(terminal, result))
        named = f" --name {result.name}" if result.region else f" --name {result.name} --region REGION"
        terminal.next(
            f"the same command with --apply: textwright deploy {target} {shlex.quote(str(artifact))}{named} ..."
        )
    else:
        terminal.result({"deployed": result.to_json()}, lambda: _show_deployed(terminal, result))
        undo = "rollback" if result.previous else "destroy"
        terminal.next(f"to undo it: textwright deploy {undo} {result.name} --apply")


def _show_plan(terminal: Terminal, plan: Plan) -> None:
    place = f"region {plan.region}" if plan.region else "no region"
    kept = sum(item.action == "keep" for item in plan.changes)
    rows = [
        (item.action, item.resource, item.type, ", ".join(item.fields))
        for item in plan.changes
        if item.action != "keep"
    ]
    title = f"{plan.name}: {plan.model} as {plan.target}, {place}"
    if rows:
        terminal.table(title, ("action", "resource", "type", "what changes"), rows)
    else:
        terminal.say(f"{title}: nothing changes")
    if kept and rows:
        terminal.say(f"{kept} resources stay as they are")
    for line in plan.costs:
        terminal.say(line)
    for note in plan.notes:
        terminal.say(f"note: {note}")
    terminal.say("to review: " + "  ".join(str(path) for path in plan.files))


def _show_deployed(terminal: Terminal, result: Deployed) -> None:
    terminal.say(f"{result.address}   {result.model}")
    terminal.say(
        f"{result.num_golden} golden examples reproduced through it   first answer {result.cold_ms:.0f} ms   "
        f"then {result.warm_ms:.0f} ms"
    )
    for note in result.notes:
        terminal.note(f"note: {note}")
