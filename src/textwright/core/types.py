"""Names for the arrays that the packages exchange; shapes stand in the docstrings that use them.

Shape letters: B texts, T tokens, V vocabulary, E embedding, H hidden, F filters, K labels, N examples.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Int32s: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]
TokenIds: TypeAlias = list[int]
