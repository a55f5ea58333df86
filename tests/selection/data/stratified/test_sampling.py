"""LASER's choice: shares, clusters, thresholds and shortfalls, against a plain reading of the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from selection.data.clustering import content_order
from selection.data.stratified import stratified_select


def pool(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random(n), rng.choice(["Math", "Coding", "Generation"], n, p=[0.5, 0.3, 0.2]), rng.normal(size=(n, 5))


def one_category_slowly(scores, embeddings, count, percentile, seed):
    """Best of each cluster if it reaches the percentile, then fill by score."""
    threshold = np.percentile(scores, percentile)
    labels = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(embeddings).labels_
    best = [max(np.flatnonzero(labels == c), key=lambda row: scores[row]) for c in range(count)]
    chosen = sorted((row for row in best if scores[row] >= threshold), key=lambda row: -scores[row])
    rest = sorted(set(range(len(scores))) - set(chosen), key=lambda row: -scores[row])
    return chosen + rest[: count - len(chosen)], len(chosen)


@pytest.mark.parametrize("percentile", [0, 50, 80, 100])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_chooses_what_the_definition_chooses(percentile, seed):
    scores, categories, embeddings = pool(200, seed)
    shares = {"Math": 0.5, "Coding": 0.25, "Generation": 0.25}
    choice = stratified_select(
        scores, categories, embeddings, shares=shares, budget=40, percentile=percentile, seed=seed
    )
    for name, share in shares.items():
        rows = np.flatnonzero(categories == name)
        rows = rows[content_order(embeddings, rows, scores[rows])]
        expected, n_best = one_category_slowly(scores[rows], embeddings[rows], int(share * 40), percentile, seed)
        own = categories[choice.indices] == name
        assert choice.indices[own].tolist() == rows[expected].tolist()
        assert choice.clustered[own].sum() == n_best
    assert not choice.shortfall


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda x: sum(x) > 0.1), st.integers(1, 60))
def test_the_budget_is_met_exactly_and_what_one_lacks_the_others_give(weights, budget):
    scores, _, embeddings = pool(90)
    categories = np.array(["Math"] * 60 + ["Coding"] * 27 + ["Generation"] * 3)
    shares = dict(zip(("Math", "Coding", "Generation"), np.array(weights) / sum(weights), strict=True))
    have = {name: int((categories == name).sum()) for name in shares}
    if budget > sum(have[name] for name, share in shares.items() if share > 0):
        return
    choice = stratified_select(scores, categories, embeddings, shares=shares, budget=budget)
    assert len(set(choice.indices.tolist())) == budget == sum(choice.taken.values())
    for name, wanted in choice.wanted.items():
        assert choice.shortfall.get(name, 0) == max(0, wanted - have[name])
        assert choice.taken[name] >= min(wanted, have[name])
        assert choice.taken[name] == (categories[choice.indices] == name).sum()


def test_shortfalls_go_to_the_others_by_share_and_are_told():
    scores, _, embeddings = pool(100)
    categories = np.array(["Math"] * 50 + ["Coding"] * 48 + ["Generation"] * 2)
    shares = {"Math": 0.4, "Coding": 0.2, "Generation": 0.2, "Extraction": 0.2}
    choice = stratified_select(scores, categories, embeddings, shares=shares, budget=40)
    assert choice.wanted == {"Math": 16, "Coding": 8, "Generation": 8, "Extraction": 8}
    assert choice.shortfall == {"Generation": 6, "Extraction": 8}
    assert choice.taken == {"Math": 25, "Coding": 13, "Generation": 2, "Extraction": 0}
    assert np.isnan(choice.thresholds["Generation"])


def test_two_tight_groups_each_give_their_best_where_scores_alone_would_take_one_group():
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(0, 0.01, (50, 3)), rng.normal(9, 0.01, (50, 3))])
    scores = np.concatenate([np.linspace(0.5, 1, 50), np.linspace(0, 0.95, 50)])
    categories = ["Math"] * 100
    choice = stratified_select(scores, categories, embeddings, shares={"Math": 1.0}, budget=2)
    assert choice.indices.tolist() == [49, 99]
    assert choice.clustered.all()
    strict = stratified_select(scores, categories, embeddings, shares={"Math": 1.0}, budget=2, percentile=100)
    assert strict.indices.tolist() == [49, 48]
    assert strict.clustered.tolist() == [True, False]


@pytest.mark.parametrize("options", [{}, {"percentile": 50}, {"percentile": 0}], ids=["default", "50", "0"])
@pytest.mark.parametrize("seed", range(5))
def test_rows_in_another_order_give_the_same_rows(options, seed):
    scores, categories, embeddings = pool(120)
    shuffled = np.random.default_rng(seed).permutation(120)
    options = {"shares": {"Math": 0.6, "Coding": 0.4}, "budget": 30, **options}
    one = stratified_select(scores, categories, embeddings, **options)
    other = stratified_select(scores[shuffled], categories[shuffled], embeddings[shuffled], **options)
    assert one.clustered.sum() > 5
    assert one.indices.tolist() == shuffled[other.indices].tolist()
    assert one.clustered.tolist() == other.clustered.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_with_keys_neither_another_order_nor_rounding_of_vectors_changes_the_rows(seed):
    scores, categories, embeddings = pool(120)
    scores, keys = scores.round(1), np.random.default_rng(9).permutation(120).astype(np.uint64)
    shuffled = np.random.default_rng(seed).permutation(120)
    rounded = embeddings * (1 + np.random.default_rng(seed).uniform(-1e-12, 1e-12, embeddings.shape))
    options = {"shares": {"Math": 0.6, "Coding": 0.4}, "budget": 30, "percentile": 50}
    one = stratified_select(scores, categories, embeddings, keys=keys, **options)
    other = stratified_select(scores[shuffled], categories[shuffled], rounded[shuffled], keys=keys[shuffled], **options)
    assert one.indices.tolist() == shuffled[other.indices].tolist()


@pytest.mark.parametrize("budget", [20, 60])
def test_rows_with_equal_scores_or_equal_vectors_are_chosen_alike_in_any_order(budget):
    scores, categories, embeddings = pool(120)
    scores, embeddings = scores.round(1), embeddings[np.arange(120) % 70].astype(np.float32)
    categories = np.where(categories == "Math", "Math", "Coding")
    shuffled = np.random.default_rng(3).permutation(120)
    options = {"shares": {"Math": 0.5, "Coding": 0.5}, "budget": budget, "percentile": 50}
    one = stratified_select(scores, categories, embeddings, **options)
    other = stratified_select(scores[shuffled], categories[shuffled], embeddings[shuffled], **options)
    chosen = shuffled[other.indices]
    assert scores[one.indices].tolist() == scores[chosen].tolist()
    assert embeddings[one.indices].tolist() == embeddings[chosen].tolist()


def test_categories_may_be_pairs_with_a_language():
    scores, categories, embeddings = pool(100)
    pairs = [(name, "deu" if row % 2 else "swh") for row, name in enumerate(categories)]
    choice = stratified_select(
        scores, pairs, embeddings, shares={("Math", "deu"): 0.5, ("Coding", "swh"): 0.5}, budget=10
    )
    assert choice.taken == {("Math", "deu"): 5, ("Coding", "swh"): 5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": {"Math": 0.5}}, "sum to 0.5"),
        ({"shares": {"Math": 1.5, "Coding": -0.5}}, "must be in"),
        ({"shares": {"Generation": 1.0}, "budget": 250}, r"'Generation' \d+\), got 250"),
        ({"percentile": 120}, "percentile must be from 0 to 100, got 120"),
    ],
)
def test_bad_options_are_named(changes, message):
    options = {"shares": {"Math": 1.0}, "budget": 10} | changes
    with pytest.raises(ValueError, match=message):
        stratified_select(*pool(), **options)


def test_bad_rows_are_named(unchecked):
    scores, categories, embeddings = pool(20)
    options = {"shares": {"Math": 1.0}, "budget": 2}
    with pytest.raises(ValueError, match="embeddings must have the 20 rows of scores, got 19"):
        stratified_select(scores, categories, embeddings[:19], **options)
    with pytest.raises(ValueError, match="keys must have the 20 rows of scores, got 3"):
        stratified_select(scores, categories, embeddings, keys=np.arange(3), **options)
    scores[4] = np.nan
    with pytest.raises(ValueError, match="scores must be finite, got NaN or infinity in 1 of 20 rows, first in row 4"):
        stratified_select(scores, categories, embeddings, **options)
