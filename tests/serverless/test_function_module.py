"""The module that Lambda imports: once loaded, it collects garbage again, and answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import resources

PROGRAM = """
import gc, json, sys
import function
answer = function.handler({"version": "2.0", "rawPath": "/healthz", "headers": {},
                           "requestContext": {"http": {"method": "GET", "path": "/healthz"}}})
print(json.dumps([answer["statusCode"], gc.isenabled(), gc.get_freeze_count() > 1000,
                  "textwright.core.word_spans" in sys.modules]))
"""


def test_it_is_loaded_without_searching_for_garbage_and_without_what_it_does_not_need(tiny_artifact, tmp_path):
    with resources.as_file(resources.files("textwright.deploy.package") / "templates" / "function.py") as source:
        shutil.copyfile(source, tmp_path / "function.py")
    shutil.copytree(tiny_artifact, tmp_path / "artifact")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [200, True, True, False]
