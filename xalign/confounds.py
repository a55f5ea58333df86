"""What could explain a score away: one row per language, from the tokenizer and the text alone."""

from collections.abc import Iterator, Sequence

import pandas as pd

from xalign.corpora import Corpus, count_duplicates, language_name, script_of
from xalign.encoders import Activations, Encoder, shared_token_share, tokenization_statistics
from xalign.encoding import EncodedGroup


def measure_confounds(
    encoder: Encoder, corpus: Corpus, groups: Sequence[EncodedGroup[Activations]], pivot: str | None
) -> pd.DataFrame:
    """Describe how each language's text meets the tokenizer.

    Args:
        encoder: Whose tokenizer is meant.
        corpus: The text.
        groups: Its activations, which know what was truncated.
        pivot: The language whose tokens are compared; None where every language is compared with every other.

    Returns:
        A row per language: `tokens_per_sentence` (mean, without special tokens), `fertility` (tokens per
        whitespace-separated word; NaN for scripts written without spaces), `truncated` (sentences cut at the maximum
        length), `unknown_share` (of tokens), `identical_token_share` (mean Jaccard overlap of a sentence's token set
        with its translation's in the pivot; NaN for the pivot itself or without one), `duplicates` (rows whose text
        stands in another row too). In bitexts the pivot's row describes its side of the first pair.
    """
    encoded = {language: found for group in reversed(groups) for language, found in group.activations.items()}
    rows = {}
    for language, sentences, beside in _texts(corpus, pivot):
        if language not in rows:
            rows[language] = _row(encoder, language, sentences, beside, encoded[language])
    return pd.DataFrame([rows[language] for language in corpus.languages])


def _texts(corpus: Corpus, pivot: str | None) -> Iterator[tuple[str, Sequence[str], Sequence[str] | None]]:
    """Each language with its sentences and, beside them, the pivot's."""
    for pair in corpus.pairs(pivot):
        yield pair.source, pair.source_sentences, pair.target_sentences if pivot else None
        yield pair.target, pair.target_sentences, None


def _row(
    encoder: Encoder, language: str, sentences: Sequence[str], beside: Sequence[str] | None, encoded: Activations
) -> dict[str, object]:
    found = tokenization_statistics(encoder, sentences)
    return {
        "language": language,
        "name": language_name(language),
        "script": script_of(language),
        "sentences": len(sentences),
        "tokens_per_sentence": found.tokens_per_sentence,
        "fertility": found.fertility,
        "truncated": encoded.n_truncated,
        "unknown_share": found.unknown_share,
        "identical_token_share": float("nan") if beside is None else shared_token_share(encoder, sentences, beside),
        "duplicates": count_duplicates(sentences),
    }
