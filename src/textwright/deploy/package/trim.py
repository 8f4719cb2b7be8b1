"""What of the wheels is left out of what is shipped; each is never imported while predicting.

These rest on the insides of others' packages, so what was built runs a real prediction before it is called done.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

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
    "bin",
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
