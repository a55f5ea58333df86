"""Pairs of responses to an instruction, of which one is better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xalign.encoders.fingerprints import digest_texts
from xalign.quality.errors import QualityError

APART = 5
"""Positions left out between train and test: translations of one instruction may stand a few places apart."""


@dataclass(frozen=True)
class PreferencePairs:
    """Instructions, each with a better and a worse response.

    Attributes:
        instructions: With their input, where there is one.
        better: The response that is preferred, such as an expert's revision.
        worse: The other, such as a machine translation.
        languages: Of each pair, as `swh_Latn`; empty where it is not known.
        positions: The place of each pair among the rows of its language, those left out too: in parallel data, equal
            places are translations.
        skipped: Rows that were left out, with file, place and reason.
        n_equal: Pairs left out because both responses are the same.
        n_unplaced: Lines of files with several languages, broken, blank or without language, that may be of any: a
            pair's true place is its position or up to so many places later.
    """

    instructions: tuple[str, ...]
    better: tuple[str, ...]
    worse: tuple[str, ...]
    languages: tuple[str, ...]
    positions: tuple[int, ...]
    skipped: tuple[str, ...] = ()
    n_equal: int = 0
    n_unplaced: int = 0

    @property
    def n(self) -> int:
        """How many pairs."""
        return len(self.instructions)

    @property
    def n_by_language(self) -> dict[str, int]:
        """Pairs of each language."""
        return dict(Counter(self.languages))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all texts in their order, and of their languages and positions."""
        places = map(str, self.positions)
        return digest_texts([*self.instructions, *self.better, *self.worse, *self.languages, *places])

    def take(self, rows: Sequence[int]) -> PreferencePairs:
        """Return some of the pairs, in the order given."""
        texts = (self.instructions, self.better, self.worse, self.languages)
        instructions, better, worse, languages = (tuple(column[i] for i in rows) for column in texts)
        positions = tuple(self.positions[i] for i in rows)
        return PreferencePairs(instructions, better, worse, languages, positions, n_unplaced=self.n_unplaced)

    def sample(self, n: int, *, seed: int = 0) -> PreferencePairs:
        """Draw n pairs without replacement, all if there are fewer."""
        rows = np.random.default_rng(seed).permutation(self.n)[:n]
        return self.take(np.sort(rows).tolist())


def hold_out(
    pairs: PreferencePairs, languages: Collection[str], *, share: float = 0.3
) -> tuple[PreferencePairs, PreferencePairs]:
    """Divide pairs so that neither a language nor, in parallel data, an instruction is on both sides.

    In parallel data the same instruction stands at about the same place in every language, so that a model tested on
    other languages alone would know every instruction. The last part of each language's places is kept for testing, in
    the languages held out; training has the other languages' first part, which ends earlier by `n_unplaced`, so that
    lines whose language cannot be known move no translation of a test's instruction into training. Pairs whose own
    language is not known are trained on in no case, as it may be one that is held out.

    Args:
        pairs: All of them.
        languages: Those that are held out; none of them is trained on.
        share: Of the places that are kept for testing, in (0, 1).

    Returns:
        Pairs to train on and pairs to test on.

    Raises:
        QualityError: If a language has no pairs, or one side is empty.
    """
    if not 0 < share < 1:
        raise QualityError(f"share must be between 0 and 1, got {share}")
    unknown = [language for language in languages if language not in set(pairs.languages)]
    if unknown:
        known = ", ".join(sorted(set(pairs.languages))) or "none"
        raise QualityError(f"languages to hold out must have pairs, got {unknown[0]!r}; there are {known}")
    cut = round((1 - share) * (max(pairs.positions, default=0) + 1))
    last = cut - pairs.n_unplaced
    places = list(zip(pairs.languages, pairs.positions, strict=True))
    train = [i for i, (language, place) in enumerate(places) if language not in {"", *languages} and place < last]
    test = [i for i, (language, place) in enumerate(places) if language in languages and place >= cut + APART]
    if not train or not test:
        side = "train" if not train else "test"
        doubt = f", or mend the {pairs.n_unplaced} lines whose language cannot be known" if pairs.n_unplaced else ""
        raise QualityError(
            f"holding out {', '.join(languages)} leaves nothing to {side} on; hold out fewer languages{doubt}"
        )
    return pairs.take(train), pairs.take(test)


def hold_out_pairs(
    pairs: PreferencePairs, *, share: float = 0.1, seed: int = 0
) -> tuple[PreferencePairs, PreferencePairs]:
    """Divide pairs so that both sides have the same languages, but no instruction is on both.

    Of one language, places are drawn at random. Of several, which may be parallel, it is one run of places with a gap
    on either side, as in `hold_out`, so that no translation of a test's instruction is trained on.

    Args:
        pairs: All of them.
        share: Of the places that are kept for testing, in (0, 1).
        seed: Of the draw.

    Returns:
        Pairs to train on and pairs to test on.

    Raises:
        QualityError: If nothing is left to train on.
    """
    if not 0 < share < 1:
        raise QualityError(f"share must be between 0 and 1, got {share}")
    places = np.array(pairs.positions)
    n = int(places.max(initial=-1)) + 1
    size, rng = max(1, round(share * n)), np.random.default_rng(seed)
    if len(set(pairs.languages)) > 1:
        gap, start = APART + pairs.n_unplaced, rng.integers(0, n - size + 1)
        test = (places >= start) & (places < start + size)
        near = (places >= start - gap) & (places < start + size + gap)
    else:
        test = near = np.isin(places, rng.permutation(np.unique(places))[:size])
    asked = {pairs.instructions[row] for row in np.flatnonzero(test)}
    train = [row for row in np.flatnonzero(~near).tolist() if pairs.instructions[row] not in asked]
    if not train or not asked:
        raise QualityError(
            f"holding out {share:g} of the instructions leaves nothing to {'train' if asked else 'test'} on; give more "
            "pairs, or train on all (--hold-out-share 0)"
        )
    return pairs.take(train), pairs.take(np.flatnonzero(test).tolist())
