"""Languages shuffled within each sentence: what a score gives where no sentence shows its language.

The rows of all languages are the same sentences, so the shuffle keeps what is said and takes away only whose it is.
After it all languages are alike: one shuffle draws from the null of every language at once.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int, Real

from probes.arrays import require_whole, row_chunks


def neuron_blocks(
    stack: Sequence[Real[np.ndarray, "n neurons"]],
) -> Iterator[Real[np.ndarray, "block languages n"]]:
    """Yield the values of some neurons after the others, by language and sentence."""
    n, n_neurons = stack[0].shape
    for some in row_chunks(n_neurons, len(stack) * n):
        yield np.stack([np.ascontiguousarray(x[:, some].T) for x in stack], axis=1)


def shuffled(
    values: Real[np.ndarray, "block languages n"], order: Int[np.ndarray, "languages n"]
) -> Real[np.ndarray, "block languages n"]:
    """Give language l, in sentence i, the value of language order[l, i]."""
    n = values.shape[2]
    places = (order * n + np.arange(n)).ravel()
    return values.reshape(values.shape[0], -1).take(places, axis=1).reshape(values.shape)


def null_by_shuffles(
    score: Callable[[Int[np.ndarray, "m languages n"]], Float[np.ndarray, "m languages"]],
    shape: tuple[int, int],
    n_draws: int,
    *,
    seed: int,
) -> Float[np.ndarray, "languages draws"]:
    """Draw the null that all languages share: each shuffle gives as many draws as there are languages.

    Args:
        score: Returns every language's score under each of some shuffles, as `shuffled` takes them.
        shape: How many languages, and sentences.
        n_draws: How many scores to draw.
        seed: Of the shuffles.

    Raises:
        TypeError: If `n_draws` or `seed` is no whole number.
        ValueError: If n_draws < 1, or the seed is negative.
    """
    require_whole("n_draws", n_draws, minimum=1)
    require_whole("seed", seed, minimum=0)
    n_languages, n = shape
    unshuffled = np.tile(np.arange(n_languages)[:, None], (math.ceil(n_draws / n_languages), 1, n))
    orders = np.random.default_rng(seed).permuted(unshuffled, axis=1)
    return np.tile(score(orders).ravel()[:n_draws], (n_languages, 1))
