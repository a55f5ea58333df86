"""The selection of data: map every shard, reduce, choose, judge, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xalign.selecting.arguments import (
    base_of,
    fields_of,
    load_report,
    names_of,
    rare_fields_of,
    read_tag_list,
    recorded,
    reliability_of,
    require_category_use,
    require_methods,
)
from xalign.selecting.material.quota_words import Quotas
from xalign.selecting.models.embedders import model_settings
from xalign.selecting.phases.engines import running_engine
from xalign.selecting.phases.mapping import Asked, MapPlan
from xalign.selecting.phases.routing import parse_category
from xalign.selecting.pools.fields import NONE
from xalign.selecting.pools.places import Source
from xalign.selecting.pools.sidecars import Sidecars, default_folder
from xalign.selecting.results.describing import Told
from xalign.selecting.results.selection import DataSelection
from xalign.selecting.results.writing import require_empty
from xalign.selecting.scores.category_scorers import Quality, parse_quality, quality_words
from xalign.selecting.scores.scorers import parse_scorer
from xalign.selecting.selection_run import Clock, SelectionRun, Wish
from xalign.selecting.settings import SHARD_ROWS, ChoiceSettings

if TYPE_CHECKING:
    from xalign.encoders import Encoder
    from xalign.report import ProbeReport


def select_data(  # noqa: PLR0913 - the arguments are the public interface
    pool: Source,
    target: Source | None = None,
    budget: int | float = 0.1,
    *,
    method: str = "transport",
    compare: str | Sequence[str] = (),
    model: Encoder | str | Path | None = None,
    layer: int | None = None,
    pooling: str = "mean",
    precision: str = "float32",
    device: str = "auto",
    align: bool = True,
    text_field: str | None = None,
    language_field: str | None = None,
    id_field: str | None = None,
    part: str = "all",
    detect: Sequence[str] = (),
    target_text_field: str | None = None,
    target_language_field: str | None = None,
    quality: Quality | None = None,
    difficulty: str | None = None,
    tags: str | None = None,
    tag_list: str | Path | Sequence[str] | None = None,
    category: str | None = None,
    quotas: Quotas | None = None,
    report: ProbeReport | str | Path | None = None,
    translation: str | None = None,
    pivot: str = "eng_Latn",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    across_languages: bool = False,
    skip_bad: bool = False,
    engine: str = "process",
    workers: int = 1,
    sidecars: str | Path | None = None,
    shard_rows: int = SHARD_ROWS,
    n_draws: int = 30,
    seed: int = 0,
    out: str | Path | None = None,
    progress: bool = True,
) -> DataSelection:
    """Choose a subset of a pool of training examples for a target, and say why and how good it is.

    Every shard of the pool is read, embedded, scored and labelled once; what is found stays in sidecar files under
    content keys, so that a run that was killed goes on, and another method or budget starts where this one ended. The
    choice is made on compact arrays. It is judged beside random draws of as many rows, and where there are quotas, of
    as many in each language; what it is compared with is judged beside draws of its own size.

    Args:
        pool: JSON lines, Parquet, CSV or TSV, lists in JSON, lines of text: a file, a folder, a pattern, several of
            these; a dataset or the folder it was saved to; "xalign-100".
        target: Examples of what is wanted, as for the pool; "lang:swh_Latn,tam_Taml" or "@chosen.json" for the pool's
            own rows in languages that are cared for; None for the pool as a whole.
        budget: Rows to choose; below 1, a share of the pool.
        method: A name of `xalign.selecting.methods.table.METHODS`: transport, tsds, lava, gotd, uot, mig, mdaq, laser,
            round_robin, facility_location, k_centre, deita, semdedup, longest, random.
        compare: Further methods, with commas or as a list, on the same sidecars; those that lack what they need are
            left out with a note.
        model: Whatever `load_encoder` takes, an `Encoder`, or a sentence-transformers folder; None for xalign-mini.
        layer: Whose states are pooled; None for the last, or for a sentence-transformers folder's own pipeline.
        pooling: mean, cls, last or weighted.
        precision: float32, or float16 for sidecars of half the size.
        device: For the model: auto, cpu, cuda ...
        align: Take language means away before rows are compared.
        text_field: One field, "instruction+input>output", or a conversation's field; None to find it by its name.
        language_field: A field, "@file" (names of files), "@detect" (lingua), or "none"; None to find it.
        id_field: A field, or "none"; None for `id` or `uuid` where there is one.
        part: Of a conversation: all, prompt or response.
        detect: Codes that the detector may choose from; none for all it knows. Some imply `language_field="@detect"`.
        target_text_field: Likewise for the target.
        target_language_field: Likewise for the target.
        quality: A scorer of `xalign.selecting.scores.scorers.SCORERS`: column:FIELD, length, -perplexity:MODEL ...; as
            MIG's authors have it, product:annotation.deita.quality_scores,annotation.deita.complexity_scores. By
            category, as LASER has it: {"Math": "least:step_rewards", "general": "quality:FOLDER"}.
        difficulty: A scorer of how hard a row is, by which LASER multiplies its quality.
        tags: The field of labels (MIG), such as annotation.instag.content; None for clusters of vectors. Labels whose
            names are alike to the model are neighbours, unless {"mig": {"graph": False}} is among the options.
        tag_list: The labels there may be: a list, or a file with one a line. A row with another cannot be used; with
            `skip_bad` the label alone is left out.
        category: Where categories (LASER) are: a field; "@route", the nearest of the examples of LASER's seven that
            ship, or of your own ("@route:FILE"); "@classifier:MODEL"; "@function:MODULE.NAME". Behind an @, what most
            of the user's turns ask for decides. None for clusters.
        quotas: By language: "sw=0.6,ta=0.4", counts, "target", "proportional", "equal", "@chosen.json", "reliability",
            "need".
        report: A report of probes, or its folder: languages count as far as they are aligned, in costs, similarities
            and qualities; where rows compete within a language (M-DaQ, quotas), its reliability changes no order there.
        translation: The field of each row's translation, where it has one: for methods that weigh rows (transport, mig,
            mdaq, laser, deita) they count, in costs and qualities, as far as they are nearer to it than to the
            neighbours of both (`measure_margins`).
        pivot: The language that the report's scores are taken against.
        options: Arguments of selectors by method, such as {"transport": {"epsilon": 0.05}}. {"gotd": {"base": ...}}
            says, as a target does, what a model has been trained on.
        across_languages: Allow target languages that the pool lacks.
        skip_bad: Leave out rows that cannot be used, and list them, instead of stopping.
        engine: process, or ray.
        workers: Processes at a time.
        sidecars: Their folder; None for one in the cache.
        shard_rows: Records of a shard, at most; the unit of what a killed run loses.
        n_draws: Random draws that the choice is judged by.
        seed: Of samples, clusters and draws. The same call gives the same choice.
        out: A new or empty folder to save to; None not to save.
        progress: Show bars on stderr.

    Returns:
        The chosen rows with reasons, what judges them, and how they were made.

    Raises:
        CorpusError: If a file cannot be read, or rows cannot be used and `skip_bad` is not set; names file and line.
        SettingError: If a value cannot be used: a budget above the pool, quotas that cannot be met, a target in a
            language that the pool lacks, a folder that is not empty.
        UnknownNameError: If a method, scorer, language or engine does not exist.
        ModelError: If the model cannot be loaded.
    """
    arguments = recorded(locals())
    settings = ChoiceSettings(
        budget, method, names_of(compare), quality_words(quality), tags, category, n_draws, seed, skip_bad,
        across_languages, difficulty,
    )  # fmt: skip
    require_methods(settings, options or {})
    if out is not None:
        require_empty(Path(out))
    embedding = model_settings(model, layer=layer, pooling=pooling, precision=precision, device=device)
    plan = MapPlan(
        model=embedding,
        sidecars=Sidecars(default_folder() if sidecars is None else Path(sidecars)),
        scorers=parse_quality(quality, category=category, device=embedding.device),
        difficulty=None if difficulty is None else parse_scorer(difficulty, what="difficulty", device=embedding.device),
        tags=tags,
        tag_list=read_tag_list(tag_list, tags),
        category=parse_category(category, device=embedding.device),
        translation=translation,
        shard_rows=shard_rows,
        progress=progress,
    )
    require_category_use(settings, plan)
    asked = Asked(
        text_field, language_field, id_field, part, tuple(detect), others=fields_of(plan), rare=rare_fields_of(plan)
    )
    asked_of_target = Asked(target_text_field, target_language_field, NONE, part, tuple(detect), prefix="target_")
    trust = partial(reliability_of, report=load_report(report), pivot=pivot)
    wish = Wish(target, base_of(options or {}), asked_of_target, quotas, trust, align)
    with running_engine(engine, workers) as where:
        run = SelectionRun(settings, plan, where, Clock())
        files, reading, read, counts = run.read_pool(pool, asked)
        run.require(wish, counts)
        material = run.map_all(read, wish)
    told = Told(files, reading, plan, quotas, arguments)
    selection = run.choose(material, options or {}, told)
    return selection if out is None else selection.save(out)
