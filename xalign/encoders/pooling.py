"""Every pooling is a weighted sum over tokens, so one product with a weight matrix serves them all."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int

Mask = Int[torch.Tensor, "batch tokens"]
Weights = Float[torch.Tensor, "batch tokens"]


def token_weights(mask: Mask, poolings: Sequence[str]) -> Float[torch.Tensor, "batch poolings tokens"]:
    """Return the weight each pooling gives each token; each row sums to 1.

    Real tokens are those the attention mask marks, special tokens included, on whichever side the padding is.

    Args:
        mask: Attention mask, 1 at real tokens; each row has at least one.
        poolings: Names among `POOLINGS`.

    Returns:
        float32 weights; 0 at padding.
    """
    return torch.stack([POOLINGS[name](mask) for name in poolings], dim=1)


def mean_weights(mask: Mask) -> Weights:
    """Weight every real token alike."""
    return mask.float() / mask.sum(1, keepdim=True)


def cls_weights(mask: Mask) -> Weights:
    """Keep the first real token."""
    return _one_hot(mask.argmax(1), mask.shape[1])


def last_weights(mask: Mask) -> Weights:
    """Keep the last real token."""
    return _one_hot(mask.shape[1] - 1 - mask.flip(1).argmax(1), mask.shape[1])


def position_weights(mask: Mask) -> Weights:
    """Weight the t-th real token (from 1) by t / sum t.

    References:
        Muennighoff (2022), SGPT: GPT Sentence Embeddings for Semantic Search, https://arxiv.org/abs/2202.08904, eq. 3.
    """
    positions = (mask.cumsum(1) * mask).float()
    return positions / positions.sum(1, keepdim=True)


def pool(weights: Float[torch.Tensor, "batch poolings tokens"], states: torch.Tensor) -> torch.Tensor:
    """Return sum_t w_t h_t in float32, (batch, poolings, d), computed where the states are."""
    return torch.bmm(weights.to(states.device, non_blocking=True), states.float())


def _one_hot(index: Int[torch.Tensor, " batch"], n_tokens: int) -> Weights:
    return torch.nn.functional.one_hot(index, n_tokens).float()


POOLINGS: dict[str, Callable[[Mask], Weights]] = {
    "mean": mean_weights,
    "cls": cls_weights,
    "last": last_weights,
    "weighted": position_weights,
}
