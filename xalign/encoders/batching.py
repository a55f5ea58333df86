"""Batches by length under a token budget: hardly any padding, and the order of the sentences does not matter."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int


def plan_batches(lengths: Sequence[int], *, batch_tokens: int) -> list[Int[np.ndarray, " batch"]]:
    """Cut sentences, longest first, into batches of at most `batch_tokens` padded tokens.

    Args:
        lengths: Tokens of each sentence, special tokens included.
        batch_tokens: The budget, rows x longest row. A sentence longer than it makes a batch of its own.

    Returns:
        Row numbers of each batch; together every row once. Longest first, so that a lack of memory shows at once.

    Raises:
        ValueError: If `batch_tokens` is below 1.
    """
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens must be 1 or more, got {batch_tokens}")
    order = np.argsort(-np.asarray(lengths), kind="stable")
    batches, start = [], 0
    while start < len(order):
        rows = max(1, batch_tokens // max(1, lengths[order[start]]))
        batches.append(order[start : start + rows])
        start += rows
    return batches


def pad_right(rows: Sequence[Sequence[int]], *, pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Return token ids and attention mask, (rows, longest) int64, padded on the right.

    On the right, whatever side the tokenizer prefers: real tokens then keep positions 0, 1, ... and, under causal
    attention, never see the padding. The mask comes from lengths, not from ids, as many decoders pad with a real token.
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return ids, mask.astype(np.int64)
