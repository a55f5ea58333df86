"""The choice: gather what is known, weigh it, choose, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from selection.languages import LanguageChoice, choose_languages
from xalign.choosing.candidates import Candidates, resolve_all
from xalign.choosing.describing import collect_cautions, describe_pool, describe_run, explain
from xalign.choosing.judging import judge_choice
from xalign.choosing.material import Given, Material, Source, gather, included_in, limits_of
from xalign.choosing.results import LanguageSelection
from xalign.choosing.settings import ChoosingSettings
from xalign.choosing.weighing import Weighed, weigh
from xalign.corpora import resolve_language
from xalign.errors import SettingError
from xalign.report import ProbeReport


def select_languages(  # noqa: PLR0913 - the arguments are the public interface
    source: ProbeReport | Source | str | Path | None = None,
    k: int = 5,
    *,
    candidates: Candidates | None = None,
    features: str | None = None,
    objective: str = "facility_location",
    method: str = "auto",
    pivot: str = "eng_Latn",
    probes: str | Sequence[str] | None = None,
    layer: int | None = None,
    need: float | int = 1.0,
    grasp: float | int = 1.0,
    coverage: float | int = 1.0,
    diversity: float | int = 1.0,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    max_per_family: int | None = None,
    max_per_script: int | None = None,
    drop_missing: bool = False,
    resources: Mapping[str, float] | None = None,
    n_draws: int = 200,
    seed: int = 0,
    folder: str | Path | None = None,
) -> LanguageSelection:
    """Choose a small set of languages that are diverse, lack alignment and stand in for the others.

    Three factors are multiplied, each to the power of its argument, so that 0 switches it off: diversity (distance by
    `features`), what there is to gain (w = n (1 - n)^grasp, with the need n 1 minus the score against the pivot,
    rescaled between chance and the best possible, averaged over probes at one layer: realignment moves neither what is
    at its best nor what the model has no hold of) and coverage (how alike the model's own scores say that two languages
    are).

    - "facility_location" and "k_medoids" ask that every candidate has a chosen one to stand for it: covering j is worth
      w_j, and i covers it as far as the two are close (1 - d_ij / max d) and alike to the model (s_ij); of these two
      the geometric mean is taken.
    - "max_sum" and "max_min" ask that the chosen lie far apart: distances are weighed by w_i t_i, with t_i the mean
      similarity of i to all others, weighted by theirs; who is included has the mean weight. "min_sum" is the least
      diverse, a control, and "random" draws: neither weighs anything.

    Without a report, or with need and coverage 0, it is the plain objective on the distances.

    The product need not favour need: languages that lack most are often those that the model has least hold of and that
    stand in for few, so the chosen can lack less than random draws do. `table` shows their mean need among the draws,
    and a warning says so below the 10th percentile; grasp=0, and less coverage, give need more of a say.

    Args:
        source: A `ProbeReport` or its folder, for need and coverage; a matrix of distances (a DataFrame with languages
            as index, `LanguageDistances`, or an array whose rows `candidates` names); None to choose by features alone.
        k: How many to choose.
        candidates: "flores", "embedded", names, a file, a corpus; None for those of the source, else the embedded ones.
        features: Distances, such as "uriel.syntax,probe:cka@6,0.5*script" (`xalign.typology.parse_features`); None for
            "uriel.syntax", or for the matrix if the source is one.
        objective: facility_location, k_medoids, max_sum, max_min, min_sum or random.
        method: "exact" proves the optimum (or says the gap), "greedy" with swaps is fast, "auto" decides by size.
        pivot: The language that need is measured against; no candidate unless it is included.
        probes: Which of the report's probes say what is needed; None for all that compare two languages.
        layer: Where scores are read; None for the layer at which the candidates need least on average.
        need: Power of what there is to gain, from 0.
        grasp: Power of 1 - n in it, from 0, at which languages count the more the more they lack.
        coverage: Power of the probes' similarity, from 0.
        diversity: Power of the distances, from 0; if all three are 0, it counts as 1.
        include: Languages that must be chosen; they join the candidates, and every arm.
        exclude: Languages that are no candidates: neither chosen nor to be covered.
        max_per_family: At most so many of one family.
        max_per_script: At most so many of one script.
        drop_missing: Leave out candidates without features instead of stopping; the warnings name them.
        resources: How much data each candidate has, for the arm "most resourced"; None for a published list of levels,
            which are few, so that the arm is a mean over draws among equals.
        n_draws: Random sets that the choice is judged against.
        seed: Of draws and ties. The same call gives the same choice.
        folder: Of typology files; None for the embedded table or an installed package.

    Returns:
        The chosen languages with reasons, the arms they are judged against, and how they were chosen.

    Raises:
        SettingError: For values that cannot be used, k above the number of candidates, or limits that contradict.
        UnknownNameError: For a language, probe, feature or layer that is unknown or missing for a candidate.
        ProbeError: If the report lacks scores that are asked for.
        XalignError: If a report, corpus or file cannot be read.

    References:
        Kothawade et al. (2021), SIMILAR, arXiv:2107.00717 (facility location weighed by what is asked for); Ploeger et
            al. (2025), arXiv:2407.05022 (max-sum and max-min over typological distances).
    """
    settings = ChoosingSettings(
        k=k,
        objective=objective,
        method=method,
        features=features,
        pivot=resolve_language(pivot).code,
        probes=_names(probes),
        layer=layer,
        need=float(need),
        grasp=float(grasp),
        coverage=float(coverage),
        diversity=float(diversity),
        include=resolve_all(include),
        exclude=resolve_all(exclude),
        max_per_family=max_per_family,
        max_per_script=max_per_script,
        n_draws=n_draws,
        seed=seed,
    )
    source = ProbeReport.load(source) if isinstance(source, str | Path) else source
    report = source if isinstance(source, ProbeReport) else None
    matrix = None if isinstance(source, ProbeReport) else source
    given = Given(report, matrix, candidates, resources, folder, drop_missing)
    material = gather(given, settings)
    weighed = weigh(material.distances, material.evidence, settings, included=included_in(material, settings))
    return _put_together(_choose(material, weighed, settings), material, weighed, settings, report)


def _choose(material: Material, weighed: Weighed, settings: ChoosingSettings) -> LanguageChoice:
    """Ask the selector, whose refusals are about the settings."""
    try:
        return choose_languages(
            weighed.distances,
            settings.k,
            languages=list(material.languages),
            objective=settings.objective,
            method=settings.method,
            include=settings.include,
            weights=weighed.weights,
            seed=settings.seed,
            **limits_of(material, settings),
        )
    except ValueError as error:
        raise SettingError(_in_our_words(str(error), settings)) from error


def _in_our_words(message: str, settings: ChoosingSettings) -> str:
    """The selector speaks of groups; here these are families or scripts."""
    ours = [name for name in ("max_per_family", "max_per_script") if getattr(settings, name) is not None]
    told = [name for name in ours if f"{name.removeprefix('max_per_')!r}" in message] or ours
    return message.replace("max_per_group", " or ".join(told) or "max_per_group")


def _put_together(
    choice: LanguageChoice, material: Material, weighed: Weighed, settings: ChoosingSettings, report: ProbeReport | None
) -> LanguageSelection:
    judged = judge_choice(choice.indices.tolist(), material, settings)
    pool = describe_pool(choice, material, weighed)
    reasons = tuple(explain(reason, pool, material, weighed, choice.objective) for reason in choice.reasons)
    names = pd.Index(material.languages, name="language")
    return LanguageSelection(
        choice=replace(choice, reasons=reasons),
        pool=pool,
        distances=pd.DataFrame(material.distances, index=names, columns=list(names)),
        weighed=pd.DataFrame(weighed.distances, index=names, columns=list(names)),
        table=judged.table,
        draws=judged.draws,
        arms=judged.arms,
        run=describe_run(material, weighed, settings, report),
        warnings=(*collect_cautions(material, weighed, settings), *material.notes, *judged.notes),
    )


def _names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else tuple(names)
