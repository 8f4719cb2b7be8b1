"""The models of one server: each by name and version, a default, and a swap that drops no request.

Everything here runs on the event loop. A request finds its model once, at its beginning
(``http.state.served_model_of``), and keeps it, so that every answer is whole: of one model.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from textwright.api.schemas import Reloaded
from textwright.errors import NotFoundError, ReloadError, SettingsError, TextwrightError
from textwright.server.inference.served_model import ServedModel

_POLL_S: Final = 0.05

logger = logging.getLogger(__name__)


class ModelRegistry:
    """The loaded models, in the order in which they were named; the first is the default.

    Args:
        models: One or more; each pair of name and version once.

    Raises:
        SettingsError: If two are of one name and version.
    """

    def __init__(self, models: Sequence[ServedModel]) -> None:
        titles = [served.title for served in models]
        for title in titles:
            if titles.count(title) > 1:
                raise SettingsError(f"two artifacts are {title}; name one otherwise: OTHER-NAME=PATH")
        self._models = list(models)
        self._retiring: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self.default = self._models[0]
        """Answers requests that name no model."""
        self.on_arrival: Callable[[ServedModel, ServedModel | None], object] = _ignore
        """Called with each model before it answers, and with the one whose place it takes."""
        self.check: Callable[[ServedModel], object] = _accept
        """Called with a model that was loaded anew; raises if it cannot take its place."""
        self.on_reload: Callable[[ServedModel], object] = _accept
        """Called with the model that answers after a reload, the same or another."""
        self.is_dispensable: Callable[[ServedModel], bool] = _is_needed
        """Says whether the server is ready without a model."""

    @property
    def models(self) -> tuple[ServedModel, ...]:
        """The models, the default first."""
        return tuple(self._models)

    def find(self, name: str, version: str | None = None) -> ServedModel:
        """Find a model.

        Args:
            name: Its name; of several versions, the one that was named first is found.
            version: Its version; None for any.

        Returns:
            The model.

        Raises:
            NotFoundError: If there is none; names those there are.
        """
        for served in self._models:
            identity = served.identity
            if identity.name == name and version in {None, identity.version}:
                return served
        raise NotFoundError(f"there is no such model or version; this server has {self._titles()}")

    def choose(self, name: str) -> ServedModel:
        """Find a model by what a request calls it.

        Args:
            name: ``name`` or ``name@version``.

        Returns:
            The model.

        Raises:
            NotFoundError: If there is none; names those there are.
        """
        if any(served.identity.name == name for served in self._models):
            return self.find(name)
        before, _, version = name.rpartition("@")
        return self.find(before or name, version if before else None)

    def start(self) -> None:
        """Begin to answer; call on the event loop."""
        for served in self._models:
            self.on_arrival(served, None)
            served.start()

    def replace(self, old: ServedModel, new: ServedModel) -> None:
        """Let a model answer in the place of another, from the next request on.

        The old one finishes what it has: it ends when every request that may have found it was answered.

        Args:
            old: One of the models.
            new: Loaded and warm.
        """
        self.on_arrival(new, old)
        new.start()
        self._models[self._models.index(old)] = new
        self.default = self._models[0]
        retiring = asyncio.get_running_loop().create_task(_retire(old))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def reload(self, name: str) -> Reloaded:
        """Load one model anew from where it came and swap it in; a bad artifact leaves the old one serving.

        It is read, verified and warmed in a thread while the old one answers.

        Args:
            name: ``name`` or ``name@version``.

        Returns:
            Its version before and after; equal if the artifact is what is served already.

        Raises:
            NotFoundError: If there is no such model.
            ReloadError: If the artifact cannot be served; the old model goes on.
        """
        async with self._reloading:
            return await self._reload(self.choose(name))

    async def reload_all(self) -> None:
        """Reload every model; what cannot be loaded is logged, and its old model goes on."""
        async with self._reloading:
            for served in self.models:
                try:
                    await self._reload(served)
                except ReloadError as error:
                    logger.error("model not reloaded", exc_info=error)  # noqa: TRY400  the formatter decides what is told

    async def _reload(self, old: ServedModel) -> Reloaded:
        try:
            new = await asyncio.to_thread(old.load_again)
        except TextwrightError as error:
            raise ReloadError(
                f"{old.title} goes on as it is, because its artifact cannot be served: {error}"
            ) from error
        try:
            self.check(new)
        except TextwrightError as error:
            await new.close()
            raise ReloadError(f"{old.title} goes on as it is: {error}") from error
        reloaded = Reloaded(name=new.identity.name, version=new.identity.version, previous_version=old.identity.version)
        if any(new.title == served.title for served in self._models):
            await new.close()
            if new.title != old.title:
                raise ReloadError(f"{old.title} goes on as it is, because its artifact is {new.title}, served already")
        else:
            self.replace(old, new)
        logger.info("model reloaded", extra={"fields": vars(reloaded)})
        self.on_reload(new)
        return reloaded

    async def is_ready(self) -> bool:
        """Say whether every model may be asked that the server cannot do without."""
        for served in self._models:
            if not self.is_dispensable(served) and not await served.is_ready():
                return False
        return True

    async def close(self) -> None:
        """Answer everybody and end the threads."""
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*(served.close() for served in self._models), *self._retiring, return_exceptions=True)

    def _titles(self) -> str:
        return ", ".join(served.title for served in self._models)


async def _retire(served: ServedModel) -> None:
    """Close a model that no new request finds, when the last of its requests was answered.

    One that found it just before may still be reading its body, which has its own time-out; the queue has another.
    """
    try:
        await asyncio.sleep(served.settings.body_timeout_s)
        while served.num_texts:
            await asyncio.sleep(_POLL_S)
    finally:
        await served.close()
    logger.info("model retired", extra={"fields": {"model": served.title}})


def _accept(_served: ServedModel) -> None:
    """Do nothing, where requests are not split."""


def _is_needed(_served: ServedModel) -> bool:
    return False


def _ignore(_new: ServedModel, _old: ServedModel | None) -> None:
    """Do nothing, before an application watches."""
