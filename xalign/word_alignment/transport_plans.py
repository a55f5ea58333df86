"""Plans of entropic transport for many sentence pairs at once."""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

TOLERANCE = 1e-6
"""Scalings that change by no more of themselves are settled."""

UNSETTLED = 1e-3
"""A change that is said, if it is left when the iterations end."""

MAX_ITERATIONS = 1000

Update = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Turns the masses of a side, and its sums under the other side's scaling, into its own scaling."""


class UnconvergedTransportWarning(UserWarning):
    """A transport plan was still changing when the iterations ended; its links may depend on it."""


def scaling_plan(
    kernel: Float[np.ndarray, "b s t"],
    a: Float[np.ndarray, "b s"],
    b: Float[np.ndarray, "b t"],
    update: Update,
    *,
    moved: Float[np.ndarray, " b"] | None = None,
) -> Float[np.ndarray, "b s t"]:
    """Scale rows and columns of many kernels in turn until they settle: ascent in the dual of entropic transport.

    POT has this for one problem at a time, and for balanced ones in batches.

    Args:
        kernel: exp(-cost / epsilon), everywhere above 0.
        a: Source masses; 0 outside a pair.
        b: Target masses; 0 outside a pair.
        update: What a side is scaled by, from its masses and its sums under the other side's scaling.
        moved: The total mass of each plan; None leaves it to the update.

    Returns:
        The plans, u kernel v with a factor that makes their sums `moved`.

    Warns:
        UnconvergedTransportWarning: If a scaling still changes by more than 1e-3 of itself after 1000 iterations.
    """
    transposed = np.ascontiguousarray(kernel.transpose(0, 2, 1))
    u, v, level = np.zeros_like(a), np.ones_like(b), np.ones((len(a), 1))
    for _ in range(MAX_ITERATIONS):
        before = np.hstack([u, level])
        u = update(a, level * np.matmul(kernel, v[:, :, None])[:, :, 0])
        sums = np.matmul(transposed, u[:, :, None])[:, :, 0]
        v = update(b, level * sums)
        if moved is not None:
            # Of either side some word keeps mass, so its scaling is 1: without this the level creeps there.
            tops = u.max(axis=1, keepdims=True), v.max(axis=1, keepdims=True)
            level = moved[:, None] / (v * sums).sum(axis=1, keepdims=True) * tops[0] * tops[1]
            u, v = u / tops[0], v / tops[1]
        change = np.abs(np.hstack([u, level]) - before)
        if (change <= TOLERANCE * before).all():
            break
    _warn_unless(bool((change <= UNSETTLED * before).all()))
    return (level * u)[:, :, None] * kernel * v[:, None, :]


def _warn_unless(settled: bool) -> None:
    if not settled:
        warnings.warn(
            f"a transport plan was not settled after {MAX_ITERATIONS} iterations; raise epsilon",
            UnconvergedTransportWarning,
            stacklevel=2,
        )
