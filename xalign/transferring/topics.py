"""A linear topic probe: trained on the pivot's sentences, tested on other sentences in every language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from xalign.transferring.dividing import Division

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.preprocessing import StandardScaler

PENALTIES = tuple(float(c) for c in np.logspace(-4, 2, 7))
"""Inverse strengths of the ridge penalty that cross-validation chooses among; the smallest of equals is taken."""
N_FOLDS = 5
MAX_STEPS = 10_000


@dataclass(frozen=True, eq=False)
class Trained:
    """A topic probe of one training set.

    Attributes:
        scaler: Mean and standard deviation of each column over the pivot's training sentences.
        regression: What was fitted to the standardised columns.
    """

    scaler: StandardScaler
    regression: LogisticRegressionCV

    def predict(self, x: Float[np.ndarray, "n d"]) -> np.ndarray:
        """Name the topic of each row; another language's columns are standardised as the pivot's."""
        return self.regression.predict(self.scaler.transform(x.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class TopicProbe:
    """The topic probes of one layer, one for each set of training sentences.

    Attributes:
        models: One for each fold of the division.
        division: Which sentences serve for what.
        topics: The topic of each sentence.
    """

    models: tuple[Trained, ...]
    division: Division
    topics: np.ndarray

    @property
    def penalties(self) -> tuple[float, ...]:
        """The inverse penalty that each fold's cross-validation chose."""
        return tuple(float(model.regression.C_) for model in self.models)

    def hits(self, x: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " tested"]:
        """Say of each tested sentence, in the order of `division.tested`, whether it is given its topic.

        Args:
            x: All vectors of one language, the corpus' rows.
        """
        folds = zip(self.models, self.division.folds, strict=True)
        return np.concatenate([self._hits_at(model, x, test) for model, (_, test) in folds])

    def choosing_accuracy(self, x: Float[np.ndarray, "n d"]) -> float:
        """Return the accuracy on the rows that choose the layer; `x` is the pivot's."""
        rows = self.division.choosing
        return float(np.mean(self.hits(x) if rows is None else self._hits_at(self.models[0], x, rows)))

    def _hits_at(
        self, model: Trained, x: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " m"]
    ) -> Bool[np.ndarray, " m"]:
        return model.predict(x[rows]) == self.topics[rows]


def train_topics(x: Float[np.ndarray, "n d"], labels: Sequence[str], division: Division, *, seed: int) -> TopicProbe:
    """Train on the pivot's vectors of one layer.

    Multinomial logistic regression with a ridge penalty, on columns standardised over the training sentences. The
    penalty is the one of best accuracy in 5-fold cross-validation within these (fewer folds where a topic has fewer).

    Args:
        x: The pivot's vectors, the corpus' rows; only those to train on are read.
        labels: The topic of each sentence.
        division: Which sentences serve for what.
        seed: Of the folds that choose the penalty.
    """
    topics = np.array(labels)
    models = tuple(_train(x[train], topics[train], seed) for train, _ in division.folds)
    return TopicProbe(models, division, topics)


def majority_share(labels: Sequence[str], division: Division) -> float:
    """Return what always naming the most frequent topic would score."""
    tested = np.array(labels)[division.tested]
    return float(np.unique(tested, return_counts=True)[1].max() / tested.size)


def _train(x: Float[np.ndarray, "n d"], topics: np.ndarray, seed: int) -> Trained:
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    rarest = int(np.unique(topics, return_counts=True)[1].min())
    scaler = StandardScaler().fit(x.astype(np.float64))
    # Along a path of penalties each fit starts where the last one ended: far faster than separate fits.
    regression = LogisticRegressionCV(
        Cs=PENALTIES,
        cv=StratifiedKFold(min(N_FOLDS, rarest), shuffle=True, random_state=seed),
        l1_ratios=(0.0,),
        scoring="accuracy",
        max_iter=MAX_STEPS,
        use_legacy_attributes=False,
    )
    return Trained(scaler, regression.fit(scaler.transform(x.astype(np.float64)), topics))
