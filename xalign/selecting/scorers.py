"""Scores of rows: plain functions from rows to an array, in one table; up is better, a minus turns one round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_files
from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest
from xalign.selecting.fields import look_up
from xalign.selecting.reading import Row
from xalign.selecting.settings import ModelSettings

Scorer = Callable[[Sequence[Row], str, ModelSettings], Float[np.ndarray, " n"]]


@dataclass(frozen=True)
class KnownScorer:
    """A scorer as it is asked for.

    Attributes:
        name: What stands before the colon.
        takes: What stands behind it, in words; empty for nothing.
        meaning: What the score is.
        score: Rows, what stands behind the colon and the model of the vectors, to a number a row.
        reads: The columns it reads, of what stands behind the colon; None for all.
        needs_vectors: Whether it encodes with the model that embeds.
        is_model: Whether what stands behind the colon is a model, whose files count.
    """

    name: str
    takes: str
    meaning: str
    score: Scorer
    reads: Callable[[str], list[str] | None] = lambda _: []
    needs_vectors: bool = False
    is_model: bool = False


@dataclass(frozen=True)
class ScorerSpec:
    """A scorer with what it takes.

    Attributes:
        text: As it was written: "length", "column:annotation.quality", "-perplexity:gpt-mini".
        name: A name of `SCORERS`.
        argument: What stood behind the colon.
        sign: 1, or -1 where a minus stood before.
        content: Hash of the files of the model it takes; empty where it takes none that lies here.
    """

    text: str
    name: str
    argument: str
    sign: int
    content: str = ""

    @property
    def needs_vectors(self) -> bool:
        """Whether it encodes with the model that embeds."""
        return SCORERS[self.name].needs_vectors

    @property
    def columns(self) -> list[str] | None:
        """The columns it reads besides text."""
        return SCORERS[self.name].reads(self.argument)

    def score(self, rows: Sequence[Row], model: ModelSettings) -> Float[np.ndarray, " n"]:
        """Score rows; NaN where a row cannot be scored."""
        return self.sign * SCORERS[self.name].score(rows, self.argument, model)


def parse_scorer(text: str) -> ScorerSpec:
    """Read a scorer.

    Args:
        text: A name of `SCORERS`, for some with a colon and what they take; a minus before it turns the order round.

    Raises:
        UnknownNameError: If there is none of that name.
        SettingError: If what it takes is missing.
    """
    name, _, argument = text.removeprefix("-").partition(":")
    if name not in SCORERS:
        raise UnknownNameError(
            f"quality must be one of {', '.join(describe(known) for known in SCORERS.values())}, got "
            f"{text!r}{nearest(name, SCORERS)}"
        )
    if SCORERS[name].takes and not argument:
        raise SettingError(f"quality {name!r} must name its {SCORERS[name].takes}, as in {describe(SCORERS[name])}")
    content = _content(argument.partition("#")[0]) if SCORERS[name].is_model else ""
    return ScorerSpec(text, name, argument, -1 if text.startswith("-") else 1, content)


def _content(name: str) -> str:
    """Hash of a model's files, so that scores of another model in the same place are not taken for its own."""
    folder = Path(name).expanduser()
    return digest_files(sorted(path for path in folder.rglob("*") if path.is_file())) if folder.is_dir() else name


def describe(known: KnownScorer) -> str:
    """How it is written."""
    return known.name + (f":{known.takes.upper()}" if known.takes else "")


def _column(rows: Sequence[Row], field: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    return np.array([_number(look_up(row.fields, field)) for row in rows], dtype=np.float64)


def _number(value: Any) -> float:
    """A number, also where a table has it as text or an annotator as a list of one; else NaN."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    try:
        return float("nan") if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return float("nan")


def _length(rows: Sequence[Row], _: str, __: ModelSettings) -> Float[np.ndarray, " n"]:
    return np.array([len(row.text) for row in rows], dtype=np.float64)


def _response_length(rows: Sequence[Row], _: str, __: ModelSettings) -> Float[np.ndarray, " n"]:
    return np.array([len(row.turns.response) for row in rows], dtype=np.float64)


def _translation(rows: Sequence[Row], field: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Cosine between a row's text and its translation in another field."""
    from xalign.selecting.embedding import load_embedder

    texts = [look_up(row.fields, field) for row in rows]
    there = [place for place, text in enumerate(texts) if isinstance(text, str) and text.strip()]
    scores = np.full(len(rows), np.nan)
    if there:
        encode = load_embedder(model).encode
        x, y = encode([rows[place].text for place in there]), encode([texts[place] for place in there])
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores[there] = np.einsum("ij,ij->i", x.astype(np.float64), y.astype(np.float64)) / lengths
    return scores


def _perplexity(rows: Sequence[Row], name: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Perplexity: e to the power of the mean negative log-probability of a text's tokens; lower is likelier."""
    import torch

    lm, tokenizer = _causal_model(name, _device(model))
    scores = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        ids = tokenizer(row.text, return_tensors="pt", truncation=True, max_length=_longest(lm)).input_ids.to(lm.device)
        if ids.shape[1] > 1:
            with torch.inference_mode():
                scores[place] = float(torch.exp(lm(input_ids=ids, labels=ids).loss.double()))
    return scores


def _classifier(rows: Sequence[Row], argument: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """The probability of a label by a model that classifies sequences; `folder#label`, else its last label."""
    import torch

    name, _, label = argument.partition("#")
    found, tokenizer = _sequence_classifier(name, _device(model))
    labels = {str(text): index for index, text in found.config.id2label.items()}
    if label and label not in labels:
        raise UnknownNameError(
            f"quality classifier {name} has no label {label!r}{nearest(label, labels)}; it has {', '.join(labels)}"
        )
    scores = np.empty(len(rows))
    for start in range(0, len(rows), 32):
        texts = [row.text for row in rows[start : start + 32]]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=_longest(found))
        with torch.inference_mode():
            logits = found(**inputs.to(found.device)).logits.double()
        scores[start : start + 32] = torch.softmax(logits, dim=1)[:, labels[label] if label else -1].cpu().numpy()
    return scores


def _trained_quality(rows: Sequence[Row], folder: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Minus the distance between instruction and response in a model that `xalign train-quality` made."""
    there = [place for place, row in enumerate(rows) if row.turns.prompt and row.turns.response]
    scores = np.full(len(rows), np.nan)
    if there:
        found = _quality_model(folder, _device(model))
        asked = [rows[place].turns.prompt for place in there]
        scores[there] = found.score(asked, [rows[place].turns.response for place in there])
    return scores


def _device(model: ModelSettings) -> str:
    return str(model.loading.get("device") or "auto")


@lru_cache(maxsize=2)
def _quality_model(folder: str, device: str) -> Any:
    from xalign.quality import load_quality_model

    return load_quality_model(folder, device=device)


@lru_cache(maxsize=2)
def _causal_model(name: str, device: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM

    return _load(AutoModelForCausalLM, name, device)


@lru_cache(maxsize=2)
def _sequence_classifier(name: str, device: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification

    return _load(AutoModelForSequenceClassification, name, device)


def _load(kind: Any, name: str, device: str) -> tuple[Any, Any]:
    from transformers import AutoTokenizer

    from xalign.encoders.weights import choose_device
    from xalign.errors import ModelError

    try:
        model = kind.from_pretrained(name, use_safetensors=True).to(choose_device(device)).eval()
        return model, AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: a {kind.__name__} was expected: {error}") from error


def _longest(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or 512)


def _field_of(argument: str) -> list[str]:
    return [argument.split(".")[0]]


SCORERS: dict[str, KnownScorer] = {
    known.name: known
    for known in (
        KnownScorer("column", "field", "a number that the data have", _column, _field_of),
        KnownScorer("length", "", "characters", _length),
        KnownScorer("response_length", "", "characters of the answer", _response_length),
        KnownScorer(
            "perplexity", "model", "of the text under a causal model; lower is likelier", _perplexity, is_model=True
        ),
        KnownScorer(
            "translation", "field", "cosine with a translation in another field", _translation, _field_of,
            needs_vectors=True,
        ),
        KnownScorer("classifier", "model#label", "probability of a label", _classifier, is_model=True),
        KnownScorer("quality", "folder", "by a model of xalign train-quality", _trained_quality, is_model=True),
    )
}  # fmt: skip
