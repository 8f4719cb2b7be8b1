"""A text-to-text model behind HTTP: one route that writes, token by token. Lesson 31 of the course trains the model.

PYTHONPATH=course:docs/examples/t5 MODEL=runs/t5 uvicorn t5_app:app

MODEL is a folder in the layout of ``transformers``: the lesson's, or a published T5 or Flan-T5. The answer to
``POST /generate`` is JSON, or server-sent events with ``"stream": true``. Errors are problems of RFC 9457.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Protocol

from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as AnyHTTPException

MAX_BODY = 100_000
"""Bytes of a request."""
MAX_SOURCE, MAX_TOKENS = 512, 256
"""Tokens of a text that is read, and of one that is written."""
MAX_RUNNING, WAIT_S = 2, 2.0
"""Texts that are written at a time; seconds that one more waits before it is told to come again."""
TIMEOUT_S = 30.0
"""Seconds after which no more is written."""


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] = 64
    stream: bool = False


class Answer(BaseModel):
    text: str
    tokens: int
    reason: str
    """Why it ends: "end" of the text, or "length"."""


NOTHING = Answer(text="", tokens=0, reason="length")


class Writer(Protocol):
    def count(self, text: str) -> int: ...

    def write(self, text: str, max_tokens: int) -> Iterator[tuple[str, bool]]: ...


class T5Writer:
    """Writes with a T5; yields all that is written so far, and whether that is the end."""

    def __init__(self, folder: Path) -> None:
        from nano import text_to_text

        self.both = text_to_text.load(folder)

    def count(self, text: str) -> int:
        return len(self.both.encode(text, MAX_BODY))

    def write(self, text: str, max_tokens: int) -> Iterator[tuple[str, bool]]:
        from nano.t5 import END, write
        from nano.text_to_text import padded

        ids: list[int] = []
        for token in write(self.both.model, padded([self.both.encode(text, MAX_SOURCE)]), max_tokens):
            ids.append(token.item())
            yield self.both.decode(ids), ids[-1] == END


@lru_cache
def load(folder: str) -> Writer:
    return T5Writer(Path(folder))


def get_writer() -> Writer:
    folder = os.environ.get("MODEL", "")
    try:
        return load(folder)
    except (ValueError, OSError) as error:
        raise HTTPException(503, f"MODEL is {folder!r}: {error}") from error


class Places:
    """Counts who is writing, and lets in no more than there are places."""

    def __init__(self) -> None:
        self.running = self.written = 0

    async def take(self) -> None:
        patience = time.monotonic() + WAIT_S
        while self.running >= MAX_RUNNING:
            if time.monotonic() > patience:
                detail = f"{MAX_RUNNING} texts are being written; come again in a second"
                raise HTTPException(429, detail, headers={"Retry-After": "1"})
            await asyncio.sleep(0.02)
        self.running += 1


app = FastAPI(title="Text to text", max_body_size=MAX_BODY)
app.state.places = Places()


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


@app.exception_handler(AnyHTTPException)
async def as_problem(_request: Request, error: AnyHTTPException) -> Response:
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


@app.exception_handler(RequestValidationError)
async def name_the_field(_request: Request, error: RequestValidationError) -> Response:
    """Name the field and its limit; the text itself is not sent back."""
    told = [f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()]
    return problem(422, "; ".join(told[:5]))


@app.get("/status")
def status() -> dict[str, int]:
    places: Places = app.state.places
    return {"running": places.running, "written": places.written}


@app.post("/generate", response_model=Answer)
async def generate(order: Order, request: Request, writer: Annotated[Writer, Depends(get_writer)]) -> Response:
    if (count := await run_sync(writer.count, order.text)) > MAX_SOURCE:
        raise HTTPException(422, f"text: it has {count} tokens and at most {MAX_SOURCE} are read; send less")
    places: Places = request.app.state.places
    await places.take()
    steps = written(writer, order, places)
    first = await anext(steps, NOTHING)  # begun here, it is ended whatever becomes of the response
    if order.stream:
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(as_events(first, steps), media_type="text/event-stream", headers=headers)
    return await whole(first, steps, request)


async def written(writer: Writer, order: Order, places: Places) -> AsyncIterator[Answer]:
    """Yield what is written after each token. When the caller goes, this is closed, and no more is written."""
    answer, ends = NOTHING, time.monotonic() + TIMEOUT_S
    steps = writer.write(order.text, order.max_tokens)
    try:
        while (step := await run_sync(next, steps, None)) is not None:
            text, is_end = step
            places.written += 1
            answer = Answer(text=text, tokens=answer.tokens + 1, reason="end" if is_end else "length")
            yield answer
            if time.monotonic() > ends:
                yield answer.model_copy(update={"reason": "time"})
                return
    finally:
        places.running -= 1


async def whole(answer: Answer, steps: AsyncIterator[Answer], request: Request) -> Response:
    """Answer at once, unless the caller is gone or the time is over."""
    async with aclosing(steps):
        async for answer in steps:
            if answer.reason == "time":
                raise HTTPException(504, f"{answer.tokens} tokens took {TIMEOUT_S:g} seconds; ask for fewer, or stream")
            if await request.is_disconnected():
                break
    return JSONResponse(answer.model_dump())


async def as_events(answer: Answer, steps: AsyncIterator[Answer]) -> AsyncIterator[str]:
    """Send what each token adds, and at last all of it. A mark or half a letter waits for what completes it."""
    sent = ""
    async with aclosing(steps):
        while True:
            if answer.text.startswith(sent) and not answer.text.endswith(("⇧", "\ufffd")):
                yield event("token", {"text": answer.text[len(sent) :]})
                sent = answer.text
            if (step := await anext(steps, None)) is None:
                break
            answer = step
    yield event("done", answer.model_dump())


def event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
