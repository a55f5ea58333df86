"""A selection of data in words and frames: chosen rows with reasons, what a reader must know, how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from xalign.selecting.compact import PoolArrays
from xalign.selecting.embedding import load_embedder
from xalign.selecting.faults import KEPT
from xalign.selecting.judging import Judge, language_shares
from xalign.selecting.mapping import MapPlan
from xalign.selecting.materials import Chosen, Material
from xalign.selecting.methods import METHODS, find_method
from xalign.selecting.places import PoolFiles
from xalign.selecting.plane import lay_out
from xalign.selecting.quota_words import OF_TARGET, Quotas
from xalign.selecting.reading import UNKNOWN
from xalign.selecting.results import ROW_COLUMNS, SKIPPED_COLUMNS, DataSelection
from xalign.selecting.settings import ChoiceSettings, ReadingSettings
from xalign.selecting.targets import Target
from xalign.selecting.writing import make_subset

if TYPE_CHECKING:
    from xalign.report import ProbeReport

WEIGHING = ("transport", "mig")
"""Methods that weigh quality where it is given, and choose without."""
MOST = 0.5
"""The share of one language from which on a reader must know, where it has less than half of it in pool and target."""


@dataclass(frozen=True, eq=False)
class Told:
    """What the caller asked for, for the record."""

    files: PoolFiles
    reading: ReadingSettings
    plan: MapPlan
    engine: str
    workers: int
    align: bool
    quotas: Quotas | None
    report: ProbeReport | str | Path | None


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
    rows = describe_rows(judge, target, chosen, settings.method)
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
            *_cautions(judge, target, settings, told.files),
            *language_notes(material, chosen.rows, told.quotas),
            *notes,
        ),
        subset=subset,
    )


def describe_rows(judge: Judge, target: Target, chosen: Chosen, method: str) -> pd.DataFrame:
    """A row per chosen one, in order of choice."""
    pool, rows = judge.pool, chosen.rows
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
            "quality": np.full(len(rows), np.nan) if pool.quality is None else pool.quality[rows],
            "length": pool.lengths[rows],
            "nearest_target": [target.places[place] for place in nearest],
            "similarity": cosines,
        }
    )
    frame["reason"] = [_reason(row, method, len(rows)) for row in frame.to_dict("records")]
    return frame[ROW_COLUMNS]


def _reason(row: Mapping[Any, Any], method: str, n: int) -> str:
    """Why one row was chosen, in a line."""
    said = [f"{method} {row['rank']} of {n}"]
    if score := find_method(method).score:
        said.append(f"{score} {row['score']:.4g}")
    if row["category"]:
        said.append(f"category {row['category']}")
    if np.isfinite(row["quality"]):
        said.append(f"quality {row['quality']:.4g}")
    return "; ".join([*said, f"nearest target {row['nearest_target']} (cosine {row['similarity']:.2f})"])


def language_notes(material: Material, rows: Int[np.ndarray, " b"], quotas: Quotas | None) -> list[str]:
    """Say where one language has most of a choice, and what quotas like the target's could not have."""
    pool, target = material.pool, Counter(material.target.languages)
    chosen = Counter(pool.groups[rows].tolist())
    if quotas == OF_TARGET:
        outside = sum(n for name, n in chosen.items() if name not in target)
        told = f"the target's languages have too few rows: {outside} of {len(rows)} are in others, as these have rows"
        return [told] if outside else []
    name, n = chosen.most_common(1)[0]
    shares = n / len(rows), pool.counts[name] / pool.n, target[name] / target.total()
    if quotas is not None or shares[0] < MOST or shares[0] < 2 * max(shares[1:]):
        return []
    return [
        f"{n} of {len(rows)} chosen rows are in {name}, which has {shares[1]:.0%} of the pool and {shares[2]:.0%} of "
        "the target; --quota (quotas) says how many of each language"
    ]


def _cautions(judge: Judge, target: Target, settings: ChoiceSettings, files: PoolFiles) -> list[str]:
    """What a reader must know before trusting a number."""
    pool, said = judge.pool, []
    if empty := _empty_files(pool, files):
        listed = ", ".join(path.name for path in empty[:3]) + ", ..." * (len(empty) > 3)
        said.append(
            f"{len(empty)} of the pool's {len(files.paths)} files {'have' if empty[1:] else 'has'} no row: {listed}"
        )
    if UNKNOWN in pool.language_names:
        n = pool.counts[UNKNOWN]
        said.append(
            f"{n} rows of the pool have no known language and count as one group; name the field, or @detect it"
        )
    if UNKNOWN in target.languages and UNKNOWN not in pool.language_names:
        said.append("the target's language is not known: it is centred by the mean of all languages")
    few = [name for name, count in pool.counts.items() if count < 10]
    if few and judge.space.means is not None:
        said.append(
            f"{len(few)} languages have fewer than 10 rows, too few for a mean of their own: {', '.join(few[:8])}"
        )
    if target.is_pool:
        said.append("the target is of the pool itself: cost and coverage say how the choice stands in for it")
    running = (settings.method, *settings.compare)
    if settings.quality is not None and not any(map(chooses_by_quality, running)):
        able = ", ".join(name for name in METHODS if chooses_by_quality(name))
        said.append(f"quality {settings.quality} judges only, no method here chooses by it; those that do: {able}")
    if pool.n_cut:
        said.append(
            f"{pool.n_cut} rows are longer than the model behind {settings.quality} reads: their beginnings are scored"
        )
    if pool.n_read_in_part:
        said.append(
            f"{pool.n_read_in_part} rows are longer than the model reads: their vectors are of their beginnings"
        )
    if pool.n_read_in_part is None:
        said.append(
            "how many rows are longer than the model reads is not known: vectors that were kept have no count of them"
        )
    if pool.faults or target.faults:
        n = len(pool.faults) + len(target.faults)
        said.append(f"{n} row{'s' * (n > 1)} could not be used and {'are' if n > 1 else 'is'} left out")
    return said


def chooses_by_quality(method: str) -> bool:
    """Whether quality, where it is given, has a say in what a method chooses."""
    return method in WEIGHING or find_method(method).needs_quality


def _empty_files(pool: PoolArrays, files: PoolFiles) -> list[Path]:
    """The files in which there is no row, be it one that cannot be used."""
    filled = {shard.reading.shard.path for shard, kept in zip(pool.shards, pool.vectors.kept, strict=True) if len(kept)}
    filled |= {Path(fault.file) for fault in pool.faults}
    return [path for path in files.paths if path not in filled]


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
        "arguments": asdict(settings)
        | {
            "align": told.align,
            "engine": told.engine,
            "workers": told.workers,
            "shard_rows": plan.shard_rows,
            "translation": plan.translation,
        }
        | {"quotas": told.quotas, "report": told.report if told.report is None else str(told.report)},
        "quotas": material.quotas,
        "reliability": None if material.trust is None else dict(material.trust),
        "arms_facts": {name: dict(arm.facts) for name, arm in arms.items()},
        "solver": dict(arms[settings.method].facts),
        "versions": describe_versions(),
    }
