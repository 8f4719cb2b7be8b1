"""Find labels that are probably mistakes: one class spelled in two ways, and words that stand for "no label".

Called when training loads a source, and by the check.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_MISSING: Final = frozenset(("nan", "none", "null", "n/a", "na", "<na>", "#n/a", "nil", "undefined"))
"""What programs write into an empty cell, in lower case."""
_LOOK_ALIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u0432\u043d\u043a\u043c\u0442"  # Cyrillic
    "\u03b1\u03bf\u03bd\u03c1\u03c4\u03c5\u03c7\u03b9\u03ba\u03b7",  # Greek
    "aeopcyxijshdbhkmtaovptuxikn",
)
"""Lower-case letters of other scripts -> the Latin letter that they, or their capitals, look like."""
_IGNORED: Final = ("Z", "C", "Pd", "Pc")
"""Categories of characters that spellings differ in: spaces, invisible characters, dashes and underscores."""
_MIN_LETTERS: Final = 5
"""Shorter names that differ by one letter are mostly different words."""
_MAX_SHOWN: Final = 5


def suspicious_labels(counts: Mapping[str, int]) -> Iterator[str]:
    """Say which labels look like mistakes.

    Args:
        counts: Label name -> its examples.

    Yields:
        One sentence for each kind of mistake.
    """
    missing = [name for name in counts if name.lower() in _MISSING]
    if missing:
        yield (
            f"labels that usually stand for no label: {_shown(missing, counts)}; if they do here, empty these cells "
            "and say --drop-unlabeled"
        )
    same = list(_spelled_alike(counts))
    if same:
        groups = "; ".join(_shown(group, counts) for group in same[:_MAX_SHOWN])
        yield (
            f"labels that differ in case, spaces, hyphens or look-alike letters only: {groups}"
            f"{'; ...' if len(same) > _MAX_SHOWN else ''}; they are trained as different labels, spell them alike"
        )
    joined = {name for group in same for name in group}
    near = [pair for pair in one_letter_apart(counts) if not joined.issuperset(pair)]
    if near:
        pairs = "; ".join(_shown(pair, counts) for pair in near[:_MAX_SHOWN])
        yield (
            f"labels that differ by one letter: {pairs}{'; ...' if len(near) > _MAX_SHOWN else ''}; if one is a typing "
            "error, correct it"
        )


def _shown(names: Iterable[str], counts: Mapping[str, int]) -> str:
    return ", ".join(f"{ascii(name) if not name.isascii() else repr(name)} ({counts[name]:,})" for name in names)


def _spelled_alike(names: Iterable[str]) -> Iterator[list[str]]:
    groups = defaultdict(list)
    for name in names:
        groups[_skeleton(name)].append(name)
    return (group for skeleton, group in groups.items() if skeleton and len(group) > 1)


def _skeleton(name: str) -> str:
    """Return what two spellings of one name share: its visible characters, in lower case and in Latin look-alikes.

    Source:
        Unicode Technical Standard 39, "Unicode Security Mechanisms", section 4, for the idea of a skeleton.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_LOOK_ALIKE)
    letters = "".join(character for character in folded if not unicodedata.category(character).startswith(_IGNORED))
    return letters if not letters.isdecimal() else name  # "-1" and "1" are different numbers


def one_letter_apart(names: Iterable[str]) -> list[tuple[str, str]]:
    """Find the pairs of names that become equal when one letter is inserted, left out or replaced.

    Args:
        names: K distinct names; those with fewer than 5 letters, and differences in a digit, are passed over.

    Returns:
        Pairs, sorted, each in the order of the names, in time linear in K.
    """
    long_names = [name for name in names if sum(map(str.isalpha, name)) >= _MIN_LETTERS]
    known, shortened = set(long_names), defaultdict[tuple[int, str], list[str]](list)
    pairs: dict[tuple[str, str], None] = {}
    for name in long_names:
        for at in (at for at, character in enumerate(name) if character.isalpha()):
            short = name[:at] + name[at + 1 :]
            others = shortened[at, short]
            pairs.update(dict.fromkeys((other, name) for other in others if _digits(other) == _digits(name)))
            others.append(name)
            if short in known:
                pairs[short, name] = None
    order = {name: position for position, name in enumerate(long_names)}
    return sorted((min(pair, key=order.__getitem__), max(pair, key=order.__getitem__)) for pair in pairs)


def _digits(name: str) -> str:
    return "".join(character for character in name if character.isdigit())
