"""Work in threads whose results come back in order, so that they do not depend on how many threads there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Calls a function on every piece and returns the results in order, as `map` does."""


@contextmanager
def workers(n_threads: int | None) -> Iterator[Run]:
    """Offer n threads, each with matrix products of its own.

    Args:
        n_threads: At least 1; None takes as many as matrix products may use now.

    Yields:
        What runs a function on pieces.

    Raises:
        ValueError: If `n_threads` is below 1.
    """
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info, threadpool_limits

    if n_threads is None:
        n_threads = max((library["num_threads"] for library in threadpool_info()), default=1)
    if n_threads < 1:
        raise ValueError(f"n_threads must be at least 1, got {n_threads}; None takes what matrix products may use")
    with threadpool_limits(1):
        if n_threads == 1:
            yield map
            return
        with ThreadPoolExecutor(n_threads) as pool:
            yield pool.map
