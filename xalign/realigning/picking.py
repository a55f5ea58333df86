"""An alignment-aware choice of languages, made from what the starting model lacks, before it is realigned on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.corpora import Corpus
from xalign.encoders import Encoder
from xalign.errors import SettingError
from xalign.files import write_text
from xalign.language_lists import CHOSEN
from xalign.realigning.languages import LanguageGroups, Wanted
from xalign.realigning.measuring import Measuring

if TYPE_CHECKING:
    from xalign.choosing import LanguageSelection

PROBES = ("cka", "retrieval")
N_ROWS = 200
"""Sentences that the choice is made on, at most; they are among those that the model is realigned on."""
FOLDER = "choice"


@dataclass(frozen=True, eq=False)
class Pick:
    """Languages that were chosen.

    Attributes:
        selection: The choice, with its reasons.
        wanted: The same, as languages to realign on.
    """

    selection: LanguageSelection
    wanted: Wanted

    @property
    def reasons(self) -> dict[str, str]:
        """Why each was chosen, in a sentence."""
        return {reason.language: reason.text for reason in self.selection.reasons}

    def save(self, folder: Path) -> None:
        """Write the choice into a folder of its own, and `chosen.json` beside the model too."""
        self.selection.save(folder / FOLDER)
        write_text(folder / CHOSEN, (folder / FOLDER / CHOSEN).read_text(encoding="utf-8"))


def pick_languages(encoder: Encoder, train: Corpus, pool: LanguageGroups, k: int, measuring: Measuring) -> Pick:
    """Choose k languages by what a model lacks, whom they cover and how they differ.

    Args:
        encoder: The starting model.
        train: The sentences to realign on; the first 200 of them are read, none that are measured later.
        pool: Its chosen languages are those to choose from.
        k: How many.
        measuring: Cache, pooling and seed.

    Raises:
        SettingError: If there are fewer languages than k, or k is below 1.
    """
    from xalign.choosing import select_languages

    if not 1 <= k <= len(pool.chosen):
        raise SettingError(f"choose must be in 1 to {len(pool.chosen)}, the languages to choose from, got {k}")
    text = train.select([pool.pivot, *pool.chosen]).take(N_ROWS)
    report = measuring.report(encoder, text, probes=PROBES, n_permutations=1, n_resamples=1)
    selection = select_languages(report, k, candidates=list(pool.chosen), pivot=pool.pivot, seed=measuring.seed)
    return Pick(selection, Wanted(tuple(selection.languages), pool.chosen, is_choice=True))
