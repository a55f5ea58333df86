"""Selectors of `selection.data` on a pool's compact arrays, in the pool's own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from xalign.errors import SettingError
from xalign.names import nearest
from xalign.selecting.material.materials import Chosen, Material
from xalign.selecting.methods.labelling import take_whole

if TYPE_CHECKING:
    from selection.data.stratified import StratifiedChoice

NO_BASE = (
    "it weighs the pool beside what a model has been trained on; give examples of that, or lang:..., as its option "
    'base (--options \'{"gotd": {"base": "FILE"}}\')'
)
ROWS_PER_CLUSTER = 5000
"""Near-duplicates are looked for within clusters of about so many rows."""


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


def choose_by_quality_and_cluster(material: Material) -> Chosen:
    """M-DaQ: in each language 6 rows by quality to 1 by cluster; half as many rows by cluster as there are clusters."""
    from selection.data.quality_diverse import quality_diverse_select, split_budget
    from selection.data.quotas import resolve_quotas

    quotas = material.quotas
    if quotas is None:
        quotas = resolve_quotas([], material.budget, "proportional", available=material.pool.counts)
        material.tell("mdaq: no quotas were given, languages have shares in proportion to their rows")
    options = dict(material.options)
    ratio = options.pop("ratio", 6)
    split = {name: split_budget(count, ratio=ratio) for name, count in quotas.items()}
    k = take_whole(options, "n_clusters", max(8, *(2 * diverse for _, diverse in split.values())))
    quality = _ranking_quality(material)
    if material.margins is not None and material.quality is not None:
        quality = material.quality
    elif material.trust is not None:
        material.tell("mdaq: rows compete within their language, where reliability changes no order; give quotas")
    found = quality_diverse_select(
        material.ranks(quality),
        material.cluster(k),
        n_quality={name: parts[0] for name, parts in split.items()},
        n_diverse={name: parts[1] for name, parts in split.items()},
        groups=material.pool.groups,
        **({"fill": True} | options),
    )
    if found.shortfall:
        lacking = ", ".join(f"{name} {n}" for name, n in found.shortfall.items())
        n = sum(found.shortfall.values())
        material.tell(f"mdaq: {n} rows fewer than the budget, languages lack clusters ({lacking})")
    facts = {"n_by_cluster": int(found.diverse.sum()), "shortfall": dict(found.shortfall)}
    return Chosen(found.indices, quality[found.indices], facts)


def choose_by_category(material: Material) -> Chosen:
    """LASER; within languages where these have quotas, and of clusters where rows have no categories.

    Quality, and difficulty where it is known, are scaled within each language, and within each scorer where categories
    have their own.
    """
    options = dict(material.options)
    categories = _categories(material, options)
    scores = _preferences(material, clip=bool(options.pop("clip", False))) * material.weights
    wanted = _wanted_shares(options.pop("shares", None), categories)
    found = {
        name: (rows, _choose_in_part(material, scores, categories, rows, count, wanted, options))
        for name, (rows, count) in _parts(material).items()
    }
    chosen = _interleave([rows[part.indices] for rows, part in found.values()])
    facts = _facts_by_category(material, {name: part for name, (_, part) in found.items()})
    return Chosen(chosen, scores[chosen], facts)


def _preferences(material: Material, *, clip: bool) -> Float[np.ndarray, " n"]:
    """Scaled quality, times scaled difficulty where that is known."""
    from selection.data.stratified import preference, robust_scale

    quality, sources = _ranking_quality(material), _sources(material)
    if material.pool.difficulty is None:
        return robust_scale(quality, sources, clip=clip)
    return preference(quality, material.pool.difficulty, sources, clip=clip)


def _choose_in_part(  # noqa: PLR0913 - one step of `choose_by_category`
    material: Material,
    scores: Float[np.ndarray, " n"],
    categories: np.ndarray,
    rows: Int[np.ndarray, " m"],
    count: int,
    shares: Mapping[str, float] | None,
    options: Mapping[str, Any],
) -> StratifiedChoice:
    """Choose among some rows; all of them are not copied."""
    from selection.data.stratified import stratified_select

    return stratified_select(
        scores[rows],
        categories[rows],
        material.vectors if len(rows) == material.pool.n else material.vectors[rows],
        shares=shares or _natural_shares(categories[rows]),
        budget=count,
        seed=material.seed,
        keys=material.pool.texts[rows],
        **options,
    )


def _sources(material: Material) -> np.ndarray:
    """What each row's score is scaled within: its language, and the scorer that gave it."""
    pool = material.pool
    if pool.scorers is None:
        return pool.groups
    return pool.languages.astype(np.int64) * (int(pool.scorers.max()) + 1) + pool.scorers


def _categories(material: Material, options: dict[str, Any]) -> np.ndarray:
    """The category of each row; clusters where rows have none."""
    k = take_whole(options, "n_clusters", 7)
    if material.pool.categories is not None:
        return material.pool.categories
    material.tell(f"laser: rows have no category, {k} clusters of their vectors stand for them")
    labels = material.cluster(k, weighed=False)
    return np.array([f"cluster {label}" for label in range(labels.max() + 1)], dtype=object)[labels]


def _wanted_shares(shares: Any, categories: np.ndarray) -> Mapping[str, float] | None:
    """Shares by category that are asked for.

    Raises:
        SettingError: If they are none, or a category has no row.
    """
    if shares is None:
        return None
    if not isinstance(shares, Mapping) or not shares:
        raise SettingError(f"shares must map categories to shares of the budget, got {shares!r}")
    known = sorted(set(categories.tolist()))
    if unknown := [name for name in shares if name not in known]:
        raise SettingError(
            f"shares must name categories that rows have, got {unknown[0]!r}{nearest(str(unknown[0]), known)}; they "
            f"have {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}"
        )
    return shares


def _parts(material: Material) -> dict[str, tuple[Int[np.ndarray, " _"], int]]:
    """The rows that compete and how many are chosen of them: by language where these have quotas, else all together."""
    if material.quotas is None:
        return {"": (np.arange(material.pool.n), material.budget)}
    groups = material.pool.groups
    return {name: (np.flatnonzero(groups == name), count) for name, count in material.quotas.items() if count}


def _facts_by_category(material: Material, found: Mapping[str, StratifiedChoice]) -> dict[str, Any]:
    """What categories lacked, which others gave, and from which score the best of a cluster were taken."""
    shortfall: Counter[str] = Counter()
    for part in found.values():
        shortfall.update(part.shortfall)
    if shortfall:
        lacking = ", ".join(f"{name} {n}" for name, n in shortfall.items())
        material.tell(f"laser: categories have fewer rows than their shares ask for ({lacking}); others gave these")
    thresholds = {
        f"{name} {category}".strip(): threshold
        for name, part in found.items()
        for category, threshold in part.thresholds.items()
    }
    taken: Counter[str] = Counter()
    for part in found.values():
        taken.update({name: n for name, n in part.taken.items() if n})
    return {"taken": dict(taken), "shortfall": dict(shortfall), "thresholds": thresholds}


def _natural_shares(categories: np.ndarray) -> dict[str, float]:
    """Each category's share of the rows."""
    from selection.data.grouping import count_groups

    counts = count_groups(categories)
    return {name: counts[name] / len(categories) for name in sorted(counts)}


def _interleave(parts: list[Int[np.ndarray, " _"]]) -> Int[np.ndarray, " b"]:
    """Several orders as one, in which each advances evenly."""
    at = np.concatenate([(np.arange(len(part)) + 0.5) / max(1, len(part)) for part in parts])
    return np.concatenate(parts)[np.argsort(at, kind="stable")]


def choose_in_turns(material: Material) -> Chosen:
    """Let each target in turn take its nearest row (RDS+), targets of different languages by turns."""
    from selection.data.covering import round_robin_select

    groups = np.array(material.target.languages, dtype=object)
    turns = _interleave([np.flatnonzero(groups == name) for name in dict.fromkeys(groups.tolist())])
    target = material.space.target_beside(material.trust)[turns]
    if len(target) > material.budget:
        material.tell(f"round_robin: {len(target)} targets have {material.budget} turns, the others have none")
    if material.target.is_pool:
        material.tell("round_robin: targets are rows of the pool, and each takes itself first")
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


def _ranking_quality(material: Material) -> Float[np.ndarray, " n"]:
    """Quality as it was scored, for methods that rank by it."""
    if material.pool.quality is None:
        raise SettingError("quality must be given, got none")
    return material.pool.quality


def choose_unlike(material: Material) -> Chosen:
    """Walk from the best quality down, leaving out what is too like what was taken (DEITA)."""
    from selection.data.covering import threshold_diversity_select

    quality = _ranking_quality(material)
    if material.is_weighed and material.quality is not None:
        quality = material.quality
    found = threshold_diversity_select(
        material.vectors, material.ranks(quality), material.budget, **material.limits, **material.options
    )
    if found.shortfall:
        material.tell(f"deita: {found.shortfall} rows fewer than the budget, the others are too like those taken")
    return Chosen(found.indices, quality[found.indices])


def choose_without_near_duplicates(material: Material) -> Chosen:
    """Draw at random among rows that are no near-duplicate of another (SemDeDup), within quotas."""
    from selection.data.covering import semantic_deduplicate
    from selection.data.grouping import rank_within_groups

    options = dict(material.options)
    k = take_whole(options, "n_clusters", max(1, material.pool.n // ROWS_PER_CLUSTER))
    clusters = None if k == 1 else material.cluster(k)
    kept = semantic_deduplicate(material.vectors, clusters=clusters, **options).indices
    order = material.drawn_order[np.isin(material.drawn_order, kept)]
    if material.quotas is not None:
        limits = np.array([material.quotas.get(name, 0) for name in material.pool.language_names])
        codes = material.pool.languages[order].astype(np.int64)
        order = order[rank_within_groups(codes) < limits[codes]]
    rows = order[: material.budget]
    if lacking := material.budget - len(rows):
        material.tell(f"semdedup: {lacking} rows fewer than the budget, the others are near-duplicates")
    return Chosen(rows, np.zeros(len(rows)), {"kept": len(kept), "of": material.pool.n, "shortfall": lacking})


def choose_beside_base(material: Material) -> Chosen:
    """GOT-D: rows whose mass lowers the cost of moving a mixture of the base and the pool most."""
    from selection.data import TransportSettings, gradient_select
    from selection.data.quotas import choose_within_quotas

    if material.base is None:
        raise SettingError(NO_BASE)
    options = {"seed": material.seed} | dict(material.options)
    options.pop("base", None)
    mixing = {"mixing": options.pop("mixing")} if "mixing" in options else {}
    found = gradient_select(
        material.vectors,
        material.space.target_beside(material.trust),
        material.budget,
        base=material.base.target_beside(material.trust),
        settings=TransportSettings(**options),
        **mixing,
    )
    rows = found.indices
    if material.quotas is not None:
        rows = choose_within_quotas(np.argsort(found.gradients, kind="stable"), material.pool.groups, material.quotas)
    return Chosen(rows, found.gradients[rows].astype(np.float64), {"base": len(material.base.target_rows)})
