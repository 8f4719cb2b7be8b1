"""Leave out the tokens that no training text has: rows of the tables of vectors, and lines of ``tokenizer.json``.

A word-piece tokenizer keeps every piece of a single character, so that a word whose longer pieces are gone is spelled
out in shorter ones; a text whose pieces all stay is encoded as before, but for the numbers. A word-level tokenizer
takes what is gone for the unknown word. In the graph, tables that token ids look up get the rows that stay; whatever
else is done with ids (hashing pairs of them, counting positions) is given the old ids, from a small table.

An artifact has one tokenizer for all its variants, so all of them are cut together. Called by ``prune``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Ints
from textwright.errors import SettingsError
from textwright.graph.view import Model, Node, View, dump, load, replace_nodes, store

_INPUT: Final = "input_ids"
_INTEGERS: Final = {TensorProto.INT32: np.int32, TensorProto.INT64: np.int64}
_KINDS: Final = ("WordPiece", "WordLevel")
_TEXTS_PER_CALL: Final = 8_192


class _Places(NamedTuple):
    """Which inputs of a lookup are the ids and the table."""

    ids: int
    table: int


_PLACES: Final = {"Gather": _Places(1, 0), "EmbedLayerNormalization": _Places(0, 2)}
"""Operators that look rows up by token ids."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer with fewer tokens.

    Args:
        tokenizer: The content of its ``tokenizer.json``.
        kept_ids: The old id of each new id, (V',), rising.
        num_before: Token ids V before.
    """

    tokenizer: str
    kept_ids: Ints
    num_before: int


def used_vocabulary(tokenizer: str, texts: Sequence[str]) -> Vocabulary:
    """Keep the tokens that texts have, special tokens, and pieces of a single character.

    Args:
        tokenizer: The content of a ``tokenizer.json``.
        texts: The training texts, best with unlabeled ones such as will come.

    Returns:
        A tokenizer that encodes these texts as before but for the numbers, and can encode every other text.

    Raises:
        SettingsError: If the tokenizer is of a kind whose tokens build on one another.
    """
    content, loaded = json.loads(tokenizer), TextTokenizer(tokenizer)
    model = content["model"]
    if model["type"] not in _KINDS:
        raise SettingsError(
            f"the tokenizer is of the kind {model['type']}, whose tokens build on one another, so none can go; "
            f"vocabularies of {' and '.join(_KINDS)} can be cut"
        )
    starts = range(0, len(texts), _TEXTS_PER_CALL)
    ids = [np.unique(loaded.encode(texts[start : start + _TEXTS_PER_CALL]).ids) for start in starts]
    kept_ids = np.unique(np.concatenate([*ids, _always_kept(content, loaded.pad_id)]).astype(np.int64))
    new_ids = {old: new for new, old in enumerate(kept_ids.tolist())}
    return Vocabulary(json.dumps(_renumbered(content, new_ids), ensure_ascii=False), kept_ids, loaded.vocab_size)


def _always_kept(content: dict[str, Any], pad_id: int) -> list[int]:
    model = content["model"]
    prefix = model.get("continuing_subword_prefix", "")
    is_piece = model["type"] == "WordPiece"
    single = [id_ for token, id_ in model["vocab"].items() if is_piece and len(token.removeprefix(prefix)) == 1]
    special = [item["id"] for item in content["added_tokens"]]
    return [pad_id, model["vocab"][model["unk_token"]], *special, *single]


def _renumbered(content: dict[str, Any], new_ids: dict[int, int]) -> dict[str, Any]:
    """Give the tokens that stay their new ids, wherever the file names an id."""
    vocabulary = content["model"]["vocab"]
    names = {old: token for token, old in vocabulary.items()}
    content["model"]["vocab"] = {names[old]: new for old, new in new_ids.items() if old in names}
    for item in content["added_tokens"]:
        item["id"] = new_ids[item["id"]]
    content["padding"]["pad_id"] = new_ids[content["padding"]["pad_id"]]
    processor = content.get("post_processor") or {}
    for name in ("sep", "cls"):
        if name in processor:
            token, old = processor[name]
            processor[name] = [token, new_ids[old]]
    for item in (processor.get("special_tokens") or {}).values():
        item["ids"] = [new_ids[old] for old in item["ids"]]
    return content


def cut_tables(graph: bytes, kept_ids: Ints) -> bytes:
    """Leave rows out of the tables that token ids look up.

    Args:
        graph: A graph of any family, in any precision.
        kept_ids: The old id of each new id, (V',), rising.

    Returns:
        A graph that answers new ids as the given one answers the old.

    Raises:
        SettingsError: If token ids look up no table in it.
    """
    model = load(graph)
    view = View(model)
    lookups, others = _readers(view, _INPUT, kept_ids)
    tables = {node.input[_PLACES[node.op_type].table] for node in lookups}
    if not tables:
        raise SettingsError("in this graph token ids look up no table of vectors, so fewer tokens would save nothing")
    for number, table in enumerate(sorted(tables)):
        values = view.constant(table)
        assert values is not None  # noqa: S101  it was one when the lookup was chosen
        name = store(model, f"kept_rows_{number}", values[kept_ids])
        for node in lookups:
            place = _PLACES[node.op_type].table
            if node.input[place] == table:
                node.input[place] = name
    added = [_give_old_ids(model, use, number) for number, use in enumerate(others)]
    replace_nodes(model, [*model.graph.node, *added])
    return dump(model)


class _Use(NamedTuple):
    """Something other than a lookup that reads ids.

    Args:
        node: The reader.
        place: Which of its inputs they are.
        old_ids: The old id of each new id, (V',), in the number format that it reads.
    """

    node: Node
    place: int
    old_ids: NDArray[Any]


def _readers(view: View, name: str, old_ids: NDArray[Any]) -> tuple[list[Node], list[_Use]]:
    """Sort what reads ids, or integer copies of them, into lookups of rows and other uses."""
    lookups: list[Node] = []
    others: list[_Use] = []
    for node in {id(item): item for item in view.readers(name)}.values():
        copied = _copied(node, name, old_ids)
        if copied is not None:
            more = _readers(view, node.output[0], copied)
            lookups += more[0]
            others += more[1]
        elif _is_lookup(view, node, name):
            lookups.append(node)
        elif node.op_type != "Shape":
            others += [_Use(node, place, old_ids) for place, value in enumerate(node.input) if value == name]
    return lookups, others


def _copied(node: Node, ids: str, old_ids: NDArray[Any]) -> NDArray[Any] | None:
    """Say in which format a node passes ids on, all or some of them; None if it does something else with them."""
    if node.op_type in ("Identity", "Reshape", "Gather") and node.input[0] == ids:
        return old_ids
    formats = [_INTEGERS.get(item.i) for item in node.attribute if node.op_type == "Cast" and item.name == "to"]
    return None if not formats or formats[0] is None else old_ids.astype(formats[0])


def _is_lookup(view: View, node: Node, ids: str) -> bool:
    places = _PLACES.get(node.op_type)
    if places is None or any(item.name == "axis" and item.i for item in node.attribute):
        return False
    return bool(node.input[places.ids] == ids) and view.is_constant(node.input[places.table])


def _give_old_ids(model: Model, use: _Use, number: int) -> Node:
    """Look the old ids up for one reader."""
    name, ids = f"old_ids_{number}", use.node.input[use.place]
    use.node.input[use.place] = name
    return helper.make_node("Gather", [store(model, f"{name}_table", use.old_ids), ids], [name], name)
