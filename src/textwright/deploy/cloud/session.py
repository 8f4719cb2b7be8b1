"""Calls to AWS: the only place that imports boto3, makes clients and keeps rehearsals away from the real AWS.

The guard: where ``AWS_ENDPOINT_URL`` is set, as every test sets it, a request to any other address is refused before a
byte is sent, whatever the configuration of a single service says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from textwright.deploy.cloud.endpoint import require_allowed
from textwright.deploy.cloud.error_translation import to_error
from textwright.errors import CloudAccessError, CloudError, CloudNotFoundError, SettingsError

_CONFIG: Final = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=70)
_MISSING: Final = frozenset(
    {"ValidationError", "ResourceNotFoundException", "ChangeSetNotFound", "ImageNotFoundException", "404", "NoSuchKey"}
)


class Cloud:
    """One account in one region.

    Args:
        region: Its name; None takes AWS_REGION, then that of the configuration.

    Raises:
        SettingsError: If no region is known.
        CloudAccessError: If the configuration cannot be used.
    """

    def __init__(self, region: str | None = None) -> None:
        try:
            # boto3 itself reads AWS_DEFAULT_REGION alone.
            self.session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
        except BotoCoreError as error:
            raise to_error(error, action="sts:GetCallerIdentity", region=region) from error
        if self.session.region_name is None:
            raise SettingsError("no region is known; give --region, for example eu-central-1, or set AWS_REGION")
        self.region: str = self.session.region_name
        self._clients: dict[str, Any] = {}

    @cached_property
    def account(self) -> str:
        """Number of the account."""
        return str(self.call("sts", "get_caller_identity")["Account"])

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  boto3's calls
        """Make one call.

        Args:
            service: boto3's name of the service.
            operation: Name of the client's method.
            parameters: Its parameters.

        Returns:
            The answer.

        Raises:
            CloudNotFoundError: If AWS says that the thing does not exist.
            CloudAccessError: If there are no credentials, they have expired, or a permission is missing.
            CloudQuotaError: If a quota is reached.
            CloudError: If AWS refuses otherwise or cannot be reached.
        """
        action = f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"
        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**parameters)
        except ClientError as error:
            details = error.response["Error"]
            message = details.get("Message", "")
            if details.get("Code") in _MISSING and (
                "not exist" in message.lower() or details["Code"] != "ValidationError"
            ):
                raise CloudNotFoundError(f"AWS has no such thing ({action}): {message}") from error
            raise to_error(error, action=action, region=self.region) from error
        except BotoCoreError as error:
            raise to_error(error, action=action, region=self.region) from error
        return answer

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        """List things over as many calls as it takes; see :meth:`call`.

        Args:
            service: boto3's name of the service.
            operation: Name of the client's method, one that boto3 can page through.
            key: Member of the answers that holds the things.
            parameters: Its parameters.
        """
        action = f"{service}:{''.join(word.capitalize() for word in operation.split('_'))}"
        try:
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page.get(key, [])
        except (ClientError, BotoCoreError) as error:
            raise to_error(error, action=action, region=self.region) from error

    def upload(self, path: str, bucket: str, key: str) -> None:
        """Upload a file to S3, in parts where it is large; see :meth:`call`."""
        from boto3.exceptions import S3UploadFailedError

        try:
            self._client("s3").upload_file(path, bucket, key, ExtraArgs={"ChecksumAlgorithm": "SHA256"})
        except (ClientError, BotoCoreError) as error:
            raise to_error(error, action="s3:PutObject", region=self.region) from error
        except S3UploadFailedError as error:
            raise CloudError(f"uploading {path} to s3://{bucket}/{key} failed: {error}") from error

    def sign(self, method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """Sign a request to an address that IAM guards.

        Returns:
            The headers to send.

        Raises:
            CloudAccessError: If there are no credentials.
        """
        credentials = self.session.get_credentials()
        if credentials is None:
            raise CloudAccessError("there are no AWS credentials to sign requests with")
        request = AWSRequest(method, url, headers=headers, data=body)
        SigV4Auth(credentials, "lambda", self.region).add_auth(request)
        return dict(request.headers.items())

    def _client(self, service: str) -> Any:  # noqa: ANN401  boto3's clients have no types
        if service not in self._clients:
            client = self.session.client(service, config=_CONFIG)
            client.meta.events.register("before-send", _guard)
            self._clients[service] = client
        return self._clients[service]


def _guard(request: AWSPreparedRequest, **_: object) -> None:
    require_allowed(str(request.url))
