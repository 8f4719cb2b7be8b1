"""What of the wheels is left out of what is shipped; each is never imported while predicting.

These rest on the insides of others' packages, so what was built runs a real prediction before it is called done.
"""

from __future__ import annotations

import shutil
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


def trim(folder: Path) -> None:
    """Remove what is never imported.

    Args:
        folder: Where wheels were installed with ``pip install --target``.
    """
    for pattern in PATTERNS:
        for path in sorted(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
