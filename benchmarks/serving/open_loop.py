"""A client that sends at a rate, whether or not answers come: the load of many strangers.

Latency counts from when a request was due, so that a server that stalls is charged for those that had to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

_IDLE_S: Final = 2.0
"""Servers close connections that were idle for some seconds; one that may be closed is not used again."""


def ask_at_rate(url: str, bodies: Sequence[str], *, per_second: float, seconds: float) -> list[float]:
    """Ask a server at a steady rate.

    Args:
        url: Where; plain HTTP.
        bodies: JSON requests, sent in turn.
        per_second: Requests that become due each second.
        seconds: How long.

    Returns:
        Milliseconds from when each request was due to the end of its answer.

    Raises:
        RuntimeError: If an answer is not 200.
    """
    return asyncio.run(_ask(url, bodies, per_second, int(per_second * seconds)))


async def _ask(url: str, bodies: Sequence[str], per_second: float, count: int) -> list[float]:
    place = urlsplit(url)
    free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
    start = perf_counter() + 0.1

    async def connection() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Take the connection that was used last, unless a server may close it meanwhile for being idle."""
        if free and perf_counter() - free[-1][0] < _IDLE_S:
            return free.pop()[1:]
        return await asyncio.open_connection(place.hostname, place.port)

    async def one(number: int) -> float:
        due = start + number / per_second
        await asyncio.sleep(due - perf_counter())
        reader, writer = await connection()
        body = bodies[number % len(bodies)].encode()
        head = f"POST {place.path} HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answered = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in answered.split("\r\n", 1)[0]:
            raise RuntimeError(f"{url}: {answered}")
        length = next(line for line in answered.split("\r\n") if line.startswith("content-length:"))
        await reader.readexactly(int(length.partition(":")[2]))
        free.append((perf_counter(), reader, writer))
        return 1e3 * (perf_counter() - due)

    latencies = await asyncio.gather(*map(one, range(count)))
    for _, _, writer in free:
        writer.close()
    return list(latencies)
