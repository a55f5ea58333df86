"""Vectors of the tokens of many sentences at some layers: batched forward passes that end at the last layer asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from xalign.encoders import Encoder
from xalign.encoders.layered import LayeredModel, hook_inputs
from xalign.encoders.tokenizing import Tokens
from xalign.errors import ActivationError
from xalign.word_alignment.linear_kernels import fast_linear_layers
from xalign.word_alignment.tokens import WordTokens
from xalign.word_alignment.windows import Window, cut_window, plan_windows


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The vectors of some sentences' tokens, sentence after sentence.

    Attributes:
        values: Their values in float32, on the model's device, layers in the order asked.
        words: The word of each row, from 0 within its sentence.
        counts: How many rows each sentence has.
        cut: Which sentences were read in part only.
    """

    values: Float[torch.Tensor, "layers rows d"]
    words: Int[np.ndarray, " rows"]
    counts: Int[np.ndarray, " sentences"]
    cut: list[bool]


def read_tokens(
    encoder: Encoder, tokens: WordTokens, chosen: Sequence[int], *, layers: Sequence[int], windows: bool = True
) -> TokenVectors:
    """Read the vectors of some sentences' tokens, special tokens left out.

    Args:
        encoder: The model.
        tokens: Of all sentences.
        chosen: Which sentences; those without a token have no rows.
        layers: Layer numbers; blocks above the highest are not run.
        windows: Read what is longer than the model in overlapping windows; False cuts it off.

    Raises:
        ActivationError: If a value is NaN or infinite; sentences 2i and 2i + 1 are the sides of pair i.
    """
    size = encoder.max_length - tokens.n_special
    plan = plan_windows if windows else cut_window
    planned = [plan(len(tokens.ids[i]), size) if tokens.ids[i] else [] for i in chosen]
    counts = np.array([row[-1].last if row else 0 for row in planned], dtype=np.int64)
    firsts = np.cumsum(counts) - counts
    values = _run_all(encoder, tokens, list(chosen), (planned, firsts), layers)
    words = [tokens.words[i][:n] for i, n in zip(chosen, counts.tolist(), strict=True)]
    cut = [len(tokens.ids[i]) > n for i, n in zip(chosen, counts.tolist(), strict=True)]
    found = TokenVectors(values, np.concatenate([np.zeros(0, dtype=np.int64), *words]), counts, cut)
    _require_finite(encoder, found, chosen, layers)
    return found


def mean_by_word(found: TokenVectors) -> TokenVectors:
    """Average the tokens of each word; tokens of no word are left out, and words without a token have no row."""
    sentence = np.repeat(np.arange(found.counts.size), found.counts)
    new = np.ones(found.words.size, dtype=bool)
    new[1:] = (np.diff(found.words) != 0) | (np.diff(sentence) != 0)
    starts = np.flatnonzero(new)
    real = found.words[starts] >= 0
    lengths = torch.from_numpy(np.diff([*starts.tolist(), found.words.size])).to(found.values.device)
    means = torch.stack([torch.segment_reduce(layer, "mean", lengths=lengths) for layer in found.values])
    starts = starts[real]
    counts = np.bincount(sentence[starts], minlength=found.counts.size)
    return TokenVectors(means[:, torch.from_numpy(real).to(means.device)], found.words[starts], counts, found.cut)


def _run_all(
    encoder: Encoder,
    tokens: WordTokens,
    chosen: list[int],
    places: tuple[list[list[Window]], Int[np.ndarray, " sentences"]],
    layers: Sequence[int],
) -> Float[torch.Tensor, "layers rows d"]:
    """Run every window; `places` are the sentences' windows and first rows."""
    planned, firsts = places
    windows = [(k, window) for k, row in enumerate(planned) for window in row]
    n_rows, device = sum(window.last - window.first for _, window in windows), None
    rows = [[*tokens.prefix, *tokens.ids[chosen[k]][w.start : w.stop], *tokens.suffix] for k, w in windows]
    values: torch.Tensor = torch.empty((len(layers), n_rows, encoder.hidden_size))
    if not windows:
        return values
    with torch.inference_mode(), fast_linear_layers(encoder.model):
        for batch, ids, mask in encoder.batches(Tokens(rows, [], np.zeros(len(rows), dtype=bool)), None):
            if device is None:
                device = ids.device
                values = values.to(device)
            taken, put = _indices([windows[i] for i in batch.tolist()], firsts, len(tokens.prefix), ids.shape[1])
            _run(encoder, (ids, mask), layers, _copier(values, layers, taken, put))
    return values


def _indices(
    windows: list[tuple[int, Window]], firsts: Int[np.ndarray, " sentences"], shift: int, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which tokens of a padded batch, all rows in one, are taken, and at which row each is put."""
    taken, put = [], []
    for row, (k, window) in enumerate(windows):
        start = row * width + shift - window.start
        taken.append(np.arange(start + window.first, start + window.last))
        put.append(np.arange(firsts[k] + window.first, firsts[k] + window.last))
    return torch.from_numpy(np.concatenate(taken)), torch.from_numpy(np.concatenate(put))


def _copier(
    values: torch.Tensor, layers: Sequence[int], taken: torch.Tensor, put: torch.Tensor
) -> Callable[[int, torch.Tensor], None]:
    def copy(number: int, states: torch.Tensor) -> None:
        rows = states.flatten(0, 1)[taken.to(states.device)].to(values)
        values[layers.index(number)].index_copy_(0, put.to(values.device), rows)

    return copy


class _LastLayerSeen(Exception):  # noqa: N818 - no error: it ends a forward pass
    """What is asked has been read."""


def _run(
    encoder: Encoder,
    inputs: tuple[torch.Tensor, torch.Tensor],
    layers: Sequence[int],
    copy: Callable[[int, torch.Tensor], None],
) -> None:
    """Run one batch up to the last layer asked."""
    layered: LayeredModel = encoder.layered
    whole = encoder.placement.device_map is not None or not layered.blocks

    def receive(number: int, states: torch.Tensor) -> None:
        if number in layers:
            copy(number, states)
        if number == max(layers) and number < layered.n_layers and not whole:
            raise _LastLayerSeen

    handles = hook_inputs(layered.blocks, receive)
    try:
        layered.forward(*inputs, receive)
    except _LastLayerSeen:
        pass
    finally:
        for handle in handles:
            handle.remove()


def _require_finite(encoder: Encoder, found: TokenVectors, chosen: Sequence[int], layers: Sequence[int]) -> None:
    fine = torch.isfinite(found.values).all(dim=2)
    if bool(fine.all()):
        return
    layer, row = (~fine).nonzero()[0].tolist()
    sentence = chosen[int(np.searchsorted(np.cumsum(found.counts), row, side="right"))]
    side = ("source", "target")[sentence % 2]
    raise ActivationError(
        f"{encoder.name}: layer {layers[layer]} gave NaN or infinite values for pairs[{sentence // 2}], its {side}, in "
        f"{encoder.dtype}; try dtype='float32', or look for damaged weights"
    )
