"""Measures that see each language by itself or among all others: one row a language, its source and target alike."""

from collections.abc import Iterator
from typing import Any, cast

from probes.judging import draw_resamples
from probes.language_judging import LanguagePreparation
from xalign.encoding import EncodedGroup
from xalign.judging.rows import Judged, Judging, row_of, states_of
from xalign.measure import Measure


def judge_languages(measure: Measure, group: EncodedGroup, layer: int, judging: Judging) -> Iterator[dict[str, Any]]:
    """Score every language of a group at one layer.

    Args:
        measure: One whose preparation is a `LanguagePreparation`.
        group: Languages with their activations.
        layer: 0 for the embeddings.
        judging: Numbers of draws and resamples.

    Yields:
        A row without model and layer; where a group is one bitext of several, its pivot has a row in each.
    """
    vectors = {language: states_of(group, language, measure.reads, layer) for language in group.languages}
    tokens = {language: group.activations[language].n_read for language in vectors}
    weights = {"n_tokens": tokens} if measure.reads == "share" else {}
    prepared = cast(LanguagePreparation, measure.preparation).of(vectors, **weights)
    n = len(next(iter(vectors.values())))
    null = prepared.null(measure.n_draws(judging.n_permutations), seed=judging.seed)
    resampled = prepared.resampled(draw_resamples(n, judging.n_resamples, seed=judging.seed))
    for i, language in enumerate(vectors):
        judged = Judged(float(prepared.scores[i]), float(prepared.chances[i]), null[i], resampled[i])
        yield row_of(measure, judged, n) | {"source": language, "target": language}
