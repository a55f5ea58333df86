"""What every reader gives back: the rows it was asked for, under the codes it was asked with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

URIEL_LICENCE = "CC BY-SA 4.0 (URIEL)"
GRAMBANK_LICENCE = "CC BY 4.0 (Grambank)"
WALS_LICENCE = "CC BY 4.0 (WALS Online)"

#: The prefix of URIEL's feature names by kind.
PREFIXES = {"uriel.syntax": "S_", "uriel.phonology": "P_", "uriel.inventory": "INV_"}


@dataclass(frozen=True, eq=False)
class Rows:
    """Features of the languages that a source has, of those asked for.

    Attributes:
        features: Names of the columns.
        values: By ISO 639-3 code; NaN where missing. A language that the source lacks is not there.
        source: The source in words.
        licence: Of the values.
    """

    features: tuple[str, ...]
    values: Mapping[str, Float[np.ndarray, " f"]]
    source: str
    licence: str

    def known(self) -> set[str]:
        """The codes that have at least one value."""
        return {code for code, row in self.values.items() if not np.isnan(row).all()}


def lineage_rows(lineages: Mapping[str, tuple[str, ...]], source: str) -> Rows:
    """Make a column of each ancestor that one of the languages has, in the alphabet's order."""
    ancestors = tuple(sorted({name for lineage in lineages.values() for name in lineage}))
    values = {
        code: np.array([float(name in lineage) for name in ancestors]) for code, lineage in lineages.items() if lineage
    }
    return Rows(ancestors, values, source, URIEL_LICENCE)


def coordinate_rows(places: Mapping[str, tuple[float, float]], source: str, licence: str) -> Rows:
    """Make columns of latitude and longitude, in degrees."""
    values = {code: np.array(place, dtype=float) for code, place in places.items()}
    return Rows(("latitude", "longitude"), values, source, licence)
