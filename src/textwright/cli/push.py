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
    model = push_artifact(read(artifact), repo, settings)
    content = {**asdict(model), "pinned": model.pinned}
    terminal.result(content, lambda: terminal.say(f"pushed: {model.url} (commit {model.commit[:12]})"))
    terminal.note(
        f"{model.num_files} files, {model.size_bytes / 1e6:.2f} MB, version {model.version}. Among them are "
        f"{model.num_texts} example texts with their answers (golden.jsonl), the words that the model knows and the "
        "settings of its training"
    )
    terminal.note(f"always these bytes: {model.pinned}")
    terminal.next(f"textwright serve {model.address}")
