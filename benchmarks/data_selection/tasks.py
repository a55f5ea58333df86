"""A pool, a target, what is known of each row, and how a set of rows is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from probes import retrieval_accuracy
from selection.data import GroupMeans, cluster_rows

LEAST = 0.05
"""No language counts for less."""
N_JUDGED = 1000
"""Rows of a set that its transport cost is measured on."""
Measured = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Pool:
    """What there is to choose from.

    Attributes:
        vectors: As the encoder gave them.
        languages: Of the rows.
        lengths: Of the rows, in characters.
        reliability: Of each language, in (0, 1]; empty where no report is at hand.
        qualities: Scores of the rows by name, up is better; every selector that takes a quality is given each.
    """

    vectors: Float[np.ndarray, "n d"]
    languages: np.ndarray
    lengths: Int[np.ndarray, " n"]
    reliability: Mapping[str, float] = field(default_factory=dict)
    qualities: dict[str, Float[np.ndarray, " n"]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.vectors)

    @cached_property
    def centred(self) -> Float[np.ndarray, "n d"]:
        """Vectors less each language's mean."""
        return self.means.centre(self.vectors, self.languages)

    @cached_property
    def means(self) -> GroupMeans:
        """Of each language."""
        return GroupMeans().add(self.vectors, self.languages)

    @cached_property
    def clusters(self) -> Int[np.ndarray, " n"]:
        """Clusters of the centred rows, which serve as tags and categories; about the root of the pool, at most 400."""
        return cluster_rows(self.centred, int(min(400, np.sqrt(self.n)))).labels


@dataclass(frozen=True, eq=False)
class Task:
    """What selectors are given, and what judges them.

    Attributes:
        name: Of the question.
        pool: What there is to choose from.
        target: Vectors of what is wanted.
        target_languages: Of the target's rows.
        unseen: Vectors like the target's that no selector sees, and their languages.
        budgets: Rows to choose.
        measure: Gives the question's own figures of chosen rows.
        facts: Of the question, kept beside its runs.
    """

    name: str
    pool: Pool
    target: Float[np.ndarray, "m d"]
    target_languages: np.ndarray
    unseen: tuple[Float[np.ndarray, "u d"], np.ndarray]
    budgets: Sequence[int]
    measure: Callable[[Int[np.ndarray, " b"]], Measured]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The target's languages."""
        return tuple(np.unique(self.target_languages).tolist())

    @cached_property
    def centred_target(self) -> Float[np.ndarray, "m d"]:
        """The target less the means of the pool."""
        return self.pool.means.centre(self.target, self.target_languages)

    def judge(self, rows: Int[np.ndarray, " b"]) -> Measured:
        """Return the figures of every question, and the question's own.

        Returns:
            `coverage`, the mean over targets of the cosine to the nearest chosen row, and `unseen`, over those that no
            selector saw; `cost`, of moving the set to the target, exactly, on up to 1,000 rows; all in the centred
            space. `wanted`, the share of rows in the target's
            languages; `entropy` of languages, as a share of the pool's greatest; `shares` of languages.
        """
        import ot

        names, counts = np.unique(self.pool.languages[rows], return_counts=True)
        shares = counts / len(rows)
        units, wanted = _units(self.pool.centred[rows]), _units(self.centred_target)
        others = _units(self.pool.means.centre(*self.unseen))
        some = np.random.default_rng(0).permutation(len(rows))[:N_JUDGED]
        costs = (1 - (units[some] @ wanted.T).astype(np.float64)) / 2
        return {
            "coverage": float((wanted @ units.T).max(axis=1).mean()),
            "unseen": float((others @ units.T).max(axis=1).mean()),
            "cost": float(ot.emd2([], [], costs, numItermax=1_000_000)),
            "wanted": float(np.isin(self.pool.languages[rows], self.wanted).mean()),
            "entropy": float(-(shares * np.log(shares)).sum() / np.log(len(np.unique(self.pool.languages)))),
            "shares": dict(zip(names.tolist(), shares.round(6).tolist(), strict=True)),
            **self.measure(rows),
        }


def neighbour_agreement(
    rows: Float[np.ndarray, "n d"], labels: np.ndarray, *, k: int = 20, n_references: int = 10_000, seed: int = 0
) -> Float[np.ndarray, " n"]:
    """Score rows by how many of their neighbours, among rows drawn at random, have their label.

    A row that says nearly the same as another shares its neighbours, so that the wrong labels of copies show too; a row
    itself is no neighbour of its own.

    Returns:
        The share of the k nearest by cosine, in [0, 1].
    """
    units = _units(rows)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(rows))[:n_references])
    place = np.full(len(rows), -1)
    place[drawn] = np.arange(len(drawn))
    found = np.empty(len(rows))
    for start in range(0, len(rows), 1024):
        block = slice(start, start + 1024)
        cosines = units[block] @ units[drawn].T
        own = np.flatnonzero(place[block] >= 0)
        cosines[own, place[block][own]] = -2
        nearest = drawn[np.argpartition(-cosines, k, axis=1)[:, :k]]
        found[block] = (labels[nearest] == labels[block][:, None]).mean(axis=1)
    return found


def reliability_against(
    pivot: Float[np.ndarray, "n d"], vectors: Mapping[str, Float[np.ndarray, "n d"]]
) -> dict[str, float]:
    """Return P@1 of each language with the pivot, the probe `retrieval`, as a reliability: at least .05."""
    found = {name: retrieval_accuracy(x, pivot).score for name, x in vectors.items()}
    return {name: max(LEAST, score) for name, score in found.items()}


def _units(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
