"""Train a quality model on pairs of responses, and write it as an ordinary model folder, whole or not at all."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xalign.encoders import Encoder, load_encoder
from xalign.quality.errors import QualityError
from xalign.quality.pairs import PreferencePairs
from xalign.quality.ranking import Ranking, compare_margins, margins_of, summarise_ranking
from xalign.quality.scoring import QualityModel, load_quality_model
from xalign.quality.settings import QualitySettings
from xalign.realigning.checkpoints import last_checkpoint, open_work_folder, refuse_other_run
from xalign.realigning.places import RECORD, publish, work_folder

KIND = "quality"


@dataclass(frozen=True)
class QualityTraining:
    """A quality model that was trained.

    Attributes:
        folder: The model, an ordinary sentence-transformers folder.
        losses: Mean triplet loss of every ten steps.
        n_pairs: Pairs trained on, by language.
        before: How often the starting model ranks held-out pairs rightly; None without such pairs.
        after: How often the trained model does.
        change: The difference of the two shares and its 95 % interval over instructions.
        seconds: What the training took, the last time that it ran.
        ranking_seconds: What ranking the held-out pairs took.
    """

    folder: Path
    losses: tuple[float, ...]
    n_pairs: Mapping[str, int]
    before: Ranking | None
    after: Ranking | None
    change: tuple[float, float, float] | None
    seconds: float
    ranking_seconds: float = 0.0

    @property
    def held_out(self) -> str | None:
        """What was ranked: other "languages" than those trained on, or other "pairs" of these; None for nothing."""
        if self.after is None:
            return None
        return "pairs" if set(self.after.by_language) & set(self.n_pairs) else "languages"

    @property
    def model(self) -> QualityModel:
        """The trained model, to score with."""
        return load_quality_model(self.folder)


def train_quality(  # noqa: PLR0913 - the arguments are the public interface
    pairs: PreferencePairs,
    model: str | Path | Encoder | None = None,
    *,
    out: str | Path,
    settings: QualitySettings | None = None,
    held_out: PreferencePairs | None = None,
    resume: bool = True,
    device: str = "auto",
    progress: bool = True,
) -> QualityTraining:
    """Teach an encoder to put a good response nearer to its instruction than a bad one.

    Minimises `max(|v_a - v_p| - |v_a - v_n| + margin, 0)` over instruction a, better response p and worse response n,
    with the encoder's own pooled vectors and no head. Quality is then `-|v_instruction - v_response|`. An interrupted
    training that is called again goes on from its last checkpoint.

    Args:
        pairs: What to train on.
        model: Folder or hub name, or what `load_encoder` returned; None is the embedded xalign-mini.
        out: Folder of the trained model; new, empty, or of the same training. Checkpoints stand in `<out>.work` until
            the model is whole.
        settings: How to train.
        held_out: Pairs to rank before and after; best of other languages and instructions (`pairs.hold_out`), else of
            other instructions (`pairs.hold_out_pairs`).
        resume: Go on where an interrupted run stopped, and take up a finished one; False begins again.
        device: Where the model runs: auto, cpu, cuda, mps; an encoder that is given stays where it is.
        progress: Show bars on stderr.

    Returns:
        Where the model is, and what was seen on the way.

    Raises:
        QualityError: If `out` holds something else, or the weights became NaN or infinite.
        ModelError: If the model cannot be loaded.
        RealignmentError: If `<out>.work` holds something else, or checkpoints of another training.

    References:
        Zhao et al. (2025), M-DaQ, arXiv:2509.15549, quality scoring model.
    """
    settings, out = settings or QualitySettings(), Path(out)
    encoder = _read_up_to(model if isinstance(model, Encoder) else load_encoder(model, device=device), settings)
    run = _run(encoder, pairs, held_out, settings)
    if _is_finished(out, run, resume=resume):
        return read_training(out)
    work = work_folder(out)
    open_work_folder(work, run, resume=resume)
    facts = _train(encoder, pairs, settings, work, progress=progress)
    trained = work / "model"
    facts |= _rank(encoder, trained, held_out, progress=progress)
    publish(trained, out, run, facts)
    shutil.rmtree(work)
    return read_training(out)


def read_training(folder: str | Path) -> QualityTraining:
    """Read what a finished training wrote down.

    Raises:
        QualityError: If the folder holds no quality model.
    """
    record = _record(Path(folder))
    facts = record["outcome"]
    before, after = (facts[side] and Ranking(**facts[side]) for side in ("before", "after"))
    return QualityTraining(
        folder=Path(folder),
        losses=tuple(facts["losses"]),
        n_pairs=record["run"]["n_pairs"],
        before=before,
        after=after,
        change=facts["change"] and tuple(facts["change"]),
        seconds=facts["seconds"],
        ranking_seconds=facts.get("ranking_seconds", 0.0),
    )


def _train(
    encoder: Encoder, pairs: PreferencePairs, settings: QualitySettings, work: Path, *, progress: bool
) -> dict[str, Any]:
    """Train, and write the model beside the checkpoints; returns what there is to tell."""
    from xalign.encoders.weights import quiet
    from xalign.quality.network import build_network
    from xalign.quality.trainer import QualityTrainer
    from xalign.realigning.training import randomness_kept

    started = time.perf_counter()
    network = build_network(encoder)
    with randomness_kept():
        trainer = QualityTrainer(network, pairs, settings, work, progress=progress)
        checkpoint = last_checkpoint(work)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if not all(bool(value.isfinite().all()) for value in network.parameters()):
        raise QualityError("the weights became NaN or infinite; lower learning_rate or margin, or raise warmup")
    shutil.rmtree(work / "model", ignore_errors=True)
    with quiet():
        network.save_pretrained(str(work / "model"), create_model_card=False)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"losses": losses, "seconds": time.perf_counter() - started}


def _rank(encoder: Encoder, trained: Path, held_out: PreferencePairs | None, *, progress: bool) -> dict[str, Any]:
    """Rank held-out pairs by the starting model and by the trained one."""
    if held_out is None:
        return {"before": None, "after": None, "change": None, "ranking_seconds": 0.0}
    started = time.perf_counter()
    models = (QualityModel(encoder), QualityModel(load_encoder(trained, device=str(encoder.device))))
    before, after = (margins_of(model, held_out, progress=progress) for model in models)
    return {
        "before": asdict(summarise_ranking(before, held_out)),
        "after": asdict(summarise_ranking(after, held_out)),
        "change": compare_margins(after, before, held_out),
        "ranking_seconds": time.perf_counter() - started,
    }


def _read_up_to(encoder: Encoder, settings: QualitySettings) -> Encoder:
    """Read no more tokens of a text than the settings say, also where the starting model ranks."""
    if settings.max_length is None or settings.max_length >= encoder.max_length:
        return encoder
    return load_encoder(encoder.name, **(encoder.load_arguments | {"max_length": settings.max_length}))


def _run(
    encoder: Encoder, pairs: PreferencePairs, held_out: PreferencePairs | None, settings: QualitySettings
) -> dict[str, Any]:
    """What decides the result."""
    return {
        "kind": KIND,
        "model": encoder.name,
        "fingerprint": [encoder.fingerprint, encoder.tokenizer_fingerprint],
        "pairs": pairs.fingerprint,
        "n_pairs": pairs.n_by_language,
        "held_out": None if held_out is None else held_out.fingerprint,
        "settings": settings.as_json(),
    }


def _is_finished(out: Path, run: Mapping[str, Any], *, resume: bool) -> bool:
    if out.exists() and not out.is_dir():
        raise QualityError(f"out must be a folder, got the file {out}")
    if (out / RECORD).is_file():
        if resume:
            refuse_other_run(_record(out)["run"], run, f"{out} holds a quality model that was trained")
        return resume
    if out.exists() and any(out.iterdir()) and not work_folder(out).exists():
        raise QualityError(f"out must be a new or empty folder, got {out}, which holds something else; give another")
    return False


def _record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if record["run"]["kind"] == KIND:
            return record
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise QualityError(
            f"{folder} holds no quality model that is whole ({type(error).__name__}); name what xalign train-quality "
            "wrote, or run that again: it goes on where it was"
        ) from error
    raise QualityError(f"{folder} holds a model that was trained for something else; name a quality model")
