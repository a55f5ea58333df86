"""A realignment's headline in words: what moved in which languages, and what became of the pivot's own task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xalign.figures.names import model_title, name_languages, probe_title
from xalign.measures import lower_is_closer
from xalign.realigning.topics import PIVOT
from xalign.report_cells import number
from xalign.report_words import join_words

if TYPE_CHECKING:
    import pandas as pd

    from xalign.realigning.results import Realignment

N_NAMED = 6
DECIMALS = 3
NOTHING = "Nothing was learnt: the starting model was kept"
Row = Mapping[Any, Any]


def title_of(result: Realignment) -> str:
    """What was done to which model, in a few words; or that nothing was, and why."""
    if learnt_nothing(result):
        return f"{NOTHING}, as no step was better on the watched sentences"
    return f"{model_title(str(result.run['model']['name']))}, realigned on {describe_languages(result.languages)}"


def learnt_nothing(result: Realignment) -> bool:
    """Say whether the starting model was kept, so that nothing can have moved."""
    return result.run["training"]["best_step"] == 0


def without_tests(result: Realignment, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows to be shown: where nothing was learnt there is no doubt, and no interval or p-value to show."""
    if not learnt_nothing(result):
        return rows
    return rows.assign(
        **dict.fromkeys(rows.columns.intersection(["ci_low", "ci_high", "p_value", "p_corrected"]), np.nan)
    )


def headline_of(result: Realignment) -> str:
    """Say in a few sentences what was trained on, what moved, and what became of the pivot's own task."""
    if learnt_nothing(result):
        return _where_it_stays(result)
    pivot = name_languages([result.pivot])[result.pivot]
    rows = result.headline.to_dict("records")
    closer = " (lower is closer)" if lower_is_closer(result.probe) else ""
    changes = [f"{_group_words(row)} from {_n(row['before'])} to {_n(row['after'])} ({change_of(row)})" for row in rows]
    moved = f"{probe_title(result.probe)}{closer} with {pivot} at layer {result.layer} went {join_words(changes)}."
    return f"{moved} {task_of(result)}"


def _where_it_stays(result: Realignment) -> str:
    """Say what was tried, what the watched sentences said, and the scores, which are the starting model's."""
    pivot = name_languages([result.pivot])[result.pivot]
    watched = [row["retrieval"] for row in result.run["training"]["log"]]
    later = f", at best {_n(max(watched[1:]))} later" if watched[1:] else ""
    scores = [f"{_n(row['before'])} {_group_words(row)}" for row in result.headline.to_dict("records")]
    own = result.topics[result.topics["group"] == PIVOT]["before"]
    task = f" {pivot}'s own topic accuracy stays at {_n(own.iloc[0])}." if len(own) else f" {task_of(result)}"
    return (
        f"{model_title(str(result.run['model']['name']))} was to be realigned on {describe_languages(result.languages)}"
        f"; P@1 of the watched sentences was {_n(watched[0])} at the start{later}. {probe_title(result.probe)} with "
        f"{pivot} at layer {result.layer} stays at {join_words(scores)}.{task}"
    )


def task_of(result: Realignment) -> str:
    """Say what became of the pivot's own task, or why it is not known."""
    pivot = name_languages([result.pivot])[result.pivot]
    own = result.topics[result.topics["group"] == PIVOT].to_dict("records")
    if not own:
        return f"{pivot}'s own task score is not known: {result.run['task']}."
    (row,) = own
    verdict = "fell" if row["ci_high"] < 0 else "rose" if row["ci_low"] > 0 else "did not surely move"
    return f"{pivot}'s own topic accuracy {verdict}: {_n(row['before'])} to {_n(row['after'])} ({change_of(row)})."


def change_of(row: Row) -> str:
    """A change with its interval, where it has one."""
    return signed(row["change"]) + (f", 95\u00a0% {interval_of(row)}" if np.isfinite(row["ci_low"]) else "")


def interval_of(row: Row) -> str:
    """The interval of a change; nothing where there is none."""
    return f"{signed(row['ci_low'])} to {signed(row['ci_high'])}" if np.isfinite(row["ci_low"]) else ""


def signed(value: float) -> str:
    """Write a number with its sign."""
    text = number(value, DECIMALS)
    return f"+{text}" if value > 0 and float(f"{value:.{DECIMALS}f}") else text


def describe_languages(languages: Sequence[str]) -> str:
    """Name languages, or count them where they are many."""
    names = name_languages(languages)
    return join_words(list(names.values())) if len(languages) <= N_NAMED else f"{len(languages)} languages"


def describe_training(result: Realignment) -> str:
    """Say how the model was trained."""
    settings, training = result.run["settings"], result.run["training"]
    layers, n_pairs = settings["aligned_layers"], sum(training["pairs"].values())
    batch = settings["batch_size"] * settings["accumulation"]
    parts = [
        f"{settings['loss']} loss at layer{'s' * (len(layers) > 1)} {join_words([str(layer) for layer in layers])}",
        f"{settings['steps']:,} steps of {batch} of {n_pairs:,} sentence pairs",
        f"learning rate {settings['learning_rate']:g}",
        f"anchor {settings['anchor']:g}",
    ]
    if settings["freeze"]:
        parts.append(f"{settings['freeze']} half frozen")
    if settings["lora_rank"]:
        parts.append(f"low-rank updates of rank {settings['lora_rank']}")
    kept = f"step {training['best_step']:,}" if training["best_step"] else "the starting model"
    return f"{', '.join(parts)}; kept: {kept}"


def _group_words(row: Row) -> str:
    n = int(row["n"])
    one, many = {
        "chosen": ("in the chosen language", f"in the {n} chosen languages"),
        "other": ("in the other one", f"in the {n} others"),
        "unseen": ("in the unseen one", f"in the {n} unseen"),
    }[str(row["group"])]
    return one if n == 1 else many


def _n(value: float) -> str:
    return number(value, DECIMALS)
