"""The format, the registry and the teacher; that ParlAI itself agrees is asked by ``tests/parlai``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nano import parlai, parlai_tasks
from nano.parlai import Teacher, Turn

TEXTS = st.text(st.one_of(st.sampled_from("\t\n\r|\\_tn:PIE"), st.characters(codec="utf-8"))).filter(parlai.holds)
TURNS = st.builds(Turn, TEXTS, st.lists(TEXTS, min_size=1).map(tuple), st.lists(TEXTS).map(tuple))
EPISODES = st.lists(st.lists(TURNS, min_size=1))


@pytest.mark.slow
@given(EPISODES)
def test_what_is_written_is_read(tmp_path_factory, episodes):
    path = tmp_path_factory.mktemp("folds") / "any_train.txt"
    parlai.save(path, episodes)
    assert parlai.load(path) == episodes
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@given(st.text(st.sampled_from("\t\n|\\_tnPIE")))
def test_a_text_is_held_or_refused(text):
    """No text is changed in silence."""
    if parlai.holds(text):
        assert parlai._unescaped(parlai._escaped(text, "here")) == text
    else:
        with pytest.raises(ValueError, match="would read"):
            parlai._escaped(text, "here")


def test_a_line_is_as_parlai_documents_it(tmp_path):
    path = tmp_path / "small_train.txt"
    turns = [Turn("Pat gave Sam milk.\nWho has it?", ("Sam",), ("Pat", "Sam")), Turn("Sure?", ("yes", "I|am"))]
    parlai.save(path, [turns, turns[1:]])
    assert path.read_text(encoding="utf-8").splitlines() == [
        "text:Pat gave Sam milk.\\nWho has it?\tlabels:Sam\tlabel_candidates:Pat|Sam",
        "text:Sure?\tlabels:yes|I__PIPE__am\tepisode_done:True",
        "text:Sure?\tlabels:yes|I__PIPE__am\tepisode_done:True",
    ]


def test_a_text_that_the_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "odd_train.txt"
    path.write_text("before")
    turns = [Turn("fine", ("a",)), Turn("it will be\\tter", ("a",))]
    with pytest.raises(ValueError, match=r"odd_train.txt, line 2: ParlAI would read 'it will be\\\\tter' otherwise"):
        parlai.save(path, [turns])
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_turn_without_a_label_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 1: 'hello' has no label"):
        parlai.save(tmp_path / "odd_train.txt", [[Turn("hello", ())]])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("text:a", "has the fields text; it needs text and labels"),
        ("text:a\tlabels", "has the field 'labels' without a name"),
        ("text:a\tb c\tlabels:d", r"has the field 'b c' without a name; in a text, a tab is written \\t"),
        ("text:a\teval_labels:b", "has the fields text, eval_labels"),
        ("text:a\tlabels:b\tepisode_done:False", "has episode_done:False; leave the field out"),
        ("hello", "has the field 'hello' without a name"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, fault):
    path = tmp_path / "bad_valid.txt"
    path.write_text(f"text:x\tlabels:y\n\n{line}\n")
    with pytest.raises(ValueError, match=f"bad_valid.txt, line 3 {fault}"):
        parlai.load(path)


def test_a_last_episode_without_its_flag_is_read_and_other_fields_are_left_out(tmp_path):
    path = tmp_path / "theirs_train.txt"
    path.write_text("text:a\tlabels:b\treward:1\tepisode_done:True\nid:x\ttext:c\tlabels:d")
    assert parlai.load(path) == [[Turn("a", ("b",))], [Turn("c", ("d",))]]


def test_a_tag_is_no_task_and_ids_are_distinct():
    ids = {parlai._folded(row["id"]) for row in parlai.TASKS}
    assert len(ids) == len(parlai.TASKS) == 5
    assert not ids & {parlai._folded(tag) for row in parlai.TASKS for tag in row["tags"]}


def test_tasks_are_found_by_name_id_and_tag():
    assert [row["task"] for row in parlai.tasks_of("#Sentiment")] == ["movie-reviews", "airline-tweets"]
    assert parlai.tasks_of("#bbcnews") == parlai.tasks_of("bbc-news")
    with pytest.raises(ValueError, match=r"no task 'movies'; there are chitchat, .*#Math"):
        parlai.tasks_of("movies")


def test_a_teacher_tells_the_answers_in_training_alone():
    episodes = [[Turn("a", ("b",), ("b", "c")), Turn("d", ("e", "f"))], [Turn("g", ("h",))]]
    teacher = Teacher(episodes, "train")
    assert [teacher.act() for _ in range(len(teacher))] == [
        {"text": "a", "labels": ["b"], "label_candidates": ["b", "c"], "episode_done": False},
        {"text": "d", "labels": ["e", "f"], "episode_done": True},
        {"text": "g", "labels": ["h"], "episode_done": True},
    ]
    assert "labels" not in Teacher(episodes, "test").act()


def test_an_episode_ends_where_it_ends_though_its_turns_are_equal():
    turn = Turn("again", ("yes",))
    teacher = Teacher([[turn, turn, turn]], "train")
    assert [teacher.act()["episode_done"] for _ in range(3)] == [False, False, True]


class Parrot:
    def observe(self, message):
        self.heard = message["text"]

    def act(self):
        return self.heard


def test_a_fold_is_graded():
    episodes = [[Turn("The cat!", ("a CAT", "no"))], [Turn("two words", ("two others",))], [Turn("x", ("y",))]]
    report = parlai.parley(Teacher(episodes, "test"), Parrot())
    assert report == {"exs": 3, "accuracy": 0.3333, "f1": 0.5}


def test_numbers_are_in_one_fold_each():
    folds = [{turn.text for (turn,) in parlai_tasks.episodes_of("numbers", fold)} for fold in parlai.FOLDS]
    assert [len(each) for each in folds] == [10_000, 1_000, 1_000]
    assert len(set().union(*folds)) == 12_000


@pytest.mark.slow
@pytest.mark.parametrize("task", ["movie-reviews", "airline-tweets", "bbc-news"])
def test_a_labeled_text_becomes_a_question_with_its_labels_to_choose_from(task):
    episodes = parlai_tasks.episodes_of(task, "valid")
    names = {turn.labels[0] for (turn,) in episodes}
    assert names == set(episodes[0][0].candidates)
    assert all(turn.text.endswith("?") for (turn,) in episodes)


@pytest.mark.slow
def test_replies_to_choose_from_are_twenty_and_differ():
    episodes = parlai_tasks.episodes_of("chitchat", "valid")
    turns = [turn for each in episodes for turn in each]
    assert all(len(set(turn.candidates)) == 20 and turn.labels[0] in turn.candidates for turn in turns)
    places = [turn.candidates.index(turn.labels[0]) for turn in turns]
    assert 8.5 < sum(places) / len(places) < 10.5
    assert episodes == parlai_tasks.episodes_of("chitchat", "valid")
    assert not any(turn.candidates for turn in parlai_tasks.episodes_of("chitchat", "train")[0])
