"""The quality of a response: how near its vector lies to its instruction's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from xalign.encoders import Encoder, load_encoder
from xalign.quality.errors import QualityError
from xalign.realigning.places import RECORD


@dataclass(frozen=True)
class QualityModel:
    """An encoder whose distances tell quality.

    Attributes:
        encoder: A trained one, or any other as a baseline.
    """

    encoder: Encoder

    def score(
        self, instructions: Sequence[str], responses: Sequence[str], *, progress: bool = False
    ) -> Float[np.ndarray, " n"]:
        """Score responses by `-|v_instruction - v_response|`, up is better.

        Args:
            instructions: With their input, where there is one; none blank.
            responses: One for each instruction; none blank.
            progress: Show a bar on stderr.

        Raises:
            QualityError: If the numbers differ.
        """
        if len(instructions) != len(responses):
            raise QualityError(
                f"responses must have the {len(instructions)} rows of instructions, got {len(responses)}; rows are "
                "matched by position"
            )
        return -np.linalg.norm(self._vectors(instructions, progress) - self._vectors(responses, progress), axis=1)

    def _vectors(self, texts: Sequence[str], progress: bool) -> Float[np.ndarray, "n d"]:
        """Vectors of the last layer by the encoder's own pooling; a text that comes again is read once."""
        distinct = list(dict.fromkeys(texts))
        place = {text: row for row, text in enumerate(distinct)}
        layer, pooling = self.encoder.n_layers, self.encoder.source.default_pooling
        found = self.encoder.encode(distinct, layers=[layer], pooling=pooling, progress=progress).layer(layer)
        return np.asarray(found, dtype=np.float64)[[place[text] for text in texts]]


def load_quality_model(folder: str | Path, *, device: str = "auto") -> QualityModel:
    """Load what `train_quality` wrote.

    Args:
        folder: Of the model.
        device: Where it runs: auto, cpu, cuda, mps.

    Raises:
        QualityError: If the folder holds no quality model that is whole.
        ModelError: If its files cannot be read.
    """
    if not (Path(folder) / RECORD).is_file():
        raise QualityError(
            f"{folder} holds no quality model that is whole: it lacks {RECORD}; name what xalign train-quality wrote, "
            "or run that again: it goes on where it was"
        )
    return QualityModel(load_encoder(folder, device=device))
