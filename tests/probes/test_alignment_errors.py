"""Word alignment errors against their definitions in explicit loops, a released system's published rates, and nulls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.alignment_errors import SCORES, alignment_error_rate

PUBLISHED = {"enfr": 4.1, "roen": 20.7, "jaen": 37.4, "zhen": 13.3}
"""AER of awesome-align's released links, in percent (its repository's table)."""
ONE_TOO_MANY = {"enfr": 43.7, "roen": 59.5, "jaen": 82.8, "zhen": 69.3}
"""The same where the gold links are counted from 1, as they are in their files."""


def drawn(n: int, seed: int, *, same: bool = False) -> tuple[list, list, list, list]:
    """Random predicted, sure and possible links, and the shapes they lie in."""
    rng = np.random.default_rng(seed)
    predicted, sure, possible, shapes = [], [], [], []
    for _ in range(n):
        m, p = rng.integers(1, 6, 2).tolist()
        a, s, more = (set(map(tuple, np.argwhere(rng.random((m, p)) < 0.3).tolist())) for _ in range(3))
        predicted.append(a)
        sure.append(s)
        possible.append(s if same else s | more)
        shapes.append((m, p))
    return predicted, sure, possible, shapes


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 8), seed=st.integers(0, 9999))
def test_scores_are_shares_of_all_links_of_all_sentence_pairs(n, seed):
    predicted, sure, possible, _ = drawn(n, seed)
    flat = [{(k, *link) for k, links in enumerate(each) for link in links} for each in (predicted, sure, possible)]
    a, s, p = flat
    result = alignment_error_rate(predicted, sure, possible)
    assert result.n == n
    if a and s:
        precision, recall = len(a & p) / len(a), len(a & s) / len(s)
        assert result.precision == pytest.approx(precision)
        assert result.recall == pytest.approx(recall)
        assert result.aer == pytest.approx(1 - (len(a & s) + len(a & p)) / (len(a) + len(s)))
        assert result.f1 == pytest.approx(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    assert np.isnan(result.total_f1)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 8), seed=st.integers(0, 9999))
def test_total_f1_is_the_published_one_where_sure_and_possible_are_the_same(n, seed):
    predicted, gold, _, shapes = drawn(n, seed, same=True)
    shares = []
    for a, s, (m, p) in zip(predicted, gold, shapes, strict=True):
        linked = [({i for i, _ in links}, {j for _, j in links}) for links in (a, s)]
        nulls = [(set(range(m)) - rows, set(range(p)) - columns) for rows, columns in linked]
        n_nulls = [len(rows) + len(columns) for rows, columns in nulls]
        right = len(a & s) + len(nulls[0][0] & nulls[1][0]) + len(nulls[0][1] & nulls[1][1])
        shares.append((right / (len(a) + n_nulls[0]), right / (len(s) + n_nulls[1])))
    precision, recall = np.mean(shares, axis=0)
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    assert alignment_error_rate(predicted, gold, gold, shapes=shapes).total_f1 == pytest.approx(expected)


def test_an_example_worked_by_hand():
    predicted = [{(0, 0), (1, 1), (2, 1)}, {(0, 1)}]
    sure = [{(0, 0), (1, 1)}, {(0, 0)}]
    possible = [{(0, 0), (1, 1), (1, 2)}, {(0, 0), (0, 1)}]
    result = alignment_error_rate(predicted, sure, possible, shapes=[(3, 3), (1, 2)])
    assert result.precision == pytest.approx(3 / 4)
    assert result.recall == pytest.approx(2 / 3)
    assert result.aer == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert result.f1 == pytest.approx(12 / 17)
    # First pair: target word 2 is unlinked, and only possibly linked. Second: target word 0 is unlinked, wrongly.
    precision, recall = (3 / 4 + 1 / 2) / 2, (2 / 3 + 0 / 1) / 2
    assert result.totals[:, 0].tolist() == pytest.approx([3 / 4, 1 / 2])
    assert result.totals[:, 1].tolist() == pytest.approx([2 / 3, 0])
    assert result.total_f1 == pytest.approx(2 * precision * recall / (precision + recall))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 6), seed=st.integers(0, 9999))
def test_links_between_the_sure_and_the_possible_ones_have_no_error(n, seed):
    _, sure, possible, shapes = drawn(n, seed)
    rng = np.random.default_rng(seed)
    between = [s | {link for link in sorted(p) if rng.random() < 0.5} for s, p in zip(sure, possible, strict=True)]
    result = alignment_error_rate(between, sure, possible, shapes=shapes)
    if any(sure):
        assert (result.aer, result.precision, result.recall, result.f1, result.total_f1) == (0, 1, 1, 1, 1)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 6), seed=st.integers(0, 9999))
def test_scores_ignore_which_side_is_the_source_and_the_order_of_sentences(n, seed):
    *links, shapes = drawn(n, seed)
    order = np.random.default_rng(seed).permutation(n)
    swapped = [[{(j, i) for i, j in each[k]} for k in order] for each in links]
    one = alignment_error_rate(*links, shapes=shapes)
    other = alignment_error_rate(*swapped, shapes=[shapes[k][::-1] for k in order])
    np.testing.assert_allclose([getattr(one, name) for name in SCORES], [getattr(other, name) for name in SCORES])


@pytest.mark.parametrize("pair", PUBLISHED)
def test_released_links_have_their_published_error_rates(pair, real_data):
    rows = np.load(real_data / "references" / "word_alignment_links.npz")
    n = len(rows[f"{pair}_lengths"])
    gold, shifted = ([by_sentence(rows[f"{pair}_{kind}"] + [0, k, k], n) for kind in KINDS] for k in (0, 1))
    predicted = by_sentence(rows[f"{pair}_system"], n)
    assert round(100 * alignment_error_rate(predicted, *gold).aer, 1) == PUBLISHED[pair]
    assert round(100 * alignment_error_rate(predicted, *shifted).aer, 1) == ONE_TOO_MANY[pair]


def test_the_documentation_names_the_rates_of_links_counted_from_1():
    told = " ".join((alignment_error_rate.__doc__ or "").split())
    assert f"an AER of {PUBLISHED['enfr']} % into {ONE_TOO_MANY['enfr']} % (awesome-align's released links of E" in told


KINDS = ("sure", "possible")


def by_sentence(rows: np.ndarray, n: int) -> list[np.ndarray]:
    return [rows[rows[:, 0] == sentence, 1:].astype(int) for sentence in range(n)]


@pytest.mark.parametrize("score", SCORES)
def test_a_draw_of_sentences_scores_as_those_sentences_repeated(score):
    *links, shapes = drawn(12, 3)
    result = alignment_error_rate(*links, shapes=shapes)
    counts = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=20)
    for count, value in zip(counts, result.resampled(counts, score=score), strict=True):
        places = np.repeat(np.arange(12), count)
        again = alignment_error_rate(*([each[k] for k in places] for each in links), shapes=[shapes[k] for k in places])
        assert value == pytest.approx(getattr(again, score), nan_ok=True)


def test_the_interval_covers_the_rate_of_the_population_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = []
    for trial in range(200):
        right = rng.random(60) < 0.7
        predicted = [{(0, 0)} if hit else {(0, 1)} for hit in right]
        gold = [{(0, 0)}] * 60
        interval = alignment_error_rate(predicted, gold, gold).interval(n_resamples=300, seed=trial)
        inside.append(interval.low <= 0.3 <= interval.high)
    assert 0.9 <= np.mean(inside) <= 0.99


def test_what_is_not_predicted_or_not_sure_is_said_by_nan_and_zero():
    nothing, one = [set(), set()], [{(0, 0)}, set()]
    silent = alignment_error_rate(nothing, one, one)
    assert (silent.aer, silent.recall, silent.f1) == (1, 0, 0)
    assert np.isnan(silent.precision)
    unsure = alignment_error_rate(one, nothing, one)
    assert (unsure.aer, unsure.precision) == (0, 1)
    assert np.isnan([unsure.recall, unsure.f1]).all()
    assert np.isnan(alignment_error_rate(nothing, nothing, nothing).aer)
    assert alignment_error_rate([{(0, 1)}], [{(0, 0)}], [{(0, 0)}]).f1 == 0
    assert alignment_error_rate(nothing, nothing, nothing, shapes=[(1, 2), (0, 0)]).total_f1 == 1


@pytest.mark.parametrize(
    ("arguments", "shapes", "message"),
    [
        (([], [], []), None, "at least one sentence pair"),
        (([set()], [set(), set()], [set()]), None, "sure must have the 1 sentence pairs of predicted, got 2"),
        (
            ([{(0, -1)}], [set()], [set()]),
            None,
            r"predicted\[0\] must link words counted from 0, got the link \(0, -1\)",
        ),
        (
            ([set(), {(2, 1)}], [set(), set()], [set(), set()]),
            [(9, 9), (2, 2)],
            r"predicted\[1\] must link its 2 source and 2 target words counted from 0, got the link \(2, 1\)",
        ),
        (
            ([set()], [{(0, 0)}], [{(0, 1)}]),
            None,
            r"possible\[0\] must include the sure links, got it without \(0, 0\)",
        ),
        (([set()], [set()], [set()]), [(1, 2), (3, 4)], "shapes must give .* of the 1 sentence pairs"),
    ],
)
def test_unfit_links_are_refused_by_name(unchecked, arguments, shapes, message):
    with pytest.raises(ValueError, match=message):
        alignment_error_rate(*arguments, shapes=shapes)


@pytest.mark.parametrize("links", [{(0, 1, 2)}, {(0.0, 1.0)}, {"0-1"}])
def test_what_is_no_pair_of_whole_numbers_is_refused(unchecked, links):
    with pytest.raises(TypeError, match=r"predicted\[0\] must be pairs of whole numbers"):
        alignment_error_rate([links], [set()], [set()])


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="score"):
        alignment_error_rate([{(0, 0)}], [{(0, 0)}], [{(0, 0)}]).interval("accuracy")
