"""Encoding: what reading every layer costs beside the forward passes alone, and beside one sentence at a time."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel

from benchmarks.rows import Row, outruns
from benchmarks.settings import Settings
from benchmarks.text import parallel_text
from benchmarks.timing import in_turn, side_by_side
from xalign import Encoder, load_encoder
from xalign.encoders.batching import pad_right, plan_batches
from xalign.encoders.layered import find_blocks, hook_neurons
from xalign.encoders.neuron_sites import find_neuron_sites

BATCH_TOKENS = 1024


def rows(settings: Settings) -> Iterator[Row]:
    """Measure the embedded model and, in a full run, one of the usual size (random weights: only time is asked)."""
    yield from _rows(load_encoder(dtype="float32", device="cpu"), settings, limit=settings.choose(500, 100))
    if not settings.quick:
        with tempfile.TemporaryDirectory() as folder:
            save_base_model(Path(folder))
            yield from _rows(load_encoder(folder, device="cpu"), settings, limit=30, name="random BERT-base")


def _rows(encoder: Encoder, settings: Settings, *, limit: int, name: str = "") -> Iterator[Row]:
    corpus, (sentences,) = parallel_text(settings.data, ["deu_Latn"], limit=limit)
    bare, layers_singly = in_turn(
        lambda: encoder.encode(sentences, batch_tokens=BATCH_TOKENS, progress=False),
        bare_loop(encoder, sentences),
        lambda: layers_one_at_a_time(encoder, sentences),
        repeats=3,
    )
    everything_singly = side_by_side(
        lambda: encoder.encode(sentences, batch_tokens=BATCH_TOKENS, neurons="nas", progress=False),
        lambda: (layers_one_at_a_time(encoder, sentences), neurons_one_at_a_time(encoder, sentences)),
        repeats=3,
    )
    what = f"encoding, {name or encoder.name}"
    size = f"{len(sentences)} German sentences of {corpus}, {encoder.n_layers} x {encoder.hidden_size}"
    yield outruns(what, size, bare, "bare forward passes over the same batches", at_least=0.9)
    yield outruns(
        f"{what}, layers and neurons", size, everything_singly, "one sentence at a time, a pass for each", at_least=3
    )
    yield outruns(f"{what}, layers alone", size, layers_singly, "one sentence at a time")


def bare_loop(encoder: Encoder, sentences: list[str]) -> Callable[[], None]:
    """Return the forward passes of `encode` and nothing else: batches are tokenised and padded beforehand."""
    ids = encoder.tokenize(sentences).rows
    plan = plan_batches([len(row) for row in ids], batch_tokens=BATCH_TOKENS)
    padded = [pad_right([ids[i] for i in rows], pad_id=encoder.tokenizer.pad_token_id) for rows in plan]
    batches = [tuple(torch.from_numpy(part) for part in batch) for batch in padded]

    def run() -> None:
        with torch.inference_mode():
            for input_ids, attention_mask in batches:
                encoder.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)

    return run


def layers_one_at_a_time(encoder: Encoder, sentences: list[str]) -> np.ndarray:
    """Return the mean of every layer's tokens, a sentence at a time, as probing code is usually written."""
    vectors = []
    with torch.no_grad():
        for sentence in sentences:
            states = encoder.model(**_inputs(encoder, sentence), output_hidden_states=True).hidden_states
            vectors.append(np.stack([layer[0].mean(dim=0).numpy() for layer in states]))
    return np.stack(vectors, axis=1)


def neurons_one_at_a_time(encoder: Encoder, sentences: list[str]) -> np.ndarray:
    """Return every block's activation states, a sentence at a time, as the programs that read neurons are written.

    They are not those that read hidden states, so a study of both runs the model twice.
    """
    seen: list[torch.Tensor] = []
    sites = find_neuron_sites(encoder.model, find_blocks(encoder.model), site="gate", pattern=None)
    handles = hook_neurons(sites, lambda _, states: seen.append(states))
    states = []
    with torch.no_grad():
        for sentence in sentences:
            seen.clear()
            encoder.model(**_inputs(encoder, sentence))
            weights = torch.arange(1.0, seen[0].shape[-2] + 1)
            weights /= weights.sum()
            states.append(np.stack([(weights @ (layer.squeeze(0) > 0).float()).numpy() for layer in seen]))
    for handle in handles:
        handle.remove()
    return np.stack(states)


def _inputs(encoder: Encoder, sentence: str) -> dict[str, torch.Tensor]:
    return encoder.tokenizer(
        sentence, return_tensors="pt", truncation=True, max_length=encoder.max_length, return_token_type_ids=False
    )


def save_base_model(folder: Path) -> None:
    """Save a BERT-base of random weights with the embedded model's tokenizer."""
    tokenizer = load_encoder().tokenizer
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    BertModel(config).eval().save_pretrained(folder)
