"""What measures of languages ask of their vectors: a matrix per language, of one shape, the same sentences in each."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from probes.arrays import Array, checked, to_host


def checked_languages(
    x_by_language: Mapping[str, Float[Array, "_ _"]], *, least: int = 1, minimum: int = 4
) -> dict[str, Float[np.ndarray, "n d"]]:
    """Return the vectors of every language as numpy, without a copy where they are numpy already.

    Args:
        x_by_language: A matrix per language; row i is the same sentence in all.
        least: How many languages are needed.
        minimum: How many rows are needed.

    Raises:
        ValueError: If there are too few languages or rows, shapes differ, or a value is not finite.
    """
    if len(x_by_language) < least:
        raise ValueError(
            f"x_by_language must hold at least {least} language{'s' * (least > 1)}, got {len(x_by_language)}; "
            "give more languages"
        )
    vectors = {
        language: to_host(checked(x, name=f"x_by_language[{language!r}]", minimum=minimum))
        for language, x in x_by_language.items()
    }
    first = next(iter(vectors), "")
    for language, x in vectors.items():
        if x.shape != vectors[first].shape:
            raise ValueError(
                f"x_by_language[{language!r}] must have the shape {vectors[first].shape} of {first!r}, got {x.shape}; "
                "rows are matched by position"
            )
    return vectors
