"""The study: probe, encode, train topics at every layer, correlate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from xalign.corpora import Corpus, ParallelCorpus, load_corpus, resolve_language
from xalign.encoders import ActivationCache, Encoder, load_encoder
from xalign.encoding import EncodingRequest, encode_corpus
from xalign.errors import CorpusError
from xalign.measures import MEASURES
from xalign.names import nearest
from xalign.probing import open_cache, probe
from xalign.report import ProbeReport
from xalign.transferring.caveats import collect_caveats
from xalign.transferring.correlating import MINIMUM, correlate_all
from xalign.transferring.dividing import Division, divide
from xalign.transferring.layers import LayerTopics, choose_layer, score_topics, tabulate_accuracy
from xalign.transferring.results import ACCURACY_COLUMNS, CONFOUND_COLUMNS, SCORE_COLUMNS, Transfer
from xalign.transferring.settings import BEST, TransferSettings
from xalign.transferring.topics import majority_share


def transfer(  # noqa: PLR0913 - the arguments are the public interface
    model: str | Path | Encoder | None = None,
    corpus: str | Path | ParallelCorpus | None = None,
    *,
    probes: str | Sequence[str] = "all",
    languages: Sequence[str] | None = None,
    layer: int | str = BEST,
    pivot: str = "eng_Latn",
    pooling: str = "mean",
    n_resamples: int = 1000,
    seed: int = 0,
    cache: bool | str | Path | ActivationCache = True,
    progress: bool = True,
) -> Transfer:
    """Ask whether a model's alignment predicts how a task carries over from the pivot to other languages.

    A linear topic probe (logistic regression) is trained on the pivot's sentences at every layer and tested on other
    sentences in every language. Its accuracy is then correlated, over languages, with every probe's score: the question
    behind MEXA and NeuronXA. Languages are taken as independent; related ones are not, so intervals are rather too
    narrow.

    Args:
        model: Folder or hub name, or what `load_encoder` returned; None is the embedded xalign-mini.
        corpus: Sentences with topics: a file, folder or dataset, or what `load_corpus` returned; None is the embedded
            xalign-100. Its splits train, dev and test serve as such; without splits, five folds do.
        probes: Names from the table of probes, or "all".
        languages: The languages to test, in any spelling; None for all.
        layer: The headline's layer: "best" takes the pivot's best on sentences that are not tested (without splits, on
            all), or a number. Correlations are taken at every layer anyway, accuracy and score of the same one.
        pivot: The language of training, which all others are compared with; it is in no correlation.
        pooling: mean, cls, last or weighted.
        n_resamples: Resamples of sentences behind accuracies' intervals, and of languages behind correlations'.
        seed: Of folds and resamples.
        cache: As in `xalign.probe`.
        progress: Show bars on stderr.

    Returns:
        Accuracy by language and layer, probe scores, correlations with intervals, and what they were computed from.

    Raises:
        CorpusError: If the corpus has no topics, lacks a split or the pivot, or leaves fewer than 5 other languages.
        SettingError: For a number that cannot be used.
        UnknownNameError: For a probe, language or layer that does not exist.
        XalignError: As `xalign.probe`.

    References:
        Adelani et al. (2024), SIB-200: A Simple, Inclusive, and Big Evaluation Dataset for Topic Classification in 200+
            Languages and Dialects, arXiv:2309.07445.
        Kargaran et al. (2024), MEXA, arXiv:2410.05873; Huang et al. (2025), NeuronXA, arXiv:2507.14900.
    """
    started = time.perf_counter()
    settings = TransferSettings(
        probes=_as_tuple(probes),
        languages=None if languages is None else _as_tuple(languages),
        layer=layer,
        pivot=resolve_language(pivot).code,
        pooling=pooling,
        n_resamples=n_resamples,
        seed=seed,
    )
    text = _load_text(corpus, settings, progress)
    division = divide(text, seed=seed)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    settings.require_layer(encoder.n_layers)
    kept = open_cache(cache)
    # Before the other sentences are encoded: a probe that cannot be taken stops the run here.
    report = _score_probes(encoder, text.at(division.probed.tolist()), settings, kept, progress)
    (group,) = encode_corpus(encoder, text, EncodingRequest(None, pooling, _kept(report, division), kept, progress))
    topics = score_topics(group.activations, text, division, settings, progress)
    return _put_together(report, text, division, topics, settings, started=started)


def _load_text(
    corpus: str | Path | ParallelCorpus | None, settings: TransferSettings, progress: bool
) -> ParallelCorpus:
    """Load the text and keep the pivot and the languages asked for."""
    wanted = None if settings.languages is None else [settings.pivot, *settings.languages]
    text = _parallel(corpus, wanted, progress)
    if wanted is not None:
        text = text.select(list(dict.fromkeys(resolve_language(language).code for language in wanted)))
    if settings.pivot not in text.languages:
        raise CorpusError(
            f"pivot {settings.pivot!r} is not in corpus {text.name}{nearest(settings.pivot, text.languages)}; name one "
            f"of {', '.join(text.languages)}"
        )
    if len(text.languages) <= MINIMUM:
        raise CorpusError(
            f"corpus {text.name} must have {MINIMUM} languages beside the pivot to correlate over, got "
            f"{len(text.languages) - 1}; name more"
        )
    return text


def _parallel(
    corpus: str | Path | ParallelCorpus | None, languages: Sequence[str] | None, progress: bool
) -> ParallelCorpus:
    text = corpus if isinstance(corpus, Corpus) else load_corpus(corpus, languages=languages, progress=progress)
    if not isinstance(text, ParallelCorpus):
        raise CorpusError(
            f"{text.name} is a set of bitexts, but transfer needs the same sentences in all languages, with topics; "
            "give a multi-parallel corpus such as FLORES-200"
        )
    return text


def _score_probes(
    encoder: Encoder, text: ParallelCorpus, settings: TransferSettings, cache: ActivationCache | None, progress: bool
) -> ProbeReport:
    """Score every probe; only the scores are used, so nulls and intervals are as small as can be."""
    return probe(
        encoder,
        text,
        probes=settings.probes,
        pivot=settings.pivot,
        pooling=settings.pooling,
        n_permutations=1,
        n_resamples=1,
        seed=settings.seed,
        cache=False if cache is None else cache,
        progress=progress,
    )


def _kept(report: ProbeReport, division: Division) -> tuple[str, ...]:
    """The neuron statistics to ask for: where probes saw the same sentences, theirs, so that the cache has them."""
    if division.choosing is not None:
        return ()
    used = [MEASURES[str(probe)] for probe in report.table["probe"].unique()]
    return tuple(sorted({measure.reads for measure in used if measure.reads_neurons}))


def _put_together(
    report: ProbeReport,
    text: ParallelCorpus,
    division: Division,
    topics: Mapping[int, LayerTopics],
    settings: TransferSettings,
    *,
    started: float,
) -> Transfer:
    how: dict[str, Any] = {"n_resamples": settings.n_resamples, "seed": settings.seed}
    accuracy = tabulate_accuracy(topics, majority_share(text.labels or (), division), **how)
    accuracy.insert(0, "model", report.run["model"]["name"])
    scores, confounds = _scores(report, settings.pivot), report.confounds[CONFOUND_COLUMNS]
    layer = choose_layer(settings.layer, topics)
    correlations = correlate_all(scores, accuracy, confounds, **how)
    caveats = collect_caveats(accuracy, correlations, text, division, pivot=settings.pivot, layer=layer)
    return Transfer(
        accuracy[ACCURACY_COLUMNS],
        scores,
        correlations,
        confounds,
        layer=layer,
        run=_describe(report, text, division, settings)
        | {"penalties": {str(number): list(found.penalties) for number, found in topics.items()}}
        | {"seconds": {"total": round(time.perf_counter() - started, 2)}},
        warnings=(*caveats, *report.warnings),
    )


def _describe(
    report: ProbeReport, text: ParallelCorpus, division: Division, settings: TransferSettings
) -> dict[str, Any]:
    """What decided the numbers: the probes' own facts, the whole text, and what served for what."""
    facts = report.run
    return facts | {
        "corpus": facts["corpus"] | {"hash": text.fingerprint, "sentences": text.n},
        "arguments": facts["arguments"] | asdict(settings),
        "versions": facts["versions"] | {"scikit-learn": version("scikit-learn")},
        "protocol": division.words,
        "topics": len(set(text.labels or ())),
    }


def _scores(report: ProbeReport, pivot: str) -> pd.DataFrame:
    """A row per probe, layer and language but the pivot, in pairs with it or by itself."""
    table = report.table.assign(language=report.table["target"])
    return table.loc[table["language"] != pivot, SCORE_COLUMNS].reset_index(drop=True)


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names from a sequence, or from one string with commas between."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else tuple(names)
