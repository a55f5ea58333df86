"""A set of bitexts: many languages, each with its own side of one pivot language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from xalign.corpora.notes import describe_corpus, notes_of
from xalign.corpora.parallel import Pair, ParallelCorpus, fingerprint_of
from xalign.corpora.selecting import only_pivot, pick_languages, pivot_among
from xalign.errors import CorpusError


@dataclass(frozen=True)
class BitextCorpus:
    """Bitexts with a common pivot; they differ in length and their pivot sides differ in content.

    Attributes:
        name: What the set is called in reports.
        pivot: The language that every bitext shares.
        bitexts: By the other language's code, the corpus of that language and the pivot.
        resolution: How each name in the source became a code.
        load_arguments: What `load_corpus` was asked for (`languages`, `limit`, `split`, `normalise`, `pivot`), as JSON
            can hold it; empty if built by hand. Neither equality nor the fingerprint counts it.

    Raises:
        CorpusError: If there is no bitext, or one does not consist of its language and the pivot.
    """

    name: str
    pivot: str
    bitexts: Mapping[str, ParallelCorpus]
    resolution: Mapping[str, str] = field(default_factory=dict)
    load_arguments: Mapping[str, object] = field(default_factory=dict, compare=False)

    is_multiparallel = False

    def __post_init__(self) -> None:
        """Refuse what is no set of bitexts with this pivot."""
        if not self.bitexts:
            raise CorpusError(f"{self.name}: bitexts must hold at least one language, got none")
        for language, bitext in self.bitexts.items():
            if set(bitext.languages) != {language, self.pivot} or language == self.pivot:
                raise CorpusError(
                    f"{self.name}: bitext {language} must be in {language} and {self.pivot}, got {bitext.languages}"
                )

    @property
    def languages(self) -> tuple[str, ...]:
        """The pivot, then the other languages."""
        return (self.pivot, *self.bitexts)

    @property
    def n(self) -> int:
        """The number of sentence pairs in all bitexts together."""
        return sum(bitext.n for bitext in self.bitexts.values())

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the content; name, folder and order of languages do not count."""
        parts = [f"{language} {self.bitexts[language].fingerprint}" for language in sorted(self.bitexts)]
        return fingerprint_of([f"pivot {self.pivot}", *parts])

    def pairs(self, pivot: str | None = "eng_Latn") -> Iterator[Pair]:
        """Iterate over the bitexts, the pivot as target.

        Args:
            pivot: The set's own pivot, in any spelling, or None: either way each bitext comes once.

        Raises:
            CorpusError: If another pivot is asked for; languages of a bitext set meet only through theirs.
        """
        if pivot is not None:
            pivot_among(pivot, (self.pivot,), f"{self.name} (bitexts with {self.pivot})")
        return (
            Pair(language, self.pivot, bitext.sentences[language], bitext.sentences[self.pivot])
            for language, bitext in self.bitexts.items()
        )

    def select(self, languages: str | Sequence[str]) -> "BitextCorpus":
        """Keep these languages (or the one), in this order, in any spelling; the pivot always stays.

        Raises:
            CorpusError: If none but the pivot is named.
            UnknownNameError: If one is not in the set; the message names the nearest.
        """
        codes = pick_languages(languages, self.languages, self.resolution, self.name)
        kept = {code: self.bitexts[code] for code in codes if code != self.pivot}
        if not kept:
            raise only_pivot(self.pivot, self.name)
        resolution = {source: code for source, code in self.resolution.items() if code in (self.pivot, *kept)}
        return replace(self, bitexts=kept, resolution=resolution)

    def take(self, limit: int) -> "BitextCorpus":
        """Keep the first `limit` rows of each bitext (all, where there are fewer)."""
        return replace(self, bitexts={language: bitext.take(limit) for language, bitext in self.bitexts.items()})

    def notes(self) -> tuple[str, ...]:
        """Say what a reader of a report should know, of the languages' sides and then of the pivot's."""
        own = {language: bitext.sentences[language] for language, bitext in self.bitexts.items()}
        pivots = {language: bitext.sentences[self.pivot] for language, bitext in self.bitexts.items()}
        beside = notes_of(pivots, check_scripts=False)
        return (*notes_of(own), *(f"{self.pivot} side of the bitexts: {note}" for note in beside))

    def describe(self) -> str:
        """Describe the set in words: languages, rows, how names were resolved, notes."""
        lengths = [bitext.n for bitext in self.bitexts.values()]
        size = f"{len(lengths)} bitexts with {self.pivot}, {min(lengths)} to {max(lengths)} sentence pairs each"
        return describe_corpus(self, size, [])


#: What `load_corpus` returns; both have name, languages, resolution, n, fingerprint, pairs, select, take and describe.
Corpus = ParallelCorpus | BitextCorpus
