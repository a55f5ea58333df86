"""A pool in any order and any shards gives one model; blocks give the scores of the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selection.data.transport import GroupMeans, PoolRows, TransportSettings, fit_transport
from selection.data.transport.row_samples import batches_of, content_keys, sample_rows

FIT = TransportSettings(n_fit=300, epsilon=0.05, tolerance=1e-4)


def problem(n=800, m=12, d=16, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    centres, offsets = rng.standard_normal((6, d)), 3 * rng.standard_normal((3, d))
    languages = rng.integers(3, size=n)
    x = centres[rng.integers(6, size=n)] + offsets[languages] + rng.standard_normal((n, d))
    y = centres[rng.integers(3, size=m)] + offsets[0] + rng.standard_normal((m, d))
    return x.astype(dtype), np.array(["deu", "eng", "swh"])[languages], y.astype(dtype)


def test_shuffling_and_resharding_the_pool_change_nothing():
    x, groups, y = problem()
    whole = fit_transport(x, y, groups=groups, target_groups=["deu"] * 12, settings=FIT)
    shuffled = np.random.default_rng(1).permutation(len(x))
    shards = np.split(shuffled, [10, 11, 400])
    other = fit_transport(((x[s], groups[s]) for s in shards), y, target_groups=["deu"] * 12, settings=FIT)
    assert whole.n_fitted == other.n_fitted == 300
    assert whole.n_pool == other.n_pool == 800
    np.testing.assert_allclose(other.target_potentials, whole.target_potentials, atol=2e-6)
    np.testing.assert_allclose(other.score(x, groups), whole.score(x, groups), atol=5e-6)


def test_reordering_the_targets_reorders_their_prices():
    x, _, y = problem()
    order = np.random.default_rng(2).permutation(len(y))
    one, other = (fit_transport(x, targets, settings=FIT) for targets in (y, y[order]))
    np.testing.assert_allclose(other.target_potentials, one.target_potentials[order], atol=2e-6)


@given(cuts=st.lists(st.integers(0, 800), max_size=5), threads=st.integers(1, 3))
@settings(max_examples=5, deadline=None)
def test_blocks_are_scored_as_the_whole_is(cuts, threads):
    x, groups, y = problem()
    model = fit_transport(x, y, groups=groups, settings=TransportSettings(n_fit=100, tolerance=0.05))
    parts = [part for part in np.split(np.arange(800), sorted(cuts)) if part.size]
    scores = np.concatenate([model.score(x[part], groups[part], n_threads=threads) for part in parts])
    np.testing.assert_allclose(scores, model.score(x, groups, n_threads=1), atol=1e-6)


def test_a_memory_map_in_half_precision_is_scored_like_the_array_it_holds(tmp_path):
    x, groups, y = problem()
    half = x.astype(np.float16)
    np.save(tmp_path / "rows.npy", half)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    model = fit_transport(half.astype(np.float32), y, groups=groups, settings=FIT)
    np.testing.assert_array_equal(model.score(mapped, groups), model.score(half.astype(np.float32), groups))


@given(cuts=st.lists(st.integers(0, 60), max_size=4), seed=st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_means_gathered_in_parts_are_those_of_the_whole(cuts, seed):
    rng = np.random.default_rng(seed)
    x, groups = rng.standard_normal((60, 4)), rng.choice(["b", "a", "c"], size=60)
    gathered = [
        GroupMeans().add(x[part], groups[part]) for part in np.split(rng.permutation(60), sorted(cuts)) if part.size
    ]
    left, right = GroupMeans(), GroupMeans()
    for part in gathered:
        left, right = left.merge(part), part.merge(right)
    for means in (left, right):
        assert means.names == tuple(sorted(set(groups.tolist())))
        np.testing.assert_allclose(means.means, [x[groups == g].mean(axis=0) for g in means.names], atol=1e-12)
        assert means.counts.sum() == 60


def test_where_a_language_lies_does_not_matter():
    x, groups, y = problem(dtype=np.float64)
    fit = TransportSettings(n_fit=5000, epsilon=0.05, tolerance=1e-8)
    moved = x + 10 * np.random.default_rng(3).standard_normal((3, 16))[np.searchsorted(["deu", "eng", "swh"], groups)]
    shift = (moved - x)[groups == "deu"][0]
    one = fit_transport(x, y, groups=groups, target_groups=["deu"] * 12, settings=fit)
    other = fit_transport(moved, y + shift, groups=groups, target_groups=["deu"] * 12, settings=fit)
    np.testing.assert_allclose(other.score(moved, groups), one.score(x, groups), atol=1e-7)
    without = [fit_transport(rows, y, settings=fit).score(rows) for rows in (x, moved)]
    assert np.abs(without[0] - without[1]).max() > 0.05


def test_means_from_elsewhere_are_used_for_both_sides():
    x, groups, y = problem(dtype=np.float64)
    means = GroupMeans().add(x, groups)
    fit = TransportSettings(epsilon=0.05, n_fit=5000, tolerance=1e-8)
    own = fit_transport(x, y, groups=groups, target_groups=["eng"] * 12, settings=fit)
    some = x[:500], groups[:500]
    given_means = TransportSettings(epsilon=0.05, n_fit=5000, tolerance=1e-8, group_means=means)
    borrowed = fit_transport(some[0], y, groups=some[1], target_groups=["eng"] * 12, settings=given_means)
    np.testing.assert_array_equal(borrowed.target, own.target)
    centred = x - means.means[np.searchsorted(means.names, groups)]
    np.testing.assert_allclose(
        own.directions(x, groups), centred / np.linalg.norm(centred, axis=1)[:, None], atol=1e-12
    )


def test_a_row_that_is_alone_in_its_language_is_at_cosine_0():
    x, groups, y = problem(dtype=np.float64)
    groups = groups.astype(object)
    groups[0] = "alone"
    model = fit_transport(x, y, groups=groups, settings=FIT)
    assert not model.directions(x[:1], groups[:1]).any()
    expected = -model.epsilon * np.log(np.mean(np.exp((model.target_potentials - 0.5) / model.epsilon)))
    assert model.score(x[:1], groups[:1])[0] == pytest.approx(expected)


@given(seed=st.integers(0, 1000), n=st.integers(1, 40), cut=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_a_sample_is_the_lowest_hashes_however_it_is_gathered(seed, n, cut):
    rng = np.random.default_rng(seed)
    x, weights = rng.standard_normal((40, 3)), rng.random(40) + 0.1
    keys = content_keys(x, seed=seed)
    order = np.argsort(keys)[:n]
    perm = rng.permutation(40)
    parts = [PoolRows(x[p], weights=weights[p]) for p in (perm[:cut], perm[cut:]) if p.size]
    sample, n_seen = sample_rows(parts, n, seed=seed)
    assert n_seen == 40
    np.testing.assert_array_equal(sample.rows, x[order])
    np.testing.assert_array_equal(sample.weights, weights[order])


def test_hashes_are_of_the_values_and_spread_evenly():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 8)).astype(np.float32)
    keys = content_keys(x, seed=0)
    assert len(np.unique(keys)) == 20_000
    counts = np.bincount((keys >> np.uint64(60)).astype(int), minlength=16)
    assert np.abs(counts - 1250).max() < 6 * np.sqrt(1250)
    np.testing.assert_array_equal(content_keys(x.astype(np.float64), seed=0), keys)
    assert content_keys(np.array([[0.0, 1.0]]), seed=0) == content_keys(np.array([[-0.0, 1.0]]), seed=0)
    assert (content_keys(x, seed=1) != keys).all()


def test_reliability_by_group_is_that_by_row():
    x, groups, y = problem()
    by_group = {"deu": 1.0, "eng": 0.6, "swh": 0.3}
    model = fit_transport(x, y, groups=groups, settings=TransportSettings(n_fit=300, reliability=by_group))
    by_row = np.array([by_group[g] for g in groups])
    np.testing.assert_array_equal(model.score(x, groups), model.score(x, groups, reliability=by_row))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": np.ones((3, 5))}, r"rows\[0:3\] must have 16 columns"),
        ({"rows": np.full((2, 16), np.nan)}, "NaN or infinity in 2 of 2 rows"),
        ({"rows": np.zeros((2, 16))}, "zero vectors, which point nowhere, got one in row 0"),
        ({"groups": None}, "groups must be given, as the model centres rows by group"),
        ({"groups": ["deu"]}, "groups must have a label for each of the 2 rows"),
        ({"groups": ["deu", "xho"]}, "got 'xho'; the pool has deu, eng, swh"),
        ({"reliability": {"deu": 1.0}}, "reliability must hold every group of the pool, got none for 'eng'"),
        ({"reliability": [1.0, 1.5]}, "reliability must be above 0 and at most 1, got 1.5 in row 1"),
    ],
)
def test_rows_that_cannot_be_scored_are_named(unchecked, change, message):
    x, groups, y = problem()
    model = fit_transport(x, y, groups=groups, settings=FIT)
    asked = {"rows": x[:2], "groups": ["deu", "eng"], "reliability": None, **change}
    if len(asked["rows"]) == 3:
        asked["groups"] = ["deu"] * 3
    with pytest.raises(ValueError, match=message):
        model.score(asked["rows"], asked["groups"], reliability=asked["reliability"])


def test_batches_must_agree():
    x, groups, y = problem()
    with pytest.raises(ValueError, match="groups must be given for every batch"):
        fit_transport([(x[:400], groups[:400]), x[400:]], y)
    with pytest.raises(ValueError, match="groups belong to a matrix"):
        fit_transport([x], y, groups=groups)
    with pytest.raises(ValueError, match="pool must hold at least one row"):
        fit_transport([], y)
    with pytest.raises(ValueError, match="target_groups need groups of the pool"):
        fit_transport(x, y, target_groups=["deu"] * 12)
    with pytest.raises(ValueError, match="target_groups must be groups of the pool, whose mean is known, got 'zul'"):
        fit_transport(x, y, groups=groups, target_groups=["zul"] * 12)
    assert sum(len(batch.rows) for batch in batches_of([x[:100], x[100:]], None)) == 800
