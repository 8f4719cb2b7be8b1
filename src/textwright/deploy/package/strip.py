"""What of the wheels is left out of what is shipped: files that are never imported, and symbol tables.

The files rest on the insides of others' packages, so what was built runs a real prediction before it is called done.
Symbol tables are blanked as ``strip`` would, without needing it: only debuggers read them, and zeros compress to
nothing. Sections that are not loaded (``.symtab``, ``.strtab``) are overwritten in place, so no address moves and the
dynamic loader, which reads ``.dynsym`` and ``.dynstr``, finds all where it was.

Source:
    System V Application Binary Interface, "ELF header" and "Sections".
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

SCRIPTS: Final = "bin"
"""The folder of command-line programs."""
PATTERNS: Final = (
    # ONNX Runtime holds its engine twice: the Python module does not link this one (29 MB).
    "onnxruntime/capi/libonnxruntime.so*",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # Tests, headers, type stubs and the compiler of Fortran wrappers: 20 MB of numpy.
    "numpy/**/tests",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/distutils",
    "numpy/f2py",
    "numpy/random/lib",
    "**/*.pyi",
    # Sources of compiled modules.
    "uvloop/**/*.pyx",
    "uvloop/**/*.pxd",
    "uvloop/**/*.c",
    "httptools/**/*.pyx",
    "httptools/**/*.c",
    # Of pyarrow: tests, headers, sources, and the protocol that no file needs: 50 MB.
    "pyarrow/tests",
    "pyarrow/include",
    "pyarrow/src",
    "pyarrow/**/*.pyx",
    "pyarrow/**/*.pxd",
    "pyarrow/**/*.pxi",
    "pyarrow/*flight*",
    SCRIPTS,
)
FUNCTION_PATTERNS: Final = (
    # The function draws no random number, and numpy loads these when they are first asked for: 5 MB.
    "numpy/random",
    "numpy/fft",
    "numpy/ma",
    "numpy/polynomial",
    "numpy/testing",
    "numpy/ctypeslib",
    "numpy/core",
    "numpy/doc",
    "numpy/_pyinstaller",
    # Compiled modules of numpy's own tests.
    "numpy/_core/_simd.*.so",
    "numpy/_core/_*_tests.*.so",
    "onnxruntime/backend",
    # What pip installed where; nobody uninstalls from a zip.
    "*.dist-info/RECORD",
)
"""Left out of the Lambda zip besides, whose size is what an upload may have."""
_ELF64_LITTLE: Final = b"\x7fELF\x02\x01"
_SECTIONS_AT: Final = 0x28
_SECTION_COUNTS_AT: Final = 0x3A
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMTAB: Final = 2
_STRTAB: Final = 3
_ALLOCATED: Final = 2


def trim(folder: Path, patterns: Sequence[str] = PATTERNS) -> None:
    """Remove what is never imported.

    Args:
        folder: Where wheels were installed with ``pip install --target``.
        patterns: What goes.
    """
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


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
