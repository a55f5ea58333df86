"""The best weights so far, and the log that says why they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from xalign.realigning.checkpoints import BEST_FILE, load_progress, load_tensors, save_progress, save_tensors
from xalign.realigning.network import AlignedLayers
from xalign.realigning.watching import HeldOut, LogEntry


class Diverged(Exception):  # noqa: N818 - ends the training loop, and becomes a DivergedError that knows the folder
    """The loss, a weight or a watched vector is not finite.

    Attributes:
        step: The step at which it was seen, from 1.
        loss: The loss there.
    """

    def __init__(self, step: int, loss: float):
        super().__init__(step, loss)
        self.step, self.loss = step, loss


def trained_weights(network: AlignedLayers) -> dict[str, Tensor]:
    """Return the parameters that are trained, by name."""
    return {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}


def set_weights(network: AlignedLayers, weights: Mapping[str, Tensor]) -> None:
    """Set parameters to what `trained_weights` returned."""
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, value in weights.items():
            parameters[name].copy_(value)


class Keeper(TrainerCallback):
    """Looks at the held-out sentences every so often, and keeps the best weights and the log.

    Of equals the first is kept. Without held-out sentences it is the last that were looked at and were finite.

    Args:
        network: The model that is trained.
        held_out: What to look at, or None.
        every: Steps between two looks.
        progress: Show a bar on stderr.

    Attributes:
        log: An entry for each look.
        best_step: The step whose weights are kept.
        best: These weights; None for the starting model's.
    """

    def __init__(self, network: AlignedLayers, held_out: HeldOut | None, *, every: int, progress: bool):
        self.network, self.held_out, self.every, self.progress = network, held_out, every, progress
        self.log: list[LogEntry] = []
        self.best_step = 0
        self.best: dict[str, Tensor] | None = None
        self._losses: list[float] = []
        self._bar: Any = None

    def add_loss(self, value: float) -> None:
        """Count the loss of one forward pass."""
        self._losses.append(value)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at the starting model, unless a checkpoint already tells of it."""
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc="realigning", unit=" steps",
            disable=not (self.progress and state.is_world_process_zero), leave=False,
        )  # fmt: skip
        if not self.log:
            self._look(0)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Look where it is time; the last step needs no checkpoint, as the model itself is written."""
        self._bar.update()
        last = state.global_step >= state.max_steps
        if last or state.global_step % self.every == 0:
            self._look(state.global_step)
        if last:
            control.should_save = False

    def close(self) -> None:
        """Take the bar away, however training ended."""
        if self._bar is not None:
            self._bar.close()

    def _look(self, step: int) -> None:
        loss = float(np.mean(self._losses)) if self._losses else None
        if not all(bool(value.isfinite().all()) for value in trained_weights(self.network).values()):
            raise Diverged(step, float("nan"))
        scores = {} if self.held_out is None else self.held_out.score(self.network)
        retrieval = float(np.mean(list(scores.values()))) if scores else None
        if retrieval is not None and not np.isfinite(retrieval):
            raise Diverged(step, float("nan"))
        best = max((entry.retrieval for entry in self.log if entry.retrieval is not None), default=-1.0)
        self.log.append(LogEntry(step, loss, retrieval, scores))
        self._losses.clear()
        if step and (retrieval is None or retrieval > best):
            self.best_step = step
            self.best = {name: value.cpu().clone() for name, value in trained_weights(self.network).items()}
        self._bar.set_postfix_str(_postfix(loss, retrieval))

    def save(self, folder: Path) -> None:
        """Write what there is to know at a checkpoint; afterwards the checkpoint is whole."""
        if self.best is not None:
            save_tensors(folder / BEST_FILE, self.best)
        save_progress(folder, self.log, best_step=self.best_step, losses=self._losses)

    def load(self, folder: Path) -> None:
        """Take up what `save` wrote."""
        self.log, facts = load_progress(folder)
        self.best_step, self._losses = facts["best_step"], facts["losses"]
        self.best = load_tensors(folder / BEST_FILE) if (folder / BEST_FILE).is_file() else None


def _postfix(loss: float | None, retrieval: float | None) -> str:
    parts = {"loss": loss, "P@1": retrieval}
    return ", ".join(f"{name} {value:.3f}" for name, value in parts.items() if value is not None)
