"""A score for every row from one scorer, or from that of the row's category, as LASER has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selection.data.stratified.scoring import GENERAL
from xalign.errors import SettingError
from xalign.names import nearest
from xalign.selecting.scores.scorers import SCORERS, ScorerSpec, parse_scorer

Quality = str | Mapping[str, str] | Sequence[str]


@dataclass(frozen=True)
class CategoryScorers:
    """Scorers by category.

    Attributes:
        by_category: The scorer of each category that has its own; that of all others under "general".
    """

    by_category: Mapping[str, ScorerSpec]

    @property
    def specs(self) -> tuple[ScorerSpec, ...]:
        """The scorers, each once."""
        return tuple({spec.key: spec for spec in self.by_category.values()}.values())

    @property
    def is_one(self) -> bool:
        """Whether one scorer scores all rows."""
        return set(self.by_category) == {GENERAL}

    def categories_of(self, spec: ScorerSpec) -> tuple[tuple[str, ...], bool]:
        """The categories whose rows a scorer scores; with true, all but these."""
        own = {name for name, named in self.by_category.items() if named.key == spec.key}
        if GENERAL in own:
            return tuple(sorted(set(self.by_category) - own)), True
        return tuple(sorted(own)), False

    def require(self, found: Sequence[str], known: Sequence[str]) -> None:
        """Refuse scorers of categories that do not exist, and categories that no scorer scores.

        Args:
            found: Categories that rows have.
            known: Categories that rows may have.

        Raises:
            SettingError: If there is one.
        """
        named = [name for name in self.by_category if name != GENERAL]
        if unknown := [name for name in named if name not in known]:
            raise SettingError(
                f"quality must be for categories that there are, got {unknown[0]!r}{nearest(unknown[0], known)}; there "
                f"are {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}"
            )
        lacking = [name for name in found if name not in named]
        if lacking and GENERAL not in self.by_category:
            raise SettingError(
                f"quality must name a scorer for every category, or one for all others, got none for "
                f"{', '.join(lacking[:12])}; add --quality SCORER without a category (quality={{{GENERAL!r}: ...}})"
            )


def parse_quality(quality: Quality | None, *, category: str | None, device: str = "auto") -> CategoryScorers | None:
    """Read which scorers score which rows.

    Args:
        quality: A scorer; or several as a mapping or as "CATEGORY=SCORER", of which one without a category, or
            "general", scores the rows of all others.
        category: Where categories are from; scorers by category need it.
        device: Where models of them will run.

    Raises:
        SettingError: If scorers are named by category where rows have none, or a category twice.
        UnknownNameError: If there is no such scorer.
        ModelError: If a model of one is not there or cannot do that.
    """
    named = _by_category(quality)
    if not named:
        return None
    if category is None and set(named) != {GENERAL}:
        raise SettingError(
            f"quality of {', '.join(name for name in named if name != GENERAL)} needs categories of rows; name their "
            "field, or @route, with --category (category)"
        )
    known = {text: parse_scorer(text, device=device) for text in dict.fromkeys(named.values())}
    return CategoryScorers({name: known[text] for name, text in named.items()})


def quality_words(quality: Quality | None) -> str | None:
    """Scorers by category as one text; None for none."""
    named = _by_category(quality)
    words = [text if name == GENERAL else f"{name}={text}" for name, text in named.items()]
    return "; ".join(words) or None


def _by_category(quality: Quality | None) -> dict[str, str]:
    """Scorers by category, that of all others under "general"."""
    if quality is None or isinstance(quality, str):
        return {} if quality is None else dict([_split(quality)])
    pairs = list(quality.items()) if isinstance(quality, Mapping) else [_split(text) for text in quality]
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        of = "rows of no category that is named" if twice[0] == GENERAL else repr(twice[0])
        raise SettingError(f"quality must name one scorer for each category, got two for {of}")
    return dict(pairs)


def _split(text: str) -> tuple[str, str]:
    """Category and scorer: what stands before the first equals sign that the name of a scorer follows."""
    parts = text.split("=")
    for place in range(1, len(parts)):
        scorer = "=".join(parts[place:]).strip()
        if _begins_a_scorer(scorer) and not _begins_a_scorer(text):
            return "=".join(parts[:place]).strip(), scorer
    return GENERAL, text


def _begins_a_scorer(text: str) -> bool:
    return text.removeprefix("-").partition(":")[0] in SCORERS
