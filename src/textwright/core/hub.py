"""Files of the Hugging Face hub: an address such as ``hf://owner/name@v1`` becomes files on this machine.

Called by :mod:`textwright.core.artifact`, so that an artifact of the hub is opened wherever a folder is, by
:mod:`textwright.data.hub` and by :mod:`textwright.hub`. ``huggingface_hub`` is imported when an address is opened, and
nowhere else. It brings the user's token, proxy and cache (``HF_TOKEN``, ``HF_ENDPOINT``, ``HF_HOME``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, Self
from urllib.parse import quote, unquote

from textwright.errors import (
    ArtifactFormatError,
    HubAccessError,
    HubError,
    HubFileError,
    HubNetworkError,
    MissingExtraError,
    NotFoundError,
    SettingsError,
    TextwrightError,
)

ARTIFACT_FOLDER: Final = "artifact"
"""Of a repository that ``textwright push`` wrote, whose README.md beside it people may edit."""
_PLACES: Final = (f"{ARTIFACT_FOLDER}/", "")
"""Where the manifest of an artifact may lie in a repository."""
_DEFAULT_REVISION: Final = "main"
_SCHEME: Final = re.compile(r"hf:(?:/{1,2}|$)")  # pathlib makes one slash of two, and none of "hf://"
_NAME: Final = r"[\w-][\w.-]*"
_ADDRESS: Final = re.compile(
    rf"(?:(?P<kind>models|datasets)/)?(?P<repo>{_NAME}/{_NAME})(?::(?P<configuration>[\w.-]+))?"
    r"(?:@(?P<revision>refs/pr/\d+|refs/convert/[\w.-]+|[^/@]+))?(?:/(?P<path>.+))?",
    re.ASCII,
)
_FORM: Final = "hf://owner/name or hf://owner/name@revision"
_NO_ACCESS: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A place on the hub.

    Args:
        repo: "owner/name".
        revision: Branch, tag or commit; None is the main branch.
        configuration: Of a dataset; empty for its only one.
        path: Of a file in the repository; empty for the repository as a whole.
        kind: "model" or "dataset".
    """

    repo: str
    revision: str | None = None
    configuration: str = ""
    path: str = ""
    kind: str = "model"

    @classmethod
    def parse(cls, address: str | Path, *, kind: str = "model") -> Self:
        """Read an address.

        Args:
            address: ``hf://[models/|datasets/]owner/name[:configuration][@revision][/path]``, also with one slash. The
                slashes of a branch are written ``%2F``, as by the hub's own client.
            kind: What it is where it does not say.

        Raises:
            SettingsError: If it has another form.
        """
        text = _SCHEME.sub("", str(address).replace("\\", "/"), count=1)
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise SettingsError(f"{str(address)!r} is no address of the Hugging Face hub; it has the form {_FORM}")
        kind = match["kind"].removesuffix("s") if match["kind"] else kind
        revision = unquote(match["revision"]) if match["revision"] else None
        return cls(match["repo"], revision, match["configuration"] or "", match["path"] or "", kind)

    def __str__(self) -> str:
        kind = "datasets/" if self.kind == "dataset" else ""
        configuration = f":{self.configuration}" if self.configuration else ""
        is_reference = (self.revision or "").startswith("refs/")
        revision = f"@{quote(self.revision, safe='/' if is_reference else '')}" if self.revision else ""
        return f"hf://{kind}{self.repo}{configuration}{revision}{'/' if self.path else ''}{self.path}"


def is_hub_address(path: str | Path) -> bool:
    """Say whether a path is an address of the hub: it begins with ``hf://``."""
    return _SCHEME.match(str(path).replace("\\", "/")) is not None


def with_two_slashes(words: str) -> str:
    """Write the addresses in a command as people type them: a path that went through pathlib has one slash."""
    return re.sub(r"\bhf:/(?=[^/])", "hf://", words)


def fetch_artifact(path: str | Path, manifest: str, *, anew: bool = False) -> Path:
    """Bring the artifact of a repository onto this machine, unverified: its manifest and the files that it names.

    Files of the hub's cache are taken from there. Without a network that is all there is.

    Args:
        path: The address of a repository of a model.
        manifest: Name of the manifest.
        anew: Download files that the cache holds again.

    Returns:
        The folder of the artifact in the hub's cache.

    Raises:
        SettingsError: If the address is not one of a model.
        NotFoundError: If there is no such repository or revision, or this user may not know of it.
        ArtifactFormatError: If the repository holds no artifact.
        HubError: If the hub refuses, cannot be reached or fails.
        MissingExtraError: If ``huggingface_hub`` is not installed.
    """
    address = HubAddress.parse(path)
    if address.kind != "model" or address.path or address.configuration:
        raise SettingsError(f"{address} is no address of a model; it has the form {_FORM}")
    first, place = _fetch_manifest(address, manifest, anew=anew)
    folder = first.parent
    root = folder.parent if place else folder
    commit = HubAddress(address.repo, root.name)
    for name in _names(first, manifest):
        file = fetch_file(commit, f"{place}{name}", anew=anew)
        if name.endswith(f"/{manifest}"):
            stage = name.removesuffix(manifest)
            for inner in _names(file, manifest):
                fetch_file(commit, f"{place}{stage}{inner}", anew=anew)
    return folder


def fetch_file(address: HubAddress, name: str, *, anew: bool = False, only_cached: bool = False) -> Path:
    """Bring one file of a repository onto this machine.

    Args:
        address: The repository and its revision.
        name: Path of the file in it.
        anew: Download it again if the cache holds it.
        only_cached: Take it from the cache, and ask nobody.

    Returns:
        The file in the hub's cache.

    Raises:
        NotFoundError, HubError, MissingExtraError: As :func:`fetch_artifact` does; NotFoundError also for the file.
    """
    with hub_errors(replace(address, path=name)):
        from huggingface_hub import hf_hub_download

        revision = address.revision or _DEFAULT_REVISION
        path = hf_hub_download(
            address.repo,
            name,
            repo_type=address.kind,
            revision=revision,
            force_download=anew,
            local_files_only=only_cached,
        )
        return Path(path)


def _fetch_manifest(address: HubAddress, manifest: str, *, anew: bool) -> tuple[Path, str]:
    """Find the manifest where ``push`` puts it, or at the top of the repository."""
    missing: TextwrightError | None = None
    for place in _PLACES:
        try:
            # The client tries for 20 seconds; where it reached nobody, the cache alone is asked for the second place.
            only_cached = isinstance(missing, HubNetworkError)
            return fetch_file(address, f"{place}{manifest}", anew=anew, only_cached=only_cached), place
        except (HubFileError, HubNetworkError) as error:  # without a network the cache may hold the other place
            missing = error
    if isinstance(missing, HubNetworkError):
        raise missing
    raise ArtifactFormatError(
        f"{address} holds no artifact: neither {_PLACES[0]}{manifest} nor {manifest}; write one with: textwright push "
        f"RUN {address.repo}"
    )


def _names(manifest: Path, name: str) -> list[str]:
    """Read which files a manifest names; nothing of one that is damaged, which verifying it will say.

    A name that leads out of the folder is left out: verifying refuses it.
    """
    try:
        names = [str(item) for item in json.loads(manifest.read_bytes())["files"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [item for item in names if item != name and _is_inside(item)]


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return 1 <= len(parts) <= 2 and not {"..", "/"} & {*parts} and "\\" not in name


@contextmanager
def hub_errors(address: HubAddress) -> Iterator[None]:
    """Say in words what goes wrong between this machine and the hub.

    Args:
        address: What is asked for.

    Raises:
        NotFoundError: If there is no such repository, revision or file, or this user may not know of it.
        HubAccessError: If there is no token, or one without the right.
        HubNetworkError: If the hub cannot be reached.
        HubError: If it fails otherwise.
        MissingExtraError: If ``huggingface_hub`` is not installed.
    """
    try:
        yield
    except TextwrightError:
        raise
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("huggingface_hub"):
            raise
        raise MissingExtraError("opening and pushing models of the Hugging Face hub", "hub") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            raise  # a full disk, a folder without the right to write
        raise _in_words(error, address) from error


def _in_words(error: Exception, address: HubAddress) -> TextwrightError:
    from huggingface_hub import errors, get_token

    how = "with the token of this machine" if get_token() else "without a token"
    log_in = "log in with `hf auth login`, or set HF_TOKEN to a token of https://huggingface.co/settings/tokens"
    match error:
        case errors.GatedRepoError():
            return HubAccessError(f"{address} is gated; ask for access on its page of the hub, and {log_in}")
        case errors.RepositoryNotFoundError():
            return NotFoundError(
                f"the Hugging Face hub has no {address.kind} {address.repo!r} that can be read {how}; check the "
                f"spelling, or {log_in} if it is private"
            )
        case errors.RevisionNotFoundError():
            return NotFoundError(
                f"{address.repo} has no revision {address.revision!r}; name a branch, a tag or a commit that its page "
                "on the hub lists"
            )
        case errors.LocalEntryNotFoundError() if isinstance(error.__cause__, errors.HfHubHTTPError):
            return _in_words(error.__cause__, address)
        case errors.LocalEntryNotFoundError() | errors.OfflineModeIsEnabled():
            return _unreachable(address)
        case errors.EntryNotFoundError():
            at = f" at {address.revision}" if address.revision else ""
            return HubFileError(f"{address.repo}{at} has no file {address.path!r}; its page on the hub lists its files")
        case errors.LocalTokenNotFoundError():
            return HubAccessError(f"no token is set, and {address} needs one; {log_in}")
        case errors.HfHubHTTPError():
            return _refused(error, address, log_in)
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.startswith("httpx"):
        return _unreachable(address)
    cause = f" ({_in_one_line(error.__cause__)})" if error.__cause__ else ""
    return HubError(f"{address}: {_in_one_line(error)}{cause}")


def _refused(error: Exception, address: HubAddress, log_in: str) -> HubError:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status in _NO_ACCESS:
        return HubAccessError(
            f"the hub refuses {address} ({status}): the token is not valid, or has no right to do this; make one with "
            f"the right to write to {address.repo.partition('/')[0]} and {log_in}"
        )
    return HubError(f"the hub failed at {address}: {_in_one_line(error)}; try again later")


def _unreachable(address: HubAddress) -> HubNetworkError:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        why, cure = "HF_HUB_OFFLINE is set", "unset it to download"
    else:
        why, cure = f"{constants.ENDPOINT} cannot be reached", "check the network, the proxy and HF_ENDPOINT"
    return HubNetworkError(
        f"{address} is not in the cache of this machine ({constants.HF_HUB_CACHE}), and {why}; {cure}, or copy the "
        "cache of a machine that has it"
    )


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
