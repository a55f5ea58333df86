"""Sentence pairs as tensors, padded in chunks of like length, with the tokens that make up each aligned vector."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, from_numpy
from torch.utils.data import Dataset

from xalign.encoders.batching import pad_right

Batch = dict[str, Any]
"""Tensors of a forward pass: `ids` and `mask` of each chunk; `tokens`, `owner` and `weights`: of each token of a vector
where it is among all chunks' tokens, whose it is, how much it counts, the `n_source_entries` of source sides first;
`n_vectors` of both sides; `n_free`, the leading chunks not anchored; `anchored`, which tokens of the rest are real."""


@dataclass(frozen=True, eq=False)
class Side:
    """One sentence, and the tokens of each of its vectors.

    Attributes:
        ids: What the model sees.
        tokens: Tokens that vectors are made of, by their place in the sentence.
        owner: Which of the sentence's vectors each of these belongs to, from 0.
        weights: How much each counts; of each vector they sum to 1.
    """

    ids: list[int]
    tokens: Int[np.ndarray, " k"]
    owner: Int[np.ndarray, " k"]
    weights: Float[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class Example:
    """A pair of sentences, and how many vectors of the one are aligned with as many of the other, one by one."""

    source: Side
    pivot: Side
    n_vectors: int


class BatchDataset(Dataset):
    """All batches of a training, made when they are asked for; number i is always the same.

    Args:
        examples: The pairs of each language.
        drawn: For each batch the language and the number of each of its pairs.
        collate: Makes a batch of examples.
    """

    def __init__(
        self,
        examples: Sequence[Sequence[Example]],
        drawn: Int[np.ndarray, "batches rows 2"],
        collate: Callable[[Sequence[Example]], Batch],
    ):
        self.examples, self.drawn, self.collate = examples, drawn, collate

    def __len__(self) -> int:
        return len(self.drawn)

    def __getitem__(self, index: int) -> Batch:
        return self.collate([self.examples[language][pair] for language, pair in self.drawn[index].tolist()])


@dataclass(frozen=True)
class Collator:
    """How examples become a batch.

    Attributes:
        pad_id: Fills the rows; masked, so that any id will do.
        chunk_rows: Sentences that are padded together, about: few waste less on padding (CPU), many keep a GPU busy.
        anchored: Whose tokens are held to the starting model: `pivot` or `all`, or None.
    """

    pad_id: int
    chunk_rows: int
    anchored: str | None = None

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Make a batch; its vectors are those of the source sides, and then, in the same order, the pivot sides'."""
        sides = [*(example.source for example in examples), *(example.pivot for example in examples)]
        free, held = self._plan(np.array([len(side.ids) for side in sides]))
        padded = [pad_right([sides[i].ids for i in rows], pad_id=self.pad_id) for rows in (*free, *held)]
        first_tokens = _first_tokens(len(sides), [*free, *held], [ids.shape for ids, _ in padded])
        n_vectors = np.tile([example.n_vectors for example in examples], 2)
        firsts = np.cumsum(n_vectors) - n_vectors
        placed = list(zip(sides, first_tokens.tolist(), firsts.tolist(), strict=True))
        real = [mask.reshape(-1) for _, mask in padded[len(free) :]]
        return {
            "ids": [from_numpy(ids) for ids, _ in padded],
            "mask": [from_numpy(mask) for _, mask in padded],
            "tokens": _joined([side.tokens + first for side, first, _ in placed]),
            "owner": _joined([side.owner + first for side, _, first in placed]),
            "weights": _joined([side.weights for side in sides]),
            "n_vectors": int(n_vectors.sum()),
            "n_source_entries": sum(len(side.tokens) for side in sides[: len(examples)]),
            "n_free": len(free),
            "anchored": _joined(real).bool() if self.anchored else None,
        }

    def _plan(self, lengths: Int[np.ndarray, " sides"]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the rows of the chunks that are not anchored, and of those that are."""
        everything, half = np.arange(len(lengths)), len(lengths) // 2
        if self.anchored is None:
            return self._chunks(everything, lengths), []
        if self.anchored == "all":
            return [], self._chunks(everything, lengths)
        return self._chunks(everything[:half], lengths), self._chunks(everything[half:], lengths)

    def _chunks(self, rows: Int[np.ndarray, " rows"], lengths: Int[np.ndarray, " sides"]) -> list[np.ndarray]:
        order = rows[np.argsort(lengths[rows], kind="stable")]
        return np.array_split(order, max(1, round(len(order) / self.chunk_rows)))


def _first_tokens(n: int, chunks: list[np.ndarray], shapes: list[tuple[int, ...]]) -> Int[np.ndarray, " n"]:
    """Return where each sentence begins when the tokens of all chunks, padding too, are counted through."""
    firsts, start = np.empty(n, dtype=np.int64), 0
    for rows, (height, width) in zip(chunks, shapes, strict=True):
        firsts[rows] = start + width * np.arange(height)
        start += height * width
    return firsts


def _joined(parts: Sequence[np.ndarray]) -> Tensor:
    return from_numpy(np.concatenate(parts))
