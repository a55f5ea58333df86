"""The arguments of a selection of data, as values that are checked once, sent to every task and written down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from xalign.encoders.fingerprints import digest_texts
from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest
from xalign.selecting.pools.fields import PARTS

SHARD_ROWS = 8192
PRECISIONS = ("float32", "float16")
FILE, DETECT, NONE = "@file", "@detect", "none"
"""Languages from the names of the files, from a detector, or not at all."""
FORM = "1"
"""Of the sidecars: changes when what is stored in them does."""


@dataclass(frozen=True)
class ReadingSettings:
    """How rows are read.

    Attributes:
        text_field: One field, "instruction+input>output", or a conversation's field.
        language_field: A field, "@file", "@detect", or "none".
        id_field: A field, or "none".
        part: Of a conversation: all, prompt or response.
        detect: Codes that the detector may choose from; none for all it knows.
    """

    text_field: str
    language_field: str = NONE
    id_field: str = NONE
    part: str = "all"
    detect: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_name("part", self.part, PARTS)

    @property
    def key(self) -> str:
        """Hash of all that decides what is read."""
        return digest_texts([FORM, *(f"{name}={value}" for name, value in asdict(self).items())])


@dataclass(frozen=True)
class ModelSettings:
    """Which vectors rows get.

    Attributes:
        name: A model's name or folder; of a sentence-transformers folder without `layer`, its own pipeline is used.
        arguments: What `load_encoder` is called with besides, as JSON, so that settings can be compared.
        layer: Whose states are pooled; None for the last.
        pooling: mean, cls, last or weighted.
        precision: float32, or float16 at half the size.
    """

    name: str
    arguments: str = "{}"
    layer: int | None = None
    pooling: str = "mean"
    precision: str = "float32"

    def __post_init__(self) -> None:
        _require_name("precision", self.precision, PRECISIONS)

    @property
    def loading(self) -> dict[str, Any]:
        """What `load_encoder` is called with besides."""
        return json.loads(self.arguments)

    @property
    def device(self) -> str:
        """Where models run: auto, cpu, cuda ..."""
        return str(self.loading.get("device") or "auto")


@dataclass(frozen=True)
class ChoiceSettings:
    """What decides a choice once rows have vectors, scores and tags.

    Attributes:
        budget: Rows to choose: a count, or a share of the pool below 1.
        method: A name in the table of methods.
        compare: Further methods on the same sidecars.
        quality: A scorer such as "length" or "column:score", or several with their categories; None for none.
        tags: A field of labels; None for clusters of vectors where a method wants labels.
        category: A field of categories, or what finds them, for stratified selection.
        n_draws: Random sets to judge by.
        seed: Of draws, samples and ties.
        skip_bad: Leave out rows that cannot be used, and list them, instead of stopping.
        across_languages: Allow target languages that the pool lacks.
        difficulty: A scorer of how hard a row is, for stratified selection; None for none.
    """

    budget: int | float
    method: str = "transport"
    compare: tuple[str, ...] = ()
    quality: str | None = None
    tags: str | None = None
    category: str | None = None
    n_draws: int = 30
    seed: int = 0
    skip_bad: bool = False
    across_languages: bool = False
    difficulty: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.budget, bool) or not 0 < self.budget < inf or (self.budget != int(self.budget) > 0):
            raise SettingError(
                f"budget must be a number of rows, 1 or more, or a share of the pool below 1, got {self.budget}"
            )
        for name, least in (("n_draws", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"{name} must be at least {least}, got {getattr(self, name)}")

    def rows(self, n: int) -> int:
        """How many rows the budget is of a pool of `n`.

        Raises:
            SettingError: If it is more than there are.
        """
        wanted = max(1, round(self.budget * n)) if self.budget < 1 else int(self.budget)
        if wanted > n:
            raise SettingError(
                f"budget must be at most the {n} usable rows of the pool, got {wanted}; lower it or widen the pool"
            )
        return wanted


def _require_name(argument: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise UnknownNameError(f"{argument} must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
