"""What scores are: plain functions from rows, what stands behind the scorer's colon and a model to a number a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import stamp_of
from xalign.errors import SettingError
from xalign.selecting.pools.fields import look_up
from xalign.selecting.pools.reading import Row
from xalign.selecting.scores.named_functions import find_function, hash_function
from xalign.selecting.scores.translations import is_text, translate
from xalign.selecting.settings import ModelSettings

if TYPE_CHECKING:
    from xalign.quality import QualityModel


def score_column(rows: Sequence[Row], field: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """The number that a field holds; of a list, as of scores by round, the mean."""
    return np.array([_number(look_up(row.fields, field)) for row in rows], dtype=np.float64)


def _number(value: Any) -> float:
    """A number, also where a table has it as text; the mean of a list where all are numbers; else NaN."""
    if isinstance(value, list):
        return float(np.mean([_number(part) for part in value])) if value else float("nan")
    try:
        return float("nan") if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return float("nan")


def score_product(rows: Sequence[Row], argument: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """The product of the numbers that fields hold; of lists, the mean of the products, round by round.

    So do MIG's authors with the quality and complexity of DEITA's annotators, which are lists over rounds.
    """
    names = split_names(argument)
    return np.array([_product([look_up(row.fields, name) for name in names]) for row in rows], dtype=np.float64)


def _product(values: Sequence[Any]) -> float:
    """The mean over rounds of products; a single number counts in every round; NaN where rounds differ."""
    rounds = {len(value) for value in values if isinstance(value, list)}
    if len(rounds) > 1 or 0 in rounds:
        return float("nan")
    n = rounds.pop() if rounds else 1
    parts = [[_number(part) for part in (value if isinstance(value, list) else [value] * n)] for value in values]
    return float(np.mean(np.prod(parts, axis=0)))


def no_product(row: Row, argument: str) -> str:
    """Say what stands where numbers, or lists of as many, were expected."""
    found = ", ".join(f"{name!r} {look_up(row.fields, name)!r}" for name in split_names(argument))
    return f"numbers, or lists of as many numbers, were expected, got {found}"


def check_fields(argument: str, _: str) -> str:
    """Refuse what does not name several fields."""
    if len(split_names(argument)) < 2:
        raise SettingError(f"quality 'product' must name fields with commas between, got {argument!r}")
    return ""


def split_names(argument: str) -> list[str]:
    """Names with commas between."""
    return [name.strip() for name in argument.split(",") if name.strip()]


def fields_in(argument: str) -> list[str]:
    """The columns that several paths begin at."""
    return list(dict.fromkeys(name.split(".")[0] for name in split_names(argument)))


def score_length(rows: Sequence[Row], _: str, __: ModelSettings) -> Float[np.ndarray, " n"]:
    """Characters of the text."""
    return np.array([len(row.text) for row in rows], dtype=np.float64)


def score_response_length(rows: Sequence[Row], _: str, __: ModelSettings) -> Float[np.ndarray, " n"]:
    """Characters of the answer."""
    return np.array([len(row.turns.response) for row in rows], dtype=np.float64)


def score_translation(rows: Sequence[Row], field: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Cosine between a row's text and its translation in another field."""
    from xalign.selecting.models.embedders import load_embedder

    translated = translate(rows, field, model)
    there = np.flatnonzero(np.isfinite(translated).all(axis=1))
    scores = np.full(len(rows), np.nan)
    if there.size:
        x, y = load_embedder(model).encode([rows[place].text for place in there.tolist()]), translated[there]
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores[there] = np.einsum("ij,ij->i", x.astype(np.float64), y.astype(np.float64)) / lengths
    return scores


def no_translation(row: Row, field: str) -> str:
    """Say what stands where a translation was expected."""
    text = look_up(row.fields, field)
    if is_text(text):
        return f"the vector of its text or of its translation in {field!r} is zero"
    return f"a translation was expected in {field!r}, got {text!r}"


def no_number(row: Row, field: str) -> str:
    """Say what stands where a number was expected."""
    return f"a number was expected in {field!r}, got {look_up(row.fields, field)!r}"


def score_perplexity(rows: Sequence[Row], name: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Perplexity of the text under a causal language model; lower is likelier."""
    from xalign.selecting.scores.model_scores import perplexities

    return perplexities([row.text for row in rows], name, device=model.device)


def check_causal(name: str, device: str) -> str:
    """Refuse what is no causal language model, and hash what is."""
    from xalign.selecting.scores.model_scores import content_of, open_causal

    return content_of(open_causal(name, device))


def score_class(rows: Sequence[Row], argument: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """The probability of a label by a model that classifies; `folder#label`, else its last label."""
    from xalign.selecting.scores.model_scores import probabilities

    name, _, label = argument.partition("#")
    return probabilities([row.text for row in rows], name, label=label, device=model.device)


def check_classifier(argument: str, device: str) -> str:
    """Refuse what is no classifier of texts or has no such label, and hash what is and has."""
    from xalign.selecting.scores.model_scores import content_of, find_label, open_classifier

    name, _, label = argument.partition("#")
    encoder = open_classifier(name, device)
    find_label(encoder, label)
    return content_of(encoder)


def count_cut_by_classifier(rows: Sequence[Row], argument: str, model: ModelSettings) -> int:
    """Rows whose text is longer than the classifier reads."""
    from xalign.selecting.scores.model_scores import count_cut, open_classifier

    return count_cut([row.text for row in rows], open_classifier(argument.partition("#")[0], model.device))


def score_quality(rows: Sequence[Row], folder: str, model: ModelSettings) -> Float[np.ndarray, " n"]:
    """Minus the distance between instruction and response in a model that `xalign train-quality` made."""
    there = [place for place, row in enumerate(rows) if row.turns.prompt and row.turns.response]
    scores = np.full(len(rows), np.nan)
    if there:
        found = _quality_model(folder, model.device, stamp_of(folder))
        asked = [rows[place].turns.prompt for place in there]
        scores[there] = found.score(asked, [rows[place].turns.response for place in there])
    return scores


def check_quality(folder: str, device: str) -> str:
    """Refuse what is no quality model, and hash what is."""
    from xalign.selecting.scores.model_scores import content_of

    return content_of(_quality_model(folder, device, stamp_of(folder)).encoder)


def count_cut_by_quality(rows: Sequence[Row], folder: str, model: ModelSettings) -> int:
    """Rows of which the instruction or the response is cut."""
    encoder = _quality_model(folder, model.device, stamp_of(folder)).encoder
    there = [row.turns for row in rows if row.turns.prompt and row.turns.response]
    if not there:
        return 0
    asked, said = [turns.prompt for turns in there], [turns.response for turns in there]
    return int((encoder.tokenize(asked).truncated | encoder.tokenize(said).truncated).sum())


def no_pair(row: Row, _: str) -> str:
    """Say which half of a pair is missing."""
    lacking = "response" if row.turns.prompt else "instruction"
    return f"an instruction and a response were expected, got no {lacking}; name both, as in --text-field 'a+b>c'"


def score_function(rows: Sequence[Row], name: str, _: ModelSettings) -> Float[np.ndarray, " n"]:
    """What a function of the caller's own says of rows."""
    scores = np.asarray(find_function(name, argument="quality")(rows), dtype=np.float64)
    if scores.shape != (len(rows),):
        raise SettingError(
            f"function {name!r} must give a number for each of {len(rows)} rows, got shape {scores.shape}"
        )
    return scores


def check_function(name: str, _: str) -> str:
    """Refuse what is no function that can be imported, and hash what is."""
    return hash_function(name, argument="quality")


@lru_cache(maxsize=2)
def _quality_model(folder: str, device: str, _stamp: str) -> QualityModel:
    from xalign.quality import load_quality_model

    return load_quality_model(folder, device=device)


def field_of(argument: str) -> list[str]:
    """The column that a path with dots begins at."""
    return [argument.split(".")[0]]
