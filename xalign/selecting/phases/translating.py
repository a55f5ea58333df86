"""A map phase: a vector for the translation of every usable row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts
from xalign.selecting.pools.reading import ReadTask
from xalign.selecting.pools.sidecars import ROWS, VECTORS
from xalign.selecting.pools.unchanged import rows_again
from xalign.selecting.scores.translations import translate
from xalign.selecting.settings import FORM, ModelSettings


@dataclass(frozen=True)
class TranslateTask:
    """Embed the translations of the usable rows of one shard.

    Attributes:
        reading: How its rows were read.
        field: Where translations are.
        model: Which vectors.
        model_key: Of the embedder.
    """

    reading: ReadTask
    field: str
    model: ModelSettings
    model_key: str

    @property
    def key(self) -> str:
        """Of the sidecar."""
        return digest_texts([FORM, "translation", self.reading.key, self.field, self.model_key, self.model.precision])

    @property
    def is_done(self) -> bool:
        """Whether the sidecar is there."""
        return self.reading.sidecars.has(VECTORS, self.key)


def translate_shard(task: TranslateTask) -> int:
    """Write the vectors of one shard's translations, zeros where a row has none.

    Raises:
        CorpusError: If the shard's file changed since it was read.
    """
    from xalign.selecting.models.embedders import load_embedder

    n, width = int(task.reading.sidecars.facts(ROWS, task.reading.key)["n"]), load_embedder(task.model).width
    facts = {"n": n, "width": width, "model": task.model.name, "faults": []}
    task.reading.sidecars.write_array(VECTORS, task.key, (n, width), _blocks(task, width), facts)
    return n


def _blocks(task: TranslateTask, width: int) -> Iterator[Float[np.ndarray, "n d"]]:
    for block in rows_again(task.reading, [task.field.split(".")[0]]):
        vectors = translate(block, task.field, task.model)
        yield np.where(np.isfinite(vectors).all(axis=1, keepdims=True), vectors, 0).astype(task.model.precision)
