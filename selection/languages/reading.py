"""Arguments that name languages, checked; messages say which language, or which pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

ROUNDING = 1e-6
"""How far d_ij and d_ji may lie apart, and the diagonal from 0, as a share of the largest distance; float32 does."""


def read_names(languages: Sequence[str]) -> tuple[str, ...]:
    """Return languages that are all different.

    Raises:
        ValueError: If there are none, or one comes twice.
    """
    if isinstance(languages, str):
        raise ValueError(f"languages must be a list of names, got the text {languages!r}; split it")
    names = tuple(languages)
    if not names:
        raise ValueError("languages must name at least one language, got none")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        places = [i for i, name in enumerate(names) if name == twice[0]]
        raise ValueError(f"languages must all differ, got {twice[0]} at {', '.join(map(str, places))}; name each once")
    return names


def read_distances(distances: Any, languages: Sequence[str]) -> Float[np.ndarray, "m m"]:
    """Return distances as exactly symmetric float64 with zeros on the diagonal.

    Raises:
        ValueError: If they do not match the languages, or one is missing, negative, asymmetric, or of a language from
            itself.
    """
    values = np.asarray(distances, dtype=np.float64)
    m = len(languages)
    if values.shape != (m, m):
        raise ValueError(f"distances must be {m} x {m} for the {m} languages, got shape {values.shape}")
    _refuse(~np.isfinite(values), values, languages, "finite", "leave such languages out or fill in their features")
    _refuse(values < 0, values, languages, "at least 0", "turn similarities into distances, such as 1 - s")
    rounding = ROUNDING * float(values.max(initial=0.0))
    skew = np.abs(values - values.T) > rounding
    if skew.any():
        i, j = np.argwhere(skew)[0]
        raise ValueError(
            f"distances must be symmetric, got {values[i, j]:.6g} from {languages[i]} to {languages[j]} and "
            f"{values[j, i]:.6g} back; average both ways, (d + d.T) / 2"
        )
    own = np.diagonal(values) > rounding
    if own.any():
        i = int(own.argmax())
        raise ValueError(f"distances must be 0 on the diagonal, got {values[i, i]:.6g} from {languages[i]} to itself")
    values = (values + values.T) / 2
    np.fill_diagonal(values, 0.0)
    return values


def read_per_language(
    name: str, values: Any, languages: Sequence[str], otherwise: float, *, least: float = -np.inf
) -> Float[np.ndarray, " m"]:
    """Return a number for each language; `otherwise` for all where None is given.

    Raises:
        ValueError: If numbers do not match the languages, or one is not finite or below `least`.
    """
    if values is None:
        return np.full(len(languages), otherwise)
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(languages),):
        raise ValueError(f"{name} must hold a number for each of the {len(languages)} languages, got {numbers.shape}")
    bad = ~np.isfinite(numbers) | (numbers < least)
    if bad.any():
        i = int(bad.argmax())
        wanted = "finite" if least == -np.inf else f"finite and at least {least:g}"
        raise ValueError(f"{name} must be {wanted}, got {numbers[i]} for {languages[i]}")
    return numbers


def read_indices(argument: str, names: Sequence[str], languages: Sequence[str]) -> list[int]:
    """Return the places of named languages; a name that comes twice counts once.

    Raises:
        ValueError: If one is none of the languages.
    """
    if isinstance(names, str):
        raise ValueError(f"{argument} must be a list of languages, got the text {names!r}; write [{names!r}]")
    place = {language: i for i, language in enumerate(languages)}
    unknown = [name for name in names if name not in place]
    if unknown:
        from difflib import get_close_matches

        near = get_close_matches(str(unknown[0]), list(languages), n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; they are {', '.join(languages[:5])}, ..."
        raise ValueError(f"{argument} must name some of the {len(languages)} languages, got {unknown[0]!r}{hint}")
    return list(dict.fromkeys(place[name] for name in names))


def _refuse(
    bad: np.ndarray, values: Float[np.ndarray, "m m"], languages: Sequence[str], wanted: str, remedy: str
) -> None:
    if bad.any():
        i, j = np.argwhere(bad)[0]
        n_more = int(np.triu(bad | bad.T).sum()) - 1
        pair = f"{languages[i]} and {languages[j]}" + (f" and {n_more} more pairs" if n_more > 0 else "")
        raise ValueError(f"distances must be {wanted}, got {values[i, j]:.6g} between {pair}; {remedy}")
