"""What realignment minimises: translations near each other, everything else far, and the starting model not lost."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


def strong_contrastive(
    source: Float[Tensor, "n d"], pivot: Float[Tensor, "n d"], *, temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Average the cost of picking each vector's counterpart among all others of both languages.

    Over the 2n vectors h of both sides, -log softmax_j(cos(h_i, h_j) / T) at the counterpart; only j = i is left out,
    so that words of the same language are pushed away too.

    Args:
        source: Vectors of one side, of any norm.
        pivot: Vectors of the other; row i is the counterpart of row i of `source`.
        temperature: Divides the cosines, above 0.

    References:
        Wu & Dredze (2020), Do Explicit Alignments Robustly Improve Multilingual Encoders?, arXiv:2010.02537, eq. 3.
    """
    n = len(source)
    unit = functional.normalize(torch.cat([source, pivot]).float(), dim=-1)
    itself = torch.eye(2 * n, dtype=torch.bool, device=unit.device)
    logits = (unit @ unit.T / temperature).masked_fill(itself, float("-inf"))
    target = torch.arange(2 * n, device=unit.device).roll(n)
    return functional.cross_entropy(logits, target)


def weak_contrastive(
    source: Float[Tensor, "n d"], pivot: Float[Tensor, "n d"], *, temperature: float = 0.1
) -> Float[Tensor, ""]:
    """Average, both ways, the cost of picking each vector's counterpart among the other side's vectors.

    As `strong_contrastive` with the block of each vector's own language left out too. With sentence vectors this is
    InfoNCE both ways.

    Args:
        source: Vectors of one side, of any norm.
        pivot: Vectors of the other; row i is the counterpart of row i of `source`.
        temperature: Divides the cosines, above 0.

    References:
        Wu & Dredze (2020), arXiv:2010.02537, eq. 2. van den Oord et al. (2018), arXiv:1807.03748, for InfoNCE.
    """
    cosines = functional.normalize(source.float(), dim=-1) @ functional.normalize(pivot.float(), dim=-1).T
    logits, target = cosines / temperature, torch.arange(len(source), device=cosines.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def squared_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], *, unit: float = 1.0) -> Float[Tensor, ""]:
    """Return the mean over rows of |x - y|^2, as a multiple of `unit`.

    Between aligned words this is the loss `l2`; between the model's vectors and the starting model's, the anchor.

    References:
        Cao et al. (2020), Multilingual Alignment of Contextual Word Representations, arXiv:2002.03518, eqs. 2 and 3.
    """
    return (x.float() - y.float()).square().sum(dim=-1).mean() / unit


def alignment_loss(
    name: str, source: Float[Tensor, "n d"], pivot: Float[Tensor, "n d"], *, temperature: float, unit: float
) -> Float[Tensor, ""]:
    """Return the loss of that name; each takes what it needs of temperature and unit.

    Args:
        name: Among `strong`, `weak`, `sentence` and `l2`.
        source: Vectors of one side.
        pivot: Vectors of their counterparts.
        temperature: Of the contrastive losses.
        unit: What `l2` is a multiple of: the mean squared length of the starting model's vectors.
    """
    contrastive: dict[str, Callable[..., Tensor]] = {
        "strong": strong_contrastive,
        "weak": weak_contrastive,
        "sentence": weak_contrastive,
    }
    if name in contrastive:
        return contrastive[name](source, pivot, temperature=temperature)
    return squared_distance(source, pivot, unit=unit)


def anchor_loss(
    states: Float[Tensor, "n d"], start: Float[Tensor, "n d"], kept: Bool[Tensor, " n"], *, unit: float
) -> Float[Tensor, ""]:
    """Return the mean squared distance to the starting model over the rows that are kept, as a multiple of `unit`."""
    return squared_distance(states[kept], start[kept], unit=unit)
