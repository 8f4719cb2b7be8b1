import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

import textwright
from nano import bert
from nano.bert import BERT, MaskedLM, WordPiece

PIECES = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film", "un", "##aff", "##able", "##a", "##b", "the", ".", ",",
    "'", "$", "~", "-", "i", "##s", "is", "cafe", "##e", "中", "文", "ein", "strasse", "ß", "\u03c3", "##ς", "##\u03c3",
    "½", "ab", "##abab", "…", "«", "x", "##x", "b", "c", "##c", "!", "1", "##2", "_", "カ", "##タ", "한", "##국", "i̇",
    "##i", "e",
]  # fmt: skip
AWKWARD = [
    "", " ", "a film.", "unaffable", "unaffableb", "A FILM!!", "the\tfilm\nis\r\na", "café cafe\u0301 CAFÉ", "中文is中",
    "don't $1~-_", "a\u00a0film\u2003a\u2028film\u2029a", "a\u200bfilm\u00ad a\x00b\x0bc\x85d", "\ufffda\ufffd",
    "ΣΑΣ Σ", "İstanbul I", "ß STRASSE", "ababab abab", "…film«a»", "½ ①", "x" * 100, "x" * 101, "カタカナ 한국",
    "a[MASK]film [SEP] [mask] [CLS", "🙂 a🙃film", "e\u0327\u0301", "\U00020000\U0002a700 a", "a\u3000、film。",
    "1\u06602", "\u0300a", "fi\ufb01lm", "\uff04\uff41\uff01",
]  # fmt: skip


def _reference(pieces):
    tokenizer = Tokenizer(models.WordPiece({piece: row for row, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(piece, pieces.index(piece)) for piece in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_texts_are_cut_as_by_tokenizers(text):
    expected = _reference(PIECES).encode(text)
    assert [PIECES[piece] for piece in WordPiece(PIECES).encode(text)] == expected.tokens


def test_a_word_is_cut_into_its_longest_pieces():
    assert WordPiece(PIECES).cut("unaffable") == ["un", "##aff", "##able"]
    assert WordPiece(PIECES).cut("unaffablez") == ["[UNK]"]


@torch.no_grad()
def test_it_is_the_bert_of_transformers():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=31, max_position_embeddings=16, hidden_size=12, num_attention_heads=3, intermediate_size=20,
        num_hidden_layers=2,
    )  # fmt: skip
    theirs = BertModel(config, add_pooling_layer=False).eval()
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    mine = BERT(31, 16, 12, 3, 20, 2).eval()
    mine.load_state_dict(bert.renamed(theirs.state_dict()))
    ids, mask = torch.randint(31, (4, 9)), torch.ones(4, 9, dtype=torch.int64)
    mask[1, 5:], mask[2, 1:] = 0, 0
    states, weights = mine(ids, mask)
    found = theirs(ids, mask, output_hidden_states=True)
    for one, other in zip(states, found.hidden_states, strict=True):
        torch.testing.assert_close(one[mask == 1], other[mask == 1], rtol=0, atol=1e-5)
    for each in weights:
        torch.testing.assert_close(each.sum(dim=3), torch.ones(4, 3, 9))
        assert (each[2, :, :, 1:] == 0).all()


def test_a_fifteenth_is_guessed_and_most_of_it_is_masked():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 1000, (100, 100))
    ids[:, 0], ids[:, 90:] = 2, 0  # [CLS], padding
    read, targets = bert.mask_tokens(ids, first=5, mask_id=4, num_tokens=1000, generator=generator)
    asked = targets != -1
    assert torch.equal(targets[asked], ids[asked])
    assert not asked[:, 0].any()
    assert not asked[:, 90:].any()
    assert torch.equal(read[~asked], ids[~asked])
    assert asked[:, 1:90].float().mean() == pytest.approx(0.15, abs=0.01)
    shares = [(read[asked] == 4).float().mean(), (read[asked] == ids[asked]).float().mean()]
    assert shares == [pytest.approx(0.8, abs=0.04), pytest.approx(0.1, abs=0.03)]
    assert read[asked & (read != 4)].min() >= 5
    _, targets = bert.mask_tokens(ids, first=5, mask_id=4, num_tokens=1000, generator=generator, share=0.5)
    assert (targets[:, 1:90] != -1).float().mean() == pytest.approx(0.5, abs=0.02)


def test_a_masked_language_model_learns_a_sentence_by_heart():
    torch.manual_seed(0)
    model = MaskedLM(BERT(20, 8, 16, 2, 32, 1))
    ids = torch.tensor([[2, 7, 8, 9, 10, 3]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    mask, masked = torch.ones_like(ids), ids.repeat(4, 1)
    for row in range(4):
        masked[row, row + 1] = 4
    targets = ids.repeat(4, 1).masked_fill(masked != 4, -1)
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(masked, mask.repeat(4, 1), targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    asked = targets != -1
    scores = model.scores(masked, mask.repeat(4, 1), asked)
    assert scores.shape == (4, 20)
    assert torch.equal(scores.argmax(dim=1), targets[asked])


@pytest.fixture(scope="module")
def sentences():
    movies = textwright.load_dataset("movie-reviews")
    return [*movies.train.texts, *movies.validation.texts, *movies.test.texts]


@pytest.mark.slow
def test_ten_thousand_sentences_are_cut_as_by_the_tokenizer_of_minilm(sentences):
    folder = textwright.asset_path("minilm-l6")
    theirs = Tokenizer.from_file(str(folder / "tokenizer.json"))
    theirs.no_padding()
    theirs.no_truncation()
    _, pieces = bert.load(folder)
    assert len(sentences) > 10_000
    assert [pieces.encode(text) for text in sentences] == [each.ids for each in theirs.encode_batch(sentences)]


@pytest.mark.slow
@torch.no_grad()
def test_with_the_real_weights_every_layer_is_that_of_transformers(sentences):
    folder = textwright.asset_path("minilm-l6")
    model, pieces = bert.load(folder)
    theirs = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    ids = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(pieces.encode(text)) for text in sentences[:200]], batch_first=True
    )
    mask = (ids != 0).long()
    states, _ = model(ids, mask)
    for one, other in zip(states, theirs(ids, mask, output_hidden_states=True).hidden_states, strict=True):
        torch.testing.assert_close(one[mask == 1], other[mask == 1], rtol=0, atol=1e-5)
