"""Lesson 26: the reader's own commands, typed by the real program ``aws`` to moto, with stand-ins for what is no API.

moto keeps what it is told and starts nothing: that the commands fit together is shown, that they suffice is not.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
from container_tools import free_port
from rehearsal import REGION

from bookkit.lesson_files import files_of

_FILES: Final = ("by-hand.sh", "undo.sh", "start.sh", "trust.json")
_WRAPPER: Final = """#!/bin/bash
{program} "$@" > >(tee -a {log}.part) 2>{log}.error
code=$?
sleep 0.05
printf '%s\\t%s\\t%s\\n' "$code" "$1 $2 $3" "$(tr '\\n\\t' '  ' <{log}.part | head -c 400)" >>{log}
cat {log}.error >&2
: >{log}.part
exit $code
"""
_SILENT: Final = "#!/bin/bash\n[ -t 0 ] || cat >/dev/null\n"


def record(work: Path, made: tuple[Path, Path]) -> dict[str, Any]:  # noqa: ARG001
    """Make the recording.

    Args:
        work: Empty folder.
        made: The artifacts, which nothing here needs.
    """
    programs, log = work / "bin", work / "log"
    programs.mkdir()
    aws = Path(os.environ["EMULATOR_PYTHON"]).with_name("aws")
    (programs / "aws").write_text(_WRAPPER.format(program=aws, log=log))
    for name in ("docker", "curl"):
        (programs / name).write_text(_SILENT)
    for program in programs.iterdir():
        program.chmod(0o755)
    written = {name: files_of("26")[name] for name in _FILES}
    for name, text in written.items():
        (work / name).write_text(text)
    with _moto(work) as address:
        environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": address,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # the name that version 1 of the program reads
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_PAGER": "",
        }
        before = _there(address)
        script = ["bash", "-euo", "pipefail", "-c", "source by-hand.sh; source undo.sh"]
        done = subprocess.run(
            script, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the commands failed:\n{done.stderr[-2000:]}")
        left = _there(address) != before
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    told = [{"command": f"aws {command}".split(" --")[0], "made": _short(made)} for _, command, made in rows]
    return {
        "files": written,
        "num_commands": len(told),
        "made": [row for row in told if row["made"]],
        "left": left,
    }


def _short(said: str) -> str:
    """Keep what is one word: an id, a name, an address; not what is a document."""
    words = said.split()
    return re.sub(r"\s+", " ", said).strip() if 0 < len(words) <= 2 and "{" not in said else ""


def _there(address: str) -> list[object]:
    """List what the lesson's commands make."""
    keys = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "rehearsal")
    services = ("ec2", "ecr", "elbv2", "iam")
    clients = {name: boto3.client(name, REGION, endpoint_url=address, **keys) for name in services}
    instances = clients["ec2"].describe_instances()["Reservations"]
    running = [each for one in instances for each in one["Instances"] if each["State"]["Name"] != "terminated"]
    return [
        len(running),
        sorted(group["GroupName"] for group in clients["ec2"].describe_security_groups()["SecurityGroups"]),
        clients["ecr"].describe_repositories()["repositories"],
        clients["elbv2"].describe_load_balancers()["LoadBalancers"],
        clients["elbv2"].describe_target_groups()["TargetGroups"],
        [role["RoleName"] for role in clients["iam"].list_roles()["Roles"]],
        [profile["InstanceProfileName"] for profile in clients["iam"].list_instance_profiles()["InstanceProfiles"]],
    ]


@contextmanager
def _moto(work: Path) -> Iterator[str]:
    port = free_port()
    command = [os.environ["EMULATOR_PYTHON"], "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}  # the policies that are AWS's own
    with (
        (work / "moto.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while "Running on" not in (work / "moto.log").read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((work / "moto.log").read_text())
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
