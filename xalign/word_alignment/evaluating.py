"""How good a model's word alignments are: against gold links, by method and layer, beside floors that know nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from xalign.word_alignment.alignment import Link, WordAlignment
from xalign.word_alignment.floors import diagonal_links, random_links
from xalign.word_alignment.pharaoh import GoldLinks, read_gold, read_links
from xalign.word_alignment.reading import find_gold_sets, read_pairs
from xalign.word_alignment.settings_checks import choose_layers

COLUMNS = (
    *("data", "method", "layer", "n", "links"),
    *(name for score in SCORES for name in (score, f"{score}_low", f"{score}_high")),
)
FLOORS = ("diagonal", "random")


@dataclass(frozen=True, eq=False)
class GoldSet:
    """Sentence pairs whose word links people have marked.

    Attributes:
        name: What the set is called.
        pairs: (source words, target words).
        gold: Their links, counted from 0.
        hypotheses: Links that other systems found, by the system's name.
    """

    name: str
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]]
    gold: GoldLinks
    hypotheses: Mapping[str, Sequence[Mapping[Link, float]]] = field(default_factory=dict)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """How many source and target words each pair has."""
        return [(len(source), len(target)) for source, target in self.pairs]


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


def read_gold_set(
    pairs: str | Path,
    gold: str | Path,
    *,
    name: str | None = None,
    index_base: int = 1,
    hypotheses: Sequence[str | Path] = (),
) -> GoldSet:
    """Read sentence pairs, their gold links, and what other systems found.

    Args:
        pairs: As `read_pairs` takes it.
        gold: As `read_gold` takes it.
        name: What to call the set; by default the file of pairs, without ending.
        index_base: What the gold file calls the first word: 1 or 0.
        hypotheses: Files of other systems' links, which count words from 0.

    Raises:
        CorpusError: If a file cannot be read, or a link leads outside its sentences.
    """
    found = read_pairs(pairs)
    shapes = [(len(source), len(target)) for source, target in found]
    links = {Path(path).stem: read_links(path, shapes=shapes) for path in hypotheses}
    known = read_gold(gold, index_base=index_base, shapes=shapes)
    return GoldSet(name or Path(pairs).stem, found, known, links)


def read_gold_sets(place: str | Path, *, index_base: int = 1) -> list[GoldSet]:
    """Read every `NAME.src-tgt` with `NAME.gold` of a folder, or the one of a prefix such as `folder/enfr`.

    Raises:
        CorpusError: If there is none, or a file cannot be read.
    """
    return [read_gold_set(pairs, gold, name=name, index_base=index_base) for name, pairs, gold in find_gold_sets(place)]


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
        ValueError: As in `align_every`, or if there is no set.
    """
    if not sets:
        raise SettingError("sets must hold at least one set of sentence pairs with gold links, got none")
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
    systems |= {("diagonal", None): diagonal_links(shapes), ("random", None): random_links(shapes, seed=seed)}
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
