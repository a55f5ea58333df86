"""What is asked of an alignment, checked before any work is done."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xalign.encoders import Encoder
from xalign.encoders.request import make_request
from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest
from xalign.word_alignment.extraction import METHODS
from xalign.word_alignment.similarities import UNITS
from xalign.word_alignment.symmetrising import METHODS as SYMMETRISATIONS

USUAL_LAYER, USUAL_DEPTH = 8, 12
MASSES, NORM = "masses", "norm"
"""An option of transport, and its only value: words weigh as much as the norms of their vectors, not all alike."""

ASCII_SPACE = " \t\n\r\v\f"
"""What separates words. Other white space may be a word: some gold files count the ideographic space as one."""


def default_layer(n_layers: int) -> int:
    """Return the layer that is 8 of 12 in a model of `n_layers`, rounded: SimAlign's choice for multilingual BERT.

    References:
        Jalili Sabet et al. (2020), SimAlign, arXiv:2004.08728, section 4.1 and figure 5.
    """
    return round(n_layers * USUAL_LAYER / USUAL_DEPTH)


def choose_layers(encoder: Encoder, layers: Sequence[int] | None) -> tuple[int, ...]:
    """Check layer numbers and sort them; None is the default one.

    Raises:
        UnknownNameError: If a layer does not exist.
    """
    asked = [default_layer(encoder.n_layers)] if layers is None else layers
    return make_request(encoder.n_layers, asked, "mean", None).layers


def check_settings(
    methods: Sequence[str], unit: str, batch_size: int, symmetrisation: str | None, options: Mapping[str, Any]
) -> None:
    """Refuse settings that do not exist or do not go together.

    Raises:
        UnknownNameError: If a method, unit, symmetrisation or option does not exist.
        SettingError: If the batch size is below 1, no method is asked, or a symmetrisation of another method than
            argmax.
    """
    for method in methods:
        require_known("method", method, METHODS)
        known = METHODS[method].options
        for name in options:
            if name not in known:
                raise UnknownNameError(
                    f"options of {method} are {', '.join(known)}, got {name!r}{nearest(name, known)}"
                )
        _check_values(method, options)
    require_known("unit", unit, UNITS)
    if not methods:
        raise SettingError(f"methods must name at least one of {', '.join(METHODS)}, got none")
    if batch_size < 1:
        raise SettingError(f"batch_size must be at least 1, got {batch_size}")
    if symmetrisation is None:
        return
    require_known("symmetrisation", symmetrisation, SYMMETRISATIONS)
    if set(methods) != {"argmax"} or options:
        raise SettingError(
            "symmetrisation puts together the nearest words of both directions, which only method argmax without "
            f"options finds, got method {', '.join(methods)}{' with options' if options else ''}; leave one of them out"
        )


def _check_values(method: str, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name == MASSES:
            require_known(f"option {MASSES} of {method}", value, (NORM,))
        elif isinstance(value, str):
            raise SettingError(f"option {name} of {method} must be a number, got {value!r}")


def require_known(argument: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among those known.

    Raises:
        UnknownNameError: With the nearest.
    """
    names = list(known)
    if name not in names:
        raise UnknownNameError(f"{argument} must be one of {', '.join(names)}, got {name!r}{nearest(str(name), names)}")


def words_of_pairs(pairs: Sequence[Any]) -> list[tuple[str, ...]]:
    """Check pairs of word lists, and put source and target in turn into one list.

    Raises:
        TypeError: If a side is no list of words.
        ValueError: If a word is blank; the pair and the word are named.
    """
    found: list[tuple[str, ...]] = []
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"pairs[{number}] must be two lists, source words and target words, got {pair!r:.80}")
        found += [_checked_words(words, number, side) for side, words in zip(("source", "target"), pair, strict=True)]
    return found


def _checked_words(words: Any, number: int, side: str) -> tuple[str, ...]:
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise TypeError(
            f"pairs[{number}] must have a list of {side} words, got {type(words).__name__}; split the text first"
        )
    for place, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"pairs[{number}], {side} word {place} must be a string, got {type(word).__name__}")
        if not word.strip(ASCII_SPACE):
            raise ValueError(
                f"pairs[{number}], {side} word {place} (from 0) must not be blank, got {word!r}; leave it out"
            )
    return tuple(words)
