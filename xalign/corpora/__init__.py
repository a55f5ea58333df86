"""Parallel text: sentences that say the same in several languages, read from whatever format they come in."""

from xalign.corpora.bitexts import BitextCorpus, Corpus
from xalign.corpora.duplicates import count_duplicates, duplicate_labels
from xalign.corpora.languages import Language, language_name, resolve_language, script_of
from xalign.corpora.loading import load_corpus
from xalign.corpora.parallel import Pair, ParallelCorpus, fingerprint_of

__all__ = [
    "BitextCorpus",
    "Corpus",
    "Language",
    "Pair",
    "ParallelCorpus",
    "count_duplicates",
    "duplicate_labels",
    "fingerprint_of",
    "language_name",
    "load_corpus",
    "resolve_language",
    "script_of",
]
