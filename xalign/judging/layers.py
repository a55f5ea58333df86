"""One layer of one group of languages: every probe's score, null and interval, each intermediate computed once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xalign.encoding import EncodedGroup
from xalign.errors import ProbeError
from xalign.judging.languages import judge_languages
from xalign.judging.pairs import family_of, judge_pairs
from xalign.judging.rows import Judging
from xalign.judging.words import judge_words
from xalign.measure import Measure


def judge_family(
    family: Sequence[Measure], group: EncodedGroup, layer: int, pivot: str | None, judging: Judging
) -> Iterator[dict[str, Any]]:
    """Score the languages of a group at one layer with measures that share their intermediates.

    Args:
        family: Measures that `families` put together.
        group: Languages with their activations.
        layer: 0 for the embeddings; probes of neurons have nothing to read there.
        pivot: The language all others are compared with; None for all pairs.
        judging: Numbers of permutations and resamples.

    Yields:
        A report's row without the model's name.

    Raises:
        ProbeError: If a probe cannot be taken of these vectors; names probe, layer and language.
    """
    if family[0].reads_neurons and layer == 0:
        return
    try:
        if family[0].reads == "words":
            rows = judge_words(family[0], group, layer, pivot, judging)
        elif family[0].sees_pairs:
            rows = judge_pairs(family, group, layer, pivot, judging)
        else:
            rows = judge_languages(family[0], group, layer, judging)
        yield from ({"layer": layer} | row for row in rows)
    except ValueError as error:
        names = ", ".join(measure.name for measure in family)
        raise ProbeError(f"{names} at layer {layer}: {error}") from error


def families(measures: Iterable[Measure]) -> list[list[Measure]]:
    """Put measures together that share one side per language and one pass per pair; every other stands alone."""
    found: dict[tuple[str, str], list[Measure]] = {}
    for measure in measures:
        found.setdefault((measure.reads, family_of(measure)), []).append(measure)
    return list(found.values())
