"""The local container engine: is it there, build, run, ask, remove. Docker, or what has its command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final

from textwright.deploy import OnStep
from textwright.errors import ContainerEngineError, PackageSpaceError

_RUN_OPTIONS: Final = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--pids-limit=64",
    "--network=none",
)
"""How what was built is tried: with less than it will have, and no way out."""
_TAIL_LINES: Final = 15
_READY_S: Final = 90.0


class ContainerEngine:
    """A container engine by its command line.

    Args:
        program: Its name or path.

    Raises:
        ContainerEngineError: If there is none, or its daemon does not answer.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        try:
            self._run(["version", "--format", "{{.Server.Version}}"])
        except FileNotFoundError as error:
            raise ContainerEngineError(
                f"there is no container engine {program!r}; install Docker (Debian: apt-get install docker.io) or name "
                "another with --engine; without --build only the context is written"
            ) from error

    def build(self, folder: Path, target: str, tag: str, options: Sequence[str], report: OnStep) -> None:
        """Build one target of a context.

        Args:
            folder: The context.
            target: Name of the stage.
            tag: What to call the image.
            options: Further options of ``build``.
            report: Called with each line that the engine writes.

        Raises:
            ContainerEngineError: If it fails; with the end of what it wrote.
            PackageSpaceError: If the disk is full.
        """
        command = [self._program, "build", "--target", target, "--tag", tag, "--progress", "plain", *options]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        lines: list[str] = []
        with subprocess.Popen(  # noqa: S603
            [*command, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                report(lines[-1])
        if process.returncode:
            raise _failure("building the image failed", "\n".join(lines))

    def size_bytes(self, image: str) -> int:
        """Tell the size of an image, the base included."""
        return int(self._run(["image", "inspect", "--format", "{{.Size}}", image]))

    def ask_once(self, image: str, script: str, arguments: Sequence[str]) -> str:
        """Run a Python script with arguments in a new container of an image.

        Returns:
            What it printed.

        Raises:
            ContainerEngineError: If it fails; with the end of what it wrote.
        """
        return self._run(["run", "--rm", *_RUN_OPTIONS, "--entrypoint", "python", image, "-c", script, *arguments])

    def push(self, image: str, remote: str, user: str, password: str) -> str:
        """Push an image to a registry; the password is kept nowhere.

        Args:
            image: Tag of the image here.
            remote: Its tag there, with the registry's name.
            user: Who logs in.
            password: With what.

        Returns:
            The image's name there by its digest.

        Raises:
            ContainerEngineError: If it fails; with the end of what it wrote.
        """
        with TemporaryDirectory() as folder:
            registry = remote.partition("/")[0]
            config = ["--config", folder]
            self._run([*config, "login", "--username", user, "--password-stdin", registry], stdin=password)
            self._run(["tag", image, remote])
            self._run([*config, "push", "--quiet", remote])
        repository = remote.rpartition(":")[0]
        digests = self._run(["image", "inspect", "--format", '{{join .RepoDigests " "}}', remote]).split()
        return next(digest for digest in digests if digest.startswith(f"{repository}@"))

    @contextmanager
    def running(self, image: str) -> Iterator[str]:
        """Run a server and wait until its health check says that it is ready; then remove it.

        Yields:
            The container's id.

        Raises:
            ContainerEngineError: If it ends or is not ready in time; with the end of its log.
        """
        container = self._run(["run", "--detach", *_RUN_OPTIONS, image])
        try:
            self._wait(container)
            yield container
        finally:
            self._run(["rm", "--force", container])

    def ask_in(self, container: str, script: str, arguments: Sequence[str]) -> str:
        """Run a Python script inside a running container; see :meth:`ask_once`."""
        return self._run(["exec", container, "python", "-c", script, *arguments])

    def _wait(self, container: str) -> None:
        deadline = monotonic() + _READY_S
        while monotonic() < deadline:
            state = self._run(["inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", container])
            if state == "running healthy":
                return
            if not state.startswith(("running", "created")):
                break
            sleep(0.5)
        raise _failure("the container did not become ready", self._run(["logs", container], with_errors=True))

    def _run(self, arguments: Sequence[str], *, with_errors: bool = False, stdin: str | None = None) -> str:
        completed = subprocess.run(  # noqa: S603
            [self._program, *arguments], capture_output=True, text=True, check=False, input=stdin
        )
        if completed.returncode:
            verb = next(word for word in arguments if not word.startswith(("-", "/")))
            raise _failure(f"{self._program} {verb} failed", completed.stderr or completed.stdout)
        return (completed.stdout + completed.stderr if with_errors else completed.stdout).strip()


def _failure(what: str, output: str) -> ContainerEngineError | PackageSpaceError:
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:])
    if "no space left on device" in output.lower():
        return PackageSpaceError(f"{what}: the disk of the container engine is full; free some (docker system prune)")
    if "Cannot connect to the Docker daemon" in output:
        return ContainerEngineError(
            f"{what}: {tail}; start the engine, or leave --build out to write the context alone"
        )
    return ContainerEngineError(f"{what}:\n{tail}")
