"""The packages of Textwright that go into the zip are all that a function imports, whatever protocol it is asked in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import textwright
from textwright.deploy.package.function_zip import PACKAGES

ASK = """
import json, sys
from pathlib import Path
import textwright
from textwright.serverless.start import start
path = Path(sys.argv[1])
handler = start(path.parent, environment={"TEXTWRIGHT_LAMBDA_ARTIFACT": path.name})
text, tensor = "good", {"name": "t", "shape": [1], "datatype": "BYTES", "data": ["good"]}
bodies = {
    "/v1/predict": {"text": text, "explain": True},
    "/predict": {"inputs": text},
    "/invocations": {"instances": [text]},
    "/v2/models/tiny/infer": {"inputs": [tensor]},
}
statuses = []
for path, body in bodies.items():
    context = {"http": {"method": "POST", "path": path}}
    headers = {"content-type": "application/json"}
    event = {"version": "2.0", "rawPath": path, "headers": headers, "requestContext": context, "body": json.dumps(body)}
    statuses.append(handler(event)["statusCode"])
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"statuses": statuses, "modules": modules, "file": textwright.__file__}))
"""


def test_a_function_of_these_packages_alone_answers_every_protocol(tiny_artifact, tmp_path):
    source, tree = Path(textwright.__file__).parent, tmp_path / "tree" / "textwright"
    tree.mkdir(parents=True)
    for name in PACKAGES:
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, tree / name)
    environment = {**os.environ, "PYTHONPATH": str(tree.parent)}
    command = [sys.executable, "-c", ASK, str(tiny_artifact)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["statuses"] == [200] * 4
    assert Path(found["file"]).is_relative_to(tree)
    assert not {"pydantic", "fastapi", "starlette", "asyncio", "torch"} & set(found["modules"])
