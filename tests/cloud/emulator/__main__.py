"""Serve on a port of this machine: ``python -m emulator PORT REGISTRY WORK``."""

import os
import sys
from pathlib import Path

port, registry, work = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
os.environ.update(
    {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "true",
    }
)

from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import run_simple  # noqa: E402

from emulator import engine, functions, machines, types  # noqa: E402  the environment comes first

types.install(work)
functions.install(work)
machines.install(work, registry)
engine.install(work)
run_simple("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True)
