"""The simalign package itself, for parity with published numbers; its results in our form."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from xalign.encoders import Encoder, load_encoder
from xalign.errors import SettingError
from xalign.word_alignment.alignment import WordAlignment
from xalign.word_alignment.settings_checks import choose_layers, require_known, words_of_pairs

METHODS = {"argmax": ("a", "inter"), "itermax": ("i", "itermax"), "mwmf": ("m", "mwmf")}
TOKEN_TYPES = {"subword": "bpe", "word": "word"}


def align_with_simalign(
    model: Any,
    pairs: Sequence[Any],
    *,
    method: str = "itermax",
    layer: int | None = None,
    unit: str = "subword",
    progress: bool = False,
) -> list[WordAlignment]:
    """Align words by running simalign's own `SentenceAligner`, a pair at a time.

    The package loads the model itself, from the same folder and onto the same device. It tells no confidence (NaN), and
    cuts sentences at the length its tokenizer names, which `truncated` says. Pairs with an empty side are not handed to
    it: it fails on them.

    Args:
        model: As in `align_words`; an encoder's folder is handed on.
        pairs: As there.
        method: argmax (which the package calls inter) | itermax | mwmf.
        layer: As there.
        unit: As there.
        progress: Show a bar on stderr.

    Returns:
        An alignment per pair, words counted from 0.

    Raises:
        UnknownNameError: If a method, layer or unit does not exist.
        SettingError: If the model cannot be run by the package as it is run here.
        ValueError: If a word is blank.
    """
    require_known("method of backend simalign", method, METHODS)
    require_known("unit", unit, TOKEN_TYPES)
    sentences = words_of_pairs(pairs)
    encoder = model if isinstance(model, Encoder) else load_encoder(model)
    (number,) = choose_layers(encoder, None if layer is None else [layer])
    letter, name = METHODS[method]
    aligner = make_aligner(encoder, layer=number, matching_methods=letter, token_type=TOKEN_TYPES[unit])
    found: list[WordAlignment] = []
    for source, target in tqdm(
        list(zip(sentences[::2], sentences[1::2], strict=True)), desc="simalign", unit=" pairs",
        disable=not progress, leave=False,
    ):  # fmt: skip
        cut = _is_cut(aligner, source, target)
        if cut and unit == "word":
            raise SettingError(
                f"pairs[{len(found)}] is longer than simalign reads, and it fails on such pairs with unit word; "
                "take unit subword, or backend xalign"
            )
        links = aligner.get_word_aligns(list(source), list(target))[name] if source and target else []
        confidence = {(int(i), int(j)): float("nan") for i, j in links}
        found.append(WordAlignment(source, target, confidence, truncated=cut))
    return found


def make_aligner(encoder: Encoder, **options: Any) -> Any:
    """Make a `simalign.SentenceAligner` of an encoder's folder, without what it logs to stderr.

    Args:
        encoder: Its folder and device are handed on.
        **options: Of `SentenceAligner`: layer, matching_methods, token_type.

    Raises:
        SettingError: If the model cannot be run by the package as it is run here.
    """
    from simalign import SentenceAligner

    if encoder.source.lowercase:
        raise SettingError(f"{encoder.name} reads lowered text, which simalign does not; take backend xalign")
    with _quiet():
        return SentenceAligner(model=str(encoder.source.folder), device=encoder.device, **options)


def _is_cut(aligner: Any, *sides: tuple[str, ...]) -> bool:
    """Whether a side is longer than the package's tokenizer lets through."""
    tokenizer = aligner.embed_loader.tokenizer
    rows = tokenizer([list(words) for words in sides if words], is_split_into_words=True, verbose=False)["input_ids"]
    return any(len(row) > tokenizer.model_max_length for row in rows)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package's own log, which goes to stderr whatever the caller wants, to warnings."""
    import simalign.simalign

    logger = logging.getLogger(simalign.simalign.__name__)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
