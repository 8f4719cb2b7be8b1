"""``textwright deploy``: plan, apply, look at, undo and remove deployments on AWS."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from textwright.config import Settings
from textwright.deploy.cloud.settings import DeploymentSettings
from textwright.deploy.package.settings import ImageSettings
from textwright.deploy.prices import load_prices
from textwright.deploy.targets import Deployer, deployers, find_deployment
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.deploy.cloud.common import Deployed
    from textwright.deploy.cloud.plan import DeploymentPlan

DEFAULT_DEPLOYMENT, DEFAULT_IMAGE = DeploymentSettings(), ImageSettings()
DeploymentFlags = Annotated[DeploymentSettings, Parameter(name="*", group="Deployment")]
Packaging = Annotated[ImageSettings, Parameter(name="*", group="Packaging")]
Shown = Annotated[Output, Parameter(name="*", group="Output")]

app = App(name="deploy", help="Plan a deployment on AWS, apply it, look at it, roll it back, destroy it.")


def deploy_command(target: str, deployer: Deployer) -> Any:  # noqa: ANN401  a function of a signature made here
    """Make the command of a target: its settings are flags, its help is its own.

    Args:
        target: What is typed after ``textwright deploy``.
        deployer: How the target is deployed to.
    """

    def command(
        artifact: Path,
        /,
        *,
        deployment: DeploymentFlags = DEFAULT_DEPLOYMENT,
        settings: Settings = deployer.settings(),  # noqa: B008  settings are frozen
        packaging: Packaging = DEFAULT_IMAGE,
        output: Shown = DEFAULT_OUTPUT,
    ) -> None:
        require(deployer.extra, what="deploying")
        from textwright.core import artifact as artifacts
        from textwright.deploy.cloud.common import DeployRequest

        terminal = Terminal(output)
        with terminal.steps("deploying") as report:
            request = DeployRequest(artifacts.read(artifact), deployment, settings, packaging, report)
            result = deployer.apply(request) if deployment.apply else deployer.plan(request)
        _show(terminal, result, target, artifact)

    command.__doc__ = deployer.help
    command.__annotations__["settings"] = Annotated[deployer.settings, Parameter(name="*", group=deployer.group)]
    return command


for _name, _deployer in deployers().items():
    app.command(deploy_command(_name, _deployer), name=_name)


@app.command(name="status")
def show_status(name: str, /, *, region: str | None = None, output: Shown = DEFAULT_OUTPUT) -> None:
    """Show how a deployment is: its stack, address, version and alarms, and whether it answers.

    Example: textwright deploy status demo

    Args:
        name: Name of the deployment.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    status = find_deployment(name, region).status()
    terminal = Terminal(output)
    rows = [(key, value) for key, value in status.to_json().items() if key != "alarms"]
    rows += [(f"alarm: {alarm}", state) for alarm, state in status.alarms.items()]
    terminal.result(status.to_json(), lambda: terminal.table("", ("", ""), rows))
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
    terminal = Terminal(DEFAULT_OUTPUT)
    for line in find_deployment(name, region).logs(minutes=minutes, follow=follow):
        terminal.say(line)


@app.command
def rollback(name: str, /, *, apply: bool = False, region: str | None = None, output: Shown = DEFAULT_OUTPUT) -> None:
    """Return to the model before; done twice, it undoes itself.

    Example: textwright deploy rollback demo --apply

    Args:
        name: Name of the deployment.
        apply: Do it; without, what would be done is printed.
        region: Region of AWS; absent: that of the AWS configuration.
    """
    deployment = find_deployment(name, region)
    terminal = Terminal(output)
    plan = deployment.plan_rollback()
    if apply:
        with terminal.steps("rolling back") as report:
            deployment.rollback(report)
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
    deployment = find_deployment(name, region)
    terminal = Terminal(output)
    listed = deployment.plan_destroy()
    rows = [{"stack": stack, "type": kind, "resource": resource} for stack, kind, resource in listed]
    content = {"name": name, "applied": apply, "resources": rows}
    if not apply:
        terminal.result(content, lambda: terminal.table("would be removed", ("stack", "type", "resource"), listed))
        terminal.next(f"textwright deploy destroy {name} --apply")
        return
    with terminal.steps("removing") as report:
        deployment.destroy(report)
    terminal.result(content, lambda: terminal.say(f"{len(listed)} resources removed; nothing of {name} is left"))


def _show(terminal: Terminal, result: DeploymentPlan | Deployed, target: str, artifact: Path) -> None:
    from textwright.deploy.cloud.plan import DeploymentPlan

    if isinstance(result, DeploymentPlan):
        terminal.result({"plan": result.to_json()}, lambda: _show_plan(terminal, result))
        named = f" --name {result.name}" if result.region else f" --name {result.name} --region REGION"
        terminal.next(
            f"the same command with --apply: textwright deploy {target} {shlex.quote(str(artifact))}{named} ..."
        )
    else:
        terminal.result({"deployed": result.to_json()}, lambda: _show_deployed(terminal, result))
        undo = "rollback" if result.previous else "destroy"
        terminal.next(f"to undo it: textwright deploy {undo} {result.name} --apply")


def _show_plan(terminal: Terminal, plan: DeploymentPlan) -> None:
    place = f"region {plan.region}" if plan.region else "no region"
    num_kept = sum(item.action == "keep" for item in plan.changes)
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
    if num_kept and rows:
        terminal.say(f"{num_kept} resources stay as they are")
    for line in plan.costs:
        terminal.say(line)
    if stale := load_prices(region=plan.region).staleness(datetime.now(UTC).date()):
        terminal.say(f"! {stale}")
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
