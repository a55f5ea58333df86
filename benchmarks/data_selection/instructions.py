"""Instructions: raw and revised responses in 13 languages, and evaluation instructions in four as the target."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data_selection.encoding import Vectors
from benchmarks.data_selection.settings import BUDGETS, INSTRUCTIONS, N_TARGET, WANTED, Experiment
from benchmarks.data_selection.tasks import Measured, Pool, Task
from xalign.encoders.fingerprints import digest_file, digest_texts
from xalign.files import write_whole

logger = logging.getLogger(__name__)
RAW, REVISED = "Raw", "Revised"
MAX_TOKENS = 96
"""Read of an instruction."""


@dataclass(frozen=True)
class Response:
    """One row of the pool: what was asked and answered, by whom, and at which place of its language's file."""

    language: str
    place: int
    revised: bool
    instruction: str
    response: str


def read_responses(data: Path, *, n_places: int | None = None) -> list[Response]:
    """Read raw and revised responses, language by language.

    Args:
        data: Holds `instructions/midb_train`.
        n_places: Instructions of each language, drawn alike in all; None for all.
    """
    found: list[Response] = []
    for path in sorted((data / "instructions" / "midb_train").glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        places = np.sort(np.random.default_rng(0).permutation(len(rows))[:n_places])
        found += [one for place in places.tolist() for one in _both(rows[place], path.stem, place)]
    return found


def _both(row: Mapping[str, Any], language: str, place: int) -> Iterator[Response]:
    """Give both responses that there are; a row whose very field names were translated has none that can be read."""
    if f"{RAW} Instruction" not in row:
        logger.warning("%s, row %d: left out, its fields are %s", language, place, ", ".join(row))
        return
    for kind in (RAW, REVISED):
        asked = [row[f"{kind} Instruction"], row[f"{kind} Input"] or ""]
        response = row[f"{kind} Response"] or ""
        instruction = "\n".join(asked).strip()
        if response.strip() and instruction:
            yield Response(language, place, kind == REVISED, instruction, response)


def instruction_tasks(experiment: Experiment) -> Callable[[int], Task]:
    """Read and encode instructions, which is what the target holds: with its response, a row would lie the nearer to an
    instruction the less it says beside it. A quality model's scores come beside length where a folder is given.

    Returns:
        Gives the task with the target of a number.
    """
    rows = read_responses(experiment.data, n_places=experiment.n_places)
    vectors = Vectors(experiment.out / "vectors", max_length=MAX_TOKENS)
    pool = np.concatenate(
        [vectors.of(f"{INSTRUCTIONS}/asked_{name}_{len(texts)}", texts) for name, texts in _by_language(rows).items()]
    )
    order = np.random.default_rng(0).permutation(len(rows))  # so that ties favour no language
    rows = [rows[i] for i in order.tolist()]
    lengths = np.array([len(row.response) for row in rows])
    qualities = {"length": lengths.astype(np.float64)}
    if experiment.quality_model is not None:
        qualities["model"] = _model_quality(experiment.quality_model, rows, experiment.out / "vectors")
    known = Pool(pool[order], np.array([row.language for row in rows]), lengths, qualities=qualities)
    facts = {"ranked_above": {name: ranked_above(rows, quality) for name, quality in qualities.items()}}

    def task(which: int) -> Task:
        target, unseen = _targets(experiment.data, vectors, which)
        budgets = [int(budget) for budget in BUDGETS[INSTRUCTIONS]]
        return Task(INSTRUCTIONS, known, *target, unseen, budgets, Kinds(rows).measure, facts)

    return task


@dataclass(frozen=True, eq=False)
class Kinds:
    """Counts what kinds of responses are among chosen rows."""

    rows: Sequence[Response]

    def measure(self, chosen: np.ndarray) -> Measured:
        """Return the share of revised responses, and of rows whose instruction an earlier one of its language has."""
        own = [self.rows[i] for i in chosen.tolist()]
        asked = {(row.language, row.place) for row in own}
        return {"revised": float(np.mean([row.revised for row in own])), "repeats": 1 - len(asked) / len(own)}


def ranked_above(rows: Sequence[Response], quality: np.ndarray) -> dict[str, dict[str, float]]:
    """Say how often a quality ranks a revised response above the raw one, by language; a tie counts half."""
    found: dict[tuple[str, int], dict[bool, float]] = {}
    texts: dict[tuple[str, int], set[str]] = {}
    for row, value in zip(rows, quality.tolist(), strict=True):
        found.setdefault((row.language, row.place), {})[row.revised] = value
        texts.setdefault((row.language, row.place), set()).add(row.response)
    wins: dict[str, list[float]] = {}
    for (language, place), pair in sorted(found.items()):
        if len(texts[language, place]) > 1:  # equal responses have no better one
            wins.setdefault(language, []).append((np.sign(pair[True] - pair[False]) + 1) / 2)
    return {name: {"ranked_above": round(float(np.mean(own)), 4), "n": len(own)} for name, own in wins.items()}


def _by_language(rows: Sequence[Response]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.language, []).append(row.instruction)
    return found


def _targets(data: Path, vectors: Vectors, which: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Deal instructions out to the wanted languages, each to one: first the target, then as many that stay unseen."""
    texts = {name: _evaluation(data, name) for name in WANTED[INSTRUCTIONS]}
    drawn = np.random.default_rng(which).permutation(min(map(len, texts.values())))[: 2 * N_TARGET]
    found = []
    for kind, places in (("target", drawn[:N_TARGET]), ("unseen", drawn[N_TARGET:])):
        dealt = dict(zip(texts, np.array_split(places, len(texts)), strict=True))
        own = [texts[name][i] for name, mine in dealt.items() for i in mine.tolist()]
        names = np.repeat(list(dealt), [len(mine) for mine in dealt.values()])
        found.append((vectors.of(f"{INSTRUCTIONS}/{kind}_{which}", own), names))
    return found


def _evaluation(data: Path, language: str) -> list[str]:
    """Read the instructions of a language; some rows spell the field with a capital."""
    path = data / "instructions" / "alpaca_eval" / f"{language}.json"
    return [text for row in json.loads(path.read_text(encoding="utf-8")) for text in row.values()]


def _model_quality(folder: Path, rows: Sequence[Response], kept: Path) -> np.ndarray:
    """Score all rows once; the file is named by the model's weights and the rows' texts."""
    from xalign.quality import load_quality_model

    texts = digest_texts(text for row in rows for text in (row.instruction, row.response))
    path = kept / INSTRUCTIONS / f"quality_{digest_file(folder / 'model.safetensors')[:12]}_{texts[:12]}.npy"
    if not path.is_file():
        model = load_quality_model(folder)
        scores = model.score([row.instruction for row in rows], [row.response for row in rows])
        write_whole(path, lambda file: np.save(file, np.asarray(scores, dtype=np.float64), allow_pickle=False))
    return np.load(path, allow_pickle=False)
