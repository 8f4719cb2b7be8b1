from dataclasses import replace

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

from nano import t5
from nano.t5 import END, PAD, Config, Trie

SMALL = Config(
    num_tokens=60, dim=24, head_dim=5, num_heads=3, hidden=40, num_layers=3, num_decoder_layers=2, num_buckets=8,
    max_distance=12,
)  # fmt: skip
KINDS = {"1.0": SMALL, "1.1": replace(SMALL, gated=True, tied=False)}


def _reference(config):
    """Make the T5 of ``transformers`` with random weights, norms included."""
    torch.manual_seed(0)
    sizes = {theirs: getattr(config, ours) for ours, theirs in t5.KEYS.items()}
    kind = "gated-gelu" if config.gated else "relu"
    settings = T5Config(**sizes, feed_forward_proj=kind, tie_word_embeddings=config.tied, decoder_start_token_id=PAD)
    theirs = T5ForConditionalGeneration(settings).eval()
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            weight.copy_(torch.rand_like(weight) + 0.5 if "norm" in name else 0.2 * torch.randn_like(weight))
    return theirs


def _copied(theirs, config):
    mine, weights = t5.T5(config).eval(), theirs.state_dict()
    mine.load_state_dict({name: weights[t5.published_name(name, config)] for name in mine.state_dict()})
    return mine


def _batch():
    torch.manual_seed(1)
    source, target = torch.randint(2, 60, (4, 19)), torch.randint(2, 60, (4, 17))
    for row, (of_source, of_target) in enumerate([(19, 17), (7, 3), (1, 1), (13, 16)]):
        source[row, of_source:], target[row, of_target:] = PAD, PAD
    return source, target


@pytest.fixture(params=KINDS)
def both(request):
    """Give their network and ours, with the same weights."""
    theirs = _reference(KINDS[request.param])
    return theirs, _copied(theirs, KINDS[request.param])


@torch.no_grad()
def test_it_is_the_t5_of_transformers(both):
    (theirs, mine), (source, target) = both, _batch()
    real, labels = target != PAD, target.masked_fill(target == PAD, -100)
    expected = theirs(input_ids=source, attention_mask=(source != PAD).long(), labels=labels)
    shifted = torch.nn.functional.pad(target[:, :-1], (1, 0))
    scores = mine.scores(shifted, mine.read(source))
    assert expected.logits[real].std() > 0.1
    torch.testing.assert_close(scores[real], expected.logits[real], rtol=0, atol=1e-5)
    torch.testing.assert_close(mine(source, target), expected.loss, rtol=0, atol=1e-5)


def test_every_weight_gets_the_gradient_that_transformers_gives_it(both):
    (theirs, mine), (source, target) = both, _batch()
    labels = target.masked_fill(target == PAD, -100)
    theirs(input_ids=source, attention_mask=(source != PAD).long(), labels=labels).loss.backward()
    mine(source, target).backward()
    expected = dict(theirs.named_parameters())
    names = {t5.published_name(name, mine.config): weight for name, weight in mine.named_parameters()}
    if not mine.config.tied:  # theirs ties the two tables that the paper's version 1.1 has
        expected["shared.weight"].grad = names["shared.weight"].grad + names.pop("lm_head.weight").grad
        names.pop("shared.weight")
    for name, weight in names.items():
        torch.testing.assert_close(weight.grad, expected[name].grad, rtol=1e-3, atol=1e-5, msg=name)
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("both_sides", [True, False])
@pytest.mark.parametrize(("num_buckets", "max_distance"), [(32, 128), (8, 12), (4, 500)])
def test_distances_have_the_numbers_of_transformers(both_sides, num_buckets, max_distance):
    distance = torch.arange(-700, 700).unsqueeze(0)
    config = replace(SMALL, num_buckets=num_buckets, max_distance=max_distance)
    expected = T5Attention._relative_position_bucket(distance, both_sides, num_buckets, max_distance)
    assert torch.equal(t5.buckets(distance, config, both_sides=both_sides), expected)


@torch.no_grad()
def test_it_writes_what_transformers_writes(both):
    theirs, mine = both
    source, _ = _batch()
    expected = theirs.generate(
        input_ids=source, attention_mask=(source != PAD).long(), max_new_tokens=12, do_sample=False, num_beams=1
    )
    written = torch.stack(list(t5.write(mine, source, 12)), dim=1)
    assert torch.equal(written, expected[:, 1:])
    assert len(set(written.flatten().tolist())) > 5


@torch.no_grad()
def test_with_its_memory_it_scores_as_without(both):
    _, mine = both
    source, target = _batch()
    whole, memories = mine.scores(target, mine.read(source)), mine.read(source)
    parts = [mine.scores(target[:, start : start + 3], memories) for start in range(0, 17, 3)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing(both):
    _, mine = both
    source = torch.tensor([[5, 6, 7, END]])
    wider = torch.nn.functional.pad(source, (0, 9))
    target = torch.tensor([[0, 9, 10]])
    torch.testing.assert_close(
        mine.scores(target, mine.read(wider)), mine.scores(target, mine.read(source)), rtol=0, atol=1e-5
    )


def test_no_score_depends_on_what_is_still_to_be_written(both):
    _, mine = both
    source, target = _batch()
    vectors = mine.tokens(target).detach().requires_grad_()
    memories = mine.read(source)
    mine.tokens.forward = lambda _: vectors
    (gradient,) = torch.autograd.grad(mine.scores(target, memories)[:, 8].sum(), vectors)
    assert (gradient[:, 9:] == 0).all()
    assert (gradient[:, :9].abs().amax(dim=2) > 0).all()


@torch.no_grad()
def test_a_trie_allows_its_outputs_and_nothing_else(both):
    _, mine = both
    source, _ = _batch()
    outputs = [[7, 8], [7, 9, 10], [7], [50]]
    constraints = [Trie(outputs), Trie([[11, 12, 13]]), Trie(outputs[:2]), Trie([[END]])]
    rows = torch.stack(list(t5.write(mine, source, 9, constraints)), dim=1).tolist()
    texts = [row[: row.index(END)] for row in rows]
    assert texts[0] in outputs
    assert texts[1] == [11, 12, 13]
    assert texts[2] in outputs[:2]
    assert all(set(row[len(text) + 1 :]) <= {PAD} for row, text in zip(rows, texts, strict=True))


@torch.no_grad()
def test_of_the_allowed_outputs_the_likelier_token_wins(both):
    _, mine = both
    source, _ = _batch()
    first = mine.scores(torch.full((4, 1), PAD), mine.read(source))[:, 0]
    rows = [t.item() for t in next(t5.write(mine, source, 1, [Trie([[20], [21], [22]])] * 4))]
    assert rows == (20 + first[:, 20:23].argmax(dim=1)).tolist()


def test_a_trie_ends_where_an_output_ends():
    trie = Trie([[4, 5], [4]])
    assert (trie.allowed([]), trie.allowed([4]), trie.allowed([4, 5])) == ([4], [5, END], [END])


def test_settings_of_a_file_are_read_and_others_refused():
    assert t5.read_config({"model_type": "t5", "d_model": 8, "num_layers": 2}) == Config(
        dim=8, num_layers=2, num_decoder_layers=2
    )
    flan = {"model_type": "t5", "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
    assert (t5.read_config(flan).gated, t5.read_config(flan).tied) == (True, False)
    with pytest.raises(ValueError, match="model_type is bert"):
        t5.read_config({"model_type": "bert"})
    with pytest.raises(ValueError, match="gated-silu: give a folder"):
        t5.read_config({"model_type": "t5", "feed_forward_proj": "gated-silu"})
