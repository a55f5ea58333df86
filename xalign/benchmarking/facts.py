"""How a benchmark was run: enough to run it again, and to know with which other runs it may be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from xalign.benchmarking.material import Material
from xalign.benchmarking.prompts import Prompts
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Part
from xalign.benchmarking.tasks import Task, seen_in_training
from xalign.encoders import Encoder
from xalign.run_facts import describe_model, describe_versions


def describe_benchmark(
    task: Task, material: Material, encoder: Encoder, settings: BenchmarkSettings, prompts: Prompts
) -> dict[str, Any]:
    """Everything that decided the numbers, in sections that JSON can hold."""
    return {
        "task": _task(task, material) | {"seen_in_training": seen_in_training(task, encoder)},
        "protocol": _protocol(material, settings) | {"prompts": asdict(prompts)},
        "model": describe_model(encoder),
        "text": {
            "name": material.name,
            "hash": material.fingerprint,
            "sentences": material.n,
            "languages": list(material.languages),
            "resolution": dict(material.resolution),
            "notes": list(material.notes()),
        },
        "arguments": asdict(settings) | {"model": dict(encoder.load_arguments)},
        "versions": describe_versions(),
    }


def _task(task: Task, material: Material) -> dict[str, Any]:
    codes = dict(material.resolution)
    subsets = {name: [codes[spelled] for spelled in own if spelled in codes] for name, own in task.subsets.items()}
    whole = {name: own for name, own in subsets.items() if len(own) == len(task.subsets[name])}
    return {"name": task.name, "title": task.title, "kind": task.kind, "pivot": material.pivot, "subsets": whole}


def _protocol(material: Material, settings: BenchmarkSettings) -> dict[str, Any]:
    plans = material.plans
    return {
        "layer": settings.layer,
        "reported_on": _words([plan.reporting.score for plan in plans]),
        "chosen_on": _words([plan.choosing.score for plan in plans if plan.choosing]),
        "fitted_on": _words([plan.reporting.fit for plan in plans if plan.reporting.fit]),
        "pooling": settings.pooling,
        "score": _score(settings),
        "transform": settings.transform,
    }


def _words(parts: Sequence[Part]) -> str | None:
    """`test (204)`, of bitexts of several sizes `all (104 to 1000)`; None where there is no part."""
    if not parts:
        return None
    low, high = min(part.n for part in parts), max(part.n for part in parts)
    return f"{parts[0].name} ({low})" if low == high else f"{parts[0].name} ({low} to {high})"


def _score(settings: BenchmarkSettings) -> str:
    if settings.score == "cosine":
        return "cosine"
    margin = f"{settings.margin}, " if settings.score == "margin" else ""
    return f"{settings.score} ({margin}k = {settings.neighbours})"


def describe_seconds(seconds: Mapping[str, float]) -> dict[str, float]:
    """Durations by name, to the hundredth."""
    return {name: round(value, 2) for name, value in seconds.items()}
