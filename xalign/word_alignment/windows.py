"""Sentences that are longer than the model reads become overlapping windows, so that every token gets a vector."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """A stretch of a sentence's tokens that the model reads at once; all places count the sentence's tokens from 0.

    Attributes:
        start: The first token read.
        stop: Behind the last token read.
        first: The first token whose vector is taken from this window.
        last: Behind the last token whose vector is taken from it.
    """

    start: int
    stop: int
    first: int
    last: int


def plan_windows(n_tokens: int, size: int) -> list[Window]:
    """Cover a sentence with as few windows as overlap by half or more, spread evenly.

    A token's vector is taken from the window in whose middle it stands best: neighbouring windows share what both read
    in equal parts. So no token but those at the sentence's ends has less than about a quarter of a window before or
    behind it, and each is taken from one window only. A sentence that fits is one window: nothing changes for it.

    Args:
        n_tokens: Tokens of the sentence, special tokens left out; at least 1.
        size: Tokens a window holds, special tokens left out; at least 1.

    Returns:
        The windows in order; their `first` to `last` cover the sentence without gap or overlap.
    """
    if n_tokens <= size:
        return [Window(0, n_tokens, 0, n_tokens)]
    step = max(1, size - size // 2)
    n_windows = 1 + -(-(n_tokens - size) // step)
    starts = np.linspace(0, n_tokens - size, n_windows).astype(int)
    stops = starts + size
    cuts = [0, *((starts[1:] + stops[:-1]) // 2).tolist(), n_tokens]
    places = zip(starts.tolist(), stops.tolist(), cuts[:-1], cuts[1:], strict=True)
    return [Window(start, stop, first, last) for start, stop, first, last in places]


def cut_window(n_tokens: int, size: int) -> list[Window]:
    """Read the beginning of a sentence only: what does not fit has no vector."""
    kept = min(n_tokens, size)
    return [Window(0, kept, 0, kept)]
