"""Load artifacts anew from where they came and swap them in; a bad one leaves the old one serving.

Called on SIGHUP and by the admin route. The new model is read, verified and warmed in a thread while the old one
answers.
"""

from __future__ import annotations

import asyncio
import logging

from textwright.api.schemas import Reloaded
from textwright.errors import ReloadError, TextwrightError
from textwright.server.catalog import Catalog
from textwright.server.service import Service

logger = logging.getLogger(__name__)


class Reloader:
    """Reloads the models of a catalog, one at a time.

    Args:
        catalog: The models.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = asyncio.Lock()

    async def reload(self, name: str) -> Reloaded:
        """Reload one model.

        Args:
            name: ``name`` or ``name@version``.

        Returns:
            Its version before and after; equal if the artifact is what is served already.

        Raises:
            NotFoundError: If there is no such model.
            ReloadError: If the artifact cannot be served; the old model goes on.
        """
        async with self._lock:
            return await self._reload(self._catalog.choose(name))

    async def reload_all(self) -> None:
        """Reload every model; what cannot be loaded is told in the log, and its old model goes on."""
        async with self._lock:
            for service in self._catalog.services:
                try:
                    await self._reload(service)
                except ReloadError as error:
                    logger.error("model not reloaded", exc_info=error)  # noqa: TRY400  the formatter decides what is told

    async def _reload(self, old: Service) -> Reloaded:
        try:
            new = await asyncio.to_thread(old.source.load, old.settings)
        except TextwrightError as error:
            raise ReloadError(
                f"{old.title} goes on as it is, because its artifact cannot be served: {error}"
            ) from error
        told = Reloaded(name=new.identity.name, version=new.identity.version, previous_version=old.identity.version)
        if any(new.title == service.title for service in self._catalog.services):
            await new.close()
            if new.title != old.title:
                raise ReloadError(f"{old.title} goes on as it is, because its artifact is {new.title}, served already")
        else:
            self._catalog.replace(old, new)
        logger.info("model reloaded", extra={"fields": vars(told)})
        return told
