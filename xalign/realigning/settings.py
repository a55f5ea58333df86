"""The settings of a realignment, as one value that is checked once and written down with the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from xalign.errors import SettingError, UnknownNameError
from xalign.names import nearest

LOSS_NAMES = ("strong", "weak", "sentence", "l2")
HALVES = ("lower", "upper")
PRECISIONS = ("float32", "bfloat16", "float16")
POOLINGS = ("mean", "cls", "last", "weighted")
ANCHORED = ("pivot", "all")
NAMED_LAYERS = ("last", "middle")
LOOKS, MOST_BETWEEN_LOOKS = 10, 500

Layer = int | str


@dataclass(frozen=True, kw_only=True)
class RealignmentSettings:
    """How to realign; the defaults are those published for models of the size of XLM-R.

    Attributes:
        loss: `strong` and `weak` contrast aligned words, `l2` brings them together, `sentence` contrasts sentences.
        layers: Where the vectors are taken: layer numbers in 0..n_layers, `last` or `middle` (half of n_layers, rounded
            down), one or several; the loss is their mean. Nothing above the deepest is computed or trained.
        freeze: The half that is not trained: `lower` (embeddings and the blocks up to n_layers // 2), `upper` (the
            blocks above them, and the final norm), or None.
        lora_rank: Rank of low-rank updates to the linear maps of the blocks, instead of training all weights; needs the
            peft package. They are merged into the weights that are written.
        temperature: Divides the cosines in the contrastive losses, above 0.
        anchor: Weight of the squared distance to the starting model, as a share of its vectors' mean squared length; 0
            switches it off. Of each token's vector where words are aligned, and of each sentence's where these are.
        anchor_on: Whose sentences are held: `pivot`, or `all`.
        pooling: How the tokens of a sentence become its vector: `mean`, `cls`, `last` or `weighted`.
        steps: Updates of the weights.
        batch_size: Sentence pairs of a forward pass (on each device).
        accumulation: Forward passes of an update; a contrast goes over the sentences of one pass.
        learning_rate: Its highest; it rises linearly over the warm-up and then falls linearly to 0.
        warmup: Share of the steps, in [0, 1).
        weight_decay: AdamW's.
        max_length: Tokens read of a sentence, special tokens included; no more than the model allows.
        language_temperature: A language is drawn in proportion to (its number of pairs)^(1 / this); 1 is in proportion
            to the pairs, infinity all alike.
        evaluate_every: Steps between two looks at the held-out sentences; also at step 0 and after the last. None for a
            tenth of the steps, 500 at most.
        n_watched: Held-out sentences looked at, at most, spread evenly over those given.
        save_every: Steps between two checkpoints; None for none.
        precision: Of the forward passes: `float32`, `bfloat16` or (on a GPU) `float16`; weights and updates are
            float32.
        seed: Decides the order of the data, dropout and the first low-rank weights.

    Raises:
        SettingError: If a number cannot be used.
        UnknownNameError: If a name is unknown.

    References:
        Wu & Dredze (2020), Do Explicit Alignments Robustly Improve Multilingual Encoders?, arXiv:2010.02537, for the
        contrastive losses. Cao et al. (2020), arXiv:2002.03518, for `l2` and the anchor. Bakos et al. (2025),
        AlignFreeze, arXiv:2502.12959, for freezing a half.
    """

    loss: str = "strong"
    layers: Sequence[Layer] | Layer = ("last",)
    freeze: str | None = None
    lora_rank: int | None = None
    temperature: float = 0.1
    anchor: float = 0.0
    anchor_on: str = "pivot"
    pooling: str = "mean"
    steps: int = 24_544
    batch_size: int = 16
    accumulation: int = 1
    learning_rate: float = 7.5e-6
    warmup: float = 0.1
    weight_decay: float = 0.0
    max_length: int = 96
    language_temperature: float = 1.0
    evaluate_every: int | None = None
    n_watched: int = 200
    save_every: int | None = 1000
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _listed(self.layers))
        self._check_names()
        self._check_numbers()
        if self.loss == "l2" and not self.anchor:
            raise SettingError(
                "anchor must be above 0 with loss='l2', got 0; without it every vector may shrink to one point. 1 is "
                "the published weight"
            )

    def _check_names(self) -> None:
        _one_of("loss", self.loss, LOSS_NAMES)
        _one_of("precision", self.precision, PRECISIONS)
        _one_of("pooling", self.pooling, POOLINGS)
        _one_of("anchor_on", self.anchor_on, ANCHORED)
        if self.freeze is not None:
            _one_of("freeze", self.freeze, HALVES)
        if not self.layers:
            raise SettingError("layers must name at least one layer, got none; ('last',) is the usual one")
        for layer in _listed(self.layers):
            if isinstance(layer, str):
                _one_of("layers", layer, NAMED_LAYERS)

    def _check_numbers(self) -> None:
        for name in ("steps", "batch_size", "accumulation", "max_length"):
            _at_least(name, getattr(self, name), 1)
        for name in ("lora_rank", "evaluate_every", "save_every"):
            if getattr(self, name) is not None:
                _at_least(name, getattr(self, name), 1)
        _at_least("n_watched", self.n_watched, 4)
        for name in ("anchor", "weight_decay", "seed"):
            _at_least(name, getattr(self, name), 0)
        for name in ("temperature", "learning_rate", "language_temperature"):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.warmup < 1:
            raise SettingError(f"warmup must be in [0, 1), the share of the steps, got {self.warmup}")
        if self.batch_size == 1 and self.loss == "sentence":
            raise SettingError(
                "batch_size must be at least 2 with loss='sentence', got 1: there is nothing to contrast"
            )

    @property
    def aligns_words(self) -> bool:
        """Whether the loss is over words; otherwise over sentences."""
        return self.loss != "sentence"

    @property
    def steps_between_looks(self) -> int:
        """`evaluate_every`, or what stands for None."""
        if self.evaluate_every is None:
            return min(MOST_BETWEEN_LOOKS, max(1, self.steps // LOOKS))
        return self.evaluate_every

    def layer_numbers(self, n_layers: int) -> tuple[int, ...]:
        """Return the layers as numbers, ascending, each once.

        Raises:
            UnknownNameError: If the model has no such layer.
        """
        named = {"last": n_layers, "middle": n_layers // 2}
        numbers = sorted({named[layer] if isinstance(layer, str) else layer for layer in _listed(self.layers)})
        wrong = [number for number in numbers if number not in range(n_layers + 1)]
        if wrong:
            raise UnknownNameError(f"layers must be in 0 to {n_layers}, or 'last' or 'middle', got {wrong[0]}")
        return tuple(numbers)

    def changed(self, **changes: Any) -> RealignmentSettings:
        """Return the same with some settings changed."""
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them, with the number of steps that is between two looks."""
        layers = list(_listed(self.layers))
        return {**asdict(self), "layers": layers, "evaluate_every": self.steps_between_looks}


def require_settings(settings: object) -> None:
    """Refuse what are no settings, before any work.

    Raises:
        TypeError: Says what to give.
    """
    if settings is not None and not isinstance(settings, RealignmentSettings):
        raise TypeError(
            "settings must be xalign.RealignmentSettings, such as RealignmentSettings(steps=1000), got "
            f"{type(settings).__name__} {settings!r:.80}"
        )


def _listed(layers: Sequence[Layer] | Layer) -> tuple[Layer, ...]:
    return (layers,) if isinstance(layers, int | str) else tuple(layers)


def _one_of(argument: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise UnknownNameError(f"{argument} must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")


def _at_least(name: str, value: int | float, least: int) -> None:
    if not value >= least:
        raise SettingError(f"{name} must be at least {least}, got {value}")
