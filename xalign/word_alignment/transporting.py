"""Links by optimal transport: the words of one side are moved to the other, where it costs least."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.errors import SettingError
from xalign.word_alignment.blocks import Block, Found, extract_blockwise, half_cosines
from xalign.word_alignment.links import Links
from xalign.word_alignment.option_checks import require_positive, require_share, require_threshold
from xalign.word_alignment.transport_plans import scaling_plan

SMALLEST_EPSILON = 0.005
"""exp(-cost / epsilon) with costs up to 1 stays well inside float64."""

Masses = Sequence[tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]]
"""By sentence pair, how much the source and the target words weigh: norms of their vectors, for example."""

Solver = Callable[[Block, Float[np.ndarray, "b s t"], Float[np.ndarray, "b s"], Float[np.ndarray, "b t"]], np.ndarray]
"""Turns cost, source and target masses (both 0 outside a pair's words) into a plan."""


def transport_links(
    similarities: Sequence[Any],
    *,
    epsilon: float = 0.1,
    threshold: float = 0.25,
    masses: Masses | None = None,
    distortion: float = 0.0,
) -> list[Links]:
    """Link words by balanced optimal transport: all mass of both sides is moved.

    The cost is 1 - (1 + cosine) / 2, after distortion, scaled to [0, 1] in each sentence pair (0 where all are equal).
    The plan is scaled to [0, 1] in each pair too (1 where all entries are equal); entries above the threshold are
    links, and their scaled entry is the confidence. Words without such an entry have none: null alignments. The best
    threshold moves with the model, epsilon and masses; the defaults suit xalign-mini on 200 English-French and 200
    Romanian-English pairs.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        epsilon: Weight of the entropy, at least .005, or 0 for the exact plan.
        threshold: Scaled entries of the plan above it are links, in [0, 1).
        masses: How much words weigh, above 0; None takes all the same. Scaled to sum to 1 on both sides.
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is no cosine, an option is out of range, or masses do not fit.

    Warns:
        UnconvergedTransportWarning: If a plan still changes much after 1000 iterations.

    References:
        Arase, Bao & Yokoi (2023), Unbalanced Optimal Transport for Unbalanced Word Alignment, arXiv:2306.04116
            (BOT; cost, masses, scaling and threshold as in the released code).
    """
    _require_epsilon(epsilon, exact=True)
    return _extract(similarities, partial(_balanced, epsilon=epsilon), threshold, masses, distortion)


def partial_transport_links(
    similarities: Sequence[Any],
    *,
    fraction: float = 0.9,
    epsilon: float = 0.1,
    threshold: float = 0.25,
    masses: Masses | None = None,
    distortion: float = 0.0,
) -> list[Links]:
    """Link words by partial optimal transport: a fraction of the lighter side's mass is moved, the rest may stay.

    Cost, scaling of the plan, links and confidence are those of `transport_links`.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        fraction: How much of the lighter side's mass is moved, in (0, 1].
        epsilon: Weight of the entropy, at least .005, or 0 for the exact plan.
        threshold: Scaled entries of the plan above it are links, in [0, 1).
        masses: How much words weigh, above 0; None gives every word 1. Only ratios matter.
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is no cosine, an option is out of range, or masses do not fit.

    Warns:
        UnconvergedTransportWarning: If a plan still changes much after 1000 iterations.

    References:
        Arase, Bao & Yokoi (2023), arXiv:2306.04116 (POT).
        Benamou et al. (2015), Iterative Bregman Projections for Regularized Transportation Problems, proposition 5.
    """
    require_share("fraction", fraction)
    _require_epsilon(epsilon, exact=True)
    solver = partial(_partial, fraction=fraction, epsilon=epsilon)
    return _extract(similarities, solver, threshold, masses, distortion)


def unbalanced_transport_links(
    similarities: Sequence[Any],
    *,
    tau: float = 0.5,
    epsilon: float = 0.1,
    threshold: float = 0.2,
    masses: Masses | None = None,
    distortion: float = 0.0,
) -> list[Links]:
    """Link words by unbalanced optimal transport: mass may be made and destroyed, at a price.

    The price is tau times the Kullback-Leibler divergence of what is moved from what there is, on each side. Cost,
    scaling of the plan, links and confidence are those of `transport_links`.

    Args:
        similarities: Cosines, one (source words, target words) matrix per sentence pair.
        tau: The price, above 0; balanced transport is its limit where both sides weigh the same.
        epsilon: Weight of the entropy, at least .005.
        threshold: Scaled entries of the plan above it are links, in [0, 1).
        masses: How much words weigh, above 0; None gives every word 1. Scaled to a mean of 1 over both sides, so that
            the scale of a model's vectors does not matter (the released code takes norms as they are).
        distortion: How much words at different places of their sentences are held back, in [0, 1].

    Returns:
        The links of each pair.

    Raises:
        ValueError: If a value is no cosine, an option is out of range, or masses do not fit.

    Warns:
        UnconvergedTransportWarning: If a plan still changes much after 1000 iterations.

    References:
        Arase, Bao & Yokoi (2023), arXiv:2306.04116 (UOT).
        Chizat et al. (2018), Scaling Algorithms for Unbalanced Optimal Transport Problems, arXiv:1607.05816.
    """
    require_positive("tau", tau)
    _require_epsilon(epsilon, exact=False)
    return _extract(similarities, partial(_unbalanced, tau=tau, epsilon=epsilon), threshold, masses, distortion)


def _extract(
    similarities: Sequence[Any], solver: Solver, threshold: float, masses: Masses | None, distortion: float
) -> list[Links]:
    require_threshold(threshold)
    require_share("distortion", distortion, include_zero=True)
    if masses is not None and len(masses) != len(similarities):
        raise SettingError(f"masses must have the {len(similarities)} pairs of similarities, got {len(masses)}")
    find = partial(_transport, solver=solver, threshold=threshold, masses=masses, distortion=distortion)
    return extract_blockwise(similarities, find)


def _transport(block: Block, *, solver: Solver, threshold: float, masses: Masses | None, distortion: float) -> Found:
    similarity = half_cosines(block, distortion=distortion).astype(np.float64)
    cost = block.filled(1 - _scaled(block, similarity), 0.0)
    plan = _scaled(block, solver(block, cost, *_block_masses(block, masses)))
    return (plan > threshold) & block.inside, plan


def _scaled(block: Block, values: Float[np.ndarray, "b s t"]) -> Float[np.ndarray, "b s t"]:
    """Return each pair's values, the smallest set to 0 and the largest to 1; all 1 where they are equal."""
    low = block.filled(values, np.inf).min(axis=(1, 2), keepdims=True)
    width = block.filled(values, -np.inf).max(axis=(1, 2), keepdims=True) - low
    equal = width <= 1e-9 * np.abs(low)
    return np.where(equal, 1.0, (values - low) / np.where(equal, 1.0, width))


def _block_masses(block: Block, masses: Masses | None) -> tuple[Float[np.ndarray, "b s"], Float[np.ndarray, "b t"]]:
    """Return the masses of a block's words, with a mean of 1 over both sides of a pair; 0 outside."""
    a, b = block.own_source.astype(np.float64), block.own_target.astype(np.float64)
    if masses is None:
        return a, b
    for row, place in enumerate(block.places.tolist()):
        source, target = masses[place]
        for side, given, n in ((a, source, block.n_source[row]), (b, target, block.n_target[row])):
            side[row, :n] = _checked_masses(given, place, int(n))
    total = a.sum(axis=1) + b.sum(axis=1)
    scale = ((block.n_source + block.n_target) / total)[:, None]
    return a * scale, b * scale


def _checked_masses(values: Float[np.ndarray, " n"], place: int, n: int) -> Float[np.ndarray, " n"]:
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (n,) or not np.isfinite(values).all() or (values <= 0).any():
        raise SettingError(
            f"masses[{place}] must hold one number above 0 for each source word and each target word, got shape "
            f"{values.shape} for {n} words"
        )
    return values


def _require_epsilon(epsilon: float, *, exact: bool) -> None:
    if not (epsilon >= SMALLEST_EPSILON or (exact and epsilon == 0)) or not np.isfinite(epsilon):
        zero = ", or 0 for the exact plan" if exact else ""
        raise SettingError(f"epsilon must be at least {SMALLEST_EPSILON}{zero}, got {epsilon}")


def _balanced(
    block: Block,
    cost: Float[np.ndarray, "b s t"],
    a: Float[np.ndarray, "b s"],
    b: Float[np.ndarray, "b t"],
    *,
    epsilon: float,
) -> Float[np.ndarray, "b s t"]:
    a, b = a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    if epsilon:
        return scaling_plan(np.exp(-cost / epsilon), a, b, np.divide)
    from ot import emd

    return _pair_by_pair(block, cost, a, b, emd)


def _partial(
    block: Block,
    cost: Float[np.ndarray, "b s t"],
    a: Float[np.ndarray, "b s"],
    b: Float[np.ndarray, "b t"],
    *,
    fraction: float,
    epsilon: float,
) -> Float[np.ndarray, "b s t"]:
    if epsilon:
        moved = fraction * np.minimum(a.sum(axis=1), b.sum(axis=1))
        return scaling_plan(np.exp(-cost / epsilon), a, b, _at_most, moved=moved)
    from ot.partial import partial_wasserstein

    def solve(a: np.ndarray, b: np.ndarray, cost: np.ndarray) -> np.ndarray:
        return partial_wasserstein(a, b, cost, m=fraction * min(a.sum(), b.sum()))

    return _pair_by_pair(block, cost, a, b, solve)


def _at_most(mass: np.ndarray, product: np.ndarray) -> np.ndarray:
    return np.minimum(mass / product, 1.0)


def _unbalanced(
    block: Block,
    cost: Float[np.ndarray, "b s t"],
    a: Float[np.ndarray, "b s"],
    b: Float[np.ndarray, "b t"],
    *,
    tau: float,
    epsilon: float,
) -> Float[np.ndarray, "b s t"]:
    def towards(mass: np.ndarray, product: np.ndarray) -> np.ndarray:
        return (mass / product) ** (tau / (tau + epsilon))

    return scaling_plan(np.exp(-cost / epsilon), a, b, towards)


def _pair_by_pair(
    block: Block,
    cost: Float[np.ndarray, "b s t"],
    a: Float[np.ndarray, "b s"],
    b: Float[np.ndarray, "b t"],
    solve: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> Float[np.ndarray, "b s t"]:
    plan = np.zeros_like(cost)
    for row, matrix in enumerate(block.matrices(cost)):
        m, n = matrix.shape
        plan[row, :m, :n] = solve(a[row, :m].copy(), b[row, :n].copy(), matrix.copy())
    return plan
