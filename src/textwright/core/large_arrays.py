"""Arrays that live in a temporary file where they are too large for memory.

Their pages come and go as they are needed, so that many of them fit beside a model; whoever uses them sees arrays like
any other. Callers: ``data.duplicates`` and ``core.encodings``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_BYTES_IN_MEMORY: Final = 2**28
"""Of one array; a larger one is mapped to a file."""


def allocate(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Make an array whose values are not set yet.

    Args:
        shape: Any.
        dtype: Of its values.

    Returns:
        The array; a large one is mapped to a file without a name in the folder of temporary files (TMPDIR), which
        vanishes with the array, or with the process, however it ends.

    Raises:
        OSError: If there is no room for the file.
    """
    num_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    if num_bytes <= MAX_BYTES_IN_MEMORY:
        return np.empty(shape, dtype=dtype)
    import tempfile  # only training allocates so much: a Lambda function starts without

    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # else writing to a map on a full disk would kill the process
            os.posix_fallocate(file.fileno(), 0, num_bytes)
        return np.asarray(np.memmap(file, dtype=dtype, mode="w+", shape=shape))


def concatenate(parts: Iterable[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """Put arrays one after another, of which all together may be too large for memory.

    Args:
        parts: Arrays of one dimension; each is read once.
        dtype: Of their values.

    Returns:
        One array, of one dimension; as of :func:`allocate`, one that may not be written to if it is large.

    Raises:
        OSError: If there is no room for the file.
    """
    in_memory: list[NDArray[Any]] = [np.empty(0, dtype=dtype)]
    remaining = iter(parts)
    num_bytes = 0
    for part in remaining:
        in_memory.append(part)
        num_bytes += part.nbytes
        if num_bytes > MAX_BYTES_IN_MEMORY:
            return _concatenate_in_file(chain(in_memory, remaining), dtype)
    return np.concatenate(in_memory)


def _concatenate_in_file(parts: Iterable[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    import tempfile  # as above

    with tempfile.TemporaryFile() as file:
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype=dtype).data)
        file.flush()
        return np.asarray(np.memmap(file, dtype=dtype, mode="r"))
