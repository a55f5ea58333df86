"""The logit lens: how probable is the answer, in each language, if a layer's state were already the last one?"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from probes.arrays import Array, namespace, row_chunks, to_device_of, to_host

TOLERANCE = 1e-3
"""How far from 1 the sum of a distribution may be: half precision does not come nearer."""


@dataclass(frozen=True, eq=False)
class AnswerSets:
    """The tokens that an answer can begin with, for each language and prompt; no token counts for two languages.

    Attributes:
        tokens: By language, the ids of each prompt, ascending.
        n_shared: How many tokens were dropped, over all prompts, because several languages had them for the same
            prompt; a token counts once per prompt.
        vocabulary: How many tokens there are.
    """

    tokens: Mapping[str, tuple[Int[np.ndarray, " _"], ...]]
    n_shared: int
    vocabulary: int

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, in the order they came."""
        return tuple(self.tokens)

    @property
    def sizes(self) -> Int[np.ndarray, "languages n"]:
        """How many tokens each language has for each prompt."""
        return np.array([[ids.size for ids in sets] for sets in self.tokens.values()])

    @cached_property
    def columns(self) -> tuple[tuple[Int[np.ndarray, " _"], Float[np.ndarray, "_ n"]], ...]:
        """For each language all its tokens, and which of them belong to which prompt."""
        found = []
        for sets in self.tokens.values():
            ids = np.unique(np.concatenate(sets))
            members = np.zeros((ids.size, len(sets)))
            for prompt, tokens in enumerate(sets):
                members[np.searchsorted(ids, tokens), prompt] = 1
            found.append((ids, members))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class PreparedAnswers:
    """One language's answers at one layer, ready to be judged by `probes.judging`.

    A permutation gives each prompt the answer to another; a resample draws prompts.

    Attributes:
        masses: Probability of the answer to prompt j after prompt i.
    """

    masses: Float[np.ndarray, "n n"]

    @property
    def score(self) -> float:
        """The mean probability of the answers."""
        return float(np.mean(np.diagonal(self.masses)))

    @property
    def chance(self) -> float:
        """The mean probability of the answers to other prompts, exactly; NaN for one prompt."""
        n = self.masses.shape[0]
        return float((self.masses.sum() - np.trace(self.masses)) / (n * (n - 1))) if n > 1 else float("nan")

    def permuted(self, permutations: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when prompt i is given the answer to prompt p[i], for each permutation p."""
        return self.masses[np.arange(self.masses.shape[0]), permutations].mean(axis=1)

    def resampled(self, counts: Int[np.ndarray, "m n"]) -> Float[np.ndarray, " m"]:
        """Return the score when prompt i is drawn counts[., i] times."""
        return counts @ np.diagonal(self.masses) / counts.sum(axis=1)


@dataclass(frozen=True, eq=False)
class LanguageProbabilities:
    """How probable the answer is in each language, layer by layer.

    Attributes:
        languages: The languages.
        masses: For each language and layer, the probability of the answer to prompt j after prompt i; the diagonal is
            what is asked, the rest is what it is judged by.
        entropy_by_prompt: Entropy of the whole distribution in bits, for each layer and prompt.
        answers: The tokens that were counted.
    """

    languages: tuple[str, ...]
    masses: Float[np.ndarray, "languages layers n n"]
    entropy_by_prompt: Float[np.ndarray, "layers n"]
    answers: AnswerSets

    @property
    def n(self) -> int:
        """How many prompts."""
        return self.masses.shape[-1]

    @property
    def n_shared(self) -> int:
        """How many tokens were dropped because several languages had them for the same prompt."""
        return self.answers.n_shared

    @property
    def by_prompt(self) -> Float[np.ndarray, "languages layers n"]:
        """The probability of the answer to each prompt."""
        return np.diagonal(self.masses, axis1=2, axis2=3)

    @property
    def probabilities(self) -> Float[np.ndarray, "languages layers"]:
        """Their mean over the prompts."""
        return self.by_prompt.mean(axis=2)

    @property
    def entropy(self) -> Float[np.ndarray, " layers"]:
        """The mean entropy in bits; log2 of the vocabulary where every token is equally probable."""
        return self.entropy_by_prompt.mean(axis=1)

    @property
    def chances(self) -> Float[np.ndarray, "languages layers"]:
        """The mean probability of the answers to other prompts."""
        return np.array([[PreparedAnswers(layer).chance for layer in language] for language in self.masses])

    @property
    def uniform(self) -> Float[np.ndarray, " languages"]:
        """What a uniform distribution gives each language's answers."""
        return self.answers.sizes.mean(axis=1) / self.answers.vocabulary

    def judged(self, language: str, layer: int) -> PreparedAnswers:
        """Return one language at one layer (a position, from 0), for `null_of` and `interval_of`.

        Raises:
            ValueError: If the language is not there.
        """
        if language not in self.languages:
            raise ValueError(f"language must be one of {', '.join(self.languages)}, got {language!r}")
        return PreparedAnswers(self.masses[self.languages.index(language), layer])


def language_probabilities(
    distributions: Float[Array, "layers n vocabulary"], token_sets: Mapping[str, Sequence[Collection[int]]]
) -> LanguageProbabilities:
    """Add up, at every layer, the probability of the tokens that begin each language's answer.

    Args:
        distributions: For each layer and prompt the probabilities of the next token: softmax of the unembedded states.
        token_sets: By language, for each prompt the ids of the tokens that its answer can begin with. A token that
            several languages have for the same prompt tells nothing, and is dropped and counted.

    Returns:
        Probabilities by language and layer, entropies in bits, and what they are judged by: the probability of the
        answers to the other prompts. It is high for words that the model says whatever is asked.

    Raises:
        ValueError: If a distribution does not sum to 1, a set is empty or has a token outside the vocabulary, or a
            language is left without a token for a prompt; the message names the language.

    References:
        nostalgebraist (2020), interpreting GPT: the logit lens.
        Wendler et al. (2024), Do Llamas Work in English?, arXiv:2402.10588.
    """
    answers = separate_answers(token_sets, distributions.shape[-1])
    n = distributions.shape[1]
    for language, sets in answers.tokens.items():
        if len(sets) != n:
            raise ValueError(f"token_sets[{language!r}] must hold a set for each of {n} prompts, got {len(sets)}")
    masses = answer_masses(distributions, answers)
    return LanguageProbabilities(answers.languages, masses, entropy_bits(distributions), answers)


def separate_answers(token_sets: Mapping[str, Sequence[Collection[int]]], vocabulary: int) -> AnswerSets:
    """Drop and count the tokens that several languages have for the same prompt.

    Args:
        token_sets: As in `language_probabilities`; every language with as many prompts as the first.
        vocabulary: How many tokens there are.

    Raises:
        ValueError: As in `language_probabilities`.
    """
    if not token_sets or not all(map(len, token_sets.values())):
        raise ValueError(f"token_sets must hold a set for each language and prompt, got {dict(token_sets)}")
    n = len(next(iter(token_sets.values())))
    counts = [Counter[int]() for _ in range(n)]
    for language, sets in token_sets.items():
        if len(sets) != n:
            raise ValueError(f"token_sets[{language!r}] must hold a set for each of {n} prompts, got {len(sets)}")
        for prompt, tokens in enumerate(sets):
            _check_set(language, prompt, tokens, vocabulary)
            counts[prompt].update({int(token) for token in tokens})
    shared = [{token for token, count in found.items() if count > 1} for found in counts]
    own = {
        language: tuple(_without(language, prompt, tokens, shared[prompt]) for prompt, tokens in enumerate(sets))
        for language, sets in token_sets.items()
    }
    return AnswerSets(own, sum(map(len, shared)), vocabulary)


def _check_set(language: str, prompt: int, tokens: Collection[int], vocabulary: int) -> None:
    if not len(tokens):
        raise ValueError(
            f"token_sets[{language!r}][{prompt}] must hold at least one token, got none; is the lexicon's entry empty?"
        )
    wrong = [int(token) for token in tokens if not 0 <= token < vocabulary]
    if wrong:
        raise ValueError(f"token_sets[{language!r}][{prompt}] must hold ids in 0..{vocabulary - 1}, got {wrong[0]}")


def _without(language: str, prompt: int, tokens: Collection[int], shared: Collection[int]) -> Int[np.ndarray, " _"]:
    own = sorted({int(token) for token in tokens} - set(shared))
    if not own:
        raise ValueError(
            f"{language} is left without a token for prompt {prompt}: all {len(tokens)} are shared with other "
            "languages; leave that word, or a language, out"
        )
    return np.array(own, dtype=np.int64)


def answer_masses(
    distributions: Float[Array, "layers b vocabulary"], answers: AnswerSets
) -> Float[np.ndarray, "languages layers b n"]:
    """Return the probability of every prompt's answer after each of some prompts, in float64.

    Raises:
        ValueError: If a distribution does not sum to 1.
    """
    _check_distributions(distributions, answers.vocabulary)
    xp = namespace(distributions)
    masses = []
    for ids, members in answers.columns:
        picked = xp.astype(distributions[..., to_device_of(ids, distributions)], xp.float64)
        masses.append(to_host(picked @ to_device_of(members, distributions)))
    return np.stack(masses)


def entropy_bits(distributions: Float[Array, "layers b vocabulary"]) -> Float[np.ndarray, "layers b"]:
    """Return the entropy of each distribution in bits; 0 log 0 is 0."""
    xp = namespace(distributions)
    entropies = np.empty(distributions.shape[:2])
    for layer in range(distributions.shape[0]):
        for rows in row_chunks(distributions.shape[1], distributions.shape[2]):
            p = xp.astype(distributions[layer, rows, :], xp.float64)
            logs = xp.log2(xp.where(p > 0, p, xp.ones_like(p)))
            entropies[layer, rows] = -to_host(xp.sum(p * logs, axis=1))
    return entropies


def _check_distributions(distributions: Float[Array, "layers b vocabulary"], vocabulary: int) -> None:
    if distributions.ndim != 3 or distributions.shape[2] != vocabulary:
        raise ValueError(
            f"distributions must be (layers, prompts, {vocabulary} tokens), got shape {tuple(distributions.shape)}"
        )
    xp = namespace(distributions)
    sums = to_host(xp.sum(distributions, axis=2, dtype=xp.float64))
    least = float(xp.min(distributions))
    if not (np.abs(sums - 1) <= TOLERANCE).all() or least < 0:
        layer, prompt = np.argwhere(~(np.abs(sums - 1) <= TOLERANCE))[0] if least >= 0 else (0, 0)
        got = f"a negative one, {least:.3g}" if least < 0 else f"a sum of {sums[layer, prompt]:.3g} at layer {layer}"
        raise ValueError(f"distributions must hold probabilities that sum to 1, got {got}; take the softmax of logits")
