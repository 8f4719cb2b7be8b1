"""Which settings of `bert` learn best, how does Hugging Face Trainer do with its own, and do further texts help?

Run: ``python benchmarks/bert_settings.py --jobs 12 --minutes 9``: for a GPU, which does in minutes what takes a
processor a day; ``--only bert --seeds 1`` shows that it works. What the minutes do not suffice for is left out; run
again, it adds what the result file has not.

Protocol: movie-reviews, the shared split; each setting over the same seeds. Validation accuracy is that of the epoch
that validation chose. Test accuracy is read for the settings that are shipped, for Trainer's defaults (its last epoch)
and for what further texts bring, not for those that are only being chosen from. "mlm" goes on with masked-language
training (Devlin et al., 2019) before: on the training sentences, or on those and the sentences of imdb-reviews.
"taught" learns from what five `bert-r-drop` say of the training sentences and of sentences of imdb-reviews.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache, partial
from time import monotonic
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.utils.rnn import pad_sequence
from transformers import BertForMaskedLM
from transformers.utils import logging

from _common import RESULTS, RUNS, save, versions
from textwright.core.callbacks import Callback
from textwright.data.assets import asset_path
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.data.unlabeled import apart_from, read_unlabeled
from textwright.models.pretrained import open_pretrained
from textwright.training.batches import encode_examples, shuffled_batches
from textwright.training.checkpoint import NoCheckpoints
from textwright.training.device import deterministic, make_accelerator, uses_bf16
from textwright.training.distillation import DistillationExamples, DistillationTargets, soft_targets
from textwright.training.loop import Splits, TrainingRuntime, fit, infer
from textwright.training.run import prepare
from textwright.training.settings import Device, TrainSettings

SOURCE, UNLABELLED, ENCODER = "movie-reviews", "imdb-reviews", "minilm-l6"
OUT, RESULT = RUNS / "bert-settings", RESULTS / "bert_settings.json"
TEACHERS = ("bert-r-drop", 5)
R_DROP = {"label_smoothing": 0.0, "r_drop": 1.0}
TRAINER = "Trainer"
PRETRAININGS = {"further": (3, 3e-4, 256), "own": (20, 1e-4, 64)}
"""Texts of masked-language training -> epochs, learning rate, batch size."""
MASK, FIRST_WORD, NUM_TOKENS = 103, 999, 30_522
"""Of BERT's vocabulary; what comes before the mask are padding and other tokens that are no words."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to train `bert`.

    Args:
        settings: What differs from the defaults of training.
        model: What differs from the family's own.
        seeds: How often at most.
        start: Encoder of masked-language training to start from; empty for the pretrained one.
        taught: How many of the teachers answer; 0 for labels alone.
        num_further: Sentences that they answer beside the training sentences.
        is_tested: Whether the test split is read.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    seeds: int = 3
    start: str = ""
    taught: int = 0
    num_further: int = 30_000
    is_tested: bool = False


VARIANTS = {
    "bert-r-drop": Variant(R_DROP, seeds=10, is_tested=True),
    "bert": Variant(seeds=10, is_tested=True),
    "mlm, training sentences": Variant(seeds=5, start="own", is_tested=True),
    "mlm, further sentences": Variant(seeds=5, start="further", is_tested=True),
    "mlm, further sentences, R-Drop": Variant(R_DROP, seeds=5, start="further", is_tested=True),
    "taught by five": Variant({"label_smoothing": 0.0}, seeds=5, taught=5, is_tested=True),
    "taught by five, 90,000 sentences": Variant({"label_smoothing": 0.0}, taught=5, num_further=90_000, is_tested=True),
    "taught by one": Variant({"label_smoothing": 0.0}, taught=1, is_tested=True),
    "mlm, taught by five": Variant({"label_smoothing": 0.0}, start="further", taught=5, is_tested=True),
    "label smoothing 0": Variant({"label_smoothing": 0.0}),
    "3 epochs": Variant({"num_epochs": 3}),
    "learning rate 5e-5, 3 epochs": Variant({"learning_rate": 5e-5, "num_epochs": 3}),
    "learning rate 2e-4": Variant({"learning_rate": 2e-4}),
    "layer decay 1": Variant(model={"layer_decay": 1.0}),
    "layer decay 0.8, learning rate 2e-4": Variant({"learning_rate": 2e-4}, {"layer_decay": 0.8}),
    "batch size 16": Variant({"batch_size": 16}),
    "weight decay 0.1": Variant({"weight_decay": 0.1}),
    "R-Drop 3": Variant({**R_DROP, "r_drop": 3.0}),
    "R-Drop 1, 3 epochs": Variant({**R_DROP, "num_epochs": 3}),
    "R-Drop 1, learning rate 2e-4": Variant({**R_DROP, "learning_rate": 2e-4}),
    "R-Drop 1, smoothing 0.1": Variant({**R_DROP, "label_smoothing": 0.1}),
    "fp32": Variant({"precision": "fp32"}),
}


@cache
def dataset() -> Dataset:
    """The shared split."""
    return load_dataset(SOURCE)


@cache
def further_sentences() -> list[str]:
    """Sentences of the unlabeled reviews that are not nearly one of those that a model is chosen or tested on."""
    kept = OUT / "sentences.txt"
    if not kept.is_file():
        found = read_unlabeled(UNLABELLED, DataSettings(), by_sentence=True)
        held_out = [*dataset().validation.texts, *dataset().test.texts]
        apart = [" ".join(text.split()) for text in apart_from(held_out, found)]
        partial_file = kept.with_suffix(f".{os.getpid()}")
        partial_file.write_text("\n".join(apart), encoding="utf-8")
        partial_file.rename(kept)
    return kept.read_text(encoding="utf-8").split("\n")


def pretrain(name: str) -> dict[str, Any]:
    """Go on with masked-language training, and keep the encoder: 15 % of the tokens, 8 of 10 of them masked.

    This was measured before ``training.adaptation`` was there, and stays the protocol of the result file. The package
    masks an exact share of each text, draws other tokens from those that the texts hold, learns a head of its own and
    keeps the epoch that guesses held-out tokens best; here each token is masked by chance, others come from the whole
    vocabulary, the head is the pretrained one and the last step counts. The numbers would be those of another method.
    """
    num_epochs, learning_rate, batch_size = PRETRAININGS[name]
    texts = [*dataset().train.texts, *(further_sentences() if name == "further" else ())]
    path = asset_path(ENCODER)
    tokenizer = open_pretrained(ENCODER).load_tokenizer(64)
    encodings = tokenizer.encode(texts)
    tokens = torch.from_numpy(encodings.ids.astype(np.int64))
    ids = torch.split(tokens, encodings.lengths.tolist())
    device = make_accelerator(Device.AUTO).device
    torch.manual_seed(0)
    model = BertForMaskedLM.from_pretrained(path, dtype=torch.float32).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    num_steps = num_epochs * -(-len(ids) // batch_size)
    scale = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.06 * num_steps), (num_steps - step) / num_steps)
    )
    last = 0.0
    for epoch in range(num_epochs):
        losses = []
        for positions in shuffled_batches(encodings.lengths, batch_size, seed=0, epoch=epoch):
            rows = pad_sequence([ids[position] for position in positions.tolist()], batch_first=True)  # padding is 0
            rows = rows.to(device)
            chosen = (torch.rand(rows.shape, device=device) < 0.15) & (rows > MASK)  # no special token
            kind = torch.rand(rows.shape, device=device)
            inputs = torch.where(chosen & (kind < 0.8), MASK, rows)
            drawn = torch.randint(FIRST_WORD, NUM_TOKENS, rows.shape, device=device)
            inputs = torch.where(chosen & (kind >= 0.9), drawn, inputs)
            with torch.autocast(device.type, torch.bfloat16):
                hidden = model.bert(inputs, attention_mask=(rows != 0).long()).last_hidden_state[chosen]
                logits = model.cls(hidden)
            loss = torch.nn.functional.cross_entropy(logits.float(), rows[chosen])
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            scale.step()
            losses.append(loss.detach())
        last = float(torch.stack(losses).mean())
    weights = load_file(path / "model.safetensors")
    weights |= {key: value.cpu().contiguous() for key, value in model.bert.state_dict().items() if key in weights}
    folder = OUT / f"encoder-{name}"
    shutil.copytree(path, folder, dirs_exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return {"num_texts": len(texts), "num_epochs": num_epochs, "num_steps": num_steps, "last_loss": last}


def teach(num_teachers: int, first: int, num_further: int) -> DistillationTargets:
    """Let the teachers answer the training sentences and further ones."""
    texts = [*dataset().train.texts]
    further = further_sentences()
    drawn = np.random.default_rng(0).permutation(len(further))[:num_further]
    texts += [further[position] for position in np.sort(drawn).tolist()]
    answers = []
    for seed in range(first, first + num_teachers):
        settings, model = settings_of(VARIANTS[TEACHERS[0]], seed)
        prepared = prepare(dataset(), settings, model)
        weights = torch.load(OUT / f"{TEACHERS[0]}-{seed}.pt", map_location="cpu")
        prepared.module.load_state_dict(weights)
        encodings = encode_examples(Examples(texts, np.zeros(len(texts), dtype=np.int64)), prepared.tokenizer)
        runtime = TrainingRuntime(make_accelerator(settings.device))
        answers.append(infer(prepared.module.to(runtime.accelerator.device), encodings, 2, runtime).numpy())
    soft, true = soft_targets(answers, dataset().train.targets, dataset().labels, temperature=1.0)
    return DistillationTargets(texts, soft, true, temperature=1.0, label_weight=0.5, vocabulary_texts=texts)


def settings_of(variant: Variant, seed: int) -> tuple[TrainSettings, dict[str, Any]]:
    """Put a variant over the defaults."""
    model = dict(variant.model)
    if variant.start:
        model["encoder"] = str(OUT / f"encoder-{variant.start}")
    return TrainSettings(family="bert", seed=seed, **variant.settings), model


def train_once(name: str, seed: int) -> dict[str, Any]:
    """Train a variant with one seed."""
    variant = VARIANTS[name]
    settings, model = settings_of(variant, seed)
    distillation = None
    if variant.taught:
        distillation = teach(variant.taught, seed if variant.taught == 1 else 0, variant.num_further)
    prepared = prepare(dataset(), settings, model, distillation)
    accelerator = make_accelerator(prepared.settings.device)
    bf16 = uses_bf16(prepared.settings.precision, accelerator.device, gains=prepared.supports_bf16)
    learned = prepared.train if distillation is None else DistillationExamples(prepared.train, distillation)
    with deterministic(accelerator.device):
        state = fit(
            prepared.module, Splits(learned, prepared.validation), prepared.labels, prepared.settings,
            runtime=TrainingRuntime(accelerator, bf16), checkpointer=NoCheckpoints(), callback=Callback(),
            distillation=distillation,
        )  # fmt: skip
    best = next(record for record in reversed(state.history) if record.is_best)
    found: dict[str, Any] = {
        "seed": seed,
        "validation_accuracy": best.validation_accuracy,
        "validation_loss": best.validation_loss,
    }
    if variant.is_tested:
        test = encode_examples(dataset().test, prepared.tokenizer)
        logits = infer(prepared.module, test, len(prepared.labels), TrainingRuntime(accelerator)).numpy()
        found["test_accuracy"] = float((logits.argmax(axis=1) == dataset().test.targets).mean())
    if name == TEACHERS[0] and seed < TEACHERS[1]:
        torch.save(prepared.module.state_dict(), OUT / f"{name}-{seed}.pt")
    return found


def train_trainer_once(seed: int) -> dict[str, Any]:
    """Train with Trainer's defaults with one seed."""
    from train_speed import TRAINER_EPOCHS, train_trainer

    _, accuracies = train_trainer(dataset(), num_epochs=TRAINER_EPOCHS, seed=seed)
    return {"seed": seed, **accuracies}


def begin() -> None:
    """Prepare a process of the pool."""
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


@dataclass(slots=True)
class Plan:
    """What is run, in this order, each when what it needs is there."""

    jobs: list[tuple[str, Callable[[], dict[str, Any]], tuple[str, ...]]] = field(default_factory=list)
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pretrainings: dict[str, Any] = field(default_factory=dict)

    def take_up(self) -> None:
        """Go on from what the result file has."""
        if not RESULT.is_file():
            return
        content = json.loads(RESULT.read_text(encoding="utf-8"))
        self.found = {name: variant["seeds"] for name, variant in content["variants"].items()}
        self.pretrainings = content["pretrainings"]
        known = {f"{name} seed {row['seed']}" for name, rows in self.found.items() for row in rows}
        wanted = {need for name, _, needs in self.jobs if name not in known for need in needs}
        self.jobs = [job for job in self.jobs if job[0] in wanted or job[0] not in known | set(self.pretrainings)]

    def run(self, num_jobs: int, seconds: float) -> None:
        """Run until all is done or the time is up."""
        end = monotonic() + seconds
        done: set[str] = set()
        running: dict[Future[dict[str, Any]], str] = {}
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(num_jobs, mp_context=spawn, initializer=begin)
        while (self.jobs or running) and monotonic() < end:
            for job in [job for job in self.jobs if done.issuperset(job[2])][: num_jobs - len(running)]:
                self.jobs.remove(job)
                running[pool.submit(job[1])] = job[0]
            finished, _ = wait(running, timeout=max(end - monotonic(), 0), return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                done.add(name)
                self.note(name, future.result(), seconds - (end - monotonic()))
        for process in list((pool._processes or {}).values()):  # noqa: SLF001  the time is up
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)

    def note(self, name: str, result: dict[str, Any], seconds: float) -> None:
        """Keep a result, and write down all there are."""
        print(f"{seconds:4.0f} s  {name}: {result}", flush=True)
        if name.startswith("encoder "):
            self.pretrainings[name] = result
        else:
            rows = self.found.setdefault(name.rpartition(" seed ")[0], [])
            rows[:] = [row for row in rows if row["seed"] != result["seed"]] + [result]
        save("bert_settings", self.content())

    def content(self) -> dict[str, Any]:
        """The result file."""
        return {
            "command": "python benchmarks/bert_settings.py --jobs 12 --minutes 9",
            "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "versions": versions("torch", "transformers", "accelerate", "tokenizers"),
            "pretrainings": self.pretrainings,
            "variants": {name: sum_up(name, rows) for name, rows in self.found.items()},
        }


def sum_up(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and deviation over the seeds."""
    rows = sorted(rows, key=lambda row: int(row["seed"]))
    content: dict[str, Any] = {}
    if name in VARIANTS:
        content = {"settings": VARIANTS[name].settings, "model": VARIANTS[name].model}
    for split in ("validation_accuracy", "test_accuracy"):
        values = [row[split] for row in rows if split in row]
        if values:
            deviation = statistics.stdev(values) if len(values) > 1 else None
            content[split] = {"mean": statistics.mean(values), "deviation": deviation}
    return {**content, "seeds": rows}


def plan(names: Sequence[str], seeds: int | None) -> Plan:
    """List what is asked for: what others wait for comes first."""
    planned = Plan()
    chosen = [name for name in (*VARIANTS, TRAINER) if not names or name in names]
    chosen.sort(key=lambda name: name not in (*list(VARIANTS)[:2], TRAINER))  # what is shipped, and its rival, first
    starts = {VARIANTS[name].start for name in chosen if name != TRAINER}
    planned.jobs += [(f"encoder {name}", partial(pretrain, name), ()) for name in PRETRAININGS if name in starts]
    teaching = tuple(f"{TEACHERS[0]} seed {seed}" for seed in range(TEACHERS[1]))
    for name in chosen:
        variant = VARIANTS.get(name, Variant(seeds=10))
        job = partial(train_once, name) if name in VARIANTS else train_trainer_once
        needs = (*((f"encoder {variant.start}",) if variant.start else ()), *(teaching if variant.taught else ()))
        for seed in range(variant.seeds if seeds is None else min(seeds, variant.seeds)):
            planned.jobs.append((f"{name} seed {seed}", partial(job, seed), needs))
    return planned


def main() -> None:
    """Run what is asked for, and save after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--only", action="append", choices=[*VARIANTS, TRAINER], default=[])
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    planned = plan(asked.only, asked.seeds)
    planned.take_up()
    planned.run(asked.jobs, 60 * asked.minutes)


if __name__ == "__main__":
    main()
