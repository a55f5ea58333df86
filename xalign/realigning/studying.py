"""A study: one model, one text, one way of measuring and of training, and the steps from the first to the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from xalign.corpora import Corpus
from xalign.encoders import Encoder, load_encoder
from xalign.errors import CorpusError, SettingError
from xalign.realigning.checkpoints import Run
from xalign.realigning.dividing import Division, divide
from xalign.realigning.folders import AFTER, BEFORE, RECORD
from xalign.realigning.languages import Asked, LanguageGroups, group_languages, require_pivot
from xalign.realigning.measuring import Measured, Measuring
from xalign.realigning.picking import Pick, pick_languages
from xalign.realigning.places import TrainingOutcome, require_free, require_free_for_choice, work_folder
from xalign.realigning.planning import make_plan
from xalign.realigning.preparing import WordPairs, name_links
from xalign.realigning.recording import Found, put_together
from xalign.realigning.results import Realignment
from xalign.realigning.settings import RealignmentSettings
from xalign.realigning.topics import TopicTask, find_task
from xalign.realigning.trainer import training_arguments
from xalign.realigning.training import train


@dataclass(frozen=True, eq=False)
class Study:
    """All that is fixed before the first forward pass; `prepare` checks it.

    Attributes:
        encoder: The starting model.
        rows: The text, divided.
        measuring: How both models are measured.
        settings: How the model is trained.
        folder: Where the realigned model goes.
        resume: Whether to go on where a former run stopped.
    """

    encoder: Encoder
    rows: Division
    measuring: Measuring
    settings: RealignmentSettings
    folder: Path
    resume: bool

    @property
    def layer(self) -> int:
        """The headline's: the highest that is aligned."""
        return self.settings.layer_numbers(self.encoder.n_layers)[-1]

    def run(self, asked: Asked, *, word_pairs: WordPairs | None = None) -> Realignment:
        """Choose if asked to, measure, train, measure again, compare, and write it all down."""
        started = time.perf_counter()
        groups, pick = self._group(asked)
        task = self._find_task()
        word_pairs = _for_one_language(word_pairs, groups.chosen)
        self._require_free(groups, word_pairs)
        (self.folder / RECORD).unlink(missing_ok=True)
        before = self._measure(self.encoder, BEFORE, task)
        if pick is not None:
            pick.save(self.folder)
        outcome = self._train(groups, word_pairs)
        after = self._measure(self._load_realigned(), AFTER, task)
        links = name_links(word_pairs, settings=self.settings)
        seconds = {"training": outcome.seconds, "total": time.perf_counter() - started}
        result = put_together(self, Found(groups, pick, before, after, outcome, links, task, seconds))
        result.save()
        return result

    def _group(self, asked: Asked) -> tuple[LanguageGroups, Pick | None]:
        """Group the languages; some are chosen here first, on sentences that train, if that is asked for."""
        pivot, text = self.measuring.pivot, self.rows.corpus
        groups = group_languages(asked.wanted, text, pivot=pivot, unseen=asked.unseen)
        if asked.choose is None:
            return groups, None
        self._require_free_for_choice(groups, asked.choose)
        pick = pick_languages(self.encoder, self.rows.train, groups, asked.choose, self.measuring)
        return group_languages(pick.wanted, text, pivot=pivot, unseen=asked.unseen), pick

    def _find_task(self) -> TopicTask | str:
        """The task that topics make, or why there is none."""
        try:
            return find_task(self.rows, pivot=self.measuring.pivot, seed=self.measuring.seed)
        except CorpusError as error:
            return str(error)

    def _measure(self, encoder: Encoder, side: str, task: TopicTask | str) -> Measured:
        """Probe a model and score its topics; the report is written at once, so that a later run can keep it."""
        place, text = self.folder / side, self.rows.test
        report = self.measuring.kept_report(encoder, text, place) if self.resume else None
        if report is None:
            report = self.measuring.report(encoder, text)
            report.save(place)
        return Measured(encoder, report, None if isinstance(task, str) else self.measuring.topics(encoder, task))

    def _require_free_for_choice(self, pool: LanguageGroups, k: int) -> None:
        """Refuse the same before languages are chosen, as far as it can be known."""
        require_free_for_choice(self.folder, self._plan_run(pool, None), k, resume=self.resume)

    def _require_free(self, groups: LanguageGroups, word_pairs: WordPairs | None) -> None:
        """Refuse, before any work, data that do not fit the settings, and a folder that holds another result."""
        require_free(self.folder, self._plan_run(groups, word_pairs), resume=self.resume)

    def _plan_run(self, groups: LanguageGroups, word_pairs: WordPairs | None) -> Run:
        """What decides the result of a training."""
        plan = make_plan(
            self.encoder,
            self.rows.train,
            groups.chosen,
            self.settings,
            pivot=groups.pivot,
            held_out=self.rows.dev,
        )
        arguments = training_arguments(self.settings, work_folder(self.folder), device=str(self.encoder.device))
        return plan.run(word_pairs, n_processes=arguments.world_size)

    def _train(self, groups: LanguageGroups, word_pairs: WordPairs | None) -> TrainingOutcome:
        """Train on the rows to train on, watching those to watch."""
        return train(
            self.encoder,
            self.rows.train,
            groups.chosen,
            self.folder,
            self.settings,
            pivot=groups.pivot,
            word_pairs=word_pairs,
            held_out=self.rows.dev,
            resume=self.resume,
            progress=self.measuring.progress,
        )

    def _load_realigned(self) -> Encoder:
        """Load what was written as the starting model was loaded."""
        how = self.encoder.load_arguments | {"revision": None, "max_length": self.encoder.max_length}
        return load_encoder(self.folder, **how)


def _for_one_language(word_pairs: WordPairs | None, languages: tuple[str, ...]) -> WordPairs | None:
    """A dictionary's file is that of the one language there is; all else is left as it is."""
    if not isinstance(word_pairs, str | Path) or not Path(word_pairs).is_file():
        return word_pairs
    if len(languages) > 1:
        raise SettingError(
            f"the dictionary {word_pairs} is of one language, but there are {len(languages)} to realign on; give a "
            "folder with a file <language>.tsv for each"
        )
    return {languages[0]: word_pairs}


def prepare(
    encoder: Encoder, text: Corpus, measuring: Measuring, settings: RealignmentSettings, *, folder: Path, resume: bool
) -> Study:
    """Check all that can be checked before the first forward pass.

    Raises:
        CorpusError: If the corpus lacks the pivot, another language, or sentences.
        SettingError: If the folder is the starting model's own.
        UnknownNameError: If the model lacks a layer that is to be aligned.
    """
    require_pivot(text, measuring.pivot)
    if folder.resolve() == encoder.source.folder.resolve():
        raise SettingError(
            f"out must be another folder than the starting model's, got {folder}; that one is left as it is"
        )
    settings.layer_numbers(encoder.n_layers)
    rows = divide(text, pivot=measuring.pivot, seed=measuring.seed)
    return Study(encoder, rows, measuring, settings, folder, resume)
