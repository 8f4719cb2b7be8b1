"""A voice behind HTTP: numbers in, sound out, and a page that plays it.

MODEL=voice.pt PYTHONPATH=course uvicorn app:app --app-dir docs/examples/voice
"""

import os
import re
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from nano import speech, tacotron

MAX_WORDS = 8
MAX_STEPS = 120
"""Of 50 ms each: where attention is lost, the voice would go on for ever."""
MAX_WAIT_S = 5.0


class Phrase(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=200)]


class Voice:
    """Says one phrase at a time; the others wait in line.

    Args:
        path: Of weights that ``nano.tacotron.save`` wrote.
    """

    def __init__(self, path):
        self.model, self.turn = tacotron.load(path), threading.Lock()
        self.say("zero")  # what is compiled at the first use is compiled before the first request

    def say(self, phrase):
        """Return the sound and whether the voice found the end; None if it was not its turn in time."""
        if not self.turn.acquire(timeout=MAX_WAIT_S):
            return None
        try:
            spoken = self.model.speak(tacotron.symbols(phrase), MAX_STEPS)
            return speech.griffin_lim(spoken.mel), spoken.stopped
        finally:
            self.turn.release()


@asynccontextmanager
async def lifespan(app):
    path = os.environ.get("MODEL", "")
    if not Path(path).is_file():
        raise RuntimeError(f"MODEL is {path!r}; set it to a file that nano.tacotron.save wrote")
    app.state.voice = Voice(path)
    yield


app = FastAPI(title="Voice", lifespan=lifespan)


def get_voice(request: Request):
    return request.app.state.voice


def read(phrase: Phrase) -> str:
    """Write a text as the voice says it: in words, without signs and without "and"."""
    words = []
    for word in re.findall(r"\w+", phrase.text.lower()):
        if re.fullmatch(r"[0-9]{1,3}", word):
            words += tacotron.number_phrase(int(word)).split()
        elif word != "and":
            words.append(word)
    if len(words) > MAX_WORDS:
        raise HTTPException(422, f"these are {len(words)} words; the voice says {MAX_WORDS} at most at a time")
    try:
        tacotron.symbols(" ".join(words))
    except ValueError as error:
        raise HTTPException(422, f"{error}. Digits are read from 0 to 999") from error
    return " ".join(words)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/say", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
def say(phrase: Annotated[str, Depends(read)], voice: Annotated[Voice, Depends(get_voice)]):
    said = voice.say(phrase)
    if said is None:
        raise HTTPException(503, "the voice is busy; ask again in a few seconds", {"Retry-After": "5"})
    sound, stopped = said
    headers = {"Voice-Words": phrase, "Voice-Stopped": "true" if stopped else "false"}
    return Response(speech.encode(sound, "WAV"), media_type="audio/wav", headers=headers)


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    return (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
