"""LitServe with batching, as its documentation shows it."""

import os
import sys

import litserve
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer


class Classifier(litserve.LitAPI):
    def setup(self, device):
        self.tokenizer = AutoTokenizer.from_pretrained(os.environ["MODEL"])
        self.model = AutoModelForSequenceClassification.from_pretrained(os.environ["MODEL"]).to(device).eval()

    def decode_request(self, request):
        return request["text"]

    def predict(self, texts):
        batch = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            return self.model(**batch).logits.softmax(dim=-1).tolist()

    def encode_response(self, probabilities):
        return {"probabilities": probabilities}


if __name__ == "__main__":
    api = Classifier(max_batch_size=32, batch_timeout=0.005)
    litserve.LitServer(api, accelerator="cpu").run(port=int(sys.argv[1]), generate_client_file=False)
