import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from nano import gpt2
from nano.gpt2 import GPT2

V, T, E, A, LAYERS = 17, 12, 12, 3, 2


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = GPT2(V, T, E, A, LAYERS).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return model


@pytest.fixture
def theirs(model):
    """Return the GPT-2 of ``transformers`` with the same weights; it stores those of dense layers transposed."""
    config = GPT2Config(
        vocab_size=V, n_positions=T, n_embd=E, n_layer=LAYERS, n_head=A, bos_token_id=0, eos_token_id=None
    )
    theirs = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        theirs.transformer.wte.weight.copy_(model.tokens.weight)
        theirs.transformer.wpe.weight.copy_(model.positions.weight)
        theirs.transformer.ln_f.load_state_dict(model.norm.state_dict())
        for one, other in zip(model.blocks, theirs.transformer.h, strict=True):
            heads = one.attention
            other.attn.c_attn.weight.copy_(torch.cat([heads.query.weight, heads.key.weight, heads.value.weight]).T)
            other.attn.c_attn.bias.copy_(torch.cat([heads.query.bias, heads.key.bias, heads.value.bias]))
            for here, there in (
                (heads.out, other.attn.c_proj),
                (one.dense[0], other.mlp.c_fc),
                (one.dense[2], other.mlp.c_proj),
            ):
                there.weight.copy_(here.weight.T)
                there.bias.copy_(here.bias)
            other.ln_1.load_state_dict(one.attention_norm.state_dict())
            other.ln_2.load_state_dict(one.dense_norm.state_dict())
    return theirs


@torch.no_grad()
def test_it_is_the_gpt2_of_transformers(model, theirs):
    ids = torch.randint(V, (4, T))
    found = theirs(ids, labels=ids)
    torch.testing.assert_close(model.scores(model.hidden(ids)), found.logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(model(ids), found.loss, rtol=0, atol=1e-5)


@torch.no_grad()
def test_its_cache_holds_the_keys_and_values_of_transformers(model, theirs):
    ids, mine = torch.randint(V, (2, T)), []
    first = theirs(ids[:, :5], use_cache=True)
    model.hidden(ids[:, :5], mine)
    second = theirs(ids[:, 5:], past_key_values=first.past_key_values, use_cache=True)
    hidden = model.hidden(ids[:, 5:], mine)
    torch.testing.assert_close(model.scores(hidden), second.logits, rtol=0, atol=1e-4)
    for (key, value), layer in zip(mine, second.past_key_values.layers, strict=True):
        torch.testing.assert_close(key, layer.keys, rtol=0, atol=1e-5)
        torch.testing.assert_close(value, layer.values, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("cuts", [[1] * T, [5, 7], [1, 3, 8], [T]])
def test_with_the_cache_it_computes_what_it_computes_without(model, cuts):
    ids, cache = torch.randint(V, (3, T)), []
    parts = [model.hidden(part, cache) for part in ids.split(cuts, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), model.hidden(ids), rtol=0, atol=1e-5)


def test_the_likeliest_continuation_is_that_of_transformers(model, theirs):
    ids = torch.randint(V, (3, 4))
    expected = theirs.generate(
        ids, max_new_tokens=8, do_sample=False, pad_token_id=0, attention_mask=torch.ones_like(ids)
    )
    for use_cache in (True, False):
        assert torch.equal(gpt2.generate(model, ids, 8, top_k=1, use_cache=use_cache), expected)


def test_draws_repeat_by_seed_with_and_without_the_cache(model):
    ids = torch.randint(V, (8, 4))
    drawn = gpt2.generate(model, ids, 8, seed=1)
    assert torch.equal(gpt2.generate(model, ids, 8, seed=1, use_cache=False), drawn)
    assert not torch.equal(gpt2.generate(model, ids, 8, seed=2), drawn)


def test_what_may_be_drawn():
    scores = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
    torch.testing.assert_close(gpt2.sharpen(scores), scores.exp())
    torch.testing.assert_close(gpt2.sharpen(scores, top_k=2), torch.tensor([0, 2 / 3, 0, 1 / 3]))
    torch.testing.assert_close(gpt2.sharpen(scores, top_p=0.8), torch.tensor([0, 0.5, 0.15, 0.25]) / 0.9)
    torch.testing.assert_close(gpt2.sharpen(scores, top_p=0.7), torch.tensor([0, 2 / 3, 0, 1 / 3]))
    torch.testing.assert_close(gpt2.sharpen(scores, top_p=1e-9), torch.tensor([0.0, 1, 0, 0]))
    cold = scores.exp() ** 2
    torch.testing.assert_close(gpt2.sharpen(scores, temperature=0.5), cold / cold.sum())


def test_tokens_are_drawn_as_often_as_their_probability_says(model):
    ids = torch.randint(V, (1, 4)).expand(4000, 4)
    drawn = gpt2.generate(model, ids, 1, temperature=2.0)[:, -1]
    with torch.no_grad():
        p = (model.scores(model.hidden(ids[:1]))[0, -1] / 2).softmax(dim=0)
    torch.testing.assert_close(drawn.bincount(minlength=V) / 4000, p, rtol=0, atol=0.03)


def test_the_likelihood_of_an_answer_is_a_product_of_its_tokens(model):
    prompt, answer = torch.randint(V, (5,)), torch.randint(V, (3,))
    by_hand, seen = 0.0, prompt
    with torch.no_grad():
        for token in answer:
            by_hand += model.scores(model.hidden(seen[None]))[0, -1].log_softmax(dim=0)[token].item()
            seen = torch.cat([seen, token[None]])
    assert gpt2.log_likelihood(model, prompt, answer) == pytest.approx(by_hand, abs=1e-4)


def test_the_start_is_near_a_uniform_guess_and_residual_layers_start_small():
    torch.manual_seed(0)
    model = GPT2(V, T, 64, 4, num_layers=8)
    assert model(torch.randint(V, (4, T))).item() == pytest.approx(torch.tensor(float(V)).log().item(), abs=0.1)
    assert model.blocks[0].dense[2].weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert model.blocks[0].dense[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
