"""A map phase: a vector for every usable row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts
from xalign.selecting.models.embedders import Embedder, load_embedder, sum_known
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.pools.shards import Shard
from xalign.selecting.pools.sidecars import ROWS, VECTORS, Sidecars
from xalign.selecting.pools.unchanged import rows_again
from xalign.selecting.settings import FORM, ModelSettings


@dataclass(frozen=True)
class EmbedTask:
    """Embed the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        model: Which vectors.
        model_key: Of the embedder.
        texts: Hash of its texts, which with the model decides the vectors, wherever the file is.
    """

    reading: ReadTask
    model: ModelSettings
    model_key: str
    texts: str

    @property
    def shard(self) -> Shard:
        """Which shard."""
        return self.reading.shard

    @property
    def sidecars(self) -> Sidecars:
        """Where vectors are kept."""
        return self.reading.sidecars

    @property
    def key(self) -> str:
        """Of the sidecar."""
        return digest_texts([FORM, self.texts, self.model_key, self.model.precision])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.sidecars.has(VECTORS, self.key)


def embed_task(reading: ReadTask, model: ModelSettings, model_key: str) -> EmbedTask:
    """The task that follows on a shard's reading."""
    return EmbedTask(reading, model, model_key, reading.sidecars.facts(ROWS, reading.key)["texts"])


def embed_shard(task: EmbedTask) -> int:
    """Write the vectors of one shard; returns how many.

    The facts have `faults`, [row, reason] of vectors that are zero or not finite, rows counted among the usable, and
    `cut`, how many rows are longer than the model reads; None where the model does not tell.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    n = int(task.sidecars.facts(ROWS, task.reading.key)["n"])
    embedder = load_embedder(task.model)
    facts: dict[str, Any] = {"n": n, "width": embedder.width, "model": task.model.name, "faults": [], "cut": 0}
    blocks = _blocks(task, embedder, facts)
    task.sidecars.write_array(VECTORS, task.key, (n, embedder.width), blocks, facts)
    return n


def _blocks(task: EmbedTask, embedder: Embedder, facts: dict[str, Any]) -> Iterator[Float[np.ndarray, "n d"]]:
    start = 0
    for block in rows_again(task.reading, whole=False):
        found, n_cut = embedder.embed([row.text for row in block])
        vectors = found.astype(task.model.precision)
        facts["faults"] += find_faults(vectors, start)
        facts["cut"] = sum_known([facts["cut"], n_cut])
        start += len(block)
        yield vectors


def find_faults(vectors: Float[np.ndarray, "n d"], start: int = 0) -> list[list[Any]]:
    """Say which vectors have no direction, and why."""
    wide = vectors.astype(np.float32)
    finite = np.isfinite(wide).all(axis=1)
    zero = finite & ~wide.any(axis=1)
    found = [[int(row) + start, "its vector is zero"] for row in np.flatnonzero(zero)]
    return found + [[int(row) + start, "its vector is not finite"] for row in np.flatnonzero(~finite)]
