"""Vectors of a batch of sentence pairs become similarity matrices, many pairs in one product."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from xalign.encoders import Encoder
from xalign.word_alignment.token_vectors import TokenVectors, mean_by_word, read_tokens
from xalign.word_alignment.tokens import WordTokens

UNITS = ("subword", "word")
PRODUCT_ELEMENTS = 1 << 22
"""Similarities computed at once: bounds the memory that very long sentences take."""


@dataclass(frozen=True, eq=False)
class BatchVectors:
    """The vectors of some sentence pairs, source and target in turn.

    Attributes:
        pairs: Which pairs.
        vectors: Of their 2 x pairs sentences; rows are words or sub-words.
    """

    pairs: list[int]
    vectors: TokenVectors

    def words(self, k: int) -> tuple[Int[np.ndarray, " s"], Int[np.ndarray, " t"]]:
        """Return the word that each row belongs to, from 0, on both sides of the k-th pair."""
        ends = np.cumsum(self.vectors.counts)
        middle, end = int(ends[2 * k]), int(ends[2 * k + 1])
        return self.vectors.words[middle - int(self.vectors.counts[2 * k]) : middle], self.vectors.words[middle:end]

    def cut(self, k: int) -> tuple[bool, bool]:
        """Say which sides of the k-th pair were read in part only."""
        return self.vectors.cut[2 * k], self.vectors.cut[2 * k + 1]

    def similarities(self, layer: int, *, kind: str = "cosine") -> list[Float[np.ndarray, "_ _"]]:
        """Return the similarity matrix of every pair.

        Args:
            layer: Which of the layers read, by place.
            kind: cosine | inner_product.
        """
        values = self.vectors.values[layer]
        if kind == "cosine":
            values = torch.nn.functional.normalize(values, dim=1, eps=1e-30)
        padded = torch.cat([values, values.new_zeros((1, values.shape[1]))])
        found: list[Float[np.ndarray, "_ _"]] = []
        for rows, columns in self._products():
            product = torch.bmm(padded[_places(rows, padded)], padded[_places(columns, padded)].transpose(1, 2))
            sizes = zip(rows.tolist(), columns.tolist(), strict=True)
            found += [matrix[: m[1], : n[1]] for matrix, (m, n) in zip(product.cpu().numpy(), sizes, strict=True)]
        return found

    def norms(self, layer: int) -> list[tuple[Float[np.ndarray, " _"], Float[np.ndarray, " _"]]]:
        """Return the norms of the vectors on both sides of every pair."""
        norms = torch.linalg.vector_norm(self.vectors.values[layer], dim=1).cpu().numpy()
        sides = np.split(norms, np.cumsum(self.vectors.counts)[:-1])
        return list(zip(sides[::2], sides[1::2], strict=True))

    def _products(self) -> Iterator[tuple[Int[np.ndarray, "pairs 2"], Int[np.ndarray, "pairs 2"]]]:
        """Yield first row and number of rows of both sides, for as many pairs as a product holds."""
        firsts = np.cumsum(self.vectors.counts) - self.vectors.counts
        spans = np.stack([firsts, self.vectors.counts], axis=1).reshape(-1, 2, 2)
        start = 0
        for stop in range(1, len(spans) + 1):
            widest = spans[start : stop + 1, :, 1].max(axis=0)
            if stop == len(spans) or (stop + 1 - start) * int(widest.prod()) > PRODUCT_ELEMENTS:
                yield spans[start:stop, 0], spans[start:stop, 1]
                start = stop


def read_batches(
    encoder: Encoder,
    tokens: WordTokens,
    *,
    layers: Sequence[int],
    unit: str = "subword",
    batch_size: int = 64,
    windows: bool = True,
) -> Iterator[BatchVectors]:
    """Read the vectors of sentence pairs, those of about equal length together, longest first.

    Args:
        encoder: The model.
        tokens: Of the sentences: source and target of the first pair, of the second, and so on.
        layers: Layer numbers.
        unit: subword | word (the mean of its sub-words).
        batch_size: Pairs at a time, at least 1.
        windows: Read long sentences in windows.

    Yields:
        Every pair once.
    """
    lengths = np.array([len(row) for row in tokens.ids], dtype=np.int64).reshape(-1, 2)
    order = np.argsort(-lengths.max(axis=1, initial=0), kind="stable").tolist()
    for start in range(0, len(order), batch_size):
        pairs = order[start : start + batch_size]
        chosen = [side for pair in pairs for side in (2 * pair, 2 * pair + 1)]
        found = read_tokens(encoder, tokens, chosen, layers=layers, windows=windows)
        yield BatchVectors(pairs, mean_by_word(found) if unit == "word" else found)


def _places(spans: Int[np.ndarray, "pairs 2"], padded: Float[torch.Tensor, "rows d"]) -> torch.Tensor:
    """Return the rows of each pair, the last row of `padded` behind a pair's own."""
    steps = np.arange(int(spans[:, 1].max(initial=0)))
    rows = np.where(steps < spans[:, 1:], spans[:, :1] + steps, padded.shape[0] - 1)
    return torch.from_numpy(rows).to(padded.device)
