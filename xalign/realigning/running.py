"""The loop: choose languages if asked to, measure, realign, measure again, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xalign.corpora import Corpus, load_corpus, resolve_language
from xalign.encoders import ActivationCache, Encoder, load_encoder
from xalign.probing import open_cache
from xalign.realigning.languages import Asked, read_languages
from xalign.realigning.measuring import Measuring
from xalign.realigning.preparing import WordPairs
from xalign.realigning.results import Realignment
from xalign.realigning.settings import RealignmentSettings, require_settings
from xalign.realigning.studying import prepare

if TYPE_CHECKING:
    from xalign.choosing import LanguageSelection


def realign(  # noqa: PLR0913 - the arguments are the public interface
    model: str | Path | Encoder | None = None,
    corpus: str | Path | Corpus | None = None,
    *,
    languages: str | Sequence[str] | LanguageSelection | None = None,
    out: str | Path,
    choose: int | None = None,
    pivot: str = "eng_Latn",
    unseen: str | Sequence[str] = (),
    probes: str | Sequence[str] = ("cka", "retrieval"),
    settings: RealignmentSettings | None = None,
    word_pairs: WordPairs | None = None,
    pooling: str = "mean",
    n_permutations: int = 200,
    n_resamples: int = 1000,
    seed: int = 0,
    cache: bool | str | Path | ActivationCache = True,
    resume: bool = True,
    device: str = "auto",
    progress: bool = True,
) -> Realignment:
    """Bring languages closer to the pivot by training on translations, and see what that moved.

    The model is realigned on the corpus' split `train`, watched on `dev` and measured, before and after, on `test`; a
    corpus without these has its rows dealt out at random, 70, 10 and 20 %. Every other language of the corpus is
    measured too, and where sentences have topics, so is a task: a topic probe of the pivot, in every language.

    Args:
        model: Folder or hub name, or what `load_encoder` returned; None is the embedded xalign-mini. Its files are left
            as they are.
        corpus: Parallel text: a file, folder or dataset, or what `load_corpus` returned; None is the embedded
            xalign-100.
        languages: What to realign on: names in any spelling, "all", "@chosen.json" of `xalign languages`, or what
            `xalign.select_languages` returned. With `choose`, the pool to choose from (None for all).
        out: Folder of the realigned model, and of all that is told about it.
        choose: Choose this many languages first, by what the starting model lacks (`xalign.select_languages`), on
            sentences that it is then realigned on.
        pivot: The language that all others are brought closer to.
        unseen: Languages to be told apart from those that could have been chosen. By default those of the corpus that
            were no candidates when languages were chosen.
        probes: Names from the table of probes, or "all".
        settings: Loss, layers, steps and all else that decides the training.
        word_pairs: For losses over words: a folder with a dictionary `<language>.tsv` for each language, or for each
            language its dictionary or links; None links words by the starting model.
        pooling: How a sentence's vector is made for measuring: mean, cls, last or weighted.
        n_permutations: Shuffles behind each null of the two reports.
        n_resamples: Resamples of sentences behind intervals.
        seed: Of division, choice, measuring, and of the training where no settings are given.
        cache: As in `xalign.probe`.
        resume: Go on where a former run with the same arguments stopped.
        device: Where the models run: auto, cpu, cuda, cuda:1, mps; an encoder that is given stays where it is.
        progress: Show bars on stderr.

    Returns:
        Both reports, what moved in chosen, other and unseen languages, the pivot's task, and the folder they stand in.

    Raises:
        TypeError: If the settings are none.
        SettingError: For languages, a number or a folder that cannot be used.
        CorpusError: If the corpus lacks the pivot, another language, or sentences.
        UnknownNameError: For a language, probe or layer that does not exist.
        XalignError: As `xalign.probe` and `xalign.realigning.training.train`.

    References:
        Wu & Dredze (2020), Do Explicit Alignments Robustly Improve Multilingual Encoders?, arXiv:2010.02537.
    """
    require_settings(settings)
    asked = Asked(read_languages(languages, choose=choose), choose, _as_tuple(unseen))
    measuring = Measuring(
        probes=_as_tuple(probes),
        pivot=resolve_language(pivot).code,
        pooling=pooling,
        n_permutations=n_permutations,
        n_resamples=n_resamples,
        seed=seed,
        cache=open_cache(cache),
        progress=progress,
    )
    study = prepare(
        model if isinstance(model, Encoder) else load_encoder(model, device=device),
        corpus if isinstance(corpus, Corpus) else load_corpus(corpus, pivot=measuring.pivot, progress=progress),
        measuring,
        RealignmentSettings(seed=seed) if settings is None else settings,
        folder=Path(out),
        resume=resume,
    )
    return study.run(asked, word_pairs=word_pairs)


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names from a sequence, or from one string with commas between."""
    return tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else tuple(names)
