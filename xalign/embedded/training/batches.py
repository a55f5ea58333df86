"""Batches as a function of seed and step: which groups, in which languages, with which pieces dropped or cut."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer

from xalign.embedded.training.recipe import Recipe
from xalign.embedded.training.sources import EMBEDDED_LANGUAGES, ENGLISH, SOURCES, Group
from xalign.embedded.training.tokenizer import BEGIN, END, piece_scores, piece_splits

MOST_WEIGHT = 2.5


@dataclass(frozen=True)
class Batch:
    """Sentences of one step.

    Attributes:
        pieces: Piece ids of each sentence, special ones included; n arrays of different lengths.
        group: Position of each sentence's group among the step's groups.
        english: For each group of the step, the row of its English sentence among the teacher's, or -1.
    """

    pieces: list[np.ndarray]
    group: Int[np.ndarray, " n"]
    english: Int[np.ndarray, " groups"]


class BatchSampler:
    """Draws batches from tokenized groups; the same step gives the same batch, whatever came before.

    A group of one sentence gives two views of it, with different pieces dropped.

    Args:
        groups: The training data.
        tokenizer: Of the model.
        recipe: Shares and probabilities.
    """

    def __init__(self, groups: Sequence[Group], tokenizer: Tokenizer, recipe: Recipe):
        self.recipe = recipe
        self.english: list[str] = []
        self._members: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._english_row: list[int] = []
        self._by_source: dict[str, list[int]] = defaultdict(list)
        self._weights: dict[str, list[float]] = defaultdict(list)
        texts: list[str] = []
        for group in groups:
            self._add(group, texts)
        encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
        self._pieces = [np.array(encoding.ids, dtype=np.int32) for encoding in encoded]
        self._splits = piece_splits(piece_scores(tokenizer))

    def _add(self, group: Group, texts: list[str]) -> None:
        languages = list(group.texts)
        rows = np.arange(len(texts), len(texts) + len(languages))
        weights = np.array([self._weight(language) for language in languages])
        self._by_source[group.source].append(len(self._members))
        english = float(ENGLISH in group.texts and len(languages) > 1)
        self._weights[group.source].append(min(MOST_WEIGHT, weights.sum() - english))
        self._members.append((rows, weights, np.array([language == ENGLISH for language in languages])))
        self._english_row.append(len(self.english) if ENGLISH in group.texts else -1)
        if ENGLISH in group.texts:
            self.english.append(group.texts[ENGLISH])
        texts.extend(group.texts.values())

    def _weight(self, language: str) -> float:
        if language not in EMBEDDED_LANGUAGES:
            return self.recipe.other_languages
        return self.recipe.language_weight.get(language, 1.0)

    def draw(self, step: int, *, n_groups: int, drop: float) -> Batch:
        """Draw the batch of one step.

        Args:
            step: Its number.
            n_groups: How many groups.
            drop: Share of pieces deleted.
        """
        generator = np.random.default_rng([self.recipe.seed, step])
        pieces: list[np.ndarray] = []
        positions: list[int] = []
        chosen = self._choose_groups(generator, n_groups)
        for position, index in enumerate(chosen):
            for row in self._choose_views(generator, index):
                pieces.append(self._augment(generator, self._pieces[row], drop))
                positions.append(position)
        english = np.array([self._english_row[index] for index in chosen])
        return Batch(pieces, np.array(positions), english)

    def _choose_groups(self, generator: np.random.Generator, n_groups: int) -> list[int]:
        shares = np.array([self.recipe.source_share[s] if self._by_source[s] else 0.0 for s in SOURCES])
        wanted = generator.multinomial(n_groups, shares / shares.sum())
        counts = [min(count, len(self._by_source[source])) for source, count in zip(SOURCES, wanted, strict=True)]
        drawn = [
            generator.choice(self._by_source[source], size=count, replace=False, p=_shares(self._weights[source]))
            for source, count in zip(SOURCES, counts, strict=True)
            if count
        ]
        return np.concatenate(drawn).tolist()

    def _choose_views(self, generator: np.random.Generator, index: int) -> np.ndarray:
        rows, weights, english = self._members[index]
        if rows.size == 1:
            return np.repeat(rows, 2)
        room = self.recipe.views - int(english.any())
        others, weights = rows[~english], weights[~english]
        taken = generator.choice(others, size=min(room, len(others)), replace=False, p=weights / weights.sum())
        return np.concatenate([rows[english], taken])

    def _augment(self, generator: np.random.Generator, pieces: np.ndarray, drop: float) -> np.ndarray:
        for _ in range(2):
            pieces = split_pieces(generator, pieces, self._splits, self.recipe.split)
        kept = pieces[generator.random(len(pieces)) >= drop]
        pieces = kept if len(kept) else pieces[:1]
        room = self.recipe.longest - 2
        return np.concatenate([[BEGIN], pieces[:room], [END]]).astype(np.int64)


def _shares(weights: Sequence[float]) -> Float[np.ndarray, " n"]:
    return np.array(weights) / np.sum(weights)


def split_pieces(
    generator: np.random.Generator, pieces: Int[np.ndarray, " n"], splits: Int[np.ndarray, "v ways 2"], share: float
) -> Int[np.ndarray, " m"]:
    """Cut some pieces in two, each in one of its best ways, as subword regularisation."""
    way = generator.integers(splits.shape[1], size=len(pieces))
    halves = splits[pieces, way]
    cut: Bool[np.ndarray, " n"] = (generator.random(len(pieces)) < share) & (halves[:, 0] >= 0)
    lengths = 1 + cut
    result = np.repeat(pieces, lengths)
    first = (np.cumsum(lengths) - lengths)[cut]
    result[first], result[first + 1] = halves[cut, 0], halves[cut, 1]
    return result


def pad(pieces: Sequence[np.ndarray], padding: int) -> Int[np.ndarray, "n length"]:
    """Stack sentences of different lengths, padded on the right."""
    result = np.full((len(pieces), max(map(len, pieces))), padding, dtype=np.int64)
    for row, sentence in enumerate(pieces):
        result[row, : len(sentence)] = sentence
    return result
