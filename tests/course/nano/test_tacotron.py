from pathlib import Path

import pytest
import torch

from nano import speech, tacotron
from nano.speech import BANDS, SILENT
from nano.tacotron import END, LEXICON, SYMBOLS, LocationAttention, Tacotron


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Tacotron(dim=8, hidden=12, reduction=2).eval()


@pytest.fixture
def pairs():
    torch.manual_seed(1)
    return [(tacotron.symbols(phrase), torch.randn(length, BANDS)) for phrase, length in (("six", 9), ("two ten", 14))]


def test_a_number_is_said_without_an_and():
    assert tacotron.number_phrase(612) == "six hundred twelve"


def test_every_number_below_a_thousand_can_be_said():
    for number in range(1000):
        tacotron.symbols(tacotron.number_phrase(number))


def test_the_phonemes_are_those_of_cmudict():
    import pocketsphinx

    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    rows = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines())
    known = {}
    for name, phonemes in rows:
        known.setdefault(name.partition("(")[0], []).append(phonemes)
    assert {word: LEXICON[word] for word in LEXICON if LEXICON[word] not in known[word]} == {}


def test_symbols_are_phonemes_with_gaps_and_an_end():
    ids = tacotron.symbols("six  two")
    assert [SYMBOLS[place] for place in ids] == ["S", "IH", "K", "S", "_", "T", "UW", "."]
    assert ids[-1] == END


@pytest.mark.parametrize("phrase", ["six thousand", "Six", "6", "six-two"])
def test_a_word_that_it_never_heard_is_named(phrase):
    with pytest.raises(ValueError, match="has never heard '" + phrase.split()[-1]):
        tacotron.symbols(phrase)


@pytest.mark.parametrize("phrase", ["", "  "])
def test_a_phrase_without_a_word_is_refused(phrase):
    with pytest.raises(ValueError, match="no word to say"):
        tacotron.symbols(phrase)


def test_attention_is_that_of_a_plain_loop():
    torch.manual_seed(0)
    layer = LocationAttention(4, 6, 5, num_filters=3, width=5).double()
    query, source = torch.randn(4).double(), torch.randn(7, 6).double()
    looked = torch.rand(2, 7).double()
    mask = torch.tensor([[True] * 6 + [False]])
    (weights,) = layer(query[None], layer.from_source(source[None]), mask, looked[None])
    scores = []
    for place in range(6):
        filters = torch.zeros(3).double()
        for number in range(3):
            for row in range(2):
                for shift in range(-2, 3):
                    if 0 <= place + shift < 7:
                        weight = layer.convolution.weight[number, row, shift + 2]
                        filters[number] += weight * looked[row, place + shift]
        hidden = layer.from_query.weight @ query + layer.from_query.bias + layer.from_source.weight @ source[place]
        scores.append(layer.score.weight[0] @ torch.tanh(hidden + layer.from_location.weight @ filters))
    torch.testing.assert_close(weights[:6], torch.stack(scores).softmax(dim=0))
    assert weights[6] == 0


def test_the_encoder_sees_no_padding(model, pairs):
    ids, _, _ = tacotron.batch(pairs, 2)
    torch.testing.assert_close(model.encode(ids)[0, :5], model.encode(pairs[0][0][None])[0])


def test_forcing_gives_each_step_the_true_window_before_it(model, pairs, monkeypatch):
    """Against a plain loop of steps; the pre-net's dropout is off, since both would draw differently."""
    monkeypatch.setattr(tacotron.functional, "dropout", lambda states, *_, **__: states)
    ids, mels, _ = tacotron.batch(pairs[1:], 2)
    windows, after, ends, weights = model.force(ids, mels)
    states = model.encode(ids)
    source = states, model.attention.from_source(states), ids != 0
    memory, window = model.begin(states), torch.zeros(1, BANDS)
    for step in range(7):
        told, looked, memory = model.step(model.read_windows(window), memory, source)
        torch.testing.assert_close(windows[0, 2 * step : 2 * step + 2].flatten(), model.dense(told)[0])
        torch.testing.assert_close(ends[:, step], model.stop(told)[:, 0])
        torch.testing.assert_close(weights[:, step], looked)
        window = mels[:, 2 * step + 1]
    torch.testing.assert_close(memory.looked[:, 1], weights.sum(dim=1))
    torch.testing.assert_close(after, model.refine(windows))


def test_no_gradient_comes_from_windows_to_come(model, pairs):
    ids, mels, _ = tacotron.batch(pairs[1:], 2)
    mels.requires_grad_()
    windows, _, _, _ = model.force(ids, mels)
    (gradient,) = torch.autograd.grad(windows[0, 4].sum(), mels)  # of the third step, which reads the fourth window
    assert gradient[0, 3].abs().sum() > 0
    assert gradient[0, 4:].abs().sum() == 0
    assert gradient[0, [0, 2]].abs().sum() == 0  # of R windows the last alone is fed


def test_every_weight_learns(model, pairs):
    model.train()
    model(*tacotron.batch(pairs, 2)).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_the_loss_is_of_real_windows_alone(model, pairs):
    ids, mels, lengths = tacotron.batch(pairs, 2)
    mels = torch.nn.functional.pad(mels, (0, 0, 0, 2))  # a step of padding more, whose last window is never fed
    losses = []
    for padding in (0.0, 99.0):
        mels[:, -1] = padding
        torch.manual_seed(0)
        losses.append(model(ids, mels, lengths))
    torch.testing.assert_close(*losses)
    mels[1, 13] = 99.0  # the last real one
    assert model(ids, mels, lengths) > losses[0] + 0.1


def test_the_guide_is_that_of_a_plain_loop_and_likes_the_diagonal():
    torch.manual_seed(0)
    weights = torch.rand(2, 6, 4)
    steps, sizes = torch.tensor([6, 4]), torch.tensor([4, 3])
    total = 0.0
    for row in range(2):
        for n in range(steps[row]):
            for t in range(4):
                apart = t / sizes[row] - n / steps[row]
                total += weights[row, n, t] * (1 - torch.exp(-(apart**2) / (2 * 0.2**2)))
    torch.testing.assert_close(tacotron.guide_loss(weights, steps, sizes), total / 10)
    diagonal = torch.eye(6)[None]
    six = torch.tensor([6])
    assert tacotron.guide_loss(diagonal, six, six) == 0
    assert tacotron.guide_loss(diagonal.flip(1), six, six) > 0.5


def test_the_guide_can_be_left_out(pairs):
    losses = {}
    for guide in (0.0, 1.0):
        torch.manual_seed(0)
        losses[guide] = Tacotron(dim=8, hidden=12, reduction=2, guide=guide).eval()(*tacotron.batch(pairs, 2))
    assert losses[1.0] > losses[0.0]


def test_a_batch_is_padded_with_silence_to_whole_steps(pairs):
    ids, mels, lengths = tacotron.batch(pairs, 4)
    assert (ids.shape, mels.shape, lengths.tolist()) == ((2, 7), (2, 16, BANDS), [9, 14])
    assert (mels[0, 9:] == SILENT).all()
    assert torch.equal(mels[1, :14], pairs[1][1])


def test_it_stops_where_it_says_so(model):
    ids = tacotron.symbols("six two")
    torch.nn.init.constant_(model.stop.bias, 50.0)
    spoken = model.speak(ids, max_steps=5)
    assert (spoken.mel.shape, spoken.attention.shape, spoken.stopped) == ((2, BANDS), (1, len(ids)), True)


def test_it_stops_where_it_has_to(model):
    ids = tacotron.symbols("six two")
    torch.nn.init.constant_(model.stop.bias, -50.0)
    spoken = model.speak(ids, max_steps=5)
    assert (spoken.mel.shape, spoken.attention.shape, spoken.stopped) == ((10, BANDS), (5, len(ids)), False)
    torch.testing.assert_close(spoken.attention.sum(dim=1), torch.ones(5))


def test_it_says_the_same_with_the_same_seed_and_leaves_other_draws_alone(model):
    ids = tacotron.symbols("six two")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, third = (model.speak(ids, 4, seed=seed).mel for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_voice_comes_back_from_its_file(model, tmp_path):
    tacotron.save(model, tmp_path / "voice.pt")
    again = tacotron.load(tmp_path / "voice.pt")
    ids = tacotron.symbols("six two")
    assert torch.equal(again.speak(ids, 4).mel, model.speak(ids, 4).mel)
    assert not again.training
    assert [path.name for path in tmp_path.iterdir()] == ["voice.pt"]


@pytest.mark.parametrize("content", [b"", b"no voice", {"weights": {}}, {"settings": {"dim": 4}, "weights": {}}, [1]])
def test_a_file_without_a_voice_is_refused(content, tmp_path):
    path = tmp_path / "voice.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match="holds no voice"):
        tacotron.load(path)


@pytest.mark.slow
def test_it_learns_one_phrase_by_heart():
    phrase = "two"
    torch.manual_seed(0)
    pair = tacotron.symbols(phrase), speech.mel(speech.teacher()["zero"])
    model = Tacotron(dim=16, hidden=24, reduction=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = model(*tacotron.batch([pair], 4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
