"""A category for every conversation: what most of its user turns ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

CATEGORIES = ("Math", "Coding", "Generation", "Reasoning", "Brainstorming", "Factual QA", "Extraction")
"""What LASER tells apart."""

Classifier = Callable[[Sequence[str]], Sequence[str]]
"""A category for each text."""
Embedder = Callable[[Sequence[str]], Float[Any, "n d"]]
"""A vector for each text."""


def route_conversations(
    conversations: Sequence[Sequence[Mapping[str, Any]]], classify: Classifier, *, role: str = "user"
) -> list[str]:
    """Route each conversation to the category that most of its user turns have.

    The classifier sees all user turns of all conversations in one call; of categories that are equally frequent, the
    one whose turn comes first is taken.

    Args:
        conversations: Each a list of messages with `role` and `content`.
        classify: Gives a category for each of a list of texts.
        role: Whose turns count.

    Returns:
        A category for each conversation; an empty name where the classifier has one for none of its turns.

    Raises:
        ValueError: If a conversation has no such turn, or the classifier gives another number of categories.

    References:
        Mirza, Weber & Küch (2025), Stratified Selective Sampling for Instruction Tuning with Dedicated Scoring
            Strategy, arXiv:2505.22157, section on classification.
    """
    turns = [_turns(conversation, role, row) for row, conversation in enumerate(conversations)]
    texts = [text for spoken in turns for text in spoken]
    found = list(classify(texts)) if texts else []
    if len(found) != len(texts):
        raise ValueError(f"classify must give a category for each of the {len(texts)} texts, got {len(found)}")
    ends = np.cumsum([len(spoken) for spoken in turns], dtype=np.int64).tolist()
    starts = [0, *ends[:-1]]
    return [_majority(found[start:end]) for start, end in zip(starts, ends, strict=True)]


def nearest_category_classifier(embed: Embedder, examples: Mapping[str, Sequence[str]]) -> Classifier:
    """Build a classifier from a few examples: the category whose examples have the nearest mean vector, by cosine.

    With a multilingual encoder the examples may be of one language and the texts of another.

    Args:
        embed: Gives a vector for each of a list of texts.
        examples: Some texts of each category.

    Returns:
        What `route_conversations` takes; ties go to the category named first, and a text whose vector has no direction
        to none, which is an empty name.

    Raises:
        ValueError: If there is no category, or one has no example.
    """
    names, means = list(examples), _unit(np.stack([part.sum(axis=0) for part in _embed_each(embed, examples, least=1)]))

    def classify(texts: Sequence[str]) -> list[str]:
        vectors = np.asarray(embed(list(texts)), dtype=np.float64)
        known = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
        best = (np.where(known[:, None], vectors, 0) @ means.T).argmax(axis=1)
        return [names[place] if is_known else "" for place, is_known in zip(best, known, strict=True)]

    return classify


def held_out_accuracy(embed: Embedder, examples: Mapping[str, Sequence[str]]) -> float:
    """Return the share of examples that `nearest_category_classifier` built from all others gives their own category.

    Args:
        embed: Gives a vector for each of a list of texts.
        examples: Two texts or more of each category. By chance 1 in as many as there are categories is right.

    Returns:
        In [0, 1].

    Raises:
        ValueError: If there is no category, or one has fewer than two examples.
    """
    vectors = _embed_each(embed, examples, least=2)
    sums = np.stack([part.sum(axis=0) for part in vectors])
    right = 0
    for own, part in enumerate(vectors):
        cosines = part @ _unit(sums).T
        cosines[:, own] = np.einsum("ij,ij->i", part, _unit(sums[own] - part))
        right += int((cosines.argmax(axis=1) == own).sum())
    return right / sum(map(len, vectors))


def _embed_each(
    embed: Embedder, examples: Mapping[str, Sequence[str]], *, least: int
) -> list[Float[np.ndarray, "_ d"]]:
    """Unit vectors of each category's examples."""
    if not examples:
        raise ValueError("examples must hold texts for each category, got no category")
    for name, texts in examples.items():
        if len(texts) < least:
            raise ValueError(f"examples must hold {least} or more for each category, got {len(texts)} for {name!r}")
    return [_unit(np.asarray(embed(list(texts)), dtype=np.float64)) for texts in examples.values()]


def _turns(conversation: Sequence[Mapping[str, Any]], role: str, row: int) -> list[str]:
    turns = [str(message["content"]) for message in conversation if message.get("role") == role]
    if not turns:
        raise ValueError(f"conversations must have a turn of {role!r}, got none in row {row}; leave that row out")
    return turns


def _majority(categories: Sequence[str]) -> str:
    """The most frequent of those that are told; Counter keeps the order of first appearance among equals."""
    told = Counter(name for name in categories if name)
    return told.most_common(1)[0][0] if told else ""


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)
