"""Labels that are probably mistakes are named, and those that are not are left in peace."""

from textwright.data.label_variants import one_letter_apart, suspicious_labels


def said(*names: str) -> str:
    return " / ".join(suspicious_labels(dict.fromkeys(names, 7)))


def test_variants_of_one_name() -> None:
    assert "'Billing' (7), 'billing' (7)" in said("Billing", "billing", "other")
    assert "'log in' (7), 'log-in' (7)" in said("log in", "log-in")
    assert r"'cancel' (7), 'c\u0430ncel' (7)" in said("cancel", "c\u0430ncel")  # a Cyrillic a
    assert "look-alike" in said("cafe\u0301", "caf\u00e9")
    assert "look-alike" in said("refund", "refund\u200b")


def test_words_for_no_label() -> None:
    assert "stand for no label: 'None' (7), 'nan' (7)" in said("None", "nan", "spam")


def test_one_letter() -> None:
    assert one_letter_apart(["positive", "positve", "negative"]) == [("positive", "positve")]
    assert one_letter_apart(["refund", "delivery", "refunds"]) == [("refund", "refunds")]
    assert one_letter_apart(["abcdef", "bcdefg"]) == []
    assert one_letter_apart(["world", "sport", "topic-1", "topic-2", "yes", "yet"]) == []


def test_ordinary_labels() -> None:
    assert said("0", "1", "-1", "2", "positive", "negative", "neutral", "C", "C++") == ""
    assert said("pos", "neg", "10", "1") == ""
