"""A result in the JSON of the mteb package, so that its tools read it.

    mteb.TaskResult.from_disk(folder / "results.json").get_score()

A run that asks Tatoeba as mteb does (all sentences, cosine, no transform) goes by mteb's name and main score, the F1 of
the nearest neighbours from the language to English; every other run goes by a name of its own, `xalign-<task>`, and its
main score is the metric it reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xalign.benchmarking.columns import POOL
from xalign.benchmarking.splitting import ALL

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval

SAME_TASK = {"tatoeba": "Tatoeba"}
EXTRA = ("score", "chance", "ci_low", "ci_high", "p_value", "n", "n_candidates")


def as_mteb(result: Retrieval) -> dict[str, Any]:
    """Return one layer of a result as mteb's `TaskResult` is written.

    Args:
        result: The result; its `layer` is written.

    Returns:
        What JSON can hold. `mteb_version` is null, as no code of mteb ran.
    """
    rows = result.table[result.table["layer"] == result.layer]
    same = asks_as_mteb(result)
    name = SAME_TASK[result.run["task"]["name"]] if same else f"xalign-{Path(result.run['task']['name']).name}"
    split = "test" if same else str(rows["split"].iloc[0])
    entries = list(_entries(rows, result, main="f1" if same else str(result.headline["metric"])))
    return {
        "dataset_revision": result.run["text"]["hash"],
        "task_name": name,
        "mteb_version": None,
        "scores": {split: entries},
        "evaluation_time": result.run["seconds"]["total"],
        "kg_co2_emissions": None,
    }


def asks_as_mteb(result: Retrieval) -> bool:
    """Whether mteb has this task and asks it so."""
    task, protocol = result.run["task"], result.run["protocol"]
    usual = protocol["score"] == "cosine" and protocol["transform"] == "none" and task["pivot"] == "eng_Latn"
    return task["name"] in SAME_TASK and usual and set(result.table["split"]) == {ALL}


def _entries(rows: pd.DataFrame, result: Retrieval, *, main: str) -> Iterator[dict[str, Any]]:
    """One entry per direction of a pair, with every metric that was taken of it."""
    spelled = {code: name for name, code in result.run["text"]["resolution"].items()}
    for (source, target), group in rows.groupby(["source", "target"], sort=False):
        by_metric = group.set_index("metric")
        if main not in by_metric.index:
            continue
        scores: dict[str, Any] = {str(metric): _number(row["score"]) for metric, row in by_metric.iterrows()}
        judged = {name: by_metric.loc[main, name] for name in EXTRA}
        yield scores | {
            "main_score": _number(judged["score"]),
            "layer": result.layer,
            **{f"{main}_{name}": _number(judged[name]) for name in EXTRA if name != "score"},
            "hf_subset": "-".join(spelled.get(str(code), str(code)) for code in (source, target)),
            "languages": [_tag(str(code), spelled) for code in (source, target) if code != POOL],
        }


def _tag(code: str, spelled: Mapping[str, str]) -> str:
    """`deu-Latn`, by the source's own language code where it has three letters."""
    language, _, script = code.partition("_")
    own = spelled.get(code, "")
    return f"{own if len(own) == 3 and own.isalpha() else language}-{script}"


def _number(value: Any) -> float | int | None:
    """A number as JSON has it; null where there is none."""
    number = float(value)
    if number != number:
        return None
    return int(number) if isinstance(value, int | np.integer) else number
