"""From runs to tables: each selector beside random, with intervals over test sentences and draws."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data_selection.running import read_runs
from benchmarks.data_selection.selectors import ALIGNMENT_ARMS, RANDOM
from benchmarks.data_selection.settings import INSTRUCTIONS, SENTIMENT, TOPICS
from xalign.errors import XalignError
from xalign.files import write_text

NUMBERS = (*("accuracy", "wrong", "repeats", "revised", "coverage", "unseen", "cost", "wanted", "entropy", "seconds"),)
N_RESAMPLES = 2000
ENDS = (2.5, 97.5)
Found = Mapping[str, Any]


def analyse(out: Path, *, csv: Path | None = None) -> str:
    """Write the tables of all finished runs, and tell the first.

    Args:
        out: What `--out` named; gets `data_selection_table.csv`, `data_selection_languages.csv` (topics, the transport
            selector with and without what it knows of alignment) and `data_selection_ranking.csv` (how often a quality
            ranks the revised response above the raw one).
        csv: Another folder for them.

    Returns:
        Accuracy or share of revised responses, and coverage, by selector.

    Raises:
        XalignError: If there are no runs.
    """
    tables = {"table": tabulate(out), "languages": languages_of(out), "ranking": ranking_of(out)}
    for folder in (out, *([csv] if csv else [])):
        for name, frame in tables.items():
            text = frame.round(4).to_csv(index=False, lineterminator="\n")
            write_text(folder / f"data_selection_{name}.csv", text)
    table = tables["table"]
    shown = ["accuracy", "gain", "gain_low", "gain_high", "wrong", "repeats", "revised", "coverage", "cost", "seconds"]
    return table[["question", "budget", "selector", *shown]].round(3).to_string(index=False)


def tabulate(out: Path) -> pd.DataFrame:
    """Average every selector's figures over its draws, and compare it with random.

    Returns:
        A row per question, budget and selector: `n_sets`; the mean of each figure; for accuracy its 95 % interval over
        test sentences (and draws, where there are several), and `gain` over random with its own, where the same
        sentences are drawn for both, and draws of random; for coverage how much more than random, over its draws
        `coverage_sd`; `above_accuracy` and `above_coverage`, of how many draws of random it lies above.
    """
    rows = []
    for question in (TOPICS, SENTIMENT, INSTRUCTIONS):
        task, runs = read_runs(out, question)
        for place, budget in enumerate(task.get("budgets", ())):
            arms: dict[str, list[Found]] = {}
            for run in sorted(runs, key=lambda run: run["seed"]):
                arms.setdefault(run["selector"], []).append(run["found"][place])
            rows += [
                {"question": question, "n": task["n"], "budget": budget, "selector": name, **_row(own, arms[RANDOM])}
                for name, own in arms.items()
            ]
    if not rows:
        raise XalignError(f"--out must hold runs, got {out} without any; run the experiment first")
    return pd.DataFrame(rows)


def languages_of(out: Path) -> pd.DataFrame:
    """Say what share of each choice of topics is in each language, and how accurate the wanted ones become.

    Returns:
        A row per selector, budget and language: `share`, that of the pool, the language's `reliability` (P@1 with
        English), and `accuracy` where it is wanted; random averaged over its draws.
    """
    task, runs = read_runs(out, TOPICS)
    rows = [
        {
            **{"selector": run["selector"], "budget": found["budget"], "seed": run["seed"], "language": language},
            **{"reliability": task["reliability"][language], "pool": n / task["n"]},
            **{"share": found["shares"].get(language, 0.0), "accuracy": found["by_language"].get(language)},
        }
        for run in runs
        if run["selector"] in ALIGNMENT_ARMS
        for found in run["found"]
        for language, n in task["pool"].items()
    ]
    if not rows:
        return pd.DataFrame(columns=["selector", "budget", "language", "reliability", "pool", "share", "accuracy"])
    by = ["selector", "budget", "language"]
    return pd.DataFrame(rows).drop(columns="seed").groupby(by, sort=False).mean().reset_index()


def ranking_of(out: Path) -> pd.DataFrame:
    """Say how often each quality ranks the revised response above the raw one, a row per quality and language."""
    task, _ = read_runs(out, INSTRUCTIONS)
    rows = [
        {"quality": quality, "language": language, **told}
        for quality, found in task.get("ranked_above", {}).items()
        for language, told in found.items()
    ]
    return pd.DataFrame(rows, columns=["quality", "language", "ranked_above", "n"])


def _row(own: Sequence[Found], random: Sequence[Found]) -> dict[str, Any]:
    row: dict[str, Any] = {"n_sets": len(own)}
    row |= {name: float(np.mean([one[name] for one in own])) if name in own[0] else np.nan for name in NUMBERS}
    row |= {f"{name}_sd": float(np.std([one[name] for one in own], ddof=1)) if len(own) > 1 else np.nan
            for name in ("coverage",)}  # fmt: skip
    for name in ("accuracy", "coverage"):
        known = name in own[0]
        row[f"above_{name}"] = sum(one[name] < row[name] for one in random) if known else np.nan
    return row | (_intervals(own, random) if "hits" in own[0] else {})


def _intervals(own: Sequence[Found], random: Sequence[Found]) -> dict[str, float]:
    """Draw test sentences, the same for both arms, and sets of each arm."""
    rng = np.random.default_rng(0)
    mine, theirs = (np.array([one["hits"] for one in arm]) for arm in (own, random))
    found = np.empty((N_RESAMPLES, 2))
    for i in range(N_RESAMPLES):
        sentences = rng.integers(0, mine.shape[1], mine.shape[1])
        found[i] = [arm[rng.integers(0, len(arm), len(arm))].mean(axis=0)[sentences].mean() for arm in (mine, theirs)]
    low, high = np.percentile(found[:, 0], ENDS)
    gain_low, gain_high = np.percentile(found[:, 0] - found[:, 1], ENDS)
    gain = float(mine.mean() - theirs.mean())
    told = {"accuracy_low": low, "accuracy_high": high, "gain": gain, "gain_low": gain_low, "gain_high": gain_high}
    return {name: float(value) for name, value in told.items()}
