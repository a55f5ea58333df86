"""URIEL's arrays (`feats`, `langs`, `data`), read without pickle."""

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from xalign.errors import CorpusError
from xalign.typology.rows import PREFIXES, URIEL_LICENCE, Rows
from xalign.typology.stand_ins import ISOLATES

_MISSING = -1.0


def read_uriel(path: Path, kind: str, codes: Iterable[str]) -> Rows:
    """Read syntax, phonology or inventory; of several sources behind a value, one that says yes is enough.

    Args:
        path: `feature_predictions.npz` (nothing missing: nearest neighbours fill the gaps) or `features.npz` (as
            attested).
        kind: One of `PREFIXES`.
        codes: ISO 639-3 codes that are wanted.

    Raises:
        CorpusError: If the file cannot be read or has another form.
    """
    features, languages, data = _read_arrays(path)
    columns = [i for i, name in enumerate(features) if name.startswith(PREFIXES[kind])]
    rows = {code: languages[code] for code in codes if code in languages}
    union = data[list(rows.values())][:, columns].max(axis=2).astype(float)
    union[union == _MISSING] = np.nan
    names = tuple(features[i] for i in columns)
    how = "k-NN predictions" if path.name == "feature_predictions.npz" else "attested values, union of its sources"
    return Rows(names, dict(zip(rows, union, strict=True)), f"URIEL ({how}) in {path.name}", URIEL_LICENCE)


def read_lineages(path: Path, codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read the ancestors of languages from `family_features.npz`, the family first.

    The file says only which groups a language belongs to. A group that holds more languages stands higher.

    Raises:
        CorpusError: If the file cannot be read or has another form.
    """
    features, languages, data = _read_arrays(path)
    names, member = [name.removeprefix("F_") for name in features], data[:, :, 0]
    sizes = member.sum(axis=0)
    lineages: dict[str, tuple[str, ...]] = {}
    for code in codes:
        if code in ISOLATES:
            lineages[code] = (ISOLATES[code],)
        elif code in languages:
            groups = np.flatnonzero(member[languages[code]] > 0)
            lineages[code] = tuple(names[i] for i in groups[np.argsort(-sizes[groups], kind="stable")])
    return lineages


def read_npz(path: Path, names: Sequence[str], form: str) -> list[np.ndarray]:
    """Read arrays of an `.npz` file, never through pickle.

    Args:
        path: The file.
        names: Of the arrays.
        form: What the file must be, for the message.

    Raises:
        CorpusError: If it cannot be read, lacks an array, or one holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CorpusError(f"{path} must be {form}, got {type(error).__name__}: {error}") from error


def _read_arrays(path: Path) -> tuple[list[str], Mapping[str, int], Float[np.ndarray, "m f sources"]]:
    """Read names of features, the row of each language, and the values."""
    form = "an .npz file with the arrays feats, langs and data (languages, features, sources)"
    features, languages, data = read_npz(path, ("feats", "langs", "data"), form)
    if data.shape[:2] != (len(languages), len(features)) or data.ndim != 3:
        raise CorpusError(
            f"{path} must be {form}, got data of shape {data.shape} for {len(languages)} languages, "
            f"{len(features)} features"
        )
    return [str(name) for name in features], {str(name): i for i, name in enumerate(languages)}, data
