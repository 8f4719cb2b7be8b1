"""What is hidden is hidden from every library, and the program goes on."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys

import pytest

from hidden_instructions import SETS, hidden
from textwright.runtime.cpu_features import instruction_set

PROGRAM = """
import json
import numpy
from textwright.runtime.cpu_features import instruction_set
from textwright.runtime.session import import_onnxruntime
features = numpy._core._multiarray_umath.__cpu_features__
import_onnxruntime()
print(json.dumps([instruction_set(), features["AVX2"], features["AVX512F"]]))
"""

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("cc") is None,
    reason="cpuid is hidden on Linux and x86 alone, by a library that is compiled",
)


@pytest.mark.parametrize("left", SETS)
def test_only_the_set_is_left(left, tmp_path):
    if left == "avx2" and instruction_set() == "avx2":
        pytest.skip("nothing to hide")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=hidden(left, tmp_path), capture_output=True, text=True, check=False
    )
    if "cannot let cpuid fault" in done.stderr:
        pytest.skip("this processor or kernel cannot let cpuid fault")
    name, has_avx2, has_avx512 = json.loads(done.stdout)
    assert has_avx2
    assert has_avx512 <= (left != "avx2")
    assert name == left or instruction_set() not in {"amx", "avx512-bf16", "avx512-vnni"}
