"""Sentence vectors of xalign-mini at its middle layer, encoded once and kept as files of float16."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmarks.realignment.measuring import sentence_vectors
from xalign.encoders.encoder import Encoder
from xalign.encoders.loading import load_encoder
from xalign.files import write_whole

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Vectors:
    """Encodes what has not been encoded yet.

    Attributes:
        folder: Of the files.
        max_length: Tokens read of a text; None for all that the model reads.
        precision: Of the forward pass. On a CPU, bfloat16 takes half the time; cosines with float32 are above .9999.
    """

    folder: Path
    max_length: int | None = None
    precision: str = field(default="bfloat16", kw_only=True)

    @cached_property
    def encoder(self) -> Encoder:
        """The model, read when it is first needed."""
        return load_encoder("xalign-mini", device="cpu", dtype=self.precision, max_length=self.max_length)

    def of(self, name: str, texts: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return the vectors of texts, from the file of that name if it is there.

        Raises:
            ValueError: If the file holds another number of vectors.
        """
        path = self.folder / f"{name}.npy"
        if not path.is_file():
            logger.info("encoding %d texts: %s", len(texts), name)
            found = sentence_vectors(self.encoder, self.encoder.tokenize(texts), self.encoder.n_layers // 2)
            halves = found.astype(np.float16)
            write_whole(path, lambda file: np.save(file, halves, allow_pickle=False))
        vectors = np.load(path, allow_pickle=False)
        if len(vectors) != len(texts):
            raise ValueError(f"{path} must hold {len(texts)} vectors, got {len(vectors)}; remove it and run again")
        return vectors.astype(np.float32)
