"""Retrieval from one pool of all languages: do right answers come first whatever their language is?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, namespace, to_host
from probes.judging import judged_by
from probes.language_judging import LanguagePreparation
from probes.prepared_pool import PreparedPool
from probes.retrieval_sides import Labels, RetrievalSide, label_rows, members_of, retrieval_side

ByLanguage = Mapping[str, Float[Array, "_ d"]]


@dataclass(frozen=True)
class MultilingualPool:
    """Retrieval from a pool of all languages.

    Attributes:
        mean_average_precision: Over the queries of all languages.
        per_language: Over the queries of each language.
        top_language: Row i, column j: the share of the queries in language i whose first answer is in language j.
        chance: The expected score when every order of the candidates is equally likely.
        own_language_chance: What the diagonal of `top_language` would be then.
        languages: In the order of the rows and columns of `top_language`.
        n_queries: How many queries each language asks.
    """

    mean_average_precision: float
    per_language: dict[str, float]
    top_language: Float[np.ndarray, "m m"]
    chance: float
    own_language_chance: float
    languages: tuple[str, ...]
    n_queries: int

    @property
    def score(self) -> float:
        """The mean average precision."""
        return self.mean_average_precision

    @property
    def own_language(self) -> float:
        """The share of queries whose first answer is in their own language; beside `own_language_chance` the bias."""
        return float(np.diag(self.top_language).mean())


@dataclass(frozen=True)
class PoolPreparation(LanguagePreparation):
    """The multilingual pool.

    Attributes:
        candidates: Vectors of the candidates of each language; None where queries are each other's candidates.
        answers: Of each query, the row of its right candidate; row i for query i where None.
        groups: A label per candidate row; rows of a label are right answers to the same queries.
    """

    candidates: ByLanguage | None = None
    answers: Sequence[int] | Int[np.ndarray, " n"] | None = None
    groups: Labels | None = None

    def of(self, x_by_language: ByLanguage) -> PreparedPool:
        """Return the pool of all languages.

        Raises:
            ValueError: As `multilingual_pool`.
        """
        queries = _sides(x_by_language, "queries")
        pool = queries if self.candidates is None else _sides(self.candidates, "candidates")
        if set(pool) != set(queries):
            raise ValueError(f"candidates must be in the languages of the queries, {_told(queries)}, got {_told(pool)}")
        pool = {language: pool[language] for language in queries}
        _require_one_shape(queries, pool)
        n_rows = next(iter(pool.values())).n
        answers = self._answers(next(iter(queries.values())).n, n_rows)
        labels = label_rows(self.groups, n_rows)
        right = members_of(labels)[labels[answers]]
        units = [unit_rows(side) for side in queries.values()]
        stacked = units if self.candidates is None else [unit_rows(side) for side in pool.values()]
        joined = namespace(*stacked).concat(stacked, axis=0)
        return PreparedPool(tuple(queries), units, joined, right, self.candidates is not None)

    def _answers(self, n_queries: int, n_candidates: int) -> Int[np.ndarray, " n"]:
        if self.answers is None:
            if n_queries != n_candidates:
                raise ValueError(
                    f"answers must name the right candidate of each of the {n_queries} queries among {n_candidates} "
                    "candidates, got none; only equally many are matched by position"
                )
            return np.arange(n_queries)
        answers = to_host(self.answers)
        if self.candidates is None:
            raise ValueError("answers must come with candidates, got answers alone; use groups for equal sentences")
        if answers.shape != (n_queries,) or answers.dtype.kind not in "iu":
            raise ValueError(
                f"answers must be a row of candidates for each of the {n_queries} queries, got {answers.dtype} of "
                f"shape {answers.shape}"
            )
        if answers.min() < 0 or answers.max() >= n_candidates:
            raise ValueError(
                f"answers must be rows of the {n_candidates} candidates from 0, got {answers.min()} to {answers.max()}"
            )
        return answers


def _sides(x_by_language: ByLanguage, name: str) -> dict[str, RetrievalSide]:
    if len(x_by_language) < 2:
        raise ValueError(f"{name} must be in at least 2 languages, got {len(x_by_language)}; a pool has several")
    return {language: retrieval_side(x, name=language, minimum=1) for language, x in x_by_language.items()}


def _told(sides: Mapping[str, RetrievalSide]) -> str:
    return ", ".join(sides)


def _require_one_shape(queries: Mapping[str, RetrievalSide], pool: Mapping[str, RetrievalSide]) -> None:
    for sides in (queries, pool):
        first, expected = next(iter(sides.items()))
        for language, side in sides.items():
            if side.unit.shape != (expected.n, next(iter(queries.values())).unit.shape[1]):
                raise ValueError(
                    f"{language} must have the shape of {first}, {tuple(expected.unit.shape)}, got "
                    f"{tuple(side.unit.shape)}; rows are matched by position in all languages"
                )


def unit_rows(side: RetrievalSide) -> Float[Array, "n d"]:
    """Return the rows divided by their lengths in float64, whatever type they came in."""
    xp = namespace(side.rows)
    return xp.astype(side.rows, xp.float64) / side.lengths[:, None]


@judged_by(PoolPreparation)
def multilingual_pool(
    x_by_language: ByLanguage,
    *,
    candidates: ByLanguage | None = None,
    answers: Sequence[int] | Int[np.ndarray, " n"] | None = None,
    groups: Labels | None = None,
) -> MultilingualPool:
    """Retrieve from one pool of all languages: mean average precision, and the language of the first answer.

    Without `candidates` every sentence asks, the sentences of all languages are the pool, the sentence itself is no
    candidate and its translations in all other languages are right. With them (questions and paragraphs) the right
    paragraph is right in every language, the question's own among them. A model that clusters by language puts wrong
    answers of the query's language before right ones of others: `top_language` shows it, beside `own_language_chance`.

    Level candidates are in random order: the expected average precision is told, so the order of rows never matters.
    Products are taken in float64 where the arrays live, ranks on the host. The time grows with the square of languages
    times sentences: `probes.prepared_pool.pool_seconds` estimates it.

    Args:
        x_by_language: Vectors of the queries by language; row i asks the same in all.
        candidates: Vectors of the candidates by language, in the same languages; row i says the same in all.
        answers: Of each query, the row of its right candidate; row i where None.
        groups: A label per candidate row: rows of a label are right answers to the same queries (equal sentences).
            Without `candidates`, rows of a query's label in its own language are no candidates of it.

    Returns:
        The mean over all queries and over those of each language, and who gives first answers.

    Raises:
        ValueError: If fewer than 2 languages are given, shapes differ between them, a value is not finite, a row is
            zero, `answers` leads outside or stands without `candidates`, or there is not one label per row.

    References:
        Roy et al. (2020), LAReQA: Language-Agnostic Answer Retrieval from a Multilingual Pool, arXiv:2004.05484,
            sections 3 and 5 (mAP, language bias).
    """
    prepared = PoolPreparation(candidates, answers, groups).of(x_by_language)
    scores = prepared.scores
    return MultilingualPool(
        mean_average_precision=float(scores.mean()),
        per_language=dict(zip(prepared.languages, scores.tolist(), strict=True)),
        top_language=prepared.top_language,
        chance=float(prepared.chances.mean()),
        own_language_chance=prepared.own_language_chance,
        languages=prepared.languages,
        n_queries=len(prepared.right),
    )
