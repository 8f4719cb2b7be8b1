"""``textwright assets``: list, fetch and find the built-in data and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

app = App(name="assets", help="List, fetch and find the built-in data and weights.")

_Output = Annotated[Output, Parameter(name="*", group="Output")]


@app.command(name="list")
def list_assets(*, output: _Output = DEFAULT_OUTPUT) -> None:
    """List the built-in assets and say which are in the cache.

    Example: textwright assets list
    """
    from textwright.data.assets import asset_states
    from textwright.data.cache import cache_dir

    terminal = Terminal(output)
    states = asset_states()
    rows = [
        (asset.name, round(asset.size_bytes / 1e6, 1), "yes" if cached else "no", asset.license, asset.summary)
        for asset, cached in ((state.asset, state.is_cached) for state in states)
    ]
    columns = ("name", "MB", "cached", "license", "what it is")
    content = {"cache": str(cache_dir()), "assets": [state.to_json() for state in states]}
    terminal.result(content, lambda: terminal.table(f"Assets in {cache_dir()}", columns, rows))
    terminal.next("textwright assets fetch movie-reviews")


@app.command
def fetch(*names: str, output: _Output = DEFAULT_OUTPUT) -> None:
    """Fetch assets into the cache; those that are there already are left as they are.

    Example: textwright assets fetch movie-reviews glove-6b-50d

    Args:
        names: Assets to fetch; without one, all of them.
    """
    from textwright.data.assets import asset_path, state_of
    from textwright.data.builtin import BUILTIN
    from textwright.data.catalog import ASSETS

    terminal = Terminal(output)
    states = [state_of(name) for name in names or ASSETS]
    with terminal.progress() as bar:
        for state in states:
            task = bar.add_task(state.asset.name, total=state.asset.size_bytes, note="")
            asset_path(state.asset.name, _follow(bar, task))
            bar.update(task, completed=state.asset.size_bytes)
    paths = {state.asset.name: str(state.path) for state in states}
    terminal.result(paths, lambda: terminal.table("", ("name", "path"), list(paths.items())))
    first = states[0].asset.name
    terminal.next(f"textwright data check {first}" if first in BUILTIN else f"textwright assets path {first}")


def _follow(bar: Progress, task: TaskID) -> Callable[[int, int], None]:
    def follow(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return follow


@app.command
def path(name: str, /, *, output: _Output = DEFAULT_OUTPUT) -> None:
    """Print the folder of an asset, fetching it when it is not in the cache.

    Example: ls $(textwright assets path glove-6b-50d --quiet)

    Args:
        name: The asset.
    """
    from textwright.data.assets import asset_path

    terminal = Terminal(output)
    folder = asset_path(name)
    terminal.result({"name": name, "path": str(folder)}, lambda: terminal.say(str(folder)))
    terminal.next("textwright assets list")
