"""``python -m textwright``: the same program as ``textwright``."""

from __future__ import annotations

from textwright.cli.main import main

if __name__ == "__main__":
    main()
