"""Every layer of every group of languages; what cannot be taken stops the run, or is left out with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tqdm import tqdm

from xalign.all_pairs import pairs_of_table, score_all_pairs
from xalign.columns import PAIR_COLUMNS, TABLE_COLUMNS
from xalign.encoding import EncodedGroup
from xalign.errors import ProbeError
from xalign.judging.layers import families, judge_family
from xalign.judging.rows import Judging
from xalign.measure import Measure


@dataclass(frozen=True)
class Scores:
    """What was scored.

    Attributes:
        table: The report's table without the model's name.
        pairs: Scores of every two languages, from probes that get all of them from one product.
        skipped: For a probe and the layers where it has no score, why.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    skipped: dict[str, str]


@dataclass(frozen=True)
class Skipped:
    """A probe that could not be taken of a layer's vectors."""

    probe: str
    layer: int
    reason: str


def judge_groups(
    groups: Sequence[EncodedGroup],
    measures: Sequence[Measure],
    pivot: str | None,
    judging: Judging,
    *,
    lenient: bool = False,
    progress: bool = True,
) -> Scores:
    """Score every layer of every group.

    Args:
        groups: Languages with their activations.
        measures: The probes.
        pivot: The language all others are compared with; None for all pairs.
        judging: Numbers of permutations and resamples.
        lenient: Leave out a probe that cannot be taken of a layer's vectors, and say why, instead of stopping.
        progress: Show a bar on stderr.

    Raises:
        ProbeError: If a probe cannot be taken and `lenient` is not set; names probe, layer and language.
    """
    rows: list[dict[str, Any]] = []
    pairs: list[pd.DataFrame] = []
    skipped: list[Skipped] = []
    of_layers = [measure for measure in measures if measure.reads != "lens"]
    steps = [(group, layer, family) for group in groups for layer in group.layers for family in families(of_layers)]
    bar = tqdm(steps, desc="probing", unit="step", disable=not progress)
    for group, layer, family in bar:
        bar.set_postfix_str(f"layer {layer}: {family[0].name}")
        if lenient:
            found, failed = _judge(family, group, layer, pivot, judging)
        else:
            found, failed = list(judge_family(family, group, layer, pivot, judging)), []
        rows.extend(found if len(groups) == 1 else _without_pivot_alone(found, pivot))
        skipped.extend(failed)
        if pivot is not None and len(groups) == 1:
            done = {row["probe"] for row in found}
            pairs.append(score_all_pairs(group, layer, [measure for measure in family if measure.name in done]))
    table = pd.DataFrame(rows, columns=[name for name in TABLE_COLUMNS if name != "model"])
    return Scores(table, pairs_of_table(table) if pivot is None else _joined(pairs), _reasons(skipped))


def _without_pivot_alone(rows: list[dict[str, Any]], pivot: str | None) -> list[dict[str, Any]]:
    """Leave out the pivot's own row of one bitext among several: its sentences are others in each."""
    return [row for row in rows if not row["source"] == row["target"] == pivot]


def _judge(
    family: Sequence[Measure], group: EncodedGroup, layer: int, pivot: str | None, judging: Judging
) -> tuple[list[dict[str, Any]], list[Skipped]]:
    """Score a family; if one of it cannot be taken, each is taken alone."""
    try:
        return list(judge_family(family, group, layer, pivot, judging)), []
    except ProbeError as error:
        if len(family) == 1:
            return [], [Skipped(_told(family[0], group, pivot), layer, str(error.__cause__ or error))]
    alone = [_judge([measure], group, layer, pivot, judging) for measure in family]
    return [row for rows, _ in alone for row in rows], [skip for _, failed in alone for skip in failed]


def _told(measure: Measure, group: EncodedGroup, pivot: str | None) -> str:
    """Name a probe, and the language where a group is a single pair."""
    if pivot is None or len(group.languages) != 2:
        return measure.name
    return f"{measure.name} in {next(language for language in group.languages if language != pivot)}"


def _reasons(skipped: Sequence[Skipped]) -> dict[str, str]:
    """One line per probe and reason: at which layers it has no score."""
    layers: dict[tuple[str, str], list[int]] = {}
    for skip in skipped:
        layers.setdefault((skip.probe, skip.reason), []).append(skip.layer)
    return {
        f"{probe} at layer{'s' * (len(found) > 1)} {', '.join(map(str, dict.fromkeys(found)))}": reason
        for (probe, reason), found in layers.items()
    }


def _joined(pairs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    known = [frame for frame in pairs if len(frame)]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=PAIR_COLUMNS)


def in_order(table: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame:
    """Rows by probe as asked for, then layer; the corpus' order of languages is kept."""
    order = {measure.name: i for i, measure in enumerate(measures)}
    return table.sort_values(
        ["probe", "layer"], key=lambda column: column.map(order) if column.name == "probe" else column, kind="stable"
    ).reset_index(drop=True)
