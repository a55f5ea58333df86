"""Language by language scores, for the probes that get every pair from one product."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xalign.columns import PAIR_COLUMNS
from xalign.encoding import EncodedGroup
from xalign.measures import Measure


def score_all_pairs(group: EncodedGroup, layer: int, measures: Sequence[Measure]) -> pd.DataFrame:
    """Score every two languages of a group at one layer, the diagonal included.

    Args:
        group: Languages with their activations.
        layer: 0 for the embeddings.
        measures: Those without an `all_pairs` function are left out.

    Returns:
        `layer probe source target score`, each unordered pair once.
    """
    able = [measure for measure in measures if measure.all_pairs is not None]
    if not able:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    stack = [group.activations[language].layer(layer) for language in group.languages]
    frames = []
    for measure in able:
        scores = measure.all_pairs(stack, **measure.options).scores  # type: ignore[misc]
        frames.append(_long(np.asarray(scores), group.languages).assign(layer=layer, probe=measure.name))
    return pd.concat(frames, ignore_index=True)[PAIR_COLUMNS]


def pairs_of_table(table: pd.DataFrame) -> pd.DataFrame:
    """The same columns from a table that already holds all pairs (the diagonal is not in it, nor languages alone)."""
    return table.loc[table["source"] != table["target"], PAIR_COLUMNS].reset_index(drop=True)


def _long(scores: np.ndarray, languages: Sequence[str]) -> pd.DataFrame:
    rows, columns = np.triu_indices(len(languages))
    names = np.asarray(languages, dtype=object)
    return pd.DataFrame({"source": names[rows], "target": names[columns], "score": scores[rows, columns]})
