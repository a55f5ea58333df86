"""Scores of texts by models with a head: perplexity under one that predicts tokens, probability by one that classifies.

Imported where it is used, because torch takes seconds to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
import transformers
from jaxtyping import Float, Int

from xalign.encoders import Encoder, load_encoder
from xalign.encoders.batching import pad_right, plan_batches
from xalign.encoders.decoder_heads import check_decoder, load_with_head
from xalign.encoders.fingerprints import digest_texts, stamp_of
from xalign.encoders.weights import check_complete, read_weights
from xalign.errors import ModelError, UnknownNameError
from xalign.names import nearest

WINDOW = 1024
"""Tokens that are predicted from each other at most: their logits, by the vocabulary, must fit into memory."""
BATCH_TOKENS = 1024


def perplexities(texts: Sequence[str], name: str, *, device: str = "auto") -> Float[np.ndarray, " n"]:
    """Perplexity of each text: `exp(-mean_t log p(token_t | tokens before))` over all its tokens but the first.

    A text longer than the model reads is read in windows, each of which begins in the middle of the one before; a token
    is predicted in the first window that has it, so that beyond the first at least half a window stands before it.

    Args:
        texts: As the model's tokenizer cuts them, with the special tokens that it adds.
        name: Folder or hub name of a causal language model.
        device: Where it runs.

    Returns:
        Lower is likelier; NaN for a text of fewer than two tokens.

    Raises:
        ModelError: If the model cannot be loaded, or does not predict the next token from those before.

    References:
        Jelinek, Mercer, Bahl & Baker (1977), Perplexity: a measure of the difficulty of speech recognition tasks.
    """
    encoder = open_causal(name, device)
    model = _causal_model(encoder)
    rows = _tokens(encoder, texts)
    size = max(2, min(encoder.max_length, WINDOW))
    windows = [(row, *span) for row, ids in enumerate(rows) for span in find_windows(len(ids), size)]
    sums = np.zeros(len(rows))
    for batch in plan_batches([stop - start for _, start, stop, _ in windows], batch_tokens=BATCH_TOKENS):
        some = [windows[place] for place in batch]
        losses = _losses(encoder, model, [rows[row][start:stop] for row, start, stop, _ in some])
        for (row, start, stop, first), values in zip(some, losses, strict=True):
            sums[row] += values[first - start - 1 : stop - start - 1].sum()
    predicted = np.array([len(ids) - 1 for ids in rows])
    with np.errstate(over="ignore"):
        return np.exp(np.divide(sums, predicted, out=np.full(len(rows), np.nan), where=predicted > 0))


def find_windows(n: int, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, stop and first token predicted of the windows of a text of `n` tokens; together all but token 0."""
    start, first = 0, 1
    while first < n:
        stop = min(start + size, n)
        yield start, stop, first
        start, first = start + size // 2, stop


def _losses(encoder: Encoder, model: Any, rows: list[list[int]]) -> Float[np.ndarray, "b t"]:
    """Minus the log-probability of each token but the first, zero where there is none."""
    encoder.check_ids(model, rows)
    ids, mask = (torch.from_numpy(values).to(model.device) for values in pad_right(rows, pad_id=0))
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float().transpose(1, 2)
        losses = torch.nn.functional.cross_entropy(logits, ids[:, 1:], reduction="none")
    return (losses * mask[:, 1:]).double().cpu().numpy()


def probabilities(texts: Sequence[str], name: str, *, label: str = "", device: str = "auto") -> Float[np.ndarray, " n"]:
    """Probability of a label by a model that classifies texts; of a longer text than it reads, by the beginning.

    Args:
        texts: As the model's tokenizer cuts them.
        name: Folder or hub name of a model with a head for sequence classification.
        label: One of its labels; empty for its last.
        device: Where it runs.

    Returns:
        Softmax over the labels; the sigmoid of a model of several labels at a time; of a model of one label, which
        rates, its number. NaN for a text without a token.

    Raises:
        ModelError: If the model cannot be loaded, or has no such head.
        UnknownNameError: If it has no such label.
    """
    encoder = open_classifier(name, device)
    column = find_label(encoder, label)
    return _class_scores(texts, encoder)[:, column]


def likeliest_labels(texts: Sequence[str], name: str, *, device: str = "auto") -> list[str]:
    """The likeliest label of each text by a model that classifies; of a longer text than it reads, by the beginning.

    Returns:
        Labels; an empty one for a text without a token.

    Raises:
        ModelError: If the model cannot be loaded, has no such head, or has one label only.
    """
    encoder = open_classifier(name, device)
    scores = _class_scores(texts, encoder)
    if scores.shape[1] < 2:
        raise ModelError(f"{name}: a model of two labels or more was expected, got one")
    known = np.isfinite(scores).all(axis=1)
    best = np.where(known[:, None], scores, 0).argmax(axis=1).tolist()
    labels = [str(label) for _, label in sorted(encoder.config.id2label.items())]
    return [labels[place] if is_known else "" for place, is_known in zip(best, known, strict=True)]


def _class_scores(texts: Sequence[str], encoder: Encoder) -> Float[np.ndarray, "n labels"]:
    """The score of each label for each text; NaN for a text without a token."""
    model = _classifier(encoder)
    rows = _tokens(encoder, texts, cut=True)
    scores = np.full((len(rows), len(encoder.config.id2label)), np.nan)
    for places in _batches_of_one_length(rows, alone=model.config.pad_token_id is None):
        some = [rows[place] for place in places]
        encoder.check_ids(model, some)
        ids = torch.tensor(some, device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.double()
        scores[places] = _activated(logits, model.config).cpu().numpy()
    return scores


def _activated(logits: torch.Tensor, config: Any) -> torch.Tensor:
    if config.problem_type == "multi_label_classification":
        return torch.sigmoid(logits)
    return logits if logits.shape[1] == 1 else torch.softmax(logits, dim=1)


def _batches_of_one_length(rows: Sequence[Sequence[int]], *, alone: bool) -> Iterator[Int[np.ndarray, " batch"]]:
    """Rows that need no padding beside each other, which some heads cannot tell from text; one by one if `alone`."""
    order = sorted((place for place, row in enumerate(rows) if row), key=lambda place: -len(rows[place]))
    for length, same in groupby(order, key=lambda place: len(rows[place])):
        places, most = np.array(list(same)), 1 if alone else max(1, BATCH_TOKENS // length)
        yield from (places[start : start + most] for start in range(0, len(places), most))


def find_label(encoder: Encoder, label: str) -> int:
    """The column of a label; the last for an empty name.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    labels = {str(text): index for index, text in encoder.config.id2label.items()}
    if label and label not in labels:
        raise UnknownNameError(
            f"quality: the classifier {encoder.name} has no label {label!r}{nearest(label, labels)}; it has "
            f"{', '.join(labels)}"
        )
    return labels[label] if label else -1


def count_cut(texts: Sequence[str], encoder: Encoder) -> int:
    """How many texts are longer than a model reads."""
    return sum(len(row) > encoder.max_length for row in _tokens(encoder, texts))


def open_causal(name: str, device: str) -> Encoder:
    """Check a causal language model, without its weights.

    Raises:
        ModelError: If it is not there, or does not predict the next token from those before.
    """
    encoder = _open(name, device, stamp_of(name))
    check_decoder(encoder, what="perplexity")
    return encoder


def open_classifier(name: str, device: str) -> Encoder:
    """Check a model that classifies texts, without its weights.

    Raises:
        ModelError: If it is not there, or transformers knows no such head for it.
    """
    encoder = _open(name, device, stamp_of(name))
    if type(encoder.config) not in transformers.models.auto.modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise ModelError(f"{name}: a model that classifies texts was expected, got {encoder.architecture}")
    return encoder


@lru_cache(maxsize=4)
def _open(name: str, device: str, _stamp: str) -> Encoder:
    return load_encoder(name, device=device)


def content_of(encoder: Encoder) -> str:
    """Hash of all that decides what a model says; its folder names the pooling by which a quality model compares."""
    pooling = encoder.source.default_pooling
    return digest_texts([encoder.fingerprint, encoder.tokenizer_fingerprint, *encoder.numerics, pooling])


@lru_cache(maxsize=1)
def _causal_model(encoder: Encoder) -> Any:
    return load_with_head(encoder)


@lru_cache(maxsize=1)
def _classifier(encoder: Encoder) -> Any:
    source, kind = encoder.source, transformers.AutoModelForSequenceClassification
    model, report = read_weights(kind, source, encoder.config, encoder.placement)
    head = sorted(key for key in report["missing_keys"] if not key.startswith(f"{model.base_model_prefix}."))
    if head:
        raise ModelError(
            f"{source.name}: the weights hold no head that classifies ({', '.join(head)}), which would be random; give "
            "a model that was trained to classify (AutoModelForSequenceClassification, save_pretrained)"
        )
    check_complete(source, report)
    return model.to(encoder.placement.device).eval().requires_grad_(False)


def _tokens(encoder: Encoder, texts: Sequence[str], *, cut: bool = False) -> list[list[int]]:
    """Token ids of each text, none where it has none, with the special tokens that the tokenizer adds."""
    lowered = [text.lower() for text in texts] if encoder.source.lowercase else list(texts)
    limits: dict[str, Any] = {"truncation": True, "max_length": encoder.max_length} if cut else {}
    return encoder.tokenizer(lowered, padding=False, verbose=False, **limits)["input_ids"]
