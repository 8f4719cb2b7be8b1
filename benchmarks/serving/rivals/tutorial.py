"""The tutorials' stack: FastAPI in front of a transformers pipeline; run by uvicorn."""

import os

from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

classifier = pipeline("text-classification", model=os.environ["MODEL"], device="cpu")
app = FastAPI()


class Review(BaseModel):
    text: str


@app.post("/predict")
def predict(review: Review) -> dict[str, str | float]:
    return classifier(review.text, truncation=True)[0]
