"""Processor time of a request to the Lambda function, and of its init, in a process that holds nothing else.

The door is the one of the packages; what AWS puts around it is not here and is assumed in the settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from textwright.deploy.sizing.measured import FunctionLoad
from textwright.errors import DeployError
from textwright.serverless.settings import variable

_PROGRAM: Final = """
import json, resource, statistics, sys, time
from io import StringIO
from pathlib import Path
from textwright.serverless.logs import Log
from textwright.serverless.start import start
asked = json.load(sys.stdin)
log = StringIO()
handler = start(Path("/"), environment=asked["environment"], log=Log(log))
init_cpu_s = time.process_time()
headers = {"content-type": "application/json"}
context = {"http": {"method": "POST", "path": "/v1/predict"}}
event = {"version": "2.0", "rawPath": "/v1/predict", "headers": headers, "requestContext": context}
events = [{**event, "body": body} for body in asked["bodies"]]
rounds, end = [], time.process_time() + asked["seconds"]
while len(rounds) < 3 or time.process_time() < end:
    begin = time.process_time()
    for event in events:
        answer = handler(event)
        if answer["statusCode"] != 200:
            sys.exit(answer["body"])
    rounds.append((time.process_time() - begin) / len(events))
status = Path("/proc/self/status")
if status.exists():  # what getrusage says on Linux is at least the peak of the process that started this one
    peak = next(1024 * int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "init_cpu_s": init_cpu_s,
    "cpu_s": statistics.median(rounds[1:]),
    "memory_bytes": peak,
    "log_bytes": len(log.getvalue()) / len(rounds) / len(events),
    "num_requests": len(rounds) * len(events),
}))
"""


def measure_function(folder: Path, variant: str, bodies: Sequence[str], seconds: float) -> FunctionLoad:
    """Ask the function one request at a time, as Lambda does, with one thread.

    Args:
        folder: The artifact's folder.
        variant: Graph to load.
        bodies: Of requests, JSON.
        seconds: Processor seconds that the function shall take, at three rounds at least.

    Returns:
        Processor seconds: the median over rounds of all bodies, the first round left out.

    Raises:
        DeployError: If the function cannot start or refuses a request.
    """
    settings = {"artifact": str(folder.resolve()), "variant": variant, "num_threads": "1"}
    environment = {variable(name): value for name, value in settings.items()}
    asked = json.dumps({"bodies": list(bodies), "seconds": seconds, "environment": environment})
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, env=alone)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip() or "it ended without a word").splitlines()[-1]
        raise DeployError(f"the function could not be measured: {last[-400:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return FunctionLoad(**told)
