"""What a request takes: processor time of the real server and of the Lambda function, on requests like those to come.

Processor time of their processes is measured, not the time on the clock: the programs that send requests run on the
same machine, and so may others. The server is started as ``textwright serve`` starts it. The function has a process
that holds nothing else; what AWS puts around it is assumed in the settings.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import cycle, islice
from pathlib import Path
from statistics import fmean
from threading import Event
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Self

from pydantic import TypeAdapter, ValidationError

from textwright.api.codec import EXAMPLE_TEXT
from textwright.config import explain
from textwright.errors import DeployError, NotFoundError, SettingsError
from textwright.serverless.settings import variable

if TYPE_CHECKING:
    from textwright.runtime.predictor import Predictor

_NUM_BODIES: Final = 32
"""Different requests, so that no cache of one text flatters the measurement."""
_CLIENTS: Final = 8
"""Connections at once, so that the server has something to batch."""
_TIMEOUT_S: Final = 60
_PATIENCE: Final = 5
_POLL_S: Final = 0.05
_HEADERS: Final = {"content-type": "application/json"}
_PROGRAM: Final = """
import json, resource, statistics, sys, time
from io import StringIO
from pathlib import Path
from textwright.serverless.logs import Log
from textwright.serverless.start import start
job = json.load(sys.stdin)
log = StringIO()
handler = start(Path("/"), environment=job["environment"], log=Log(log))
init_cpu_s = time.process_time()
headers = {"content-type": "application/json"}
context = {"http": {"method": "POST", "path": "/v1/predict"}}
event = {"version": "2.0", "rawPath": "/v1/predict", "headers": headers, "requestContext": context}
events = [{**event, "body": body} for body in job["bodies"]]
rounds, end = [], time.process_time() + job["seconds"]
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


@dataclass(frozen=True, slots=True)
class ServerLoad:
    """What a request takes of the server, with one thread.

    Args:
        cpu_s: Processor seconds.
        memory_bytes: Peak memory of the process.
        request_bytes: Of a request's body.
        response_bytes: Of an answer, with its headers.
        log_bytes: Of its line in the log.
        num_requests: How many were sent.
    """

    cpu_s: float
    memory_bytes: int
    request_bytes: float
    response_bytes: float
    log_bytes: float
    num_requests: int


@dataclass(frozen=True, slots=True)
class FunctionLoad:
    """What a request takes of the Lambda function, with one thread.

    Args:
        init_cpu_s: Processor seconds from the start of the process to the warm handler.
        cpu_s: Processor seconds of a request.
        memory_bytes: Peak memory of the process.
        log_bytes: Of its line in the log, with the metrics.
        num_requests: How many were sent.
    """

    init_cpu_s: float
    cpu_s: float
    memory_bytes: int
    log_bytes: float
    num_requests: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Server and function, one model, one kind of request, one machine.

    Args:
        name: What the model is called.
        version: Of its artifact.
        variant: The graph.
        texts_per_request: Texts of each request.
        tokens: Tokens that each text was to have.
        mean_tokens: Those that a text had, on average; fewer if the model reads no more.
        server: What the server took.
        function: What the function took.
        machine: Where.
    """

    name: str
    version: str
    variant: str
    texts_per_request: int
    tokens: int
    mean_tokens: float
    server: ServerLoad
    function: FunctionLoad
    machine: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values, from which :meth:`read` makes the same again."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what an earlier run measured.

        Args:
            path: Its ``cost.json``, or the folder that holds it.

        Returns:
            What was measured there.

        Raises:
            NotFoundError: If there is no such file.
            SettingsError: If it is not one that ``textwright cost`` wrote; says what is wrong.
        """
        file = path / "cost.json" if path.is_dir() else path
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return TypeAdapter(cls).validate_python(content["measured"])
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no {file}; textwright cost --out DIR writes cost.json") from error
        except ValidationError as error:
            raise SettingsError(f"{file}: {explain(error)}; give the cost.json of an earlier run") from error
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{file} is no cost.json of an earlier run") from error


def make_requests(predictor: Predictor, *, texts_per_request: int, tokens: int) -> tuple[list[str], float]:
    """Write the bodies of requests to ``/v1/predict``.

    Args:
        predictor: The model, which counts its own tokens.
        texts_per_request: Texts in each body, >= 1.
        tokens: Tokens aimed at, >= 1; no text has more than the model reads.

    Returns:
        JSON bodies, and the mean number of tokens of their texts.
    """
    texts = [_text(predictor, number, tokens) for number in range(_NUM_BODIES)]
    endless = cycle(texts)
    bodies = [json.dumps({"texts": list(islice(endless, texts_per_request))}) for _ in texts]
    return bodies, fmean(predictor.encode(texts).lengths)


def _text(predictor: Predictor, number: int, tokens: int) -> str:
    """Take words, from another one on for each text, until they have the tokens, or as many as the model reads."""
    words = list(islice(_words(predictor), number, number + tokens))
    most = min(tokens, predictor.artifact.manifest.max_length)
    low, high = 1, len(words)
    while low < high:  # each word has a token at least, so few enough words are found by halving
        middle = (low + high) // 2
        if predictor.encode([" ".join(words[:middle])]).lengths[0] < most:
            low = middle + 1
        else:
            high = middle
    return " ".join(words[:low])


def _words(predictor: Predictor) -> Iterator[str]:
    words = [word for item in predictor.artifact.golden() for word in item.text.split() if word.isalpha()]
    return cycle(words or EXAMPLE_TEXT.split())


class _Load(NamedTuple):
    """Requests to a server, and the processor seconds that it took for them."""

    cpu_s: float
    num_requests: int
    num_bytes: int


def measure_server(folder: Path, variant: str, bodies: Sequence[str], seconds: float) -> ServerLoad:
    """Send requests to the server over several connections at once; it has one worker, and one thread for the model.

    Args:
        folder: The artifact's folder.
        variant: Graph to load.
        bodies: Of requests, JSON.
        seconds: Processor seconds that the server shall take; sending stops after five times as long on the clock.

    Returns:
        Processor seconds of a request, and what it sends, logs and holds in memory.

    Raises:
        DeployError: If the server cannot start, refuses a request, or this system tells no process's time.
    """
    if not hasattr(os, "wait4"):
        raise DeployError("this system does not tell a process's time; measure on Linux or macOS and give --measured")
    command = [sys.executable, "-m", "textwright", "serve", str(folder), "--variant", variant, "--port", "0"]
    command += ["--num-threads", "1", "--workers", "1", "--json"]
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:  # noqa: S603
            try:
                load = _send_for(process.pid, _port_of(process, log), bodies, seconds)
                memory_bytes = _peak_memory(process.pid)
            except BaseException:
                process.kill()
                raise
            process.send_signal(signal.SIGTERM)
            _, status, usage = os.wait4(process.pid, 0)  # not subprocess's wait: it does not tell the memory
            process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0, os.SEEK_END)
        return ServerLoad(
            cpu_s=load.cpu_s / load.num_requests,
            memory_bytes=memory_bytes or usage.ru_maxrss,
            request_bytes=sum(len(body.encode()) for body in bodies) / len(bodies),
            response_bytes=load.num_bytes / load.num_requests,
            log_bytes=log.tell() / (load.num_requests + len(bodies)),
            num_requests=load.num_requests,
        )


def process_cpu_s(pid: int) -> float:
    """Return the processor seconds that a running process has taken, to a hundredth.

    Args:
        pid: The process.

    Returns:
        Seconds in its own code and in the kernel for it.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    output = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)  # noqa: S603, S607
    return parse_time(output.stdout)


def _peak_memory(pid: int) -> int:
    """Return the most bytes that a running process has held; 0 if the system tells only when it has ended.

    What ``wait4`` says on Linux is at least the peak of the process that started this one.
    """
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def parse_time(text: str) -> float:
    """Read a time as ``ps`` writes it: "0:01.25", "1:02:03"."""
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _port_of(process: subprocess.Popen[str], log: IO[str]) -> int:
    output = ""
    while '"url"' not in output or not output.endswith("}\n"):  # an error is an object too
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            log.seek(0)
            raise DeployError(f"the server did not start: {log.read().strip()[-400:]}")
        output += line
    return int(json.loads(output)["url"].rpartition(":")[2])


def _send_for(pid: int, port: int, bodies: Sequence[str], seconds: float) -> _Load:
    """Send each body once without counting, then all of them from several connections until the time is used up."""
    with closing(_connect(port)) as connection:
        for body in bodies:
            _send(connection, body)
    start, deadline, over = process_cpu_s(pid), monotonic() + _PATIENCE * seconds, Event()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        clients = [pool.submit(_client, port, [*bodies[number:], *bodies[:number]], over) for number in range(_CLIENTS)]
        while process_cpu_s(pid) < start + seconds and monotonic() < deadline and not any(it.done() for it in clients):
            sleep(_POLL_S)
        over.set()
        totals = [client.result() for client in clients]
    return _Load(process_cpu_s(pid) - start, sum(it[0] for it in totals), sum(it[1] for it in totals))


def _client(port: int, bodies: Sequence[str], over: Event) -> tuple[int, int]:
    num_requests = num_bytes = 0
    with closing(_connect(port)) as connection:
        for body in cycle(bodies):
            if over.is_set() and num_requests:
                break
            num_bytes += _send(connection, body)
            num_requests += 1
    return num_requests, num_bytes


def _connect(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)


def _send(connection: HTTPConnection, body: str) -> int:
    try:
        connection.request("POST", "/v1/predict", body.encode(), _HEADERS)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as error:
        raise DeployError(f"the server stopped answering while it was measured: {error!r}") from error
    if answer.status != HTTPStatus.OK:
        raise DeployError(f"the server refused a request that it was measured with: {content.decode()[:400]}")
    return len(content) + len(str(answer.headers))


def measure_function(folder: Path, variant: str, bodies: Sequence[str], seconds: float) -> FunctionLoad:
    """Call the function one request at a time, as Lambda does, with one thread.

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
    job = json.dumps({"bodies": list(bodies), "seconds": seconds, "environment": environment})
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _PROGRAM]
    completed = subprocess.run(command, input=job, capture_output=True, text=True, check=False, env=alone)  # noqa: S603
    if completed.returncode:
        last = (completed.stderr.strip() or "it ended without a word").splitlines()[-1]
        raise DeployError(f"the function could not be measured: {last[-400:]}")
    measured: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    return FunctionLoad(**measured)
