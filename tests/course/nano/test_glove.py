import numpy as np
import pytest
import torch
from scipy import sparse

from nano import glove
from nano.glove import GloVe

DOCUMENTS = [np.array([0, 1, 2, 3, 4, 0, 2]), np.array([4, 3, 1, 1, 0, 4])]


def test_cooccurrences_are_those_of_plain_loops():
    plain = np.zeros((6, 6))
    for document in DOCUMENTS:
        for i, left in enumerate(document):
            for j, right in enumerate(document):
                if 0 < abs(i - j) <= 3:
                    plain[left, right] += 1 / abs(i - j)
    np.testing.assert_allclose(glove.cooccurrences(DOCUMENTS, 6, window=3).toarray(), plain)


def _fall(counts, dim):
    """Let the mean loss of all cells fall as far as it goes."""
    torch.manual_seed(0)
    model = GloVe(counts.shape[0], dim).double()
    word, context, count = next(glove.batches(counts, batch_size=1000))
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=300, tolerance_change=0, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        mean = model(word, context, count.double()).mean()
        mean.backward()
        return mean

    optimizer.step(loss)
    return model, loss().item()


def test_with_biases_alone_the_loss_falls_to_the_closed_form():
    """Without vectors the loss is a weighted linear regression, whose minimum NumPy knows."""
    counts = glove.cooccurrences(DOCUMENTS, 5, window=3)
    cells = counts.tocoo()
    design = np.concatenate([np.eye(5)[cells.row], np.eye(5)[cells.col]], axis=1)
    roots = np.sqrt(glove.weight(torch.from_numpy(cells.data)).numpy())
    solution, *_ = np.linalg.lstsq(roots[:, None] * design, roots * np.log(cells.data), rcond=None)
    best = np.mean((roots * (design @ solution - np.log(cells.data))) ** 2)
    assert best > 1e-4
    _, loss = _fall(counts, dim=0)
    assert loss == pytest.approx(best, rel=1e-4)


def test_with_as_many_numbers_as_words_every_logarithm_is_met():
    counts = glove.cooccurrences(DOCUMENTS, 5, window=3)
    model, loss = _fall(counts, dim=5)
    assert loss < 1e-8
    with torch.no_grad():
        product = model.words.weight @ model.contexts.weight.T + model.word_bias.weight + model.context_bias.weight.T
    cells = counts.tocoo()
    np.testing.assert_allclose(product.numpy()[cells.row, cells.col], np.log(cells.data), atol=0.01)


def test_the_weight_grows_to_one_and_stays():
    weights = glove.weight(torch.tensor([0.0, 1.0, 50.0, 100.0, 1e6]))
    torch.testing.assert_close(weights, torch.tensor([0, 100**-0.75, 0.5**0.75, 1, 1]))


def test_a_model_weighs_by_its_own_top():
    models = [GloVe(3, 2, top) for top in (100, 10)]
    models[1].load_state_dict(models[0].state_dict())
    word, context = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])
    usual, sooner = (model(word, context, torch.tensor([1.0, 10, 1000])) for model in models)
    torch.testing.assert_close(sooner / usual, torch.tensor([10**0.75, 10**0.75, 1]))


def test_an_epoch_of_batches_holds_each_cell_once():
    counts = glove.cooccurrences(DOCUMENTS, 5, window=3)
    stream = glove.batches(counts, batch_size=4)
    epoch = [next(stream) for _ in range(-(-counts.nnz // 4))]
    row, column, value = (torch.cat(each).numpy() for each in zip(*epoch, strict=True))
    again = sparse.coo_array((value, (row, column)), shape=(5, 5)).toarray()
    np.testing.assert_allclose(again, counts.toarray(), rtol=1e-6)


def test_ppmi_is_zero_where_words_are_independent_and_log_two_where_twice_as_often():
    independent = sparse.csr_array(np.outer([1.0, 2, 3], [1.0, 2, 3]))
    assert np.abs(glove.ppmi(independent, power=1).toarray()).max() < 1e-12
    blocks = sparse.csr_array(np.kron(np.eye(2), np.ones((2, 2))))
    np.testing.assert_allclose(glove.ppmi(blocks, power=1).toarray(), np.log(2) * blocks.toarray())


@pytest.mark.parametrize("dim", [5, 40])
def test_svd_vectors_are_numpys(dim):
    random = np.random.default_rng(0)
    matrix = random.random((40, 40)) @ np.diag(0.8 ** np.arange(40)) @ random.random((40, 40))
    left, singular, _ = np.linalg.svd(matrix)
    vectors = glove.svd_vectors(sparse.csr_array(matrix), dim)
    assert vectors.shape == (40, dim)
    np.testing.assert_allclose(vectors @ vectors.T, (left[:, :dim] * singular[:dim]) @ left[:, :dim].T, atol=1e-6)


def test_retrofitting_settles_where_each_word_is_between_its_start_and_its_friends():
    vectors = np.random.default_rng(0).random((4, 3))
    related = {0: [1], 1: [0, 2], 2: [1]}
    moved = glove.retrofit(vectors, related, num_rounds=200)
    np.testing.assert_array_equal(moved[3], vectors[3])
    for word, others in related.items():
        np.testing.assert_allclose(moved[word], (vectors[word] + moved[others].mean(axis=0)) / 2)
