"""What a search hands on: a set and a bound that no set exceeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

TIGHTNESS = 1e-8
"""A total within this share of a bound, or of the largest distance, is as good as the bound: the rest is rounding."""


@dataclass(frozen=True, eq=False)
class Proven:
    """A set with its proof.

    Attributes:
        chosen: Indices.
        total: Of the objective, up is better.
        bound: No set has a larger total.
    """

    chosen: Int[np.ndarray, " k"]
    total: float
    bound: float
