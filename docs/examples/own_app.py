"""An API of one's own on a model of Textwright: FastAPI, one route, one screen.

MODEL=runs/demo uvicorn own_app:app
"""

import os
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field

import textwright


class Review(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=10_000)]


class Sentiment(BaseModel):
    probabilities: dict[str, float]
    sentiment: str
    confidence: float


@lru_cache
def get_predictor() -> textwright.Predictor:
    return textwright.load(os.environ["MODEL"])


app = FastAPI()


@app.post("/predict")
def predict(review: Review, predictor: Annotated[textwright.Predictor, Depends(get_predictor)]) -> Sentiment:
    (prediction,) = predictor.predict([review.text])
    return Sentiment(
        probabilities=prediction.probabilities,
        sentiment=prediction.label or "none",
        confidence=prediction.confidence,
    )
