"""SetFit, as its documentation shows it: ``battery_setfit.py GIVEN.json PROBABILITIES.npy``."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments

MOST_PAIRS = 8_000
"""Pairs of texts that are learned from, so that a source takes minutes and not hours."""


def main():
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    texts, targets = given["train"]["texts"], given["train"]["targets"]
    model = SetFitModel.from_pretrained(given["settings"]["body"])
    model.model_body.max_seq_length = 128
    bounded = max(1, min(20, MOST_PAIRS // (2 * len(texts))))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            num_epochs=1,
            num_iterations=None if given["settings"].get("takes_all_pairs") else bounded,
            seed=0,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        train = Dataset.from_dict({"text": texts, "label": targets})
        Trainer(model=model, args=arguments, train_dataset=train).train()
    found = model.predict_proba(given["test"], as_numpy=True)
    probabilities = np.zeros((len(given["test"]), given["num_labels"]))
    probabilities[:, np.asarray(model.model_head.classes_, dtype=int)] = found
    np.save(sys.argv[2], probabilities)


if __name__ == "__main__":
    main()
