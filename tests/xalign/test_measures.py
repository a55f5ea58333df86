"""A law over all probes: where nothing is matched, every null lies at chance, and so does the score."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from probes import language_probabilities
from probes.judging import draw_permutations
from xalign.encoders.words import WordVectors
from xalign.encoding import EncodedGroup
from xalign.judging import Judging, judge_groups
from xalign.lexicon_words import LexiconWords
from xalign.measures import TABLE, find_measures
from xalign.word_groups import LanguageWords

N, D = 80, 12
LANGUAGES = ("eng_Latn", "deu_Latn", "swh_Latn", "tam_Taml")


@dataclass(frozen=True)
class Gaussian:
    """Activations of one language that have nothing to do with any other's; ten tokens a sentence."""

    seed: int
    layer_numbers: tuple[int, ...] = (1,)

    @property
    def n_read(self) -> np.ndarray:
        return np.full(N, 10)

    def layer(self, number: int) -> np.ndarray:
        return np.random.default_rng([self.seed, number]).normal(size=(N, D))

    def neuron_layer(self, statistic: str, number: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, number, len(statistic)])
        if statistic == "share":
            return rng.binomial(10, 0.4, size=(N, 400)) / 10
        return rng.normal(size=(N, 4 * D))


def words(seed: int) -> LanguageWords:
    """One word of 20 concepts in each sentence, with a vector of its own."""
    rows = np.arange(N)
    found = LexiconWords("", N, rows, np.zeros(N, dtype=np.int64), np.ones(N, dtype=np.int64), rows % 20, ())
    vectors = np.random.default_rng([seed, 7]).normal(size=(1, N, D)).astype(np.float32)
    return LanguageWords(found, WordVectors((1,), vectors, rows, np.zeros(N, dtype=np.int64), rows, ()))


def independent(seed: int) -> EncodedGroup:
    sentences = {language: [f"{language} {i}" for i in range(N)] for language in LANGUAGES}
    found = {language: Gaussian(seed * 100 + i) for i, language in enumerate(LANGUAGES)}
    again = {language: Gaussian(seed * 100 + 50 + i) for i, language in enumerate(LANGUAGES)}
    in_context = {language: words(seed * 100 + i) for i, language in enumerate(LANGUAGES)}
    return EncodedGroup(sentences, found, again, in_context)


OF_TEXT = [measure for measure in TABLE if measure.reads != "lens"]


@pytest.mark.parametrize("measure", OF_TEXT, ids=lambda measure: measure.name)
def test_on_independent_data_null_and_score_lie_at_chance(measure):
    tables = [
        judge_groups([independent(seed)], [measure], "eng_Latn", Judging(100, 100, 0), progress=False).table
        for seed in range(3)
    ]
    for table in tables:
        draws = measure.n_draws(100)
        standard_error = table["null_sd"] / draws**0.5
        assert (np.abs(table["null_mean"] - table["chance"]) <= 5 * standard_error + 0.01 * table["chance"]).all()
        assert (np.abs(table["score"] - table["null_mean"]) <= 5 * table["null_sd"] + 1e-9).all()
        assert (table["ci_low"] <= table["score"] + 1e-9).all()
        assert (table["score"] <= table["ci_high"] + 1e-9).all()
    p_values = np.concatenate([table["p_value"] for table in tables])
    assert p_values.mean() > 0.1


def related(seed: int) -> EncodedGroup:
    """Languages that say the same, each with a little noise of its own."""
    group, noise = independent(seed), 0.1

    @dataclass(frozen=True)
    class Related(Gaussian):
        def layer(self, number: int) -> np.ndarray:
            return Gaussian(seed).layer(number) + noise * super().layer(number)

        def neuron_layer(self, statistic: str, number: int) -> np.ndarray:
            return Gaussian(seed).neuron_layer(statistic, number) + noise * super().neuron_layer(statistic, number)

    found = {language: Related(seed * 100 + i) for i, language in enumerate(LANGUAGES)}
    shared = words(seed)
    in_context = {
        language: replace(
            shared,
            vectors=replace(shared.vectors, vectors=shared.vectors.vectors + noise * words(i + 1).vectors.vectors),
        )
        for i, language in enumerate(LANGUAGES)
    }
    return EncodedGroup(group.sentences, found, group.romanised, in_context)


ALIGNED = [
    measure
    for measure in OF_TEXT
    if (measure.sees_pairs and measure.name not in ("transliteration", "colap", "calign")) or measure.name == "pool"
]


@pytest.mark.parametrize("measure", ALIGNED, ids=lambda measure: measure.name)
def test_on_languages_that_say_the_same_every_p_value_is_as_small_as_it_can_be(measure):
    table = judge_groups([related(1)], [measure], "eng_Latn", Judging(39, 20, 0), progress=False).table
    assert len(table)
    assert table["p_value"].to_numpy() == pytest.approx(1 / (1 + measure.n_draws(39)))
    assert ((table["score"] < table["chance"]) == measure.lower).all()


def test_names_are_looked_up_and_all_stands_for_every_probe():
    assert find_measures(["all"]) == TABLE
    assert [measure.name for measure in find_measures("rsa")] == ["rsa"]


def test_the_lens_of_answers_that_have_nothing_to_do_with_the_prompt_lies_at_chance():
    vocabulary, prompts = 400, 60
    rng = np.random.default_rng(0)
    distributions = rng.dirichlet(np.ones(vocabulary), size=(1, prompts))
    tokens = rng.permutation(vocabulary)[: 2 * prompts].reshape(2, prompts)
    found = language_probabilities(
        distributions, {"eng": [{t} for t in tokens[0].tolist()], "deu": [{t} for t in tokens[1].tolist()]}
    )
    prepared = found.judged("deu", 0)
    permuted = prepared.permuted(draw_permutations(prompts, 200))
    assert abs(permuted.mean() - prepared.chance) < 5 * permuted.std() / 200**0.5 + 0.02 * prepared.chance
    assert abs(prepared.score - prepared.chance) < 4 * permuted.std()
