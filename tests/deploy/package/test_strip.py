"""Libraries whose symbol tables are blanked load and work as before, and take less room in a zip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import tokenizers

from textwright.deploy.package.strip import blank_symbols

PROGRAM = """
import tokenizers
from tokenizers.models import WordLevel
tokenizer = tokenizers.Tokenizer(WordLevel({"good": 7, "[UNK]": 0}, unk_token="[UNK]"))
print(tokenizers.__file__, tokenizer.encode("good").ids)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Lambda's libraries are those of Linux")
def test_a_blanked_library_is_smaller_when_packed_and_works(tmp_path):
    shutil.copytree(Path(tokenizers.__file__).parent, tmp_path / "tokenizers")
    (library,) = (tmp_path / "tokenizers").glob("*.so")
    before = library.read_bytes()
    blank_symbols(library)
    after = library.read_bytes()
    assert len(after) == len(before)
    assert len(zlib.compress(after, 1)) < 0.95 * len(zlib.compress(before, 1))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(tmp_path)}
    )
    assert done.stdout.split()[0].startswith(str(tmp_path))
    assert done.stdout.strip().endswith("[7]")
    blank_symbols(library)
    assert library.read_bytes() == after


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no library", b"\x7fELF\x01\x01" + bytes(100)])
def test_any_other_file_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "file.so"
    path.write_bytes(content)
    blank_symbols(path)
    assert path.read_bytes() == content
