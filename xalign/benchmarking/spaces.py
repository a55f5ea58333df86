"""The space in which a round compares languages: one layer, after a transform fitted on other rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from probes.retrieval_sides import RetrievalSide, retrieval_side
from probes.transforms import TRANSFORMS, TransformKind
from xalign.benchmarking.settings import NO_TRANSFORM
from xalign.benchmarking.splitting import Round
from xalign.benchmarking.vectors import Vectors
from xalign.judging.pairs import SIDE_ELEMENTS


class Space:
    """One layer of one group of languages, with each side made once.

    Args:
        vectors: Where rows are read.
        group: The first part of their keys.
        each: Which rows fit and which are scored.
        layer: A layer number.
        transform: `none`, one that is fitted on a language's own rows, or a map that is fitted on matched rows and
            carries the source of a pair to its target.
    """

    def __init__(self, vectors: Vectors, group: Hashable, each: Round, layer: int, transform: str) -> None:
        self.vectors, self.group, self.round, self.layer = vectors, group, each, layer
        self.transform: TransformKind | None = TRANSFORMS[transform] if transform != NO_TRANSFORM else None
        self._side: Callable[[str], RetrievalSide] | None = None

    def pair(self, source: str, target: str) -> tuple[RetrievalSide, RetrievalSide]:
        """Return the sides of two languages."""
        if self.transform is None or not self.transform.needs_pivot:
            return self.side(source), self.side(target)
        carried = self.transform.fit(self._fit_rows(source), self._fit_rows(target)).apply(self._rows(source))
        return retrieval_side(carried, name=source), self.side(target)

    def side(self, language: str) -> RetrievalSide:
        """Return the side of a language, transformed by what its own rows taught."""
        if self._side is None:
            size = 2 * self._rows(language).size
            self._side = lru_cache(maxsize=max(2, SIDE_ELEMENTS // size))(self._make_side)
        return self._side(language)

    def _make_side(self, language: str) -> RetrievalSide:
        rows = self._rows(language)
        if self.transform is not None and not self.transform.needs_pivot:
            rows = self.transform.fit(self._fit_rows(language)).apply(rows)
        return retrieval_side(rows, name=language)

    def _rows(self, language: str) -> Float[np.ndarray, "n d"]:
        return self.vectors.read(self.group, language, part=self.round.score, layer=self.layer)

    def _fit_rows(self, language: str) -> Float[np.ndarray, "n d"]:
        if self.round.fit is None:
            raise ValueError("a transform must be fitted on other rows than those scored, got none")
        return self.vectors.read(self.group, language, part=self.round.fit, layer=self.layer)
