"""How good a model's word alignments are: against gold links, by method and layer, beside floors that know nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from probes.alignment_errors import SCORES, AlignmentErrors, alignment_error_rate
from probes.judging import draw_resamples, interval_of
from xalign.encoders import Encoder, load_encoder
from xalign.errors import SettingError
from xalign.result_folders import filling, read_folder, write_facts, write_frames
from xalign.run_facts import describe_model, describe_versions
from xalign.word_alignment.aligning import Model, align_every, align_words
from xalign.word_alignment.alignment import WordAlignment
from xalign.word_alignment.floors import FLOORS, diagonal_links, random_links
from xalign.word_alignment.gold_sets import GoldSet
from xalign.word_alignment.settings_checks import choose_layers

COLUMNS = (
    *("data", "method", "layer", "n", "links"),
    *(name for score in SCORES for name in (score, f"{score}_low", f"{score}_high")),
)


@dataclass(frozen=True, eq=False)
class AlignmentEvaluation:
    """How good word alignments are.

    Attributes:
        table: A row per data set, method and layer, and for each data set the floors `diagonal` and `random`, and other
            systems' hypotheses (layer missing). Shares in [0, 1]; `aer` lower is better, the others higher; intervals
            are over sentence pairs. `total_f1` counts words without a link as linked to null.
        run: How it was made.
        warnings: What to beware of.
    """

    table: pd.DataFrame
    run: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The lowest mean AER over the data sets among the methods and layers; lower is better."""
        own = self.table.dropna(subset=["layer"])
        return float(own.groupby(["method", "layer"])["aer"].mean().min())

    def save(self, folder: str | Path) -> Path:
        """Write the table (Parquet, CSV) and `run.json`; returns the folder.

        Raises:
            XalignError: If the folder cannot be written or the disk is full.
        """
        folder = Path(folder)
        with filling(folder, what="evaluation"):
            write_frames(folder, {"alignment": self.table})
            write_facts(folder, self.run, self.warnings)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> AlignmentEvaluation:
        """Read what `save` wrote.

        Raises:
            XalignError: If a file is missing, damaged or not such a result's.
        """
        frames, run, warnings = read_folder(Path(folder), {"alignment": COLUMNS}, what="evaluation of word alignments")
        return cls(frames["alignment"], run, warnings)


def evaluate_alignment(  # noqa: PLR0913 - align_every and how to judge
    model: Model,
    sets: Sequence[GoldSet],
    *,
    methods: Sequence[str] = ("argmax", "itermax", "mwmf"),
    layers: Sequence[int] | None = None,
    backend: str = "xalign",
    n_resamples: int = 1000,
    seed: int = 0,
    progress: bool = False,
    **settings: Any,
) -> AlignmentEvaluation:
    """Score word alignments by several methods and layers, from one forward pass of each sentence.

    Args:
        model: As in `align_words`.
        sets: Sentence pairs with gold links.
        methods: As in `align_every`.
        layers: As there; `range(n_layers + 1)` for all.
        backend: xalign, or simalign, which runs again for every method and layer.
        n_resamples: Draws of sentence pairs behind each 95 % interval; all rows of a set share them.
        seed: Of these draws and of the random floor.
        progress: Show a bar on stderr.
        **settings: `unit`, `batch_size`, `symmetrisation`, `windows`, `options`, as in `align_every`.

    Returns:
        The scores.

    Raises:
        ValueError: As in `align_every`, or if there is no set, no resample, or a negative seed.
    """
    _check_request(sets, methods, n_resamples, seed)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    numbers = choose_layers(encoder, layers)
    rows, warnings = [], []
    for gold_set in sets:
        if backend == "xalign":
            found = align_every(encoder, gold_set.pairs, methods=methods, layers=numbers, progress=progress, **settings)
        else:
            found = _one_by_one(encoder, gold_set, methods, numbers, backend=backend, progress=progress, **settings)
        rows += _rows(gold_set, found, n_resamples, seed)
        warnings += _cut_pairs(gold_set, found)
    arguments = {"methods": list(methods), "layers": list(numbers), "backend": backend, "seed": seed}
    run = {
        "model": describe_model(encoder),
        "data": {each.name: each.gold.n for each in sets},
        "arguments": arguments | {"n_resamples": n_resamples} | settings,
        "versions": describe_versions(),
    }
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": "Int64"})
    return AlignmentEvaluation(table, run, tuple(warnings))


def _check_request(sets: Sequence[GoldSet], methods: Sequence[str], n_resamples: int, seed: int) -> None:
    """Refuse before any work what backends and draws would stumble over."""
    if not sets:
        raise SettingError("sets must hold at least one set of sentence pairs with gold links, got none")
    if not methods:
        raise SettingError("methods must name at least one, got none")
    if n_resamples < 1:
        raise SettingError(f"n_resamples must be at least 1, got {n_resamples}")
    if seed < 0:
        raise SettingError(f"seed must be 0 or more, got {seed}")


def _one_by_one(
    encoder: Encoder, gold_set: GoldSet, methods: Sequence[str], layers: Sequence[int], **settings: Any
) -> dict[tuple[str, int], list[WordAlignment]]:
    return {
        (method, layer): align_words(encoder, gold_set.pairs, method=method, layer=layer, **settings)
        for method in methods
        for layer in layers
    }


def _rows(
    gold_set: GoldSet, found: Mapping[tuple[str, int], Sequence[WordAlignment]], n_resamples: int, seed: int
) -> list[list[Any]]:
    shapes = gold_set.shapes
    systems: dict[tuple[str, int | None], Sequence[Any]] = {
        key: [alignment.links for alignment in alignments] for key, alignments in found.items()
    }
    systems |= {(name, None): [set(links) for links in lines] for name, lines in gold_set.hypotheses.items()}
    floors = (diagonal_links(shapes), random_links(shapes, seed=seed))
    systems |= {(name, None): links for name, links in zip(FLOORS, floors, strict=True)}
    draws = draw_resamples(len(shapes), n_resamples, seed=seed)
    rows = []
    for (method, layer), links in systems.items():
        errors = alignment_error_rate(links, gold_set.gold.sure, gold_set.gold.possible, shapes=shapes)
        n_links = sum(map(len, links))
        rows.append([gold_set.name, method, layer, errors.n, n_links, *_judged(errors, draws)])
    return rows


def _judged(errors: AlignmentErrors, draws: Any) -> list[float]:
    """Every score with its interval."""
    judged: list[float] = []
    for name in SCORES:
        interval = interval_of(getattr(errors, name), errors.resampled(draws, score=name))
        judged += [interval.score, interval.low, interval.high]
    return judged


def _cut_pairs(gold_set: GoldSet, found: Mapping[tuple[str, int], Sequence[WordAlignment]]) -> list[str]:
    """Say how many pairs were read in part only."""
    n = sum(alignment.truncated for alignment in next(iter(found.values())))
    said = f"{gold_set.name}: {n} of {gold_set.gold.n} sentence pairs are longer than the model reads and were cut off"
    return [said] if n else []
