"""The simalign package itself, for parity with published numbers; its results in our form."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from tqdm import tqdm

from xalign.encoders import Encoder, load_encoder
from xalign.encoders.weights import quiet
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
    both = list(zip(sentences[::2], sentences[1::2], strict=True))
    for source, target in tqdm(both, desc="simalign", unit=" pairs", disable=not progress, leave=False):
        (no_source, cut_source), (no_target, cut_target) = (_unread(aligner, words) for words in (source, target))
        cut = cut_source or cut_target
        if cut and unit == "word":
            raise SettingError(
                f"pairs[{len(found)}] is longer than simalign reads, and it fails on such pairs with unit word; "
                "take unit subword, or backend xalign"
            )
        links = aligner.get_word_aligns(list(source), list(target))[name] if source and target else []
        confidence = {(int(i), int(j)): float("nan") for i, j in links}
        found.append(WordAlignment(source, target, confidence, no_source, no_target, cut))
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
    with _unlogged(), quiet():
        return SentenceAligner(model=str(encoder.source.folder), device=encoder.device, **options)


def _unread(aligner: Any, words: tuple[str, ...]) -> tuple[tuple[int, ...], bool]:
    """Return the words of which the package reads no token, and whether it cuts the sentence off."""
    tokenizer = aligner.embed_loader.tokenizer
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    counts = [len(tokenizer.tokenize(word)) for word in words]
    starts = [0, *accumulate(counts)]
    return tuple(i for i, n in enumerate(counts) if not n or starts[i] >= room), starts[-1] > room


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the package's own log, which goes to stderr whatever the caller wants, to warnings."""
    import simalign.simalign

    logger = logging.getLogger(simalign.simalign.__name__)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
