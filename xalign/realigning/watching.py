"""What is looked at while a model is trained: does each held-out sentence find its translation?"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from probes import retrieval_accuracy
from xalign.corpora.parallel import Pair
from xalign.encoders.batching import pad_right, plan_batches
from xalign.encoders.encoder import Encoder
from xalign.encoders.pooling import pool, token_weights
from xalign.realigning.network import AlignedLayers

BATCH_TOKENS = {"cpu": 1024}
BATCH_TOKENS_ELSEWHERE = 8192


@dataclass(frozen=True)
class LogEntry:
    """What was seen at one step.

    Attributes:
        step: After how many updates; 0 is the starting model.
        loss: Mean since the entry before; None at step 0.
        retrieval: Share of held-out sentences whose nearest is their translation: mean of both directions, of the
            languages and of the aligned layers; None where nothing was held out.
        by_language: The same by language.
    """

    step: int
    loss: float | None
    retrieval: float | None
    by_language: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return the entry as JSON can hold it."""
        return asdict(self)


class HeldOut:
    """Sentences that are not trained on, and how a model does on them.

    Args:
        encoder: Tokenises.
        pairs: The sentences of each language, with the pivot's.
        pad_id: Fills rows; masked.
        pooling: How tokens become a sentence's vector.
        most: Sentences of each language, at most; spread evenly over those there are.
    """

    def __init__(self, encoder: Encoder, pairs: Mapping[str, Pair], *, pad_id: int, pooling: str, most: int):
        texts: dict[str, int] = {}
        self.pooling, self.places = pooling, {}
        for language, pair in pairs.items():
            n = len(pair.source_sentences)
            rows = np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
            self.places[language] = [
                np.array([texts.setdefault(sentences[row], len(texts)) for row in rows])
                for sentences in (pair.source_sentences, pair.target_sentences)
            ]
        self.ids = encoder.tokenize(list(texts)).rows
        self.pad_id = pad_id

    def score(self, network: AlignedLayers) -> dict[str, float]:
        """Return the P@1 of each language with the pivot, mean of both directions and of the aligned layers.

        All are NaN where a vector is not finite, which happens before a weight is so.
        """
        vectors = self._encode(network)
        if not np.isfinite(vectors).all():
            return dict.fromkeys(self.places, math.nan)
        return {
            language: float(np.mean([self._accuracy(layer, *places) for layer in vectors]))
            for language, places in self.places.items()
        }

    def _accuracy(self, vectors: Float[np.ndarray, "n d"], source: np.ndarray, pivot: np.ndarray) -> float:
        return retrieval_accuracy(vectors[source], vectors[pivot], groups=pivot).score

    def _encode(self, network: AlignedLayers) -> Float[np.ndarray, "layers n d"]:
        device = next(network.parameters()).device
        budget = BATCH_TOKENS.get(device.type, BATCH_TOKENS_ELSEWHERE)
        found: list[Tensor] = [torch.empty(0)] * len(self.ids)
        training = network.training
        network.eval()
        with torch.inference_mode():
            for rows in plan_batches([len(row) for row in self.ids], batch_tokens=budget):
                padded = pad_right([self.ids[row] for row in rows], pad_id=self.pad_id)
                ids, mask = (torch.from_numpy(part).to(device) for part in padded)
                weights = token_weights(mask, [self.pooling])
                layers = [pool(weights, states.view(*ids.shape, -1))[:, 0] for states in network([ids], [mask])]
                for row, vector in zip(rows.tolist(), torch.stack(layers, dim=1).cpu(), strict=True):
                    found[row] = vector
        network.train(training)
        return torch.stack(found, dim=1).numpy()
