"""transformers' Trainer on drawn batches of sentence pairs, watched, and kept at its best."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.utils.data import SequentialSampler
from transformers import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainingArguments,
)

from xalign.realigning.checkpoints import WEIGHTS_FILE, drop_old_checkpoints, load_tensors, save_tensors
from xalign.realigning.collating import Batch, BatchDataset
from xalign.realigning.errors import RealignmentError
from xalign.realigning.keeping import Diverged, Keeper, set_weights, trained_weights
from xalign.realigning.network import AlignedLayers
from xalign.realigning.objective import Objective
from xalign.realigning.settings import RealignmentSettings


def training_arguments(settings: RealignmentSettings, folder: Path, *, device: str) -> TrainingArguments:
    """Say the settings in the Trainer's words.

    Args:
        settings: Of the realignment.
        folder: Where checkpoints go.
        device: `cpu` for the CPU; otherwise accelerate chooses.
    """
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=settings.accumulation,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup,
        lr_scheduler_type="linear",
        bf16=settings.precision == "bfloat16",
        fp16=settings.precision == "float16",
        save_strategy="no" if settings.save_every is None else "steps",
        save_steps=settings.save_every or 500,
        seed=settings.seed,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device != "cpu",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to="none",
        disable_tqdm=True,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # several GPUs are a matter of torchrun or accelerate launch
    return arguments


class RealignmentTrainer(Trainer):
    """A Trainer whose batches are drawn beforehand and whose loss is an `Objective`.

    Its checkpoints hold the trained weights as safetensors; the optimizer's and the random generators' states are the
    Trainer's own, which it reads with `torch.load(weights_only=True)`.

    Args:
        network: Trained in place.
        arguments: From `training_arguments`.
        dataset: All batches, in order.
        objective: The loss.
        keeper: Watches, and keeps the best weights.
    """

    def __init__(
        self,
        network: AlignedLayers,
        arguments: TrainingArguments,
        dataset: BatchDataset,
        *,
        objective: Objective,
        keeper: Keeper,
    ):
        super().__init__(model=network, args=arguments, train_dataset=dataset, data_collator=_only, callbacks=[keeper])
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.network, self.objective, self.keeper = network, objective, keeper
        if objective.start is not None:
            objective.start.to(arguments.device)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(train_dataset or self.train_dataset)

    def compute_loss(
        self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch; refuses one that is not finite."""
        with self.accelerator.autocast():
            starts = self.objective.start_states(inputs)
        states = model(inputs["ids"], inputs["mask"])
        loss = self.objective(states, starts, inputs)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(self.state.global_step + 1, value)
        self.keeper.add_loss(value)
        return (loss, states) if return_outputs else loss

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the trained weights alone; the Trainer would pickle its arguments beside them."""
        if self.args.should_save:
            save_tensors(Path(output_dir or self.args.output_dir) / WEIGHTS_FILE, trained_weights(self.model))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            work = Path(self.args.output_dir)
            self.keeper.save(work / f"checkpoint-{self.state.global_step}")
            drop_old_checkpoints(work)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        set_weights(self.model, load_tensors(folder / WEIGHTS_FILE))
        self.keeper.load(folder)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with _damage_told(checkpoint):
            super()._load_optimizer_and_scheduler(checkpoint)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        with _damage_told(checkpoint):
            super()._load_rng_state(checkpoint)


@contextmanager
def _damage_told(checkpoint: str | None) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise RealignmentError(
            f"{checkpoint} cannot be read ({type(error).__name__}); delete that folder to go on from the checkpoint "
            "before it, or pass resume=False (--no-resume) to begin again"
        ) from error


def _only(batches: list[Batch]) -> Batch:
    """Take the one batch of a list: the data set gives whole batches."""
    (batch,) = batches
    return batch
