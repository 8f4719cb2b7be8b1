"""The instruction set is told from what the processor lists."""

from __future__ import annotations

import pytest

from textwright.runtime.cpu_features import (
    AMX,
    AVX2,
    AVX512,
    AVX512_BF16,
    AVX512_VNNI,
    AVX_VNNI,
    NEON,
    NEON_DOT,
    OTHER,
    instruction_set,
    name_instruction_set,
)

FLAGS = {
    "flags\t\t: fpu sse2 avx2 fma": AVX2,
    "flags\t\t: fpu avx2 avx512f avx512bw": AVX512,
    "flags\t\t: fpu avx2 avx_vnni": AVX_VNNI,
    "flags\t\t: fpu avx2 avx512bw avx512_vnni": AVX512_VNNI,
    "flags\t\t: fpu avx2 avx512bw avx512_vnni avx512_bf16": AVX512_BF16,
    "flags\t\t: fpu avx2 avx512bw avx512_vnni avx512_bf16 amx_bf16 amx_int8": AMX,
    "Features\t: fp asimd": NEON,
    "Features\t: fp asimd asimddp": NEON_DOT,
    "flags\t\t: fpu sse2": OTHER,
    "model name\t: avx512_vnni": OTHER,
    "": OTHER,
}


@pytest.mark.parametrize(("listing", "name"), FLAGS.items())
def test_the_strongest_listed_set_is_named(listing, name):
    assert name_instruction_set(f"processor\t: 0\n{listing}\n") == name


def test_this_machine_has_one():
    assert instruction_set() in FLAGS.values()
