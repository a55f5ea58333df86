"""Questions in one language, their paragraphs in another (XQuAD), or in one pool of all languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from probes.transforms import TRANSFORMS
from xalign.benchmarking.settings import BenchmarkSettings
from xalign.benchmarking.splitting import Part, Plan, SplitWishes, make_plan
from xalign.benchmarking.vectors import PASSAGE, QUERY, Text, Vectors
from xalign.corpora import ParallelCorpus, fingerprint_of, load_corpus
from xalign.errors import CorpusError, SettingError

if TYPE_CHECKING:
    from xalign.benchmarking.material import Trial


@dataclass(frozen=True, eq=False)
class QuestionMaterial:
    """Questions and paragraphs in several languages.

    Attributes:
        questions: Row i is the same question in every language.
        paragraphs: Row j is the same paragraph in every language.
        answers: The paragraph of each question.
        plan: How the paragraphs are divided; a question goes with its paragraph.
        pairs: Which languages of questions and of paragraphs meet.
        pivot: The language that is part of every pair, or None.
        pool: Whether the paragraphs of all languages stand in one pool.
    """

    questions: ParallelCorpus
    paragraphs: ParallelCorpus
    answers: Int[np.ndarray, " q"]
    plan: Plan
    pairs: tuple[tuple[str, str], ...]
    pivot: str | None
    pool: bool

    @property
    def name(self) -> str:
        """What the corpus is called."""
        return self.questions.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes."""
        return self.questions.languages

    @property
    def n(self) -> int:
        """How many questions a language has."""
        return self.questions.n

    @property
    def fingerprint(self) -> str:
        """A hash of both texts and of which goes with which."""
        texts = [self.questions.fingerprint, self.paragraphs.fingerprint]
        return fingerprint_of([*texts, " ".join(map(str, self.answers))])

    @property
    def resolution(self) -> Mapping[str, str]:
        """How names in the source became codes."""
        return self.questions.resolution

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The one plan."""
        return (self.plan,)

    def notes(self) -> tuple[str, ...]:
        """What the readers of both texts noticed."""
        both = (("questions", self.questions), ("paragraphs", self.paragraphs))
        return tuple(f"{what}: {note}" for what, corpus in both for note in corpus.notes())

    def smallest(self) -> tuple[str, int]:
        """The smallest set of paragraphs that is scored."""
        rounds = [each for each in (self.plan.choosing, self.plan.reporting) if each is not None]
        part = min((each.score for each in rounds), key=lambda part: part.n)
        return f"the paragraphs of {self.name} ({part.name})", part.n

    def texts(self) -> list[Text]:
        """Questions and paragraphs of each language."""
        both = ((QUERY, self.questions), (PASSAGE, self.paragraphs))
        return [
            Text((role, language, None), f"{language} {role}", role, corpus.sentences[language])
            for language in self.languages
            for role, corpus in both
        ]

    def asked(self, part: Part) -> tuple[Part, Int[np.ndarray, " q"]]:
        """Return the questions of a part of the paragraphs, and each one's paragraph, counted within the part."""
        paragraphs = np.arange(self.paragraphs.n) if part.rows is None else part.rows
        rows = np.flatnonzero(np.isin(self.answers, paragraphs))
        return Part(part.name, part.unit, rows, rows.size), np.searchsorted(paragraphs, self.answers[rows])

    def trial(self, vectors: Vectors, settings: BenchmarkSettings) -> Trial:
        """Return the trial of these vectors."""
        from xalign.benchmarking.pooled import PoolTrial
        from xalign.benchmarking.question_trial import QuestionTrial

        return PoolTrial(self, vectors, settings) if self.pool else QuestionTrial(self, vectors, settings)


def load_questions(folder: Path, settings: BenchmarkSettings, *, pool: bool, progress: bool) -> QuestionMaterial:
    """Read SQuAD-format files of several languages.

    Args:
        folder: Where the files are.
        settings: Languages, pivot, layer, transform, splits.
        pool: Whether the paragraphs of all languages stand in one pool.
        progress: Show a bar when reading takes more than a second.

    Raises:
        CorpusError: If the files cannot be read, or questions and paragraphs do not belong together.
        SettingError: If a pool is asked with a score that it does not have.
    """
    if pool and settings.score != "cosine":
        raise SettingError(f"score must be cosine where all languages stand in one pool, got {settings.score!r}")
    if pool and settings.fits and TRANSFORMS[settings.transform].needs_pivot and settings.pivot is None:
        raise SettingError(f"pivot must be a language where {settings.transform} carries all to it, got None")
    wanted = None if settings.languages is None else list(dict.fromkeys(_with(settings.pivot, settings.languages)))
    found = [load_corpus(place, languages=wanted, progress=progress) for place in (folder, f"{folder}#paragraphs")]
    questions, paragraphs = (_parallel(corpus) for corpus in found)
    answers = _paragraph_of(questions, paragraphs)
    wishes = SplitWishes(settings.chooses, settings.fits, settings.split, settings.select, settings.seed)
    plan = make_plan(None, np.arange(paragraphs.n), wishes, name=paragraphs.name)
    pairs, pivot = _pairs(questions.languages, settings.pivot), None if pool else settings.pivot
    return QuestionMaterial(questions, paragraphs, answers, plan, pairs, pivot, pool)


def _with(pivot: str | None, languages: tuple[str, ...]) -> list[str]:
    return [*([pivot] if pivot else []), *languages]


def _parallel(corpus: object) -> ParallelCorpus:
    if not isinstance(corpus, ParallelCorpus):
        raise CorpusError("questions must be in files that share their ids (xquad.de.json), got bitexts")
    return corpus


def _pairs(languages: tuple[str, ...], pivot: str | None) -> tuple[tuple[str, str], ...]:
    """Every language with every language, itself included; with a pivot those that it is part of."""
    pairs = product(languages, languages)
    return tuple(pair for pair in pairs if pivot is None or pivot in pair)


def _paragraph_of(questions: ParallelCorpus, paragraphs: ParallelCorpus) -> Int[np.ndarray, " q"]:
    """The paragraph of each question: paragraphs are called by their first question, and questions stand in order."""
    if questions.ids is None or paragraphs.ids is None:
        raise CorpusError(f"{questions.name}: questions with ids were expected, as in SQuAD's format")
    first = [key in set(paragraphs.ids) for key in questions.ids]
    starts = [key for key, is_first in zip(questions.ids, first, strict=True) if is_first]
    if starts != list(paragraphs.ids):
        raise CorpusError(f"{questions.name}: questions must stand in the order of their paragraphs")
    return np.cumsum(first) - 1
