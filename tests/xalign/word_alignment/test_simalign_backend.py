"""Our links are those of the simalign package, link by link, but for ties within rounding."""

import logging

import numpy as np
import pytest

from xalign.encoders import load_encoder
from xalign.errors import SettingError
from xalign.word_alignment import align_words, read_pairs
from xalign.word_alignment.similarities import read_batches
from xalign.word_alignment.tokens import tokenize_words

ROUNDING = 2e-6


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(dtype="float32", device="cpu")


def some_pairs(real_data, name, n):
    """Every k-th gold pair, those that the package reads whole."""
    pairs = read_pairs(real_data / "word_alignment" / "awesome" / f"{name}.src-tgt")
    return [pair for pair in pairs[:: len(pairs) // n] if max(map(len, pair)) < 60]


def is_tie(similarity, i, j):
    """Whether another row or column is as similar as (i, j) to within rounding."""
    row, column = np.sort(similarity[i])[::-1], np.sort(similarity[:, j])[::-1]
    return any(values.size > 1 and values[0] - values[1] < ROUNDING for values in (row, column))


@pytest.mark.parametrize("name", ["enfr", "jaen"])
@pytest.mark.parametrize(
    ("method", "unit", "n"), [("argmax", "subword", 45), ("itermax", "subword", 45), ("mwmf", "word", 12)]
)
def test_links_agree_with_the_package_and_differ_only_at_ties(real_data, encoder, name, method, unit, n):
    pairs = some_pairs(real_data, name, n)
    ours = align_words(encoder, pairs, method=method, unit=unit, layer=4)
    theirs = align_words(encoder, pairs, method=method, unit=unit, layer=4, backend="simalign")
    tokens = tokenize_words(encoder, [words for pair in pairs for words in pair])
    for batch in read_batches(encoder, tokens, layers=[4], unit=unit):
        for pair, (rows, columns), similarity in zip(
            batch.pairs, (batch.words(k) for k in range(len(batch.pairs))), batch.similarities(0), strict=True
        ):
            for i, j in ours[pair].links ^ theirs[pair].links:
                found = [(r, c) for r in np.flatnonzero(rows == i) for c in np.flatnonzero(columns == j)]
                assert any(is_tie(similarity, r, c) for r, c in found), f"pair {pair}: {i}-{j}"
    same = sum(len(a.links & b.links) for a, b in zip(ours, theirs, strict=True))
    either = sum(len(a.links | b.links) for a, b in zip(ours, theirs, strict=True))
    assert same / either > (0.999 if name == "enfr" else 0.97)


def test_the_other_unit_and_another_layer_agree_too(real_data, encoder):
    pairs = some_pairs(real_data, "enfr", 20)
    for settings in (
        {"method": "argmax", "unit": "word", "layer": 6},
        {"method": "mwmf", "unit": "subword", "layer": 1},
    ):
        ours, theirs = (align_words(encoder, pairs, backend=name, **settings) for name in ("xalign", "simalign"))
        assert [each.links for each in ours] == [each.links for each in theirs]


def test_pairs_on_which_the_package_fails_are_not_handed_to_it(encoder):
    found = align_words(encoder, [([], ["a"]), (["a"], []), (["water"], ["water"])], backend="simalign")
    assert [each.links for each in found] == [set(), set(), {(0, 0)}]


def test_it_says_what_it_cut_off_and_refuses_what_the_package_fails_on(encoder):
    long = ["water"] * 300
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger("transformers"), "disabled", True)
        cut, whole = align_words(encoder, [(long, ["water"]), (["water"], ["water"])], backend="simalign")
    assert (cut.truncated, whole.truncated) == (True, False)
    (ours,) = align_words(encoder, [(long, ["water"])], windows=False)
    assert cut.unread_source == ours.unread_source != ()
    assert (whole.unread_source, whole.unread_target) == ((), ())
    with pytest.raises(SettingError, match=r"pairs\[0\] is longer than simalign reads"):
        align_words(encoder, [(long, ["water"])], backend="simalign", unit="word")


def test_it_tells_no_confidence_and_logs_nothing(encoder, capfd):
    (found,) = align_words(encoder, [(["water"], ["water"])], backend="simalign")
    assert [np.isnan(sure) for sure in found.confidence.values()] == [True]
    assert capfd.readouterr().err == ""
