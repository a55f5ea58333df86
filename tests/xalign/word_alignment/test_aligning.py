"""Links follow from the words' vectors alone: not from the batch, the order, or which other layers are asked."""

import numpy as np
import pytest
import torch

from xalign.encoders import load_encoder
from xalign.encoders.words import encode_words
from xalign.errors import ActivationError, SettingError, UnknownNameError
from xalign.word_alignment import METHODS, align_every, align_words, default_layer, extract, word_similarities
from xalign.word_alignment.similarities import read_batches
from xalign.word_alignment.tokens import tokenize_words

PAIRS = [
    (line.split(), other.split())
    for line, other in [
        ("the doctor washed his hands", "le médecin s' est lavé les mains"),
        ("rain falls on the old city", "la pluie tombe sur la vieille ville"),
        ("water", "l' eau"),
        ("my brother reads a long letter from the minister .", "mon frère lit une longue lettre du ministre ."),
        ("two rivers meet below the bridge", "zwei Flüsse treffen sich unter der Brücke"),
        ("the children sleep", "子供 たち は 眠る"),
    ]
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(dtype="float32", device="cpu")


def links_of(found):
    return [alignment.links for alignment in found]


def test_similarities_of_words_are_those_of_their_vectors_in_the_sentence_by_another_route(encoder):
    found = word_similarities(encoder, PAIRS, layer=3, unit="word")
    compared = 0
    for (source, target), matrix in zip(PAIRS, found, strict=True):
        spans = [np.cumsum([0, *(len(word) + 1 for word in words)]) for words in (source, target)]
        ranges = [
            [(int(at), int(at) + len(word)) for at, word in zip(starts, words, strict=False)]
            for starts, words in zip(spans, (source, target), strict=True)
        ]
        read = encode_words(encoder, [" ".join(source), " ".join(target)], ranges, layers=[3], progress=False)
        unit = read.layer(3) / np.linalg.norm(read.layer(3), axis=1, keepdims=True)
        # A lone space marker is a sub-word here, as in the package, and belongs to no word there.
        rows, columns = (
            [k for k, word in enumerate(words) if "▁" not in encoder.tokenizer.tokenize(word)]
            for words in (source, target)
        )
        expected = unit[: len(source)] @ unit[len(source) :].T
        np.testing.assert_allclose(matrix[np.ix_(rows, columns)], expected[np.ix_(rows, columns)], atol=1e-5)
        compared += len(rows) * len(columns)
    assert compared > 100


@pytest.mark.parametrize("method", ["argmax", "itermax", "mwmf", "ot"])
def test_with_unit_word_links_are_those_extracted_from_the_similarities(encoder, method):
    found = align_words(encoder, PAIRS, method=method, unit="word", layer=4)
    expected = extract(method, word_similarities(encoder, PAIRS, unit="word", layer=4))
    for alignment, links in zip(found, expected, strict=True):
        assert alignment.links == {tuple(pair) for pair in links.pairs.tolist()}
        sure = [alignment.confidence[tuple(pair)] for pair in links.pairs.tolist()]
        np.testing.assert_allclose(sure, links.confidence, atol=1e-5)


def test_two_words_are_linked_if_any_of_their_subwords_are_and_as_surely_as_the_surest(encoder):
    tokens = tokenize_words(encoder, [words for pair in PAIRS for words in pair])
    found = align_words(encoder, PAIRS, method="itermax", layer=4)
    for batch in read_batches(encoder, tokens, layers=[4]):
        extracted = extract("itermax", batch.similarities(0))
        for pair, links in zip(batch.pairs, extracted, strict=True):
            expected: dict[tuple[int, int], float] = {}
            for (row, column), sure in zip(links.pairs, links.confidence, strict=True):
                link = int(tokens.words[2 * pair][row]), int(tokens.words[2 * pair + 1][column])
                expected[link] = max(sure, expected.get(link, 0.0))
            assert found[pair].confidence == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_links_do_not_depend_on_the_batch_or_the_order_of_the_pairs(encoder, method):
    usual = align_words(encoder, PAIRS, method=method)
    assert links_of(align_words(encoder, PAIRS, method=method, batch_size=1)) == links_of(usual)
    assert links_of(align_words(encoder, PAIRS[::-1], method=method, batch_size=4))[::-1] == links_of(usual)


@pytest.mark.parametrize("method", ["argmax", "itermax", "mwmf", "softmax", "ot"])
def test_exchanging_the_sides_turns_every_link_around(encoder, method):
    there = align_words(encoder, PAIRS, method=method)
    back = align_words(encoder, [(target, source) for source, target in PAIRS], method=method)
    assert links_of(there) == [{(i, j) for j, i in each.links} for each in back]


def test_several_methods_and_layers_at_once_are_each_what_they_are_alone(encoder):
    every = align_every(encoder, PAIRS, methods=["argmax", "softmax"], layers=[0, 2, 6])
    assert list(every) == [(method, layer) for method in ("argmax", "softmax") for layer in (0, 2, 6)]
    for (method, layer), found in every.items():
        assert links_of(found) == links_of(align_words(encoder, PAIRS, method=method, layer=layer))


def test_blocks_above_the_layer_are_not_run_and_no_hook_is_left(encoder):
    ran = []
    handles = [
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, block in enumerate(encoder.layered.blocks, start=1)
    ]
    align_words(encoder, PAIRS[:1], layer=4)
    assert sorted(set(ran)) == [1, 2, 3, 4]
    for handle in handles:
        handle.remove()
    assert not any(block._forward_pre_hooks for block in encoder.layered.blocks)


def test_the_default_layer_is_8_of_12():
    assert [default_layer(n) for n in (6, 12, 24, 3)] == [4, 8, 16, 2]


def test_a_side_without_words_gives_no_links_and_leaves_the_others_alone(encoder):
    pairs = [([], ["water"]), PAIRS[0], (["water"], []), ([], [])]
    found = align_words(encoder, pairs)
    assert [each.links for each in found[2:]] == [set(), set()]
    assert found[0].unaligned_target == (0,)
    assert found[1].links == align_words(encoder, [PAIRS[0]])[0].links
    assert align_words(encoder, []) == []
    assert links_of(align_words(encoder, [([], [])])) == [set()]


def test_words_without_a_link_are_told_on_both_sides(encoder):
    (found,) = align_words(encoder, [PAIRS[3]], method="argmax")
    for side, words, unaligned in ((0, PAIRS[3][0], found.unaligned_source), (1, PAIRS[3][1], found.unaligned_target)):
        assert set(unaligned) == set(range(len(words))) - {link[side] for link in found.links}
    assert found.unread_source == found.unread_target == ()
    assert not found.truncated


def test_a_word_of_which_the_tokenizer_keeps_nothing_is_unread(encoder, monkeypatch):
    real = encoder.tokenizer

    class Dropping:
        def __call__(self, texts, **options):
            encoded = real(texts, **options)
            encoded["input_ids"] = [
                [] if text == "@" else ids for text, ids in zip(texts, encoded["input_ids"], strict=True)
            ]
            return encoded

        def __getattr__(self, name):
            return getattr(real, name)

    monkeypatch.setattr(encoder, "tokenizer", Dropping())
    (found,) = align_words(encoder, [(["the", "@", "children", "sleep", "@"], ["@"])], method="mwmf")
    assert found.unread_source == (1, 4)
    assert found.unread_target == (0,)
    assert found.links == set()
    (found,) = align_words(encoder, [(["the", "@", "children", "sleep", "@"], PAIRS[0][1])], method="mwmf")
    assert {i for i, _ in found.links} == {0, 2, 3}
    (similarity,) = word_similarities(encoder, [(["the", "@"], ["water"])])
    assert np.isnan(similarity).tolist() == [[False], [True]]


def test_symmetrising_the_nearest_words_of_both_directions_grows_from_argmax(encoder):
    found = {
        name: align_words(encoder, PAIRS, method="argmax", unit="word", symmetrisation=name)
        for name in ("intersection", "union", "grow_diag", "grow_diag_final", "grow_diag_final_and")
    }
    assert links_of(found["intersection"]) == links_of(align_words(encoder, PAIRS, method="argmax", unit="word"))
    for k, matrix in enumerate(word_similarities(encoder, PAIRS, unit="word")):
        nearest = {(i, int(j)) for i, j in enumerate(matrix.argmax(axis=1))}
        nearest |= {(int(i), j) for j, i in enumerate(matrix.argmax(axis=0))}
        assert found["union"][k].links == nearest
        inner, grown = found["intersection"][k].links, found["grow_diag"][k].links
        assert inner <= grown <= found["grow_diag_final_and"][k].links <= found["grow_diag_final"][k].links <= nearest
        assert found["union"][k].confidence == pytest.approx(
            {(i, j): (1 + matrix[i, j]) / 2 for i, j in nearest}, abs=1e-6
        )


def test_words_may_weigh_as_much_as_the_norms_of_their_vectors(encoder):
    found = align_words(encoder, PAIRS, method="unbalanced_ot", unit="word", options={"masses": "norm"})
    tokens = tokenize_words(encoder, [words for pair in PAIRS for words in pair])
    for batch in read_batches(encoder, tokens, layers=[4], unit="word", batch_size=2):
        expected = extract("unbalanced_ot", batch.similarities(0), masses=batch.norms(0))
        for pair, links in zip(batch.pairs, expected, strict=True):
            assert found[pair].links == {tuple(link) for link in links.pairs.tolist()}


def test_the_faster_kernel_gives_the_vectors_of_transformers(encoder):
    (pair,) = [PAIRS[3]]
    (batch,) = read_batches(encoder, tokenize_words(encoder, list(pair)), layers=[0, 4, 6])
    ids = [encoder.tokenizer(list(words), is_split_into_words=True)["input_ids"] for words in pair]
    for k, row in enumerate(ids):
        with torch.inference_mode():
            states = encoder.model(input_ids=torch.tensor([row]), output_hidden_states=True).hidden_states
        start = int(batch.vectors.counts[:k].sum())
        for place, layer in enumerate((0, 4, 6)):
            own = batch.vectors.values[place, start : start + len(row) - 2]
            np.testing.assert_allclose(own, states[layer][0, 1:-1], atol=2e-5)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        (
            [PAIRS[0], (["a", " "], ["b"])],
            ValueError,
            r"pairs\[1\], source word 1 \(from 0\) must not be blank, got ' '",
        ),
        ([(["a"], ["b", ""])], ValueError, r"pairs\[0\], target word 1"),
        ([("a b", ["b"])], TypeError, r"pairs\[0\] must have a list of source words, got str; split the text first"),
        (["ab"], TypeError, r"pairs\[0\] must be two lists"),
        ([(["a"], ["b"], ["c"])], TypeError, "two lists, source words and target words"),
        ([(["a"], [3])], TypeError, r"target word 0 must be a string, got int"),
    ],
)
def test_pairs_that_are_none_are_named(encoder, pairs, error, message):
    with pytest.raises(error, match=message):
        align_words(encoder, pairs)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"method": "itermaxx"}, UnknownNameError, "did you mean 'itermax'"),
        ({"layer": 7}, UnknownNameError, r"layers must be in 0..6 .*got 7"),
        ({"unit": "words"}, UnknownNameError, "unit must be one of subword, word, got 'words'"),
        ({"backend": "fast_align"}, UnknownNameError, "backend must be one of xalign, simalign"),
        ({"batch_size": 0}, SettingError, "batch_size must be at least 1, got 0"),
        ({"options": {"epsilon": 0.1}}, UnknownNameError, "options of itermax are iterations, alpha, distortion"),
        ({"method": "ot", "options": {"epsilon": "small"}}, SettingError, "option epsilon of ot must be a number"),
        ({"method": "ot", "options": {"masses": "equal"}}, UnknownNameError, "must be one of norm"),
        ({"symmetrisation": "union"}, SettingError, "which only method argmax"),
        ({"method": "argmax", "symmetrisation": "unions"}, UnknownNameError, "did you mean 'union'"),
        ({"backend": "simalign", "options": {"alpha": 0.5}}, SettingError, "leave them out"),
        ({"backend": "simalign", "method": "ot"}, UnknownNameError, "must be one of argmax, itermax, mwmf, got 'ot'"),
    ],
)
def test_settings_that_do_not_exist_or_fit_are_named(encoder, settings, error, message):
    with pytest.raises(error, match=message):
        align_words(encoder, PAIRS, **settings)


def test_a_word_may_be_an_ideographic_space_as_gold_files_have_it(encoder):
    (found,) = align_words(encoder, [(["子供", "\u3000", "眠る"], ["children", "sleep"])], method="mwmf")
    assert found.source == ("子供", "\u3000", "眠る")


def test_damaged_weights_are_told_with_pair_and_side():
    encoder = load_encoder(dtype="float32", device="cpu")
    with torch.no_grad():
        (token,) = tokenize_words(encoder, [["water"]]).ids[0]
        encoder.model.get_input_embeddings().weight[token] = float("nan")
    with pytest.raises(ActivationError, match=r"layer 4 gave NaN or infinite values for pairs\[1\], its target"):
        align_words(encoder, [(["fire"], ["feu"]), (["eau"], ["water"])])
