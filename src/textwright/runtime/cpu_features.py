"""Which integer instructions this processor has: they decide how int8 kernels add up, hence what they answer.

ONNX Runtime's int8 products differ between them: with VNNI (or the dot products of Arm) four products are summed in 32
bits at once, while AVX2 first sums pairs in 16 bits, which can saturate. Whether bfloat16 is multiplied decides what
OpenVINO computes in. So a quantized variant is bound to the
instruction set on which it passed its gates. Called by ``predictor`` at load and by ``optimize``.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Final

AMX: Final = "amx"
AVX512_BF16: Final = "avx512-bf16"
AVX512_VNNI: Final = "avx512-vnni"
AVX_VNNI: Final = "avx-vnni"
AVX512: Final = "avx512"
AVX2: Final = "avx2"
NEON_DOT: Final = "neon-dotprod"
NEON: Final = "neon"
OTHER: Final = "other"

_BY_FLAG: Final = (
    ("amx_bf16", AMX),
    ("avx512_bf16", AVX512_BF16),
    ("avx512_vnni", AVX512_VNNI),
    ("avx_vnni", AVX_VNNI),
    ("avx512bw", AVX512),
    ("avx2", AVX2),
    ("asimddp", NEON_DOT),
    ("asimd", NEON),
)
"""A flag of /proc/cpuinfo and the set that it stands for, the strongest first."""

SATURATING: Final = frozenset({AVX2, AVX512})
"""Sets whose int8 kernels sum pairs of products in 16 bits: weights of 7 bits are needed to rule saturation out."""

BFLOAT16: Final = frozenset({AMX, AVX512_BF16})
"""Sets with products of bfloat16."""


@cache
def instruction_set() -> str:
    """Name the strongest integer instruction set of this processor.

    Returns:
        One of this module's names; "other" where it cannot be told.
    """
    try:
        return name_instruction_set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:  # macOS and Windows: all Apple processors have dot products, all others at least AVX2
        return NEON_DOT if platform.machine().lower() in ("arm64", "aarch64") else OTHER


def name_instruction_set(cpuinfo: str) -> str:
    """Find the strongest instruction set that a listing of ``/proc/cpuinfo`` states.

    Args:
        cpuinfo: The file's content; x86 lists "flags", Arm "Features".

    Returns:
        One of this module's names.
    """
    flags = {
        flag
        for line in cpuinfo.splitlines()
        if line.startswith(("flags", "Features"))
        for flag in line.partition(":")[2].split()
    }
    return next((name for flag, name in _BY_FLAG if flag in flags), OTHER)
