"""The transport selectors on a pool: what they are given of it, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from xalign.selecting.material.materials import Chosen, Material

if TYPE_CHECKING:
    from selection.data.transport.centring import GroupMeans

FACTS = ("mean_cost", "epsilon", "converged", "marginal_error", "method", "moved", "density",
         "n_fitted", "n_distinct", "n_repeating")  # fmt: skip
"""Of the choice; its cost by the selector's own plan is beside them, which is not the judge's exact one of samples."""
UNMET = 0.01
"""Of the target's mass that may be where it is not wanted before a reader must know."""


def choose_by_transport(material: Material) -> Chosen:
    """Run `selection.data.transport_select` on the pool's vectors as the model gave them; it aligns them itself."""
    from selection.data.stratified import robust_scale
    from selection.data.transport.selecting import transport_select

    space, quality = material.space, material.pool.quality
    if quality is not None:
        quality = robust_scale(quality, np.zeros(len(quality), dtype=np.int64), clip=True)
    found = transport_select(
        space.raw(),
        space.target_rows,
        material.budget,
        groups=material.pool.groups,
        target_groups=np.array(space.target_groups, dtype=object),
        target_rows=material.target.rows,
        group_means=_means(material),
        reliability=_mapping(material.trust) if material.margins is None else material.weights,
        quality=quality,
        quotas=None if material.quotas is None else dict(material.quotas),
        **({"seed": material.seed} | dict(material.options)),
    )
    facts = {name: getattr(found, name) for name in FACTS if hasattr(found, name)} | {"own_plan_cost": found.cost}
    if not found.marginal_error <= UNMET:
        material.notes.append(
            f"transport: the fit stopped with {found.marginal_error:.2g} of the mass where it is not wanted; give more "
            "epsilon"
        )
    if found.n_repeating:
        material.notes.append(f"transport: the last {found.n_repeating} rows repeat others and only fill the budget")
    return Chosen(found.indices, found.scores[found.indices].astype(np.float64), facts)


def choose_by_neighbours(material: Material) -> Chosen:
    """Run `selection.data.knn_transport_select` (TSDS), which draws rows by probability, nearest rows where it ends."""
    from selection.data import knn_transport_select

    if material.quotas is not None:
        raise ValueError("quotas are not part of it; leave them out, or choose by transport")
    found = knn_transport_select(
        material.vectors,
        material.space.target_beside(material.trust),
        material.budget,
        **({"seed": material.seed, "short": "nearest"} | dict(material.options)),
    )
    if found.n_beyond:
        material.notes.append(f"tsds: {found.n_beyond} rows have no probability and are only nearest to a target")
    return Chosen(found.indices, found.probabilities[found.indices].astype(np.float64))


def choose_by_gradient(material: Material) -> Chosen:
    """Run `selection.data.gradient_select` (LAVA): rows whose mass lowers the cost of moving the pool most."""
    from selection.data import TransportSettings, gradient_select

    target = material.space.target_beside(material.trust)
    settings = TransportSettings(**({"seed": material.seed} | dict(material.options)))
    found = gradient_select(material.vectors, target, material.budget, settings=settings)
    return _within_quotas(material, found.indices, found.gradients)


def choose_by_mass(material: Material) -> Chosen:
    """Run `selection.data.unbalanced_transport_select` (UOT): the rows that targets hand most of their mass to."""
    from selection.data import unbalanced_transport_select

    target = material.space.target_beside(material.trust)
    found = unbalanced_transport_select(material.vectors, target, material.budget, **material.options)
    chosen = _within_quotas(material, found.indices, -found.masses)
    return Chosen(chosen.rows, found.masses[chosen.rows].astype(np.float64))


def _within_quotas(material: Material, indices: Int[np.ndarray, " b"], costs: Float[np.ndarray, " n"]) -> Chosen:
    """What was chosen; with quotas, the rows of lowest cost in each language."""
    from selection.data.quotas import choose_within_quotas

    rows = indices
    if material.quotas is not None:
        order = np.argsort(costs, kind="stable")
        rows = choose_within_quotas(order, material.pool.groups, material.quotas)
    return Chosen(rows, costs[rows].astype(np.float64))


def _mapping(trust: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if trust is None else dict(trust)


def _means(material: Material) -> GroupMeans:
    """The means of the space; zero where languages are not brought together."""
    from selection.data.transport.centring import GroupMeans

    if material.space.means is not None:
        return material.space.means
    names = tuple(sorted({*material.pool.language_names, *material.space.target_groups}))
    width: Any = material.pool.vectors.width
    return GroupMeans(names, np.zeros((len(names), width)), np.ones(len(names), dtype=np.int64))
