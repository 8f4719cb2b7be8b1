"""``textwright completion``: the script by which a shell completes commands and flags."""

from __future__ import annotations

import sys
from typing import Literal


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print the script that lets a shell complete commands, flags and their choices.

    Example: textwright completion bash > ~/.local/share/bash-completion/completions/textwright

    Example: textwright completion zsh > ~/.zfunc/_textwright

    Example: textwright completion fish > ~/.config/fish/completions/textwright.fish

    Args:
        shell: Which shell. Zsh reads the folder of its script from fpath: fpath+=~/.zfunc before compinit.
    """
    from textwright.cli.main import build_app

    sys.stdout.write(build_app().generate_completion(shell=shell))
