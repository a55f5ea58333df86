"""The loss of a batch: the aligned vectors' at each layer, and how far the model has gone from where it began."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from xalign.realigning.collating import Batch
from xalign.realigning.losses import alignment_loss, anchor_loss, squared_distance
from xalign.realigning.network import AlignedLayers, mean_of_tokens
from xalign.realigning.settings import RealignmentSettings

States = list[Float[Tensor, "tokens d"]]


class Objective:
    """What training minimises.

    Args:
        settings: Loss, temperature and anchor.
        start: The starting model, where it is needed: for the anchor, and for the unit of squared distances.
    """

    def __init__(self, settings: RealignmentSettings, start: AlignedLayers | None):
        self.settings, self.start = settings, start
        self.units: list[float] = []

    def close(self) -> None:
        """Let go of the starting model's hooks."""
        if self.start is not None:
            self.start.close()

    def measure(self, batch: Batch) -> None:
        """Take the mean squared length of the starting model's vectors of a batch, at each layer, as unit."""
        if self.start is None:
            return
        states = self.start_states(batch, everything=True)
        if self.settings.aligns_words:
            real = torch.cat([mask.flatten() for mask in batch["mask"]]).bool()
            vectors = [layer[real] for layer in states]
        else:
            vectors = [mean_of_tokens(layer, batch, batch["n_vectors"]) for layer in states]
        self.units = [float(layer.float().square().sum(dim=1).mean()) for layer in vectors]

    def start_states(self, batch: Batch, *, everything: bool = False) -> States:
        """Return the starting model's states of the anchored chunks, or of all."""
        if self.start is None or not (everything or self.settings.anchor):
            return []
        first = 0 if everything else batch["n_free"]
        with torch.no_grad():
            return self.start(batch["ids"][first:], batch["mask"][first:])

    def __call__(self, states: States, starts: list[Tensor], batch: Batch) -> Float[Tensor, ""]:
        """Return the mean over layers of loss and anchor.

        Args:
            states: Of all tokens of the batch, by layer.
            starts: What `start_states` gives for the batch.
            batch: As `Collator` makes it.
        """
        held: list[Tensor | None] = [*starts] or [None] * len(states)
        units = self.units if self.start is not None else [1.0] * len(states)
        pairs = zip(states, held, units, strict=True)
        return torch.stack([self._layer_loss(*layer, batch) for layer in pairs]).mean()

    def _layer_loss(self, states: Tensor, start: Tensor | None, unit: float, batch: dict[str, Any]) -> Tensor:
        settings, half = self.settings, batch["n_vectors"] // 2
        vectors = mean_of_tokens(states, batch, batch["n_vectors"])
        loss = alignment_loss(
            settings.loss, vectors[:half], vectors[half:], temperature=settings.temperature, unit=unit
        )
        if start is None:
            return loss
        if settings.aligns_words:
            held = anchor_loss(states[-len(start) :], start, batch["anchored"], unit=unit)
        else:
            held = self._held_sentences(vectors, start, len(states), batch, unit)
        return loss + settings.anchor * held

    def _held_sentences(self, vectors: Tensor, start: Tensor, n_tokens: int, batch: Batch, unit: float) -> Tensor:
        """Compare the anchored sentences' vectors, the last ones, with the starting model's."""
        first = batch["n_source_entries"] if self.settings.anchor_on == "pivot" else 0
        n = len(vectors) // 2 if first else len(vectors)
        part = {
            "tokens": batch["tokens"][first:] - (n_tokens - len(start)),
            "owner": batch["owner"][first:] - (len(vectors) - n),
            "weights": batch["weights"][first:],
        }
        return squared_distance(vectors[-n:], mean_of_tokens(start, part, n), unit=unit)
