from __future__ import annotations

import json
from pathlib import Path
from unicodedata import normalize

import pytest
from tiny_encoders import BERT_SPECIAL, WORDS
from tokenizers import Tokenizer, normalizers

from textwright.core.encodings import pad
from textwright.errors import NotFoundError, SettingsError
from textwright.models.pretrained import Pretrained, open_pretrained

PAD_IDS = {"roberta": 1, "mpnet": 1, "xlm-roberta": 1, "modernbert": 3}
"""Kind -> id of its padding, where that is not 0."""


def test_the_tokenizer_pads_with_the_id_that_the_weights_know(pretrained: Pretrained, kind: str) -> None:
    encoder = pretrained.load_tokenizer(32)
    assert encoder.pad_id == pretrained.config.pad_token_id == PAD_IDS.get(kind, 0)
    assert encoder.vocabulary[encoder.pad_id] in ("[PAD]", "<pad>")


def test_special_tokens_stand_around_a_text_and_survive_truncation(pretrained: Pretrained) -> None:
    encoder = pretrained.load_tokenizer(8)
    empty, short, long = encoder.encode(["", "good film", "good film " * 100])
    first, last = empty.ids
    assert [short.ids[0], short.ids[-1]] == [long.ids[0], long.ids[-1]] == [first, last]
    assert len(long.ids) == 8
    assert [empty.truncated, short.truncated, long.truncated] == [False, len(short.ids) == 8, True]


def test_a_tokenizer_comes_back_from_its_file(pretrained: Pretrained) -> None:
    encoder = pretrained.load_tokenizer(16)
    again = json.loads(encoder.serialize())
    assert again["truncation"]["max_length"] == 16
    assert again["padding"]["pad_id"] == encoder.pad_id


def test_composed_and_decomposed_accents_are_the_same_tokens(pretrained: Pretrained) -> None:
    composed, decomposed = (normalize(form, "un café cliché, 한국어 film") for form in ("NFC", "NFD"))
    encoder = pretrained.load_tokenizer(64)
    assert encoder.encode([composed])[0] == encoder.encode([decomposed])[0]


@pytest.mark.parametrize("normalizer", [None, normalizers.BertNormalizer(lowercase=False), normalizers.Lowercase()])
def test_a_cased_tokenizer_composes_accents_and_keeps_the_rest(normalizer: object, tiny_bert: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_bert / "tokenizer.json"))
    tokenizer.normalizer = normalizer
    tokenizer.save(str(tiny_bert / "tokenizer.json"))
    found = Tokenizer.from_str(open_pretrained(str(tiny_bert)).load_tokenizer(16).serialize()).normalizer
    assert found.normalize_str("Cafe\u0301") == found.normalize_str("Caf\u00e9")
    if normalizer is not None:
        assert found.normalize_str("A Film") == normalizer.normalize_str("A Film")


@pytest.mark.parametrize("max_length", [1, 2])
def test_no_room_between_the_special_tokens_is_refused(max_length: int, tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=rf"max_length is {max_length}, of which .* takes 2 .* must be 3 or more"):
        open_pretrained(str(tiny_bert)).load_tokenizer(max_length)
    assert len(open_pretrained(str(tiny_bert)).load_tokenizer(3).encode(["good film"])[0].ids) == 3


def test_a_vocabulary_alone_makes_a_tokenizer(tiny_bert: Path) -> None:
    (tiny_bert / "tokenizer.json").unlink()
    (tiny_bert / "vocab.txt").write_text("\n".join([*BERT_SPECIAL, *WORDS]) + "\n")
    encoder = open_pretrained(str(tiny_bert)).load_tokenizer(16)
    assert [encoder.vocabulary[i] for i in encoder.encode(["Good film"])[0].ids] == ["[CLS]", "good", "film", "[SEP]"]


def test_an_encoder_without_a_fast_tokenizer_is_refused(tiny_bert: Path) -> None:
    (tiny_bert / "tokenizer.json").unlink()
    with pytest.raises(SettingsError, match=r"has no tokenizer.json and none can be made .*fast tokenizer"):
        open_pretrained(str(tiny_bert)).load_tokenizer(16)


def test_a_tokenizer_of_other_weights_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=r"gives ids up to \d+, its weights end at 9; .* do not belong together"):
        change_config(tiny_bert, vocab_size=10).load_tokenizer(16)


def test_a_tokenizer_that_is_none_is_refused(tiny_bert: Path) -> None:
    (tiny_bert / "tokenizer.json").write_text("{}")
    with pytest.raises(SettingsError, match="cannot be read by the tokenizers library"):
        open_pretrained(str(tiny_bert)).load_tokenizer(16)


def change_config(folder: Path, **values: object) -> Pretrained:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return open_pretrained(str(folder))


def test_weights_that_are_missing_are_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=r"16 weights are missing, the first is encoder\.layer\.2"):
        change_config(tiny_bert, num_hidden_layers=3).load_backbone()


def test_weights_of_another_shape_are_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match="its weights cannot be loaded"):
        change_config(tiny_bert, intermediate_size=48).load_backbone()


def test_damaged_weights_are_refused(tiny_bert: Path) -> None:
    weights = tiny_bert / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(SettingsError, match="its weights cannot be loaded"):
        open_pretrained(str(tiny_bert)).load_backbone()


def test_an_encoder_without_padding_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match="no pad_token_id"):
        change_config(tiny_bert, pad_token_id=None).load_tokenizer(16)


def test_a_kind_that_nobody_knows_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(SettingsError, match=r"config\.json cannot be used"):
        _ = change_config(tiny_bert, model_type="abacus").config


def test_a_folder_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"holds no config\.json"):
        open_pretrained(str(tmp_path)).load_tokenizer(16)


def test_a_name_that_is_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(NotFoundError, match=r"'no-such/encoder' is no folder and no built-in encoder, and the .* hub"):
        open_pretrained("no-such/encoder")


def test_padding_is_that_of_the_weights_in_a_batch(tmp_path: Path, pretrained: Pretrained) -> None:
    encoder = pretrained.load_tokenizer(16)
    input_ids, mask = pad(encoder.encode(["good", "not a good film"]), encoder.pad_id)
    assert (input_ids[mask == 0] == pretrained.config.pad_token_id).all()
    assert (mask == 0).any()
