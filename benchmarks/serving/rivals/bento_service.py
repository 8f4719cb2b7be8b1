"""BentoML with adaptive batching, as its documentation shows it."""

import os

import bentoml
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


@bentoml.service(traffic={"timeout": 60})
class Classifier:
    def __init__(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(os.environ["MODEL"])
        self.model = AutoModelForSequenceClassification.from_pretrained(os.environ["MODEL"]).eval()

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=10_000)
    def predict(self, texts: list[str]) -> list[list[float]]:
        batch = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            return self.model(**batch).logits.softmax(dim=-1).tolist()
