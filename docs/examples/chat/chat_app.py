"""A chat bot behind HTTP: a page to chat on, and the route that answers. Lesson 29 of the course trains it.

PYTHONPATH=course:docs/examples/chat BOT=runs/chat uvicorn chat_app:app

The server keeps no conversation: the page sends what was said before along with each message.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from nano.chat import Candidate, Retriever

MAX_BODY = 300_000
"""Bytes of a request."""
MAX_WAITING, WAIT_S = 8, 5.0
"""Requests that are answered or wait; how long one waits before it is told to come again."""
Turn = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")
    message: Turn
    history: Annotated[list[Turn], Field(max_length=20)] = []


class Reply(BaseModel):
    reply: str
    score: float
    prompt: str


class Answer(BaseModel):
    reply: str
    candidates: list[Reply]


class Bot(Protocol):
    def find(self, prompt: str, history: Sequence[str], number: int) -> list[Candidate]: ...


@lru_cache
def get_bot() -> Bot:
    folder = os.environ.get("BOT")
    if not folder or not (Path(folder) / "model.pt").is_file():
        raise HTTPException(503, f"BOT is {folder!r}; set it to the folder that Retriever.save wrote (lesson 29)")
    return Retriever.load(Path(folder))


app = FastAPI(title="Chat")
app.state.places = BoundedSemaphore(MAX_WAITING)


@app.middleware("http")
async def limit_body(request: Request, call_next):
    size = request.headers.get("content-length", "0" if request.method == "GET" else "")
    if not size.isdecimal():
        return JSONResponse({"detail": "the request does not say how long it is; send Content-Length"}, 411)
    if int(size) > MAX_BODY:
        return JSONResponse({"detail": f"the request has {size} bytes; at most {MAX_BODY:,} are read"}, 413)
    return await call_next(request)


@app.exception_handler(RequestValidationError)
async def say_what_is_wrong(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the field and its limit; the text itself, which may be no valid Unicode, is not sent back."""
    told = [f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()]
    return JSONResponse({"detail": "; ".join(told[:5]).encode("utf-8", "replace").decode()}, 422)


@app.get("/", include_in_schema=False)
def page() -> FileResponse:
    return FileResponse(Path(__file__).with_name("page.html"))


@app.get("/healthz", dependencies=[Depends(get_bot)])
def health() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/reply")
def reply(asked: Message, bot: Annotated[Bot, Depends(get_bot)], request: Request) -> Answer:
    places: BoundedSemaphore = request.app.state.places
    if not places.acquire(timeout=WAIT_S):
        raise HTTPException(503, "too many people chat at once; try again", headers={"Retry-After": "1"})
    try:
        best = bot.find(asked.message, asked.history, 5)
    finally:
        places.release()
    candidates = [Reply(reply=each.reply, score=round(each.score, 4), prompt=each.prompt) for each in best]
    return Answer(reply=candidates[0].reply if candidates else "...", candidates=candidates)
