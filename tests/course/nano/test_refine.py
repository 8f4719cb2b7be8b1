import pytest
import torch

from nano import bpe, refine, seq2seq
from nano.dialogue import Pair
from nano.refine import Generator, TfidfRetriever
from nano.seq2seq import END, NUM_MARKS, SPLIT, Rules, Seq2Seq

PAIRS = [
    Pair("a", (), "do you like cats", "cats are great"),
    Pair("b", (), "do you like dogs", "dogs are loud"),
    Pair("c", (), "what about cats", "my cat is old"),
]


@pytest.fixture(scope="module")
def generator():
    tokenizer = bpe.train([" do you like cats", " dogs are loud"], 280)
    torch.manual_seed(0)
    return Generator(Seq2Seq(len(tokenizer) + NUM_MARKS, 16, 2, 1, 1).eval(), tokenizer)


@pytest.mark.parametrize("text", ["do you like cats?", "ünïcode 🙂 too", ""])
def test_a_text_survives_its_ids(generator, text):
    assert generator.text(generator.ids(text)) == text
    assert min(generator.ids(text), default=NUM_MARKS) >= NUM_MARKS


def test_a_source_holds_the_end_of_the_prompt_and_the_beginning_of_what_was_found(generator):
    long = " ".join(f"word{number}" for number in range(60))
    (row,) = generator.source_rows([long], [long])
    assert row == [*generator.ids(long)[-refine.MAX_TOKENS :], SPLIT, *generator.ids(long)[: refine.MAX_TOKENS - 1]]
    assert generator.source_rows(["hi"]) == [generator.ids("hi")]
    assert generator.target_rows(["hi"]) == [[*generator.ids("hi"), END]]
    assert generator.target_rows([long]) == [generator.ids(long)[: refine.MAX_TOKENS]]


def test_replies_come_in_the_order_of_the_prompts(generator):
    prompts = [f"{'do you like ' * (number % 7)} cats {number}" for number in range(70)]
    retrieved = [f"dogs {number}" for number in range(70)]

    def choose(model, source):
        return seq2seq.beam(model, source, 2, Rules(max_length=4))

    for found in (None, retrieved):
        together = generator.reply(prompts, choose, found)
        one_by_one = [
            generator.reply([prompt], choose, None if found is None else [found[row]])[0]
            for row, prompt in enumerate(prompts)
        ]
        assert together == one_by_one


def test_surprise_is_the_sum_of_the_replies_losses(generator):
    prompts, replies = [pair.prompt for pair in PAIRS] * 15, [pair.reply for pair in PAIRS] * 15
    every = [
        generator.model.losses(torch.tensor([generator.ids(prompt)]), torch.tensor([[*generator.ids(reply), END]]))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    assert generator.surprise(prompts, replies) == pytest.approx(sum(each.sum().item() for each in every), rel=1e-4)


def test_alpha_is_how_often_the_true_reply_is_shown():
    retrieved, replies = ["found"] * 4000, ["true"] * 4000
    assert refine.blend(retrieved, replies, 0.0) == retrieved
    assert refine.blend(retrieved, replies, 1.0) == replies
    assert abs(refine.blend(retrieved, replies, 0.3).count("true") / 4000 - 0.3) < 0.03
    assert refine.blend(retrieved, replies, 0.3) == refine.blend(retrieved, replies, 0.3)
    with pytest.raises(ValueError, match="zip"):
        refine.blend(["found"], ["true", "true"], 0.5)


@pytest.mark.parametrize(
    ("reply", "true", "f1"),
    [
        ("I like the cats", "i like a cats!", 1.0),
        ("i like cats", "i like dogs", 2 / 3),
        ("yes", "no", 0.0),
        ("", "no", 0.0),
        ("", "", 0.0),
        ("cats cats cats", "cats", 0.5),
    ],
)
def test_token_f1(reply, true, f1):
    assert refine.token_f1(reply, true) == pytest.approx(f1)


def test_token_f1_is_that_of_questions_and_answers():
    """Beside the sum of SQuAD's script, from precision and recall."""
    reply, true = "my old cat likes my dog", "the dog likes my cat too"
    shared = 4  # my, cat, likes, dog
    precision, recall = shared / 6, shared / 5
    assert refine.token_f1(reply, true) == pytest.approx(2 * precision * recall / (precision + recall))


def test_what_is_copied_are_pairs_of_words():
    assert refine.copied("cats are great", "I think cats are great") == 1.0
    assert refine.copied("great are cats", "cats are great") == 0.0
    assert refine.copied("cats are loud", "cats are great") == 0.5
    assert refine.copied("cats", "cats") == 0.0


def test_distinct_counts_kinds():
    assert refine.distinct(["a b c d", "b c d"], n=1) == 0.5  # the article is no word
    assert refine.distinct(["one two three", "one two four"]) == 3 / 4
    assert refine.distinct(["one two three", "one two four"], num_grams=2) == 1.0
    assert refine.distinct([]) == 0.0


@pytest.mark.parametrize(
    ("reply", "generic"),
    [
        ("I don't know", True),
        ("well, i dont really know about that", True),
        ("I don\u2019t know", True),
        ("idk", True),
        ("I'm not sure what you mean", True),
        ("no idea", True),
        ("Me too!", True),
        ("...", True),
        ("I know that film", False),
        ("me too, in May", False),
        ("the donut knows", False),
    ],
)
def test_what_is_generic(reply, generic):
    stock = refine.stock_replies(["me too"] * 10 + ["see you"] * 9)
    assert stock == {"me too"}
    assert refine.is_generic(reply, stock) is generic


def test_retrieval_prefers_rare_words_and_leaves_the_own_conversation_out():
    retriever = TfidfRetriever(PAIRS, prompt_weight=0.0)
    assert retriever.retrieve(["are CATS great?", "loud dogs"]) == ["cats are great", "dogs are loud"]
    assert retriever.retrieve(["cats are great"], ["a"]) != ["cats are great"]
    assert retriever.retrieve(["cats are great"], ["elsewhere"]) == ["cats are great"]
    by_prompt = TfidfRetriever(PAIRS, prompt_weight=1.0)
    assert by_prompt.retrieve(["do you like dogs"]) == ["dogs are loud"]
