"""Scores of rows: plain functions from rows to an array, in one table; up is better, a minus turns one round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import ModelError, SettingError, UnknownNameError
from xalign.names import nearest
from xalign.selecting.pools.reading import Row
from xalign.selecting.scores.laser_scores import (
    no_answers,
    no_revision,
    no_steps,
    score_constraints,
    score_least,
    score_revision,
)
from xalign.selecting.scores.row_scores import (
    check_causal,
    check_classifier,
    check_fields,
    check_function,
    check_quality,
    count_cut_by_classifier,
    count_cut_by_quality,
    field_of,
    fields_in,
    no_number,
    no_pair,
    no_product,
    no_translation,
    score_class,
    score_column,
    score_function,
    score_length,
    score_perplexity,
    score_product,
    score_quality,
    score_response_length,
    score_translation,
    split_names,
)
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
        is_model: Whether what stands behind the colon is a model.
        check: Refuses what cannot be used behind the colon, given it and a device, before any work; the hash of what it
            names, where that is a model.
        cut: How many rows it reads the beginning of, because they are longer than a model reads.
        lacks: Why a row has no score.
        form: Changes when its scores do, so that those kept under the form before are not taken for them.
    """

    name: str
    takes: str
    meaning: str
    score: Scorer
    reads: Callable[[str], list[str] | None] = lambda _: []
    needs_vectors: bool = False
    is_model: bool = False
    check: Callable[[str, str], str] = lambda _, __: ""
    cut: Callable[[Sequence[Row], str, ModelSettings], int] = lambda _, __, ___: 0
    lacks: Callable[[Row, str], str] = lambda _, __: "its score is not finite"
    form: str = ""


@dataclass(frozen=True)
class ScorerSpec:
    """A scorer with what it takes.

    Attributes:
        text: As it was written: "length", "column:annotation.quality", "-perplexity:gpt-mini".
        name: A name of `SCORERS`.
        argument: What stood behind the colon; a folder by its whole path, which other processes see alike.
        sign: 1, or -1 where a minus stood before.
        content: Hash of the model it takes; empty where it takes none.
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

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the data that it names."""
        takes = SCORERS[self.name].takes
        if takes == "field":
            return (self.argument,)
        return tuple(split_names(self.argument)) if takes == "field,field" else ()

    @property
    def key(self) -> str:
        """Hash of all that decides a row's score, but for the model that embeds."""
        named = f"{self.content}#{self.argument.partition('#')[2]}" if self.content else self.argument
        return digest_texts([self.name + SCORERS[self.name].form, named, str(self.sign)])

    def score(self, rows: Sequence[Row], model: ModelSettings) -> Float[np.ndarray, " n"]:
        """Score rows; NaN where a row cannot be scored."""
        return self.sign * SCORERS[self.name].score(rows, self.argument, model)

    def count_cut(self, rows: Sequence[Row], model: ModelSettings) -> int:
        """How many rows are scored by their beginning, because they are longer than a model reads."""
        return SCORERS[self.name].cut(rows, self.argument, model)

    def why_none(self, row: Row) -> str:
        """Why a row has no score."""
        return SCORERS[self.name].lacks(row, self.argument)


def parse_scorer(text: str, *, what: str = "quality", device: str = "auto") -> ScorerSpec:
    """Read a scorer, and check what it takes.

    Args:
        text: A name of `SCORERS`, for some with a colon and what they take; a minus before it turns the order round.
        what: The argument that it is given to, for errors.
        device: Where a model of it will run.

    Raises:
        UnknownNameError: If there is none of that name, or a classifier has no such label.
        SettingError: If what it takes is missing, or is no function that can be imported.
        ModelError: If the model it takes is not there or cannot do that.
        QualityError: If the folder it takes holds no quality model.
    """
    name, _, argument = text.removeprefix("-").partition(":")
    if name not in SCORERS:
        raise UnknownNameError(
            f"{what} must be one of {', '.join(describe(known) for known in SCORERS.values())}, got "
            f"{text!r}{nearest(name, SCORERS) or f'; for a field of the data write column:{name}'}"
        )
    known = SCORERS[name]
    if known.takes and not argument:
        raise SettingError(f"{what} {name!r} must name its {known.takes}, as in {describe(known)}")
    argument = _whole(argument) if known.is_model else argument
    try:
        content = known.check(argument, device)
    except ModelError as error:
        raise ModelError(f"{what} {text!r}: {str(error).removeprefix('name_or_path').lstrip(': ')}") from error
    return ScorerSpec(text, name, argument, -1 if text.startswith("-") else 1, content)


def _whole(argument: str) -> str:
    """The whole path of a folder, with what follows it."""
    name, hash_sign, label = argument.partition("#")
    folder = Path(name).expanduser()
    return f"{folder.resolve()}{hash_sign}{label}" if name and folder.is_dir() else argument


def describe(known: KnownScorer) -> str:
    """How it is written."""
    return known.name + (f":{known.takes.upper()}" if known.takes else "")


SCORERS: dict[str, KnownScorer] = {
    known.name: known
    for known in (
        KnownScorer(
            "column", "field", "a number that the data have, or the mean of a list", score_column, field_of,
            lacks=no_number, form="2",
        ),
        KnownScorer("length", "", "characters", score_length),
        KnownScorer("response_length", "", "characters of the answer", score_response_length),
        KnownScorer(
            "product", "field,field", "of numbers that the data have, or the mean of their products over rounds",
            score_product, fields_in, check=check_fields, lacks=no_product,
        ),
        KnownScorer(
            "perplexity", "model", "of the text under a causal model; lower is likelier", score_perplexity,
            is_model=True, check=check_causal,
            lacks=lambda _, __: "a text of two tokens or more was expected, of which there is a perplexity",
        ),
        KnownScorer(
            "translation", "field", "cosine with a translation in another field", score_translation, field_of,
            needs_vectors=True, lacks=no_translation,
        ),
        KnownScorer(
            "classifier", "model#label", "probability of a label", score_class, is_model=True,
            check=check_classifier, cut=count_cut_by_classifier,
        ),
        KnownScorer(
            "quality", "folder", "by a model of xalign train-quality", score_quality, is_model=True,
            check=check_quality, cut=count_cut_by_quality, lacks=no_pair,
        ),
        KnownScorer(
            "least", "field", "the least number of a list, such as the rewards of a solution's steps", score_least,
            field_of, lacks=no_steps,
        ),
        KnownScorer(
            "constraints", "field", "the share of true in a list of true and false, one for each rule to keep",
            score_constraints, field_of, lacks=no_answers,
        ),
        KnownScorer(
            "revision", "field", "the part of its lines that a revision in another field leaves as they were",
            score_revision, field_of, lacks=no_revision,
        ),
        KnownScorer(
            "function", "module.name", "by a function of your own, from rows (`.text`, `.turns`, `.fields`) to numbers",
            score_function, lambda _: None, check=check_function,
        ),
    )
}  # fmt: skip
