"""Ask the server in this container whether it is ready; the container engine runs this every few seconds.

Exit code 0 says yes. Imports the standard library alone, since each check pays for its imports.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from typing import Final

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  recognized, not bound to
_TIMEOUT_S: Final = 2.0


def main(environment: Mapping[str, str] | None = None) -> int:
    """Ask for ``/readyz`` at the address that the server takes from the same environment.

    Args:
        environment: Where HOST and PORT stand; None takes the process's.

    Returns:
        0 if it is ready, else 1.
    """
    values = os.environ if environment is None else environment
    host, port = values.get("HOST", "127.0.0.1"), int(values.get("PORT", "8000"))
    connection = http.client.HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return 0 if connection.getresponse().status == http.client.OK else 1
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
