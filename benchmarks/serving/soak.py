"""Does a server that gets twice what it can answer lose an answer, swap two, swell, or stay slow afterwards?

``python benchmarks/serving/soak.py ARTIFACT`` takes 10 minutes. Requests come at a rate, whether or not answers come:
most are right, some are wrong, some are abandoned half-way or while they wait. The Python API has predicted every text
before, so that an answer that belongs to another text is seen. Ends with status 1 if anything is not as promised.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

import textwright
from _common import save, versions

WORDS = [
    "a",
    "the",
    "film",
    "story",
    "cast",
    "plot",
    "is",
    "was",
    "good",
    "bad",
    "great",
    "awful",
    "touching",
    "dull",
    "bright",
    "slow",
    "warm",
    "and",
    "but",
    "of",
    "in",
]
SIZES = (1, 1, 1, 1, 8, 64)
"""Texts of a request, each as likely as the other."""
KINDS = ("good", "bad", "abandoned")
WEIGHTS = (8, 1, 1)
BAD = (b"{", b'{"text": 1}', b'{"texts": []}', b'{"text": "\xff"}', b'{"texts": ["a", null]}', b'{"txt": "a"}')
CONNECTIONS = 256
MAX_IDLE_S = 2.0
"""The server closes connections that were idle for 5 seconds; a request that is under way then would be lost."""
MAX_GROWTH = 0.05
MAX_RECOVERY_S = 5.0
TOLERANCE = 1e-5
"""Batches of other sizes add in another order: float32 differs in the seventh digit."""


@dataclass(frozen=True)
class Request:
    """A right request and the answer that belongs to it.

    Args:
        body: Its JSON.
        expected: The probabilities of the first label, one for each text.
    """

    body: bytes
    expected: list[float]


@dataclass
class Tally:
    """What came of the requests; ``wrong`` says what must not be."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def make_requests(artifact: Path, count: int = 200) -> list[Request]:
    """Make requests whose texts are all different, and predict them.

    Args:
        artifact: The model that is served.
        count: Requests.

    Returns:
        Requests of 1 to 64 texts.
    """
    chance = random.Random(0)  # noqa: S311
    predictor = textwright.load(artifact)
    first = predictor.labels.names[0]
    requests = []
    for number in range(count):
        size = chance.choice(SIZES)
        texts = [f"{' '.join(chance.choices(WORDS, k=chance.randrange(2, 40)))} {number}" for _ in range(size)]
        expected = [item.probabilities[first] for item in predictor.predict(texts)]
        requests.append(Request(json.dumps({"texts": texts}).encode(), expected))
    return requests


class NoAnswerError(Exception):
    """The server closed a connection on which an answer was due."""


class Client:
    """Sends requests and judges the answers.

    Args:
        port: Of the server.
        requests: The right ones.
        label: Whose probability is compared.
    """

    def __init__(self, port: int, requests: Sequence[Request], label: str) -> None:
        self._port = port
        self._requests = requests
        self._label = label
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._chance = random.Random(1)  # noqa: S311
        self.tally = Tally()

    async def send_any(self) -> None:
        """Send a good, a bad or an abandoned request."""
        (kind,) = self._chance.choices(KINDS, WEIGHTS)
        async with self._slots:
            try:
                await getattr(self, f"send_{kind}")()
            except NoAnswerError as error:
                self.tally.wrong.append(f"{kind}: {error}")
            except OSError as error:
                self.tally.wrong.append(f"{kind}: no connection, {type(error).__name__}")

    async def send_good(self) -> float | None:
        """Ask for predictions and compare them; return the seconds, or None if the server refused."""
        request = self._chance.choice(self._requests)
        start = perf_counter()
        status, answer = await self._exchange(request.body)
        self.tally.outcomes[f"good {status}"] += 1
        if status in {429, 504}:
            return None
        if status != 200:
            self.tally.wrong.append(f"good: {status} {answer[:200]!r}")
            return None
        found = [item["probabilities"][self._label] for item in json.loads(answer)["predictions"]]
        pairs = list(zip(found, request.expected, strict=False))
        if len(found) != len(request.expected) or any(abs(a - b) > TOLERANCE for a, b in pairs):
            self.tally.wrong.append(f"good: the answer of another request ({len(found)} texts)")
        return perf_counter() - start

    async def send_bad(self) -> None:
        """Send what must be refused."""
        status, answer = await self._exchange(self._chance.choice(BAD))
        self.tally.outcomes[f"bad {status}"] += 1
        if status not in {400, 422} or "detail" not in json.loads(answer):
            self.tally.wrong.append(f"bad: {status} {answer[:200]!r}")

    async def send_abandoned(self) -> None:
        """Hang up in the middle of the body, or while the request waits."""
        body = self._chance.choice(self._requests).body
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        cut = self._chance.choice([len(body) // 2, len(body)])
        writer.write(_head(body) + body[:cut])
        await writer.drain()
        await asyncio.sleep(self._chance.uniform(0, 0.05))
        writer.close()
        self.tally.outcomes["abandoned"] += 1

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        reader, writer, idle_s = await self._connect()
        start = perf_counter()
        writer.write(_head(body) + body)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            length = next(int(line.partition(":")[2]) for line in head if line.startswith("content-length:"))
            answer = await reader.readexactly(length)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            connection = "a new connection" if idle_s is None else f"a connection idle for {idle_s:.3f} s"
            waited_s = perf_counter() - start
            raise NoAnswerError(f"no answer on {connection} after {waited_s:.3f} s, {error}") from error
        if "connection: close" in head:
            writer.close()
        else:
            self._free.append((reader, writer, perf_counter()))
        return int(head[0].split()[1]), answer

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, float | None]:
        """Take the connection that was used last and the seconds since, or a new one and None."""
        while self._free:
            reader, writer, since = self._free.pop()
            idle_s = perf_counter() - since
            if idle_s < MAX_IDLE_S:
                return reader, writer, idle_s
            writer.close()
        return *await asyncio.open_connection("127.0.0.1", self._port), None

    def close(self) -> None:
        """Close the connections."""
        for _, writer, _ in self._free:
            writer.close()
        self._free.clear()


def _head(body: bytes) -> bytes:
    return (
        b"POST /v1/predict HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % len(body)
    )


async def saturation(client: Client, seconds: float) -> float:
    """Measure how many good requests a second are answered to 16 connections that never pause."""
    end, count = perf_counter() + seconds, 0

    async def go_on() -> None:
        nonlocal count
        while perf_counter() < end:
            await client.send_good()
            count += 1

    await asyncio.gather(*(go_on() for _ in range(16)))
    return count / seconds


async def lone(client: Client, count: int = 30) -> list[float]:
    """Measure seconds of requests that have the server to themselves."""
    return [seconds for _ in range(count) if (seconds := await client.send_good()) is not None]


async def load(client: Client, per_second: float, seconds: float, memory: Sequence[psutil.Process]) -> list[int]:
    """Send at a rate, and read the memory of the server once a second.

    Returns:
        Bytes, one number for each second.
    """
    start, sent = perf_counter(), 0
    used: list[int] = []
    running: set[asyncio.Task[None]] = set()
    while (now := perf_counter() - start) < seconds:
        while sent < now * per_second:
            sent += 1
            if len(running) < 4 * CONNECTIONS:  # else nobody is left to ask, as when people give up
                task = asyncio.create_task(client.send_any())
                running.add(task)
                task.add_done_callback(running.discard)
            else:
                client.tally.outcomes["not sent: the client has no connection left"] += 1
        if len(used) < int(now):
            used.append(sum(process.memory_info().rss for process in memory))
        await asyncio.sleep(0.005)
    await asyncio.gather(*running)
    return used


async def recovery_s(client: Client, normal_s: float) -> float:
    """Measure how long after the load the median of ten requests is normal again: at most twice what it was."""
    start = perf_counter()
    while perf_counter() - start < 60:
        if median(await lone(client, 10) or [60.0]) <= 2 * normal_s:
            break
    return perf_counter() - start


@contextmanager
def serving(artifact: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Run the server; yield its port and its process."""
    command = [sys.executable, "-m", "textwright", "serve", str(artifact), "--port", "0", "--json"]
    flags = ["--max-queue-texts", "1024", "--timeout-s", "10"]
    with subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                sys.exit("the server did not start")
            said += line
        try:
            yield int(json.loads(said)["url"].rpartition(":")[2]), psutil.Process(process.pid)
        finally:
            process.terminate()
            if process.wait(20) != 0:
                sys.exit(f"the server ended with {process.returncode}")


async def soak(port: int, server: psutil.Process, artifact: Path, seconds: float) -> dict[str, Any]:
    """Put the load on and judge what came of it."""
    requests = make_requests(artifact)
    client = Client(port, requests, textwright.load(artifact).labels.names[0])
    await saturation(client, 1)
    normal = median(await lone(client))
    most = await saturation(client, min(5.0, seconds / 6))
    client.tally = Tally()
    used = await load(client, 2 * most, seconds, [server])
    back = await recovery_s(client, normal)
    client.close()
    settled = used[min(60, len(used) // 3) :]
    tenth = max(len(settled) // 10, 3)
    growth = median(settled[-tenth:]) / median(settled[:tenth]) - 1
    wrong = list(client.tally.wrong)
    if growth >= MAX_GROWTH:
        wrong.append(f"memory grew by {growth:.1%}")
    if back > MAX_RECOVERY_S:
        wrong.append(f"normal only after {back:.1f} s")
    return {
        "seconds": seconds,
        "saturation_per_second": round(most, 1),
        "offered_per_second": round(2 * most, 1),
        "outcomes": dict(sorted(client.tally.outcomes.items())),
        "lone_ms": round(1e3 * normal, 2),
        "recovery_s": round(back, 2),
        "memory_mib": {
            "settled": round(median(settled[:tenth]) / 2**20, 1),
            "end": round(median(settled[-tenth:]) / 2**20, 1),
        },
        "memory_growth": round(growth, 4),
        "wrong": wrong[:20],
        "num_wrong": len(wrong),
    }


def main() -> None:
    """Soak a server and write ``results/soak.json``, or the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--out", type=Path, help="where to write; without it, into benchmarks/results")
    asked = parser.parse_args()
    with serving(asked.artifact) as (port, server):
        found = asyncio.run(soak(port, server, asked.artifact, asked.seconds))
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=2) + "\n")
    else:
        what = {"command": "make bench-soak", "versions": versions("onnxruntime", "uvicorn", "fastapi")}
        save("soak", {**what, **found})
    print(json.dumps(found, indent=2))
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
