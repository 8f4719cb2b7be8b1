"""Blank the symbol tables of compiled modules: only debuggers read them, and zeros compress to nothing.

What ``strip`` does, without needing it: sections that are not loaded (``.symtab``, ``.strtab``) are overwritten in
place, so no address moves and the dynamic loader, which reads ``.dynsym`` and ``.dynstr``, finds all where it was.

Source:
    System V Application Binary Interface, "ELF header" and "Sections".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_ELF64_LITTLE: Final = b"\x7fELF\x02\x01"
_SECTIONS_AT: Final = 0x28
_SECTION_COUNTS_AT: Final = 0x3A
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMTAB: Final = 2
_STRTAB: Final = 3
_ALLOCATED: Final = 2


class _Section(NamedTuple):
    """A row of the table of sections."""

    name: int
    kind: int
    flags: int
    address: int
    start: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def blank_symbols(path: Path) -> None:
    """Overwrite the symbol tables of one shared object; any other file is left as it is.

    Args:
        path: A file; its size stays.
    """
    content = bytearray(path.read_bytes())
    if content.startswith(_ELF64_LITTLE):
        for start, size in _unloaded_symbols(bytes(content)):
            content[start : start + size] = bytes(size)
        path.write_bytes(content)


def _unloaded_symbols(content: bytes) -> Iterator[tuple[int, int]]:
    """Find place and size of each symbol table that is not loaded, and of its names."""
    (table,) = struct.unpack_from("<Q", content, _SECTIONS_AT)
    size, count, names = struct.unpack_from("<HHH", content, _SECTION_COUNTS_AT)
    sections = [_Section(*_SECTION.unpack_from(content, table + number * size)) for number in range(count)]
    for section in sections:
        if section.kind == _SYMTAB and not section.flags & _ALLOCATED:
            yield section.start, section.size
            strings = sections[section.link]
            is_shared = section.link == names  # with the names of the sections, which stay
            if strings.kind == _STRTAB and not strings.flags & _ALLOCATED and not is_shared:
                yield strings.start, strings.size
