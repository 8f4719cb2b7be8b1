import pytest
import torch

from nano import source_code
from nano.source_code import CHARACTERS, SIGNALS

TEXT = '''def f(a, b=[1]):  # (a comment
    """Half of (a pair."""
    return {
        "(": a,
    }
'''


def _where(name, text=TEXT):
    values = source_code.signals(text)[:, SIGNALS.index(name)]
    assert values.shape == (len(text),)
    return values


def test_depth_counts_the_brackets_that_are_open():
    depth = _where("depth")
    assert depth[TEXT.index("a, b")] == 1
    assert depth[TEXT.index("1")] == 2
    assert depth[TEXT.index("]")] == 1
    assert depth[TEXT.index("return")] == 0
    assert depth[TEXT.index("a,\n")] == 1
    assert depth[-1] == 0


def test_brackets_in_strings_and_comments_open_nothing():
    depth = _where("depth")
    assert depth[TEXT.index("a comment")] == depth[TEXT.index("a pair")] == 0


def test_strings_and_comments_have_ends():
    string, comment = _where("string"), _where("comment")
    assert "".join(c for c, here in zip(TEXT, string, strict=True) if here) == '"""Half of (a pair.""""("'
    assert "".join(c for c, here in zip(TEXT, comment, strict=True) if here) == "# (a comment"


def test_an_f_string_is_a_string():
    text = 'x = f"a {b} c" + "d"\n'
    assert "".join(c for c, here in zip(text, _where("string", text), strict=True) if here) == 'f"a {b} c""d"'


def test_indentation_is_what_the_line_began_with():
    indentation = _where("indentation")
    assert indentation[TEXT.index("return")] == 4
    assert indentation[TEXT.index('"(": a')] == 8
    line = TEXT.index("    return")
    assert indentation[line : line + 6].tolist() == [1, 2, 3, 4, 4, 4]
    assert indentation[TEXT.index("def")] == 0


@pytest.mark.parametrize("text", ["", "x", "x\n", "\n\nx = (\n1)", "\\\n\n"])
def test_any_end_of_a_file_will_do(text):
    assert source_code.signals(text).shape == (len(text), len(SIGNALS))


def test_the_held_out_files_are_not_trained_on():
    train, held_out = source_code.source_files()
    assert len(train) > 4 * len(held_out) > 0
    assert not set(train) & set(held_out)


def test_every_held_out_file_can_be_read():
    _, held_out = source_code.source_files()
    for path in held_out:
        text = source_code.read_source(path)
        assert set(text) <= set(CHARACTERS)
        found = source_code.signals(text)
        assert found.shape == (len(text), len(SIGNALS))
        assert found.min() >= 0


def test_ids_name_characters():
    ids = source_code.encode("a\n~ ")
    assert torch.equal(ids, torch.tensor([66, 0, 95, 1]))
    assert "".join(CHARACTERS[each] for each in ids) == "a\n~ "
