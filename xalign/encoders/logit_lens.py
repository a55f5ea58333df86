"""The logit lens: a decoder's states of every layer, read through its own final norm and unembedding."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from tqdm import tqdm

from probes.lens import LanguageProbabilities, answer_masses, entropy_bits, separate_answers
from xalign.encoders.batching import pad_right, plan_batches
from xalign.encoders.decoder_heads import DecoderHead, check_decoder, find_head, load_with_head
from xalign.encoders.encoder import Encoder
from xalign.encoders.layered import LayeredModel, examine, hook_inputs
from xalign.encoders.loading import load_encoder
from xalign.encoders.request import make_request
from xalign.errors import ActivationError

PROBE_TEXT = "a b"
DISTRIBUTION_ELEMENTS = 1 << 25
"""How many probabilities are held at a time: layers x prompts x vocabulary."""


class LogitLens:
    """A decoder, every layer of which is read as if it were the last; made by `load_logit_lens`.

    Attributes:
        name: As it was asked for.
        tokenizer: The transformers tokenizer.
        n_layers: Number of blocks; layers are 0 (embeddings) to `n_layers`.
        max_length: The longest prompt in tokens.
    """

    def __init__(self, encoder: Encoder, model: Any, layered: LayeredModel, head: DecoderHead) -> None:
        self.name, self.tokenizer, self.max_length = encoder.name, encoder.tokenizer, encoder.max_length
        self.n_layers = layered.n_layers
        self._encoder, self._model, self._layered, self._head = encoder, model, layered, head

    def __repr__(self) -> str:
        return f"LogitLens({self.name!r}, {self.n_layers} layers, {self.vocabulary} tokens)"

    @property
    def vocabulary(self) -> int:
        """How many tokens the model can predict; may be more than the tokenizer has."""
        return self._head.vocabulary

    def distributions(
        self,
        prompts: Sequence[str],
        *,
        layers: Sequence[int] | None = None,
        batch_tokens: int = 1024,
        progress: bool = True,
    ) -> Float[np.ndarray, "layers n vocabulary"]:
        """Return the distribution of the token after each prompt, as every layer would have it.

        The states of a prompt's last token go through the model's final norm and unembedding; the last layer's are the
        model's own prediction. Memory: layers x prompts x vocabulary x 4 bytes; `language_probabilities` holds a part
        of it at a time.

        Args:
            prompts: Texts to be continued, none blank. Special tokens are put before, never behind.
            layers: Layer numbers in 0..n_layers, kept in ascending order; all if None.
            batch_tokens: Padded tokens of a batch.
            progress: Show a bar on stderr.

        Returns:
            Probabilities in float32.

        Raises:
            UnknownNameError: If a layer does not exist.
            ValueError: If there is no prompt, one is blank, or one is longer than the model reads.
            ActivationError: If a value is NaN or infinite.

        References:
            nostalgebraist (2020), interpreting GPT: the logit lens.
        """
        numbers = make_request(self.n_layers, layers, "mean", None).layers
        found = np.empty((len(numbers), len(prompts), self.vocabulary), dtype=np.float32)
        for rows, values in self._read(prompts, numbers, batch_tokens, progress):
            found[:, rows] = values.cpu().numpy()
        return found

    def language_probabilities(
        self,
        prompts: Sequence[str],
        token_sets: Mapping[str, Sequence[Collection[int]]],
        *,
        layers: Sequence[int] | None = None,
        batch_tokens: int = 1024,
        progress: bool = True,
    ) -> LanguageProbabilities:
        """Add up, at every layer, the probability of the tokens that begin each language's answer.

        `probes.lens.language_probabilities` of `distributions`, without holding them.

        Args:
            prompts: As in `distributions`.
            token_sets: By language, for each prompt the tokens that its answer can begin with.
            layers: As in `distributions`.
            batch_tokens: As in `distributions`.
            progress: Show a bar on stderr.

        Raises:
            XalignError: As in `distributions`.
            ValueError: As in `distributions` and `probes.lens.language_probabilities`.

        References:
            Wendler et al. (2024), Do Llamas Work in English?, arXiv:2402.10588.
        """
        numbers = make_request(self.n_layers, layers, "mean", None).layers
        answers = separate_answers(token_sets, self.vocabulary)
        n = answers.sizes.shape[1]
        if n != len(prompts):
            raise ValueError(f"token_sets must hold a set for each of the {len(prompts)} prompts, got {n}")
        masses = np.empty((len(answers.languages), len(numbers), n, n))
        entropies = np.empty((len(numbers), n))
        for rows, values in self._read(prompts, numbers, batch_tokens, progress):
            masses[:, :, rows], entropies[:, rows] = answer_masses(values, answers), entropy_bits(values)
        return LanguageProbabilities(answers.languages, masses, entropies, answers)

    def _read(
        self, prompts: Sequence[str], numbers: tuple[int, ...], batch_tokens: int, progress: bool
    ) -> Iterator[tuple[Int[np.ndarray, " b"], Float[torch.Tensor, "layers b vocabulary"]]]:
        ids = self._tokenize(prompts)
        held = max(1, DISTRIBUTION_ELEMENTS // (len(numbers) * self.vocabulary))
        bar = tqdm(total=len(prompts), desc=self.name, unit=" prompts", disable=not progress, leave=False)
        with bar, torch.inference_mode():
            for rows in plan_batches([len(row) for row in ids], batch_tokens=batch_tokens):
                states = self._last_states([ids[row] for row in rows], numbers)
                for start in range(0, rows.size, held):
                    part = slice(start, start + held)
                    values = [
                        self._head.probabilities(states[number][part], normed=number == self.n_layers)
                        for number in numbers
                    ]
                    found = torch.stack([value.to(self._model.device) for value in values])
                    self._check_finite(found, numbers, rows[part])
                    yield rows[part], found
                bar.update(rows.size)

    def _last_states(self, rows: list[list[int]], numbers: tuple[int, ...]) -> dict[int, torch.Tensor]:
        """Return each layer's states of the last token of each prompt."""
        ids, mask = (torch.from_numpy(array).to(self._model.device) for array in pad_right(rows, pad_id=0))
        last, kept = mask.sum(dim=1) - 1, {}

        def receive(number: int, states: torch.Tensor) -> None:
            if number in numbers:
                kept[number] = states[torch.arange(len(rows), device=states.device), last.to(states.device)]

        handles = hook_inputs(self._layered.blocks, receive)
        try:
            self._layered.forward(ids, mask, receive)
        finally:
            for handle in handles:
                handle.remove()
        return kept

    def _tokenize(self, prompts: Sequence[str]) -> list[list[int]]:
        """Return token ids without the special tokens that some tokenizers put at the end."""
        tokens = self._encoder.tokenize(prompts)
        if tokens.truncated.any():
            row = int(np.flatnonzero(tokens.truncated)[0])
            raise ValueError(
                f"prompts[{row}] must be at most {self.max_length} tokens long, special ones included, and is longer; "
                "its end would be lost: take fewer examples"
            )
        self._encoder.check_ids(self._model, tokens.rows)
        return [_without_end(row, words) for row, words in zip(tokens.rows, tokens.words, strict=True)]

    def _check_finite(self, values: torch.Tensor, numbers: tuple[int, ...], rows: Int[np.ndarray, " b"]) -> None:
        fine = torch.isfinite(values).all(dim=2)
        if not bool(fine.all()):
            layer, row = (int(place) for place in torch.argwhere(~fine)[0])
            raise ActivationError(
                f"{self.name}: layer {numbers[layer]} gave NaN or infinite values for prompt {rows[row]} (from 0); try "
                "dtype='float32', or look for damaged weights"
            )


def load_logit_lens(
    name_or_path: str | Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
    device_map: str | Mapping[str, Any] | None = None,
) -> LogitLens:
    """Load a decoder with its language-model head to read every layer through it.

    The same checks as `load_encoder`, and one more: from the last block's states, final norm and unembedding must give
    the model's own prediction. Only safetensors weights are read.

    Args:
        name_or_path: A folder or a name on the hub.
        device: As in `load_encoder`.
        dtype: As in `load_encoder`.
        revision: As in `load_encoder`.
        trust_remote_code: As in `load_encoder`.
        device_map: As in `load_encoder`.

    Raises:
        ModelError: As `load_encoder`; if the model is no decoder, was saved without its head, or does something else
            between its last block and its prediction.
    """
    encoder = load_encoder(
        name_or_path, device=device, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code,
        device_map=device_map,
    )  # fmt: skip
    check_decoder(encoder)
    model = load_with_head(encoder)
    rows = encoder.tokenize([PROBE_TEXT]).rows
    encoder.check_ids(model, rows)
    ids = torch.tensor(rows, device=model.device)
    layered = examine(model.base_model, ids, site="gate", pattern=None)
    with torch.inference_mode():
        head = find_head(encoder, model, layered, ids)
    return LogitLens(encoder, model, layered, head)


def _without_end(row: list[int], words: list[int]) -> list[int]:
    """Cut what follows the last of the sentence's own tokens."""
    end = len(row)
    while words and end and row[end - 1] != words[-1]:
        end -= 1
    return row[: end or len(row)]
