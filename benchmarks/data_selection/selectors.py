"""Every way to choose, by name: functions of a task, a budget and a seed. All that take a quality take it alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from benchmarks.data_selection.tasks import LEAST, Task
from selection.data import (
    divide_budget,
    facility_location_select,
    gradient_select,
    information_gain_select,
    k_centre_select,
    knn_transport_select,
    longest_select,
    quality_diverse_select,
    random_select,
    resolve_quotas,
    robust_scale,
    round_robin_select,
    semantic_deduplicate,
    split_budget,
    stratified_select,
    tags_from_clusters,
    threshold_diversity_select,
    transport_select,
    unbalanced_transport_select,
)

RANDOM, IN_WANTED, TRANSPORT = "random", "random in wanted languages", "transport"
IN_WANTED_TRANSPORT = "transport, wanted languages"
DRAWN = (RANDOM, IN_WANTED)
NOT_CENTRED, RELIABLE, UNCENTRED_RELIABLE = (
    "transport, not centred",
    "transport, reliability",
    "transport, not centred, reliability",
)
IN_WANTED_RELIABLE = "transport, wanted languages, reliability"
ALIGNMENT_ARMS = (
    *(RANDOM, TRANSPORT, RELIABLE, NOT_CENTRED, UNCENTRED_RELIABLE),
    *(IN_WANTED_TRANSPORT, IN_WANTED_RELIABLE),
)
N_CANDIDATES, N_COVERED, N_BASE = 20_000, 5_000, 1_000
"""Rows drawn for k-centre, facility location and TSDS to choose from; rows that facility location covers; rows that
GOT-D's model has seen."""
DUPLICATE = 0.95
Rows = Int[np.ndarray, " b"]
Choose = Callable[[Task, int, int], Rows]


@dataclass(frozen=True)
class Selector:
    """A way to choose.

    Attributes:
        choose: Of a task, a budget and a seed.
        nested: Whether a smaller budget's choice is the beginning of a larger one's, so that one run serves all.
        reliable: Whether it needs the reliability of languages.
        aimed: Whether it looks at the target, so that it is run for each.
    """

    choose: Choose
    nested: bool = False
    reliable: bool = False
    aimed: bool = False


def selectors_of(task: Task) -> dict[str, Selector]:
    """Return every selector that a task can be given, by name."""
    found = {name: one for name, one in PLAIN.items() if task.pool.reliability or not one.reliable}
    for quality in task.pool.qualities:
        found |= {
            f"{name}, {quality}": Selector(_with(choose, quality), aimed=name.startswith(TRANSPORT))
            for name, choose in BY_QUALITY.items()
        }
    return found


def _with(choose: Callable[[Task, int, int, np.ndarray], Rows], quality: str) -> Choose:
    return lambda task, budget, seed: choose(task, budget, seed, task.pool.qualities[quality])


def _draw(task: Task, budget: int, seed: int) -> Rows:
    return random_select(task.pool.n, budget, seed=seed).indices


def _draw_in_wanted(task: Task, budget: int, seed: int) -> Rows:
    """Draw in the target's languages alone; the selector that needs no vectors."""
    return random_select(
        task.pool.n, budget, groups=task.pool.languages, quotas=_wanted_quotas(task, budget), seed=seed
    ).indices


def _wanted_quotas(task: Task, budget: int) -> dict[str, int]:
    """Equal counts in the target's languages, as far as they have rows; the rest in proportion in the others."""
    names, counts = np.unique(task.pool.languages, return_counts=True)
    have = dict(zip(names.tolist(), counts.tolist(), strict=True))
    quotas = dict.fromkeys(task.wanted, min(budget // len(task.wanted), *(have[name] for name in task.wanted)))
    left = budget - sum(quotas.values())
    others = {name: n for name, n in have.items() if name not in quotas}
    return quotas | (divide_budget(others, left) if left else {})


def _transport(*, centred: bool = True, reliable: bool = False, in_wanted: bool = False, **options: Any) -> Choose:
    def choose(task: Task, budget: int, seed: int) -> Rows:
        given = dict(options)
        if centred:
            given |= {"groups": task.pool.languages, "target_groups": task.target_languages}
        if reliable:
            given["reliability"] = task.pool.reliability if centred else _by_row(task)
        if in_wanted:
            given["quotas"] = _wanted_quotas(task, budget)
        return transport_select(task.pool.vectors, task.target, budget, seed=seed, **given).indices

    return choose


def _by_row(task: Task) -> np.ndarray:
    return np.array([task.pool.reliability[name] for name in task.pool.languages.tolist()])


def _transport_by_quality(*, in_wanted: bool = False) -> Callable[[Task, int, int, np.ndarray], Rows]:
    def choose(task: Task, budget: int, seed: int, quality: np.ndarray) -> Rows:
        return _transport(in_wanted=in_wanted, quality=_scaled(quality))(task, budget, seed)

    return choose


def _scaled(quality: np.ndarray) -> np.ndarray:
    """Quality between its 1st and 99th percentile, in [LEAST, 1]."""
    scaled = robust_scale(quality, np.zeros(len(quality), dtype=int), clip=True)
    return np.clip(scaled, LEAST, 1)


def _neighbours(density: str, *, centred: bool) -> Choose:
    def choose(task: Task, budget: int, seed: int) -> Rows:
        pool, target = _space(task, centred)
        rows = _candidates(task, budget, seed)
        options: dict[str, Any] = {"density": density, "short": "nearest"}
        return rows[knn_transport_select(pool[rows], target, budget, seed=seed, **options).indices]

    return choose


def _gradient(*, centred: bool) -> Choose:
    def choose(task: Task, budget: int, seed: int) -> Rows:
        pool, target = _space(task, centred)
        base = pool[np.random.default_rng(seed).permutation(task.pool.n)[:N_BASE]]
        return gradient_select(pool, target, budget, base=base).indices

    return choose


def _unbalanced(*, centred: bool) -> Choose:
    return lambda task, budget, _: unbalanced_transport_select(*_space(task, centred), budget).indices


def _turns(*, centred: bool) -> Choose:
    return lambda task, budget, _: round_robin_select(*_space(task, centred), budget).indices


def _space(task: Task, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    return (task.pool.centred, task.centred_target) if centred else (task.pool.vectors, task.target)


def _cover(task: Task, budget: int, seed: int) -> Rows:
    rows = _candidates(task, budget, seed)
    n_covered = min(N_COVERED, len(rows))
    found = facility_location_select(task.pool.centred[rows], budget, metric="cosine", n_covered=n_covered, seed=seed)
    return rows[found.indices]


def _spread(task: Task, budget: int, seed: int) -> Rows:
    rows = _candidates(task, budget, seed)
    return rows[k_centre_select(task.pool.centred[rows], budget).indices]


def _candidates(task: Task, budget: int, seed: int) -> Rows:
    return np.random.default_rng(seed).permutation(task.pool.n)[: max(N_CANDIDATES, budget)]


def _deduplicate(task: Task, budget: int, seed: int) -> Rows:
    """Draw among what is no near-duplicate, in the model's own space; what is lacking, among duplicates."""
    kept = semantic_deduplicate(task.pool.vectors, clusters=task.pool.clusters, threshold=DUPLICATE).indices
    drawn = np.random.default_rng(seed).permutation(task.pool.n)
    inside = np.isin(drawn, kept)
    return np.concatenate([drawn[inside], drawn[~inside]])[:budget]


def _inform(task: Task, budget: int, _: int) -> Rows:
    return _inform_by_quality(task, budget, 0, np.ones(task.pool.n))


def _inform_by_quality(task: Task, budget: int, _: int, quality: np.ndarray) -> Rows:
    return information_gain_select(tags_from_clusters(task.pool.clusters), _scaled(quality), budget).indices


def _diverse(task: Task, budget: int, _: int, quality: np.ndarray) -> Rows:
    """M-DaQ, languages in proportion to the pool."""
    split = {name: split_budget(n) for name, n in resolve_quotas(task.pool.languages, budget, "proportional").items()}
    by_quality, by_cluster = ({name: parts[i] for name, parts in split.items()} for i in (0, 1))
    return quality_diverse_select(
        quality, task.pool.clusters, n_quality=by_quality, n_diverse=by_cluster, groups=task.pool.languages, fill=True
    ).indices


def _stratified(task: Task, budget: int, seed: int, quality: np.ndarray) -> Rows:
    """LASER, eight of its clusters a category: scores in percent of those of the same language."""
    categories = task.pool.clusters % 8
    names, counts = np.unique(categories, return_counts=True)
    shares = dict(zip(names.tolist(), (counts / counts.sum()).tolist(), strict=True))
    scores = robust_scale(quality, task.pool.languages, clip=True)
    return stratified_select(scores, categories, task.pool.centred, shares=shares, budget=budget, seed=seed).indices


def _best_unlike(task: Task, budget: int, seed: int, quality: np.ndarray) -> Rows:
    """DEITA: the best rows of which no two are near-duplicates; what is lacking, at random."""
    chosen = threshold_diversity_select(task.pool.centred, quality, budget, threshold=0.9).indices
    others = np.setdiff1d(np.random.default_rng(seed).permutation(task.pool.n)[: 2 * budget], chosen)
    return np.concatenate([chosen, others])[:budget]


def _best(task: Task, budget: int, _: int, quality: np.ndarray) -> Rows:
    return longest_select(quality, budget).indices


PLAIN = {
    RANDOM: Selector(_draw, nested=True),
    IN_WANTED: Selector(_draw_in_wanted),
    TRANSPORT: Selector(_transport(), aimed=True),
    NOT_CENTRED: Selector(_transport(centred=False), aimed=True),
    RELIABLE: Selector(_transport(reliable=True), reliable=True, aimed=True),
    UNCENTRED_RELIABLE: Selector(_transport(centred=False, reliable=True), reliable=True, aimed=True),
    IN_WANTED_TRANSPORT: Selector(_transport(in_wanted=True), aimed=True),
    IN_WANTED_RELIABLE: Selector(_transport(in_wanted=True, reliable=True), reliable=True, aimed=True),
    "transport, whole pool": Selector(_transport(moved="all"), aimed=True),
    "transport, duplicates let in": Selector(_transport(density_discount=False), aimed=True),
    "TSDS kde": Selector(_neighbours("kde", centred=True), aimed=True),
    "TSDS kde, not centred": Selector(_neighbours("kde", centred=False), aimed=True),
    "TSDS uniform": Selector(_neighbours("uniform", centred=True), aimed=True),
    "GOT-D": Selector(_gradient(centred=True), aimed=True),
    "GOT-D, not centred": Selector(_gradient(centred=False), aimed=True),
    "UOT": Selector(_unbalanced(centred=True), aimed=True),
    "UOT, not centred": Selector(_unbalanced(centred=False), aimed=True),
    "round robin": Selector(_turns(centred=True), nested=True, aimed=True),
    "round robin, not centred": Selector(_turns(centred=False), nested=True, aimed=True),
    "MIG": Selector(_inform, nested=True),
    "facility location": Selector(_cover, nested=True),
    "k-centre": Selector(_spread, nested=True),
    "SemDeDup": Selector(_deduplicate, nested=True),
    "longest": Selector(lambda task, budget, _: longest_select(task.pool.lengths, budget).indices, nested=True),
}
BY_QUALITY = {
    TRANSPORT: _transport_by_quality(),
    IN_WANTED_TRANSPORT: _transport_by_quality(in_wanted=True),
    "MIG": _inform_by_quality,
    "M-DaQ": _diverse,
    "LASER": _stratified,
    "DEITA": _best_unlike,
    "best": _best,
}
