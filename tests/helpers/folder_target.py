# ruff: noqa: ARG002  the form for all targets, in a helper of tests
"""A third target, for tests: a folder of this machine that holds an artifact, behind the handler of Lambda's events.

All that a target needs stands in this one file; a row in ``TARGETS`` makes the commands know it.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from io import StringIO
from pathlib import Path
from typing import Annotated

from pydantic import Field

from textwright.config import Settings
from textwright.deploy.cloud.common import Deployed
from textwright.deploy.cloud.lifecycle import Rollback, Status
from textwright.deploy.cloud.plan import Change, DeploymentPlan
from textwright.deploy.cost_estimate.arithmetic import make_estimate, price_line
from textwright.deploy.cost_estimate.choices import Choice, traffic_of
from textwright.deploy.package.packaging import Package, PackageFormat, package
from textwright.deploy.package.settings import PackageSettings
from textwright.deploy.package.single_variant import write_single_variant
from textwright.deploy.package.wheel import write_zip
from textwright.deploy.smoke_test import SmokeTest
from textwright.errors import NotFoundError
from textwright.serverless.logs import Log
from textwright.serverless.start import start

ROOT = Path("shelf")
"""Where deployments lie, from the working folder."""


class ArtifactZip(PackageFormat):
    name = "folder-zip"
    description = "the artifact alone as a zip"
    kind = "zip"

    def make(self, artifact, out, settings, measured, report):
        shipped = write_single_variant(artifact, settings.variant, out / "artifact")
        report("zipping the artifact")
        path = write_zip(out / "artifact.zip", {item.name: item for item in shipped.path.iterdir()})
        return Package(self.name, path, artifact.manifest.name, shipped.version, path.stat().st_size)

    def next_step(self, made, path):
        return f"unpack {path} anywhere"


class FolderSettings(Settings):
    quota_mb: Annotated[int, Field(ge=1)] = 100
    """Most megabytes of a folder."""


class FolderCosts:
    title, package = "Folder", ArtifactZip.name

    def check(self, settings, prices):
        pass

    def choices(self, measured, settings, prices, requests_per_day):
        traffic = traffic_of(measured, settings, requests_per_day, 0)
        lines = [price_line("disk", [(1, "GB")], prices.ebs.gp3_gb_month)]
        estimate = make_estimate("Folder: 1 GB", lines, traffic, prices, prices.free)
        return [Choice(self.title, "1 GB", estimate, 1, 1e3 * measured.server.cpu_s, 0.5)]


class FolderDeployment:
    def __init__(self, name):
        self.name, self.path = name, ROOT / name

    def version(self, slot):
        manifest = self.path / slot / "manifest.json"
        return json.loads(manifest.read_text())["sha256"][:12] if manifest.is_file() else ""

    def predict(self, body):
        handler = start(self.path, environment={"TEXTWRIGHT_LAMBDA_ARTIFACT": "live"}, log=Log(StringIO()))
        http = {"method": "POST", "path": "/v1/predict"}
        headers = {"content-type": "application/json"}
        event = {"version": "2.0", "rawPath": http["path"], "requestContext": {"http": http}, "headers": headers}
        return handler({**event, "body": body})

    def put(self, archive):
        if (self.path / "live").exists():
            shutil.rmtree(self.path / "previous", ignore_errors=True)
            (self.path / "live").rename(self.path / "previous")
        with zipfile.ZipFile(archive) as file:
            file.extractall(self.path / "live")

    def status(self):
        live, previous = self.version("live"), self.version("previous")
        return Status(self.name, "folder", live, "there", str(self.path), live, previous, "ready (0 ms)", {})

    def logs(self, *, minutes, follow):
        yield f"{self.name} holds {self.version('live')}"

    def plan_rollback(self):
        if not self.version("previous"):
            raise NotFoundError(f"the deployment {self.name} has nothing to go back to: it was deployed once")
        return Rollback(self.name, self.version("live"), self.version("previous"))

    def rollback(self, report):
        report("swapping two folders")
        for old, new in (("live", "spare"), ("previous", "live"), ("spare", "previous")):
            (self.path / old).rename(self.path / new)

    def plan_destroy(self):
        return [(self.name, "folder", str(path)) for path in sorted(self.path.iterdir())]

    def destroy(self, report):
        number = len(self.plan_destroy())
        report(f"removing {self.path}")
        shutil.rmtree(self.path)
        return number


class FolderDeployer:
    extra, settings, group = "server", FolderSettings, "Folder"
    help = """Plan a folder that holds an artifact; with --apply, make it and check it.

    Args:
        artifact: An artifact folder, or the run folder that holds it.
    """

    def plan(self, request):
        action = "change" if (ROOT / request.name).exists() else "create"
        changes = [Change("folder", request.name, "folder", action)]
        return DeploymentPlan(request.name, "folder", None, request.model, changes)

    def apply(self, request):
        deployment = FolderDeployment(request.name)
        settings = PackageSettings(**request.image.model_dump())
        made = package(request.artifact, ArtifactZip(), ROOT / "packages", settings, report=request.report)
        deployment.put(made.path)
        shutil.rmtree(ROOT / "packages")
        smoke_test = SmokeTest(request.artifact, request.image.variant)
        result = smoke_test.run(deployment.predict, made.version, str(deployment.path))
        status = deployment.status()
        return Deployed(
            request.name,
            "folder",
            request.model,
            status.address,
            status.live,
            status.previous,
            result.num_golden,
            result.first_ms,
            result.warm_ms,
        )

    def find(self, name, region):
        if not (ROOT / name).is_dir():
            raise NotFoundError(f"there is no folder {name!r} in {ROOT}")
        return FolderDeployment(name)


class Folder:
    name = "folder"
    formats = (ArtifactZip(),)
    costs = FolderCosts()
    deployer = FolderDeployer()


TARGET = Folder()
