"""The main job: a model and a corpus in, a report out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from xalign.all_pairs import pairs_of_table, score_all_pairs
from xalign.caveats import collect_warnings, count_constant_neurons
from xalign.columns import PAIR_COLUMNS, TABLE_COLUMNS
from xalign.confounds import measure_confounds
from xalign.corpora import BitextCorpus, Corpus, load_corpus, resolve_language
from xalign.encoders import ActivationCache, Encoder, load_encoder
from xalign.encoding import EncodedGroup, EncodingRequest, encode_corpus, groups_of
from xalign.errors import CorpusError, ProbeError
from xalign.judged_layers import Judging, judge_layer
from xalign.measures import DEFAULT
from xalign.names import nearest
from xalign.report import ProbeReport
from xalign.run_facts import describe_run
from xalign.settings import ProbeSettings


def probe(  # noqa: PLR0913 - the arguments are the public interface
    model: str | Path | Encoder | None = None,
    corpus: str | Path | Corpus | None = None,
    *,
    probes: Sequence[str] = DEFAULT,
    languages: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    pivot: str | None = "eng_Latn",
    pooling: str = "mean",
    n_permutations: int = 200,
    n_resamples: int = 200,
    seed: int = 0,
    cache: bool | str | Path | ActivationCache = True,
    progress: bool = True,
) -> ProbeReport:
    """Measure, layer by layer, how well a model aligns languages.

    Args:
        model: Folder or hub name, or what `load_encoder` returned (to set device, dtype or maximum length). None is the
            embedded xalign-mini.
        corpus: File, folder or dataset name, or what `load_corpus` returned. None is the embedded xalign-100.
        probes: Names from the table in `xalign.measures`, or "all".
        languages: The languages to compare with the pivot, in any spelling; None for all.
        layers: 0 is the embedding output, l the output of block l; None for all.
        pivot: The language all others are compared with; None compares all pairs.
        pooling: How token vectors become a sentence vector: mean, cls, last or weighted.
        n_permutations: Shuffles behind each null; the smallest p-value is 1 / (n_permutations + 1).
        n_resamples: Resamples of sentences behind each 95 % interval.
        seed: Of shuffles and resamples. The same call gives the same table.
        cache: Keep activations on disk and use those that are there, so that a second run needs no forward pass. A
            folder keeps them there, False keeps none.
        progress: Show progress bars on stderr.

    Returns:
        The report: `.table`, `.plot_layers()`, `.matrix(probe, layer)`, `.save(folder)`, `.compare(other)` and more.

    Raises:
        SettingError: For a number or list that cannot be used.
        UnknownNameError: For a probe, language, layer or pooling that does not exist.
        CorpusError: If the corpus cannot be read, is not parallel, lacks the pivot or has fewer than 4 sentences.
        ModelError: If the model cannot be loaded safely or lacks what a probe needs.
        ProbeError: If a probe cannot be taken of this many sentences or of these vectors.
        ActivationError: If the model gives NaN or infinite values; names layer and language.
    """
    started = time.perf_counter()
    settings = ProbeSettings(
        probes=_as_tuple(probes),
        languages=None if languages is None else _as_tuple(languages),
        layers=None if layers is None else tuple(layers),
        pivot=None if pivot is None else resolve_language(pivot).code,
        pooling=pooling,
        n_permutations=n_permutations,
        n_resamples=n_resamples,
        seed=seed,
    )
    text = corpus if isinstance(corpus, Corpus) else load_text(corpus, settings.languages, pivot, progress=progress)
    text = choose_languages(text, settings)
    require_enough_sentences(text, settings)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    request = EncodingRequest(settings.layers, pooling, settings.statistics, _open_cache(cache), progress)
    groups = list(encode_corpus(encoder, text, request))
    encoding_s = time.perf_counter() - started
    table, pairs = judge_groups(groups, settings, progress)
    table.insert(0, "model", encoder.name)
    confounds = measure_confounds(encoder, text, groups, settings.pivot)
    layers_read = groups[0].layers
    caveats = collect_warnings(table, confounds, text, encoder.hidden_size, count_constant_neurons(groups, layers_read))
    seconds = {"encoding": encoding_s, "total": time.perf_counter() - started}
    return ProbeReport(table[TABLE_COLUMNS], pairs, confounds, describe_run(encoder, text, settings, seconds), caveats)


def load_text(corpus: str | Path | None, languages: Sequence[str] | None, pivot: str | None, **options: Any) -> Corpus:
    """Load a corpus, reading no more than the pivot and the languages asked for; options are `load_corpus`'."""
    wanted = None if languages is None else [*([pivot] if pivot else []), *languages]
    return load_corpus(corpus, languages=wanted, pivot=pivot, **options)


def choose_languages(text: Corpus, settings: ProbeSettings) -> Corpus:
    """Keep the languages asked for, and see that the pivot is among them and two are left.

    Raises:
        CorpusError: If the pivot is not there, or is not the bitexts' own, or a single language is left.
    """
    pivot = settings.pivot
    if settings.languages is not None:
        wanted = [resolve_language(language).code for language in settings.languages]
        text = text.select(list(dict.fromkeys([*([pivot] if pivot else []), *wanted])))
    able = (text.pivot,) if isinstance(text, BitextCorpus) else text.languages
    if pivot is not None and pivot not in able:
        raise CorpusError(
            f"pivot {pivot!r} cannot be compared with every language of corpus {text.name}{nearest(pivot, able)}; name "
            f"one of {', '.join(able)}, or None for all pairs"
        )
    if len(text.languages) < 2:
        raise CorpusError(
            f"corpus {text.name} must leave at least 2 languages to compare, got {', '.join(text.languages)}; "
            "name another"
        )
    return text


def require_enough_sentences(text: Corpus, settings: ProbeSettings) -> None:
    """Refuse, before anything is encoded, a probe that looks at more neighbours than there are sentences.

    Raises:
        ProbeError: Names probe, language and both numbers.
    """
    for group in groups_of(text):
        for measure in settings.measures:
            needed = getattr(measure.preparation, "neighbours", 1)
            if group.n < needed:
                raise ProbeError(
                    f"{measure.name} looks at {needed} neighbours and needs as many sentences, got {group.n} in "
                    f"{', '.join(group.languages[:3])}; give more sentences or leave this probe out"
                )


def judge_groups(
    groups: Sequence[EncodedGroup], settings: ProbeSettings, progress: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every layer of every group: the report's table (without the model's name) and its pairs."""
    judging = Judging(settings.n_permutations, settings.n_resamples, settings.seed)
    rows: list[dict[str, Any]] = []
    pairs: list[pd.DataFrame] = []
    steps = [(group, layer) for group in groups for layer in group.layers]
    for group, layer in tqdm(steps, desc="probing", unit="layer", disable=not progress):
        rows.extend(judge_layer(group, layer, settings.measures, settings.pivot, judging))
        if settings.pivot is not None and len(groups) == 1:
            pairs.append(score_all_pairs(group, layer, settings.measures))
    table = _in_order(pd.DataFrame(rows), settings)
    if settings.pivot is None:
        return table, pairs_of_table(table)
    return table, pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=PAIR_COLUMNS)


def _in_order(table: pd.DataFrame, settings: ProbeSettings) -> pd.DataFrame:
    """Rows by probe as asked for, then layer; the corpus' order of languages is kept."""
    order = {measure.name: i for i, measure in enumerate(settings.measures)}
    return table.sort_values(
        ["probe", "layer"], key=lambda column: column.map(order) if column.name == "probe" else column, kind="stable"
    ).reset_index(drop=True)


def _open_cache(cache: bool | str | Path | ActivationCache) -> ActivationCache | None:
    if isinstance(cache, bool):
        return ActivationCache() if cache else None
    return cache if isinstance(cache, ActivationCache) else ActivationCache(Path(cache))


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names from a sequence, or from one string with commas between."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else tuple(names)
