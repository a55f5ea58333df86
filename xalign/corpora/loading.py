"""One function reads parallel text of any format."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xalign.corpora.assembling import Wishes, assemble
from xalign.corpora.bitexts import Corpus
from xalign.corpora.parallel import ParallelCorpus
from xalign.corpora.places import find_place, no_such_place
from xalign.corpora.readers import read_place
from xalign.corpora.readers.datasets_library import is_hub_name, reads_hub
from xalign.corpora.selecting import language_list, pick_split
from xalign.corpora.sources import Found
from xalign.errors import UnknownNameError
from xalign.names import nearest

logger = logging.getLogger(__name__)

FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def load_corpus(  # noqa: PLR0913 (one door to every corpus)
    name_or_path: str | Path | None = None,
    *,
    languages: str | Sequence[str] | None = None,
    limit: int | None = None,
    split: str | None = None,
    normalise: str | None = None,
    pivot: str | None = "eng_Latn",
    progress: bool = True,
) -> Corpus:
    """Load aligned sentences in several languages, or a set of bitexts with a common pivot.

    The format is found by looking; `xalign.corpora.readers` lists the formats.

    Args:
        name_or_path: A file, a folder, the common beginning of Moses files; `"folder#paragraphs"` for XQuAD's
            paragraphs instead of questions; `"owner/name"` or `"owner/name#configuration"` on the hub; `"xalign-100"`
            or None for the embedded corpus.
        languages: The languages to keep, in this order, in any spelling; a single string is one language, None all.
            Where every language (or pair) has its own files, only these are read. Bitexts keep their pivot.
        limit: Keep the first rows (of each bitext), at least 4.
        split: Keep the rows of this split.
        normalise: A Unicode form for all texts, such as `"NFC"`; None leaves them as they are.
        pivot: The common side of bitexts; other corpora have no use for it. None finds it: the one language that all
            bitexts have in common; of a single bitext English, or its second language.
        progress: Show a bar on stderr when reading takes more than a second.

    Returns:
        A `BitextCorpus` for Moses pairs and tables of pairs, a `ParallelCorpus` for everything else.

    Raises:
        CorpusError: If the corpus is not there, cannot be read, or is not parallel; the message names file and line.
        UnknownNameError: If a language, the split or the form does not exist; the message names the nearest.
    """
    if normalise is not None and normalise not in FORMS:
        known = ", ".join(FORMS)
        raise UnknownNameError(
            f"normalise must be None or one of {known}, got {normalise!r}{nearest(normalise, FORMS)}"
        )
    wanted = None if languages is None else language_list(languages)
    asked = {"languages": wanted, "limit": limit, "split": split, "normalise": normalise, "pivot": pivot}
    name, found = _find(name_or_path)
    corpus = replace(assemble(found, name, Wishes(wanted, pivot, normalise, progress)), load_arguments=asked)
    corpus = _in_split(corpus, split) if split is not None else corpus
    corpus = corpus.take(limit) if limit is not None else corpus
    _log(corpus)
    return corpus


def _find(name_or_path: str | Path | None) -> tuple[str, Found]:
    place = find_place(name_or_path)
    if place is not None:
        return place.name, read_place(place)
    name = str(name_or_path)
    if is_hub_name(name) and not Path(name).parent.is_dir():
        return name, reads_hub(name)
    raise no_such_place(name)


def _in_split(corpus: Corpus, split: str) -> ParallelCorpus:
    splits = corpus.splits if isinstance(corpus, ParallelCorpus) else None
    pick_split(split, splits, corpus.name)
    return corpus.in_split(split)  # type: ignore[union-attr]


def _log(corpus: Corpus) -> None:
    changed = [f"{source} -> {code}" for source, code in corpus.resolution.items() if source != code]
    if changed:
        logger.info("%s: languages resolved: %s", corpus.name, ", ".join(changed))
    for note in corpus.notes():
        logger.log(logging.WARNING if "NFC" in note else logging.INFO, "%s: %s", corpus.name, note)
