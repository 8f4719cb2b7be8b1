"""What supervisor and worker say to each other: one JSON object a line, over a socket that nobody else has."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, Self


class Channel:
    """One end of a connection between supervisor and worker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Speak over one end of a socket pair; call on the event loop that will read and write."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; what the other end no longer reads is lost."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any] | None:
        """Wait for a message; None when the other end is gone."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
