"""Does the pivot's own task survive: a topic probe trained in the pivot, tested in it and in every other language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from tqdm import tqdm

from probes.judging import draw_resamples, interval_of
from xalign.corpora import Corpus, ParallelCorpus, language_name
from xalign.encoders import Activations, Encoder
from xalign.encoding import EncodingRequest, encode_corpus
from xalign.errors import CorpusError
from xalign.realigning.dividing import DEV, TEST, TRAIN
from xalign.realigning.dividing import Division as Rows
from xalign.realigning.languages import LanguageGroups
from xalign.transferring.dividing import Division, divide
from xalign.transferring.topics import majority_share, train_topics

PIVOT = "pivot"
TOLERATED = 0.05
"""A fall that an interval reaches is told, though it is not sure."""
TOPIC_COLUMNS = [
    "group",
    "layer_before",
    "layer_after",
    "before",
    "after",
    "change",
    "ci_low",
    "ci_high",
    "chance",
    "n_sentences",
    "n_languages",
]
ACCURACY_COLUMNS = ["side", "layer", "language", "group", "accuracy"]
TOPIC_WORDS = (
    "a linear topic probe is trained on the pivot's side of the sentences that the model was realigned on, at the "
    "layer that does best in the pivot on the watched ones (each model at its own), and tested on the measured ones; "
    "intervals resample these, the same for both models, and do not hold what another training of the probe would move"
)


@dataclass(frozen=True, eq=False)
class TopicHits:
    """How well one model's topics are recognised.

    Attributes:
        hits: By layer and language, whether each measured sentence was given its topic.
        choosing: By layer, the pivot's accuracy on the sentences that choose the layer.
        chance: What always naming the most frequent topic scores.
    """

    hits: Mapping[int, Mapping[str, Bool[np.ndarray, " tested"]]]
    choosing: Mapping[int, float]
    chance: float

    @property
    def layer(self) -> int:
        """The pivot's best layer on sentences that are not tested; on a tie the lowest."""
        return max(self.choosing, key=lambda number: (self.choosing[number], -number))

    def of(self, languages: Sequence[str]) -> Float[np.ndarray, "tested languages"]:
        """The hits at the chosen layer, a column per language."""
        return np.column_stack([self.hits[self.layer][language] for language in languages]).astype(float)


@dataclass(frozen=True, eq=False)
class TopicTask:
    """A task that topics make of a divided corpus; `find_task` makes sure that it can be learnt.

    Attributes:
        rows: The corpus with its splits.
        division: Which rows train, choose the layer and test.
        pivot: The language of training.
        seed: Of the folds that choose a penalty.
    """

    rows: Rows
    division: Division
    pivot: str
    seed: int

    @property
    def labels(self) -> tuple[str, ...]:
        """The topic of each row."""
        return (self.rows.corpus.labels or ()) if isinstance(self.rows.corpus, ParallelCorpus) else ()


def find_task(rows: Rows, *, pivot: str, seed: int) -> TopicTask:
    """Make a task of a corpus with topics.

    Args:
        rows: A divided corpus.
        pivot: The language of training.
        seed: Of the folds that choose a penalty.

    Raises:
        CorpusError: If there are no topics, or too few sentences of one; the message is why there is no task score.
    """
    if not isinstance(rows.corpus, ParallelCorpus):
        raise CorpusError(f"{rows.corpus.name} is a set of bitexts; a task needs the same sentences in all languages")
    return TopicTask(rows, divide(rows.corpus, seed=seed), pivot, seed)


def score_topics(encoder: Encoder, task: TopicTask, request: EncodingRequest) -> TopicHits:
    """Train a topic probe on the pivot at every layer, and test it in every language.

    Args:
        encoder: The model.
        task: The sentences; of languages beside the pivot only those that test are read.
        request: How to encode; asked as the probes ask, so that a cache serves both.
    """
    rows, pivot = task.rows, task.pivot
    own = {split: _encoded(encoder, rows.part(split).select(pivot), request)[pivot] for split in (TRAIN, DEV)}
    tested = _encoded(encoder, rows.test, request)
    topics, hits, choosing = np.array(task.labels)[task.division.tested], {}, {}
    for number in tqdm(tested[pivot].layer_numbers, desc="training topics", unit="layer", disable=not request.progress):
        parts = {split: encoded.layer(number) for split, encoded in own.items()} | {TEST: tested[pivot].layer(number)}
        stack = _put_back(rows.corpus, parts)
        probe = train_topics(stack, task.labels, task.division, seed=task.seed)
        (model,) = probe.models
        hits[number] = {name: model.predict(encoded.layer(number)) == topics for name, encoded in tested.items()}
        choosing[number] = probe.choosing_accuracy(stack)
    return TopicHits(hits, choosing, majority_share(task.labels, task.division))


def compare_topics(
    before: TopicHits, after: TopicHits, groups: LanguageGroups, *, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Average accuracy over each group's languages, before and after.

    Args:
        before: The starting model's.
        after: The realigned model's, of the same sentences.
        groups: Which language is in which.
        n_resamples: Of sentences, behind each interval.
        seed: Of these.

    Returns:
        A row for the pivot and for each group: accuracy before and after, each at the model's own layer, and the
        change's 95 % bootstrap interval over sentences, which are drawn together for both models and all languages.
    """
    rows: list[dict[str, Any]] = []
    for group, languages in ((PIVOT, (groups.pivot,)), *groups.items()):
        first, second = (side.of(languages).mean(axis=1) for side in (before, after))
        change = second - first
        resampled = draw_resamples(change.size, n_resamples, seed=seed) @ change / change.size
        interval = interval_of(float(change.mean()), resampled)
        rows.append(
            {"group": group, "layer_before": before.layer, "layer_after": after.layer}
            | {"before": first.mean(), "after": second.mean(), "change": interval.score}
            | {"ci_low": interval.low, "ci_high": interval.high, "chance": before.chance}
            | {"n_sentences": change.size, "n_languages": len(languages)}
        )
    return pd.DataFrame(rows, columns=TOPIC_COLUMNS)


def tabulate_accuracy(before: TopicHits, after: TopicHits, groups: LanguageGroups) -> pd.DataFrame:
    """Return a row per side, layer and language: its accuracy and its group."""
    of = {groups.pivot: PIVOT, **groups.by_language}
    rows = [
        (side, layer, language, of[language], float(found.mean()))
        for side, model in (("before", before), ("after", after))
        for layer, hits in model.hits.items()
        for language, found in hits.items()
    ]
    return pd.DataFrame(rows, columns=ACCURACY_COLUMNS)


def warn_of_fall(topics: pd.DataFrame, pivot: str) -> Iterator[str]:
    """Say it if the pivot's own task got surely worse, or if the text cannot tell."""
    own = topics[topics["group"] == PIVOT]
    for row in own.to_dict("records"):
        interval = f"95 % interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}".replace("-", "−")
        name = language_name(pivot)
        if row["ci_high"] < 0:
            yield (
                f"{name}'s own topic accuracy falls from {row['before']:.3f} to {row['after']:.3f} ({interval}): what "
                "is gained in other languages is paid for in the pivot; fewer steps, a lower learning rate or a "
                "stronger anchor keep more of it"
            )
        elif row["ci_low"] < -TOLERATED:
            yield f"{row['n_sentences']} sentences cannot tell whether {name}'s own topic accuracy fell ({interval})"


def _encoded(encoder: Encoder, corpus: Corpus, request: EncodingRequest) -> Mapping[str, Activations]:
    (group,) = encode_corpus(encoder, corpus, request)
    return group.activations


def _put_back(corpus: Corpus, parts: Mapping[str, Float[np.ndarray, "_ d"]]) -> Float[np.ndarray, "n d"]:
    """Put the rows of each split where the corpus has them; rows of no split stay 0 and are never read."""
    splits = np.array(corpus.splits if isinstance(corpus, ParallelCorpus) else ())
    found = np.zeros((splits.size, parts[TEST].shape[1]), dtype=np.float32)
    for split, values in parts.items():
        found[splits == split] = values
    return found
