"""A selection of data in words and frames: chosen rows with reasons, what a reader must know, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from xalign.selecting.material.materials import Chosen, Material
from xalign.selecting.material.quota_words import Quotas
from xalign.selecting.methods.table import find_method
from xalign.selecting.models.embedders import load_embedder
from xalign.selecting.phases.mapping import MapPlan
from xalign.selecting.pools.faults import KEPT
from xalign.selecting.pools.places import PoolFiles
from xalign.selecting.results.cautions import find_cautions, language_notes
from xalign.selecting.results.judging import Judge, language_shares
from xalign.selecting.results.plane import lay_out
from xalign.selecting.results.selection import ROW_COLUMNS, SKIPPED_COLUMNS, DataSelection
from xalign.selecting.results.writing import make_subset
from xalign.selecting.settings import ChoiceSettings, ReadingSettings

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False)
class Told:
    """What the caller asked for, for the record."""

    files: PoolFiles
    reading: ReadingSettings
    plan: MapPlan
    quotas: Quotas | None
    arguments: Mapping[str, Any]


def put_together(  # noqa: PLR0913
    judge: Judge,
    material: Material,
    arms: Mapping[str, Chosen],
    judged: tuple[pd.DataFrame, pd.DataFrame],
    settings: ChoiceSettings,
    told: Told,
    seconds: Mapping[str, float],
    notes: Sequence[str],
) -> DataSelection:
    """Make the result of what was chosen and measured."""
    chosen, pool, target = arms[settings.method], judge.pool, material.target
    rows = describe_rows(judge, material, chosen, settings.method)
    subset = make_subset(pool, chosen.rows, rows)
    faults = [(fault.file, fault.line, fault.reason) for fault in (*pool.faults, *target.faults)]
    return DataSelection(
        rows=rows,
        table=judged[0],
        shares=language_shares(pool, target.languages, {name: arm.rows for name, arm in arms.items()}),
        curve=judged[1],
        points=lay_out(judge.space, chosen.rows, seed=settings.seed),
        skipped=pd.DataFrame(faults[:KEPT], columns=SKIPPED_COLUMNS),
        run=_run(material, arms, settings, told) | {"file": subset.file_name, "seconds": dict(seconds)},
        warnings=(
            *find_cautions(judge, target, settings, told.files),
            *language_notes(material, chosen.rows, told.quotas),
            *notes,
        ),
        subset=subset,
    )


def describe_rows(judge: Judge, material: Material, chosen: Chosen, method: str) -> pd.DataFrame:
    """A row per chosen one, in order of choice."""
    pool, target, rows = judge.pool, material.target, chosen.rows
    nearest, cosines = judge.nearest_targets(rows)
    homes = pool.shard_of(rows)
    frame = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "row": rows,
            "id": pool.ids(rows),
            "file": [str(pool.shards[home].reading.shard.path) for home in homes],
            "line": pool.lines[rows],
            "language": pool.groups[rows],
            "category": "" if pool.categories is None else pool.categories[rows],
            "score": chosen.scores,
            "quality": _of_rows(pool.quality, rows),
            "difficulty": _of_rows(pool.difficulty, rows),
            "margin": _of_rows(material.margins, rows),
            "length": pool.lengths[rows],
            "nearest_target": [target.places[place] for place in nearest],
            "similarity": cosines,
        }
    )
    frame["reason"] = [_reason(row, method, len(rows)) for row in frame.to_dict("records")]
    return frame[ROW_COLUMNS]


def _of_rows(values: Float[np.ndarray, " n"] | None, rows: Int[np.ndarray, " b"]) -> Float[np.ndarray, " b"]:
    """The values of some rows; NaN where there are none."""
    return np.full(len(rows), np.nan) if values is None else values[rows]


def _reason(row: Mapping[Any, Any], method: str, n: int) -> str:
    """Why one row was chosen, in a line."""
    said = [f"{method} {row['rank']} of {n}"]
    if score := find_method(method).score:
        said.append(f"{score} {row['score']:.4g}")
    if row["category"]:
        said.append(f"category {row['category']}")
    for name in ("quality", "difficulty", "margin"):
        if np.isfinite(row[name]):
            said.append(f"{name} {row[name]:.4g}")
    return "; ".join([*said, f"nearest target {row['nearest_target']} (cosine {row['similarity']:.2f})"])


def _run(material: Material, arms: Mapping[str, Chosen], settings: ChoiceSettings, told: Told) -> dict[str, Any]:
    from xalign.run_facts import describe_versions

    pool, target, plan = material.pool, material.target, told.plan
    return {
        "method": settings.method,
        "meaning": find_method(settings.method).meaning,
        "pool": {
            "name": told.files.name,
            "files": len(told.files.paths),
            "format": told.files.format_name,
            "rows": pool.n,
            "left out": len(pool.faults),
            "languages": len(pool.language_names),
            "shards": len(pool.shards),
        },
        "there_already": plan.there or {},
        "target": {"name": target.words, "rows": target.n, "languages": len(set(target.languages))},
        "reading": asdict(told.reading),
        "model": {
            "name": plan.model.name,
            "vectors": load_embedder(plan.model).words,
            "precision": plan.model.precision,
        },
        "arguments": dict(told.arguments),
        "quotas": material.quotas,
        "reliability": None if material.trust is None else dict(material.trust),
        "arms_facts": {name: dict(arm.facts) for name, arm in arms.items()},
        "solver": dict(arms[settings.method].facts),
        "versions": describe_versions(),
    }
