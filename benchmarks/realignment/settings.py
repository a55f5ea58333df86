"""What the experiment is told: models, sets, seeds, and the one training that all sets get."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from xalign.realigning.settings import RealignmentSettings

COPY, MINI = "copy", "mini"
MODELS = (COPY, MINI)


@dataclass(frozen=True)
class Training:
    """The training of every run; sets differ in nothing but their languages.

    Attributes:
        steps: Updates.
        batch_size: Sentence pairs of an update.
        learning_rate: Its highest.
        anchor: How strongly English is held where the starting model has it.
        max_length: Tokens read of a sentence.
        lora_rank: Of the low-rank updates that are trained. Tried on deu, swh and hin they carry over to languages that
            are not trained on, where training all weights makes those worse.
        precision: Of the forward passes, here and in measuring; on a CPU bfloat16 takes a third of the time, and P@1 of
            the starting models agrees with float32 to .001.
    """

    steps: int = 24
    batch_size: int = 32
    learning_rate: float = 4e-3
    anchor: float = 1.0
    max_length: int = 96
    lora_rank: int | None = 32
    precision: str = "bfloat16"

    def of(self, layer: int, seed: int) -> RealignmentSettings:
        """Return the settings of one run: sentences contrasted at one layer, languages drawn alike, last weights."""
        return RealignmentSettings(
            loss="sentence",
            layers=(layer,),
            language_temperature=float("inf"),
            save_every=None,
            seed=seed,
            **asdict(self),
        )


@dataclass(frozen=True)
class Experiment:
    """All that is asked for.

    Attributes:
        data: Holds flores200 and typology, and for training the copy what xalign-mini is trained on.
        out: Where every run is kept.
        copy: The model trained without translations; made there if it is absent.
        models: Of `MODELS`.
        sizes: How many languages a set holds.
        n_draws: Random sets of each size.
        n_seeds: Trainings of each set.
        training: The training of every run.
        workers: Processes, of one thread each.
        limit: Runs to do before stopping; None for all.
    """

    data: Path
    out: Path
    copy: Path
    models: tuple[str, ...] = MODELS
    sizes: tuple[int, ...] = (3, 5, 10)
    n_draws: int = 5
    n_seeds: int = 3
    training: Training = field(default_factory=Training)
    workers: int = 2
    limit: int | None = None
