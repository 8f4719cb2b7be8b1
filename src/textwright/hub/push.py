"""Push an artifact to a repository of the Hugging Face hub, in one commit.

::

    artifact, verified -> repository -> artifact/ and README.md in one commit -> its address

What is sent are the files that the manifest hashes, the manifest, and a model card: no checkpoint, no TensorBoard
events, no hashes of training texts, whatever else the run folder holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from textwright.core.artifact import MANIFEST, Artifact
from textwright.core.hub import ARTIFACT_FOLDER, HubAddress, hub_errors
from textwright.errors import HubAccessError, HubError, SettingsError
from textwright.hub.card import hub_card
from textwright.hub.settings import PushSettings

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_CARD: Final = "README.md"
_MAIN: Final = "main"


@dataclass(frozen=True, slots=True)
class PushedModel:
    """What was pushed.

    Args:
        address: What ``textwright.load`` takes, without the commit: the newest push to this branch.
        commit: The commit; an address with it always gives these bytes.
        url: The page of the repository.
        version: Of the artifact.
        num_files: Files of the artifact, manifest included.
        size_bytes: Their size.
        num_texts: Texts of the data that are among them, as golden examples.
    """

    address: str
    commit: str
    url: str
    version: str
    num_files: int
    size_bytes: int
    num_texts: int

    @property
    def pinned(self) -> str:
        """The address with the commit."""
        return f"{self.address.partition('@')[0]}@{self.commit}"


def push(artifact: Artifact, repo: str, settings: PushSettings) -> PushedModel:
    """Push an artifact.

    Args:
        artifact: A verified artifact.
        repo: "owner/name", or the same with ``hf://``; the repository is made if it does not exist.
        settings: How.

    Returns:
        Where it is.

    Raises:
        SettingsError: If the name is not one of a repository.
        HubAccessError: If there is no token, or one that may not write there.
        HubError: If the repository is public and should be private, or the hub cannot be reached or fails.
        MissingExtraError: If ``huggingface_hub`` is not installed.
    """
    address = _address(repo, settings)
    card = hub_card(artifact, address, settings)
    with hub_errors(address):
        from huggingface_hub import HfApi, get_token

        if get_token() is None:
            raise HubAccessError(
                f"no token is set, and pushing to {address.repo} needs one with the right to write; log in with "
                "`hf auth login`, or set HF_TOKEN to a token of https://huggingface.co/settings/tokens"
            )
        api = HfApi()
        url = str(api.create_repo(address.repo, private=settings.private or None, exist_ok=True))
        _refuse_public(api, address, settings)
        if settings.revision != _MAIN:
            api.create_branch(address.repo, branch=settings.revision, exist_ok=True)
        commit = _commit(api, artifact, address, card, settings)
    return PushedModel(
        address=str(address),
        commit=commit,
        url=url,
        version=artifact.version,
        num_files=len(artifact.files) + 1,
        size_bytes=artifact.size_bytes,
        num_texts=sum(1 for item in artifact.golden(artifact.manifest.reference_variant) if item.text.strip()),
    )


def _address(repo: str, settings: PushSettings) -> HubAddress:
    parsed = HubAddress.parse(repo)
    if parsed.kind != "model" or parsed.path or parsed.configuration:
        raise SettingsError(f"{repo!r} is no repository of a model; it has the form owner/name")
    if parsed.revision is not None:
        raise SettingsError(f"{repo!r} names a revision; give the branch with --revision {parsed.revision}")
    return HubAddress(parsed.repo, None if settings.revision == _MAIN else settings.revision)


def _refuse_public(api: HfApi, address: HubAddress, settings: PushSettings) -> None:
    """Refuse to push what should be private to a repository that was made public before."""
    if settings.private and not api.model_info(address.repo).private:
        raise HubError(
            f"{address.repo} exists and is public, and --private was given; make it private in its settings on the "
            "hub, or push to another name"
        )


def _commit(api: HfApi, artifact: Artifact, address: HubAddress, card: str, settings: PushSettings) -> str:
    """Replace what an earlier push left, in one commit: readers see the old artifact or the new one."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    names = (*artifact.files, MANIFEST)
    paths = {f"{ARTIFACT_FOLDER}/{name}": artifact.path / name for name in names}
    remote = set(api.list_repo_files(address.repo, revision=settings.revision))
    operations: list[Any] = [CommitOperationAdd(path, str(file)) for path, file in paths.items()]
    if settings.card or _CARD not in remote:
        operations.append(CommitOperationAdd(_CARD, card.encode()))
    former = sorted(path for path in remote if path.startswith(f"{ARTIFACT_FOLDER}/") and path not in paths)
    operations += [CommitOperationDelete(path, is_folder=False) for path in former]
    message = settings.message or f"Push {artifact.manifest.name}, version {artifact.version}"
    info = api.create_commit(address.repo, operations, commit_message=message, revision=settings.revision)
    return str(info.oid)
