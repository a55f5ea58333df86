"""Retrieval between English and the other languages on a split of FLORES, at every layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from transformers import PreTrainedTokenizerBase

from xalign.embedded.training.network import masked_mean
from xalign.embedded.training.sources import EMBEDDED_LANGUAGES, ENGLISH, read_flores


@dataclass(frozen=True)
class RetrievalScores:
    """P@1 between English and other languages.

    Attributes:
        languages: The other languages.
        from_english: (layers, languages); the share of English sentences whose nearest neighbour is their translation.
        to_english: The same from the other language to English.
        n: Sentences in the pool.
    """

    languages: tuple[str, ...]
    from_english: Float[np.ndarray, "layers languages"]
    to_english: Float[np.ndarray, "layers languages"]
    n: int

    @property
    def mean(self) -> Float[np.ndarray, "layers languages"]:
        """Average of both directions."""
        return (self.from_english + self.to_english) / 2

    @property
    def best_layer(self) -> int:
        """The layer with the highest mean over languages."""
        return int(self.mean.mean(axis=1).argmax())


def flores_texts(folder: Path, splits: tuple[str, ...], rows: Sequence[int] | None = None) -> dict[str, list[str]]:
    """Read the sentences of the 24 languages, in the order of `index_id`.

    Args:
        folder: Of FLORES-200.
        splits: Which splits.
        rows: Keep these `index_id` only.
    """
    groups = [group for group in read_flores(folder, splits) if rows is None or group.row in set(rows)]
    return {language: [group.texts[language] for group in groups] for language in EMBEDDED_LANGUAGES}


@torch.inference_mode()
def embed_layers(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, sentences: Sequence[str]
) -> Float[np.ndarray, "layers n d"]:
    """Mean-pool every layer's hidden states, layer 0 being the embeddings."""
    inputs = tokenizer(list(sentences), padding=True, truncation=True, max_length=128, return_tensors="pt")
    output = model(inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True)
    pooled = [masked_mean(hidden, inputs["attention_mask"]) for hidden in output.hidden_states]
    return torch.stack(pooled).numpy()


def retrieval_scores(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, texts: Mapping[str, Sequence[str]]
) -> RetrievalScores:
    """Score a model on multi-parallel sentences, at every layer and in both directions.

    Args:
        model: An encoder with hidden states.
        tokenizer: Its tokenizer.
        texts: Language -> sentences, the same number in each; English among them.
    """
    training = model.training
    model.eval()
    english = _unit(embed_layers(model, tokenizer, texts[ENGLISH]))
    others = tuple(language for language in texts if language != ENGLISH)
    forward, backward = [], []
    for language in others:
        similarity = english @ _unit(embed_layers(model, tokenizer, texts[language])).transpose(0, 2, 1)
        truth = np.arange(similarity.shape[1])
        forward.append((similarity.argmax(axis=2) == truth).mean(axis=1))
        backward.append((similarity.argmax(axis=1) == truth).mean(axis=1))
    model.train(training)
    return RetrievalScores(others, np.stack(forward, 1), np.stack(backward, 1), english.shape[1])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
