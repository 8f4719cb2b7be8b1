import pytest
import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from nano import gpt
from nano.gpt import GPT, Classifier

V, T, E, A = 17, 9, 12, 3


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(V, T, E, A, num_layers=2).eval()


def _reference(mine):
    """Give the GPT of ``transformers`` the same weights; it stores those of dense layers transposed."""
    theirs = OpenAIGPTLMHeadModel(OpenAIGPTConfig(vocab_size=V, n_positions=T, n_embd=E, n_layer=2, n_head=A)).eval()
    with torch.no_grad():
        theirs.transformer.tokens_embed.weight.copy_(mine.tokens.weight)
        theirs.transformer.positions_embed.weight.copy_(mine.positions.weight)
        for one, other in zip(mine.blocks, theirs.transformer.h, strict=True):
            for here, there in (
                (one.qkv, other.attn.c_attn),
                (one.mixed, other.attn.c_proj),
                (one.up, other.mlp.c_fc),
                (one.down, other.mlp.c_proj),
            ):
                there.weight.copy_(here.weight.T)
                there.bias.copy_(here.bias)
            other.ln_1.load_state_dict(one.attention_norm.state_dict())
            other.ln_2.load_state_dict(one.dense_norm.state_dict())
    return theirs


def test_it_is_the_gpt_of_transformers(model):
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    theirs, ids = _reference(model), torch.randint(V, (4, T))
    found = theirs(ids, labels=ids, output_hidden_states=True)
    with torch.no_grad():
        hidden = model.hidden(ids)
        torch.testing.assert_close(hidden, found.hidden_states[-1], rtol=0, atol=1e-5)
        torch.testing.assert_close(model.scores(hidden), found.logits, rtol=0, atol=1e-4)
        torch.testing.assert_close(model(ids), found.loss, rtol=0, atol=1e-5)


def test_no_gradient_comes_from_the_future(model):
    x = torch.randn(1, T, E, requires_grad=True)
    for t in range(T):
        (gradient,) = torch.autograd.grad(model.blocks[0](x)[0, t, 0], x)
        assert (gradient[0, t + 1 :] == 0).all()
        assert (gradient[0, : t + 1].abs().amax(dim=1) > 1e-6).all()


def test_dropout_is_off_when_it_predicts_and_on_when_it_learns(model):
    ids = torch.randint(V, (2, T))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_padding_after_a_text_changes_neither_its_scores_nor_the_loss(model):
    classifier = Classifier(model, E, num_labels=3).eval()
    ids, lengths, labels = torch.tensor([[3, 4, 5]]), torch.tensor([3]), torch.tensor([2])
    padded = torch.tensor([[3, 4, 5, 0, 0]])
    torch.testing.assert_close(classifier.read(padded, lengths)[0], classifier.read(ids, lengths)[0])
    torch.testing.assert_close(classifier(padded, lengths, labels), classifier(ids, lengths, labels))


def test_the_auxiliary_loss_is_the_language_models(model):
    ids, lengths, labels = torch.randint(V, (4, T)), torch.full((4,), T), torch.tensor([0, 1, 1, 0])
    classifier = Classifier(model, E, num_labels=2, auxiliary=0.0).eval()
    task = classifier(ids, lengths, labels)
    classifier.auxiliary = 0.5
    torch.testing.assert_close(classifier(ids, lengths, labels) - task, 0.5 * model(ids))


def test_it_learns_a_sentence_by_heart():
    torch.manual_seed(0)
    model = GPT(V, T, 16, 2, num_layers=1, dropout=0.0)
    ids = torch.randint(V, (1, T))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    first = model(ids).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(ids)
        loss.backward()
        optimizer.step()
    assert first == pytest.approx(torch.tensor(float(V)).log().item(), abs=0.2)
    assert loss.item() < 0.05


def test_the_next_token_is_the_label_of_each(model):
    scores = torch.zeros(1, 3, V)
    scores[0, 0, 5], scores[0, 1, 7] = 100.0, 100.0
    assert gpt.next_token_loss(scores, torch.tensor([[2, 5, 7]])) == pytest.approx(0)
    assert gpt.next_token_loss(scores, torch.tensor([[5, 7, 2]])) > 50
