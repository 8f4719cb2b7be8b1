"""Calls to AWS: rehearsals stay on this machine, and what fails is said in words."""

from __future__ import annotations

import socket

import pytest

from textwright.deploy.cloud.endpoint import Endpoint, require_allowed
from textwright.deploy.cloud.session import Cloud
from textwright.errors import CloudAccessError, CloudError, SettingsError

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_service_with_an_endpoint_of_its_own_is_refused_before_a_byte_is_sent(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.eu-central-1.amazonaws.com")
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address))
    with pytest.raises(CloudError, match=r"no request is made to sts\.eu-central-1\.amazonaws\.com"):
        Cloud().call("sts", "get_caller_identity")
    assert asked == [], "not even the name was looked up"


def test_configured_endpoints_cannot_be_switched_off(monkeypatch):
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: pytest.fail(f"{address} was looked up"))
    for service, operation in (("sts", "get_caller_identity"), ("cloudformation", "describe_stacks")):
        with pytest.raises(CloudError, match="no request is made to"):
            Cloud().call(service, operation)


def test_an_address_elsewhere_is_not_asked_either():
    with pytest.raises(CloudError, match=r"no request is made to example\.org"):
        Endpoint("https://example.org").send("GET", "/readyz")


def test_without_a_rehearsal_every_address_is_allowed(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    require_allowed("https://sts.amazonaws.com")


def test_what_cannot_be_reached_names_the_region():
    with pytest.raises(CloudError, match=r"cannot be reached in region 'eu-nowhere-1' \(sts:GetCallerIdentity\)"):
        Cloud("eu-nowhere-1").call("sts", "get_caller_identity")


def test_no_region_is_said_with_the_cure(monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(SettingsError, match="no region is known; give --region"):
        Cloud()


def test_no_credentials_are_said_with_the_cure(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CloudAccessError, match=r"no AWS credentials; give some by `aws configure`"):
        Cloud().call("sts", "get_caller_identity")


def test_a_profile_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CloudAccessError, match="nobody"):
        Cloud()
