"""Judge measures of a language by itself, or among all others, where there is no pair whose rows could be shuffled.

`probes.judging` judges pairs; here a measure sees all languages at once and gives each a score. Its null is drawn by
the measure: random directions for isotropy, shuffled language labels for the identity probe. Two words:

    PreparedLanguages      all languages, ready: a score and a chance level for each, its null, its resamples.
    LanguagePreparation    how a measure with its options makes that from vectors by language.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array


@runtime_checkable
class PreparedLanguages(Protocol):
    """A score for every language, ready to be judged; languages are in the order they came."""

    @property
    def scores(self) -> Float[np.ndarray, " languages"]:
        """The score of each language."""

    @property
    def chances(self) -> Float[np.ndarray, " languages"]:
        """What each would score if there were nothing to find; NaN where no such level is known."""

    def null(self, n_draws: int, *, seed: int = 0) -> Float[np.ndarray, "languages draws"]:
        """Return scores under the measure's null, drawn n_draws times."""

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, "languages m"]:
        """Return the scores when sentence i is drawn counts[., i] times, in all languages alike."""


class LanguagePreparation(ABC):
    """A measure of languages with its options."""

    @abstractmethod
    def of(self, x_by_language: Mapping[str, Float[Array, "n d"]]) -> PreparedLanguages:
        """Return all languages, ready to be judged.

        A measure of shares also takes `n_tokens`, the tokens of each sentence by language, which weigh them.

        Raises:
            ValueError: If a language's vectors are unfit, or too few languages are given.
        """
