"""A report's headline: what each probe found, in words and a few numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from xalign.figures.names import model_title, name_languages, probe_title, two_decimals
from xalign.figures.reductions import (
    all_languages,
    between_languages,
    check_table,
    has_pivot,
    is_alone,
    language_scores,
    layer_means,
)
from xalign.summary import best_layers

SIGNIFICANT = 0.05
N_NAMED, N_PEAKS = 2, 4
NULL = " shuffled sentences (p\u00a0≤\u00a0.05)."


@dataclass(frozen=True)
class Finding:
    """What one probe found at its best layer.

    Attributes:
        probe: The probe's name in the table.
        title: The probe's name in words.
        layer: The layer of the highest mean score.
        score: That mean.
        low: Lower end of its interval.
        high: Upper end.
        chance: Mean chance level; NaN where none is known.
        n_pairs: Pairs of languages in the mean.
        n_above_null: How many of them have p <= .05 against shuffled sentences.
        n_judged: How many of them have a p-value.
        best: The highest languages with their scores, e.g. "French .78, German .75".
        worst: The lowest, lowest first.
        alone: Whether the probe sees each language by itself.
    """

    probe: str
    title: str
    layer: int
    score: float
    low: float
    high: float
    chance: float
    n_pairs: int
    n_above_null: int
    n_judged: int
    best: str
    worst: str
    alone: bool = False

    @property
    def score_text(self) -> str:
        """The mean score."""
        return two_decimals(self.score)

    @property
    def interval_text(self) -> str:
        """The interval and chance, e.g. "95 % interval .55 to .66, chance .01"."""
        chance = f", chance {two_decimals(self.chance)}" if np.isfinite(self.chance) else ""
        if not np.isfinite(self.low):
            return f"no interval{chance}"
        return f"95 % interval {two_decimals(self.low)} to {two_decimals(self.high)}{chance}"

    @property
    def null_text(self) -> str:
        """How many pairs beat shuffled sentences."""
        if not self.n_judged:
            return "No permutation null was computed."
        if self.alone:
            return f"{self.n_above_null} of {self.n_judged} languages beyond their null (p\u00a0≤\u00a0.05)."
        if self.n_judged == 1:
            return "Above" + NULL if self.n_above_null else "Not above" + NULL.replace("≤", ">")
        return f"{self.n_above_null} of {self.n_judged} language pairs above" + NULL


def find(table: pd.DataFrame) -> tuple[Finding, ...]:
    """Read each probe's best layer off a report's table; a probe whose every score is NaN is left out."""
    table = check_table(table)
    peaks = best_layers(layer_means(table))
    return tuple(_finding(table, peak) for _, peak in peaks.iterrows())


def lede(table: pd.DataFrame, findings: tuple[Finding, ...]) -> str:
    """Say in a sentence or two where the model aligns which languages, and which it aligns best."""
    model, subject = model_title(str(table["model"].iloc[0])), describe_languages(table)
    if not findings:
        return f"No probe gave a number for {model} on {subject}; the warnings say why."
    first, layers = findings[0], {finding.layer for finding in findings}
    if len(layers) == 1:
        peak = f"{first.title} peaks" if len(findings) == 1 else f"all {len(findings)} probes peak"
        sentence = (
            f"At layer {first.layer} of {int(table['layer'].max())}, {model} aligns {subject} best: {peak} there."
        )
    else:
        named = [f"{finding.title} at layer {finding.layer}" for finding in findings[:N_PEAKS]]
        others = [f"{len(findings) - N_PEAKS} others below"] if len(findings) > N_PEAKS else []
        peaks = join_words(named + others)
        sentence = f"{model} aligns {subject} best at a layer that depends on the probe: {peaks}."
    if not first.worst:
        return sentence
    return f"{sentence} By {first.title}, {first.best} stand highest and {first.worst} lowest."


def describe_languages(table: pd.DataFrame) -> str:
    """Say which languages were compared, e.g. "English with 23 languages"."""
    table = check_table(table)
    languages = all_languages(table)
    names = name_languages(languages)
    if not has_pivot(table):
        return f"{len(languages)} languages with each other"
    targets = list(between_languages(table)["target"].unique())
    if is_alone(table):
        return f"{len(targets)} languages"
    others = join_words([names[target] for target in targets]) if len(targets) <= 3 else f"{len(targets)} languages"
    return f"{names[languages[0]]} with {others}"


def join_words(words: list[str]) -> str:
    """Join with commas and a final "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _finding(table: pd.DataFrame, peak: pd.Series) -> Finding:
    rows = table[(table["probe"] == peak["probe"]) & (table["layer"] == peak["layer"])]
    best, worst = _extremes(rows)
    return Finding(
        probe=str(peak["probe"]),
        title=probe_title(str(peak["probe"])),
        layer=int(peak["layer"]),
        score=float(peak["score"]),
        low=float(peak["ci_low"]),
        high=float(peak["ci_high"]),
        chance=float(peak["chance"]),
        n_pairs=len(rows),
        n_above_null=int((rows["p_value"] <= SIGNIFICANT).sum()),
        n_judged=int(rows["p_value"].notna().sum()),
        best=best,
        worst=worst,
        alone=is_alone(rows),
    )


def _extremes(rows: pd.DataFrame) -> tuple[str, str]:
    """The highest and the lowest languages of one probe and layer; nothing to rank with fewer than two."""
    scores = language_scores(rows).iloc[:, 0].dropna().sort_values(ascending=False, kind="stable")
    n = min(N_NAMED, len(scores) // 2)
    names = name_languages([str(language) for language in scores.index])
    words = [f"{names[str(language)]}\u00a0{two_decimals(score)}" for language, score in scores.items()]
    return (join_words(words[:n]), join_words(words[::-1][:n])) if n else ("", "")
