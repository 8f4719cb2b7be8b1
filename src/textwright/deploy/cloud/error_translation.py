"""AWS's errors as ours: what is missing, which action on which resource, and the cure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from textwright.errors import CloudAccessError, CloudError, CloudQuotaError, SettingsError, TextwrightError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_KEY: Final = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure", "OptInRequired"}
)
_DENIED: Final = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"}
)
_QUOTA: Final = re.compile(
    r"LimitExceeded|QuotaExceeded|StorageExceeded|TooMany(?!Requests)|vCPU limit|limit exceeded|quota|"
    r"maximum number of|UnreservedConcurrentExecution",
    re.IGNORECASE,
)
_NOT_AUTHORIZED: Final = re.compile(
    r"(?:User: (?P<user>\S+) )?is not authorized to perform: (?P<action>\S+?)(?: on resource: (?P<resource>\S+?))?"
    r"(?=[ ,.;)]|$)"
)
_NO_CREDENTIALS: Final = (
    "there are no AWS credentials; give some by `aws configure`, `aws sso login` or the variables AWS_PROFILE, or "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)


def to_error(error: Exception, *, action: str, region: str | None) -> TextwrightError:
    """Say why a call to AWS failed.

    Args:
        error: What boto3 raised.
        action: The call, as IAM names it ("cloudformation:DescribeStacks").
        region: Where it went.

    Returns:
        The error to raise instead.
    """
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        return _refused(error, action, region)
    if isinstance(error, boto.NoRegionError):
        return SettingsError("no region is known; give --region, for example eu-central-1, or set AWS_REGION")
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return CloudAccessError(_NO_CREDENTIALS)
    if isinstance(error, boto.ProfileNotFound | boto.ConfigNotFound | boto.ConfigParseError):
        return CloudAccessError(f"the AWS configuration cannot be used: {error}")
    if isinstance(error, boto.TokenRetrievalError | boto.UnauthorizedSSOTokenError | boto.SSOTokenLoadError):
        return CloudAccessError("the AWS session has expired; log in again: aws sso login")
    if isinstance(error, boto.EndpointConnectionError | boto.ConnectTimeoutError | boto.InvalidRegionError):
        return CloudError(
            f"AWS cannot be reached in region {region!r} ({action}): {error}; check the region's name and the network"
        )
    return CloudError(f"{action} failed: {error}")


def _refused(error: ClientError, action: str, region: str | None) -> TextwrightError:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code in _EXPIRED:
        return CloudAccessError(f"the AWS session has expired ({code}); log in again: aws sso login, or new keys")
    if code in _UNKNOWN_KEY:
        return CloudAccessError(
            f"AWS does not know these credentials in region {region} ({code}); check `aws sts get-caller-identity`, "
            "and that the region is enabled for the account"
        )
    if code in _DENIED or _NOT_AUTHORIZED.search(message):
        return CloudAccessError(denied(message, action))
    if _QUOTA.search(code) or _QUOTA.search(message):
        return CloudQuotaError(_quota(message, action))
    return CloudError(f"AWS refused {action}: {message} ({code})")


def denied(message: str, action: str) -> str:
    """Say which action on which resource is not permitted.

    Args:
        message: AWS's message.
        action: The call that was refused, for messages that do not name it.
    """
    match = _NOT_AUTHORIZED.search(message)
    action = match["action"] if match else action
    resource = f" on {match['resource']}" if match and match["resource"] else ""
    who = f" for {match['user']}" if match and match["user"] else ""
    return f"the permission {action}{resource} is missing{who}; ask whoever manages the account's policies for it"


def reason_to_error(reason: str, resource: str) -> TextwrightError | None:
    """Say why CloudFormation could not make a resource, where the cause is known.

    Args:
        reason: ``ResourceStatusReason`` of an event.
        resource: The resource, for the sentence.

    Returns:
        None if it is neither a permission nor a quota.
    """
    if _NOT_AUTHORIZED.search(reason) or "not authorized" in reason or "AccessDenied" in reason:
        api = re.search(r"API: (\S+)", reason)
        return CloudAccessError(denied(reason, api[1] if api else f"to make {resource}"))
    if _QUOTA.search(reason):
        return CloudQuotaError(_quota(reason, resource))
    return None


def _quota(message: str, what: str) -> str:
    return (
        f"a quota of the AWS account is reached ({what}): {message.strip().rstrip('.')}; ask for more under Service "
        "Quotas, or remove what is not needed"
    )
