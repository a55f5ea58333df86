"""sentence-transformers' trainer with the triplet loss, checkpoints without pickles, and no words on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import TripletDistanceMetric, TripletLoss
from tqdm import tqdm
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from xalign.encoders.weights import quiet
from xalign.quality.pairs import PreferencePairs
from xalign.quality.settings import QualitySettings
from xalign.realigning.checkpoints import drop_old_checkpoints, save_progress

LOG_EVERY = 10


class QualityTrainer(SentenceTransformerTrainer):
    """Trains `max(|v_a - v_p| - |v_a - v_n| + margin, 0)` over instruction, better and worse response.

    Args:
        network: Trained in place.
        pairs: The triplets.
        settings: Of the training.
        work: Folder of checkpoints.
        progress: Show a bar on stderr.
    """

    def __init__(self, network: Any, pairs: PreferencePairs, settings: QualitySettings, work: Path, *, progress: bool):
        columns = {"anchor": pairs.instructions, "positive": pairs.better, "negative": pairs.worse}
        loss = TripletLoss(network, TripletDistanceMetric.EUCLIDEAN, triplet_margin=settings.margin)
        super().__init__(
            model=network,
            args=training_arguments(settings, work, device=str(network.device)),
            train_dataset=Dataset.from_dict({name: list(texts) for name, texts in columns.items()}),
            loss=loss,
            callbacks=[_Bar(shown=progress)],
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Write no card: what there is to say stands in the record of the training."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the model alone; the trainer would pickle its arguments beside it."""
        with quiet():
            self.model.save_pretrained(output_dir or self.args.output_dir, create_model_card=False)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Mark the checkpoint whole when all of it is written."""
        super()._save_checkpoint(model, trial)
        work = Path(self.args.output_dir)
        save_progress(work / f"checkpoint-{self.state.global_step}", [])
        drop_old_checkpoints(work)

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        with quiet():
            super()._load_from_checkpoint(checkpoint_path)


def training_arguments(settings: QualitySettings, work: Path, *, device: str) -> SentenceTransformerTrainingArguments:
    """Say the settings in the trainer's words."""
    return SentenceTransformerTrainingArguments(
        output_dir=str(work),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,
        lr_scheduler_type="linear",
        save_strategy="steps",
        save_steps=settings.save_every,
        logging_strategy="steps",
        logging_steps=LOG_EVERY,
        logging_nan_inf_filter=False,
        seed=settings.seed,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device != "cpu",
        report_to="none",
        disable_tqdm=True,
    )


class _Bar(TrainerCallback):
    """A bar over the steps."""

    def __init__(self, *, shown: bool):
        self._shown = shown
        self._bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc="training quality", unit=" steps",
            disable=not self._shown, leave=False,
        )  # fmt: skip

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.update()
        if state.global_step >= state.max_steps:
            control.should_save = False

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.close()
