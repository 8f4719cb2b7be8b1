import math

import pytest
import torch
from torch import nn

from nano import transformer
from nano.transformer import DecoderBlock, EncoderBlock, MultiHead, Transformer

B, T, S, E, A, H = 3, 7, 5, 12, 3, 20


def _copy_heads(mine, theirs):
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([mine.query.weight, mine.key.weight, mine.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([mine.query.bias, mine.key.bias, mine.value.bias]))
        theirs.out_proj.load_state_dict(mine.out.state_dict())


@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_pytorchs(masked):
    torch.manual_seed(0)
    query, key, value = torch.randn(B, A, T, 4), torch.randn(B, A, T, 4), torch.randn(B, A, T, 9)
    mask = transformer.causal_mask(T) if masked else None
    mixed, weights = transformer.attention(query, key, value, mask)
    theirs = nn.functional.scaled_dot_product_attention(query, key, value, mask)
    torch.testing.assert_close(mixed, theirs, rtol=0, atol=1e-6)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(B, A, T))


def test_multi_head_attention_and_its_weights_are_pytorchs():
    torch.manual_seed(0)
    mine, theirs = MultiHead(E, A), nn.MultiheadAttention(E, A, batch_first=True)
    _copy_heads(mine, theirs)
    x, source = torch.randn(B, T, E), torch.randn(B, S, E)
    there = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 1, 0, 1]], dtype=torch.bool)  # (B, S)
    out, weights = theirs(x, source, source, key_padding_mask=~there, average_attn_weights=False)
    torch.testing.assert_close(mine(x, source, there[:, None, None]), out, rtol=0, atol=1e-6)
    torch.testing.assert_close(mine.weights, weights, rtol=0, atol=1e-6)


@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_encoder_block_is_pytorchs(pre_norm, activation):
    torch.manual_seed(0)
    mine = EncoderBlock(E, A, H, pre_norm=pre_norm, activation=nn.GELU() if activation == "gelu" else None)
    theirs = nn.TransformerEncoderLayer(E, A, H, 0, activation, batch_first=True, norm_first=pre_norm)
    _copy_heads(mine.attention, theirs.self_attn)
    for one, other in (
        (mine.dense[0], theirs.linear1),
        (mine.dense[2], theirs.linear2),
        (mine.attention_norm, theirs.norm1),
        (mine.dense_norm, theirs.norm2),
    ):
        other.load_state_dict(one.state_dict())
    x, mask = torch.randn(B, T, E), transformer.causal_mask(T)
    torch.testing.assert_close(mine(x, mask), theirs(x, src_mask=~mask), rtol=0, atol=1e-5)


def test_the_decoder_block_is_pytorchs():
    torch.manual_seed(0)
    mine, theirs = DecoderBlock(E, A, H), nn.TransformerDecoderLayer(E, A, H, 0, batch_first=True)
    _copy_heads(mine.block.attention, theirs.self_attn)
    _copy_heads(mine.cross, theirs.multihead_attn)
    for one, other in (
        (mine.block.dense[0], theirs.linear1),
        (mine.block.dense[2], theirs.linear2),
        (mine.block.attention_norm, theirs.norm1),
        (mine.cross_norm, theirs.norm2),
        (mine.block.dense_norm, theirs.norm3),
    ):
        other.load_state_dict(one.state_dict())
    x, source, mask = torch.randn(B, T, E), torch.randn(B, S, E), transformer.causal_mask(T)
    there = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], dtype=torch.bool)
    out = theirs(x, source, tgt_mask=~mask, memory_key_padding_mask=~there)
    torch.testing.assert_close(mine(x, source, mask, there[:, None, None]), out, rtol=0, atol=1e-5)


def test_no_gradient_comes_from_the_future():
    torch.manual_seed(0)
    block, x = EncoderBlock(E, A, H), torch.randn(1, T, E, requires_grad=True)
    for t in range(T):
        (gradient,) = torch.autograd.grad(block(x, transformer.causal_mask(T))[0, t, 0], x)
        assert (gradient[0, t + 1 :] == 0).all()
        assert (gradient[0, : t + 1].abs().amax(dim=1) > 1e-4).all()


def test_sinusoids_move_by_a_rotation():
    """The paper's reason for them: a shift of k positions is the same linear map at every position."""
    positions = transformer.sinusoids(40, 8)
    turn = torch.zeros(8, 8)
    for clock in range(4):
        angle = 3 * 10_000 ** (-2 * clock / 8)
        sine, cosine = math.sin(angle), math.cos(angle)
        turn[2 * clock : 2 * clock + 2, 2 * clock : 2 * clock + 2] = torch.tensor([[cosine, -sine], [sine, cosine]])
    torch.testing.assert_close(positions[:37] @ turn, positions[3:], rtol=0, atol=1e-4)
    torch.testing.assert_close(positions[5, :2], torch.tensor([math.sin(5), math.cos(5)]))


def test_padding_changes_nothing():
    torch.manual_seed(0)
    model = Transformer(9, E, A, H, num_layers=2)
    source, target = torch.tensor([[3, 4, 5]]), torch.tensor([[6, 7]])
    padded = torch.tensor([[3, 4, 5, 0, 0]]), torch.tensor([[6, 7, 0]])
    torch.testing.assert_close(model(*padded), model(source, target))
    assert torch.equal(model.write(padded[0], 4), model.write(source, 4))


def test_without_positions_a_source_is_a_bag():
    torch.manual_seed(0)
    source, turned, target = torch.tensor([[3, 4, 5]]), torch.tensor([[5, 4, 3]]), torch.tensor([[6, 7]])
    for positions in (True, False):
        model = Transformer(9, E, A, H, num_layers=1, positions=positions)
        same = torch.allclose(model.encode(source).flip(1), model.encode(turned), atol=1e-6)
        assert same != positions
        assert torch.allclose(model(source, target), model(turned, target), atol=1e-6) != positions


def test_written_tokens_are_the_likeliest_of_the_training_view():
    torch.manual_seed(0)
    model = Transformer(9, E, A, H, num_layers=1)
    source = torch.randint(3, 9, (4, 5))
    written = model.write(source, 6)
    begun = torch.cat([torch.full((4, 1), transformer.START), written[:, :-1]], dim=1)
    assert torch.equal(model.decode(model.encode(source), source, begun).argmax(dim=2), written)


def test_it_learns_to_turn_two_letters_around():
    torch.manual_seed(0)
    model = Transformer(6, 32, 2, 64, num_layers=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        source = torch.randint(2, 6, (32, 2))
        optimizer.zero_grad()
        loss = model(source, source.flip(1))
        loss.backward()
        optimizer.step()
    source = torch.cartesian_prod(torch.arange(2, 6), torch.arange(2, 6))
    assert (model.write(source, 2) == source.flip(1)).all(dim=1).float().mean() > 0.9
