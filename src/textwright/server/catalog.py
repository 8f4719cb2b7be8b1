"""The models of one server: each by name and version, a default, and a swap that drops no request.

Everything here runs on the event loop. A request finds its model once, at its beginning (``service.service_of``), and
keeps it, so that every answer is whole: of one model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from textwright.errors import NotFoundError, SettingsError
from textwright.server.service import Service

_LOOK_AGAIN_S: Final = 0.05

logger = logging.getLogger(__name__)


class Catalog:
    """The loaded models, in the order in which they were named; the first is the default.

    Args:
        services: One or more; each pair of name and version once.

    Raises:
        SettingsError: If two are of one name and version.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        titles = [service.title for service in services]
        for title in titles:
            if titles.count(title) > 1:
                raise SettingsError(f"two artifacts are {title}; name one otherwise: OTHER-NAME=PATH")
        self._services = list(services)
        self._retiring: set[asyncio.Task[None]] = set()
        self.default = self._services[0]
        """Answers requests that name no model."""
        self.on_arrival: Callable[[Service, Service | None], object] = _ignore
        """Called with each model before it answers, and with the one whose place it takes."""

    @property
    def services(self) -> tuple[Service, ...]:
        """The models, the default first."""
        return tuple(self._services)

    def find(self, name: str, version: str | None = None) -> Service:
        """Find a model.

        Args:
            name: Its name; of several versions, the one that was named first is found.
            version: Its version; None for any.

        Returns:
            The model.

        Raises:
            NotFoundError: If there is none; names those there are.
        """
        for service in self._services:
            identity = service.identity
            if identity.name == name and version in {None, identity.version}:
                return service
        raise NotFoundError(f"there is no such model or version; this server has {self._told()}")

    def choose(self, asked: str) -> Service:
        """Find a model by what a request calls it.

        Args:
            asked: ``name`` or ``name@version``.

        Returns:
            The model.

        Raises:
            NotFoundError: If there is none; names those there are.
        """
        if any(service.identity.name == asked for service in self._services):
            return self.find(asked)
        name, _, version = asked.rpartition("@")
        return self.find(name or asked, version if name else None)

    def start(self) -> None:
        """Begin to answer; call on the event loop."""
        for service in self._services:
            self.on_arrival(service, None)
            service.start()

    def replace(self, old: Service, new: Service) -> None:
        """Let a model answer in the place of another, from the next request on.

        The old one finishes what it has: it ends when every request that may have found it was answered.

        Args:
            old: One of the models.
            new: Loaded and warm.
        """
        self.on_arrival(new, old)
        new.start()
        self._services[self._services.index(old)] = new
        self.default = self._services[0]
        retiring = asyncio.get_running_loop().create_task(_retire(old))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def is_ready(self) -> bool:
        """Say whether every model may be asked."""
        for service in self._services:
            if not await service.is_ready():
                return False
        return True

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*(service.close() for service in self._services), *self._retiring, return_exceptions=True)

    def _told(self) -> str:
        return ", ".join(service.title for service in self._services)


async def _retire(service: Service) -> None:
    """Close a model that no new request finds, when the last of its requests was answered.

    One that found it just before may still be reading its body, which has its own time-out; the queue has another.
    """
    try:
        await asyncio.sleep(service.settings.body_timeout_s)
        while service.num_texts:
            await asyncio.sleep(_LOOK_AGAIN_S)
    finally:
        await service.close()
    logger.info("model retired", extra={"fields": {"model": service.title}})


def _ignore(_new: Service, _old: Service | None) -> None:
    """Nobody looks."""
