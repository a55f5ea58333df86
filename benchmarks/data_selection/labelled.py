"""Topics and sentiment: does a probe that is trained on the chosen rows know the wanted languages' test sentences?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from benchmarks.data_selection.encoding import Vectors
from benchmarks.data_selection.settings import BUDGETS, N_TARGET, PIVOT, SENTIMENT, TOPICS, WANTED, Experiment
from benchmarks.data_selection.tasks import Measured, Pool, Task, neighbour_agreement, reliability_against
from benchmarks.data_selection.texts import Labelled, Planted, plant, read_flores, read_nusax

PENALTIES = (1e-3, 1e-2, 1e-1)
"""Inverse strengths of the ridge penalty; the best on development sentences outside the target is taken."""
READERS = {TOPICS: read_flores, SENTIMENT: read_nusax}


@dataclass(frozen=True, eq=False)
class Examination:
    """Trains a probe on rows of a pool and tests it.

    Attributes:
        vectors: Of the pool.
        planted: The labels it is trained on.
        dev: Vectors and labels that choose the penalty.
        test: Vectors and labels by language, row i of each a translation of the others'.
    """

    vectors: Float[np.ndarray, "n d"]
    planted: Planted
    dev: tuple[Float[np.ndarray, "m d"], np.ndarray]
    test: Mapping[str, tuple[Float[np.ndarray, "k d"], np.ndarray]]

    def measure(self, rows: Int[np.ndarray, " b"]) -> Measured:
        """Return accuracy, in all and by language, `hits` by test sentence, and shares of what was planted.

        Returns:
            `wrong`: the share of rows with a wrong label; `repeats`: of rows that say the same as an earlier one, of
            which they are a copy or which is a copy of the same.
        """
        predict = self._train(rows)
        hits = {language: predict(x) == labels for language, (x, labels) in self.test.items()}
        by_sentence = np.mean(list(hits.values()), axis=0)
        return {
            "accuracy": float(by_sentence.mean()),
            "by_language": {language: round(float(own.mean()), 4) for language, own in hits.items()},
            "hits": by_sentence.round(4).tolist(),
            "wrong": float(self.planted.wrong[rows].mean()),
            "repeats": 1 - len(np.unique(self.planted.origin[rows])) / len(rows),
        }

    def _train(self, rows: Int[np.ndarray, " b"]) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        x, labels = self.vectors[rows].astype(np.float64), self.planted.labels[rows]
        if len(np.unique(labels)) == 1:
            return lambda tested: np.repeat(labels[:1], len(tested))
        probes = [make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-3, max_iter=500)) for c in PENALTIES]
        scores = [probe.fit(x, labels).score(*self.dev) for probe in probes]
        return probes[int(np.argmax(scores))].predict


@dataclass(frozen=True, eq=False)
class LabelledData:
    """The vectors of a labelled corpus, and what was planted in its training sentences."""

    question: str
    corpus: Mapping[str, Labelled]
    vectors: Vectors
    n_languages: int | None = None

    @cached_property
    def languages(self) -> list[str]:
        """The languages of the pool, sorted: all, or the wanted, English and some that are drawn."""
        every = sorted(self.corpus["train"].texts)
        if self.n_languages is None:
            return every
        kept = [name for name in every if name in (PIVOT, *WANTED[self.question])]
        others = np.setdiff1d(every, kept)
        drawn = np.random.default_rng(0).permutation(others)[: max(0, self.n_languages - len(kept))]
        return sorted([*kept, *drawn.tolist()])

    @cached_property
    def planted(self) -> Planted:
        """The pool's labels and copies."""
        train = self.corpus["train"]
        texts, labels = ([one for name in self.languages for one in own[name]] for own in (train.texts, train.labels))
        return plant(texts, labels)

    def of(self, split: str, language: str) -> Float[np.ndarray, "n d"]:
        """Return the vectors of a split in one language."""
        return self.vectors.of(f"{self.question}/{split}_{language}", self.corpus[split].texts[language])

    @cached_property
    def _order(self) -> Int[np.ndarray, " n"]:
        """Of rows and copies, so that ties favour no language."""
        return np.random.default_rng(0).permutation(len(self.planted.origin))

    @cached_property
    def pool(self) -> Pool:
        """All rows and copies, their labels' agreement with neighbours as quality."""
        train = self.corpus["train"].texts
        own = {language: self.of("train", language) for language in self.languages}
        copies = self.vectors.of(f"{self.question}/copies_{len(self.languages)}", self.planted.copies)
        rows = [(language, len(text)) for language in self.languages for text in train[language]]
        languages, lengths = (np.array(column)[self.planted.origin] for column in zip(*rows, strict=True))
        pool = Pool(
            vectors=np.concatenate([*own.values(), copies])[self._order],
            languages=languages[self._order],
            lengths=lengths[self._order],
            reliability=reliability_against(own[PIVOT], own) if self.question == TOPICS else {},
        )
        pool.qualities["agreement"] = neighbour_agreement(pool.centred, self.planted.take(self._order).labels)
        return pool

    @cached_property
    def test(self) -> dict[str, tuple[Float[np.ndarray, "k d"], np.ndarray]]:
        """Vectors and labels of the test sentences in the wanted languages."""
        return {
            name: (self.of("test", name).astype(np.float64), np.array(self.corpus["test"].labels[name]))
            for name in WANTED[self.question]
        }

    def task(self, which: int) -> Task:
        """Put the pool, one of the targets and the examination together."""
        target, target_languages, dev = self._target(which)
        unseen = np.concatenate([self.of("test", name) for name in self.test])
        return Task(
            name=self.question,
            pool=self.pool,
            target=target,
            target_languages=target_languages,
            unseen=(unseen, np.repeat(list(self.test), [len(labels) for _, labels in self.test.values()])),
            budgets=[round(share * self.pool.n) for share in BUDGETS[self.question]],
            measure=Examination(self.pool.vectors, self.planted.take(self._order), dev, self.test).measure,
        )

    def _target(self, which: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Deal development sentences out to the wanted languages, each to one; what is left chooses the penalty."""
        wanted, dev = WANTED[self.question], self.corpus["dev"]
        sentences = np.random.default_rng(which).permutation(len(dev.texts[wanted[0]]))[:N_TARGET]
        dealt = dict(zip(wanted, np.array_split(sentences, len(wanted)), strict=True))
        target = np.concatenate([self.of("dev", name)[dealt[name]] for name in wanted])
        names = np.repeat(wanted, [len(dealt[name]) for name in wanted])
        rest = {name: np.setdiff1d(np.arange(len(dev.texts[name])), dealt[name]) for name in wanted}
        x = np.concatenate([self.of("dev", name)[rest[name]] for name in wanted]).astype(np.float64)
        labels = np.concatenate([np.array(dev.labels[name])[rest[name]] for name in wanted])
        return target, names, (x, labels)


def labelled_tasks(question: str, experiment: Experiment) -> Callable[[int], Task]:
    """Read, encode and plant; topics come with reliability, as FLORES-200 has English for every sentence.

    Returns:
        Gives the task with the target of a number.
    """
    n_languages = experiment.n_languages if question == TOPICS else None
    vectors = Vectors(experiment.out / "vectors")
    return LabelledData(question, READERS[question](experiment.data), vectors, n_languages).task
