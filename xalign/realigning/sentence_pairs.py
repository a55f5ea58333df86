"""Which sentences are brought together: those of each language with their translations in the pivot."""

from collections.abc import Mapping, Sequence

from xalign.corpora.bitexts import Corpus
from xalign.corpora.parallel import Pair
from xalign.corpora.selecting import only_pivot, pick_languages, pivot_among


def sentence_pairs(corpus: Corpus, languages: Sequence[str], *, pivot: str) -> Mapping[str, Pair]:
    """Return the sentence pairs of each language with the pivot.

    Args:
        corpus: Parallel throughout, or bitexts with the pivot.
        languages: Those to train on, in any spelling; the pivot among them is no pair of its own and is passed over.
        pivot: The language that they are aligned with, in any spelling.

    Returns:
        By language code, in the order of `languages`; the pivot is the target of each.

    Raises:
        CorpusError: If the corpus does not have the pivot, or no language is left beside it.
        UnknownNameError: If it does not have a language; the message names the nearest.
    """
    code = pivot_among(pivot, corpus.languages, corpus.name)
    wanted = pick_languages(languages, corpus.languages, corpus.resolution, corpus.name)
    codes = [language for language in wanted if language != code]
    if not codes:
        raise only_pivot(code, corpus.name)
    found = {pair.source: pair for pair in corpus.select([*codes, code]).pairs(code)}
    return {language: found[language] for language in codes}
