import json

import pytest

from nano import dialogue
from nano.dialogue import Conversation
from textwright.data.catalog import ASSETS


def _messages(*rows):
    """Make rows of messages of the data's form from "sender: text"."""
    return [[dict(zip(("sender", "text"), each.split(": ", 1), strict=True)) for each in row] for row in rows]


@pytest.fixture
def chitchat(tmp_path, monkeypatch):
    """An asset with conversations of our own."""
    monkeypatch.setenv("TEXTWRIGHT_CACHE", str(tmp_path))

    def write(**conversations):
        asset = ASSETS["chitchat"]
        folder = tmp_path / "assets" / f"chitchat-{asset.version}-{asset.sha256[:8]}"
        folder.mkdir(parents=True)
        content = {key: {"messages": messages, "start": "2018"} for key, messages in conversations.items()}
        (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")

    return write


def test_messages_of_one_person_are_one_turn(chitchat):
    rows = _messages(["a: Hello", "a:  how   are you?"], ["b: fine ", "b:  "], ["b: and  you?"], ["a: café"])
    chitchat(talk=rows)
    assert dialogue.conversations() == [Conversation("talk", ("Hello how are you?", "fine and you?", "café"))]


def test_a_message_that_nobody_answers_is_no_conversation(chitchat):
    chitchat(alone=_messages(["a: is there"], ["a: anybody?"]), silent=_messages(["a: hello"], ["b:  "]), empty=[])
    assert dialogue.conversations() == []


def test_a_reply_is_the_next_prompt_and_then_history():
    turns = ("one a", "two b", "three c", "four d", "five e")
    cut = dialogue.pairs([Conversation("talk", turns)], max_history=2)
    assert [(each.history, each.prompt, each.reply) for each in cut] == [
        ((), "one a", "two b"),
        (("one a",), "two b", "three c"),
        (("one a", "two b"), "three c", "four d"),
        (("two b", "three c"), "four d", "five e"),
    ]


def test_no_history_can_be_asked_for():
    cut = dialogue.pairs([Conversation("talk", ("one a", "two b", "three c"))], max_history=0)
    assert [each.history for each in cut] == [(), ()]


@pytest.mark.parametrize(
    ("turn", "is_usable"),
    [
        ("yes", False),
        ("yes indeed", True),
        ("word " * 60, True),
        ("word " * 61, False),
        ("look at http://example.org now", False),
        ("look at WWW.example.org now", False),
        ("write to me@example.org please", False),
        ("call (808) 555-1557 tonight", False),
        ("in 2018, 300 of them, 15 of us", True),
        ("it costs 1,000,000 dollars", True),
        ("D'awww. so cute", True),
    ],
)
def test_what_a_bot_may_say(turn, is_usable):
    assert dialogue.is_usable(turn) is is_usable


def test_an_unusable_turn_is_neither_prompt_nor_reply_but_history():
    turns = ("one a", "two b", "ok", "four d", "five e")
    cut = dialogue.pairs([Conversation("talk", turns)])
    assert [(each.prompt, each.reply) for each in cut] == [("one a", "two b"), ("four d", "five e")]
    assert cut[1].history == ("two b", "ok")


def test_echoes_and_repeated_pairs_are_left_out():
    first = Conversation("first", ("How are you?", "I am fine", "I am Fine"))
    second = Conversation("second", ("how are you?", "i am fine"))
    assert [each.conversation for each in dialogue.pairs([first, second])] == ["first"]


def test_a_conversation_keeps_its_side_when_others_come():
    every = [Conversation(str(number), ("one a", "two b")) for number in range(1000)]
    whole, half = dialogue.divide(every), dialogue.divide(every[::2])
    assert {*half.test} <= {*whole.test}
    assert {*half.validation} <= {*whole.validation}
    assert len(whole.train) + len(whole.validation) + len(whole.test) == 1000
    assert 70 <= len(whole.test) <= 130
    assert 70 <= len(whole.validation) <= 130


@pytest.mark.slow
def test_the_real_conversations_follow_the_rules():
    split = dialogue.split()
    parts = (split.train, split.validation, split.test)
    assert sum(map(len, parts)) == 4017
    keys = [{each.key for each in part} for part in parts]
    assert not keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2]
    cut = dialogue.pairs(split.test)
    assert len(cut) > 9000
    by_key = {each.key: each.turns for each in split.test}
    for each in cut:
        turns = by_key[each.conversation]
        said = (*each.history, each.prompt, each.reply)
        assert any(turns[place : place + len(said)] == said for place in range(len(turns)))


def _talks(*lengths):
    return [
        Conversation(str(key), tuple(f"turn {key} {turn}" for turn in range(length)))
        for key, length in enumerate(lengths)
    ]


def test_to_learn_from_whole_conversations_are_taken():
    every = _talks(*[5] * 20)
    some = dialogue.some(every, 16)
    assert len(some) == 16
    assert [each.conversation for each in some] == [
        key for key in dict.fromkeys(each.conversation for each in some) for _ in "1234"
    ]
    assert dialogue.some(every, 16) == some
    assert dialogue.some(every, 16, seed=1) != some
    assert len(dialogue.some(every, 10_000)) == 80


def test_to_measure_with_no_conversation_has_more_than_a_few_pairs():
    drawn = dialogue.few_of_each(_talks(2, 4, 100), 5)
    number = {key: sum(each.conversation == key for each in drawn) for key in "012"}
    assert number == {"0": 1, "1": 3, "2": 5}
    assert len({*drawn}) == 9
