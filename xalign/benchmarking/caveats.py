"""What a reader must know before trusting, or comparing, a number of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xalign.benchmarking.material import Material
from xalign.benchmarking.settings import EVERY, BenchmarkSettings
from xalign.benchmarking.tasks import Task, seen_in_training
from xalign.benchmarking.vectors import Vectors
from xalign.encoders import Encoder
from xalign.encoders.model_files import read_json

FEW = 30
READ_MODULES = ("Transformer", "Pooling", "Normalize")


def warn_of(
    task: Task,
    material: Material,
    encoder: Encoder,
    settings: BenchmarkSettings,
    vectors: Vectors,
    run: Mapping[str, Any],
) -> tuple[str, ...]:
    """Find what makes the numbers weaker than they look, or other than published ones; a sentence each."""
    return (
        *_seen(task, encoder),
        *_published(task),
        *_layers(material, settings),
        *_fitted(material, encoder, settings),
        *_model(encoder, run),
        *_text(material, vectors),
    )


def _seen(task: Task, encoder: Encoder) -> Iterator[str]:
    if seen_in_training(task, encoder):
        yield f"{encoder.name} was trained on this text: the numbers are not those of unseen sentences"


def _published(task: Task) -> Iterator[str]:
    if task.kind == "pool":
        yield "candidates are paragraphs, where LAReQA's XQuAD-R has their sentences: not comparable with its numbers"


def _layers(material: Material, settings: BenchmarkSettings) -> Iterator[str]:
    scored, choosing = material.plans[0].reporting.score, material.plans[0].choosing
    least = min(plan.reporting.score.n for plan in material.plans)
    if "half " in scored.name and not settings.fits:
        yield (
            "there is no split to choose a layer on: a random half of the rows chose, and the other half is scored, "
            "which has half the candidates and is easier than all; for the published protocol give a layer's number"
        )
    elif "half " in scored.name:
        yield (
            "there is no other split: the transform was fitted on a random half of the rows, and the other half is "
            "scored, which has half the candidates and is easier than all"
        )
    if choosing is None and settings.layer == EVERY:
        yield "every layer is scored on the same rows: the highest of them is flattered a little"
    if least < FEW:
        yield f"{least} rows are few: intervals from so small a sample are too narrow"


def _fitted(material: Material, encoder: Encoder, settings: BenchmarkSettings) -> Iterator[str]:
    fits = [plan.reporting.fit.n for plan in material.plans if plan.reporting.fit is not None]
    if fits and min(fits) < encoder.hidden_size and settings.transform != "centre":
        yield (
            f"the transform {settings.transform} was fitted on {min(fits)} rows in {encoder.hidden_size} dimensions: "
            "with more rows than dimensions it would hold better"
        )


def _model(encoder: Encoder, run: Mapping[str, Any]) -> Iterator[str]:
    unread = [kind for kind in _modules(Path(str(encoder.tokenizer.name_or_path))) if kind not in READ_MODULES]
    if unread:
        yield (
            f"{encoder.name} has modules after its pooling that are not applied here ({', '.join(unread)}): layers are "
            "scored, not the embedding that sentence-transformers gives"
        )
    if encoder.prompts and run["protocol"]["prompts"]["origin"] == "none":
        yield f"{encoder.name} declares the prompts {', '.join(encoder.prompts)}, none of which was applied"


def _modules(folder: Path) -> list[str]:
    """The classes of a sentence-transformers folder's modules; the transformer itself may stand in a folder of it."""
    path = next((each for each in (folder, folder.parent) if (each / "modules.json").is_file()), None)
    listed = read_json(path / "modules.json") if path else []
    return [str(module.get("type", "")).rpartition(".")[2] for module in listed if isinstance(module, dict)]


def _text(material: Material, vectors: Vectors) -> Iterator[str]:
    if vectors.n_truncated:
        were = "text was" if vectors.n_truncated == 1 else "texts were"
        yield f"{vectors.n_truncated} {were} cut at the model's maximum length"
    yield from material.notes()
