"""What each side gives up: all of its mass, or as much as it likes at a price.

Where a side must not leave its masses, nothing here changes them. Where leaving costs `rho KL(moved | mass)`, a row at
soft distance `s` moves `exp(-s / (rho + epsilon))` of its mass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LARGEST_EXPONENT = 80.0
"""exp of it is still a float32; only steps far from the optimum reach it."""


@dataclass(frozen=True)
class PoolMarginal:
    """How much of its mass each pool row moves, given its soft distance `s` to the priced target.

    Attributes:
        epsilon: Weight of the entropy, in the unit of the cost.
        rho: Price of leaving the pool's masses, in the unit of the cost; infinite is balanced, 0 free.
    """

    epsilon: float
    rho: float = math.inf

    @property
    def balanced(self) -> bool:
        """Whether all mass is moved."""
        return math.isinf(self.rho)

    def potential(self, s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return `f`: what one more unit of mass in this row would change the transport cost by."""
        return s if self.balanced else s * (self.rho / (self.rho + self.epsilon))

    def moved(self, s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return how much a row moves, as a multiple of its mass; the derivative of `value`."""
        if self.balanced:
            return np.ones_like(s)
        return np.exp(np.minimum(-s / (self.rho + self.epsilon), LARGEST_EXPONENT))

    def curvature(self, s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return `moved / epsilon + d moved / d s`, the weight of a row in the second derivative."""
        return self.moved(s) * (1 / self.epsilon - (0.0 if self.balanced else 1 / (self.rho + self.epsilon)))

    def value(self, s: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return what a row adds to the semi-dual objective per unit of mass."""
        return s if self.balanced else (self.rho + self.epsilon) * (1 - self.moved(s))


@dataclass(frozen=True)
class TargetMarginal:
    """How much of its mass each target receives, given its price `g`: `exp(-g / rho)` of it.

    Attributes:
        rho: Price of leaving the target's masses, in the unit of the cost; infinite is balanced.
    """

    rho: float = math.inf

    @property
    def balanced(self) -> bool:
        """Whether each target receives all of its mass."""
        return math.isinf(self.rho)

    def wanted(self, g: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return how much a target wants, as a multiple of its mass."""
        return np.ones_like(g) if self.balanced else np.exp(np.minimum(-g / self.rho, LARGEST_EXPONENT))

    def curvature(self, g: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return minus the derivative of `wanted`."""
        return np.zeros_like(g) if self.balanced else self.wanted(g) / self.rho

    def value(self, g: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return what a target adds to the semi-dual objective per unit of mass."""
        return g if self.balanced else self.rho * (1 - self.wanted(g))

    def fixed_point(
        self, g: Float[np.ndarray, " m"], log_ratio: Float[np.ndarray, " m"], epsilon: float
    ) -> Float[np.ndarray, " m"]:
        """Return Sinkhorn's next `g`, from the logarithm of received over mass."""
        return (1.0 if self.balanced else self.rho / (self.rho + epsilon)) * (g - epsilon * log_ratio)
