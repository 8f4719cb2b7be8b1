"""The script of a text is that of most of its letters."""

from textwright.data.scripts import SCRIPTS, main_scripts


def test_scripts() -> None:
    texts = {
        "plain words": "Latin",
        "ça va très bien": "Latin",
        "12:30 !?": "no letters",
        "\U0001f600 \U0001f600": "no letters",
        "": "no letters",
        "今天天气很好 ok": "Han",
        "カタカナ": "Katakana",
        "これはとてもいい": "Hiragana",
        "ภาษาไทย": "Thai",
        "مرحبا بالعالم": "Arabic",
        "привет, мир": "Cyrillic",
        "한국어": "Hangul",
        "नमस्ते": "Devanagari",
    }

    assert [SCRIPTS[number] for number in main_scripts(list(texts))] == list(texts.values())
    assert main_scripts([]).tolist() == []
