"""Rows chosen for their information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class InformationChoice:
    """What was chosen, and the information it carries.

    Attributes:
        indices: Rows in order of choice.
        gains: What each added to the information when it was added, in both modes; they sum to `information`.
        information: `sum phi(z)` over labels, and over languages where they count apart.
        totals: `z`, what each label has collected from the chosen rows; a row for each language, or one.
        languages: The languages of `totals`; empty where languages do not count apart.
    """

    indices: Int[np.ndarray, " b"]
    gains: Float[np.ndarray, " b"]
    information: float
    totals: Float[np.ndarray, "l k"]
    languages: tuple[Any, ...]
