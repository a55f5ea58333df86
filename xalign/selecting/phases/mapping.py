"""The map phases of a pool or a target: cut, read, embed, score, tag; what is there already is not made again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from tqdm import tqdm

from xalign.errors import CorpusError, SettingError
from xalign.names import nearest
from xalign.selecting.models.embedders import load_embedder
from xalign.selecting.phases.embedding import embed_shard, embed_task
from xalign.selecting.phases.engines import Engine, run_phase
from xalign.selecting.phases.mapped import MappedShard
from xalign.selecting.phases.routing import Router, RouteTask, route_shard
from xalign.selecting.phases.scoring import ScoreTask, score_shard, score_tasks
from xalign.selecting.phases.tagging import TagTask, find_categories, tag_shard
from xalign.selecting.phases.translating import TranslateTask, translate_shard
from xalign.selecting.pools.fields import (
    IDS,
    guess_field,
    guess_language_field,
    guess_text_field,
    has_field,
    split_fields,
)
from xalign.selecting.pools.formats import Record
from xalign.selecting.pools.places import PoolFiles
from xalign.selecting.pools.reading import ReadTask, language_of_name, read_shard
from xalign.selecting.pools.shards import Shard, cut_file, cut_tasks
from xalign.selecting.pools.sidecars import ROWS, Sidecars
from xalign.selecting.scores.category_scorers import CategoryScorers
from xalign.selecting.scores.scorers import ScorerSpec
from xalign.selecting.settings import DETECT, FILE, NONE, ModelSettings, ReadingSettings

FIRST_ROWS, FIRST_FILES = 256, 16
"""What is looked at before any work, of a file and of a pool."""
NO_FIELDS = (FILE, DETECT, NONE)


@dataclass(frozen=True)
class Asked:
    """What is asked about the fields of a pool; None for what its first row tells.

    Attributes:
        detect: Languages that the detector may choose from; naming some asks for it where no language field is asked
            for and, of a target, where its rows do not say theirs.
        prefix: Before the names of these arguments: "target_" of a target.
        others: Names of fields that are read besides, by argument.
        rare: Arguments whose fields some rows need not have, as of scorers of some categories.

    Raises:
        SettingError: If languages to detect are named beside a field that says the language.
    """

    text_field: str | None = None
    language_field: str | None = None
    id_field: str | None = None
    part: str = "all"
    detect: tuple[str, ...] = ()
    prefix: str = ""
    others: Mapping[str, str] = field(default_factory=dict)
    rare: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.detect and not self.prefix and self.language_field not in (None, DETECT):
            raise SettingError(
                f"detect must come without a language field, or with {DETECT}, got {self.language_field!r}; leave one "
                "of --detect (detect) and --language-field (language_field) out"
            )

    @property
    def named(self) -> dict[str, list[str]]:
        """By argument, the fields that it names; one of a text's fields is enough."""
        given = {"text_field": self.text_field, "language_field": self.language_field, "id_field": self.id_field}
        named = {self.prefix + name: [value] for name, value in given.items() if value not in (None, *NO_FIELDS)}
        if self.text_field is not None:
            named[f"{self.prefix}text_field"] = split_fields(self.text_field)
        return named | {name: [value] for name, value in self.others.items()}


@dataclass(frozen=True)
class MapPlan:
    """What every shard is mapped to.

    Attributes:
        model: The vectors.
        scorers: The score; None for none.
        difficulty: The score of how hard a row is; None for none.
        tags: The field of labels; None for none.
        tag_list: The labels there may be; none for any.
        category: The field of categories, or what finds them; None for none.
        translation: The field of rows' translations; None for none.
        shard_rows: Records of a shard.
        sidecars: Where all is kept.
        progress: Show bars.
        there: By phase, the shards and rows of the pool whose sidecars were there before; filled as phases run, None
            where nobody asks.
    """

    model: ModelSettings
    sidecars: Sidecars
    scorers: CategoryScorers | None = None
    difficulty: ScorerSpec | None = None
    tags: str | None = None
    tag_list: tuple[str, ...] = ()
    category: str | Router | None = None
    translation: str | None = None
    shard_rows: int = 8192
    progress: bool = True
    there: dict[str, dict[str, int]] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shard_rows < 1:
            raise SettingError(f"shard_rows must be 1 or more, got {self.shard_rows}")

    def vectors_only(self) -> MapPlan:
        """The plan for a target, which is neither scored nor labelled."""
        return replace(
            self, scorers=None, difficulty=None, tags=None, tag_list=(), category=None, translation=None, there=None
        )


def resolve_reading(files: PoolFiles, asked: Asked) -> ReadingSettings:
    """Settle how rows are read by the first that can be.

    Args:
        files: Of the pool.
        asked: What is asked for.

    Returns:
        Names of fields. Languages come from the detector where some are named that it may choose from, else from a
        field called so, or from the names of the files where these are several and name several languages.

    Raises:
        CorpusError: If no row can be read, or no field is called like one of text.
        SettingError: If a field that is asked for is in none of the first rows.
    """
    path, record = next(first_records(files))
    where = f"{path}, {files.format.unit} {record.line}"
    require_fields(files, asked)
    text = asked.text_field or guess_text_field(record.fields, where)
    language = asked.language_field or _language_source(files, record, asked)
    return ReadingSettings(
        text, language, asked.id_field or guess_field(record.fields, IDS) or NONE, asked.part, asked.detect
    )


def _language_source(files: PoolFiles, record: Record, asked: Asked) -> str:
    """Where languages come from when nobody says; a target's own word goes before the detector's."""
    told = guess_language_field(record.fields) or _from_names(files)
    return DETECT if asked.detect and (told == NONE or not asked.prefix) else told


def first_records(files: PoolFiles) -> Iterator[tuple[str, Record]]:
    """The first rows that can be read of every file, those of the first file first."""
    first_fault, n = "", 0
    for path in files.paths:
        for span in islice(files.format.cut(path, FIRST_ROWS), 1):
            for record in islice(files.format.read(path, span, None), FIRST_ROWS):
                if not record.fault:
                    n += 1
                    yield str(path), record
                first_fault = first_fault or (
                    f"; {path}, {files.format.unit} {record.line}: {record.fault}" if record.fault else ""
                )
    if not n:
        raise CorpusError(f"{files.name}: a row was expected, got none that can be read{first_fault}")


def require_fields(files: PoolFiles, asked: Asked) -> None:
    """Refuse names of fields that none of the first rows of the first files has: the name is wrong, not the rows.

    Of fields that some rows need not have, all rows are looked at until one has it.

    Raises:
        SettingError: If there is such a name.
    """
    known: dict[str, None] = {}
    first = (record for _, record in islice(first_records(files), FIRST_ROWS * FIRST_FILES))
    wanted = _not_in(first, {option: names for option, names in asked.named.items() if names}, known)
    if wanted and set(wanted) <= asked.rare:
        wanted = _not_in(_all_records(files), wanted, known)
    for option, (name, *_) in wanted.items():
        raise SettingError(
            f"--{option.replace('_', '-')} ({option}) must name a field of {files.name}, got {name!r}"
            f"{nearest(name, known)}; rows have {', '.join(list(known)[:12])}{', ...' if len(known) > 12 else ''}"
        )


def _not_in(records: Iterable[Record], wanted: dict[str, list[str]], known: dict[str, None]) -> dict[str, list[str]]:
    """Which options name fields that none of some records has; `known` gathers those they have."""
    for record in records:
        known |= dict.fromkeys(map(str, record.fields))
        wanted = {
            option: names
            for option, names in wanted.items()
            if not any(has_field(record.fields, name) for name in names)
        }
        if not wanted:
            break
    return wanted


def _all_records(files: PoolFiles) -> Iterator[Record]:
    for path in files.paths:
        for span in files.format.cut(path, 1 << 16):
            yield from files.format.read(path, span, None)


def _from_names(files: PoolFiles) -> str:
    found = [language_of_name(path.name) for path in files.paths]
    return FILE if None not in found and len(set(found)) > 1 else NONE


def read_shards(files: PoolFiles, reading: ReadingSettings, plan: MapPlan, engine: Engine) -> list[ReadTask]:
    """Cut and read what is not read yet: minutes, before the hours that models may take.

    Args:
        files: Of the pool.
        reading: How rows are read.
        plan: Of what follows.
        engine: Where tasks run.

    Returns:
        A task for each shard in the pool's order, all done.

    Raises:
        CorpusError: If a file cannot be read, or none has rows.
    """
    tasks = cut_tasks(files, plan.shard_rows, plan.sidecars)
    shards = [shard for found in engine.map(cut_file, tasks) for shard in found]
    if not shards:
        raise CorpusError(f"{files.name}: rows were expected, got none")
    read = [ReadTask(shard, reading, plan.sidecars) for shard in shards]
    _phase(engine, read_shard, read, plan, "reading")
    return read


def map_shards(read: Sequence[ReadTask], plan: MapPlan, engine: Engine) -> list[MappedShard]:
    """Run all further phases that are not done.

    Args:
        read: The shards, read.
        plan: What they are mapped to.
        engine: Where tasks run.

    Returns:
        The shards with their tasks, all done.

    Raises:
        XalignError: If a model fails.
    """
    model_key = load_embedder(plan.model).key
    mapped = [_tasks(task, plan, model_key) for task in read]
    label = [task for shard in mapped for task in (shard.tagging, shard.category) if task is not None]
    _phase(engine, label_shard, label, plan, "labels")
    _require_scorers(mapped, plan)
    embed = list({task.key: task for task in (shard.embedding for shard in mapped)}.values())
    _phase(engine, embed_shard, embed, plan, "embedding")
    translate = [shard.translation for shard in mapped if shard.translation is not None]
    _phase(engine, translate_shard, translate, plan, "translations")
    score = [task for shard in mapped for task in (*shard.scoring, shard.difficulty) if task is not None]
    _phase(engine, score_shard, score, plan, "scoring")
    return mapped


def _tasks(read: ReadTask, plan: MapPlan, model_key: str) -> MappedShard:
    category = _category_task(read, plan, model_key)
    return MappedShard(
        reading=read,
        embedding=embed_task(read, plan.model, model_key),
        scoring=() if plan.scorers is None else score_tasks(plan.scorers, read, plan.model, model_key, category),
        difficulty=None if plan.difficulty is None else ScoreTask(read, plan.difficulty, plan.model, model_key),
        tagging=None if plan.tags is None else TagTask(read, plan.tags, plan.tag_list),
        category=category,
        translation=None if plan.translation is None else TranslateTask(read, plan.translation, plan.model, model_key),
    )


def _category_task(read: ReadTask, plan: MapPlan, model_key: str) -> TagTask | RouteTask | None:
    if isinstance(plan.category, Router):
        return RouteTask(read, plan.category, plan.model, model_key)
    return None if plan.category is None else TagTask(read, plan.category)


def label_shard(task: TagTask | RouteTask) -> int:
    """Write the labels, or the categories, of one shard."""
    return route_shard(task) if isinstance(task, RouteTask) else tag_shard(task)


def _require_scorers(mapped: Sequence[MappedShard], plan: MapPlan) -> None:
    """Refuse scorers that do not fit the categories that usable rows have, before models embed and score."""
    if plan.scorers is None or plan.scorers.is_one:
        return
    found = {name for shard in mapped if shard.category is not None for name in find_categories(shard.category)}
    known = (plan.category.names(plan.model.device) or ()) if isinstance(plan.category, Router) else ()
    plan.scorers.require(sorted(found), sorted({*found, *known}))


def _phase(engine: Engine, function: Callable[[Any], int], tasks: Sequence[Any], plan: MapPlan, name: str) -> None:
    """Run a phase; what an earlier run left of it is written down and, with bars, said."""
    done = list(
        {read.key: read for read in (getattr(task, "reading", task) for task in tasks if task.is_done)}.values()
    )
    if done and plan.there is not None:
        n = sum(int(read.sidecars.facts(ROWS, read.key)["n"]) for read in done)
        plan.there[name] = {"shards": len(done), "rows": n}
        if plan.progress:
            tqdm.write(f"{name}: {n:,} rows, {len(done)} of {len(tasks)} shards, are there already", file=sys.stderr)
    run_phase(engine, function, tasks, name=name, progress=plan.progress)


__all__ = [
    "Asked", "MapPlan", "Shard", "first_records", "map_shards", "read_shards", "require_fields", "resolve_reading",
]  # fmt: skip
