"""Every run and language as a row: where it stood to the set, and what the model scored in it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.realignment.languages import PIVOT, UNSEEN
from benchmarks.realignment.planning import START, Run, read_plan
from benchmarks.realignment.settings import MODELS
from xalign.errors import XalignError
from xalign.files import write_text

logger = logging.getLogger(__name__)
RUN = ["model", "arm", "k", "draw", "seed"]
OUTCOMES = ["retrieval", "topics"]
COLUMNS = [*RUN, "language", "role", *OUTCOMES, "nearest", "likest"]
CHOSEN, OTHER, OUTSIDE, PIVOT_ROLE = "chosen", "other", "outside", "pivot"


def collect_rows(out: Path) -> pd.DataFrame:
    """Read every finished run of the plans in a folder.

    Args:
        out: What `--out` named.

    Returns:
        A row per run and language: its role (`chosen`; `other` of the pool; `outside` it; `pivot`), its scores,
        and, for what was not chosen, the typological distance to the nearest chosen language and the CKA of the
        starting model with the likest.

    Raises:
        XalignError: If there is no plan, or the starting model of one was not measured yet.
    """
    folders = [out / model for model in MODELS if (out / model / "plan.json").is_file()]
    if not folders:
        raise XalignError(f"--out must hold runs, got {out} without {' or '.join(MODELS)}; run the experiment first")
    return pd.DataFrame([row for folder in folders for row in _model_rows(folder)], columns=COLUMNS)


def write_rows(rows: pd.DataFrame, path: Path) -> Path:
    """Write rows as CSV, four digits each."""
    return write_text(path, rows.round(4).to_csv(index=False, lineterminator="\n"))


def read_rows(path: str | Path) -> pd.DataFrame:
    """Read what `write_rows` wrote."""
    return pd.read_csv(path)[COLUMNS]


def _model_rows(folder: Path) -> Iterator[dict[str, Any]]:
    typology, likeness = (_matrix(folder / f"{name}.csv") for name in ("typology", "likeness"))
    plan = read_plan(folder)
    there = [run for run in plan.runs if (folder / "runs" / f"{run.name}.json").is_file()]
    if START not in {run.arm for run in there}:
        raise XalignError(f"{folder} must hold the scores of the starting model; run the experiment again")
    logger.info("%s: %d of %d runs", folder.name, len(there), len(plan.runs))
    for run in there:
        scores = json.loads((folder / "runs" / f"{run.name}.json").read_text(encoding="utf-8"))["scores"]
        for language, found in scores.items():
            yield {
                **{"model": folder.name, "arm": run.arm, "k": run.k, "draw": run.draw, "seed": run.seed},
                **{"language": language, "role": _role(language, run), **found},
                **_nearness(language, run, typology, likeness),
            }


def _matrix(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col="language")


def _role(language: str, run: Run) -> str:
    if language == PIVOT:
        return PIVOT_ROLE
    if language in run.languages:
        return CHOSEN
    return OUTSIDE if language in UNSEEN else OTHER


def _nearness(language: str, run: Run, typology: pd.DataFrame, likeness: pd.DataFrame) -> dict[str, float | None]:
    if language == PIVOT or language in run.languages or not run.languages:
        return {"nearest": None, "likest": None}
    chosen = list(run.languages)
    return {
        "nearest": float(typology.loc[language, chosen].to_numpy(float).min()),
        "likest": float(likeness.loc[language, chosen].to_numpy(float).max()),
    }
