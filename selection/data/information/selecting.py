"""Choose the examples that together carry the most information over a graph of labels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from probes.arrays import require_choice, to_host
from selection.data.allowances import read_allowances
from selection.data.grouping import code_groups
from selection.data.information.labels import propagation_matrix
from selection.data.information.results import InformationChoice
from selection.data.information.tagging import read_tags

PHI = ("power", "exponential")
GAINS = ("gradient", "exact")


def information_gain_select(  # noqa: PLR0913 (the published names, and quotas)
    tags: Any,
    quality: Float[Any, " n"],
    budget: int,
    *,
    similarity: Any = None,
    threshold: float = 0.9,
    propagation: float = 1.0,
    phi: str = "power",
    exponent: float = 0.8,
    rate: float = 1.0,
    gain: str = "gradient",
    languages: Sequence[Hashable] | np.ndarray | None = None,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    quotas: Mapping[Any, float | int] | str | None = None,
) -> InformationChoice:
    """Choose rows greedily by how much they add to `sum_k phi(z_k)`, `z` the sum of the rows' `s_i v_i P`.

    `v_i` are a row's tags, `s_i` its quality, and `P` spreads each tag over the labels that are like it. Ties go to the
    smaller row. Gains never increase as rows are chosen, so that only rows whose last known gain is the largest are
    looked at again, of rows with the same tags and quality the first; the choice is the same as if all were.

    Args:
        tags: Scipy CSR (n, k) of 0 and 1; `tags_from_names` and `tags_from_clusters` make one.
        quality: Of each row, at least 0.
        budget: How many rows, 1 to n.
        similarity: Cosines between labels (k, k), dense or sparse; None where labels are all unlike. See
            `similar_labels`.
        threshold: Labels below it are unlike, in (0, 1].
        propagation: The weight of like labels beside a label itself, at least 0.
        phi: power (`x ** exponent`) | exponential (`1 - exp(-rate x)`).
        exponent: In (0, 1].
        rate: Above 0.
        gain: Rank rows by the gradient (`s_i v_i P phi'(z)`, as published and released) or by the exact gain, for which
            greedy is proven to reach at least 1 - 1/e of the most information.
        languages: The language of each row, for a concave function per label and language, `sum_kl phi(z_kl)`: a label
            that one language has collected is still worth collecting in another. None for one function per label.
        groups: The group of each row, with `quotas`.
        quotas: Group to share of the budget or to count, "proportional" or "equal"; None for none.

    Returns:
        The rows in order of choice with their true gains in either mode, and the information they carry.

    Raises:
        TypeError: If tags are no sparse matrix.
        ValueError: If a tag is out of range or not 0 or 1, a quality negative or not finite, shapes differ, an option
            is out of range, or the budget or quotas cannot be met.

    References:
        Chen, Li, Hu, Ma, Ye & Chen (2025), MIG: Automatic Data Selection for Instruction Tuning by Maximizing
            Information Gain in Semantic Space, arXiv:2504.13835, Section 3 and Algorithm 1.
        Minoux (1978), Accelerated greedy algorithms for maximizing submodular set functions (lazy evaluation).
    """
    require_choice("gain", gain, GAINS)
    curve = _read_curve(phi, exponent, rate)
    table = read_tags(tags)
    n, k = table.shape
    worth = _read_quality(quality, n)
    allowances = read_allowances(n, budget, groups=groups, quotas=quotas)
    codes, names = (np.empty(0, dtype=np.int64), []) if languages is None else code_groups(languages, n=n)
    spreading = propagation_matrix(k, similarity, threshold=threshold, propagation=propagation)

    from selection.data.information.alike import link_alike
    from selection.data.information.kernels import Graph, Pool, choose, empty_labels

    pool = Pool(*_columns(table), worth, (codes * k).astype(np.int32), allowances.codes)
    graph = Graph(*_columns(spreading), spreading.data, *curve, gain == "exact")
    labels = empty_labels(max(1, len(names)), k)
    indices, gains = choose(pool, graph, labels, allowances.counts.copy(), *link_alike(pool))
    return InformationChoice(indices, gains, float(labels.levels.sum()), labels.totals.reshape(-1, k), tuple(names))


def _read_curve(phi: str, exponent: float, rate: float) -> tuple[bool, float]:
    """Whether phi is a power, and its parameter."""
    require_choice("phi", phi, PHI)
    if phi == "power" and not 0 < exponent <= 1:
        raise ValueError(f"exponent must be above 0 and at most 1, so that gains never increase, got {exponent}")
    if phi == "exponential" and not (rate > 0 and np.isfinite(rate)):
        raise ValueError(f"rate must be finite and above 0, got {rate}")
    return (True, float(exponent)) if phi == "power" else (False, float(rate))


def _read_quality(quality: Any, n: int) -> Float[np.ndarray, " n"]:
    values = np.asarray(to_host(quality), dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(f"quality must be a number for each of the {n} rows of tags, got shape {values.shape}")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        raise ValueError(
            f"quality must be finite and at least 0, got {values[bad[0]]} in row {bad[0]} and {bad.size - 1} more "
            "rows; leave such rows out, or shift scores that are negative"
        )
    return values


def _columns(matrix: Any) -> tuple[np.ndarray, np.ndarray]:
    """Where each row of a CSR matrix starts, and its columns."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)
