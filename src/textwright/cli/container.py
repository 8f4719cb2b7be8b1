"""Serve in a container: HOST and PORT, as platforms set them, are the flags ``--host`` and ``--port``.

Every other setting is its own variable, ``TEXTWRIGHT_SERVE_<FLAG>``, as outside of a container.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

_NAMES = ("HOST", "PORT")


def adopt(environment: MutableMapping[str, str]) -> None:
    """Give HOST and PORT the names that the program reads; a name that is set already stays.

    Args:
        environment: Changed in place; the health check goes on to read HOST and PORT.
    """
    for name in _NAMES:
        if environment.get(name):
            environment.setdefault(f"TEXTWRIGHT_SERVE_{name}", environment[name])


def main() -> None:
    """Run ``textwright`` with what the container was given."""
    from textwright.cli.main import run

    adopt(os.environ)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
