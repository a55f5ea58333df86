"""What can go wrong with a training, and what to do then."""

from pathlib import Path

from xalign.errors import XalignError


class RealignmentError(XalignError):
    """A realignment cannot begin, go on or be written; the message says what to do."""


class DivergedError(RealignmentError):
    """The loss became NaN or infinite.

    Attributes:
        step: The step at which it did, from 1.
        best_step: The step whose weights were kept; 0 is the starting model.
        folder: Where the model of that step was written.
    """

    def __init__(self, step: int, best_step: int, folder: Path):
        self.step, self.best_step, self.folder = step, best_step, folder
        super().__init__(
            f"the loss, a weight or a vector became NaN or infinite at step {step}; the best model before it, of step "
            f"{best_step}, is in {folder}. Lower learning_rate, raise warmup, or use precision='float32'"
        )
