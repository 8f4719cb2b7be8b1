import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration, T5Tokenizer
from transformers.models.t5.modeling_t5 import T5Attention

from nano import t5
from nano.t5 import END, PAD, Config, TextToText, Trie

SMALL = Config(
    num_tokens=60, dim=24, head_dim=5, num_heads=3, hidden=40, num_layers=3, num_decoder_layers=2, num_buckets=8,
    max_distance=12,
)  # fmt: skip
KINDS = {"1.0": SMALL, "1.1": replace(SMALL, gated=True, tied=False)}
WORDS = [*"▁the ▁a ▁film good ▁good ▁bad ▁ s t : ▁sentiment e d o".split(" ")]


def _reference(config):
    """Make the T5 of ``transformers`` with random weights, norms included."""
    torch.manual_seed(0)
    sizes = {theirs: getattr(config, ours) for ours, theirs in t5.KEYS.items()}
    kind = "gated-gelu" if config.gated else "relu"
    theirs = T5ForConditionalGeneration(
        T5Config(**sizes, feed_forward_proj=kind, tie_word_embeddings=config.tied, decoder_start_token_id=PAD)
    )
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            weight.copy_(torch.rand_like(weight) + 0.5 if "norm" in name else 0.5 * torch.randn_like(weight))
    return theirs.eval()


def _copied(theirs, config):
    mine = t5.T5(config).eval()
    weights = theirs.state_dict()
    mine.load_state_dict({name: weights[t5.published_name(name, config)] for name in mine.state_dict()})
    return mine


def _batch():
    torch.manual_seed(1)
    source, target = torch.randint(2, 60, (4, 19)), torch.randint(2, 60, (4, 17))
    for row, (of_source, of_target) in enumerate([(19, 17), (7, 3), (1, 1), (13, 16)]):
        source[row, of_source:], target[row, of_target:] = PAD, PAD
    return source, target


@pytest.mark.parametrize("version", KINDS)
def test_it_is_the_t5_of_transformers(version):
    config, (source, target) = KINDS[version], _batch()
    theirs = _reference(config)
    mine = _copied(theirs, config)
    labels = target.masked_fill(target == PAD, -100)
    expected = theirs(input_ids=source, attention_mask=(source != PAD).long(), labels=labels)
    with torch.no_grad():
        shifted = torch.nn.functional.pad(target[:, :-1], (1, 0))
        scores = mine.scores(shifted, mine.read(source))
        real = target != PAD
        scale = expected.logits.abs().max()
        torch.testing.assert_close(scores[real] / scale, expected.logits[real] / scale, rtol=0, atol=1e-5)
        torch.testing.assert_close(mine(source, target), expected.loss, rtol=1e-5, atol=1e-5)
