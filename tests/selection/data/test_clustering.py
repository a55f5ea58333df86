"""k-means that scales finds what k-means finds, from blocks, and covers all labels."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from selection.data import clustering
from selection.data.clustering import cluster_rows, content_order, fit_clusters


def blobs(n, k, d=8, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    return (20 * rng.normal(size=(k, d))[truth] + rng.normal(size=(n, d))).astype(np.float32), truth


def within(x, labels):
    return sum(((x[labels == c] - x[labels == c].mean(axis=0)) ** 2).sum() for c in np.unique(labels))


def test_separate_groups_are_found_when_flat():
    x, truth = blobs(600, 5)
    found = cluster_rows(x, 5)
    assert adjusted_rand_score(truth, found.labels) == pytest.approx(1.0)
    assert found.sizes.tolist() == np.bincount(found.labels).tolist()


def test_clusters_of_clusters_are_nearly_as_tight_as_flat_ones(monkeypatch):
    monkeypatch.setattr(clustering, "FLAT", 16)
    x, _ = blobs(2000, 40)
    tree = cluster_rows(x, 100)
    flat = KMeans(100, n_init=1, random_state=0).fit(x)
    assert within(x, tree.labels) < 1.15 * flat.inertia_
    assert tree.k == 100


@pytest.mark.parametrize("k", [1, 7, 17, 60, 200])
def test_every_k_gives_exactly_k_labels_and_as_many_clusters_as_rows_are_single_rows(monkeypatch, k):
    monkeypatch.setattr(clustering, "FLAT", 4)
    x, _ = blobs(200, 10)
    found = cluster_rows(x, k)
    assert found.k == k
    assert found.labels.min() >= 0
    assert found.labels.max() < k
    if k == 200:
        assert len(np.unique(found.labels)) == 200


def test_rows_are_assigned_alike_whatever_the_blocks(monkeypatch, tmp_path):
    x, _ = blobs(500, 6)
    whole = cluster_rows(x, 30, seed=3)
    mapped = np.memmap(tmp_path / "x", dtype=np.float32, mode="w+", shape=x.shape)
    mapped[:] = x
    rows = clustering.row_chunks
    monkeypatch.setattr(clustering, "row_chunks", lambda n, width: rows(n, width, elements=100))
    assert (cluster_rows(mapped, 30, seed=3).labels == whole.labels).all()
    assert (whole.tree.assign(x) == whole.labels).all()


def test_centres_of_a_sample_serve_all_rows(monkeypatch):
    monkeypatch.setattr(clustering, "SAMPLE_PER_CLUSTER", 20)
    x, truth = blobs(5000, 6)
    found = cluster_rows(x, 6)
    assert found.n_fitted == 120
    assert adjusted_rand_score(truth, found.labels) > 0.95


def test_mini_batches_find_separate_groups_too(monkeypatch):
    monkeypatch.setattr(clustering, "EXACT_WORK", 0)
    x, truth = blobs(3000, 5)
    assert adjusted_rand_score(truth, cluster_rows(x, 5).labels) == pytest.approx(1.0)


def test_some_rows_are_clustered_as_if_they_were_alone():
    x, _ = blobs(300, 4)
    rows = np.arange(0, 300, 3)
    assert (cluster_rows(x, 4, rows=rows).labels == cluster_rows(x[rows], 4).labels).all()


@pytest.mark.parametrize("per_cluster", [4, 64])
def test_rows_in_an_order_of_their_own_are_clustered_alike_however_the_pool_is_ordered(monkeypatch, per_cluster):
    monkeypatch.setattr(clustering, "SAMPLE_PER_CLUSTER", per_cluster)
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    shuffled = np.random.default_rng(1).permutation(300)
    order, place = np.random.default_rng(2).permutation(300), np.argsort(shuffled)
    one, other = cluster_rows(x, 20, rows=order), cluster_rows(x[shuffled], 20, rows=place[order])
    assert one.n_fitted == min(300, 20 * per_cluster)
    assert one.labels.tolist() == other.labels.tolist()


def test_rows_in_any_order_are_read_in_that_of_the_pool(monkeypatch):
    x, _ = blobs(400, 4)
    read = []

    class Stored(np.ndarray):
        def __getitem__(self, rows):
            if isinstance(rows, np.ndarray):
                read.append(rows)
            return np.asarray(super().__getitem__(rows))

    chunks = clustering.row_chunks
    monkeypatch.setattr(clustering, "row_chunks", lambda n, width: chunks(n, width, elements=50 * width))
    order = np.random.default_rng(0).permutation(400)
    found = cluster_rows(x.view(Stored), 5, rows=order)
    assert [len(rows) for rows in read] == [50] * 6 + [20] + [50] * 8
    for part in (read[:7], read[7:]):
        assert (np.diff(np.concatenate(part)) > 0).all()
    assert (found.labels == cluster_rows(x[order], 5).labels).all()


def test_the_same_seed_gives_the_same_labels_and_equal_rows_share_one():
    x, _ = blobs(400, 4)
    x[100:200] = x[0]
    first, second = cluster_rows(x, 300, seed=5), cluster_rows(x, 300, seed=5)
    assert (first.labels == second.labels).all()
    assert len(np.unique(first.labels[100:200])) == 1
    assert (first.sizes == 0).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_order_by_content_is_that_of_the_rows_however_they_are_shuffled(monkeypatch, dtype):
    rng = np.random.default_rng(0)
    x = rng.choice([-1, -0.5, 0, 0.5, 1], (400, 3)).astype(dtype)
    values = rng.integers(0, 2, 400).astype(float)
    shuffled = rng.permutation(400)
    rows = clustering.row_chunks
    one = content_order(x, np.arange(400), values)
    monkeypatch.setattr(clustering, "row_chunks", lambda n, width: rows(n, width, elements=100))
    other = shuffled[content_order(np.where(x == 0, -x, x), shuffled, values[shuffled])]
    found = np.column_stack([x[one], values[one]])
    assert (found == np.column_stack([x[other], values[other]])).all()
    n_runs = 1 + (np.diff(found, axis=0) != 0).any(axis=1).sum()
    assert n_runs == len(np.unique(found, axis=0))


def test_half_precision_is_computed_in_single():
    x, _ = blobs(300, 4)
    half = x.astype(np.float16)
    assert (cluster_rows(half, 4).labels == cluster_rows(half.astype(np.float32), 4).labels).all()


def test_bad_input_is_named():
    x, _ = blobs(10, 2)
    with pytest.raises(ValueError, match="k must be at most the 10 rows, got 11"):
        cluster_rows(x, 11)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        cluster_rows(x, 0)
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match="embeddings must be finite, got NaN or infinity in 1 of 10 rows"):
        cluster_rows(x, 2)


def test_a_fit_on_alike_rows_ends():
    assert fit_clusters(np.ones((50, 3), dtype=np.float32), 20, seed=0).n_clusters == 20


@pytest.mark.parametrize("k", [257, 1000])
@pytest.mark.parametrize("n_alike", [1200, 1100])
def test_rows_that_are_alike_are_clusters_of_one_another_however_many_are_asked_for(k, n_alike):
    x = np.random.default_rng(0).normal(size=(1200, 4)).astype(np.float32)
    x[:n_alike] = 1
    found = cluster_rows(x, k)
    assert found.tree.n_clusters == k
    assert len(set(found.labels[:n_alike].tolist())) == 1
    assert found.labels.max() < k
