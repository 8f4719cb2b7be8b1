"""The artifact folder: what is shipped, written whole or not at all, and refused when a byte changed.

::

    manifest.json   what the model is, what was measured, and the sha256 and size of each other file
    model.onnx      input_ids (B, T) int64, attention_mask (B, T) int64 -> logits (B, K) float32
    tokenizer.json  of the `tokenizers` library
    golden.jsonl    texts with the logits they gave when the artifact was made
    NAME.onnx, NAME.golden.jsonl    the same of each variant that ``optimize`` added
    surprisals.npy  of an artifact that abstains out of distribution: surprisal of each token, in nats
    profile.json    counts over the validation texts, which later texts are compared with; absent in older artifacts
    cascade.json    of a cascade: its stages, from which confidence each answers, and the measured curve
    STAGE/          of a cascade: the artifact of each stage, which holds no graph and no tokenizer of its own
    README.md       the model card

``manifest.json`` carries its own sha256: the digest of its bytes with 64 zeros where the digest stands. Callers:
``evaluate.publish`` writes through :func:`draft`; ``runtime`` reads through :func:`read`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from textwright.core.decision import Decision
from textwright.core.example_texts import stored_example_texts
from textwright.core.files import atomic_folder, sha256_of
from textwright.core.hub import HubAddress, fetch_artifact, is_hub_address
from textwright.core.labels import Labels, Task
from textwright.core.manifest_checks import (
    check_content,
    check_file_name,
    check_folder,
    check_named_files,
    check_size,
    is_digest,
    is_number,
    is_text,
)
from textwright.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactFormatError,
    DataError,
    NotFoundError,
    SettingsError,
)

FORMAT_VERSION: Final = 1
THRESHOLDS_FORMAT_VERSION: Final = 3
"""Of an artifact with thresholds of its labels, without which older versions would predict others."""
CASCADE_FORMAT_VERSION: Final = 4
"""Of a cascade: a folder of artifacts."""
DECISION_FORMAT_VERSION: Final = 5
"""Of an artifact that abstains or decides by costs, of which older versions would give other answers."""
OUT_OF_DISTRIBUTION_FORMAT_VERSION: Final = 6
"""Of an artifact that abstains out of distribution, of which older versions would answer every text."""
_FORMAT_VERSIONS: Final = (
    FORMAT_VERSION,
    2,
    THRESHOLDS_FORMAT_VERSION,
    CASCADE_FORMAT_VERSION,
    DECISION_FORMAT_VERSION,
    OUT_OF_DISTRIBUTION_FORMAT_VERSION,
)
"""2 is a cascade of one folder, which is read as one of two stages and not written any more."""
MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
GOLDEN: Final = "golden.jsonl"
CARD: Final = "README.md"
PROFILE: Final = "profile.json"
STAGES: Final = "cascade.json"
SURPRISALS: Final = "surprisals.npy"
"""Of an artifact that abstains out of distribution; see :mod:`textwright.core.surprisal`."""
RUN_SETTINGS: Final = "settings.json"
"""In the folder of a run from its first second on; the artifact comes with its last."""
_NO_DIGEST: Final = "0" * 64
_TWO_STAGES: Final = ("fast", "strong")
"""Of a cascade of formats 2 and 3."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """How one file of the artifact is recognized."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One graph of the model: the same signature, another price.

    Args:
        file: Name of the ONNX file in the folder; of a cascade empty.
        precision: Of the weights: "fp32", "int8", ...
        metrics: Metric name -> {"value", "low", "high"}; the split they come from stands in the manifest.
        golden: Name of the file with this variant's own logits of the golden texts; empty for the variant that
            ``golden.jsonl`` was made with.
        instruction_set: Of the processor on which it passed its gates, as ``runtime.cpu_features`` names it; empty if
            the variant answers alike everywhere.
        engine: What it passed its gates on and runs on, as ``runtime.engines`` names it; empty for ONNX Runtime.
        recipe: How it was made from the trained model's graph, for people; empty for that graph.
        stages: Of a cascade, stage -> the variant that it runs, in the order in which they read a text; empty for
            a model of one stage.
        gate: What its gates have shown against the reference: number of texts and of folds, drop and its upper bound
            in points, and so on; empty for a variant without gates.
        batch_invariance: How far its predictions change with the other texts of a batch, as
            ``evaluate.batch_invariance`` measures it: "max_change" of a probability and so on; empty if not measured.
    """

    file: str
    precision: str = "fp32"
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    golden: str = ""
    instruction_set: str = ""
    engine: str = ""
    recipe: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    gate: Mapping[str, float] = field(default_factory=dict)
    batch_invariance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is and what was measured of it.

    Args:
        name: What the model is called on the wire, for example "movie-reviews-bow".
        family: The kind of model.
        labels: Label names in the order of the logits' columns, with the task.
        max_length: Longest encoding in tokens, special tokens included.
        variants: Variant name -> variant; the first is the default.
        temperature: Calibration divisor of the logits, > 0, fitted on the validation split.
        threshold: A label of a multi-label task holds from this probability on.
        thresholds: Label name -> its own threshold; see :class:`~textwright.core.decision.Decision`.
        min_confidence: Below this probability of its label a text gets none; 0 answers every text.
        costs: True label -> predicted label -> cost; see :class:`~textwright.core.decision.Decision`.
        out_of_distribution: "max_surprisal", above which a text gets no label, and what is needed to measure it; see
            :class:`~textwright.core.surprisal.Surprisal`. Empty answers every text.
        metrics_split: The split that the variants' metrics come from.
        training: The training settings, verbatim.
        data: Source, fingerprint and split sizes of the data trained on, with the texts that stand as examples.
        versions: Library name -> version at export.
        created: UTC time of writing, ISO 8601.
    """

    name: str
    family: str
    labels: Labels
    max_length: int
    variants: Mapping[str, Variant]
    temperature: float = 1.0
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    min_confidence: float = 0.0
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    out_of_distribution: Mapping[str, float] = field(default_factory=dict)
    metrics_split: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    @property
    def decision(self) -> Decision:
        """When a label is predicted.

        Raises:
            SettingsError: If the thresholds do not fit the labels.
        """
        return Decision(self.labels, self.threshold, self.thresholds, self.min_confidence, self.costs)

    @property
    def example_texts(self) -> tuple[str, ...]:
        """Texts that documentation, page and curl line ask for; none where none is stored.

        Raises:
            ArtifactFormatError: If they are anything but a few short texts.
        """
        return stored_example_texts(self.data)

    @property
    def default_variant(self) -> str:
        """Name of the variant that is loaded when none is asked for."""
        return next(iter(self.variants))

    @property
    def reference_variant(self) -> str:
        """Name of the variant that ``golden.jsonl`` was made with, which every machine reproduces."""
        return next((name for name, item in self.variants.items() if not item.golden), self.default_variant)

    @property
    def tokens_read(self) -> str:
        """Which tokens are read of a text that is too long: "first 128", or "first 32 and last 96"."""
        from textwright.core.tokenizer import HEAD_TAIL, LONG_TEXTS, head_length  # whose library few others need

        model = self.training.get("model")
        if isinstance(model, Mapping) and model.get(LONG_TEXTS) == HEAD_TAIL:
            head = head_length(self.max_length)
            return f"first {head:,} and last {self.max_length - head:,}"
        return f"first {self.max_length:,}"

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages that may answer, in the order in which they read a text; none for a model of one."""
        return tuple(self.variant(None).stages)

    def variant(self, name: str | None) -> Variant:
        """Find a variant.

        Args:
            name: Its name; None takes the default.

        Raises:
            NotFoundError: Names the variants that there are.
        """
        try:
            return self.variants[name or self.default_variant]
        except KeyError as error:
            raise NotFoundError(f"no variant {name!r}; this artifact has {', '.join(self.variants)}") from error


@dataclass(frozen=True, slots=True)
class Golden:
    """A text and the logits it gave, (K,), in one variant when the artifact was made."""

    text: str
    logits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact folder.

    Args:
        path: The folder.
        manifest: Its manifest.
        digest: The manifest's sha256; identifies the model, since the manifest names every other file's hash.
        files: File name -> how it is recognized; those of a stage under "STAGE/NAME".
        stages: The stages of a cascade, in the order in which they read a text; none for a model of one.
        tokenizer_file: Name of the file with the tokenizer.
    """

    path: Path
    manifest: Manifest
    digest: str
    files: Mapping[str, FileRecord]
    stages: Sequence[StageArtifact] = ()
    tokenizer_file: str = TOKENIZER

    @property
    def version(self) -> str:
        """The first 12 digits of the digest: the model's version on the wire."""
        return self.digest[:12]

    @property
    def size_bytes(self) -> int:
        """Size of all files together, manifest included."""
        return sum(record.size_bytes for record in self.files.values()) + (self.path / MANIFEST).stat().st_size

    def contents(self) -> dict[str, bytes]:
        """Read every file but the manifest, by name."""
        return {name: (self.path / name).read_bytes() for name in self.files}

    def tokenizer(self) -> str:
        """Return the content of the tokenizer's file; a cascade has one for each stage."""
        return _text_of(self.path / self.tokenizer_file)

    def shared_files(self) -> dict[str, bytes]:
        """Read what variants share beside golden texts and card: name in an artifact -> bytes."""
        shared = {TOKENIZER: self.tokenizer().encode()}
        if self.manifest.out_of_distribution:
            shared[SURPRISALS] = (self.path / SURPRISALS).read_bytes()
        return shared

    def golden(self, variant: str | None = None) -> list[Golden]:
        """Return the golden examples of a variant, in the order they were written.

        Args:
            variant: Its name; None takes the default.

        Raises:
            NotFoundError: Names the variants that there are.
            ArtifactFormatError: If a line holds anything but a text and a logit for each label.
        """
        path = self.path / (self.manifest.variant(variant).golden or GOLDEN)
        # Lines of bytes: text would be cut at U+0085 and U+2028 too, which JSON leaves as they are.
        lines = enumerate(path.read_bytes().splitlines(), start=1)
        return [_golden(line, len(self.manifest.labels), f"{path}, line {number}") for number, line in lines]


def golden_lines(texts: Sequence[str], logits: Iterable[Sequence[float]]) -> bytes:
    """Write golden examples as :meth:`Artifact.golden` reads them.

    Args:
        texts: N short texts; they are scored at every load.
        logits: N rows of K logits.
    """
    items = [{"text": text, "logits": row} for text, row in zip(texts, logits, strict=True)]
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items).encode()


class Draft:
    """An artifact that is being written to a temporary folder; :func:`draft` makes one.

    Args:
        folder: The temporary folder.

    Attributes:
        artifact: What :meth:`seal` left there, not verified unless it has stages; after the block of :func:`draft` the
            verified artifact in its place.
    """

    artifact: Artifact

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, FileRecord] = {}

    def put(self, name: str, content: bytes) -> None:
        """Write a file, or replace it.

        Raises:
            ArtifactCorruptError: If the name leads out of the folder.
        """
        _check_name(name, [name.partition("/")[0]])
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(content)
        self._files[name] = _record(content)

    def seal(self, manifest: Manifest) -> None:
        """Write the manifest over the files as they are now."""
        for name in self._files:
            _check_name(name, manifest.stages)
        files = _named_in_manifest(self._files)
        raw, digest = _sealed(_to_json(manifest, files))
        (self.folder / MANIFEST).write_bytes(raw)
        self.artifact = _read(self.folder) if manifest.stages else Artifact(self.folder, manifest, digest, files)


@contextmanager
def draft(path: Path) -> Iterator[Draft]:
    """Write an artifact step by step in a temporary folder that is verified, then renamed to ``path``.

    Args:
        path: The folder; an artifact that is there already is replaced.

    Yields:
        What takes the files; seal it last. If the block raises, ``path`` is untouched.

    Raises:
        SettingsError: If ``path`` holds something that is no artifact; nothing is touched then.
    """
    _refuse_foreign_folder(path)
    with atomic_folder(path) as folder:
        item = Draft(folder)
        yield item
        item.artifact = _moved(_read(folder), path)


@dataclass(frozen=True, slots=True)
class StageArtifact:
    """One stage of a cascade.

    Args:
        name: What the stage is called; the name of its folder.
        artifact: The model that answers.
        min_confidence: It answers a text from this confidence on, 0 to 1; see ``Decision.confidence``. The last stage
            answers every text that comes to it.
    """

    name: str
    artifact: Artifact
    min_confidence: float = 0.0


def write(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Artifact:
    """Write an artifact folder at once: whole, or not at all.

    Args:
        path: The folder; an artifact that is there already is replaced.
        manifest: What to say of it.
        contents: File name -> bytes, for every file but the manifest.

    Returns:
        The artifact, verified.

    Raises:
        SettingsError: If ``path`` holds something that is no artifact; nothing is touched then.
    """
    with draft(path) as item:
        for name, content in contents.items():
            item.put(name, content)
        item.seal(manifest)
    return item.artifact


def manifest_bytes(manifest: Manifest, contents: Mapping[str, bytes]) -> bytes:
    """Seal a manifest: write it with the hashes of the other files, and with its own.

    Args:
        manifest: The manifest.
        contents: File name -> bytes of every other file.
    """
    files = _named_in_manifest({name: _record(content) for name, content in contents.items()})
    return _sealed(_to_json(manifest, files))[0]


def _record(content: bytes) -> FileRecord:
    return FileRecord(hashlib.sha256(content).hexdigest(), len(content))


def _named_in_manifest(files: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
    """Leave out the files of stages but for their manifests, which hold the hashes of the others."""
    return {name: record for name, record in files.items() if "/" not in name or name.endswith(f"/{MANIFEST}")}


def _moved(artifact: Artifact, path: Path) -> Artifact:
    """Return an artifact of folders under the name that its folder gets."""
    stages = (replace(stage, artifact=_moved(stage.artifact, path / stage.name)) for stage in artifact.stages)
    return replace(artifact, path=path, stages=tuple(stages))


def stages_bytes(stages: Sequence[StageArtifact], measured: Mapping[str, Any]) -> bytes:
    """Write ``cascade.json``.

    Args:
        stages: The stages, in the order in which they read a text.
        measured: What was measured to choose the confidences.
    """
    return (json.dumps({**measured, "stages": _describe_stages(stages)}, indent=2) + "\n").encode()


def _describe_stages(stages: Sequence[StageArtifact]) -> list[dict[str, Any]]:
    return [
        {
            "name": stage.name,
            "model": f"{stage.artifact.manifest.name}@{stage.artifact.version}",
            "min_confidence": stage.min_confidence,
        }
        for stage in stages
    ]


def copy(artifact: Artifact, folder: Path) -> Artifact:
    """Copy an artifact byte for byte: whole, or not at all.

    Args:
        artifact: A verified artifact.
        folder: Where to; what is there is replaced if it is an artifact.

    Raises:
        SettingsError: If ``folder`` holds something that is no artifact; nothing is touched then.
        ArtifactCorruptError: If a file was changed since the artifact was verified.
    """
    _refuse_foreign_folder(folder)
    with atomic_folder(folder) as fresh:
        for name in (*artifact.files, MANIFEST):
            (fresh / name).parent.mkdir(exist_ok=True)
            (fresh / name).write_bytes((artifact.path / name).read_bytes())
        try:
            copied = _read(fresh)
        except ArtifactCorruptError as error:
            raise _changed_since(artifact) or error from error
    return _moved(copied, folder)


def _changed_since(artifact: Artifact) -> ArtifactCorruptError | None:
    """Name the file of a verified artifact that is another one now."""
    for name, record in artifact.files.items():
        if _record((artifact.path / name).read_bytes()) != record:
            return ArtifactCorruptError(
                f"{artifact.path / name} was changed after it was verified; restore the artifact and try again"
            )
    return None


def read(path: Path) -> Artifact:
    """Open an artifact and verify every byte of it.

    Args:
        path: The folder, or a run folder that holds it as ``artifact``; or ``hf://owner/name@revision``, which is
            downloaded into the cache of the Hugging Face hub.

    Returns:
        The verified artifact.

    Raises:
        NotFoundError: If there is no such folder, or repository of the hub.
        ArtifactFormatError: If it is no artifact, or one of a newer format.
        ArtifactCorruptError: If a file is missing or its bytes changed; names the file.
        HubError: If the hub refuses, cannot be reached or fails.
    """
    return _read_from_hub(path) if is_hub_address(path) else _read(_locate(path))


def _read_from_hub(path: Path) -> Artifact:
    """Read an artifact of the hub; files that are damaged are downloaded once more before it is refused."""
    try:
        return _read(fetch_artifact(path, MANIFEST))
    except ArtifactCorruptError:
        folder = fetch_artifact(path, MANIFEST, anew=True)
    try:
        return _read(folder)
    except ArtifactCorruptError as error:
        raise ArtifactCorruptError(
            f"{HubAddress.parse(path)} was downloaded twice, and is damaged: {error}. What the hub holds is not what "
            "was pushed: name an earlier revision, or have its owner push it again"
        ) from error


def _read(path: Path) -> Artifact:
    raw = _manifest_bytes(path / MANIFEST)
    content = _parse(path, raw)
    digest = content.pop("sha256", "")
    if (
        not is_digest(digest)
        or hashlib.sha256(raw.replace(digest.encode(), _NO_DIGEST.encode(), 1)).hexdigest() != digest
    ):
        raise ArtifactCorruptError(
            f"{path / MANIFEST}: its bytes are not the ones that were written; restore the artifact"
        )
    try:
        check_content(content)
        files = {name: FileRecord(**record) for name, record in content.pop("files").items()}
        fast = content.pop("fast_stage", None)
        manifest = _manifest(content) if fast is None else _manifest_of_two(content, fast)
        manifest.decision  # noqa: B018  refuses thresholds that do not fit the labels
        manifest.example_texts  # noqa: B018  refuses what is no text
        graphs, stages = _graphs(content), manifest.stages
        _check_stages(manifest)
    except (KeyError, TypeError, ValueError, SettingsError, DataError) as error:
        raise ArtifactFormatError(f"{path / MANIFEST}: not a manifest of its format: {error}") from error
    in_folders = stages if fast is None else ()
    for name in files:
        _check_name(name, in_folders, in_manifest=True)
    check_named_files(path / MANIFEST, (*graphs, *_texts(manifest, fast, in_folders)), files)
    for name, record in files.items():
        _verify(path / name, record)
    check_folder(path, {MANIFEST, *files, *in_folders}, graphs)
    if fast is not None:
        return _cascade_of_one_folder(path, manifest, digest, files, fast, content["variants"])
    if stages:
        return _cascade_of_folders(path, manifest, digest, files)
    return Artifact(path, manifest, digest, files)


def _check_name(name: str, stages: Sequence[str], *, in_manifest: bool = False) -> None:
    """Refuse the name of a file that lies neither in the folder nor directly in that of a stage."""
    stage, slash, rest = name.partition("/")
    if slash and stage in stages and (not in_manifest or rest == MANIFEST):
        check_file_name(stage)
        if rest != MANIFEST:
            check_file_name(rest)
    else:
        check_file_name(name)


def _check_stages(manifest: Manifest) -> None:
    """Refuse variants of which some have stages and others none, or others."""
    for name, variant in manifest.variants.items():
        if tuple(variant.stages) != manifest.stages:
            raise ValueError(
                f"variant {name!r} has the stages {', '.join(variant.stages) or 'of no cascade'}, and variant "
                f"{manifest.default_variant!r} {', '.join(manifest.stages) or 'none'}; write the artifact again"
            )
        if bool(variant.file) == bool(manifest.stages):
            raise ValueError(f"variant {name!r} must name either a file or stages")
    for stage in manifest.stages:
        check_file_name(stage)


def _cascade_of_folders(path: Path, manifest: Manifest, digest: str, files: Mapping[str, FileRecord]) -> Artifact:
    """Read the artifact of each stage, and how sure it must be."""
    thresholds = _stage_thresholds(path / STAGES, manifest.stages)
    stages = [StageArtifact(name, _read(path / name), thresholds[name]) for name in manifest.stages]
    for stage in stages:
        _refuse_foreign_stage(path, manifest, stage)
    nested = {f"{stage.name}/{name}": record for stage in stages for name, record in stage.artifact.files.items()}
    return Artifact(path, manifest, digest, {**files, **nested}, tuple(stages))


def _refuse_foreign_stage(path: Path, manifest: Manifest, stage: StageArtifact) -> None:
    inner = stage.artifact.manifest
    if inner.stages:
        raise ArtifactFormatError(f"{path / stage.name} is a cascade itself; a stage must be a model of one stage")
    if inner.labels != manifest.labels:
        raise ArtifactFormatError(f"{path / stage.name} has other labels than {path}; make the cascade again")
    for variant in manifest.variants.values():
        if variant.stages[stage.name] not in inner.variants:
            raise ArtifactFormatError(f"{path / stage.name} has no variant {variant.stages[stage.name]!r}")


def _stage_thresholds(path: Path, names: Sequence[str]) -> dict[str, float]:
    """Read from which confidence on each stage answers."""
    try:
        stages = json.loads(path.read_bytes())["stages"]
        thresholds = {stage["name"]: stage["min_confidence"] for stage in stages}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactFormatError(f"{path}: it does not describe the stages of a cascade: {error!r}") from error
    # A confidence above 1, that of no text, is what escalates every text.
    is_right = all(is_number(value) and 0 <= value <= 2 for value in thresholds.values())
    if [*thresholds] != [*names] or not is_right or thresholds[names[-1]] != 0:
        raise ArtifactFormatError(
            f"{path}: its stages must be {', '.join(names)} as in the manifest, each with a min_confidence from 0 to "
            "2, which is 0 for the last"
        )
    return thresholds


def _manifest_of_two(content: Mapping[str, Any], fast: Mapping[str, Any]) -> Manifest:
    """Read the manifest of a cascade of one folder, whose variants hold two graphs each, as one of two stages."""
    if missing := sorted(
        {"family", "model", "tokenizer", "max_length", "temperature", "certainty", "strong"} - {*fast}
    ):
        raise ValueError(f"fast_stage lacks {missing[0]}; restore the artifact")
    for name, variant in content["variants"].items():
        if not (variant.get("fast") and variant.get("file")):
            raise ValueError(f"variant {name!r} lacks a graph of a stage; restore the artifact")
    variants = {
        name: {
            **{key: value for key, value in variant.items() if key != "fast"},
            "file": "",
            "stages": dict.fromkeys(_TWO_STAGES, name),
        }
        for name, variant in content["variants"].items()
    }
    return _manifest({**content, "variants": variants})


def _cascade_of_one_folder(
    path: Path,
    manifest: Manifest,
    digest: str,
    files: Mapping[str, FileRecord],
    fast: Mapping[str, Any],
    variants: Mapping[str, Mapping[str, Any]],
) -> Artifact:
    """Give each stage of a cascade of formats 2 and 3 a manifest of its own, over the files of the one folder."""
    graphs = (
        {name: Variant(variant["fast"]) for name, variant in variants.items()},
        {name: Variant(variant["file"], engine=variant.get("engine", "")) for name, variant in variants.items()},
    )
    described = (
        {name: fast[name] for name in ("family", "max_length", "temperature")},
        {"family": manifest.family.partition("+")[2] or manifest.family},
    )
    origins = fast["model"].partition("@"), fast["strong"].partition("@")
    artifacts = [
        Artifact(
            path,
            replace(manifest, **{**facts, "name": name, "variants": theirs, "metrics_split": ""}),
            version or digest,
            files,
            tokenizer_file=tokenizer,
        )
        for (name, _, version), facts, theirs, tokenizer in zip(
            origins, described, graphs, (fast["tokenizer"], TOKENIZER), strict=True
        )
    ]
    confidences = fast["certainty"], 0.0
    stages = [StageArtifact(*each) for each in zip(_TWO_STAGES, artifacts, confidences, strict=True)]
    return Artifact(path, manifest, digest, files, tuple(stages))


def describe(artifact: Artifact) -> dict[str, Any]:
    """Tell an artifact as JSON-ready values: its manifest, version, folder and size."""
    return {
        "version": artifact.version,
        "path": str(artifact.path),
        "size_bytes": artifact.size_bytes,
        **_to_json(artifact.manifest, artifact.files, digest=artifact.digest),
        **({"stages": _describe_stages(artifact.stages)} if artifact.stages else {}),
    }


def _locate(path: Path) -> Path:
    try:
        for folder in (path, path / "artifact"):
            if (folder / MANIFEST).is_file():
                return folder
        exists = path.exists()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not exists:
        raise NotFoundError(f"there is no artifact at {path}; make one with: textwright train SOURCE --out {path}")
    if (path / RUN_SETTINGS).is_file():
        raise ArtifactFormatError(
            f"{path} is a run that has not ended: it holds no artifact yet; give its textwright train command again, "
            "which goes on where it stopped"
        )
    raise ArtifactFormatError(f"{path} is no artifact: it holds no {MANIFEST}")


def _manifest_bytes(path: Path) -> bytes:
    try:
        check_size(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"{path} cannot be read: {error.strerror}; give this user the right to read the folder")


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
        version = content.pop("format_version")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactCorruptError(f"{path / MANIFEST}: not a manifest: {error}; restore the artifact") from error
    if type(version) is not int or version not in _FORMAT_VERSIONS:
        supported = ", ".join(map(str, _FORMAT_VERSIONS))
        raise ArtifactFormatError(
            f"{path}: artifact format {version!r}, but this textwright reads {supported}; upgrade textwright"
        )
    return dict(content)


def _refuse_foreign_folder(path: Path) -> None:
    if path.exists() and not (path / MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise SettingsError(f"{path} exists and is no artifact; give an --out that is new, empty or an artifact")


def _graphs(content: Mapping[str, Any]) -> list[str]:
    """Name the graphs that a manifest promises, those of a cascade of one folder included."""
    variants = content["variants"].values()
    return [variant[key] for variant in variants for key in ("file", "fast") if variant.get(key)]


def _texts(manifest: Manifest, fast: Mapping[str, Any] | None, stages: Sequence[str]) -> list[str]:
    """Name the other files that are read to predict."""
    golden = [variant.golden for variant in manifest.variants.values() if variant.golden]
    if stages:
        return [GOLDEN, *golden, STAGES, *(f"{stage}/{MANIFEST}" for stage in stages)]
    surprisals = [SURPRISALS] if manifest.out_of_distribution else []
    return [TOKENIZER, GOLDEN, *golden, *surprisals, *([] if fast is None else [fast["tokenizer"]])]


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactFormatError(f"{path} is not UTF-8: {error}") from error


def _golden(line: bytes, num_labels: int, place: str) -> Golden:
    try:
        item = json.loads(line)
        text, logits = item["text"], item["logits"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactFormatError(f"{place}: no golden example: {error}") from error
    is_row = isinstance(logits, list) and len(logits) == num_labels and all(map(is_number, logits))
    if not (is_text(text) and is_row):
        raise ArtifactFormatError(f"{place}: a golden example is a text with {num_labels} finite logits")
    return Golden(text, tuple(logits))


def _verify(path: Path, record: FileRecord) -> None:
    if not path.is_file():
        raise ArtifactCorruptError(f"{path} is missing; restore the artifact")
    size = path.stat().st_size
    if size != record.size_bytes:
        raise ArtifactCorruptError(f"{path} has {size} bytes instead of {record.size_bytes}; restore the artifact")
    check_size(path, size)
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if digest != record.sha256:
        raise ArtifactCorruptError(f"{path}: its bytes are not the ones that were written; restore the artifact")


def _to_json(manifest: Manifest, files: Mapping[str, FileRecord], *, digest: str = _NO_DIGEST) -> dict[str, Any]:
    content = {item.name: getattr(manifest, item.name) for item in fields(manifest)}
    labels: Labels = content.pop("labels")
    for name in ("thresholds", "min_confidence", "costs", "out_of_distribution"):  # unknown to older versions
        if not content[name]:
            del content[name]
    content["variants"] = {name: _variant_to_json(variant) for name, variant in manifest.variants.items()}
    return {
        "format_version": _format_version(manifest),
        "sha256": digest,
        "task": labels.task.value,
        "labels": list(labels.names),
        **content,
        "files": {name: asdict(record) for name, record in files.items()},
    }


def _format_version(manifest: Manifest) -> int:
    """Choose the oldest format that says everything, so that older versions read what they can serve."""
    if manifest.out_of_distribution:
        return OUT_OF_DISTRIBUTION_FORMAT_VERSION
    if manifest.min_confidence or manifest.costs:
        return DECISION_FORMAT_VERSION
    if manifest.stages:
        return CASCADE_FORMAT_VERSION
    return THRESHOLDS_FORMAT_VERSION if manifest.thresholds else FORMAT_VERSION


def _variant_to_json(variant: Variant) -> dict[str, Any]:
    """Leave empty words out, so that an artifact of one variant is one that older versions read too."""
    return {name: value for name, value in asdict(variant).items() if value or name in ("file", "precision", "metrics")}


def _sealed(content: dict[str, Any]) -> tuple[bytes, str]:
    """Return the manifest's bytes with their digest in them, and the digest."""
    raw = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(raw).hexdigest()
    return raw.replace(_NO_DIGEST.encode(), digest.encode(), 1), digest


def _manifest(content: Mapping[str, Any]) -> Manifest:
    fields = {name: value for name, value in content.items() if name not in ("labels", "task", "variants")}
    labels = Labels(tuple(content["labels"]), Task(content["task"]))
    variants = {name: Variant(**variant) for name, variant in content["variants"].items()}
    return Manifest(labels=labels, variants=variants, **fields)
