"""What lessons show of containers and clouds was really recorded, and says nothing of the machine that did it."""

from __future__ import annotations

import json
import re

import pytest

from booktools import gensim_vectors, parlai_record, teacher
from booktools.layout import COURSE
from booktools.recordings import __main__ as recordings

RECORDINGS = sorted((COURSE / "recorded").glob("*.json"))
PRIVATE = re.compile(r"/(?:tmp/\w|home/|work/)|127\.0\.0\.1:(?!8000\b)\d|pypi", re.IGNORECASE)


def test_there_is_one_for_each_lesson_that_needs_root():
    others = {gensim_vectors.RECORDED, parlai_record.RECORDED, teacher.INDEX}
    of_containers = [path for path in RECORDINGS if path not in others]
    assert {path.name[:2] for path in of_containers} == {"25", "26", "27"}
    assert [path.stem for path in of_containers] == sorted(recordings.MAKERS)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_says_nothing_of_its_machine(path):
    assert not PRIVATE.findall(path.read_text(encoding="utf-8"))


def test_the_kill_was_noticed_and_healed():
    kill = json.loads((COURSE / "recorded" / "25-container.json").read_text(encoding="utf-8"))["kill"]
    after = [is_right for at, is_right in kill["asked"] if at > 0]
    assert not all(after)
    assert after[-1]
    assert kill["restarts"] == 1
