"""No lesson may reach out while it is tested: what it needs is fetched before, by name."""

from __future__ import annotations

import os
import sys
from typing import Final

VARIABLE: Final = "TEXTWRIGHT_COURSE_OFFLINE"
_HOME: Final = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104  an address that is compared, not bound


def stay_offline_if_told() -> None:
    """Refuse every connection that leaves this machine if ``$TEXTWRIGHT_COURSE_OFFLINE`` is 1."""
    if os.environ.get(VARIABLE) == "1":
        sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(_HOME):
        raise PermissionError(f"a lesson tried to reach {address[0]}; it must run offline once its assets are fetched")
