"""Events that nobody reads the answer of: messages of SQS, and all others, which are refused by raising.

A source without a request (a queue, SNS, S3, EventBridge, an asynchronous call) drops what the function returns: an
answer that says "refused" would count as success and the message would be gone. Only an error makes Lambda keep it.

Messages of SQS can be predicted where the settings say so: each is a request as ``POST /v1/predict`` takes it, each
prediction is a line of the log, and the messages that failed are named, so that they alone come again.

Source:
    AWS Lambda Developer Guide, "Handling errors for an SQS event source" (partial batch responses; with a FIFO queue
    nothing after the first failure may succeed) and "How Lambda handles errors and retries with asynchronous
    invocation".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from textwright.errors import RequestError
from textwright.serverless.settings import variable

_SQS: Final = "aws:sqs"
_SOURCE: Final = re.compile(r"aws:[a-z0-9]{1,20}")


def messages_of(event: object) -> list[Mapping[str, Any]]:
    """Take the messages out of an event of SQS; none if it is an event of anything else."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not all(isinstance(item, Mapping) for item in records):
        return []
    return records if all(item.get("eventSource") == _SQS for item in records) else []


def answer_messages(
    messages: list[Mapping[str, Any]], answer: Callable[[Mapping[str, Any]], bool]
) -> dict[str, list[dict[str, str]]]:
    """Answer each message, and name those that shall come again.

    Args:
        messages: In the order of the event.
        answer: Answers one; False if it failed.

    Returns:
        A partial batch response. The event source needs ``ReportBatchItemFailures``: without, Lambda ignores the
        response and deletes all messages.
    """
    failed: list[dict[str, str]] = []
    for message in messages:
        is_fifo = str(message.get("eventSourceARN", "")).endswith(".fifo")
        if (is_fifo and failed) or not answer(message):
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def refusal_of(event: object) -> RequestError:
    """Say why an event is refused, and how it could be answered."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    first = records[0] if isinstance(records, list) and records and isinstance(records[0], Mapping) else {}
    source = str(first.get("eventSource") or first.get("EventSource") or "")  # SNS writes it with a capital
    if source == _SQS:
        return RequestError(
            "nobody reads the predictions of SQS messages, so they are left in the queue; to write them into the log, "
            f"set {variable('queue_answers')}=log and give the event source ReportBatchItemFailures"
        )
    kind = f"of {source}" if _SOURCE.fullmatch(source) else "of no known form"
    return RequestError(
        f"the event is {kind}, so nobody would read the predictions; call the function through a Function URL, an HTTP "
        "API or a load balancer, or invoke it with an event of payload format 2.0"
    )
