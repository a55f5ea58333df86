"""The logit lens of a decoder: how probable is, at every layer, the answer to a word translation in its language?"""

from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm

from probes.judging import draw_permutations, draw_resamples
from probes.lens import LanguageProbabilities
from xalign.encoders.logit_lens import load_logit_lens
from xalign.errors import ProbeError, SettingError
from xalign.judging.rows import Judged, Judging, row_of
from xalign.measure import Measure
from xalign.needs import Circumstances
from xalign.translation_prompts import translation_prompts

LOADED_ALIKE = ("device", "dtype", "revision", "trust_remote_code", "device_map")


def judge_lens(
    measure: Measure,
    given: Circumstances,
    layers: Sequence[int],
    pivot: str,
    judging: Judging,
    *,
    progress: bool = True,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Ask a decoder to translate the lexicon's words from the pivot, and read every layer.

    Args:
        measure: The lens.
        given: The decoder, which is loaded once more with its head, and the targets.
        layers: Which layers.
        pivot: The language that is translated from.
        judging: Numbers of permutations (of answers among prompts) and resamples (of prompts).
        progress: Show a bar on stderr.

    Returns:
        The rows without model, and why a language has none.

    Raises:
        ProbeError: If no language can be asked for.
        ModelError: If the model has no head, or an unusual one.
    """
    from xalign.embedded.lexicon import load_lexicon

    lexicon = load_lexicon()
    encoder, languages = given.encoder, given.languages
    arguments = {name: value for name, value in encoder.load_arguments.items() if name in LOADED_ALIKE}
    lens = load_logit_lens(encoder.name, **arguments)
    rows: list[dict[str, Any]] = []
    unknown = [language for language in languages if language not in lexicon.languages]
    skipped = {f"{measure.name} in {', '.join(unknown)}": "the lexicon does not have them"} if unknown else {}
    targets = [language for language in languages if language in lexicon.languages and language != pivot]
    for target in tqdm(targets, desc="logit lens", disable=not progress):
        try:
            asked = translation_prompts(lexicon, encoder.tokenizer, pivot, target)
            found = lens.language_probabilities(asked.prompts, asked.token_sets, layers=layers, progress=False)
        except (SettingError, ValueError) as error:
            skipped[f"{measure.name} in {target}"] = str(error)
            continue
        rows += [row | {"source": pivot, "target": target} for row in _rows(measure, found, target, layers, judging)]
    if not rows:
        reasons = "; ".join(f"{where}: {reason}" for where, reason in skipped.items())
        raise ProbeError(reasons or f"{measure.name}: corpus must have a language beside {pivot} to ask for, got none")
    return rows, skipped


def _rows(
    measure: Measure, found: LanguageProbabilities, target: str, layers: Sequence[int], judging: Judging
) -> Iterator[dict[str, Any]]:
    permutations = draw_permutations(found.n, measure.n_draws(judging.n_permutations), seed=judging.seed)
    counts = draw_resamples(found.n, judging.n_resamples, seed=judging.seed)
    for place, layer in enumerate(layers):
        prepared = found.judged(target, place)
        judged = Judged(prepared.score, prepared.chance, prepared.permuted(permutations), prepared.resampled(counts))
        yield row_of(measure, judged, found.n) | {"layer": layer}
