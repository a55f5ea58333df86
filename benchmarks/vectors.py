"""Vectors shaped like a model's: shared meaning with a falling spectrum, an offset and noise for each language."""

import numpy as np
from jaxtyping import Float


def languages(m: int, n: int, d: int, *, noise: float = 0.5, seed: int = 0) -> list[Float[np.ndarray, "n d"]]:
    """Return float32 vectors of n sentences in m languages, without float64 copies on the way.

    Args:
        m: Languages.
        n: Sentences, the same in every language.
        d: Dimensions; the k-th has standard deviation k ** -0.5.
        noise: Standard deviation of what a language adds, relative to the meaning's.
        seed: Of everything.
    """
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1, dtype=np.float32) ** -0.5
    meaning = rng.standard_normal((n, d), dtype=np.float32)
    return [_language(meaning, noise, spectrum, rng) for _ in range(m)]


def _language(meaning: np.ndarray, noise: float, spectrum: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x = rng.standard_normal(meaning.shape, dtype=np.float32)
    x *= noise
    x += meaning
    x += rng.standard_normal(meaning.shape[1], dtype=np.float32)
    x *= spectrum
    return x
