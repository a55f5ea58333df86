"""Every token of a sentence that is too long gets a vector, from the window in which it stands best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xalign.encoders import load_encoder
from xalign.word_alignment import align_words
from xalign.word_alignment.similarities import read_batches
from xalign.word_alignment.tokens import tokenize_words
from xalign.word_alignment.windows import cut_window, plan_windows

TEXT = "the old river runs past the mill and the market while children play near the stone bridge"
LONG = TEXT.split()


@pytest.fixture(scope="module")
def short_reader():
    return load_encoder(dtype="float32", device="cpu", max_length=14)


@pytest.fixture(scope="module")
def reader():
    return load_encoder(dtype="float32", device="cpu")


def vectors(encoder, words, **options):
    (batch,) = read_batches(encoder, tokenize_words(encoder, [words, ["water"]]), layers=[4], **options)
    return batch.vectors.values[0, : batch.vectors.counts[0]].numpy()


@given(n=st.integers(1, 400), size=st.integers(1, 60))
def test_windows_cover_each_token_once_within_what_they_read(n, size):
    windows = plan_windows(n, size)
    taken = [token for window in windows for token in range(window.first, window.last)]
    assert taken == list(range(n))
    for window in windows:
        assert 0 <= window.start <= window.first < window.last <= window.stop <= n
        assert window.stop - window.start == min(n, size)


@given(n=st.integers(1, 400), size=st.integers(8, 60))
def test_no_token_inside_a_sentence_stands_near_the_edge_of_its_window(n, size):
    for window in plan_windows(n, size):
        assert window.start == 0 or window.first - window.start >= size // 4 - 1
        assert window.stop == n or window.stop - window.last >= size // 4 - 1


@given(n=st.integers(1, 60))
def test_a_sentence_that_fits_is_one_window_and_cut_or_not_the_same(n):
    assert plan_windows(n, 60) == cut_window(n, 60)


def test_a_sentence_that_fits_gets_the_same_vectors_with_and_without_windows(reader):
    np.testing.assert_array_equal(vectors(reader, LONG), vectors(reader, LONG, windows=False))


def test_windows_of_a_sentence_that_ends_where_the_model_does_change_nothing(reader):
    n = len(tokenize_words(reader, [LONG]).ids[0])
    exact = load_encoder(dtype="float32", device="cpu", max_length=n + 2)
    np.testing.assert_allclose(vectors(exact, LONG), vectors(reader, LONG), atol=1e-6)


def test_every_word_of_a_long_sentence_has_a_vector_and_a_link(short_reader):
    (found,) = align_words(short_reader, [(LONG, LONG)], method="argmax", unit="word")
    assert found.links == {(i, i) for i in range(len(LONG))}
    assert not found.truncated
    assert found.unread_source == found.unread_target == ()


def test_a_tokens_vector_is_the_one_of_its_window_read_alone(short_reader):
    tokens = tokenize_words(short_reader, [LONG])
    own = vectors(short_reader, LONG)
    windows = plan_windows(len(tokens.ids[0]), 12)
    assert len(windows) > 2
    for window in windows:
        part = tokens.ids[0][window.start : window.stop]
        text = short_reader.tokenizer.decode(part)
        alone = short_reader.tokenizer(text)["input_ids"][1:-1]
        if alone == part:  # a window may begin inside a word
            read = vectors(short_reader, text.split())[window.first - window.start : window.last - window.start]
            np.testing.assert_allclose(own[window.first : window.last], read, atol=1e-5)


def test_without_windows_what_is_cut_off_is_told(short_reader):
    pairs = [(LONG, ["water"]), (["water"], LONG), (["water"], ["eau"])]
    found = align_words(short_reader, pairs, method="mwmf", windows=False)
    assert [each.truncated for each in found] == [True, True, False]
    words = tokenize_words(short_reader, [LONG]).words[0]
    unread = tuple(range(int(words[11]) + 1, len(LONG)))
    assert unread
    assert found[0].unread_source == found[1].unread_target == unread
    assert set(unread) <= set(found[0].unaligned_source)
