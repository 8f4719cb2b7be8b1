"""fastText with autotune, as its documentation shows it: ``battery_fasttext.py GIVEN.json PROBABILITIES.npy``."""

import json
import sys
import tempfile
from pathlib import Path

import fasttext
import numpy as np


def write_lines(path, examples, num_labels):
    with path.open("w", encoding="utf-8") as file:
        for text, target in zip(examples["texts"], examples["targets"], strict=True):
            labels = [target] if isinstance(target, int) else [at for at in range(num_labels) if target[at]]
            names = " ".join(f"__label__{label}" for label in labels)
            file.write(f"{names} {one_line(text)}\n")


def one_line(text):
    return " ".join(text.lower().split())


def main():
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    num_labels, is_multi_label = given["num_labels"], not isinstance(given["train"]["targets"][0], int)
    with tempfile.TemporaryDirectory() as folder:
        train, validation = Path(folder) / "train.txt", Path(folder) / "validation.txt"
        write_lines(train, given["train"], num_labels)
        write_lines(validation, given["validation"], num_labels)
        model = fasttext.train_supervised(
            input=str(train),
            autotuneValidationFile=str(validation),
            autotuneDuration=given["settings"]["seconds"],
            thread=1,
            verbose=0,
            seed=0,
            **({"loss": "ova"} if is_multi_label else {}),
        )
    probabilities = np.zeros((len(given["test"]), num_labels))
    for row, text in zip(probabilities, given["test"], strict=True):
        labels, values = model.predict(one_line(text), k=-1)
        for label, value in zip(labels, values, strict=True):
            row[int(label.removeprefix("__label__"))] = min(max(value, 0.0), 1.0)
    if not is_multi_label:  # the hierarchical softmax that autotune may choose leaves out what is improbable
        probabilities = np.maximum(probabilities, 1e-12)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    np.save(sys.argv[2], probabilities)


if __name__ == "__main__":
    main()
