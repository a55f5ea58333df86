"""Any number of saved runs on one page: who is best at what, by how much, and may they be compared at all?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from xalign.benchmarking.columns import POOL
from xalign.errors import SettingError
from xalign.figures import Picture
from xalign.figures.names import model_title
from xalign.summary import mean_interval

if TYPE_CHECKING:
    from xalign.benchmarking.results import Retrieval


def leaderboard(*folders: str | Path, out: str | Path) -> Path:
    """Compare saved runs in one self-contained page with sortable tables.

    Args:
        folders: Where `xalign retrieve` or `Retrieval.save` wrote a run each; tasks and models may differ.
        out: The page to write, such as `leaderboard.html`.

    Returns:
        `out`.

    Raises:
        XalignError: If a folder holds no saved run.
        SettingError: If no folder is given.
    """
    from xalign.benchmarking.results import Retrieval

    if not folders:
        raise SettingError("folders must name at least one saved run, got none")
    return write_leaderboard(Path(out), [Retrieval.load(folder) for folder in folders])


def write_leaderboard(path: Path, results: Sequence[Retrieval], *, pictures: tuple[Picture, ...] = ()) -> Path:
    """Write the page of these results, whole or not at all; `pictures` go with a single one."""
    from xalign.benchmarking.leaderboard_page import render_leaderboard
    from xalign.files import write_text

    return write_text(path, render_leaderboard(results, pictures=pictures))


@dataclass(frozen=True, eq=False)
class Run:
    """One result in a comparison.

    Attributes:
        whole: The result.
        name: Its model, with what tells it apart from other runs of the same one.
        result: The same on the languages that are compared.
    """

    whole: Retrieval
    name: str
    result: Retrieval

    @cached_property
    def by_language(self) -> pd.DataFrame:
        """Each language's score among those compared, under the headline metric; two directions are averaged."""
        return _by_language(self.result)

    @cached_property
    def by_own_language(self) -> pd.DataFrame:
        """Score and interval of each language that the run has."""
        return _by_language(self.whole)

    def mean_of(self, metric: str, direction: str | None = None, languages: str = "all") -> float:
        """The mean of a metric over a set of languages, in a direction or in its first; NaN where there is none."""
        rows = self.result.summary
        rows = rows[
            (rows["layer"] == self.result.layer) & (rows["metric"] == metric) & (rows["languages"] == languages)
        ]
        rows = rows if direction is None else rows[rows["direction"] == direction]
        return float(rows["score"].iloc[0]) if len(rows) else float("nan")

    @property
    def mean(self) -> float:
        """The headline mean over the languages that are compared."""
        return self.result.score

    @property
    def interval(self) -> tuple[float, float]:
        """How far that mean would move with other languages; NaN for fewer than 3."""
        headline = self.result.headline
        return float(headline["ci_low"]), float(headline["ci_high"])


def _by_language(result: Retrieval) -> pd.DataFrame:
    from xalign.benchmarking.pictures import language_bars

    return language_bars(result).groupby("language", sort=False)[["score", "ci_low", "ci_high"]].mean()


@dataclass(frozen=True, eq=False)
class Contest:
    """The runs of one task, best first.

    Attributes:
        title: The task.
        runs: By their mean over the languages that all have (over their own where there are none).
        common: The languages that all have.
    """

    title: str
    runs: tuple[Run, ...]
    common: tuple[str, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that any run has."""
        return tuple(dict.fromkeys(str(language) for run in self.runs for language in run.by_own_language.index))

    def behind(self, run: Run) -> tuple[float, float, float]:
        """How far a run lies from the first, language by language, with the interval of the mean difference."""
        if not self.common:
            return float("nan"), float("nan"), float("nan")
        own, first = (each.by_language.loc[list(self.common), "score"].to_numpy(float) for each in (run, self.runs[0]))
        return float((own - first).mean()), *mean_interval(own - first)

    @property
    def cautions(self) -> tuple[str, ...]:
        """Why the runs are not quite comparable, a sentence each."""
        return tuple(self._cautions())

    def _cautions(self) -> Iterator[str]:
        if len({run.result.run["text"]["hash"] for run in self.runs}) > 1 and len(self.languages) == len(self.common):
            yield "the runs did not read the same text: difficulty and chance may differ"
        if len(self.common) < len(self.languages):
            shared = f"the {len(self.common)} that all have" if self.common else "its own, as none is common to all"
            yield f"the runs have different languages: every mean is over {shared}"
            if any(run.whole.run["task"]["kind"] == "pool" for run in self.runs):
                yield "their pools hold different languages, and so other candidates: the means are not comparable"
        for what, words in (("reported_on", "rows"), ("score", "comparison")):
            values = list(dict.fromkeys(str(run.result.run["protocol"][what]) for run in self.runs))
            if len(values) > 1:
                yield f"the runs were not scored by the same {words}: {'; '.join(values)}"
        seen = [run.name for run in self.runs if run.result.run["task"]["seen_in_training"]]
        if seen:
            yield f"trained on this text, and so not comparable with the others: {', '.join(seen)}"


def contests_of(results: Sequence[Retrieval]) -> tuple[Contest, ...]:
    """Put the results of one task together, and rank them."""
    by_title: dict[str, list[Retrieval]] = {}
    for result in results:
        by_title.setdefault(_title(result), []).append(result)
    return tuple(_ranked(title, found) for title, found in by_title.items())


def _title(result: Retrieval) -> str:
    """The task, and which languages meet."""
    pivot, kind = result.run["task"]["pivot"], result.run["task"]["kind"]
    title = str(result.run["task"]["title"])
    return title if pivot or kind == "pool" or POOL in set(result.table["target"]) else f"{title}, all pairs"


def _ranked(title: str, results: Sequence[Retrieval]) -> Contest:
    indices = [_by_language(result).index for result in results]
    shared = set.intersection(*map(set, indices))
    common = tuple(str(language) for language in indices[0] if language in shared)
    runs = [
        Run(result, name, restrict(result, common)) for result, name in zip(results, name_runs(results), strict=True)
    ]
    return Contest(title, tuple(sorted(runs, key=lambda run: run.mean, reverse=True)), common)


def restrict(result: Retrieval, languages: Sequence[str]) -> Retrieval:
    """The rows between these languages, the pivot and the pool; the result as it is where there are none."""
    kept = {*languages, result.run["task"]["pivot"], POOL}
    rows = result.table[result.table["source"].isin(kept) & result.table["target"].isin(kept)]
    return replace(result, table=rows) if languages and len(rows) < len(result.table) else result


def name_runs(results: Sequence[Retrieval]) -> list[str]:
    """Name runs by model; where a model comes twice, by what differs in how it was asked, else by number."""
    models = [model_title(str(result.run["model"]["name"])) for result in results]
    names = []
    for i, (model, result) in enumerate(zip(models, results, strict=True)):
        others = [other for j, other in enumerate(results) if models[j] == model and j != i]
        told = _differences(result, others)
        names.append(f"{model} ({', '.join(told)})" if told else model)
    counts = pd.Series(names).groupby(names).cumcount()
    return [
        f"{name} #{number + 1}" if names.count(name) > 1 else name for name, number in zip(names, counts, strict=True)
    ]


def _differences(result: Retrieval, others: Sequence[Retrieval]) -> list[str]:
    told = []
    if any(other.layer != result.layer for other in others):
        told.append(f"layer {result.layer}")
    for what in ("pooling", "score", "transform"):
        own = result.run["protocol"][what]
        if any(other.run["protocol"][what] != own for other in others):
            told.append(f"no {what}" if own == "none" else f"{what} {own}" if what == "pooling" else str(own))
    prompts = result.run["protocol"]["prompts"]
    if any(other.run["protocol"]["prompts"] != prompts for other in others):
        told.append(f"prompts: {prompts['origin']}")
    return told
