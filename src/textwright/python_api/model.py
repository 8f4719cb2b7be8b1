"""A model in Python: it predicts like every predictor, and can be measured, saved, made faster, served and packaged.

Loading and predicting need the base install alone, so what else a method needs is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from textwright.core import artifact as artifacts
from textwright.core.artifact import Artifact
from textwright.core.types import Float32s
from textwright.errors import ArtifactError, SettingsError
from textwright.python_api.folders import RunFolder
from textwright.runtime.loading import load_as
from textwright.runtime.predictor import Predictor

if TYPE_CHECKING:
    from textwright.data.in_memory import DataSource
    from textwright.deploy.package.packaging import Package
    from textwright.hub.push import PushedModel
    from textwright.optimize.outcome import OptimizationResult
    from textwright.python_api.evaluation import EvaluationResult
    from textwright.python_api.serving import BackgroundServer

_ARTIFACT = "artifact"


class Model(Predictor):
    """A trained model. Safe to share between threads: nothing changes after loading.

    It is a :class:`~textwright.runtime.predictor.Predictor`, with what a data scientist does with one beside. Of a
    model that lives in a temporary folder, a pickle holds the files; of any other, the path.

    Args:
        artifact: A verified artifact.
        variant: Name of the graph to load; None takes the default.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.
    """

    def __init__(self, artifact: Artifact, *, variant: str | None = None, num_threads: int | None = None) -> None:
        super().__init__(artifact, variant=variant, num_threads=num_threads)
        self._folder: RunFolder | None = None
        self._source: DataSource | None = None
        self.optimization: OptimizationResult | None = None
        """What :meth:`optimize` tried to make this model; None for any other."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle the files of a model in a temporary folder, which ends with this object, and the path of another."""
        if self._folder is None or not self._folder.is_temporary:
            return super().__reduce__()
        folder = self.artifact.path
        names = (*self.artifact.files, artifacts.MANIFEST)
        contents = {f"{_ARTIFACT}/{name}": (folder / name).read_bytes() for name in names}
        beside = {file.name: file.read_bytes() for file in self._files_beside()}
        return _load_contents, ({**contents, **beside}, self.variant, self._num_threads)

    def __repr__(self) -> str:
        manifest = self.artifact.manifest
        values = [f"{name} {it['value']:.4f}" for name, it in list(self.metrics.items())[:1]]
        measured = "".join(f", {value} on the {manifest.metrics_split} split" for value in values)
        return f"<Model {manifest.name}, version {self.artifact.version}, {self.variant}{measured}>"

    def kept_by(self, folder: RunFolder, source: DataSource | None = None) -> Self:
        """Tie the model to its run folder, and remember its training data.

        Args:
            folder: A temporary one stays as long as this model.
            source: What the model was trained on; None leaves what the manifest says.
        """
        self._folder, self._source = folder, source
        return self

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """What was measured of this variant in training: metric -> {"value", "low", "high"}."""
        return self.artifact.manifest.variants[self.variant].metrics

    @property
    def warnings(self) -> tuple[str, ...]:
        """What training found wrong with the model, in sentences; empty if nothing is."""
        return tuple(self.artifact.manifest.training.get("warnings", ()))

    def predict_proba(self, texts: Iterable[str]) -> Float32s:
        """Predict the probability of every label.

        Args:
            texts: N texts, from any iterable that has an order.

        Returns:
            Calibrated probabilities, (N, K), columns in the order of ``model.labels.names``.

        Raises:
            TextError: If an item is not a string; names its position.
        """
        return self.probabilities(self.logits(texts))

    def evaluate(
        self,
        data: Any = None,  # noqa: ANN401  as for train
        *,
        split: Literal["auto", "train", "validation", "test", "all"] = "auto",
        exclude_seen: bool = False,
        slices: Sequence[str] = (),
        behavior: str | Path | None = None,
        **settings: Any,  # noqa: ANN401  DataSettings by name
    ) -> EvaluationResult:
        """Measure the model on labeled texts, exactly as it is served.

        Args:
            data: As for :func:`textwright.train`; None takes the training data.
            split: Rows to measure; auto takes the held-out test split of the training data, the test split that other
                data bring, or else all rows.
            exclude_seen: Leave out texts that the model was trained or validated on.
            slices: Texts to measure apart: columns of the data, "length", "label", "contains:WORDS".
            behavior: File of behavioral tests (.yaml, .json, .jsonl); None runs none.
            **settings: How to read the data, such as ``text_column="review"``.

        Returns:
            Metrics with 95 % intervals; ``.show()`` prints them, ``.plot()`` draws the confusion matrix.

        Raises:
            DataError: If the data cannot be used, or hold a label that the model does not know.
            SettingsError: If a setting is unknown or out of bounds.
            NotFoundError: If there is no such file.
        """
        from textwright.data.settings import DataSettings
        from textwright.evaluate.behavior.suite import read_suite
        from textwright.evaluate.eval_split import reading_settings, select_rows
        from textwright.evaluate.measure import evaluate
        from textwright.evaluate.slices import find_slices
        from textwright.python_api.evaluation import EvaluationResult

        source = self._source_of(data)
        how = DataSettings.parse(settings, source="evaluate()")
        selection = select_rows(source, how, self.artifact, split, exclude_seen=exclude_seen)
        reading = reading_settings(source, how, self.artifact.manifest)
        measured = evaluate(
            self,
            selection.examples,
            source=str(source),
            split=selection.split,
            slices=find_slices(source, reading, slices, selection.examples, selection.rows, self.labels),
            behavior=None if behavior is None else read_suite(Path(behavior), self.labels),
        )
        return EvaluationResult.of(measured, selection)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Copy the model into a run folder, from which :func:`textwright.load` and every command take it.

        The artifact appears there whole or not at all; what else is in the folder stays.

        Args:
            path: The run folder.
            overwrite: Replace another model that is there.

        Returns:
            The path.

        Raises:
            SettingsError: If ``path`` holds another model and ``overwrite`` is False, or something that is no model.
        """
        from textwright.core.files import atomic_file, expand_home

        path = expand_home(path)
        if self._is_in(path, overwrite=overwrite):
            return path
        for file in self._files_beside():  # first, since the artifact says which hashes are its own
            with atomic_file(path / file.name) as copy:
                copy.write(file.read_bytes())
        artifacts.copy(self.artifact, path / _ARTIFACT)
        return path

    def optimize(
        self,
        data: Any = None,  # noqa: ANN401  as for train
        *,
        out: str | Path | None = None,
        verbose: bool = True,
        **settings: Any,  # noqa: ANN401  OptimizeSettings and DataSettings by name
    ) -> Model:
        """Try what makes the model faster or smaller on this machine, and keep what answers the same.

        Args:
            data: Labeled texts, best those that the model was trained on; None takes these.
            out: Folder of the result, its report and its candidates; None takes a temporary one.
            verbose: Say what is tried.
            **settings: Such as ``max_drop=0.3`` or ``target="size"``; see ``textwright optimize --help``.

        Returns:
            The model with the variants that won, of which it has loaded the best one; ``.optimization`` is everything
            that was tried. Where nothing wins, it holds the variants of this model.

        Raises:
            MissingExtraError: If the extra "train" is not installed.
            DataError: If the data cannot be used, or are too few.
            SettingsError: If a setting is unknown or out of bounds.
            NoGainError: If nothing is gained and ``require=True``.
        """
        from textwright.optional_deps import require

        require("train", what="optimizing")
        from textwright.python_api.optimizing import optimize

        source = self._source_of(data)
        folder = RunFolder(out)
        outcome = optimize(self.artifact.path, source, folder.path, settings, verbose=verbose)
        faster = load(folder.path).kept_by(folder, source)
        faster.optimization = outcome
        return faster

    def serve(
        self,
        *,
        port: int = 8000,
        background: bool = False,
        **settings: Any,  # noqa: ANN401  ServeSettings by name
    ) -> BackgroundServer | None:
        """Serve the model as a REST API, with a page to try it, until Ctrl-C.

        Args:
            port: Port to listen on; 0 takes any that is free.
            background: Serve in a process of its own and return at once, as in a notebook.
            **settings: Such as ``host="0.0.0.0"``; see ``textwright serve --help``.

        Returns:
            With ``background`` the server, with ``.url`` and ``.stop()``; else None, when it has been stopped.

        Raises:
            MissingExtraError: If the extra "server" is not installed.
            PortInUseError: If the port is taken.
            SettingsError: If a setting is unknown, or a notebook would wait for the server without an end.
        """
        from textwright.python_api.serving import serve

        return serve(self, {"port": port, **settings}, background=background)

    def package(
        self,
        target: str,
        *,
        out: str | Path,
        **settings: Any,  # noqa: ANN401  PackageSettings by name
    ) -> Package:
        """Package the model for a container or for Lambda: self-contained, locked, the same bytes each time.

        Args:
            target: docker: the REST API as an image. lambda-image: a Lambda function as an image. lambda-zip: one as a
                zip.
            out: Folder to write into: the build context, or function.zip.
            **settings: Such as ``build=True``; see ``textwright package --help``.

        Returns:
            What was made, and where.

        Raises:
            MissingExtraError: If the extra "deploy" or "server" is not installed.
            SettingsError: If ``out`` holds something else, or a setting is unknown.
            NotFoundError: If there is no such target; names those that there are.
        """
        from textwright.optional_deps import require

        require("deploy", what="packaging")
        from textwright.deploy.package.packaging import package
        from textwright.deploy.package.settings import PackageSettings
        from textwright.deploy.targets import find_format

        how = PackageSettings.parse({"variant": self.variant, **settings}, source="package()")
        return package(self.artifact, find_format(target), Path(out), how, report=lambda _line: None)

    def push(
        self,
        repo: str,
        **settings: Any,  # noqa: ANN401  PushSettings by name
    ) -> PushedModel:
        """Push the model to a repository of the Hugging Face hub, with its model card.

        Args:
            repo: "owner/name"; it is made if it does not exist.
            **settings: Such as ``private=True`` or ``license="mit"``; see ``textwright push --help``.

        Returns:
            Where it is; ``textwright.load`` takes its ``.address``, and ``.pinned``, which is always this model.

        Raises:
            MissingExtraError: If the extra "hub" is not installed.
            HubAccessError: If there is no token, or one that may not write there.
            HubError: If the repository is public and ``private=True``, or the hub cannot be reached or fails.
            SettingsError: If a setting is unknown, or the name is not one of a repository.
        """
        from textwright.hub.push import push
        from textwright.hub.settings import PushSettings

        return push(self.artifact, repo, PushSettings.parse(settings, source="push()"))

    def _source_of(self, data: Any) -> DataSource:  # noqa: ANN401
        """Recognize labeled data; None is what the model was trained on, if that can still be read."""
        from textwright.core.hub import is_hub_address
        from textwright.data.builtin import BUILTIN
        from textwright.data.hub import is_hub_id
        from textwright.data.in_memory import as_source

        if data is not None:
            return as_source(data)
        if self._source is not None:
            return self._source
        name = str(self.artifact.manifest.data.get("source", ""))
        if name in BUILTIN or is_hub_id(name) or is_hub_address(name) or Path(name).expanduser().exists():
            return name
        raise SettingsError(
            f"the training data, {name or 'which the manifest does not name'}, are not there; give labeled data"
        )

    def _files_beside(self) -> list[Path]:
        """List what a run folder has beside the artifact that measuring needs: hashes of the training texts."""
        from textwright.data.text_hashes import TEXT_HASHES

        return [path for path in (self.artifact.path.parent / TEXT_HASHES,) if path.is_file()]

    def _is_in(self, path: Path, *, overwrite: bool) -> bool:
        """Say whether a folder holds this very model; refuse one that holds something else."""
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return False
        if not (path / _ARTIFACT / artifacts.MANIFEST).is_file():
            raise SettingsError(f"{path} exists and is no run folder; give another path")
        try:
            stored = artifacts.read(path)
        except ArtifactError as error:
            if overwrite:
                return False
            raise SettingsError(f"{error}; give another path, or overwrite=True to replace it") from error
        if stored.digest != self.artifact.digest and not overwrite:
            raise SettingsError(
                f"{path} holds the model {stored.manifest.name}, version {stored.version}; give another path, or "
                "overwrite=True to replace it"
            )
        return stored.digest == self.artifact.digest

    def _repr_html_(self) -> str:
        from textwright.display.model import model_html

        return model_html(self)


def load(path: str | Path, *, variant: str | None = None, num_threads: int | None = None) -> Model:
    """Open a model, verify every byte and its golden examples, and return it.

    Args:
        path: An artifact folder, or the run folder that holds it; or an address of the Hugging Face hub,
            "hf://owner/name@revision".
        variant: Name of the graph to load ("fp32", "int8"); None takes the default.
        num_threads: Threads of one inference, >= 1; None takes one per physical core.

    Returns:
        A model; ``model.predict(["a text"])`` answers.

    Raises:
        NotFoundError: If the folder, the repository or the variant does not exist.
        HubError: If the hub refuses, or cannot be reached and its cache does not hold the model.
        ArtifactFormatError: If it is no artifact, or one of a newer format.
        ArtifactCorruptError: If a file is missing or its bytes changed.
        GoldenMismatchError: If a golden example does not reproduce here. A variant that is bound to another
            instruction set than this processor's is replaced by the reference variant then, with a warning.
        ArtifactError: If the engine cannot open a graph, or run it on the golden examples within ten minutes.
    """
    return load_as(Model, path, variant=variant, num_threads=num_threads)


def _load_contents(contents: Mapping[str, bytes], variant: str, num_threads: int | None) -> Model:
    """Load what was pickled with its files, into a temporary folder of its own."""
    folder = RunFolder()
    for name, content in contents.items():
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_bytes(content)
    return load_as(Model, folder.path, variant=variant, num_threads=num_threads).kept_by(folder)
