"""The main job: a model and a corpus in, a report out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xalign.caveats import collect_warnings, count_constant_neurons, describe_transform
from xalign.columns import TABLE_COLUMNS
from xalign.confounds import measure_confounds
from xalign.corpora import BitextCorpus, Corpus, load_corpus, resolve_language
from xalign.encoders import ActivationCache, Encoder, load_encoder
from xalign.encoding import EncodedGroup, EncodingRequest, encode_corpus, groups_of
from xalign.errors import CorpusError, ModelError, ProbeError
from xalign.judging import in_order, judge_groups, judge_lens
from xalign.measure import Measure
from xalign.measures import ALL, DEFAULT
from xalign.names import nearest
from xalign.needs import Circumstances, choose_measures
from xalign.report import ProbeReport
from xalign.run_facts import describe_run
from xalign.settings import ProbeSettings
from xalign.transforming import NONE, require_fit, transform_group
from xalign.word_groups import words_missing


def probe(  # noqa: PLR0913 - the arguments are the public interface
    model: str | Path | Encoder | None = None,
    corpus: str | Path | Corpus | None = None,
    *,
    probes: Sequence[str] = DEFAULT,
    languages: Sequence[str] | None = None,
    layers: Sequence[int] | None = None,
    pivot: str | None = "eng_Latn",
    pooling: str = "mean",
    transform: str = "none",
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
        pivot: The language all others are compared with; None compares all pairs (the logit lens then asks from
            English).
        pooling: How token vectors become a sentence vector: mean, cls, last or weighted.
        transform: What is done to each language's vectors before they are compared: none, centre, abtt, cluster, zca,
            orthogonal or linear (`probes.transforms`). It is fitted on a random half of the sentences, the other half
            is scored; neurons are left as they are.
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
        transform=transform,
        n_permutations=n_permutations,
        n_resamples=n_resamples,
        seed=seed,
    )
    text = corpus if isinstance(corpus, Corpus) else load_text(corpus, settings.languages, pivot, progress=progress)
    text = choose_languages(text, settings)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    given = Circumstances(encoder, tuple(groups_of(text)), settings.pivot, settings.layers, settings.transform != NONE)
    require_fit(settings.transform, min(group.n for group in given.groups), settings.pivot)
    measures, skipped = choose_measures(
        settings.measures, given, drop=settings.takes_all, named=set(settings.probes) - {ALL}
    )
    statistics = tuple(sorted({measure.reads for measure in measures if measure.reads_neurons}))
    romanised, words = (any(measure.reads == what for measure in measures) for what in ("romanised", "words"))
    request = EncodingRequest(settings.layers, pooling, statistics, open_cache(cache), progress, romanised, words)
    groups = list(encode_corpus(encoder, text, request))
    encoding_s = time.perf_counter() - started
    scored = transform_groups(groups, settings)
    scores = judge_groups(
        scored, measures, settings.pivot, settings.judging, lenient=settings.takes_all, progress=progress
    )
    asked, unasked = _through_lens(measures, given, groups[0].layers, settings, progress)
    known = [frame for frame in (scores.table, asked) if len(frame)]
    if not known:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in (scores.skipped | unasked).items())
        raise ProbeError(f"no probe could be taken: {reasons or 'no two languages could be compared'}")
    table = in_order(pd.concat(known, ignore_index=True), measures)
    table.insert(0, "model", encoder.name)
    confounds = measure_confounds(encoder, text, groups, settings.pivot)
    constant = count_constant_neurons(groups, groups[0].layers)
    caveats = collect_warnings(table, confounds, text, encoder.hidden_size, constant)
    caveats += describe_transform(settings.transform, scored)
    seconds = {"encoding": encoding_s, "total": time.perf_counter() - started}
    run = describe_run(encoder, text, settings, seconds) | {
        "skipped": skipped | scores.skipped | unasked | without_words(measures, scored, settings.pivot)
    }
    return ProbeReport(table[TABLE_COLUMNS], scores.pairs, confounds, run, caveats)


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


def _through_lens(
    measures: Sequence[Measure], given: Circumstances, layers: Sequence[int], settings: ProbeSettings, progress: bool
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Ask a decoder for translations, where its lens is among the probes: rows, and why a language has none."""
    found: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    for measure in (measure for measure in measures if measure.reads == "lens"):
        pivot = settings.pivot or "eng_Latn"
        try:
            rows, reasons = judge_lens(measure, given, layers, pivot, settings.judging, progress=progress)
        except (ModelError, ProbeError) as error:
            if not settings.takes_all:
                raise
            rows, reasons = [], {measure.name: str(error)}
        found, skipped = found + rows, skipped | reasons
    return pd.DataFrame(found), skipped


def without_words(measures: Sequence[Measure], groups: Sequence[EncodedGroup], pivot: str | None) -> dict[str, str]:
    """Say which languages the probes of words leave out, and why."""
    reasons = words_missing([(group.languages, group.words) for group in groups], pivot)
    reading = [measure.name for measure in measures if measure.reads == "words"]
    return {f"{', '.join(reading)} in {languages}": reason for languages, reason in reasons.items() if reading}


def transform_groups(groups: Sequence[EncodedGroup], settings: ProbeSettings) -> Sequence[EncodedGroup]:
    """Apply the transform that is asked for to every group; without one they are what they were."""
    if settings.transform == NONE:
        return groups
    return [transform_group(group, settings.transform, pivot=settings.pivot, seed=settings.seed) for group in groups]


def open_cache(cache: bool | str | Path | ActivationCache) -> ActivationCache | None:
    """Return the cache that an argument `cache` means: the usual one, one in a folder, one that is open, or none."""
    if isinstance(cache, bool):
        return ActivationCache() if cache else None
    return cache if isinstance(cache, ActivationCache) else ActivationCache(Path(cache))


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names from a sequence, or from one string with commas between."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else tuple(names)
