"""The map phases of a pool or a target: cut, read, embed, score, tag; what is there already is not made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from xalign.errors import CorpusError, SettingError
from xalign.selecting.compact import MappedShard
from xalign.selecting.embedding import embed_shard, embed_task, load_embedder
from xalign.selecting.engines import Engine, run_phase
from xalign.selecting.fields import IDS, guess_field, guess_language_field, guess_text_field
from xalign.selecting.formats import Record
from xalign.selecting.places import PoolFiles
from xalign.selecting.reading import ReadTask, language_of_name, read_shard
from xalign.selecting.scorers import ScorerSpec
from xalign.selecting.scoring import ScoreTask, TagTask, score_shard, tag_shard
from xalign.selecting.settings import FILE, NONE, ModelSettings, ReadingSettings
from xalign.selecting.shards import Shard, cut_file, cut_tasks
from xalign.selecting.sidecars import Sidecars


@dataclass(frozen=True)
class Asked:
    """What is asked about the fields of a pool; None for what its first row tells."""

    text_field: str | None = None
    language_field: str | None = None
    id_field: str | None = None
    part: str = "all"
    detect: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapPlan:
    """What every shard is mapped to.

    Attributes:
        model: The vectors.
        scorer: The score; None for none.
        tags: The field of labels; None for none.
        tag_list: The labels there may be; none for any.
        category: The field of categories; None for none.
        shard_rows: Records of a shard.
        sidecars: Where all is kept.
        progress: Show bars.
    """

    model: ModelSettings
    sidecars: Sidecars
    scorer: ScorerSpec | None = None
    tags: str | None = None
    tag_list: tuple[str, ...] = ()
    category: str | None = None
    shard_rows: int = 8192
    progress: bool = True

    def __post_init__(self) -> None:
        if self.shard_rows < 1:
            raise SettingError(f"shard_rows must be 1 or more, got {self.shard_rows}")

    def vectors_only(self) -> MapPlan:
        """The plan for a target, which is neither scored nor labelled."""
        return replace(self, scorer=None, tags=None, tag_list=(), category=None)


def resolve_reading(files: PoolFiles, asked: Asked) -> ReadingSettings:
    """Settle how rows are read by the first that can be.

    Args:
        files: Of the pool.
        asked: What is asked for.

    Returns:
        Names of fields. Languages come from a field called so, or from the names of the files where these are several
        and name several languages.

    Raises:
        CorpusError: If no row can be read, or no field is called like one of text.
    """
    path, record = _first_record(files)
    where = f"{path}, {files.format.unit} {record.line}"
    text = asked.text_field or guess_text_field(record.fields, where)
    language = asked.language_field or guess_language_field(record.fields) or _from_names(files)
    return ReadingSettings(
        text, language, asked.id_field or guess_field(record.fields, IDS) or NONE, asked.part, asked.detect
    )


def _first_record(files: PoolFiles) -> tuple[str, Record]:
    first_fault = ""
    for path in files.paths:
        for span in islice(files.format.cut(path, 256), 1):
            for record in islice(files.format.read(path, span, None), 256):
                if not record.fault:
                    return str(path), record
                first_fault = first_fault or f"; {path}, {files.format.unit} {record.line}: {record.fault}"
    raise CorpusError(f"{files.name}: a row was expected, got none that can be read{first_fault}")


def _from_names(files: PoolFiles) -> str:
    found = [language_of_name(path.name) for path in files.paths]
    return FILE if None not in found and len(set(found)) > 1 else NONE


def map_shards(files: PoolFiles, reading: ReadingSettings, plan: MapPlan, engine: Engine) -> list[MappedShard]:
    """Run all phases that are not done.

    Args:
        files: Of the pool.
        reading: How rows are read.
        plan: What they are mapped to.
        engine: Where tasks run.

    Returns:
        The shards in the pool's order, each with its tasks, all done.

    Raises:
        XalignError: If a file cannot be read or a model fails.
    """
    tasks = cut_tasks(files, plan.shard_rows, plan.sidecars)
    shards = [shard for found in engine.map(cut_file, tasks) for shard in found]
    if not shards:
        raise CorpusError(f"{files.name}: rows were expected, got none")
    read = [ReadTask(shard, reading, plan.sidecars) for shard in shards]
    run_phase(engine, read_shard, read, name="reading", progress=plan.progress)
    model_key = load_embedder(plan.model).key
    mapped = [_tasks(task, plan, model_key) for task in read]
    _run(engine, mapped, plan)
    return mapped


def _tasks(read: ReadTask, plan: MapPlan, model_key: str) -> MappedShard:
    return MappedShard(
        reading=read,
        embedding=embed_task(read, plan.model, model_key),
        scoring=None if plan.scorer is None else ScoreTask(read, plan.scorer, plan.model, model_key),
        tagging=None if plan.tags is None else TagTask(read, plan.tags, plan.tag_list),
        category=None if plan.category is None else TagTask(read, plan.category),
    )


def _run(engine: Engine, mapped: Sequence[MappedShard], plan: MapPlan) -> None:
    embed = list({task.key: task for task in (shard.embedding for shard in mapped)}.values())
    run_phase(engine, embed_shard, embed, name="embedding", progress=plan.progress)
    score = [shard.scoring for shard in mapped if shard.scoring is not None]
    run_phase(engine, score_shard, score, name="scoring", progress=plan.progress)
    tag = [task for shard in mapped for task in (shard.tagging, shard.category) if task is not None]
    run_phase(engine, tag_shard, tag, name="labels", progress=plan.progress)


__all__ = ["Asked", "MapPlan", "Shard", "map_shards", "resolve_reading"]
