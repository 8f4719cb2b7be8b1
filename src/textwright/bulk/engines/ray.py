"""Actors of a Ray cluster, by Ray Data: a pool that grows with the work, one predictor in each actor.

The artifact travels with the actors, so the other machines need this version of Textwright and a way to the input and
the output: a shared folder or S3. Ray starts anew what a lost machine had begun; the same bytes are written again.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from textwright import optional_deps
from textwright.bulk.engines.local import use_one_thread
from textwright.bulk.engines.protocol import ScoreTask
from textwright.bulk.ledger import FragmentResult
from textwright.bulk.plan import PlannedFile
from textwright.bulk.scoring import FragmentScorer, ScoreJob
from textwright.core.artifact import MANIFEST, Artifact
from textwright.errors import BackendError, DataError, SettingsError, TextwrightError
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

_TASK: Final = "task"
_RESULT: Final = "result"
_CONNECT_S: Final = 10.0
"""Seconds in which a cluster must answer."""


class RayEngine:
    """Scores fragments in actors of a Ray cluster.

    Args:
        num_workers: Most actors; None takes one for each core of the cluster but one.
        address: Of the cluster; None starts one on this machine, which ends with the work.
    """

    def __init__(self, num_workers: int | None = None, address: str | None = None) -> None:
        self._num_workers = num_workers
        self._address = address

    def results(
        self, predictor: Predictor, job: ScoreJob, tasks: Sequence[ScoreTask], on_rows: Callable[[int], object]
    ) -> Iterator[FragmentResult]:
        """Score fragments; see :class:`~textwright.bulk.engines.protocol.Engine`."""
        ray = _import_ray()
        with redirect_stdout(sys.stderr):  # where Ray tells of lost machines; standard output is for the result
            self._connect(ray)
            try:
                for result in self._scored(ray, predictor, job, tasks):
                    on_rows(result.num_rows)
                    yield result
            finally:
                ray.shutdown()

    def _connect(self, ray: Any) -> None:  # noqa: ANN401  the module has no types
        own = {"address": "local", "include_dashboard": False}  # without "local" it looks for clusters that ran before
        options = {"address": self._address} if self._address else own
        try:
            _knock(self._address or "")
            ray.init(**options, log_to_driver=False, logging_level="error")
        except Exception as error:  # Ray raises that very class where its processes do not start in time
            if self._address is None:
                raise BackendError(f"Ray could not be started on this machine: {error}") from error
            raise SettingsError(
                f"no Ray cluster answers at {self._address}: {error}; start one by: ray start --head"
            ) from error

    def _scored(
        self,
        ray: Any,  # noqa: ANN401
        predictor: Predictor,
        job: ScoreJob,
        tasks: Sequence[ScoreTask],
    ) -> Iterator[FragmentResult]:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        # The reader needs a core too: actors on all of them were seen to starve it, and nothing was scored.
        num_actors = self._num_workers or max(int(ray.cluster_resources().get("CPU", 1)) - 1, 1)
        rows = ray.data.from_items([{_TASK: _packed(task)} for task in tasks], override_num_blocks=len(tasks))
        scored = rows.map_batches(
            RayScorer,
            fn_constructor_args=(ray.put(_contents(predictor.artifact)), predictor.variant, job),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=num_actors),
            num_cpus=1,
        )
        try:
            for row in scored.iter_rows():
                yield _unpacked(row[_RESULT])
        except ray.exceptions.RayError as error:
            raise BackendError(f"the Ray cluster failed: {error}; give the same command again to go on") from error


class RayScorer:
    """What an actor is: one predictor, called with one fragment at a time.

    Args:
        contents: Names and bytes of the artifact's files, or where Ray keeps them.
        variant: The graph to run.
        job: What is the same for all fragments.
    """

    def __init__(self, contents: Any, variant: str, job: ScoreJob) -> None:  # noqa: ANN401  a reference of Ray's
        use_one_thread()
        self._folder = tempfile.TemporaryDirectory(prefix="textwright-")
        files: Mapping[str, bytes] = contents if isinstance(contents, dict) else _import_ray().get(contents)
        for name, content in files.items():
            path = Path(self._folder.name) / "artifact" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        predictor = load(Path(self._folder.name) / "artifact", variant=variant, num_threads=1)
        self._scorer = FragmentScorer(predictor, job)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """Score the fragments of a batch; errors that have words come back as such."""
        results = []
        for packed in batch[_TASK]:
            content = PlannedFile.from_json(json.loads(packed))
            try:
                result = self._scorer.score(content, content.fragments[0], lambda _rows: None)
                results.append(json.dumps(list(result)))
            except TextwrightError as error:
                results.append(json.dumps({"is_data": isinstance(error, DataError), "message": str(error)}))
        return {_RESULT: results}


def _knock(address: str) -> None:
    """Raise what a connection raises where nothing listens at "HOST:PORT": Ray would try again for minutes."""
    host, mark, port = address.removeprefix("ray://").rpartition(":")
    if mark and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()


def _packed(task: ScoreTask) -> str:
    return json.dumps(replace(task.file, fragments=(task.fragment,)).to_json())


def _unpacked(result: str) -> FragmentResult:
    content = json.loads(result)
    if isinstance(content, dict):
        raise (DataError if content["is_data"] else BackendError)(content["message"])
    return FragmentResult(*content)


def _contents(artifact: Artifact) -> dict[str, bytes]:
    return {**artifact.contents(), MANIFEST: (artifact.path / MANIFEST).read_bytes()}


def _import_ray() -> Any:  # noqa: ANN401  the module has no types
    """Import Ray without letting it report its use: the environment is read when it starts."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it says at each start what Ray Data always does
    optional_deps.require("ray", what="scoring on a Ray cluster")
    import ray.data

    import ray

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray
