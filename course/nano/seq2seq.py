"""An encoder-decoder that answers, and the ways to choose its words: what Blender of 2020 is, in small.

::

    source   a message            -> [ attend to the message, dense ] x L
    target   the reply so far     -> [ attend to it, attend to the encoder's output, dense ] x L -> next token

    choose   greedy, beam search, top-p, sample and rank; a minimum length; no n-gram twice

Built of ``transformer``, as it was; each layer is normalized before, not after. What a token's keys and values are
does not change when more is written, so a cache holds them.

Sources: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; the decoding and its limits: Roller et al., 2021,
Recipes for Building an Open-Domain Chatbot, https://arxiv.org/abs/2004.13637, section 4; length penalty: Wu et al.,
2016, https://arxiv.org/abs/1609.08144, section 7; n-gram blocking: Paulus, Xiong & Socher, 2017,
https://arxiv.org/abs/1705.04304, section 2.5; sample and rank: Adiwardana et al., 2020,
https://arxiv.org/abs/2001.09977, section 2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from nano.gpt2 import sharpen
from nano.text import pad
from nano.transformer import PAD, START, EncoderBlock, MultiHead, causal_mask, sinusoids

END, SPLIT = 2, 3
"""Ends a reply; stands between a message and what else the source holds."""
NUM_MARKS = 4
"""Ids that every vocabulary of this file begins with: padding, start, end and split."""

Pair = tuple[Tensor, Tensor]
"""Keys and values, (B, A, T, D) each."""


@dataclass(slots=True)
class State:
    """What is computed once for a source, and the cache of what is written.

    Args:
        memory: Keys and values of the source for each layer, (B, A, S, D) each.
        mask: True where the source is no padding, (B, 1, 1, S).
        written: Keys and values of the target so far for each layer, (B, A, T, D) each; None before the first token.
    """

    memory: list[Pair]
    mask: Tensor
    written: list[Pair | None] = field(default_factory=list)

    def __len__(self) -> int:
        """Count the tokens in the cache, T."""
        return self.written[0][0].shape[2] if self.written[0] else 0

    def repeat(self, times: int) -> State:
        """Give each source ``times`` rows, (B * times, ...), before anything is written."""
        memory = [tuple(each.repeat_interleave(times, dim=0) for each in pair) for pair in self.memory]
        return State(memory, self.mask.repeat_interleave(times, dim=0), list(self.written))

    def reorder(self, rows: Tensor) -> None:
        """Go on from other rows (B,) of the same sources."""
        self.written = [tuple(each[rows] for each in pair) for pair in self.written]

    def forget(self) -> None:
        """Empty the cache."""
        self.written = [None] * len(self.written)


class DecoderBlock(nn.Module):
    """Attention to the target so far, to the source, and two dense layers; normalized before each of them.

    Args:
        dim: E.
        num_heads: A.
        hidden: H.
    """

    def __init__(self, dim: int, num_heads: int, hidden: int) -> None:
        super().__init__()
        self.block = EncoderBlock(dim, num_heads, hidden, pre_norm=True, activation=nn.GELU())
        self.cross, self.cross_norm = MultiHead(dim, num_heads), nn.LayerNorm(dim)

    def forward(
        self, x: Tensor, mask: Tensor, written: Pair | None, memory: Pair, there: Tensor
    ) -> tuple[Tensor, Pair]:
        """Return (B, T, E) and the grown cache, for x (B, T, E) behind ``written`` and a source's keys and values."""
        heads, y = self.block.attention, self.block.attention_norm(x)  # (B, T, E)
        key, value = heads.split(heads.key(y)), heads.split(heads.value(y))  # (B, A, T, D) each
        if written is not None:
            key, value = (torch.cat(each, dim=2) for each in zip(written, (key, value), strict=True))
        x = x + heads.attend(y, key, value, mask)  # (B, T, E)
        x = x + self.cross.attend(self.cross_norm(x), *memory, there)  # (B, T, E)
        return x + self.block.dense(self.block.dense_norm(x)), (key, value)  # (B, T, E)


class Seq2Seq(nn.Module):
    """Reads a source and writes a target.

    Args:
        num_tokens: V, for both sides, the four marks included.
        dim: E.
        num_heads: A.
        num_encoder: Layers that read.
        num_decoder: Layers that write.
    """

    def __init__(self, num_tokens: int, dim: int, num_heads: int, num_encoder: int, num_decoder: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(num_tokens, dim)  # one table for source, target and scores
        self.encoder = nn.ModuleList(
            EncoderBlock(dim, num_heads, 4 * dim, pre_norm=True, activation=nn.GELU()) for _ in range(num_encoder)
        )
        self.decoder = nn.ModuleList(DecoderBlock(dim, num_heads, 4 * dim) for _ in range(num_decoder))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        for weight in self.parameters():
            if weight.ndim == 2:
                nn.init.xavier_uniform_(weight)
        nn.init.normal_(self.tokens.weight, std=dim**-0.5)

    def embed(self, ids: Tensor, start: int = 0) -> Tensor:
        """Return (B, T, E) for ids (B, T), the first of which stands at position ``start``."""
        vectors = self.tokens(ids) * math.sqrt(self.tokens.embedding_dim)  # (B, T, E)
        return vectors + sinusoids(start + ids.shape[1], vectors.shape[2])[start:]  # (B, T, E)

    def read(self, source: Tensor) -> State:
        """Read a source (B, S); what the decoder needs of it is computed once."""
        there = (source != PAD)[:, None, None]  # (B, 1, 1, S)
        x = self.embed(source)  # (B, S, E)
        for block in self.encoder:
            x = block(x, there)  # (B, S, E)
        x = self.encoder_norm(x)  # (B, S, E)
        heads = [block.cross for block in self.decoder]
        memory = [(each.split(each.key(x)), each.split(each.value(x))) for each in heads]  # (B, A, S, D) each
        return State(memory, there, [None] * len(heads))

    def decode(self, state: State, target: Tensor) -> Tensor:
        """Return the scores of each next token, (B, T, V), for the tokens (B, T) that the cache does not hold yet."""
        start = len(state)
        mask = causal_mask(start + target.shape[1])[start:]  # (T, start + T)
        x = self.embed(target, start)  # (B, T, E)
        for layer, block in enumerate(self.decoder):
            x, state.written[layer] = block(x, mask, state.written[layer], state.memory[layer], state.mask)
        return self.decoder_norm(x) @ self.tokens.weight.T  # (B, T, V)

    def losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Return -log p of each token of a target (B, T), after the *true* ones: teacher forcing; 0 for padding."""
        shifted = functional.pad(target[:, :-1], (1, 0), value=START)  # (B, T): START and all but the last
        scores = self.decode(self.read(source), shifted)  # (B, T, V)
        return functional.cross_entropy(scores.transpose(1, 2), target, ignore_index=PAD, reduction="none")  # (B, T)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the mean of :meth:`losses` over the tokens of source (B, S) and target (B, T)."""
        return self.losses(source, target).sum() / (target != PAD).sum()  # ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a reply may not be, whatever its probability.

    Args:
        min_length: Tokens before it may end.
        max_length: Tokens, the end included.
        block: n: no n tokens in a row are written twice; 0 allows all.
        block_source: Nor are n that the message holds (the source up to its SPLIT).
    """

    min_length: int = 0
    max_length: int = 32
    block: int = 0
    block_source: bool = False

    def apply(self, scores: Tensor, ids: Tensor, sources: Sequence[Sequence[int]]) -> Tensor:
        """Set what may not come next to minus infinity in scores (N, V), for ids (N, 1 + t) that begin with START."""
        allowed = scores.clone()
        allowed[:, [PAD, START, SPLIT]] = -math.inf
        if ids.shape[1] <= self.min_length:
            allowed[:, END] = -math.inf
        if self.block:
            for row, (written, source) in enumerate(zip(ids[:, 1:].tolist(), sources, strict=True)):
                allowed[
                    row, repeats(written, [written, source] if self.block_source else [written], self.block)
                ] = -math.inf
        nothing = allowed.isneginf().all(dim=1)  # (N,): then it must end
        allowed[nothing, END] = scores[nothing, END]
        return allowed  # (N, V)


def repeats(written: Sequence[int], texts: Sequence[Sequence[int]], n: int) -> list[int]:
    """List the tokens that would end an n-gram which one of the texts holds already."""
    if len(written) < n - 1:
        return []
    last = list(written[len(written) - n + 1 :])
    places = ((text, end) for text in texts for end in range(n - 1, len(text)))
    return [text[end] for text, end in places if list(text[end - n + 1 : end]) == last]


def messages_of(source: Tensor) -> list[list[int]]:
    """List the tokens of each source (B, S) up to its SPLIT or padding."""
    rows = (row.tolist() for row in source)
    return [row[: next((place for place, token in enumerate(row) if token in {PAD, SPLIT}), None)] for row in rows]


def replies_of(ids: Tensor) -> list[list[int]]:
    """List what stands between START and END in each row (B, T)."""
    rows = (row[1:].tolist() for row in ids)
    return [row[: next((place for place, token in enumerate(row) if token in {PAD, END}), None)] for row in rows]


def next_scores(model: Seq2Seq, state: State, ids: Tensor, use_cache: bool = True) -> Tensor:
    """Score the token after ids (N, T), (N, V); without the cache all of them are computed again, to the same end."""
    if not use_cache:
        state.forget()
    return model.decode(state, ids[:, len(state) :])[:, -1]  # (N, V)


@torch.no_grad()
def sample(
    model: Seq2Seq,
    source: Tensor,
    rules: Rules | None = None,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    use_cache: bool = True,
) -> list[list[int]]:
    """Draw a reply to each source (B, S), token by token; ``top_k=1`` is greedy.

    Args:
        model: In evaluation mode.
        source: Padded at its end.
        rules: None allows all.
        temperature: See :func:`nano.gpt2.sharpen`.
        top_k: See there.
        top_p: See there.
        seed: Of the draws.
        use_cache: False computes all tokens again for each new one.
    """
    rules, generator, messages = rules or Rules(), torch.Generator().manual_seed(seed), messages_of(source)
    state, ids = model.read(source), torch.full((len(source), 1), START)  # (B, 1)
    while ids.shape[1] <= rules.max_length and not has_ended(ids).all():
        scores = rules.apply(next_scores(model, state, ids, use_cache), ids, messages)  # (B, V)
        p = sharpen(scores, temperature=temperature, top_k=top_k, top_p=top_p)  # (B, V)
        drawn = torch.multinomial(p, 1, generator=generator)  # (B, 1)
        ids = torch.cat([ids, drawn.masked_fill(has_ended(ids), PAD)], dim=1)  # (B, t + 1)
    return replies_of(ids)


def has_ended(ids: Tensor) -> Tensor:
    """Tell which rows of ids (N, T) are complete, (N, 1)."""
    return (ids[:, -1:] == END) | (ids[:, -1:] == PAD)


@torch.no_grad()
def beam(
    model: Seq2Seq,
    source: Tensor,
    width: int,
    rules: Rules | None = None,
    *,
    length_penalty: float = 0.0,
    use_cache: bool = True,
) -> list[list[int]]:
    """Search for the likeliest reply to each source (B, S): go on with the ``width`` best beginnings at each token.

    A reply that has ended keeps its place among the beginnings until better ones push it out. Width 1 is greedy; with
    as many places as there are replies the search is exhaustive.

    Args:
        model: In evaluation mode.
        source: Padded at its end.
        width: K.
        rules: None allows all.
        length_penalty: Replies are ranked by log p / tokens ** penalty; 0 favors short ones.
        use_cache: False computes all tokens again for each new one.
    """
    rules, num_sources = rules or Rules(), len(source)
    messages = [row for row in messages_of(source) for _ in range(width)]
    state, ids = model.read(source).repeat(width), torch.full((num_sources * width, 1), START)  # (B * K, 1)
    first_only = torch.full((num_sources, width), -math.inf)
    first_only[:, 0] = 0.0
    totals = first_only.flatten()  # (B * K,): log p of each beginning
    while ids.shape[1] <= rules.max_length and not is_settled(ids, totals, width, rules.max_length, length_penalty):
        log_p = next_scores(model, state, ids, use_cache).log_softmax(dim=1)  # (B * K, V)
        log_p = rules.apply(log_p, ids, messages)  # (B * K, V)
        ended = has_ended(ids)  # (B * K, 1)
        log_p = log_p.masked_fill(ended, -math.inf)
        log_p[:, PAD] = log_p[:, PAD].masked_fill(ended[:, 0], 0.0)  # a complete reply goes on as it is
        longer = totals[:, None] + log_p  # (B * K, V)
        lengths = (ids != PAD).sum(dim=1, keepdim=True) - ended.long()  # (B * K, 1): with this token, without START
        ranks = longer / lengths**length_penalty  # (B * K, V)
        best = ranks.view(num_sources, -1).topk(width, dim=1).indices  # (B, K): beginning and token
        rows = (best // log_p.shape[1] + width * torch.arange(num_sources)[:, None]).flatten()  # (B * K,)
        tokens = (best % log_p.shape[1]).flatten()  # (B * K,)
        ids, totals = torch.cat([ids[rows], tokens[:, None]], dim=1), longer[rows, tokens]
        state.reorder(rows)
    return replies_of(ids[::width])


def is_settled(ids: Tensor, totals: Tensor, width: int, max_length: int, length_penalty: float) -> bool:
    """Tell whether the best of each ``width`` beginnings has ended, and no other can overtake it.

    A total only falls while a reply grows, so that at the end it ranks at most as if it had ``max_length`` tokens now.
    """
    ended, lengths = has_ended(ids)[:, 0], (ids != PAD).sum(dim=1) - 1  # (B * K,)
    ranks = (totals / lengths.clamp(min=1) ** length_penalty).view(-1, width)  # (B, K)
    reach = (totals / max_length**length_penalty).masked_fill(ended, -math.inf).view(-1, width)  # (B, K)
    return bool((ended.view(-1, width)[:, 0] & (ranks[:, 0] >= reach.amax(dim=1))).all())


@torch.no_grad()
def sample_and_rank(
    model: Seq2Seq,
    source: Tensor,
    num_samples: int,
    rules: Rules | None = None,
    *,
    seed: int = 0,
) -> list[list[int]]:
    """Draw ``num_samples`` replies to each source (B, S), and take the one that the model finds likeliest."""
    rows = source.repeat_interleave(num_samples, dim=0)  # (B * N, S)
    drawn = sample(model, rows, rules, seed=seed)
    target = pad([[*reply, END] for reply in drawn])  # (B * N, T)
    chunks = zip(rows.split(num_samples), target.split(num_samples), strict=True)  # of one source each
    best = [model.losses(*chunk).sum(dim=1).argmin().item() for chunk in chunks]
    return [drawn[num_samples * row + place] for row, place in enumerate(best)]
