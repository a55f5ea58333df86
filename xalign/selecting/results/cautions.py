"""What a reader must know before trusting a selection of data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from jaxtyping import Int

from xalign.selecting.material.compact import PoolArrays
from xalign.selecting.material.materials import Material
from xalign.selecting.material.quota_words import OF_TARGET, Quotas
from xalign.selecting.material.targets import Target
from xalign.selecting.methods.table import METHODS
from xalign.selecting.pools.places import PoolFiles
from xalign.selecting.pools.reading import UNKNOWN
from xalign.selecting.results.judging import Judge
from xalign.selecting.settings import ChoiceSettings

MOST = 0.5
"""The share of one language from which on a reader must know, where it has less than half of it in pool and target."""


def find_cautions(judge: Judge, target: Target, settings: ChoiceSettings, files: PoolFiles) -> list[str]:
    """Say what a reader must know of the pool, the target and what they were asked for."""
    said = [*_of_files(judge.pool, files), *_of_languages(judge, target)]
    if target.is_pool:
        n_spoken = sum(judge.pool.counts[name] for name in set(target.languages))
        told = f"the target is {target.n} rows of the pool itself: cost and coverage say how rows stand in for these"
        better = f"; to stand in for all {n_spoken} of their languages, facility_location does better"
        said.append(told + better * (settings.method == "transport" and target.n < n_spoken))
    said += [*_of_quality(judge.pool, settings), *_of_lengths(judge.pool, settings)]
    if n := judge.pool.n_labels_dropped:
        said.append(f"{n} label{'s' * (n > 1)} of rows {'are' if n > 1 else 'is'} not in the list and left out")
    if n := len(judge.pool.faults) + len(target.faults):
        said.append(f"{n} row{'s' * (n > 1)} could not be used and {'are' if n > 1 else 'is'} left out")
    return said


def _of_files(pool: PoolArrays, files: PoolFiles) -> list[str]:
    """Say which files have no row."""
    empty = _empty_files(pool, files)
    if not empty:
        return []
    listed = ", ".join(path.name for path in empty[:3]) + ", ..." * (len(empty) > 3)
    return [f"{len(empty)} of the pool's {len(files.paths)} files {'have' if empty[1:] else 'has'} no row: {listed}"]


def _empty_files(pool: PoolArrays, files: PoolFiles) -> list[Path]:
    """The files in which there is no row, be it one that cannot be used."""
    filled = {shard.reading.shard.path for shard, kept in zip(pool.shards, pool.vectors.kept, strict=True) if len(kept)}
    filled |= {Path(fault.file) for fault in pool.faults}
    return [path for path in files.paths if path not in filled]


def _of_languages(judge: Judge, target: Target) -> list[str]:
    """Say where languages are not known, or have too few rows."""
    pool, said = judge.pool, []
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
    return said


def _of_quality(pool: PoolArrays, settings: ChoiceSettings) -> list[str]:
    """Say where a quality, or translations, have no say in a choice."""
    heeding = ", ".join(method.name for method in METHODS.values() if method.quality)
    said = []
    if pool.scorers is not None:
        said.append(
            "quality is from several scorers, each in units of the way from its 1st to its 99th percentile, from 0 to "
            "about 1"
        )
    if any(METHODS[name].quality for name in (settings.method, *settings.compare)):
        return said
    if settings.quality is not None:
        said.append(f"quality {settings.quality} judges only, no method here chooses by it; those that do: {heeding}")
    if pool.translations is not None:
        said.append(f"translations change nothing, no method here weighs rows; those that do: {heeding}")
    return said


def _of_lengths(pool: PoolArrays, settings: ChoiceSettings) -> list[str]:
    """Say how many rows models read the beginning of."""
    said = []
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
    return said


def language_notes(material: Material, rows: Int[np.ndarray, " b"], quotas: Quotas | None) -> list[str]:
    """Say where few rows are in the target's languages, one has most, and what quotas like the target's lack."""
    pool, target = material.pool, Counter(material.target.languages)
    chosen = Counter(pool.groups[rows].tolist())
    if quotas == OF_TARGET:
        outside = sum(n for name, n in chosen.items() if name not in target)
        told = f"the target's languages have too few rows: {outside} of {len(rows)} are in others, as these have rows"
        return [told] if outside else []
    wanted = [name for name in target if name in pool.counts]
    inside = sum(chosen[name] for name in wanted)
    if quotas is None and wanted and inside < MOST * len(rows):
        listed = ", ".join(wanted[:6]) + ", ..." * (len(wanted) > 6)
        return [
            f"{inside} of {len(rows)} chosen rows are in the target's languages ({listed}): rows are compared by what "
            "they mean in whatever language; --quota target (quotas) takes rows of these"
        ]
    name, n = chosen.most_common(1)[0]
    shares = n / len(rows), pool.counts[name] / pool.n, target[name] / target.total()
    if quotas is not None or shares[0] < MOST or shares[0] < 2 * max(shares[1:]):
        return []
    return [
        f"{n} of {len(rows)} chosen rows are in {name}, which has {shares[1]:.0%} of the pool and {shares[2]:.0%} of "
        "the target; --quota (quotas) says how many of each language"
    ]
