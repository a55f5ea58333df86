"""Vectors of the translations that a field of rows holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.selecting.pools.fields import look_up
from xalign.selecting.pools.reading import Row, has_words, is_unicode
from xalign.selecting.settings import ModelSettings


def translate(rows: Sequence[Row], field: str, model: ModelSettings) -> Float[np.ndarray, "n d"]:
    """The vectors of rows' translations; NaN where a row has none."""
    from xalign.selecting.models.embedders import load_embedder

    embedder, texts = load_embedder(model), [look_up(row.fields, field) for row in rows]
    there = [place for place, text in enumerate(texts) if is_text(text)]
    found = np.full((len(rows), embedder.width), np.nan, dtype=np.float32)
    if there:
        found[there] = embedder.encode([texts[place] for place in there])
    return found


def is_text(value: Any) -> bool:
    """Whether a field holds a text that can be embedded."""
    return isinstance(value, str) and has_words(value) and is_unicode(value)
