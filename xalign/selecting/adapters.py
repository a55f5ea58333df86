"""Selectors of `selection.data` on a pool's compact arrays, in the pool's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from xalign.errors import SettingError
from xalign.selecting.materials import Chosen, Material


def choose_at_random(material: Material) -> Chosen:
    """Draw at random, within quotas."""
    from selection.data.baselines import random_select

    found = random_select(material.pool.n, material.budget, seed=material.seed, **material.limits, **material.options)
    return Chosen(found.indices, np.zeros(len(found.indices)))


def choose_longest(material: Material) -> Chosen:
    """Take the longest texts."""
    from selection.data.baselines import longest_select

    lengths = material.pool.lengths
    found = longest_select(lengths, material.budget, **material.limits, **material.options)
    return Chosen(found.indices, lengths[found.indices].astype(np.float64))


def choose_by_information(material: Material) -> Chosen:
    """MIG; where rows have no labels, clusters of their vectors are labels. Ties go by the drawn order of the rows."""
    from selection.data.information import information_gain_select, tags_from_clusters

    quality = material.quality
    if quality is None:
        material.notes.append("mig: no quality was given, all rows count alike")
        quality = np.ones(material.pool.n)
    tags, options = material.pool.tags, dict(material.options)
    if tags is None:
        k = _take_whole(options, "n_clusters", _n_labels(material))
        material.notes.append(f"mig: rows have no labels, {k} clusters of their vectors stand for them")
        tags = tags_from_clusters(material.cluster(k))
    order, limits = material.drawn_order, material.limits
    if options.pop("multilingual", False):
        options["languages"] = material.pool.groups[order]
    if limits:
        limits["groups"] = limits["groups"][order]
    found = information_gain_select(tags[order], quality[order], material.budget, **limits, **options)
    return Chosen(order[found.indices], found.gains, {"information": float(found.information)})


def _take_whole(options: dict[str, Any], name: str, default: int) -> int:
    """Take a whole number out of the options."""
    value = options.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingError(f"{name} must be a whole number, 1 or more, got {value!r}")
    return value


def _n_labels(material: Material) -> int:
    """As many clusters as the square root of the pool, within 8 and 1024."""
    return int(min(1024, max(8, np.sqrt(material.pool.n)), material.pool.n))


def choose_by_quality_and_cluster(material: Material) -> Chosen:
    """M-DaQ: in each language 6 rows by quality to 1 by cluster; half as many rows by cluster as there are clusters."""
    from selection.data.quality_diverse import quality_diverse_select, split_budget
    from selection.data.quotas import resolve_quotas

    quotas = material.quotas
    if quotas is None:
        quotas = resolve_quotas([], material.budget, "proportional", available=material.pool.counts)
        material.notes.append("mdaq: no quotas were given, languages have shares in proportion to their rows")
    options = dict(material.options)
    ratio = options.pop("ratio", 6)
    split = {name: split_budget(count, ratio=ratio) for name, count in quotas.items()}
    k = _take_whole(options, "n_clusters", max(8, *(2 * diverse for _, diverse in split.values())))
    quality = _required_quality(material)
    found = quality_diverse_select(
        quality,
        material.cluster(k),
        n_quality={name: parts[0] for name, parts in split.items()},
        n_diverse={name: parts[1] for name, parts in split.items()},
        groups=material.pool.groups,
        **({"fill": True} | options),
    )
    return Chosen(found.indices, quality[found.indices], {"n_by_cluster": int(found.diverse.sum())})


def choose_by_category(material: Material) -> Chosen:
    """LASER; categories are a field of the data, else clusters, within languages where these have quotas."""
    from selection.data.stratified import robust_scale, stratified_select

    options = dict(material.options)
    categories = material.pool.categories
    if categories is None:
        k = _take_whole(options, "n_clusters", 7)
        material.notes.append(f"laser: rows have no category, {k} clusters of their vectors stand for them")
        categories = np.array([f"cluster {label}" for label in material.cluster(k)], dtype=object)
    scores = robust_scale(_required_quality(material), material.pool.groups)
    wanted = options.pop("shares", None)
    parts = {"": np.arange(material.pool.n)}
    counts: Mapping[str, int] = {"": material.budget}
    if material.quotas is not None:
        counts = {name: count for name, count in material.quotas.items() if count}
        parts = {name: np.flatnonzero(material.pool.groups == name) for name in counts}
    rows = []
    for name, count in counts.items():
        inside = parts[name]
        found = stratified_select(
            scores[inside],
            categories[inside],
            material.vectors[inside],
            shares=wanted or _natural_shares(categories[inside]),
            budget=count,
            seed=material.seed,
            **options,
        )
        rows.append(inside[found.indices])
    chosen = _interleave(rows)
    return Chosen(chosen, scores[chosen])


def _natural_shares(categories: np.ndarray) -> dict[str, float]:
    """Each category's share of the rows."""
    names, counts = np.unique(categories.astype(str), return_counts=True)
    return dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))


def _interleave(parts: list[Int[np.ndarray, " _"]]) -> Int[np.ndarray, " b"]:
    """Several orders as one, in which each advances evenly."""
    at = np.concatenate([(np.arange(len(part)) + 0.5) / max(1, len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(at, kind="stable")]


def choose_in_turns(material: Material) -> Chosen:
    """Let each target in turn take its nearest row (RDS+)."""
    from selection.data.covering import round_robin_select

    target = material.space.target_beside(material.trust)
    found = round_robin_select(material.vectors, target, material.budget, **material.limits, **material.options)
    return Chosen(found.indices, found.similarities)


def choose_to_cover(material: Material) -> Chosen:
    """Take rows that stand for all others; of a large pool, for 20,000 rows drawn at random."""
    from selection.data.covering import facility_location_select

    n_covered = min(material.pool.n, 20_000)
    options: dict[str, Any] = {"metric": "cosine", "n_covered": n_covered, "seed": material.seed} | dict(
        material.options
    )
    found = facility_location_select(material.vectors, material.budget, **material.limits, **options)
    return Chosen(found.indices, found.gains, {"covered": found.n_covered})


def choose_far_apart(material: Material) -> Chosen:
    """Take the row that is farthest from all taken."""
    from selection.data.covering import k_centre_select

    found = k_centre_select(material.vectors, material.budget, **material.limits, **material.options)
    distances = np.where(np.isfinite(found.distances), found.distances, 2.0)
    return Chosen(found.indices, distances, {"radius": float(found.radius)})


def _required_quality(material: Material) -> Float[np.ndarray, " n"]:
    quality = material.quality
    if quality is None:
        raise SettingError("quality must be given, got none")
    return quality


def choose_unlike(material: Material) -> Chosen:
    """Walk from the best quality down, leaving out what is too like what was taken (DEITA)."""
    from selection.data.covering import threshold_diversity_select

    quality = _required_quality(material)
    found = threshold_diversity_select(
        material.vectors, quality, material.budget, **material.limits, **material.options
    )
    if found.shortfall:
        material.notes.append(f"deita: {found.shortfall} rows fewer than the budget are unlike enough")
    return Chosen(found.indices, quality[found.indices])
