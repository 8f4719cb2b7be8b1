"""``textwright push``: an artifact to the Hugging Face hub."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.hub.settings import PushSettings

_SETTINGS: Final = PushSettings()


def push(
    artifact: Path,
    repo: str,
    /,
    *,
    settings: Annotated[PushSettings, Parameter(name="*", group="Hub")] = _SETTINGS,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Push an artifact to a repository of the Hugging Face hub, with its model card.

    Example: textwright push runs/demo owner/name --private

    Sent are the files of the artifact and no other file of its run. Every command that takes an artifact takes
    hf://owner/name and hf://owner/name@revision.

    Args:
        artifact: An artifact folder, or the run folder that holds it.
        repo: Repository, owner/name; it is made if it does not exist.
    """
    from textwright.core.artifact import read
    from textwright.hub.push import push as push_artifact

    terminal = Terminal(output)
    pushed = push_artifact(read(artifact), repo, settings)
    content = {**asdict(pushed), "pinned": pushed.pinned}
    terminal.result(content, lambda: terminal.say(f"pushed: {pushed.url} (commit {pushed.commit[:12]})"))
    terminal.note(
        f"{pushed.num_files} files, {pushed.size_bytes / 1e6:.2f} MB, version {pushed.version}. Among them are "
        f"{pushed.num_texts} example texts with their answers (golden.jsonl), the words that the model knows and the "
        "settings of its training"
    )
    terminal.note(f"always these bytes: {pushed.pinned}")
    terminal.next(f"textwright serve {pushed.address}")
