import itertools
import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nano import seq2seq
from nano.seq2seq import END, NUM_MARKS, SPLIT, Rules, Seq2Seq
from nano.transformer import PAD, START, causal_mask

E, A, V = 16, 4, 23


def _model(num_tokens=V, seed=0, scale=1.0):
    """An untrained model, whose scores differ more the larger ``scale`` is."""
    torch.manual_seed(seed)
    model = Seq2Seq(num_tokens, E, A, num_encoder=2, num_decoder=2).eval()
    with torch.no_grad():
        model.tokens.weight *= scale
    return model


SOURCE = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, SPLIT, 13, PAD, PAD], [14, PAD, PAD, PAD, PAD, PAD]])


def _copy_heads(mine, theirs):
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key.weight, mine.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([mine.query.bias, mine.key.bias, mine.value.bias]))
        theirs.out_proj.load_state_dict(mine.out.state_dict())


def _copy_block(mine, theirs):
    _copy_heads(mine.attention, theirs.self_attn)
    theirs.linear1.load_state_dict(mine.dense[0].state_dict())
    theirs.linear2.load_state_dict(mine.dense[2].state_dict())
    theirs.norm1.load_state_dict(mine.attention_norm.state_dict())


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # theirs has no short cut for this form
def test_the_model_is_pytorchs_transformer():
    model = _model()
    theirs = nn.Transformer(E, A, 2, 2, 4 * E, 0.0, "gelu", batch_first=True, norm_first=True).eval()
    for mine, other in zip(model.encoder, theirs.encoder.layers, strict=True):
        _copy_block(mine, other)
        other.norm2.load_state_dict(mine.dense_norm.state_dict())
    for mine, other in zip(model.decoder, theirs.decoder.layers, strict=True):
        _copy_block(mine.block, other)
        _copy_heads(mine.cross, other.multihead_attn)
        other.norm2.load_state_dict(mine.cross_norm.state_dict())
        other.norm3.load_state_dict(mine.block.dense_norm.state_dict())
    target = torch.randint(NUM_MARKS, V, (3, 7))
    hidden = theirs(
        model.embed(SOURCE),
        model.embed(target),
        tgt_mask=~causal_mask(7),
        src_key_padding_mask=SOURCE == PAD,
        memory_key_padding_mask=SOURCE == PAD,
    )
    with torch.no_grad():
        mine = model.decode(model.read(SOURCE), target)
    torch.testing.assert_close(mine, hidden @ model.tokens.weight.T, rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [(1, 1, 1, 1), (2, 2), (1, 3), (3, 1)])
def test_the_cache_holds_what_would_be_computed_again(steps):
    model, target = _model(), torch.randint(NUM_MARKS, V, (3, 4))
    with torch.no_grad():
        whole = model.decode(model.read(SOURCE), target)
        state = model.read(SOURCE)
        parts = [model.decode(state, each) for each in target.split(steps, dim=1)]
    assert len(state) == 4
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


RULES = Rules(min_length=3, max_length=9, block=2)


def test_replies_are_the_same_without_a_cache():
    model = _model(scale=2.0)
    for use_cache in (True, False):
        drawn = seq2seq.sample(model, SOURCE, RULES, top_p=0.9, seed=3, use_cache=use_cache)
        searched = seq2seq.beam(model, SOURCE, 4, RULES, length_penalty=0.7, use_cache=use_cache)
        if use_cache:
            first = drawn, searched
    assert (drawn, searched) == first


@pytest.mark.parametrize("rules", [Rules(max_length=8), RULES])
def test_a_beam_of_width_one_is_greedy(rules):
    for seed in range(5):
        model = _model(num_tokens=9, seed=seed, scale=2.0)
        source = torch.randint(NUM_MARKS, 9, (6, 5))
        assert seq2seq.beam(model, source, 1, rules) == seq2seq.sample(model, source, rules, top_k=1)


def _exhaustive(model, source, max_length, penalty):
    """Score every reply over a vocabulary of three words, and return the best."""
    found = {}
    for length in range(max_length + 1):
        for words in itertools.product(range(NUM_MARKS, NUM_MARKS + 3), repeat=length):
            target = [*words, END][:max_length]
            with torch.no_grad():
                nats = model.losses(source, torch.tensor([target])).sum().item()
            found[tuple(words)] = -nats / len(target) ** penalty
    return max(found.values()), [list(each) for each, value in found.items() if value == max(found.values())]


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
def test_a_wide_beam_is_an_exhaustive_search(penalty):
    """With room for all of the 3 ** 4 replies and their shorter ones nothing is pruned."""
    different = 0
    for seed in range(6):
        model = _model(num_tokens=NUM_MARKS + 3, seed=seed, scale=1.5)
        source = torch.randint(NUM_MARKS, NUM_MARKS + 3, (1, 4))
        _, best = _exhaustive(model, source, 4, penalty)
        assert seq2seq.beam(model, source, 150, Rules(max_length=4), length_penalty=penalty) == best
        different += seq2seq.beam(model, source, 1, Rules(max_length=4), length_penalty=penalty) != best
    assert different  # greedy misses some of them


def test_replies_do_not_depend_on_the_batch():
    model = _model(scale=2.0)
    alone = [SOURCE[:1], SOURCE[1:2, :4], SOURCE[2:, :1]]
    rules = Rules(max_length=8, block=2, block_source=True)
    together = seq2seq.beam(model, SOURCE, 3, rules)
    assert together == [reply for each in alone for reply in seq2seq.beam(model, each, 3, rules)]
    greedy = seq2seq.sample(model, SOURCE, rules, top_k=1)
    assert greedy == [reply for each in alone for reply in seq2seq.sample(model, each, rules, top_k=1)]


def test_padding_costs_nothing():
    model = _model()
    source, target = torch.tensor([[4, 5, 6]]), torch.tensor([[7, END]])
    padded = torch.tensor([[4, 5, 6, PAD]]), torch.tensor([[7, END, PAD, PAD]])
    torch.testing.assert_close(model(*padded), model(source, target))
    assert (model.losses(*padded)[0, 2:] == 0).all()


def test_teacher_forcing_scores_what_would_be_written():
    """One pass over a target gives each token the probability that it has after the true ones before it."""
    model, target = _model(), torch.tensor([[7, 8, 9, END]])
    with torch.no_grad():
        nats = model.losses(SOURCE[:1], target)[0]
        for place in range(4):
            begun = torch.cat([torch.tensor([[START]]), target[:, :place]], dim=1)
            log_p = model.decode(model.read(SOURCE[:1]), begun)[0, -1].log_softmax(dim=0)
            torch.testing.assert_close(nats[place], -log_p[target[0, place]])


@pytest.mark.slow
@given(st.integers(0, 6), st.integers(7, 12), st.integers(0, 3), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_replies_follow_the_rules(shortest, longest, block, seed):
    model, rules = _model(num_tokens=12, seed=seed % 3), Rules(shortest, longest, block)
    source = torch.randint(NUM_MARKS, 12, (3, 4))
    for reply in (*seq2seq.sample(model, source, rules, seed=seed), *seq2seq.beam(model, source, 2, rules)):
        assert len(reply) <= longest
        assert not {PAD, START, END, SPLIT} & {*reply}
        grams = Counter(zip(*(reply[start:] for start in range(block)), strict=False)) if block else Counter()
        assert max(grams.values(), default=1) == 1
        assert len(reply) >= shortest or block == 1  # eight words, none of them twice


def test_what_the_prompt_says_is_not_said_again_and_what_was_retrieved_may_be():
    message, retrieved = [5, 6, 7], [8, 9, 10]
    source = torch.tensor([[*message, SPLIT, *retrieved, PAD]])
    assert seq2seq.messages_of(source) == [message]
    scores = torch.zeros(1, V)
    for written, banned in (([5, 6], 7), ([8, 9], None)):
        allowed = Rules(block=3, block_source=True).apply(scores, torch.tensor([[START, *written]]), [message])
        never = {PAD, START, SPLIT}
        assert {*torch.nonzero(allowed[0].isneginf())[:, 0].tolist()} == never | ({banned} if banned else set())


def test_a_reply_ends_if_no_token_is_left():
    scores = torch.zeros(1, NUM_MARKS + 2)
    ids = torch.tensor([[START, 4, 5]])
    allowed = Rules(min_length=9, block=1).apply(scores, ids, [[]])
    assert not allowed[0, END].isneginf()
    assert allowed[0, [*range(END), *range(END + 1, NUM_MARKS + 2)]].isneginf().all()


def test_draws_have_the_models_probabilities():
    model = _model(num_tokens=NUM_MARKS + 3)
    source = torch.tensor([[4, 5]]).repeat(4000, 1)
    drawn = Counter(tuple(reply) for reply in seq2seq.sample(model, source, Rules(max_length=1)))
    with torch.no_grad():
        scores = model.decode(model.read(source[:1]), torch.tensor([[START]]))[0, -1]
    scores[[PAD, START, SPLIT]] = -math.inf
    p = scores.softmax(dim=0)
    for token in range(NUM_MARKS, NUM_MARKS + 3):
        assert abs(drawn[token,] / 4000 - p[token].item()) < 0.03
    assert abs(drawn[()] / 4000 - p[END].item()) < 0.03


def test_the_likeliest_of_many_draws_is_taken():
    model, rules = _model(num_tokens=8, scale=1.5), Rules(max_length=5)
    source = torch.tensor([[4, 5], [6, 7]])
    assert seq2seq.sample_and_rank(model, source, 1, rules, seed=2) == seq2seq.sample(model, source, rules, seed=2)

    def nats(replies):
        targets = [torch.tensor([[*reply, END][:9]]) for reply in replies]
        return [model.losses(source[row : row + 1], each).sum().item() for row, each in enumerate(targets)]

    best = seq2seq.sample_and_rank(model, source, 50, rules, seed=2)
    drawn = seq2seq.sample(model, source.repeat_interleave(50, dim=0), rules, seed=2)
    with torch.no_grad():
        for row in range(2):
            every = [nats([reply, reply])[row] for reply in drawn[50 * row : 50 * row + 50]]
            assert nats(best)[row] == pytest.approx(min(every), abs=1e-4)


@pytest.mark.slow
def test_it_learns_a_batch_by_heart():
    """What a decoder with a softmax over one choice cannot: the loss of one batch goes to zero."""
    torch.manual_seed(0)
    model = Seq2Seq(V, 32, 2, num_encoder=1, num_decoder=1)
    source, target = torch.randint(NUM_MARKS, V, (8, 6)), torch.randint(NUM_MARKS, V, (8, 5))
    target[:, -1] = END
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(120):
        optimizer.zero_grad()
        loss = model(source, target)
        loss.backward()
        optimizer.step()
    assert loss < 0.05
    assert seq2seq.beam(model.eval(), source, 3, Rules(max_length=6)) == target[:, :-1].tolist()
