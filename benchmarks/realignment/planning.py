"""Which sets of languages are tried, decided from the starting model before anything is trained."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.realignment.languages import MEASURED, POOL
from benchmarks.realignment.measuring import Texts
from benchmarks.realignment.settings import Experiment
from selection.languages import choose_languages, random_choices
from xalign.choosing.running import select_languages
from xalign.corpora import ParallelCorpus
from xalign.encoders.encoder import Encoder
from xalign.errors import SettingError
from xalign.files import write_text
from xalign.probing import probe
from xalign.report import ProbeReport
from xalign.typology import feature_distances

FEATURES = "uriel.syntax,uriel.phonology,uriel.inventory"
PROBES = ("retrieval", "cka")
DRAWS_SEED = 20_000
"""Of the random sets; far from the seeds of training."""
START, ALL, RANDOM, MOST, LEAST, AWARE = "start", "all", "random", "most", "least", "aware"
NEEDY = "needy"
"""Alignment-aware by need alone: languages count the more the more they lack."""


@dataclass(frozen=True)
class Run:
    """One training of one set; the starting model itself is a run without languages.

    Attributes:
        arm: How the languages were chosen.
        k: How many.
        draw: Which of the random sets; 0 elsewhere.
        seed: Of the training.
        languages: The set.
    """

    arm: str
    k: int
    draw: int
    seed: int
    languages: tuple[str, ...]

    @property
    def name(self) -> str:
        """A file name that another set never has."""
        digest = hashlib.sha256(" ".join(sorted(self.languages)).encode()).hexdigest()[:8]
        return f"{self.arm}_k{self.k}_draw{self.draw}_{digest}_seed{self.seed}"


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done with one model.

    Attributes:
        layer: Where it is realigned and measured: the middle one. Nothing above it is computed, which halves the time.
        runs: All of them, the starting model first; those of one seed stand together.
    """

    layer: int
    runs: tuple[Run, ...]


def make_plan(encoder: Encoder, texts: Texts, experiment: Experiment, folder: Path) -> Plan:
    """Probe the starting model on dev, choose all sets, and write both down.

    Args:
        encoder: The starting model.
        texts: Sentences.
        experiment: Sizes, draws and seeds.
        folder: Of this model; gets `plan.json`, the report, and the distances that the analysis reads.
    """
    facts = {"model": encoder.fingerprint, "text": texts.train.fingerprint, "training": asdict(experiment.training)}
    _require_same(folder / "plan.json", facts)
    layer = encoder.n_layers // 2
    report = _likeness(encoder, texts.dev, layer, folder / "report")
    distances = feature_distances(FEATURES, MEASURED, folder=experiment.data / "typology")
    typology = pd.DataFrame(distances.values, index=list(MEASURED), columns=list(MEASURED))
    likeness = report.matrix("cka", layer).loc[list(MEASURED), list(MEASURED)]
    for name, frame in (("typology", typology), ("likeness", likeness)):
        write_text(folder / f"{name}.csv", frame.round(6).to_csv(index_label="language", lineterminator="\n"))
    sets = list(_sets(typology, report, layer, experiment))
    runs = (Run(START, 0, 0, 0, ()), *_with_seeds(sets, experiment.n_seeds))
    plan = facts | {"layer": layer, "distances": distances.source, "runs": [asdict(run) for run in runs]}
    write_text(folder / "plan.json", json.dumps(plan, indent=1) + "\n")
    return Plan(layer, runs)


def read_plan(folder: Path) -> Plan:
    """Read what `make_plan` wrote."""
    stored = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return Plan(stored["layer"], tuple(Run(**run | {"languages": tuple(run["languages"])}) for run in stored["runs"]))


def _require_same(path: Path, facts: dict) -> None:
    """Refuse to add to an earlier plan of another training; sets and seeds may be added."""
    if not path.is_file():
        return
    stored = json.loads(path.read_text(encoding="utf-8"))
    for name, value in facts.items():
        if stored[name] != value:
            raise SettingError(
                f"--out must be of the same {name}, got {value} where {path} says {stored[name]}; name another folder"
            )


def _likeness(encoder: Encoder, dev: ParallelCorpus, layer: int, folder: Path) -> ProbeReport:
    """The scores of all pairs of languages at the layer, kept."""
    if (folder / "run.json").is_file():
        return ProbeReport.load(folder)
    report = probe(
        encoder, dev, probes=PROBES, layers=[layer], pivot=None, n_permutations=1, n_resamples=2, cache=False,
        progress=False,
    )  # fmt: skip
    report.save(folder)
    return report


def _sets(
    typology: pd.DataFrame, report: ProbeReport, layer: int, experiment: Experiment
) -> Iterator[tuple[str, int, int, tuple[str, ...]]]:
    """Yield arm, size, draw and languages of every set."""
    pool = typology.loc[list(POOL), list(POOL)].to_numpy()
    for k in experiment.sizes:
        for arm, objective in ((MOST, "max_sum"), (LEAST, "min_sum")):
            yield arm, k, 0, tuple(choose_languages(pool, k, languages=POOL, objective=objective).languages)
        for arm, grasp in ((AWARE, 1.0), (NEEDY, 0.0)):
            chosen = select_languages(
                *(report, k), features=FEATURES, candidates=POOL, layer=layer, grasp=grasp, n_draws=10,
                folder=experiment.data / "typology",
            )  # fmt: skip
            yield arm, k, 0, chosen.languages
        for draw in range(experiment.n_draws):
            (rows,) = random_choices(len(POOL), k, n_draws=1, seed=DRAWS_SEED + 100 * k + draw)
            yield RANDOM, k, draw, tuple(POOL[row] for row in np.sort(rows))
    yield ALL, len(POOL), 0, POOL


def _with_seeds(sets: list[tuple[str, int, int, tuple[str, ...]]], n_seeds: int) -> Iterator[Run]:
    for seed in range(n_seeds):
        for arm, k, draw, languages in sets:
            yield Run(arm, k, draw, seed, languages)
