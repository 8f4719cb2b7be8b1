"""A chat bot that answers with what people said, 2020: three ways to score a reply, from fast to careful.

::

    bi-encoder      prompt -> one vector -- dot product -- one vector <- reply       replies are read once, in advance
    poly-encoder    prompt -> m vectors -- the reply chooses among them -- one vector <- reply              so are they
    cross-encoder   tokens of both, which see each other -> a score        each pair is computed anew: for few replies

The vectors under the first two are MiniLM's, made once and cached; only what stands on them is trained.

Sources: Humeau, Shuster, Lachaux & Weston, 2020, Poly-encoders, https://arxiv.org/abs/1905.01969; Roller et al., 2021,
Recipes for building an open-domain chatbot, https://arxiv.org/abs/2004.13637; negatives from the batch: Henderson et
al., 2017, https://arxiv.org/abs/1705.00652.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from nano.bert import Layer
from nano.dialogue import Pair
from nano.sentences import contrastive_loss, pool_mean
from nano.text import pad
from nano.turns import read_turns

SCALE = 20.0
"""Of cosines, which are too close to each other for a softmax."""


class BiEncoder(nn.Module):
    """Two projections: one makes a vector of what was said, one of a reply; section 4.2 of Poly-encoders.

    Untrained, both give MiniLM's own vectors, and turns before the prompt count for nothing.

    Args:
        dim: E.
        num_turns: P: the prompt, and P - 1 turns before it.
    """

    def __init__(self, dim: int = 384, num_turns: int = 1) -> None:
        super().__init__()
        self.num_turns = num_turns
        self.context, self.reply = nn.Linear(num_turns * dim, dim), nn.Linear(dim, dim)
        with torch.no_grad():
            for layer in (self.context, self.reply):
                nn.init.eye_(layer.weight)
                nn.init.zeros_(layer.bias)

    def contexts(self, turns: Tensor) -> Tensor:
        """Return (B, E), of length 1, for turns (B, P, E)."""
        return functional.normalize(self.context(_unit(turns).flatten(1)), dim=1)  # (B, E)

    def replies(self, vectors: Tensor) -> Tensor:
        """Return (N, E), of length 1, for vectors (N, E)."""
        return functional.normalize(self.reply(_unit(vectors)), dim=1)  # (N, E)

    def scores(self, contexts: Tensor, replies: Tensor) -> Tensor:
        """Compare contexts (B, E) with replies (N, E): (B, N)."""
        return contexts @ replies.T  # (B, N)

    def forward(self, turns: Tensor, vectors: Tensor) -> Tensor:
        """Return the mean loss: which reply of the batch belongs to each context?"""
        return contrastive_loss(self.contexts(turns), self.replies(vectors), SCALE)


class PolyEncoder(nn.Module):
    """m vectors of what was said, among which each reply chooses; section 4.4 of Poly-encoders.

    Args:
        dim: E.
        num_turns: P: the prompt, and P - 1 turns before it.
        num_codes: m.
    """

    def __init__(self, dim: int = 384, num_turns: int = 1, num_codes: int = 16) -> None:
        super().__init__()
        self.num_turns = num_turns
        self.codes = nn.Parameter(torch.randn(num_codes, dim) / dim**0.5)
        self.turns = nn.Parameter(torch.zeros(num_turns, dim))
        self.token, self.reply = nn.Linear(dim, dim), nn.Linear(dim, dim)
        with torch.no_grad():
            for layer in (self.token, self.reply):
                nn.init.eye_(layer.weight)
                nn.init.zeros_(layer.bias)

    def contexts(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Return (B, m, E), rows of length 1, for tokens (B, T, E) of the turns that places (B, T) say."""
        tokens = tokens + self.turns[places.clamp(min=0)]  # (B, T, E)
        weights = (tokens @ self.codes.T).masked_fill(places[:, :, None] < 0, -torch.inf)  # (B, T, m)
        mixed = weights.softmax(dim=1).transpose(1, 2) @ tokens  # (B, m, E): y^i = sum_j w_j h_j
        return functional.normalize(self.token(mixed), dim=2)  # (B, m, E): the mean of projections, for less work

    def replies(self, vectors: Tensor) -> Tensor:
        """Return (N, E), of length 1, for vectors (N, E)."""
        return functional.normalize(self.reply(_unit(vectors)), dim=1)  # (N, E)

    def scores(self, contexts: Tensor, replies: Tensor) -> Tensor:
        """Compare contexts (B, m, E) with replies (N, E): (B, N).

        The paper sums the m vectors, weighted by softmax(y^i . reply), and multiplies the sum with the reply. That is
        the weighted sum of products that are at hand already.
        """
        products = contexts @ replies.T  # (B, m, N)
        return (products * (SCALE * products).softmax(dim=1)).sum(dim=1)  # (B, N)

    def forward(self, tokens: Tensor, places: Tensor, vectors: Tensor) -> Tensor:
        """Return the mean loss: which reply of the batch belongs to each context?"""
        scores = self.scores(self.contexts(tokens, places), self.replies(vectors))  # (B, B)
        return functional.cross_entropy(SCALE * scores, torch.arange(len(scores)))


class CrossEncoder(nn.Module):
    """Attention over context and reply as one text, so that each token of one sees those of the other; section 4.3.

    The paper runs all of BERT on each pair. Here the layers below have read both texts apart, in advance, and only the
    layers above see them together: DeFormer, Cao et al., 2020, https://arxiv.org/abs/2005.00697. It corrects the score
    of a faster model, and begins with that score.

    Args:
        layers: Of BERT, copied from an encoder; they go on learning.
        dim: E.
        num_turns: P: the prompt, and P - 1 turns before it; the reply is one more.
    """

    def __init__(self, layers: Sequence[Layer], dim: int = 384, num_turns: int = 1) -> None:
        super().__init__()
        self.layers, self.score = nn.ModuleList(layers), nn.Linear(dim, 1)
        self.turns = nn.Parameter(torch.zeros(num_turns + 1, dim))
        nn.init.zeros_(self.score.weight)

    def scores(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Score pairs, (N,), from tokens (N, T, E) of the turns that places (N, T) say: :func:`concatenate`."""
        x = tokens + self.turns[places.clamp(min=0)]  # (N, T, E)
        for layer in self.layers:
            x, _ = layer(x, places >= 0)  # (N, T, E)
        return self.score(pool_mean(x, places >= 0))[:, 0]  # (N,)

    def forward(self, tokens: Tensor, places: Tensor, first: Tensor) -> Tensor:
        """Return the mean loss of pairs (B * C, T, E), the first of each C right; first (B, C) is what is known."""
        scores = SCALE * first + self.scores(tokens, places).view(first.shape)  # (B, C)
        return functional.cross_entropy(scores, torch.zeros(len(first), dtype=torch.long))


def concatenate(context: tuple[Tensor, Tensor], replies: Sequence[Tensor], num_turns: int) -> tuple[Tensor, Tensor]:
    """Put contexts and replies together, the reply as the turn after the last.

    Args:
        context: Tokens (N, T, E) and the turn that each is of, (N, T), -1 for padding.
        replies: Tokens of each reply, N of (T, E).
        num_turns: P of the contexts.

    Returns:
        Tokens (N, T of both, E), and the turn that each is of, (N, T of both).
    """
    tokens, places = context
    padded = nn.utils.rnn.pad_sequence(list(replies), batch_first=True)  # (N, R, E)
    own = pad([[num_turns] * len(each) for each in replies], -1)  # (N, R)
    return torch.cat([tokens, padded], dim=1), torch.cat([places, own], dim=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reply that somebody once gave.

    Args:
        reply: What to say.
        prompt: To what it was the reply.
        score: Cosine of context and reply, -1 to 1.
    """

    reply: str
    prompt: str
    score: float


class Retriever:
    """Finds replies: all vectors are made in advance, so that a prompt costs one reading and one product.

    Args:
        model: Its projections.
        pairs: Whose replies can be given.
        vectors: MiniLM's of these replies, (N, E).
    """

    def __init__(self, model: BiEncoder, pairs: Sequence[Pair], vectors: Tensor) -> None:
        self.model, self.pairs, self.vectors = model.eval(), list(pairs), vectors
        with torch.no_grad():
            self.replies = model.replies(vectors)  # (N, E)

    @torch.no_grad()
    def find(self, prompt: str, history: Sequence[str] = (), number: int = 5) -> list[Candidate]:
        """Return the best replies, the best first; none twice, and none that was said in this conversation.

        Args:
            prompt: The last turn.
            history: Turns before it, the oldest first.
            number: Of replies, at least 1.
        """
        pair = Pair("", tuple(history), prompt, "")
        turns = read_turns([prompt, *history], keep=False).contexts([pair], self.model.num_turns)  # (1, P, E)
        scores = self.model.scores(self.model.contexts(turns), self.replies)[0]  # (N,)
        earlier, best = {each.lower() for each in (prompt, *history)}, []
        for place in scores.argsort(descending=True).tolist():
            pair = self.pairs[place]
            if pair.reply.lower() not in earlier:
                earlier.add(pair.reply.lower())
                best.append(Candidate(pair.reply, pair.prompt, scores[place].item()))
            if len(best) == number:
                break
        return best

    def save(self, folder: Path) -> None:
        """Write pairs, vectors and projections into a folder, so that :meth:`load` needs no training."""
        folder.mkdir(parents=True, exist_ok=True)
        pairs = json.dumps([asdict(each) for each in self.pairs])
        (folder / "pairs.json").write_text(pairs, encoding="utf-8")
        stored = {"num_turns": self.model.num_turns, "weights": self.model.state_dict(), "vectors": self.vectors.half()}
        torch.save(stored, folder / "model.pt")

    @classmethod
    def load(cls, folder: Path) -> Retriever:
        """Read what :meth:`save` wrote."""
        stored = torch.load(folder / "model.pt", weights_only=True)
        rows = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
        pairs = [Pair(each["conversation"], tuple(each["history"]), each["prompt"], each["reply"]) for each in rows]
        vectors = stored["vectors"].float()  # (N, E)
        model = BiEncoder(vectors.shape[1], stored["num_turns"])
        model.load_state_dict(stored["weights"])
        return cls(model, pairs, vectors)


def _unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1; zeros stay zeros."""
    return functional.normalize(vectors, dim=-1)
