"""GPT-2, 2019: the same decoder, larger, normalized before each layer; and no fine-tuning: the task is in the prompt.

::

    "Review: A touching film. Sentiment:" -> " positive" or " negative", whichever the model finds likelier

Built of ``transformer``, as it was: an encoder block with a causal mask and ``pre_norm``. New are the sampling, and the
cache, without which each new token would compute all earlier ones again.

Sources: Radford et al., 2019, Language Models are Unsupervised Multitask Learners,
https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf, section 2.3;
top-p: Holtzman et al., 2020, The Curious Case of Neural Text Degeneration, https://arxiv.org/abs/1904.09751.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nano.gpt import next_token_loss
from nano.transformer import EncoderBlock, causal_mask

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of each layer, (B, A, T, D) each; an empty list before the first token."""


class GPT2(nn.Module):
    """A decoder alone.

    Args:
        num_tokens: V.
        max_tokens: Positions that there are.
        dim: E.
        num_heads: A.
        num_layers: Blocks.
    """

    def __init__(self, num_tokens: int, max_tokens: int, dim: int, num_heads: int, num_layers: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(num_tokens, dim), nn.Embedding(max_tokens, dim)
        self.blocks = nn.ModuleList(
            EncoderBlock(dim, num_heads, 4 * dim, pre_norm=True, activation=nn.GELU(approximate="tanh"))
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)  # "an additional layer normalization was added after the final block"
        for name, weight in self.named_parameters():
            if weight.ndim == 2:  # "scale the weights of residual layers by 1/sqrt(N)": two of them in each block
                is_residual = name.endswith(("attention.out.weight", "dense.2.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * num_layers) if is_residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def hidden(self, ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Read ids (B, T) and return what is known at each token, (B, T, E).

        Args:
            ids: The tokens, or with a cache those that it does not hold yet.
            cache: What was computed for the tokens before; grows by these. None computes without one.
        """
        start = cache[0][0].shape[2] if cache else 0
        end = start + ids.shape[1]
        mask = causal_mask(end)[start:]  # (T, end)
        x = self.tokens(ids) + self.positions(torch.arange(start, end))  # (B, T, E)
        for layer, block in enumerate(self.blocks):
            heads, y = block.attention, block.attention_norm(x)  # (B, T, E)
            key, value = heads.split(heads.key(y)), heads.split(heads.value(y))  # (B, A, T, D) each
            if cache is not None:
                if start:
                    key, value = (torch.cat(each, dim=2) for each in zip(cache[layer], (key, value), strict=True))
                cache[layer : layer + 1] = [(key, value)]  # (B, A, end, D) each
            x = x + heads.attend(y, key, value, mask)  # (B, T, E)
            x = x + block.dense(block.dense_norm(x))  # (B, T, E)
        return self.norm(x)  # (B, T, E)

    def scores(self, hidden: Tensor) -> Tensor:
        """Score each token as the next one, (B, T, V), by the table that it was read with."""
        return hidden @ self.tokens.weight.T  # (B, T, V)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the mean of -log p(token | those before it) over all tokens of ids (B, T) but the first."""
        return next_token_loss(self.scores(self.hidden(ids)), ids)  # ()


def sharpen(scores: Tensor, *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """Turn scores into the probabilities that are drawn from.

    Args:
        scores: (..., V).
        temperature: Divides the scores: towards 0 the likeliest token takes all, above 1 all come closer.
        top_k: Tokens that may be drawn, the likeliest ones; 0 is all.
        top_p: The fewest likeliest tokens whose probabilities reach this sum may be drawn; 1 is all.

    Returns:
        (..., V), which sum to 1.
    """
    p, order = (scores / temperature).softmax(dim=-1).sort(dim=-1, descending=True)  # (..., V)
    allowed = p.cumsum(dim=-1) - p < top_p  # (..., V): the first is always allowed
    if top_k:
        allowed &= torch.arange(p.shape[-1]) < top_k  # (..., V)
    p = torch.zeros_like(p).scatter(-1, order, p * allowed)  # (..., V): back in the order of the ids
    return p / p.sum(dim=-1, keepdim=True)  # (..., V)


@torch.no_grad()
def generate(
    model: GPT2,
    ids: Tensor,
    num_new: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
    use_cache: bool = True,
) -> Tensor:
    """Continue texts.

    Args:
        model: In evaluation mode.
        ids: Prompts of one length, (B, T).
        num_new: Tokens to add; T and these together have at most the model's positions.
        temperature: See :func:`sharpen`.
        top_k: See :func:`sharpen`; 1 takes the likeliest token each time.
        top_p: See :func:`sharpen`.
        seed: Of the draws.
        use_cache: False computes all tokens again for each new one, to the same end.

    Returns:
        (B, T + ``num_new``).
    """
    generator, cache = torch.Generator().manual_seed(seed), []
    for _ in range(num_new):
        if use_cache:
            seen = cache[0][0].shape[2] if cache else 0
            hidden = model.hidden(ids[:, seen:], cache)  # (B, 1, E), at first (B, T, E)
        else:
            hidden = model.hidden(ids)  # (B, T, E)
        scores = model.scores(hidden[:, -1:])[:, 0]  # (B, V)
        p = sharpen(scores, temperature=temperature, top_k=top_k, top_p=top_p)  # (B, V)
        ids = torch.cat([ids, torch.multinomial(p, 1, generator=generator)], dim=1)  # (B, T + 1)
    return ids


@torch.no_grad()
def log_likelihood(model: GPT2, prompt: Tensor, answer: Tensor) -> float:
    """Return log p(answer | prompt) in nats, for prompt (T,) and answer (N,) of a token or more each."""
    ids = torch.cat([prompt, answer]).unsqueeze(0)  # (1, T + N)
    log_p = model.scores(model.hidden(ids[:, :-1])).log_softmax(dim=2)[0]  # (T + N - 1, V)
    return log_p[len(prompt) - 1 :].gather(1, answer.unsqueeze(1)).sum().item()
