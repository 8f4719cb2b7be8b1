"""The code of a page of the docs, by section, for tests and for environments of other tools.

``page_code.py PAGE SECTION FOLDER`` runs the first Python block of a section; with ``--write`` before the folder it is
written as ``service.py``, and the first shell block as ``commands.sh``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TICKETS: Final[Mapping[str, tuple[str, ...]]] = {
    "billing": (
        "The invoice was charged twice",
        "My card was charged",
        "The refund is missing",
        "A wrong amount was billed",
    ),
    "shipping": (
        "The parcel is late",
        "My order was not delivered",
        "The box came damaged",
        "Wrong address on the parcel",
    ),
}
"""Label -> how its texts begin."""


def blocks(page: Path, section: str, language: str = "python") -> list[str]:
    """Return the code blocks of a section, in order."""
    content = page.read_text(encoding="utf-8")
    (found,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", content, re.DOTALL | re.MULTILINE)
    return re.findall(rf"```{language}\n(.*?)```", found, re.DOTALL)


def with_encoder(code: str, encoder: Path) -> str:
    """Put a folder in the place of the encoders of the hub that code names."""
    return re.sub(r'"(?:sentence-transformers|answerdotai)/[\w.-]+"', repr(str(encoder)), code)


def write_tickets(folder: Path, rows_per_label: int = 40) -> None:
    """Write the labeled file that the page speaks of."""
    rows = [
        f'"{beginnings[number % len(beginnings)]}, case {number}.",{label}'
        for number in range(rows_per_label)
        for label, beginnings in TICKETS.items()
    ]
    (folder / "tickets.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")


def main() -> None:
    """Run one block where the file lies, or write it; ``ENCODER`` of the environment names the folder of an encoder."""
    page, section, folder = Path(sys.argv[1]).absolute(), sys.argv[2], Path(sys.argv[-1])
    code = with_encoder(blocks(page, section)[0], Path(os.environ.get("ENCODER", "")))
    if "--write" in sys.argv:
        (folder / "service.py").write_text(code, encoding="utf-8")
        (folder / "commands.sh").write_text(blocks(page, section, "sh")[0], encoding="utf-8")
        return
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    write_tickets(Path())
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})  # noqa: S102  our own page


if __name__ == "__main__":
    main()
