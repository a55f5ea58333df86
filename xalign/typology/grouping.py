"""Groups of languages: family, script, and how much data there is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from xalign.typology.embedded_table import embedded_facts
from xalign.typology.sources import read_ancestors, source_order, urielplus_folder, way_out
from xalign.typology.stand_ins import read_as
from xalign.typology.tables import MissingFeaturesError, checked_languages, listed
from xalign.typology.text_files import read_glottocodes

Value = TypeVar("Value")

#: How much data a language has, in words and as a rank.
RESOURCE_LEVELS = {"low": 0, "medium": 1, "high": 2}


def families(languages: Sequence[str], *, folder: str | Path | None = None, source: str = "auto") -> tuple[str, ...]:
    """Name the family of each language, as Glottolog groups them ("Indo-European", "Atlantic-Congo").

    An isolate is a family of its own. Folder and source are those of `load_typology`.

    Raises:
        MissingFeaturesError: If the family of a language is not known; names them.
    """
    place = None if folder is None else Path(folder)

    def read(name: str, codes: list[str]) -> dict[str, str]:
        ancestors = read_ancestors(name, codes, place)
        return {code: lineage[0] for code, lineage in ancestors.items() if lineage}

    return _first_with_all("uriel.genetic", "a family", languages, source_order("uriel.genetic", place, source), read)


def scripts(languages: Sequence[str]) -> tuple[str, ...]:
    """Name the script of each language by its ISO 15924 code: "Latn" for swh_Latn."""
    return tuple(code.split("_")[1] for code in checked_languages(languages))


def resource_levels(languages: Sequence[str], *, source: str = "auto") -> tuple[int, ...]:
    """Rank languages by how much data there is: 2 for the 7 with most, 1 for the 46 next, 0 for all others.

    The ranks are a list in urielplus, read from the table that ships with xalign or from that package. They count no
    sentences and no speakers. The package does not say whose they are; the seven are class 5 of Joshi et al.

    Raises:
        MissingFeaturesError: If a language has none; names them.

    References:
        Joshi et al. (2020), The State and Fate of Linguistic Diversity and Inclusion in the NLP World,
            arXiv:2004.09095.
    """
    sources = source_order("resources", None, source)
    levels = _first_with_all("resources", "a level of resources", languages, sources, _read_levels)
    return tuple(RESOURCE_LEVELS[level] for level in levels)


def _read_levels(source: str, codes: list[str]) -> dict[str, str]:
    if source == "embedded":
        return embedded_facts(codes, "resources")
    return urielplus_levels(codes)


def urielplus_levels(codes: Sequence[str]) -> dict[str, str]:
    """Read "high", "medium" or "low" by ISO 639-3 code from urielplus' `resource_languages.json`."""
    import json

    tables = urielplus_folder() / "urielplus_csvs"
    lists = json.loads((tables / "resource_languages.json").read_text(encoding="utf-8"))
    level_of = {code: name.removesuffix("-resource") for name, members in lists.items() for code in members}
    glottocodes = read_glottocodes(tables / "uriel_glottocode_map.csv", codes)
    return {code: level_of[glottocode] for code, glottocode in glottocodes.items() if glottocode in level_of}


def _first_with_all(
    kind: str,
    what: str,
    languages: Sequence[str],
    sources: Sequence[str],
    read: Callable[[str, list[str]], Mapping[str, Value]],
) -> tuple[Value, ...]:
    """Read from the first source that has all languages, each under the code that `kind` keeps it."""
    codes = checked_languages(languages)
    wanted = {code: read_as(kind, code) for code in codes}
    without: list[str] = []
    for source in sources:
        found = read(source, list(dict.fromkeys(wanted.values())))
        without = [code for code in codes if wanted[code] not in found]
        if not without:
            return tuple(found[wanted[code]] for code in codes)
    raise MissingFeaturesError(
        f"languages must have {what}, got none for {listed(without)} in {', '.join(sources)}; {way_out(kind, sources)}",
        without,
        lack=f"no {what.removeprefix('a ')}",
    )
