"""From what a study found to its result: the tables, how they were made, and what to beware of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from xalign.corpora import language_name
from xalign.realigning.dividing import DEV, TEST
from xalign.realigning.languages import LanguageGroups
from xalign.realigning.measuring import Measured
from xalign.realigning.movement import FEWEST, TEST_WORDS, measure_movement, tabulate_changes
from xalign.realigning.picking import Pick
from xalign.realigning.places import TrainingOutcome
from xalign.realigning.results import Realignment
from xalign.realigning.topics import (
    ACCURACY_COLUMNS,
    TOPIC_COLUMNS,
    TOPIC_WORDS,
    TopicTask,
    compare_topics,
    tabulate_accuracy,
    warn_of_fall,
)
from xalign.report_words import join_words
from xalign.run_facts import describe_model, describe_versions

if TYPE_CHECKING:
    from xalign.realigning.studying import Study

FEWEST_SENTENCES = 50


@dataclass(frozen=True, eq=False)
class Found:
    """All that a study found, before it is put in order.

    Attributes:
        groups: The languages by group.
        pick: How they were chosen, if they were here.
        before: The starting model.
        after: The realigned one.
        outcome: What `train` returned.
        word_pairs: Where its pairs of words came from.
        task: The task that topics make, or why there is none.
        seconds: Durations by name.
    """

    groups: LanguageGroups
    pick: Pick | None
    before: Measured
    after: Measured
    outcome: TrainingOutcome
    word_pairs: str
    task: TopicTask | str
    seconds: Mapping[str, float]


def put_together(study: Study, found: Found) -> Realignment:
    """Compare before and after, and write down how it came about."""
    changes = tabulate_changes(found.before.report.table, found.after.report.table, found.groups.by_language)
    moved, (topics, accuracy) = measure_movement(changes, seed=study.measuring.seed), _topics(study, found)
    return Realignment(
        folder=study.folder,
        before=found.before.report,
        after=found.after.report,
        moved=moved,
        changes=changes,
        topics=topics,
        accuracy=accuracy,
        run=_describe(study, found, moved),
        warnings=tuple(_warn(study, found, topics)),
    )


def _topics(study: Study, found: Found) -> tuple[pd.DataFrame, pd.DataFrame]:
    before, after = found.before.topics, found.after.topics
    if before is None or after is None:
        return pd.DataFrame(columns=TOPIC_COLUMNS), pd.DataFrame(columns=ACCURACY_COLUMNS)
    how = {"n_resamples": study.measuring.n_resamples, "seed": study.measuring.seed}
    return compare_topics(before, after, found.groups, **how), tabulate_accuracy(before, after, found.groups)


def _describe(study: Study, found: Found, moved: pd.DataFrame) -> dict[str, Any]:
    """What was done to which model with which text, and the two headlines."""
    groups, corpus = found.groups, study.rows.corpus
    choice = None if found.pick is None else {"k": len(groups.chosen), "reasons": found.pick.reasons}
    candidates = sorted({*groups.chosen, *groups.other})
    return {
        "headline": {"probe": study.measuring.probe, "layer": study.layer},
        "pivot": groups.pivot,
        "languages": list(groups.chosen),
        "candidates": candidates,
        "other": list(groups.other),
        "unseen": list(groups.unseen),
        "groups": groups.words,
        "choice": choice,
        "before": _means(moved, "before"),
        "after": _means(moved, "after"),
        "settings": study.settings.as_json() | {"aligned_layers": list(_aligned(study))},
        "training": _training(found.outcome) | {"word_pairs": found.word_pairs},
        "seeds": {"training": study.settings.seed, "measuring": study.measuring.seed},
        "corpus": found.before.report.run["corpus"] | {"hash": study.rows.fingerprint, "sentences": corpus.n},
        "division": study.rows.words,
        "measuring": study.measuring.as_json(),
        "tests": TEST_WORDS,
        "task": found.task if isinstance(found.task, str) else TOPIC_WORDS,
        "model": describe_model(found.before.encoder),
        "realigned": describe_model(found.after.encoder),
        "versions": describe_versions(),
        "seconds": {name: round(value, 2) for name, value in found.seconds.items()},
    }


def _aligned(study: Study) -> tuple[int, ...]:
    return study.settings.layer_numbers(study.encoder.n_layers)


def _means(moved: pd.DataFrame, side: str) -> dict[str, dict[str, dict[str, float]]]:
    """The mean score by probe, layer and group."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in moved.to_dict("records"):
        by_layer = found.setdefault(str(row["probe"]), {})
        by_layer.setdefault(str(row["layer"]), {})[str(row["group"])] = round(float(row[side]), 6)
    return found


def _training(outcome: TrainingOutcome) -> dict[str, Any]:
    return {
        "best_step": outcome.best_step,
        "pairs": dict(outcome.n_pairs),
        "aligned": dict(outcome.n_vectors),
        "trained_numbers": outcome.n_trained,
        "log": [dict(row) for row in outcome.log],
    }


def _warn(study: Study, found: Found, topics: pd.DataFrame) -> Iterator[str]:
    """Find what makes the numbers weaker than they look; one sentence each."""
    yield from found.groups.warnings
    if found.outcome.best_step == 0:
        yield (
            "no step was better on the watched sentences than the starting model, which is what was kept: try another "
            "learning rate, loss or layer"
        )
    yield from _few_sentences(study)
    yield from warn_of_fall(topics, found.groups.pivot)
    if isinstance(found.task, str):
        yield f"{language_name(found.groups.pivot)}'s own task score is not shown: {found.task}"
    if study.rows.n_leaks:
        yield (
            f"{study.rows.n_leaks} measured sentences also stand among those that the model was realigned on, word for "
            "word; what they gain is partly memory"
        )
    yield from _few(found.groups)


def _few_sentences(study: Study) -> Iterator[str]:
    counts = {
        "watched": min(study.rows.fewest(DEV), study.settings.n_watched),
        "measured": study.rows.fewest(TEST),
    }
    if few := [f"{n} {name}" for name, n in counts.items() if n < FEWEST_SENTENCES]:
        yield (
            f"only {join_words(few)} sentences (there should be {FEWEST_SENTENCES}): a few of them decide which step "
            "is kept, or what seems to move; give more text"
        )


def _few(groups: LanguageGroups) -> Iterator[str]:
    small = [f"{len(languages)} {name}" for name, languages in groups.items() if len(languages) < FEWEST]
    if small:
        yield (
            f"{join_words(small)} languages are too few for a test over languages ({FEWEST} at least); intervals "
            "over so few are rather too narrow, and of 1 or 2 there is none"
        )
