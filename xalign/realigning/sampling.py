"""Which pairs each step sees: drawn before training from the seed alone, so that it can be taken up anywhere."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from xalign.errors import SettingError


def language_shares(n_pairs: Sequence[int], *, temperature: float) -> Float[np.ndarray, " languages"]:
    """Return how often each language is drawn: in proportion to (its number of pairs)^(1 / temperature).

    Args:
        n_pairs: Pairs of each language, each above 0.
        temperature: Above 0; 1 keeps the proportions, infinity draws all languages alike.

    References:
        Arivazhagan et al. (2019), Massively Multilingual Neural Machine Translation in the Wild, arXiv:1907.05019, 4.3.
    """
    logs = np.log(np.asarray(n_pairs, dtype=np.float64)) / temperature
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def draw_batches(
    groups: Sequence[Int[np.ndarray, " _"]], *, n_batches: int, batch_size: int, temperature: float, seed: int
) -> Int[np.ndarray, "batches rows 2"]:
    """Draw all batches of a training.

    Each language goes through its pairs in random order, all once before any comes again. Two pairs with the same pivot
    sentence never meet in a batch, where they would count as wrong answers for each other: the second waits for the
    next batch, or where all of a language's pairs are in the batch already, its place goes to another language.

    Args:
        groups: For each language the pivot sentence of each of its pairs, as a number; equal sentences share one.
        n_batches: How many.
        batch_size: Pairs of each.
        temperature: See `language_shares`.
        seed: The same seed gives the same batches.

    Returns:
        For each pair of each batch its language, and which of the language's pairs it is.

    Raises:
        SettingError: If there are fewer different pivot sentences than a batch has rows.
    """
    n_sentences = len(np.unique(np.concatenate(groups)))
    if n_sentences < batch_size:
        raise SettingError(
            f"batch_size must be at most {n_sentences}, the number of different pivot sentences with something to "
            f"align, got {batch_size}"
        )
    rng = np.random.default_rng(seed)
    shares = language_shares([len(rows) for rows in groups], temperature=temperature)
    drawn = rng.choice(len(groups), size=(n_batches, batch_size), p=shares)
    queues = [_Queue(rows.tolist(), np.random.default_rng((seed, number))) for number, rows in enumerate(groups)]
    return np.array([_fill(languages.tolist(), queues) for languages in drawn], dtype=np.int64)


class _Queue:
    """The pairs of one language in the order in which they come."""

    def __init__(self, groups: list[int], rng: np.random.Generator):
        self.groups, self.rng = groups, rng
        self.waiting: deque[int] = deque()

    def take(self, taken: set[int]) -> int | None:
        """Take the first pair whose sentence is not yet taken; None if there is none among all of the language's."""
        for again in (False, True):
            if again:
                self.waiting.extend(self.rng.permutation(len(self.groups)).tolist())
            for place, pair in enumerate(self.waiting):
                if self.groups[pair] not in taken:
                    del self.waiting[place]
                    return pair
        return None


def _fill(languages: list[int], queues: list[_Queue]) -> list[tuple[int, int]]:
    rows: list[tuple[int, int]] = []
    taken: set[int] = set()
    for wanted in languages:
        for language in [wanted, *(other for other in range(len(queues)) if other != wanted)]:
            pair = queues[language].take(taken) if not taken.issuperset(queues[language].groups) else None
            if pair is not None:
                taken.add(queues[language].groups[pair])
                rows.append((language, pair))
                break
    return rows
