"""Every text of a benchmark through the model once, and its vectors by layer and rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from xalign.benchmarking.prompts import Prompts
from xalign.benchmarking.splitting import Part
from xalign.encoders import Activations, Encoder, cached_encode
from xalign.encoding import EncodingRequest
from xalign.errors import ActivationError

SENTENCE, QUERY, PASSAGE = "sentence", "query", "passage"


@dataclass(frozen=True)
class Text:
    """Sentences that are encoded together.

    Attributes:
        key: By which their vectors are asked for.
        language: What progress bars, caches and errors call them.
        role: `sentence`, `query` or `passage`: which prompt they get.
        sentences: The texts.
    """

    key: tuple[Hashable, ...]
    language: str
    role: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Vectors:
    """What was encoded, by the key of each text."""

    activations: Mapping[tuple[Hashable, ...], Activations]

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that were kept."""
        return next(iter(self.activations.values())).layer_numbers

    @property
    def n_truncated(self) -> int:
        """How many texts were cut at the maximum length."""
        return sum(found.n_truncated for found in self.activations.values())

    def read(self, *key: Hashable, part: Part, layer: int) -> Float[np.ndarray, "n d"]:
        """Return the vectors of some rows at one layer; the key is completed by the part's unit."""
        rows = self.activations[(*key, part.unit)].layer(layer)
        return rows if part.rows is None else rows[part.rows]


def encode_texts(encoder: Encoder, texts: Iterable[Text], request: EncodingRequest, prompts: Prompts) -> Vectors:
    """Encode texts with their prompts; those that a killed run left in the cache are read from there.

    Raises:
        ActivationError: If the model gives NaN or infinite values; names the language.
    """
    activations: dict[tuple[Hashable, ...], Activations] = {}
    with tqdm(list(texts), desc="encoding", disable=not request.progress) as bar:
        for text in bar:
            bar.set_postfix_str(text.language)
            before = prompts.of(text.role)
            try:
                activations[text.key] = cached_encode(
                    encoder,
                    [before + sentence for sentence in text.sentences] if before else text.sentences,
                    cache=request.cache,
                    layers=request.layers,
                    pooling=request.pooling,
                    progress=request.progress and len(text.sentences) > 5000,
                    label=text.language,
                )
            except ActivationError as error:
                raise ActivationError(f"{text.language}: {error}") from error
    return Vectors(activations)
