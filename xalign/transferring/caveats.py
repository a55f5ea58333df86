"""What a reader must know before trusting a correlation."""

from collections.abc import Iterator

import pandas as pd

from xalign.corpora import ParallelCorpus
from xalign.transferring.correlating import MINIMUM
from xalign.transferring.dividing import Division, count_leaks

FEW = 30


def collect_caveats(
    accuracy: pd.DataFrame,
    correlations: pd.DataFrame,
    text: ParallelCorpus,
    division: Division,
    *,
    pivot: str,
    layer: int,
) -> tuple[str, ...]:
    """Find what makes the correlations weaker than they look; one sentence each.

    Args:
        accuracy: Columns layer, language, ci_low, chance.
        correlations: Columns probe, layer, n, pearson.
        text: The corpus.
        division: Which sentences served for what.
        pivot: The language of training.
        layer: The headline's.
    """
    others = accuracy[(accuracy["layer"] == layer) & (accuracy["language"] != pivot)]
    return (*_few(others), *_shared(text, division, pivot), *_without(correlations, layer))


def _few(others: pd.DataFrame) -> Iterator[str]:
    n, lost = len(others), int((others["ci_low"] <= others["chance"]).sum())
    if n < FEW:
        yield f"{n} languages are few: an interval of a correlation over them is wide, and itself uncertain"
    if lost:
        yield (
            f"in {lost} of {n} languages accuracy at the headline's layer is not surely above always naming the most "
            "frequent topic; differences among them are mostly chance"
        )


def _shared(text: ParallelCorpus, division: Division, pivot: str) -> Iterator[str]:
    if division.choosing is None:
        yield (
            "probes are scored on sentences that are tested too (the corpus has no splits): what is peculiar to these "
            "sentences raises correlations"
        )
    if leaks := count_leaks(text.sentences[pivot], division):
        yield f"{leaks} tested sentences also stand among the training sentences, word for word"


def _without(correlations: pd.DataFrame, layer: int) -> Iterator[str]:
    here = correlations[correlations["layer"] == layer]
    if lacking := [str(probe) for probe in correlations["probe"].unique() if probe not in set(here["probe"])]:
        yield f"not scored at the headline's layer {layer}, but at others: {', '.join(lacking)}"
    for row in here[here["pearson"].isna()].to_dict("records"):
        why = f"{row['n']} languages have a score" if row["n"] < MINIMUM else "score or accuracy does not vary"
        yield f"no correlation for {row['probe']}: {why}"
