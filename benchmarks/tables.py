"""Write the tables of README and docs from the committed result files; a test fails when they differ.

Run ``python benchmarks/tables.py`` after a benchmark. A table stands between ``<!-- table: NAME -->`` and
``<!-- end -->``; what is between is replaced.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textwright.cli.exit_codes import MEANINGS

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = tuple(
    ROOT / name
    for name in (
        "README.md",
        "benchmarks/README.md",
        "docs/abstaining.md",
        "docs/command-line.md",
        "docs/explain.md",
        "docs/operations/after-the-first-day.md",
        "docs/operations/bulk-scoring.md",
        "docs/operations/monitoring.md",
        "docs/operations/feedback-and-review.md",
        "docs/optimize/int8.md",
        "docs/optimize/graph-optimization.md",
        "docs/optimize/cascade.md",
        "docs/optimize/distillation.md",
        "docs/optimize/pruning.md",
        "docs/operations/promotion.md",
        "docs/families/how-many-labels.md",
        "docs/families/what-was-tried-bert.md",
        "docs/families/what-was-tried-word-vectors.md",
    )
)
_BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


_FEWEST_SOURCES = 5
"""Of the battery; a row that ran on fewer is no summary."""
LEADERBOARDS = ("movie-reviews", "airline-tweets", "bbc-news")


def leaderboard() -> str:
    """Accuracy of each row on each dataset and its price; best first.

    From ``results/leaderboard-*.json``, and ``results/rows-*.json`` for the rows that were measured anew.
    """
    names = [name for name in LEADERBOARDS if (RESULTS / f"leaderboard-{name}.json").is_file()]
    boards = {name: _read(f"leaderboard-{name}") for name in names}
    anew = {name: _read(f"rows-{name}")["rows"] if (RESULTS / f"rows-{name}.json").is_file() else [] for name in names}
    by_name: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, board in boards.items():
        older = {row["name"]: row for row in board["rows"]}
        newer = {
            row["name"]: {**row, "speed": row["speed"] or older.get(row["name"], row)["speed"]} for row in anew[name]
        }
        by_name[name] = {**older, **newer}
    first = sorted(by_name[names[0]].values(), key=lambda row: -row["metrics"]["accuracy"]["value"])
    rows = [
        [
            f"`{row['name']}`" if not row["is_baseline"] else row["name"],
            *(_accuracy_cell(by_name[name].get(row["name"])) for name in names),
            f"{row['speed']['latency_ms']:.2g} ms" if row["speed"] else "not measured",
            f"{row['size_bytes'] / 1e6:.1f} MB",
        ]
        for row in first
        if row["name"] != "majority"
    ]
    counts = [
        f"{name} ({sum(board['data']['num_examples'].values()):,} texts, {_num_seeds(board)} seeds)"
        for name, board in boards.items()
    ]
    return _table(["", *counts, "one text", "size"], rows)


def _num_seeds(board: Mapping[str, Any]) -> int:
    return max(len(row["metrics"]["accuracy"]["per_seed"]) for row in board["rows"])


def speed() -> str:
    """Speed of prediction and start-up, from ``results/speed.json``."""
    content = _read("speed")
    rows = []
    for name, title in (("bow", "`bow`"), ("bow_bigram", "`bow-bigram`")):
        rates, ratio = content[name]["texts_per_second"], content[name]["ratio"]
        rows.append(
            [
                f"{title}: texts a second from raw text, one thread",
                f"{rates['textwright']['median']:,.0f}",
                f"{ratio['median']:.2f} x fastText's {rates['fasttext']['median']:,.0f}",
            ]
        )
    start, ratio = content["start_up"]["seconds"], content["start_up"]["ratio"]
    rows.append(
        [
            "import, load and first prediction, whole process",
            f"{start['first_prediction']['median']:.2f} s",
            f"{ratio['median']:.2f} x importing numpy, onnxruntime and tokenizers alone",
        ]
    )
    rows += [*_training_rows(), *_time_rows(), *_serving_rows(), *_matrix_rows(), _soak_row(), _cold_start_row()]
    rows += [_memory_row(run) for run in _read("memory")["runs"]]
    return _table(["", "measured", "beside it"], rows)


def _memory_row(run: Mapping[str, Any]) -> list[str]:
    name = f"training `bow` on {run['num_rows']:,} rows of 20 words, peak memory"
    return [name, f"{run['peak_gib']} GiB", f"{run['peak_with_file_pages_gib']} GiB with pages of temporary files"]


def _training_rows() -> list[list[str]]:
    content, accuracies = _read("train_speed"), _read("bert_settings")["variants"]
    training, encoding = content["training"], content["encoding"]
    theirs = training["examples_per_second"]["Trainer"]["median"]
    vectors = encoding["texts_per_second"]
    ours, rival = (_mean_and_deviation(accuracies[name]["test_accuracy"]) for name in ("bert", "Trainer"))
    num_seeds = len(accuracies["bert"]["seeds"])
    return [
        *(
            [
                f"training `bert` in {form}, examples a second",
                f"{training['examples_per_second'][name]['median']:.0f}",
                f"{training['ratio'][name]['median']:.2f} x Hugging Face Trainer's {theirs:.0f} (fp32){accuracy}",
            ]
            for form, name, accuracy in (
                (
                    "bf16",
                    "textwright bf16",
                    f"; test accuracy over {num_seeds} seeds {ours}, Trainer's {rival}",
                ),
                ("fp32", "textwright fp32", ""),
            )
        ),
        [
            "embedding texts for `frozen-bert` in fp32, texts a second",
            f"{vectors['textwright fp32']['median']:.0f}",
            (
                f"{encoding['ratio']['textwright fp32']['median']:.2f} x sentence-transformers' "
                f"{vectors['sentence-transformers']['median']:.0f}"
            ),
        ],
    ]


def _serving_rows() -> list[list[str]]:
    content, words = _read("serving"), _read("serving_bow")
    ratios = content["throughput_ratios"]
    others = ", ".join(
        f"{ratios[name]['median']:.2f} x {name}" for name in ("FastAPI + pipeline", "LitServe", "BentoML", "Infinity")
    )
    ours, bare = (_median(words, name, "per_second") for name in ("textwright", "bare"))
    return [
        [
            "serving `bert` in fp32, requests a second from 32 connections",
            f"{_median(content, 'textwright', 'per_second'):.0f}",
            f"{others}; {ratios['raw loop']['median']:.2f} of ONNX Runtime in a loop without a server",
        ],
        [
            "serving `bow`, requests a second from 32 connections",
            f"{ours:,.0f}",
            f"{words['requests_ratio']['bare']['median']:.2f} x a FastAPI route that answers a constant ({bare:,.0f})",
        ],
    ]


def _matrix_rows() -> list[list[str]]:
    """Show the fastest engine of each number of layers, alone and in a cascade."""
    content = _read("serving_matrix")
    best: dict[tuple[str, bool], str] = {}
    for name, row in content["rows"].items():
        kind = row["layers"], row["is_cascade"]
        if kind not in best or _median(content, name, "per_second") > _median(content, best[kind], "per_second"):
            best[kind] = name
    rows = []
    for (layers, is_cascade), name in best.items():
        row = content["rows"][name]
        title = (
            f"serving {'a cascade, `bow` before ' * is_cascade}`bert` of {layers}, {row['engine']}: requests a second"
        )
        gain = content["throughput_against_pipeline"][name]["median"]
        num_seeds = len(row["accuracy"]["seeds"])
        accuracy = 100 * row["accuracy"]["mean"]
        theirs = accuracy + row["against_pipeline"]["points_lost"]
        beside = f"{gain:.1f} x FastAPI + pipeline, test accuracy {accuracy:.1f} % (the pipeline's {theirs:.1f} %; "
        beside += "one seed)" if num_seeds == 1 else f"{num_seeds} seeds)"
        rows.append([title, f"{_median(content, name, 'per_second'):,.0f}", beside])
    return rows


def serving_matrix() -> str:
    """What engines, layers and cascades come to behind HTTP, from ``results/serving_matrix.json``."""
    content = _read("serving_matrix")
    rows = []
    for name, spread in content["measured_rounds"].items():
        row = content["rows"].get(name, {})
        gain = content["throughput_against_pipeline"][name]["median"]
        lost = [
            f"{row[beside]['points_lost']:+.2f}" if row else ""
            for beside in ("against_same_weights", "against_pipeline")
        ]
        size = row["size_bytes"] if row else content["rival_size_bytes"]
        rows.append(
            [
                name,
                f"{spread['per_second']['median']:,.0f}",
                f"{gain:.1f} x",
                f"{spread['lone_p50_ms']['median']:.1f} ms",
                _with_deviation({"value": row["accuracy"]["mean"], **row["accuracy"]}) if row else "",
                *lost,
                f"{spread['start_s']['median']:.1f} s",
                f"{spread['resident_mib']['median']:,.0f} MiB",
                f"{size / 1e6:.1f} MB",
            ]
        )
    heads = [
        "",
        "requests a second",
        "beside the pipeline",
        "lone text, p50",
        "test accuracy",
        "points lost, same weights",
    ]
    return _table([*heads, "points lost, pipeline", "start", "memory", "size"], rows)


def _time_rows() -> list[list[str]]:
    found = _read("train_time")["contenders"]
    rival = found["fastText, tutorial"]
    beside = f"fastText: {rival['whole_s']['median']:.1f} s, test accuracy {100 * rival['accuracy']['median']:.1f} %"
    bars = _read("train_time")["stated_validation_accuracy"]
    return [
        [
            f"training `{name}` on movie-reviews until {100 * bars[name]:.0f} % of the validation texts are right",
            f"{found[name]['to_stated_s']['median']:.1f} s",
            beside,
        ]
        for name in bars
    ]


def _soak_row() -> list[str]:
    content = _read("soak")
    asked = sum(content["outcomes"].values())
    return [
        f"{content['seconds'] / 60:.0f} minutes at twice what the server can answer: lost or swapped answers",
        f"{content['num_wrong']} of {asked:,}",
        f"memory {100 * content['memory_growth']:+.1f} %, quick again {content['recovery_s']:.1f} s after",
    ]


def _cold_start_row() -> list[str]:
    content = _read("cold_start")
    return [
        f"Lambda init of int8 MiniLM ({content['zip_bytes'] / 1e6:.1f} MB zip), CPU",
        f"{content['init_cpu_s']['median']:.2f} s",
        f"{content['init_over_floor']['median']:.2f} x importing its libraries and opening its graph alone",
    ]


def explain() -> str:
    """Faithfulness and cost of explanations, from ``results/explain.json``."""
    rows = []
    for name, found in _read("explain")["models"].items():
        falls, cost = found["faithfulness"]["fall_of_probability"], found["cost"]
        by_share = zip(falls["most"], falls["random"], strict=True)
        falls_in_words = [f"{100 * most:.0f} / {100 * random:.0f}" for most, random in by_share]
        rows.append([f"`{name}`", found["method"], *falls_in_words, f"{cost['ratio']:.1f}"])
    shares = _read("explain")["models"]["bow"]["faithfulness"]["share_of_words_removed"]
    heads = [f"without {100 * share:.0f} % of the words" for share in shares]
    return _table(["model", "method", *heads, "predictions that one costs"], rows)


OPTIMIZED: Mapping[str, Mapping[str, str]] = {
    "bert": {
        "int8-smooth": "`int8-smooth`",
        "openvino-bf16": "`openvino-bf16`",
        "optimum": "Optimum's dynamic int8",
        "quantize-dynamic": "ONNX Runtime's `quantize_dynamic`",
    },
    "frozen-bert": {"int8-smooth": "`int8-smooth`", "openvino-bf16": "`openvino-bf16`"},
    "cnn-glove": {"int8-static-percentile": "`int8-static-percentile`"},
    "bow-glove": {"int8-rows": "`int8-rows`"},
    "bow": {"int8-rows": "`int8-rows`"},
}
"""Family -> recipes that are told, and how."""


def optimize() -> str:
    """What quantizing costs and gains, from ``results/optimize-*.json``."""
    rows = []
    for source in [name for name in LEADERBOARDS if (RESULTS / f"optimize-{name}.json").is_file()]:
        families = _read(f"optimize-{source}")["families"]
        for family, titles in OPTIMIZED.items():
            for name, title in titles.items():
                found = families.get(family, {}).get(name, {})
                if "mean_test_drop" in found:
                    cells = (f"{found['mean_test_drop']:+.2f}", f"{found['mean_test_agreement']:.2f} %")
                    gains = (f"{found[f'median_{gain}']:.2f} x" for gain in ("latency_gain", "throughput_gain"))
                    rows.append(
                        [source, f"`{family}`", title, *cells, *gains, f"{1 / found['median_size_gain']:.2f} x"]
                    )
    return _table(["", "", "", "points lost", "answers alike", "lone text", "many texts", "size"], rows)


def unpadding() -> str:
    """Texts per second with and without work for padding, from ``results/unpadding.json``."""
    graphs = _read("unpadding")["graphs"]
    workloads = list(next(iter(graphs.values())))
    rows = [
        [name, *(f"{row[workload]['per_second']:.0f} ({row[workload]['ratio']:.2f} x)" for workload in workloads)]
        for name, row in graphs.items()
    ]
    return _table(["", *workloads], rows)


def batching() -> str:
    """What rules of batching leave of a raw loop, from ``results/unpadding.json``."""
    rows = [
        [name, f"{row['of_raw_loop']:.2f}", f"{row['p50_ms']:.0f} ms", f"{row['p99_over_p50']:.1f}"]
        for name, row in _read("unpadding")["batching"].items()
    ]
    return _table(["graph, rule", "of the raw loop", "p50 at 70 %", "p99 / p50"], rows)


def batch_invariance() -> str:
    """How far predictions change with the other texts of a batch, from ``results/batch-invariance.json``."""
    content = _read("batch-invariance")
    cascades = {name.removeprefix("bow+bert "): row for name, row in content["cascades"].items()}
    columns = {**{f"`{name}`": graphs for name, graphs in content["families"].items()}, "`bow` + `bert`": cascades}
    graphs = dict.fromkeys(name for column in columns.values() for name in column)
    rows = [[f"`{name}`", *(_change_cell(column.get(name)) for column in columns.values())] for name in graphs]
    return _table(["", *columns], rows)


def _change_cell(row: Mapping[str, Any] | None) -> str:
    """Show the largest change; in bold, with the labels that changed, where it is beyond the bound."""
    if row is None:
        return ""
    change = f"{row['max_change']:.1g}"
    return change if row["is_invariant"] else f"**{change}** ({row['num_changed_labels']})"


def cascade() -> str:
    """What a cascade gains and loses against its strong model, from ``results/cascade.json``."""
    rows = []
    for source, found in _read("cascade")["datasets"].items():
        for name, row in found["cascades"].items():
            fast, bound = name.split("; ")
            drops = row["drop"]
            rows.append(
                [
                    source,
                    f"`{fast}`",
                    bound.replace(" at ", ", confidence "),
                    f"{drops['mean']:+.2f} ({', '.join(f'{drop:+.2f}' for drop in drops['seeds'])})",
                    f"{100 * row['share_escalated']['median']:.0f} %",
                    f"{row['throughput_gain']['median']:.2f} x",
                ]
            )
    return _table(["", "fast stage", "bound, points", "points lost (seeds)", "escalated", "many texts"], rows)


def distillation() -> str:
    """What a teacher adds to its students, from ``results/distill.json``."""
    datasets = _read("distill")["datasets"]
    rows = []
    for source, name, row in [(source, name, row) for source, found in datasets.items() for name, row in found.items()]:
        if name.startswith("bert"):
            continue  # of the teacher's own family: cut down, see smaller()
        gains = ", ".join(f"{gain:+.1f}" for gain in row["gain_points_of_seeds"])
        alone = 100 * row["accuracy"] - row["gain_points"]
        teacher = 100 * statistics.mean(seed["teacher_accuracy"] for seed in row["seeds"])
        gained = f"{row['gain_points']:+.1f} ({gains})"
        cells = [f"{alone:.1f}", f"{100 * row['accuracy']:.1f}", gained, f"{row['p_value']:.2g}", f"{teacher:.1f}"]
        rows.append([source, f"`{name}`", *cells])
    return _table(["", "student", "labels alone", "taught", "points gained (seeds)", "p", "its teachers"], rows)


def smaller() -> str:
    """What is left of a BERT that was cut down, against the whole one, from ``results/distill.json``."""
    found = _read("distill")["datasets"]["movie-reviews"]
    rows = []
    for name, row in found.items():
        if not name.startswith("bert"):
            continue
        lost = ", ".join(f"{-gain:+.1f}" for gain in row["gain_points_of_seeds"])
        cells = [f"{100 * row['accuracy']:.1f}", f"{-row['gain_points']:+.2f} ({lost})", f"{row['p_value']:.2g}"]
        gains = [f"{row[gain]:.2f} x" for gain in ("latency_gain", "throughput_gain")]
        rows.append([name, *cells, *gains, f"{1 / row['size_gain']:.2f} x"])
    return _table(["", "accuracy", "points lost (seeds)", "p", "lone text", "many texts", "size"], rows)


def labels() -> str:
    """Accuracy by number of training examples, from ``results/curve-movie-reviews.json``."""
    return _curve(_read("curve-movie-reviews"))


def labels_of_articles() -> str:
    """The same of bbc-news, from ``results/leaderboard-bbc-news.json``."""
    return _curve(_read("leaderboard-bbc-news"))


def _curve(board: Mapping[str, Any]) -> str:
    rows = {
        row["name"]: {p["num_train"]: p for p in row["curve"]} for row in board["rows"] if row["name"] != "majority"
    }
    sizes = sorted({size for points in rows.values() for size in points})
    cells = [
        [f"`{name}`" if name != "tf-idf" else name, *(_with_deviation(points[size]["metric"]) for size in sizes)]
        for name, points in rows.items()
    ]
    return _table(["training examples", *(f"{size:,}" for size in sizes)], cells)


def folds() -> str:
    """Accuracy where each text is tested once, from ``results/folds-movie-reviews.json``."""
    found = _read("folds-movie-reviews")["rows"]
    rows = [[f"`{row['name']}`" if not row["is_baseline"] else row["name"], _accuracy_cell(row)] for row in found]
    return _table(["", "accuracy over all texts (95 % interval)"], rows)


def settings_of_bert() -> str:
    """Settings of ``bert``, and Trainer's, over seeds, from ``results/bert_settings.json``."""
    found = _read("bert_settings")["variants"]
    order = sorted(found, key=lambda name: -found[name]["validation_accuracy"]["mean"])
    rows = [
        [
            f"`{name}`" if name.startswith("bert") else name,
            str(len(found[name]["seeds"])),
            *(_mean_and_deviation(found[name].get(f"{split}_accuracy")) for split in ("validation", "test")),
        ]
        for name in order
    ]
    return _table(["", "seeds", "validation accuracy", "test accuracy"], rows)


def battery() -> str:
    """Accuracy of the tuned baseline on each source, and how many points each row is above, from ``battery.json``."""
    sources = _read("battery")["sources"]
    known = dict.fromkeys(row for source in sources.values() for row in source["rows"])
    others = [row for row in known if row not in ("majority", "tuned tf-idf")]
    heading = ["", "training texts, labels", "language", "highest possible", "majority", "tuned TF-IDF"]
    heading += [row if row in ("SetFit", "fastText") else f"`{row}`" for row in others]
    return _table(heading, [_battery_row(name, source, others) for name, source in sources.items()])


def battery_summary() -> str:
    """How each family's defaults stand beside the tuned baseline, its worst sources named, from ``battery.json``."""
    sources = _read("battery")["sources"]
    points: dict[str, dict[str, float]] = {}  # of a row, by source
    for source, content in sources.items():
        of_rows = {name: row["metrics"] for name, row in content["rows"].items() if "metrics" in row}
        baseline = of_rows.pop("tuned tf-idf")[content["primary_metric"]]["value"]
        for name, metrics in of_rows.items():
            above = metrics[content["primary_metric"]]["value"] - baseline
            points.setdefault(name, {})[source] = 100 * above
    rows = []
    for name, found in points.items():
        if len(found) < _FEWEST_SOURCES or name == "majority":
            continue
        in_order = sorted(found, key=lambda source: found[source])
        worst, best = (
            ", ".join(f"{source} {found[source]:+.1f}" for source in chosen)
            for chosen in (in_order[:3], in_order[::-1][:2])
        )
        shares = [f"{sum(value >= -bound for value in found.values())} of {len(found)}" for bound in (0.5, 3)]
        rows.append([f"`{name}`", *shares, f"{statistics.median(found.values()):+.1f}", worst, best])
    heading = ["", "at most 0.5 points below", "at most 3 below", "median", "worst", "best"]
    return _table(heading, rows)


def _battery_row(name: str, source: Mapping[str, Any], others: Sequence[str]) -> list[str]:
    best, key = source["ceiling"], source["primary_metric"]
    floor, baseline = (source["rows"][row]["metrics"][key] for row in ("majority", "tuned tf-idf"))
    return [
        f"{name}{' (held)' if source['is_held'] else ''}",
        f"{source['num_examples']['train']:,}, {source['num_labels']:,}",
        source["language"],
        "" if best is None else f"{100 * best:.1f}",
        f"{100 * floor['value']:.1f}",
        _with_deviation(baseline),
        *(_battery_cell(source["rows"].get(row, {}), key, baseline["value"]) for row in others),
    ]


def _battery_cell(row: Mapping[str, Any], primary_metric: str, baseline: float) -> str:
    if "metrics" not in row:
        return "failed" if "failed" in row else ""
    found = row["metrics"][primary_metric]
    deviation = "" if found["deviation"] is None else f" ± {100 * found['deviation']:.1f}"
    return f"{100 * (found['value'] - baseline):+.1f}{deviation}"


def _mean_and_deviation(found: Mapping[str, float] | None) -> str:
    return "" if found is None else f"{100 * found['mean']:.1f} ± {100 * found['deviation']:.1f}"


def _median(content: Mapping[str, Any], candidate: str, figure: str) -> float:
    return float(content["measured_rounds"][candidate][figure]["median"])


def bulk() -> str:
    """Rates of bulk scoring and its memory, from ``results/bulk.json``."""
    content = _read("bulk")
    rows = []
    for name, title in (("bow", "`bow`"), ("bert_int8", "int8 `bert`")):
        if name not in content:
            continue
        measured = content[name]
        rates = {key: f"{spread['median']:,.0f} texts/s" for key, spread in measured["texts_per_second"].items()}
        of_cores, beside = measured["of_cores_times_one_thread"], measured["beside_pandas_loop"]
        rows += [
            [f"{title}, `score`, {measured['num_rows']:,} rows", rates["score"]],
            [f"{title}, one thread, texts in memory", rates["in process, one thread"]],
            [f"{title}, a loop in pandas", rates["pandas loop"]],
            [f"{title}, `score` beside {content['num_cores']} x one thread", f"{of_cores['median']:.2f}"],
            [f"{title}, `score` beside the loop in pandas", f"{beside['median']:.2f} x"],
        ]
        if "ray" in rates:
            rows.append([f"{title}, `score --engine ray`, cluster started here", rates["ray"]])
    memory = content["memory"]
    rows.append([f"most memory of a process over {memory['num_rows']:,} rows", f"{memory['peak_mib']:,.0f} MiB"])
    if content["note"]:
        rows.append([content["note"], ""])
    return _table(["whole commands over Parquet, start included", ""], rows)


def monitoring() -> str:
    """What ``monitor`` says of draws whose truth is known, from ``results/monitor.json``."""
    rows = []
    for name, model in _read("monitor")["models"].items():
        for split in model["splits"]:
            domains, shifts = split["domains"], split["label_shift"]
            rows.append(
                [
                    f"`{name}`, split {split['split_seed']}",
                    f"{100 * split['reference_accuracy']:.1f}, {100 * split['test_accuracy']:.1f}",
                    _percent(split["no_shift"]["share"]),
                    ", ".join(_percent(domain["share"]) for domain in domains.values()),
                    ", ".join(_percent(shift["share"]["within_bound"]) for shift in shifts.values()),
                    ", ".join(_percent(shift["accuracy"]["within_bound"]) for shift in shifts.values()),
                    ", ".join(_percent(shift["accuracy"]["in_interval"]) for shift in shifts.values()),
                ]
            )
    heading = [
        "model",
        "accuracy on validation, test",
        "alarms without shift",
        "alarms on tweets, Amazon reviews, editorials",
        "share within 5 points, at 50 %, 65 %, 80 % positive",
        "expected accuracy within 3 points",
        "accuracy inside its interval",
    ]
    return _table(heading, rows)


def after_the_first_day() -> str:
    """What the commands from an alarm to a better model said, from ``results/after_the_first_day.json``."""
    content = _read("after_the_first_day")
    frozen, movies = content["accuracy_on_frozen"], content["accuracy_on_movies"]

    def alarm(part: Mapping[str, Any]) -> str:
        tests = [test["name"] for test in part["tests"] if test["is_alarm"]]
        said = f"alarm: {', '.join(tests)}" if part["is_alarm"] else "no alarm"
        return f"{said}; expected accuracy {_percent(part['expected_accuracy']['value'])}"

    def candidate(name: str) -> str:
        said = content["promotion"][name]
        measured = f"{_percent(frozen[name]['value'])} on Amazon, {_percent(movies[name]['value'])} on movies"
        return f"{measured}; {'; '.join(said['reasons']) if said['reasons'] else said['verdict']}"

    same, other, shift = content["same_texts"], content["other_texts"], content["shift"]
    rows = [
        [
            "the old model",
            f"{_percent(movies['old']['value'])} on movies, {_percent(frozen['old']['value'])} on Amazon",
        ],
        [f"`monitor`, {same['num_texts']:,} held-out movie sentences", alarm(same)],
        [f"`monitor`, {other['num_texts']:,} Amazon sentences", alarm(other)],
        ["`review`", f"{content['num_labeled']} labels"],
        ["candidate with the default settings", candidate("cased")],
        ["candidate with lower-cased words", candidate("new")],
        [
            "`serve --split old=67,new=33`",
            f"the new model answered {shift['by_new']} of {shift['num_requests']} requests",
        ],
    ]
    return _table(["step", "what came of it"], rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def promotion() -> str:
    """How often simulated candidates of a known quality are promoted, from ``results/promotion.json``."""
    content = _read("promotion")
    rows = content["overall"]
    sizes, drops = (list(dict.fromkeys(row[name] for row in rows)) for name in ("num_texts", "true_drop"))
    promoted = {(row["num_texts"], row["true_drop"]): row["promoted"] for row in rows}
    slices = {row["num_texts"]: row for row in content["slices"]}
    return _table(
        [
            "texts",
            *(f"promoted, true loss {drop:g} points" for drop in drops),
            "slices called worse in vain",
            "a slice that lost 10 points noticed",
        ],
        [
            [
                f"{size:,}",
                *(f"{100 * promoted[size, drop]:.1f} %" for drop in drops),
                *(f"{100 * slices[size][name]:.1f} %" for name in ("in_vain", "noticed")),
            ]
            for size in sizes
        ],
    )


def warm_start() -> str:
    """Accuracy on old and new texts by where a training begins, from ``results/warm_start.json``."""
    names = {
        "old": "the old model, not trained on",
        "anew": "the new rows, begun anew",
        "warm": "the new rows, begun with the old model (`--from`)",
        "together": "old and new rows together, begun anew",
    }
    return _table(
        ["trained on", "Amazon reviews (new)", "movie reviews (old)"],
        [
            [
                names[row["start"]],
                *(
                    f"{100 * row[f'{domain}_mean']:.1f} ± {100 * row[f'{domain}_std']:.1f}"
                    for domain in ("amazon", "movies")
                ),
            ]
            for row in _read("warm_start")["rows"]
        ],
    )


def exit_codes() -> str:
    """Exit codes, from the code itself."""
    return _table(["code", "meaning"], [[str(code), meaning] for code, meaning in MEANINGS.items()])


def label_errors() -> str:
    """Precision and recall of flipped labels, from ``results/label_errors.json``."""
    rows = []
    for name, source in _read("label_errors")["sources"].items():
        cells = [_percent_range(source["mean"][metric]) for metric in ("precision", "recall")]
        best = [_percent_range(source["ceiling"][metric]) for metric in ("precision", "recall")]
        rows.append(
            [f"`{name}`", f"{source['num_texts']:,}", *cells, *best, _percent_range(source["mean"]["accuracy"])]
        )
    return _table(["", "texts", "precision", "recall", "precision at best", "recall at best", "model's accuracy"], rows)


def active_learning() -> str:
    """Accuracy by the number of labels, chosen and random, from ``results/active_learning.json``."""
    content = _read("active_learning")
    means = content["mean_accuracy"]
    rows = [
        [f"{number:,}", f"{100 * at_random:.1f}", f"{100 * chosen:.1f}"]
        for number, at_random, chosen in zip(content["num_labels"], means["random"], means["chosen"], strict=True)
    ]
    needed, last = content["labels_needed"], f"{content['num_labels'][-1]:,}"
    seeds = ", ".join(f"not within {last}" if number is None else str(number) for number in needed["per_seed"])
    return (
        _table(["labels", "random, %", "chosen, %"], rows)
        + f"\nOn the mean curves {needed['of_the_mean_curves']} chosen labels do what {last} random ones do; "
        f"seed by seed: {seeds}.\n"
    )


def abstention() -> str:
    """Error rates that were asked for and that came of it, from ``results/abstention.json``."""
    rows = []
    for row in _read("abstention")["rows"]:
        split, drawn = row["test_split"], row["drawn"]
        if drawn["error_rate"] is None:
            continue
        rows.append(
            [
                f"{row['source']}, `{row['recipe']}`",
                f"{100 * row['max_error_rate']:g} %",
                *(f"{100 * split[name]:.1f} %" if split[name] is not None else "refused" for name in _ANSWERED),
                f"{100 * drawn['refused']:.0f} %",
                *(f"{100 * drawn[name]:.1f} %" for name in _ANSWERED),
                f"{100 * drawn['above']:.1f} %",
            ]
        )
    headings = ("answered", "wrong", "refused", "answered when drawn", "wrong when drawn", "above what was asked for")
    return _table(["", "asked for", *headings], rows)


_ANSWERED = ("coverage", "error_rate")


def out_of_distribution() -> str:
    """How well other texts are told from a model's own, from ``results/abstention.json``: means over families."""
    by_texts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _read("abstention")["unlike"]:
        by_texts.setdefault((row["source"], row["others"]), []).append(row)
    rows = []
    for (source, others), found in by_texts.items():
        areas = [
            f"{statistics.mean(areas):.2f} ({min(areas):.2f} to {max(areas):.2f})"
            for areas in ([row["roc_auc"][kind] for row in found] for kind in ("confidence", "energy", "surprisal"))
        ]
        least = min(found[0]["rejected"], key=float)
        shares = [statistics.mean(row["rejected"][least][whose] for row in found) for whose in ("own", "others")]
        rows.append(
            [source, others, *areas, f"{100 * float(least):g} %", *(f"{100 * share:.1f} %" for share in shares)]
        )
    headings = ("confidence", "energy", "surprisal", "--ood-rate", "own rejected", "others rejected")
    return _table(["model of", "other texts", *headings], rows)


def few_labels() -> str:
    """Accuracy with 8 to 64 texts of each label, mean and deviation over draws, from ``results/few_labels.json``."""
    titles = {
        "frozen-bert": "`frozen-bert`",
        "frozen-bert-contrastive": "with contrastive tuning",
        "setfit": "SetFit",
        "static-bert": "`static-bert`",
    }
    rows = [
        [f"{source}, {count} texts of each label", *(_draws_cell(of_count.get(name)) for name in titles)]
        for source, found in _read("few_labels")["accuracy"].items()
        for count, of_count in found["texts_per_label"].items()
    ]
    differences = [
        f"{source}, {count} texts of each label: {' and '.join(found)}"
        for source, of_source in _read("few_labels")["accuracy"].items()
        for count, of_count in of_source["texts_per_label"].items()
        if (found := _differences(of_count))
    ]
    minus = "Points more than `frozen-bert`, with 95 % bootstrap intervals over draws and test texts: "
    return _table(["", *titles.values()], rows) + f"\n{minus}{'; '.join(differences)}.\n"


def _differences(of_count: Mapping[str, Any]) -> list[str]:
    """Say what tuning and SetFit gain, where they were run."""
    names = {"frozen-bert-contrastive": "contrastive tuning", "setfit": "SetFit"}
    found = {title: of_count[name]["minus_frozen_bert"] for name, title in names.items() if name in of_count}
    return [
        f"{title} {100 * item['value']:+.1f} ({100 * item['low']:+.1f} to {100 * item['high']:+.1f})"
        for title, item in found.items()
        if item is not None
    ]


def _draws_cell(found: Mapping[str, Any] | None) -> str:
    return "not run" if found is None else f"{100 * found['accuracy']:.1f} ± {100 * found['deviation']:.1f}"


def _percent_range(found: Mapping[str, float]) -> str:
    return f"{100 * found['mean']:.1f} ({100 * found['min']:.1f} to {100 * found['max']:.1f})"


TABLES: Mapping[str, Callable[[], str]] = {
    "leaderboard": leaderboard,
    "speed": speed,
    "exit-codes": exit_codes,
    "explain": explain,
    "batch-invariance": batch_invariance,
    "batching": batching,
    "unpadding": unpadding,
    "optimize": optimize,
    "serving-matrix": serving_matrix,
    "cascade": cascade,
    "distillation": distillation,
    "smaller": smaller,
    "labels": labels,
    "labels-of-articles": labels_of_articles,
    "few-labels": few_labels,
    "abstention": abstention,
    "out-of-distribution": out_of_distribution,
    "folds": folds,
    "promotion": promotion,
    "warm-start": warm_start,
    "settings-of-bert": settings_of_bert,
    "battery": battery,
    "battery-summary": battery_summary,
    "after-the-first-day": after_the_first_day,
    "bulk": bulk,
    "monitoring": monitoring,
    "label-errors": label_errors,
    "active-learning": active_learning,
}


def filled(page: str) -> str:
    """Replace every table of a page by what the result files hold.

    Args:
        page: Markdown with table marks.

    Returns:
        The same page with today's numbers.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def _accuracy_cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not run"
    found = row["metrics"]["accuracy"]
    return f"{_with_deviation(found)} ({100 * found['low']:.1f} to {100 * found['high']:.1f})"


def _with_deviation(found: Mapping[str, Any]) -> str:
    deviation = found["deviation"]
    return f"{100 * found['value']:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")


def _read(name: str) -> Any:  # noqa: ANN401  JSON
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Rewrite the pages."""
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        page.write_text(filled(content), encoding="utf-8")
        print(f"{'same' if filled(content) == content else 'rewritten'}: {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
