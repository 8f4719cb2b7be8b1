"""What is trained on the vectors of a frozen encoder, with or without a transformer in it: a small dense network."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Head(nn.Module):
    """A dense network over the vectors of one or several layers.

    Args:
        layer_dim: Length H of one layer's vector.
        dense: Turns normalized vectors, (B, L * H), into logits, (B, K).
    """

    def __init__(self, layer_dim: int, dense: nn.Module) -> None:
        super().__init__()
        self.layer_dim = layer_dim
        self.dense = dense

    def forward(self, vectors: Tensor) -> Tensor:
        """Bring each layer's vector to mean 0 and deviation 1, so that none drowns the others, and score the labels."""
        layers = vectors.view(-1, vectors.shape[1] // self.layer_dim, self.layer_dim)  # (B, L, H)
        normalized = functional.layer_norm(layers, (self.layer_dim,)).flatten(1)  # (B, L * H)
        logits: Tensor = self.dense(normalized)  # (B, K)
        return logits


def make_dense(feature_dim: int, num_labels: int, *, hidden_dim: int, dropout: float) -> nn.Sequential:
    """Make the layers between normalized vectors and logits.

    Args:
        feature_dim: Length of what a text's vectors are side by side.
        num_labels: K.
        hidden_dim: Width of the layer between; 0 makes the head linear.
        dropout: Share of each layer's input that is zeroed in training, in [0, 1).
    """
    if hidden_dim == 0:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(feature_dim, num_labels))
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(feature_dim, hidden_dim),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden_dim, num_labels),
    )
