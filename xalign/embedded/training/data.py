"""The training groups: everything the sources hold, less every sentence that is kept for evaluation."""

import csv
import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xalign.embedded.training.sources import (
    EMBEDDED_LANGUAGES,
    Group,
    read_flores,
    read_instructions,
    read_nusax,
    read_tatoeba,
    read_xquad,
)
from xalign.errors import CorpusError

logger = logging.getLogger(__name__)
SHORTEST, LONGEST = 2, 600
FOLDERS = ("flores200", "tatoeba", "xquad", "nusax", "instructions")


@dataclass(frozen=True)
class TrainingData:
    """What is learned from, and what was left out.

    Attributes:
        groups: Sentences that translate each other, in a fixed order.
        n_excluded: Sentences dropped because they stand in an evaluation set, by source.
        n_sentences: Sentences kept, by source.
    """

    groups: list[Group]
    n_excluded: dict[str, int]
    n_sentences: dict[str, int]


def sentence_key(text: str) -> str:
    """Reduce a sentence to its letters and digits, case-folded, so that equal sentences compare equal."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if unicodedata.category(character)[0] in "LMN")


def forbidden_keys(data: Path, corpus: Path) -> set[str]:
    """Collect FLORES dev and test in every language, and every cell of the embedded corpus.

    Args:
        data: Holds `flores200`.
        corpus: Folder of xalign-100, TSV files.
    """
    texts = [text for group in read_flores(data / "flores200", ("dev", "test")) for text in group.texts.values()]
    for path in sorted(corpus.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as stream:
            texts += [cell for row in csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE) for cell in row]
    return {key for key in map(sentence_key, texts) if len(key) > SHORTEST}


def clean_groups(groups: Iterable[Group], forbidden: set[str]) -> TrainingData:
    """Drop forbidden, empty and overlong sentences, then groups without two languages."""
    kept: list[Group] = []
    excluded: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for group in groups:
        usable = {k: text.strip() for k, text in group.texts.items() if SHORTEST <= len(text.strip()) <= LONGEST}
        texts = {k: text for k, text in usable.items() if sentence_key(text) not in forbidden}
        excluded[group.source] += len(usable) - len(texts)
        if len(texts) > 1:
            kept.append(Group(group.source, texts, group.row))
            counted[group.source] += len(texts)
    return TrainingData(kept, dict(excluded), dict(counted))


def split_groups(data: TrainingData, without: frozenset[str] = frozenset()) -> TrainingData:
    """Make every sentence a group of its own, so that nothing says what translates what; drop some languages."""
    kept = [
        Group(group.source, {language: text}, group.row)
        for group in data.groups
        for language, text in group.texts.items()
        if language not in without
    ]
    return TrainingData(kept, data.n_excluded, dict(Counter(group.source for group in kept)))


def load_training_data(data: Path, corpus: Path, *, held_out: frozenset[int] = frozenset()) -> TrainingData:
    """Read every source and drop what must not be learned.

    Args:
        data: Holds flores200, tatoeba, xquad, nusax and instructions.
        corpus: Folder of xalign-100, whose sentences are dropped.
        held_out: FLORES training rows to leave out as well, for experiments.

    Raises:
        CorpusError: If one of the folders is missing.
    """
    missing = [name for name in FOLDERS if not (data / name).is_dir()]
    if missing:
        raise CorpusError(f"data must hold the folders {', '.join(FOLDERS)}; {data} lacks {', '.join(missing)}")
    flores = [group for group in read_flores(data / "flores200") if group.row not in held_out]
    known = {language for group in flores for language in group.texts} | set(EMBEDDED_LANGUAGES)
    groups = [
        *flores,
        *read_tatoeba(data / "tatoeba", known),
        *read_xquad(data / "xquad"),
        *read_nusax(data / "nusax"),
        *read_instructions(data / "instructions"),
    ]
    result = clean_groups(groups, forbidden_keys(data, corpus))
    logger.info("%d groups; sentences %s; excluded %s", len(result.groups), result.n_sentences, result.n_excluded)
    return result
