"""Events as Function URL, HTTP API, REST API and load balancer send them, and what Lambda says about an invocation."""

from __future__ import annotations

import base64
from dataclasses import dataclass

JSON_HEADERS = {"content-type": "application/json"}


@dataclass
class Context:
    """An invocation with some time left."""

    aws_request_id: str = "8f5f2c1e"
    left_ms: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def function_url(
    body="", *, method="POST", path="/v1/predict", headers=JSON_HEADERS, is_base64=False, stage="$default"
):
    """Make an event of payload format 2.0, as a Function URL and an HTTP API send it."""
    content = base64.b64encode(body if isinstance(body, bytes) else body.encode()).decode() if is_base64 else body
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": dict(headers),
        "requestContext": {"stage": stage, "requestId": "r", "http": {"method": method, "path": path}},
        "body": content,
        "isBase64Encoded": is_base64,
    }


def rest_api(body="", *, method="POST", path="/v1/predict", headers=JSON_HEADERS):
    """Make an event of payload format 1.0."""
    several = {name: [value] for name, value in headers.items()}
    context = {"stage": "prod", "requestId": "r"}
    return {
        "version": "1.0",
        "httpMethod": method,
        "path": path,
        "headers": {name.title(): value for name, value in headers.items()},
        "multiValueHeaders": several,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": False,
    }


def load_balancer(body="", *, method="POST", path="/v1/predict", headers=JSON_HEADERS, is_multi=False):
    """Make an event of an application load balancer."""
    names = {"multiValueHeaders": {name: ["old", value] for name, value in headers.items()}}
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        **(names if is_multi else {"headers": dict(headers)}),
        "body": body,
        "isBase64Encoded": False,
    }
