"""ParlAI itself reads what ``nano.parlai`` writes, and grades as its teacher does; run by ``.ci/parlai``."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from booktools.parlai_record import PYTHON, RECORDED, ask_parlai, fingerprint
from nano import parlai, parlai_tasks
from nano.parlai import Teacher, Turn

pytestmark = pytest.mark.parlai

ODD = [
    "", " ", "a\tb", "a\nb\n", "a|b", "||", "C:\\dir", "\\", "\r", "\r\n", "\x85\u2028\x0b", "ünï¢ode 🙂", "text:",
    "a:b", "the end", "\ttab first", "_|", "episode_done:True", "labels:x", "0", "None",
]  # fmt: skip


def messages_of(episodes, fold):
    teacher = Teacher(episodes, fold)
    return [teacher.act() for _ in range(len(teacher))]


def awkward_episodes(seed):
    """Episodes of texts that a format could trip over."""
    draw = random.Random(seed)
    pieces = [*ODD, "word", "two words"]

    def text():
        while True:
            joined = draw.choice(["", " ", "|"]).join(draw.choices(pieces, k=draw.randint(1, 3)))
            if parlai.holds(joined):
                return joined

    def turn():
        labels = tuple(text() for _ in range(draw.randint(1, 3)))
        return Turn(text(), labels, draw.choice([(), (*labels, text())]))

    return [[turn() for _ in range(draw.randint(1, 4))] for _ in range(60)]


@pytest.mark.parametrize("fold", parlai.FOLDS)
@pytest.mark.parametrize("seed", range(3))
def test_parlai_reads_what_we_write(tmp_path, fold, seed):
    episodes = awkward_episodes(seed)
    path = parlai.fold_path(tmp_path, "odd", fold)
    parlai.save(path, episodes)
    assert parlai.load(path) == episodes
    (told,) = ask_parlai({"folds": [(str(tmp_path / "odd"), fold, None)]})["folds"]
    assert told["episodes"] == len(episodes)
    assert told["messages"] == messages_of(episodes, fold)


@pytest.mark.parametrize("row", parlai.TASKS, ids=lambda row: row["task"])
def test_parlai_reads_our_tasks(tmp_path, row):
    folds = {fold: parlai_tasks.episodes_of(row["task"], fold) for fold in parlai.FOLDS}
    for fold, episodes in folds.items():
        parlai.save(parlai.fold_path(tmp_path, row["task"], fold), episodes)
    told = ask_parlai({"folds": [(str(tmp_path / row["task"]), fold, None) for fold in folds]})["folds"]
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["folds"]
    for (fold, episodes), read in zip(folds.items(), told, strict=True):
        assert read["messages"] == messages_of(episodes, fold)
        assert read["episodes"] == len(episodes)
        assert recorded[f"{row['task']}_{fold}"]["messages"] == fingerprint(read["messages"]), "run: .ci/parlai record"


def test_parlai_grades_as_we_do(tmp_path):
    draw = random.Random(0)
    episodes = awkward_episodes(5)
    turns = [turn for each in episodes for turn in each]
    texts = ["The end!", "an END", "word two words", "", *[label for turn in turns for label in turn.labels]]
    replies = [draw.choice([*turn.labels, draw.choice(texts)]) for turn in turns]
    parlai.save(parlai.fold_path(tmp_path, "odd", "test"), episodes)
    (told,) = ask_parlai({"folds": [(str(tmp_path / "odd"), "test", replies)]})["folds"]
    teacher = Teacher(episodes, "test")
    for reply in replies:
        teacher.act()
        teacher.observe(reply)
    report = teacher.report()
    assert 0.2 < report["accuracy"] < 0.9
    assert {name: round(told["report"][name], 4) for name in report} == report


def test_we_read_what_parlai_writes(tmp_path):
    episodes = awkward_episodes(9)
    written = ask_parlai({"messages": messages_of(episodes, "train")})["messages"]
    path = tmp_path / "theirs_train.txt"
    path.write_text("".join(f"{line}\n" for line in written), encoding="utf-8", newline="\n")
    assert parlai.load(path) == episodes


def test_parlai_finds_our_tasks_by_the_same_names():
    names = ["movie-reviews", "#MovieReviews", "#sentiment", "#QA", "#math", "#chit-chat", "#nothing"]
    theirs = ask_parlai({"tasks": parlai.TASKS, "names": names})["names"]

    def ours(name):
        try:
            return ",".join(row["task"] for row in parlai.tasks_of(name))
        except ValueError:
            return ""

    assert theirs == [ours(name) for name in names]
    assert theirs[3] == "movie-reviews,airline-tweets,bbc-news"


def test_a_flag_that_says_false_ends_the_episode_for_parlai():
    (read,) = ask_parlai({"lines": ["text:a\tlabels:b\tepisode_done:False"]})["lines"]
    assert read["episode_done"] is True


def test_the_command_of_parlai_shows_our_file(tmp_path):
    parlai.save(parlai.fold_path(tmp_path, "small", "valid"), [[Turn("who is there?\nsay", ("me", "it is me"))]])
    command = [PYTHON, "-m", "parlai", "display_data", "--task", "fromfile:parlaiformat", "--fromfile-datapath"]
    flags = [tmp_path / "small", "--fromfile-datatype-extension", "true", "--datatype", "valid"]
    shown = subprocess.run([*command, *flags], capture_output=True, text=True, check=True).stdout
    assert "who is there?\nsay\n   me|it is me" in shown
    assert "1 episodes with a total of 1 examples" in shown
