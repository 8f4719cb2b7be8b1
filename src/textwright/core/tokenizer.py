"""Text to ids: the one function that training, evaluation, HTTP, Lambda and bulk all call.

A tokenizer is a ``tokenizer.json`` of the ``tokenizers`` library: word-level for the word-vector families, word-piece
for BERT. Its truncation and special tokens are inside that file, so nothing here repeats them. One rule of truncation
is ours, and stands in the file beside those of the library, which passes over it: a long text keeps its head and its
tail (``docs/decisions/0046``).

Word-level tokenizers made by :func:`train_word_level` are also compiled, for texts that are plain ASCII
(``core.word_tokenizer``). That is the same rule, many times as fast (``docs/decisions/0005``); the library remains the
reference, and property tests hold the two equal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import compress, product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel

from textwright.core.character_tokenizer import CharacterTokenizer, character_tokenizer, rank_characters
from textwright.core.encodings import Encodings
from textwright.core.text_input import describe_bad_item, list_of_texts, refuse_other_than_texts
from textwright.core.tokenizer_checks import check_tokenizer
from textwright.core.word_rule import (
    CASED_NEGATIONS,
    CASED_PATTERN,
    NEGATION,
    PATTERN,
    SPACED_PATTERN,
    TYPOGRAPHIC_APOSTROPHE,
    find_cased_words,
    find_words,
)
from textwright.core.word_tokenizer import WordTokenizer
from textwright.errors import ArtifactFormatError, BackendError, SettingsError, TextError

if TYPE_CHECKING:
    from tokenizers import Encoding

    from textwright.core.word_spans import Located

PAD: Final = "[PAD]"
UNKNOWN: Final = "[UNK]"
PAD_ID: Final = 0
UNKNOWN_ID: Final = 1
LONG_TEXTS: Final = "long_texts"
"""Key of ``truncation`` that says what a text keeps that is too long; without it, its beginning."""
HEAD_TAIL: Final = "head-tail"
_HEAD_SHARE: Final = 4
"""Of ``max_length`` tokens one in four is the head, special tokens included: 128 of 512."""
_OWN_PATTERNS: Final = frozenset({PATTERN, SPACED_PATTERN, CASED_PATTERN})


class TextTokenizer:
    """A loaded ``tokenizer.json``: the only way from text to ids.

    Args:
        serialized: The content of a ``tokenizer.json``; its truncation is switched on inside the file.

    Raises:
        ArtifactFormatError: If the content is no tokenizer, or one without truncation or padding id.
    """

    def __init__(self, serialized: str) -> None:
        self._serialized = serialized
        try:
            self._tokenizer = Tokenizer.from_str(serialized)
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise ArtifactFormatError(f"tokenizer.json cannot be read by the tokenizers library: {error}") from error
        check_tokenizer(self._tokenizer, serialized, _OWN_PATTERNS)
        truncation, padding = self._tokenizer.truncation, self._tokenizer.padding
        if truncation is None or padding is None:
            raise ArtifactFormatError("tokenizer.json must state its truncation and padding; export it with textwright")
        self.max_length: int = truncation["max_length"]
        self.pad_id: int = padding["pad_id"]
        self._tokenizer.no_padding()  # batches are padded by `pad`, to the longest of the batch
        try:
            self._tail = _Tail.of(self._tokenizer, self.max_length) if _keeps_tail(serialized) else None
            self._words = _compile(serialized, self.max_length) if self._tail is None else None
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ArtifactFormatError(f"tokenizer.json is not of the form of its library: {error!r}") from error

    @property
    def vocab_size(self) -> int:
        """Number of token ids, special tokens included (V)."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    @property
    def vocabulary(self) -> list[str]:
        """The tokens in the order of their ids, (V,)."""
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        return sorted(vocabulary, key=vocabulary.__getitem__)

    @property
    def unknown_id(self) -> int | None:
        """The id of what the vocabulary does not know; None if the tokenizer knows every text."""
        unknown: str | None = getattr(self._tokenizer.model, "unk_token", None)
        return None if unknown is None else self._tokenizer.token_to_id(unknown)

    @property
    def is_cased(self) -> bool:
        """Whether "Apple" and "apple" may be two tokens; True too for encoders that keep case."""
        normalizer = self._tokenizer.normalizer
        return normalizer is None or bool(normalizer.normalize_str("A") == "A")

    def serialize(self) -> str:
        """Return the ``tokenizer.json`` that this tokenizer was made from."""
        return self._serialized

    def encode(self, texts: Iterable[str]) -> Encodings:
        """Turn texts into token ids.

        Args:
            texts: B texts of any length, any script, from any iterable; empty ones are allowed.

        Returns:
            B encodings in order, each of at most ``max_length`` ids. An empty text of a word-level
            tokenizer has no ids at all.

        Raises:
            TextError: If an item is not a string or holds a lone surrogate; names its position. If ``texts`` is one
                string, a table, a mapping or a set; names the cure.
        """
        texts = list_of_texts(texts)
        try:
            if self._words is None:
                return self.encode_with_library(texts)
            is_ascii = [text.isascii() for text in texts]
            return self._words.encode(texts) if all(is_ascii) else self._encode_mixed(self._words, texts, is_ascii)
        except (TypeError, AttributeError, UnicodeEncodeError) as error:
            raise _bad_text(texts) from error

    def encode_with_library(self, texts: Sequence[str]) -> Encodings:
        """Encode with the ``tokenizers`` library alone: the reference, and the way of texts that are not ASCII."""
        try:
            encoded = self._tokenizer.encode_batch_fast(list(texts))
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise BackendError(f"the tokenizers library failed on a text: {error}") from error
        truncated = [bool(item.overflowing) for item in encoded]
        if self._tail is None or not any(truncated):
            return Encodings.of([item.ids for item in encoded], truncated)
        return Encodings.of([self._tail.join(item, "ids") for item in encoded], truncated)

    def locate(self, texts: Iterable[str]) -> list[Located]:
        """Turn texts into token ids, and say which word of the text each token stands in.

        Args:
            texts: B texts, as for :meth:`encode`.

        Returns:
            B texts in order, with the ids that :meth:`encode` gives.

        Raises:
            TextError: If an item is not a string or holds a lone surrogate; names its position.
        """
        from textwright.core.word_spans import Located, locate_words  # explanations alone need it

        texts = list_of_texts(texts)
        try:
            encoded = self._tokenizer.encode_batch(list(texts))
        except (TypeError, AttributeError, UnicodeEncodeError) as error:
            raise _bad_text(texts) from error
        return [
            Located(ids, locate_words(text, offsets, is_special))
            for text, (ids, offsets, is_special) in zip(texts, map(self._columns, encoded), strict=True)
        ]

    def _columns(self, item: Encoding) -> list[list[Any]]:
        """Give a text's ids, the characters of each, and which are special tokens."""
        names = "ids", "offsets", "special_tokens_mask"
        return [getattr(item, name) if self._tail is None else self._tail.join(item, name) for name in names]

    def _encode_mixed(
        self, words: WordTokenizer | CharacterTokenizer, texts: Sequence[str], is_ascii: Sequence[bool]
    ) -> Encodings:
        is_other = [not flag for flag in is_ascii]
        parts = words.encode(list(compress(texts, is_ascii))), self.encode_with_library(list(compress(texts, is_other)))
        return Encodings.join(parts).take(np.argsort(np.argsort(is_other, kind="stable")))


class _Tail(NamedTuple):
    """The head-tail rule: of a text that is too long the middle goes.

    The library cuts such a text into pieces of ``max_length`` tokens, each with its own special tokens, so that head
    and tail are put together from the first and the last two.

    Args:
        before: Special tokens before a text.
        after: Special tokens behind it.
        head: Tokens of the head, special ones not counted.
        tail: Tokens of the tail, likewise.

    Source:
        Sun et al., 2019, "How to Fine-Tune BERT for Text Classification?", section 5.3.1: the first 128 and the last
        382 tokens, in the order of the text.
    """

    before: int
    after: int
    head: int
    tail: int

    @classmethod
    def of(cls, tokenizer: Tokenizer, max_length: int) -> _Tail:
        """Divide the tokens between head and tail."""
        is_special = tokenizer.encode("a").special_tokens_mask
        before = is_special.index(0) if 0 in is_special else 0
        after = sum(is_special[before:])
        head = max(head_length(max_length) - before, 0)
        return cls(before, after, head, max_length - before - after - head)

    def join(self, item: Encoding, name: str) -> list[Any]:
        """Put a column of an encoding together from its head and its tail; a text that fits is left as it is.

        Args:
            item: One text, with the pieces that did not fit.
            name: Of the column: ids, offsets or special_tokens_mask.
        """
        values: list[Any] = getattr(item, name)
        if not item.overflowing:
            return values
        pieces = [getattr(piece, name) for piece in (item, *item.overflowing)[-2:]]
        bodies = [value for piece in pieces for value in piece[self.before : len(piece) - self.after]]
        end = len(values) - self.after
        return [*values[: self.before + self.head], *bodies[len(bodies) - self.tail :], *values[end:]]


def head_length(max_length: int) -> int:
    """Say how many of the tokens that are read of a long text are its head; the others are its tail."""
    return max_length // _HEAD_SHARE


def head_tail(tokenizer: TextTokenizer) -> TextTokenizer:
    """Let a tokenizer keep the head and the tail of a text that is too long, instead of its beginning alone.

    Args:
        tokenizer: One that the ``tokenizers`` library runs, such as an encoder's.
    """
    content = json.loads(tokenizer.serialize())
    content["truncation"][LONG_TEXTS] = HEAD_TAIL
    return TextTokenizer(json.dumps(content, ensure_ascii=False))


def _keeps_tail(serialized: str) -> bool:
    if f'"{LONG_TEXTS}"' not in serialized:  # spares a cold start the reading of 30,000 word pieces
        return False
    rule = json.loads(serialized)["truncation"].get(LONG_TEXTS)
    if rule not in (None, HEAD_TAIL):
        raise ArtifactFormatError(
            f"tokenizer.json cuts long texts by the rule {rule!r}, and this version knows {HEAD_TAIL!r}; "
            "update textwright, or export the model again"
        )
    return rule is not None


def _bad_text(texts: Sequence[object]) -> TextError:
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            return TextError(describe_bad_item(position, text))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return TextError(
                f"text {position} holds a lone surrogate at character {error.start}, which is no Unicode text; "
                "decode the source with errors='replace'"
            )
    return TextError("the texts could not be encoded")


def train_word_level(
    texts: Iterable[str], *, vocab_size: int, min_frequency: int, max_length: int, cased: bool = False
) -> TextTokenizer:
    """Make a word-level tokenizer from training texts: words, contractions and punctuation apart.

    Args:
        texts: The training split alone; a word of another split must stay unknown.
        vocab_size: Largest number of token ids, the two special tokens included, >= 3.
        min_frequency: A word seen fewer times is unknown, >= 1.
        max_length: Longest encoding in tokens, >= 1; the rest of a text is cut off.
        cased: Whether words keep their case; else they are lower-cased.

    Returns:
        A tokenizer; id 0 pads and id 1 is the unknown word, then words from frequent to rare
        (ties in alphabetical order, so that the same texts give the same file).

    Raises:
        SettingsError: If no word is frequent enough to enter the vocabulary.
    """
    split = word_splitter(cased=cased)
    counts: Counter[str] = Counter()
    refuse_other_than_texts(texts)
    for text in texts:
        counts.update(split(text))
    ranked = sorted(((-count, word) for word, count in counts.items() if count >= min_frequency))
    if not ranked:
        raise SettingsError(
            f"no word occurs {min_frequency} times in the training texts, so the vocabulary is empty; "
            "lower min_frequency or add examples"
        )
    words = [word for _, word in ranked if word not in (PAD, UNKNOWN)][: vocab_size - 2]
    return word_level_tokenizer(words, max_length=max_length, cased=cased)


def word_level_tokenizer(words: Sequence[str], *, max_length: int, cased: bool = False) -> TextTokenizer:
    """Make a word-level tokenizer with a given vocabulary.

    Args:
        words: Distinct words, lower-cased unless ``cased``, in the order of their ids from 2 on.
        max_length: Longest encoding in tokens, >= 1.
        cased: Whether words keep their case.

    Returns:
        A tokenizer with V = 2 + len(words).
    """
    vocabulary = {PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}
    vocabulary.update((word, index) for index, word in enumerate(words, start=2))
    return TextTokenizer(_word_level(vocabulary, max_length, cased=cased).to_str())


def train_characters(texts: Iterable[str], *, vocab_size: int, max_length: int) -> TextTokenizer:
    """Make a tokenizer of characters from training texts; see :mod:`textwright.core.character_tokenizer`.

    Args:
        texts: The training split alone; a character of another split must stay unknown.
        vocab_size: Largest number of token ids, >= 4; rarer characters are unknown.
        max_length: Longest encoding in characters, >= 1; the rest of a text is cut off.

    Returns:
        A tokenizer; id 0 pads, id 1 is the unknown character and id 2 the space, then characters from frequent to rare.
    """
    return TextTokenizer(character_tokenizer(rank_characters(texts)[: vocab_size - 3], max_length).to_str())


def _word_level(
    vocabulary: dict[str, int],
    max_length: int,
    *,
    pattern: str = PATTERN,
    composes: bool = True,
    cased: bool = False,
) -> Tokenizer:
    pattern = CASED_PATTERN if cased else pattern
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            *([normalizers.NFC()] if composes else []),
            normalizers.Replace(*TYPOGRAPHIC_APOSTROPHE),
            *([] if cased else [normalizers.Lowercase()]),
            *(normalizers.Replace(*negation) for negation in (CASED_NEGATIONS if cased else (NEGATION,))),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=PAD_ID, pad_token=PAD)
    return tokenizer


def word_splitter(*, cased: bool = False) -> Callable[[str], list[str]]:
    """Make what cuts a text into words by the word rule, whatever tokens a model reads."""
    splitter = _word_level({PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}, max_length=1, cased=cased)
    return partial(_words, splitter=splitter, find=find_cased_words if cased else find_words)


def _words(text: str, splitter: Tokenizer, find: Callable[[str], list[str]] = find_words) -> list[str]:
    if text.isascii():
        return find(text)
    normalized = splitter.normalizer.normalize_str(text)
    return [word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normalized)]


def _compile(serialized: str, max_length: int) -> WordTokenizer | CharacterTokenizer | None:
    """Compile a tokenizer of words or characters that is made here for ASCII texts; None for other forms.

    The forms that words had before are compiled too: they differ in texts that are not ASCII alone.
    """
    if '"WordLevel"' not in serialized:  # spares a cold start the reading of 30,000 word pieces
        return None
    content = json.loads(serialized)
    model = content["model"]
    if model["type"] != "WordLevel" or model["unk_token"] not in model["vocab"]:
        return None
    parts = ("normalizer", "pre_tokenizer", "post_processor", "added_tokens")
    for tokenizer, ours in _known_forms(max_length):
        if all(content[part] == ours[part] for part in parts):
            return tokenizer(model["vocab"], model["vocab"][model["unk_token"]], max_length)
    return None


def _known_forms(max_length: int) -> Iterator[tuple[Callable[..., WordTokenizer | CharacterTokenizer], dict[str, Any]]]:
    """Yield the content of files that hold the rules of words and of characters, today's first."""
    for composes, pattern in product((True, False), (PATTERN, SPACED_PATTERN)):
        tokenizer = _word_level({PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}, max_length, pattern=pattern, composes=composes)
        yield WordTokenizer, json.loads(tokenizer.to_str())
    cased_words = _word_level({PAD: PAD_ID, UNKNOWN: UNKNOWN_ID}, max_length, cased=True)
    yield partial(WordTokenizer, cased=True), json.loads(cased_words.to_str())
    for lowercase in (False, True):
        characters = character_tokenizer((), max_length, lowercase=lowercase)
        yield partial(CharacterTokenizer, lowercase=lowercase), json.loads(characters.to_str())
