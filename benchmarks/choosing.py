"""How long a choice of languages takes, and how near to the best it is proven to be."""

from collections.abc import Iterator

import numpy as np

from benchmarks.rows import Row, lasts, skipped
from benchmarks.settings import Settings
from benchmarks.timing import wall_and_processor_seconds
from selection.languages import LanguageChoice, choose_languages

N_FEW, FEW_S = 40, 2.0
N_MANY, K_OF_MANY, MANY_S = 205, 20, 5.0
OBJECTIVES = ("max_sum", "max_min", "facility_location", "k_medoids", "min_sum")


def rows(settings: Settings) -> Iterator[Row]:
    """Time exact choices of few languages and bounded ones of many, on URIEL features and on random numbers."""
    for k in (5, 10, 20):
        yield _timed(f"exact max_sum, k = {k}", random_distances(N_FEW), k, "random numbers", FEW_S, settings)
    features = settings.data / "typology" / "feature_predictions.npz"
    if not features.is_file():
        yield skipped("choices by URIEL features", f"no {features}")
        return
    few, many = (uriel_distances(features, m) for m in (N_FEW, N_MANY))
    for k in (5, 10, 20):
        yield _timed(f"exact max_sum, k = {k}", few, k, "URIEL", FEW_S, settings)
    for objective in OBJECTIVES:
        for method in ("greedy", "auto"):
            what = f"{method} {objective}, k = {K_OF_MANY}, with its gap"
            yield _timed(what, many, K_OF_MANY, "URIEL", MANY_S, settings, objective=objective, method=method)


def random_distances(m: int) -> np.ndarray:
    """Draw distances that no geometry binds, the hardest to prove anything of."""
    upper = np.triu(np.random.default_rng(0).random((m, m)), 1)
    return upper + upper.T


def uriel_distances(path: object, m: int) -> np.ndarray:
    """Return the angles between the feature vectors of m languages."""
    with np.load(str(path), allow_pickle=False) as arrays:
        features = arrays["data"][:, :, 0].astype(np.float64)
    features = features[np.random.default_rng(0).choice(len(features), m, replace=False)]
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    angles = np.arccos(np.clip(features @ features.T, -1, 1))
    np.fill_diagonal(angles, 0)
    return angles


def _timed(
    what: str,
    distances: np.ndarray,
    k: int,
    kind: str,
    under_s: float,
    settings: Settings,
    *,
    objective: str = "max_sum",
    method: str = "exact",
) -> Row:
    names = [f"language {i}" for i in range(len(distances))]
    found: list[LanguageChoice] = []

    def choose() -> None:
        found[:] = [choose_languages(distances, k, languages=names, objective=objective, method=method)]

    wall, processor = wall_and_processor_seconds(choose, repeats=settings.choose(3, 1))
    proven = "proven" if found[0].optimal else f"gap {found[0].gap:.2%}"
    return lasts(f"{what}: {proven}", f"{len(distances)} languages, {kind}", wall, processor, under_s=under_s)
