"""The artifact folder: what is shipped, written whole or not at all, and refused when a byte changed.

::

    manifest.json   what the model is, what was measured, and the sha256 and size of each other file
    model.onnx      input_ids (B, T) int64, attention_mask (B, T) int64 -> logits (B, K) float32
    tokenizer.json  of the `tokenizers` library
    golden.jsonl    texts with the logits they gave when the artifact was made
    NAME.onnx, NAME.golden.jsonl    the same of each variant that ``optimize`` added
    NAME.fast.onnx, fast.tokenizer.json    the fast stage of a cascade (``core.stages``)
    cascade.json    of a cascade: accuracy against the share of texts that the fast stage sends on
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
from textwright.core.files import atomic_folder, sha256_of
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
from textwright.core.stages import FastStage
from textwright.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactFormatError,
    DataError,
    NotFoundError,
    SettingsError,
)

FORMAT_VERSION: Final = 1
STAGED_FORMAT_VERSION: Final = 2
"""Of an artifact with a fast stage, which versions that know of none must not serve without it."""
THRESHOLDS_FORMAT_VERSION: Final = 3
"""Of an artifact with thresholds of its labels, without which older versions would predict others."""
_FORMAT_VERSIONS: Final = (FORMAT_VERSION, STAGED_FORMAT_VERSION, THRESHOLDS_FORMAT_VERSION)
MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
GOLDEN: Final = "golden.jsonl"
CARD: Final = "README.md"
CURVE: Final = "cascade.json"
RUN_SETTINGS: Final = "settings.json"
"""In the folder of a run from its first second on; the artifact comes with its last."""
_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class FileRecord:
    """How one file of the artifact is recognised."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One graph of the model: the same signature, another price.

    Args:
        file: Name of the ONNX file in the folder.
        precision: Of the weights: "fp32", "int8", ...
        metrics: Metric name -> {"value", "low", "high"}; the split they come from stands in the manifest.
        golden: Name of the file with this variant's own logits of the golden texts; empty for the variant that
            ``golden.jsonl`` was made with.
        instruction_set: Of the processor on which it passed its gates, as ``runtime.processor`` names it; empty if
            the variant answers alike everywhere.
        engine: What it passed its gates on and runs on, as ``runtime.engines`` names it; empty for ONNX Runtime.
        recipe: How it was made from the trained model's graph, for people; empty for that graph.
        fast: Name of the fast stage's ONNX file; empty for a model of one stage.
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
    fast: str = ""
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
        metrics_split: The split that the variants' metrics come from.
        training: The training settings, verbatim.
        data: Source, fingerprint and split sizes of the data trained on.
        versions: Library name -> version at export.
        created: UTC time of writing, ISO 8601.
        fast_stage: What answers before the model where it is sure enough; None if the model reads every text. All
            else here is said of the model, the strong stage.
    """

    name: str
    family: str
    labels: Labels
    max_length: int
    variants: Mapping[str, Variant]
    temperature: float = 1.0
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    metrics_split: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    fast_stage: FastStage | None = None

    @property
    def decision(self) -> Decision:
        """When a label is predicted.

        Raises:
            SettingsError: If the thresholds do not fit the labels.
        """
        return Decision(self.labels, self.threshold, self.thresholds)

    @property
    def default_variant(self) -> str:
        """Name of the variant that is loaded when none is asked for."""
        return next(iter(self.variants))

    @property
    def reference_variant(self) -> str:
        """Name of the variant that ``golden.jsonl`` was made with, which every machine reproduces."""
        return next((name for name, item in self.variants.items() if not item.golden), self.default_variant)

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
        files: File name -> how it is recognised.
    """

    path: Path
    manifest: Manifest
    digest: str
    files: Mapping[str, FileRecord]

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
        """Return the content of ``tokenizer.json``."""
        return _text_of(self.path / TOKENIZER)

    def fast_tokenizer(self) -> str:
        """Return the content of the fast stage's tokenizer file; for an artifact that has a fast stage.

        Raises:
            NotFoundError: If it has none.
        """
        if self.manifest.fast_stage is None:
            raise NotFoundError(f"{self.path} has no fast stage")
        return _text_of(self.path / self.manifest.fast_stage.tokenizer)

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
        artifact: What :meth:`seal` left there, not verified; after the block of :func:`draft` the verified artifact in
            its place.
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
        check_file_name(name)
        (self.folder / name).write_bytes(content)
        self._files[name] = FileRecord(hashlib.sha256(content).hexdigest(), len(content))

    def seal(self, manifest: Manifest) -> None:
        """Write the manifest over the files as they are now."""
        raw, digest = _sealed(_to_json(manifest, self._files))
        (self.folder / MANIFEST).write_bytes(raw)
        self.artifact = Artifact(self.folder, manifest, digest, dict(self._files))


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
    if path.exists() and not (path / MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise SettingsError(f"{path} exists and is no artifact; give an --out that is new, empty or an artifact")
    with atomic_folder(path) as folder:
        item = Draft(folder)
        yield item
        item.artifact = replace(read(folder), path=path)


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


def read(path: Path) -> Artifact:
    """Open an artifact and verify every byte of it.

    Args:
        path: The folder, or a run folder that holds it as ``artifact``.

    Returns:
        The verified artifact.

    Raises:
        NotFoundError: If there is no such folder.
        ArtifactFormatError: If it is no artifact, or one of a newer format.
        ArtifactCorruptError: If a file is missing or its bytes changed; names the file.
    """
    path = _locate(path)
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
        manifest = _manifest(content)
        manifest.decision  # noqa: B018  refuses thresholds that do not fit the labels
    except (KeyError, TypeError, ValueError, SettingsError, DataError) as error:
        raise ArtifactFormatError(f"{path / MANIFEST}: not a manifest of its format: {error}") from error
    _refuse_half_stages(path, manifest)
    for name in files:
        check_file_name(name)
    graphs = _graphs(manifest)
    check_named_files(path / MANIFEST, (*graphs, *_texts(manifest)), files)
    for name, record in files.items():
        _verify(path / name, record)
    check_folder(path, {MANIFEST, *files}, graphs)
    return Artifact(path, manifest, digest, files)


def describe(artifact: Artifact) -> dict[str, Any]:
    """Tell an artifact as JSON-ready values: its manifest, version, folder and size."""
    return {
        "version": artifact.version,
        "path": str(artifact.path),
        "size_bytes": artifact.size_bytes,
        **_to_json(artifact.manifest, artifact.files, digest=artifact.digest),
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
        known = ", ".join(map(str, _FORMAT_VERSIONS))
        raise ArtifactFormatError(
            f"{path}: artifact format {version!r}, but this textwright reads {known}; upgrade textwright"
        )
    return dict(content)


def _refuse_half_stages(path: Path, manifest: Manifest) -> None:
    """Refuse a manifest whose variants and fast stage do not belong together."""
    has_stage = manifest.fast_stage is not None
    for name, variant in manifest.variants.items():
        if bool(variant.fast) != has_stage:
            raise ArtifactFormatError(
                f"{path / MANIFEST}: variant {name} {'has' if variant.fast else 'lacks'} a graph of a fast stage, and "
                f"the manifest describes {'one' if has_stage else 'none'}; write the artifact again"
            )


def _graphs(manifest: Manifest) -> list[str]:
    """Name the graphs that a manifest promises."""
    return [name for variant in manifest.variants.values() for name in (variant.file, variant.fast) if name]


def _texts(manifest: Manifest) -> list[str]:
    """Name the other files that are read to predict."""
    golden = [variant.golden for variant in manifest.variants.values() if variant.golden]
    fast = [] if manifest.fast_stage is None else [manifest.fast_stage.tokenizer]
    return [TOKENIZER, GOLDEN, *golden, *fast]


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
    if manifest.fast_stage is None:
        del content["fast_stage"]
    else:
        content["fast_stage"] = asdict(manifest.fast_stage)
    if not manifest.thresholds:
        del content["thresholds"]
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
    if manifest.thresholds:
        return THRESHOLDS_FORMAT_VERSION
    return FORMAT_VERSION if manifest.fast_stage is None else STAGED_FORMAT_VERSION


def _variant_to_json(variant: Variant) -> dict[str, Any]:
    """Leave empty words out, so that an artifact of one variant is one that older versions read too."""
    return {name: value for name, value in asdict(variant).items() if value or name in ("file", "precision", "metrics")}


def _sealed(content: dict[str, Any]) -> tuple[bytes, str]:
    """Return the manifest's bytes with their digest in them, and the digest."""
    raw = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(raw).hexdigest()
    return raw.replace(_NO_DIGEST.encode(), digest.encode(), 1), digest


def _manifest(content: dict[str, Any]) -> Manifest:
    labels = Labels(tuple(content.pop("labels")), Task(content.pop("task")))
    variants = {name: Variant(**variant) for name, variant in content.pop("variants").items()}
    fast = content.pop("fast_stage", None)
    fast_stage = None if fast is None else FastStage(**fast)
    return Manifest(labels=labels, variants=variants, fast_stage=fast_stage, **content)
