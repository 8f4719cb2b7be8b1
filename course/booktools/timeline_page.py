"""The page *The timeline*: every machine of Part 1, from the result files of the lessons."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Final

from bookkit.figures import STYLE, drawings
from bookkit.timelines import CAPTION, PROBES, Row, plot, size
from booktools.lessons import Lesson

NAME: Final = "timeline"
_NOT_ASKED: Final = "not asked"
_HEAD: Final = """# The timeline

{.question}
One sentence, four questions and 500 labels for every machine of Part 1: what changed, and what stayed?

Every number on this page comes from the result file of a lesson. What a machine *read* is of its paper or card, which
its name links.
"""
_SENTENCE: Final = """
## One sentence through all of them

*An unsnorfable film: good, not bad.* What each machine makes of it: the tokens that it reads, and how many numbers it
has for each. Nobody has ever written the second word.
"""
_PROBES: Final = """
## What it knows

- **Order**: *good, not bad* and *bad, not good* have different vectors.
- **Sense**: *bank* at a river and *bank* with money are told apart.
- **Unknown words**: two invented words have different vectors.
- **Opposites**: *good* is nearer to *great* than to *bad*, and so on in at least six of eight triples.

A check mark says that two things are told apart, not that the difference is understood. TF-IDF was asked with words
alone; its rung counts pairs of neighbors as well, and pairs do see some order.
"""


def figure(found: Sequence[Row]) -> str:
    """Draw the accuracies as HTML that follows the page's colors."""
    drawn = drawings("timeline", lambda axes: plot(axes, found), size(found))
    caption = f'<figcaption id="caption-timeline">{html.escape(CAPTION)}</figcaption>'
    return f'```{{raw}} html\n{STYLE}<figure class="kit-figure">{drawn}{caption}</figure>\n```'


def page(found: Sequence[Row], lessons: Sequence[Lesson]) -> str:
    """Write the page."""
    stems = {lesson.number: lesson.stem for lesson in lessons}
    main = _table(
        ["year", "machine", "read before", "weights", "accuracy", "lesson"],
        [_cells(row, stems) for row in found],
        right=(3, 4),
    )
    sentence = _table(
        ["machine", "it reads", "tokens x numbers"], [[row.name, row.seen, row.shape] for row in found if row.seen]
    )
    probes = _table(
        ["machine", "order", "sense", "unknown words", "opposites"],
        [[row.name, *(row.probes.get(name, _NOT_ASKED) for name in PROBES)] for row in found if row.probes],
    )
    rungs = f"## What each read, and its rung\n\n{main}"
    return "\n".join([_HEAD, figure(found), "", rungs, _SENTENCE, sentence, _PROBES, probes])


def front_page_figure(found: Sequence[Row]) -> str:
    """Draw the figure for the front page, with the link to the page."""
    return f"{figure(found)}\n\n[The timeline]({NAME}.md): the table behind it, and one sentence through all of them."


def _cells(row: Row, stems: Mapping[str, str]) -> list[str]:
    named = f"[{row.name}]({row.source})"
    return [str(row.year), named, row.read, row.weights, f"**{row.printed}**", _lesson(row, stems)]


def _lesson(row: Row, stems: Mapping[str, str]) -> str:
    number = row.lesson.lstrip("0")
    return f"[{number}]({stems[row.lesson]}.ipynb)" if row.lesson in stems else number


def _table(head: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    rule = ["---:" if place in right else "---" for place in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *cells]) + "\n"
