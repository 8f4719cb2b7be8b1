"""Every error that Textwright raises on purpose.

The tree, with the stable ``code`` of each leaf::

    TextwrightError
    +-- InputError                  the caller's input; fix it and call again
    |   +-- DataError               a labeled or unlabeled source cannot be used
    |   +-- SettingsError           a flag, an environment variable or a recipe is wrong
    |   +-- TextError               a text, or a list of texts, cannot be predicted
    |   +-- NotFoundError           a path or a built-in name does not exist
    |   |   +-- HubFileError            a repository of the hub has no such file
    |   +-- RequestError            a request to the API is not one that it answers
    |       +-- RequestSyntaxError      its body is not JSON in UTF-8
    |       +-- RequestLimitError       it holds more texts, or longer ones, than are allowed
    |       +-- RequestTooLargeError    its body has more bytes than are allowed
    |       +-- HeadersTooLargeError    its head has more bytes or lines than are allowed
    |       +-- RequestTimeoutError     its head or body did not arrive in time
    |       +-- MediaTypeError          its body is of another type than the route reads
    |       +-- UnauthorizedError       it names no API key, or one that is not known
    |       +-- RateLimitError          its API key has asked for more than its share
    +-- ArtifactError               an artifact folder cannot be trusted
    |   +-- ArtifactFormatError     not an artifact, or one of a newer format
    |   +-- ArtifactCorruptError    a file is missing or its bytes changed
    |   +-- GoldenMismatchError     a golden example does not reproduce here
    |   +-- ParityError             the exported graph disagrees with the trained model
    +-- AssetError                  a built-in download failed
    |   +-- AssetNetworkError       no network, or the registry refused
    |   +-- AssetHashError          the bytes are not the pinned ones
    |   +-- AssetSpaceError         the disk is full
    +-- HubError                    the Hugging Face hub refused, cannot be reached or failed
    |   +-- HubAccessError          no token, one that is not valid, or one without the right
    |   +-- HubNetworkError         it cannot be reached, and the cache does not hold what was asked for
    +-- TrackingError               a tracking server does not take a run
    +-- TrainingError               training cannot go on (for example the loss is not finite)
    +-- MissingExtraError           an optional dependency is not installed
    +-- BackendError                the inference engine failed or gave a logit that is not finite
    +-- ServingError                the server cannot answer now; the same request may be right later
    |   +-- QueueFullError            more waits than it may
    |   +-- DeadlineError             the answer was not there in time
    |   +-- NotReadyError             it is starting, stopping or stuck
    |   +-- ReloadError               an artifact cannot take the place of the model that is served
    +-- DeployError                 packaging or deploying failed
    |   +-- PackageTooLargeError      the package is larger than its target takes
    |   +-- PackageSpaceError         the disk is full
    |   +-- BaseImageError            a registry does not give the digest of an image
    |   +-- ContainerEngineError      there is no container engine, or it failed
    |   +-- CloudError                the cloud refused or cannot be reached
    |       +-- CloudAccessError          no credentials, expired ones, or a permission is missing
    |       +-- CloudQuotaError           a quota of the account is reached
    |       +-- CloudNotFoundError        the cloud has no such thing
    |       +-- StackError                a stack failed, or is in a state that it cannot leave by itself
    +-- PortInUseError              the address to serve on is taken
    +-- NoGainError                 optimizing gained nothing, and a gain was required
    +-- DriftError                  a served model sees other texts than it was trained on
    +-- GateError                   a gate of evaluate: a slice is worse, or a behavioral test fails
    +-- NotPromotedError            a candidate is not as good as the model that it shall replace
    +-- ConstraintError             no model of a search keeps to its constraints

Callers: every room raises these; only ``cli`` turns them into exit codes and only ``server`` into HTTP statuses.
A message names the value, the bound and the cure; for data it names the file and the line.
"""

from __future__ import annotations

from typing import ClassVar


class TextwrightError(Exception):
    """Base of every error raised on purpose; ``code`` is stable across releases.

    Cure: Read the message; it names the value, its bound and what to do.
    """

    code: ClassVar[str] = "error"
    follows_result: ClassVar[bool] = False
    """Whether a command has printed its result before it raises this."""


class InputError(TextwrightError):
    """The caller's input is wrong; correct it and call again.

    Cure: Correct the value that the message names, and call again.
    """

    code = "input"


class DataError(InputError):
    """A source of texts or labels cannot be used as it is.

    Cure: Correct the file at the line that the message names, or choose its columns, encoding and delimiter by flags;
    ``textwright data check SOURCE`` reports every fault that it finds.
    """

    code = "data"


class SettingsError(InputError):
    """A flag, an environment variable, a recipe or an argument is out of its bounds.

    Cure: Give a value within the bounds that the message names; ``textwright COMMAND --help`` lists the flags.
    """

    code = "settings"


class TextError(InputError):
    """A text, or a list of texts, cannot be predicted.

    Cure: Pass a sequence of strings of valid Unicode; the message names the position of what is not one.
    """

    code = "text"


class NotFoundError(InputError):
    """A path, a built-in name or a variant does not exist.

    Cure: Check the spelling; the message lists the names that exist. Over HTTP, ``GET /v1/models`` lists the models.
    """

    code = "not-found"


class HubFileError(NotFoundError):
    """A repository of the Hugging Face hub has no such file.

    Cure: Check the name of the file; the page of the repository on the hub lists them.
    """

    code = "hub-file"


class RequestError(InputError):
    """A request to the API is not one that it answers: a field is missing, unknown or of another type.

    Cure: Correct the field that ``detail`` names; ``/docs`` on the server shows a valid body for each route.
    """

    code = "request"


class RequestSyntaxError(RequestError):
    """The body of a request is not JSON in UTF-8.

    Cure: Send JSON in UTF-8, written by a JSON library; ``detail`` says where parsing stopped.
    """

    code = "request-syntax"


class RequestLimitError(RequestError):
    """A request holds more texts, or longer ones, than the server allows.

    Cure: Send fewer or shorter texts per request, ask for fewer values with ``top_k``, or raise the limit on the
    server that ``detail`` names.

    Args:
        message: What is too much, the bound and the cure.
        num_texts: Texts of the request, where they are what was counted.
    """

    code = "request-limit"

    def __init__(self, message: str, num_texts: int | None = None) -> None:
        super().__init__(message)
        self.num_texts = num_texts


class RequestTooLargeError(RequestError):
    """The body of a request has more bytes than the server allows.

    Cure: Split the request, or raise ``--max-body-bytes`` on the server and in the proxy before it.
    """

    code = "request-too-large"


class HeadersTooLargeError(RequestError):
    """The head of a request has more bytes or lines than the server allows.

    Cure: Send fewer or shorter headers (large cookies are a usual reason), or raise ``--max-header-bytes`` or
    ``--max-headers``.
    """

    code = "headers-too-large"


class RequestTimeoutError(RequestError):
    """The head or the body of a request did not arrive in time.

    Cure: Send the whole request at once; for slow networks raise ``--head-timeout-s`` and ``--body-timeout-s``.
    """

    code = "request-timeout"


class MediaTypeError(RequestError):
    """The body of a request is of another media type, charset or content coding than the route reads.

    Cure: Set ``content-type`` to one that ``detail`` lists, for JSON ``application/json``.
    """

    code = "media-type"


class UnauthorizedError(RequestError):
    """A request names no API key, or one that is not known.

    Cure: Send ``authorization: Bearer KEY`` with a key whose SHA-256 is in the server's file of keys.
    """

    code = "unauthorized"


class RateLimitError(RequestError):
    """An API key has asked for more texts than its share.

    Cure: Wait for the seconds in the header ``retry-after``, or raise the texts per minute of the key.
    """

    code = "rate-limit"

    def __init__(self, message: str, retry_after_s: int) -> None:
        """Say when to come back.

        Args:
            message: What was asked and what is allowed.
            retry_after_s: Seconds after which the same request is within the limit, >= 1.
        """
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ArtifactError(TextwrightError):
    """An artifact folder cannot be trusted.

    Cure: Restore the folder from a backup, or write it again with ``textwright train``.
    """

    code = "artifact"


class ArtifactFormatError(ArtifactError):
    """The folder is no artifact, or one of a format that this version cannot read.

    Cure: Check that the path is an artifact; if its format is newer, upgrade Textwright.
    """

    code = "artifact-format"


class ArtifactCorruptError(ArtifactError):
    """A file of the artifact is missing, or its bytes are not the ones that were written.

    Cure: Copy the folder again from where it was made; a file that was edited by hand is refused on purpose.
    """

    code = "artifact-corrupt"


class GoldenMismatchError(ArtifactError):
    """A golden example stored in the artifact does not reproduce on this machine.

    Cure: Load another variant with ``--variant``, update ONNX Runtime, or train it again on this machine.
    """

    code = "artifact-golden-mismatch"


class ParityError(ArtifactError):
    """The exported graph and the trained model disagree, so nothing was written.

    Cure: Export again with the versions in ``constraints.txt``; if it persists, report it with the model's settings.
    """

    code = "artifact-parity"


class AssetError(TextwrightError):
    """A built-in asset could not be fetched.

    Cure: Run ``textwright assets fetch`` again; what is complete already is kept.
    """

    code = "asset"


class AssetNetworkError(AssetError):
    """The package registry could not be reached or refused.

    Cure: Check the network and the proxy variables, or run ``textwright assets fetch`` elsewhere and copy the cache
    (``TEXTWRIGHT_CACHE``).
    """

    code = "asset-network"


class AssetHashError(AssetError):
    """The downloaded bytes are not the pinned ones; nothing was kept.

    Cure: Run ``textwright assets fetch`` again; if it persists, a proxy or mirror changes the file.
    """

    code = "asset-hash"


class AssetSpaceError(AssetError):
    """There is no room on the disk of the cache.

    Cure: Free space, or point ``TEXTWRIGHT_CACHE`` to a larger disk.
    """

    code = "asset-space"


class HubError(TextwrightError):
    """The Hugging Face hub refused, cannot be reached or failed.

    Cure: Read the message; correct what the hub names, or try again later.
    """

    code = "hub"


class HubAccessError(HubError):
    """There is no token for the Hugging Face hub, it is not valid, or it has no right to do what was asked.

    Cure: Log in with ``hf auth login``, or set ``HF_TOKEN``; to push, the token needs the right to write.
    """

    code = "hub-access"


class HubNetworkError(HubError):
    """The Hugging Face hub cannot be reached, and its cache on this machine does not hold what was asked for.

    Cure: Check the network, the proxy and ``HF_ENDPOINT``, or copy the cache (``HF_HOME``) of a machine that has it.
    """

    code = "hub-network"


class TrackingError(TextwrightError):
    """A tracking server (MLflow, Weights & Biases) does not take the run, and nothing was trained.

    Cure: Check its address (``MLFLOW_TRACKING_URI``) and that it runs, or train without ``--track``.
    """

    code = "tracking"


class TrainingError(TextwrightError):
    """Training cannot go on.

    Cure: Lower ``--learning-rate`` if the loss was not finite; train again with ``--overwrite`` if a checkpoint is
    damaged.
    """

    code = "training"


class MissingExtraError(TextwrightError):
    """An optional dependency is not installed; the message says which extra cures it.

    Cure: Install the extra that the message names, for example ``pip install "textwright[train]"``.
    """

    code = "missing-extra"

    def __init__(self, what: str, extra: str) -> None:
        """Say what needs which extra.

        Args:
            what: The thing that cannot be done, as a noun phrase ("training").
            extra: Name of the extra that brings it ("train").
        """
        super().__init__(f'{what} needs an optional dependency: pip install "textwright[{extra}]"')
        self.extra = extra


class BackendError(TextwrightError):
    """The inference engine failed, or answered with a logit that is not finite.

    Cure: Load another variant; ``textwright doctor`` shows the versions. Over HTTP, try another replica.
    """

    code = "backend"


class ServingError(TextwrightError):
    """The server cannot answer now; the same request may be right later.

    Cure: Send the same request again later, or to another replica.
    """

    code = "serving"


class QueueFullError(ServingError):
    """More texts or tokens wait than may; nothing of the request was computed.

    Cure: Wait for the seconds in the header ``retry-after``; add replicas, or make the model faster with
    ``textwright optimize``.
    """

    code = "queue-full"

    def __init__(self, message: str, retry_after_s: int) -> None:
        """Say when to come back.

        Args:
            message: What waits and how much may.
            retry_after_s: Seconds in which what waits should be computed, >= 1.
        """
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineError(ServingError):
    """The answer was not there in time, and what was not yet computed never will be.

    Cure: Send fewer texts per request, or raise ``--timeout-s``.
    """

    code = "deadline"


class NotReadyError(ServingError):
    """The server is starting, stopping or stuck.

    Cure: Send requests only after ``GET /readyz`` answers 200; if it never does, the server's log names the reason.
    """

    code = "not-ready"


class ReloadError(ServingError):
    """An artifact cannot take the place of the model that is served, which goes on.

    Cure: Correct the artifact as the message says and reload again; the former model still answers.
    """

    code = "reload"


class DeployError(TextwrightError):
    """Packaging or deploying failed.

    Cure: Read the message; it names the step that failed and what to do.
    """

    code = "deploy"


class PackageTooLargeError(DeployError):
    """The package is larger than its target takes.

    Cure: Use the image target (``--target lambda-image``), or an int8 or pruned artifact.
    """

    code = "package-too-large"


class PackageSpaceError(DeployError):
    """There is no room on the disk for the package.

    Cure: Free space on the disk of ``--out`` and in the folder of temporary files (``TMPDIR``).
    """

    code = "package-space"


class BaseImageError(DeployError):
    """A registry does not give the digest of a base image.

    Cure: Name the image by its digest, ``--base-image NAME@sha256:...``, or package without ``--pin-base-image``.
    """

    code = "base-image"


class ContainerEngineError(DeployError):
    """There is no container engine, or it failed.

    Cure: Install Docker, start it, and give this user the right to use it.
    """

    code = "container-engine"


class CloudError(DeployError):
    """The cloud refused, or cannot be reached.

    Cure: Read the message of the cloud that is quoted, correct its cause and run the same command again.
    """

    code = "cloud"


class CloudAccessError(CloudError):
    """There are no credentials, they have expired, or a permission is missing.

    Cure: Log in again (``aws sts get-caller-identity`` must work) and add the permission that the message names.
    """

    code = "cloud-access"


class CloudQuotaError(CloudError):
    """A quota of the account is reached.

    Cure: Ask the cloud for a higher quota, choose another region, or remove what is unused.
    """

    code = "cloud-quota"


class CloudNotFoundError(CloudError):
    """The cloud has no such thing.

    Cure: Check the name and ``--region``; ``textwright deploy status NAME`` shows what is deployed.
    """

    code = "cloud-not-found"


class StackError(CloudError):
    """A stack failed, or is in a state that it cannot leave by itself.

    Cure: Read the events that the message quotes; ``textwright deploy destroy NAME`` removes a stack that cannot go on.
    """

    code = "cloud-stack"


class PortInUseError(TextwrightError):
    """The address to serve on is taken by another process.

    Cure: Give another ``--port`` (0 takes any that is free), or stop the process that listens there.
    """

    code = "port-in-use"


class NoGainError(TextwrightError):
    """Optimizing gained nothing on this machine, and a gain was required.

    Cure: Leave the artifact as it is, allow a larger drop in accuracy, or run it without requiring a gain.
    """

    code = "no-gain"


class DriftError(TextwrightError):
    """A served model sees other texts, or other labels, than it was trained on.

    Cure: Look at the report; label some of the recorded texts, measure the model on them, and train it again.
    """

    code = "drift"
    follows_result = True


class NotPromotedError(TextwrightError):
    """A candidate is not as good as the champion that it shall replace, or too few texts show that it is.

    Cure: Read the report beside the candidate; train it on more texts, measure on more texts, or state another margin
    (``--margin``) or ratio where that is what you want.
    """

    code = "not-promoted"
    follows_result = True


class ConstraintError(TextwrightError):
    """No model of a search keeps to its constraints, so nothing was shipped.

    Cure: Read the report, which says by how much the nearest model misses; allow more, give a larger
    ``--budget-minutes``, or take that model from the folder of the search.
    """

    code = "constraints"
    follows_result = True


class GateError(TextwrightError):
    """A model is significantly worse on a slice than on other texts, or fails a behavioral test, and ``--gate`` asked.

    Cure: Look at the slices and tests that the message names; train on more texts of that kind, or state in the file of
    tests how many may fail (``max_failures``).
    """

    code = "gate"
    follows_result = True
