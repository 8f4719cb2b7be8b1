"""A FastAPI route that parses ``{"text"}`` with pydantic and returns a constant model: no work but the framework's."""

from fastapi import FastAPI
from pydantic import BaseModel


class Review(BaseModel):
    text: str


class Answer(BaseModel):
    label: str
    probabilities: dict[str, float]


app = FastAPI()


@app.post("/predict")
async def predict(review: Review) -> Answer:
    return Answer(label="positive", probabilities={"negative": 0.1, "positive": 0.9})
