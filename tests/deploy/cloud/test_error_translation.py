"""AWS's errors in words, from the messages that AWS writes."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from textwright.deploy.cloud.error_translation import reason_to_error, to_error
from textwright.errors import CloudAccessError, CloudError, CloudQuotaError

USER = "arn:aws:iam::123456789012:user/me"
LOG_GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/textwright/demo"


def refused(code, message):
    error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateStack")
    return to_error(error, action="cloudformation:CreateStack", region="eu-central-1")


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_an_expired_session(code):
    error = refused(code, "The security token included in the request is expired")
    assert isinstance(error, CloudAccessError)
    assert "has expired" in str(error)
    assert "aws sso login" in str(error)


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "UnrecognizedClientException", "OptInRequired"])
def test_credentials_that_the_region_does_not_know(code):
    error = refused(code, "The security token included in the request is invalid")
    assert isinstance(error, CloudAccessError)
    assert "in region eu-central-1" in str(error)
    assert "the region is enabled" in str(error)


def test_a_missing_permission_names_action_and_resource():
    message = (
        f"User: {USER} is not authorized to perform: logs:CreateLogGroup on resource: {LOG_GROUP} because no "
        "identity-based policy allows the logs:CreateLogGroup action"
    )
    error = refused("AccessDeniedException", message)
    assert isinstance(error, CloudAccessError)
    assert str(error).startswith(f"the permission logs:CreateLogGroup on {LOG_GROUP} is missing for {USER};")


def test_a_missing_permission_without_a_name_is_named_by_the_call():
    error = refused("UnauthorizedOperation", "You are not authorized to perform this operation.")
    assert "the permission cloudformation:CreateStack is missing" in str(error)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("LimitExceededException", "Limit for stack has been exceeded"),
        ("AddressLimitExceeded", "The maximum number of addresses has been reached."),
        ("TooManyLoadBalancers", "too many"),
        ("CodeStorageExceededException", "Code storage limit exceeded."),
        (
            "InvalidParameterValueException",
            "Specified ReservedConcurrentExecutions decreases account's UnreservedConcurrentExecution below its least",
        ),
    ],
)
def test_a_quota(code, message):
    error = refused(code, message)
    assert isinstance(error, CloudQuotaError)
    assert "Service Quotas" in str(error)
    assert message.rstrip(".") in str(error)


def test_throttling_is_no_quota():
    assert type(refused("TooManyRequestsException", "Rate exceeded")) is CloudError


def test_the_reasons_of_stack_events():
    denied = (
        f'Resource handler returned message: "User: {USER} is not authorized to perform: iam:CreateRole on resource: '
        'arn:aws:iam::123456789012:role/x because no policy allows it (Service: Iam, Status Code: 403)"'
    )
    assert "iam:CreateRole on arn:aws:iam::123456789012:role/x" in str(reason_to_error(denied, "demo"))
    api = "API: ec2:RunInstances You are not authorized to perform this operation. Encoded authorization failure"
    assert "the permission ec2:RunInstances is missing" in str(reason_to_error(api, "demo"))
    vcpu = "You have requested more vCPU capacity than your current vCPU limit of 1 allows"
    assert isinstance(reason_to_error(vcpu, "demo"), CloudQuotaError)
    assert reason_to_error("Received FAILURE signal with UniqueId i-1", "demo") is None
