"""What the experiment is told, and which languages are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOPICS, SENTIMENT, INSTRUCTIONS, ALIGNMENT = "topics", "sentiment", "instructions", "alignment"
QUESTIONS = (TOPICS, SENTIMENT, INSTRUCTIONS, ALIGNMENT)
PIVOT = "eng_Latn"
WANTED = {
    TOPICS: ("swh_Latn", "hin_Deva", "ukr_Cyrl", "tgl_Latn", "amh_Ethi"),
    SENTIMENT: ("acehnese", "madurese", "toba_batak"),
    INSTRUCTIONS: ("German", "Indonesian", "Turkish", "Vietnamese"),
}
"""What the target is in."""
BUDGETS: dict[str, Sequence[float]] = {
    TOPICS: (0.01, 0.02, 0.05),
    SENTIMENT: (0.02, 0.05, 0.1),
    INSTRUCTIONS: (1000, 5000),
}
"""Rows to choose, or shares of the pool; of the 6,600 rows of NusaX, one in a hundred would be too few to train on."""
N_TARGET, N_TARGETS = 100, 3
"""Rows of a target; targets, each of other rows or the same rows in other languages, that aimed selectors are run for.
"""
WRONG_SHARE, COPY_SHARE, COPIES = 0.2, 0.1, 10
"""Of the labels; of near-duplicates beside the rows; of these to one row."""


@dataclass(frozen=True)
class Experiment:
    """All that is asked for.

    Attributes:
        data: Holds flores200, nusax and instructions.
        out: Where vectors and runs are kept.
        questions: Of `QUESTIONS`.
        quality_model: A folder that `xalign train-quality` wrote; None leaves its arms out.
        n_draws: Random draws.
        n_languages: Of the pool of topics; None for all 205.
        n_places: Instructions of each language whose responses are in the pool; None for all.
        limit: Runs to do before stopping; None for all.
    """

    data: Path
    out: Path
    questions: tuple[str, ...] = QUESTIONS
    quality_model: Path | None = None
    n_draws: int = 10
    n_languages: int | None = None
    n_places: int | None = None
    limit: int | None = None
