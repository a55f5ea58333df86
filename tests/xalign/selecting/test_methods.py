"""Each method is its selector on the pool's arrays: the same rows as the selector called by hand, or by brute force."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from selection.data import (
    calibrated_gradient,
    fit_transport,
    gradient_select,
    information_gain_select,
    robust_scale,
    semantic_deduplicate,
    tags_from_clusters,
    transport_select,
)
from selection.data.stratified import from_zero
from xalign.errors import SettingError, UnknownNameError
from xalign.selecting.material.materials import Material
from xalign.selecting.material.reliability import Reliability
from xalign.selecting.material.targets import Target
from xalign.selecting.methods.table import METHODS, find_method, run_method

RNG = np.random.default_rng(2)
VECTORS = RNG.normal(size=(60, 6)).astype(np.float32)
TARGET = (VECTORS[5:11] + 0.1).astype(np.float32)
BASE = RNG.normal(size=(7, 6)).astype(np.float32) + 1
LANGUAGES = np.arange(60) % 3
QUALITY = RNG.permutation(60).astype(np.float64)
QUOTAS = {"l0": 4, "l1": 3, "l2": 2}
TRUST = Reliability({"l0": 1.0, "l1": 0.6, "l2": 0.1}, {"l0": 0.0, "l1": 0.4, "l2": 0.9}, 0, ("cka",))


@pytest.fixture
def make(make_space_of):
    def material(*, align=True, spoken=None, quality=QUALITY, **arguments):
        space = make_space_of(
            VECTORS, TARGET, languages=LANGUAGES, align=align, spoken=spoken or ["l0"] * 6, quality=quality
        )
        target = Target(space.target_rows, space.target_groups, tuple("abcdef"), "made")
        base = replace(space, target_rows=BASE, target_groups=("l1",) * 7)
        return Material(space.pool, target, space, 9, **({"base": base} | arguments))

    return material


@pytest.mark.parametrize("method", METHODS)
def test_every_method_chooses_the_budget_without_repeating_a_row(method, make):
    found = run_method(method, make())
    assert len(found.rows) == len(found.scores) == 9
    assert len(set(found.rows.tolist())) == 9
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("method", [name for name in METHODS if name != "tsds"])
def test_every_method_but_tsds_keeps_quotas(method, make):
    found = run_method(method, make(quotas=QUOTAS))
    assert np.bincount(LANGUAGES[found.rows], minlength=3).tolist() == [4, 3, 2]


def test_tsds_says_that_it_has_no_quotas(make):
    with pytest.raises(SettingError, match=r"tsds: quotas are not part of it"):
        run_method("tsds", make(quotas=QUOTAS))


def test_transport_is_the_selector_on_the_vectors_as_they_come_with_languages_brought_together(make):
    groups = np.array([f"l{code}" for code in LANGUAGES], dtype=object)
    expected = transport_select(VECTORS, TARGET, 9, groups=groups, target_groups=["l0"] * 6)
    found = run_method("transport", make(quality=None))
    assert found.rows.tolist() == expected.indices.tolist()
    assert found.scores == pytest.approx(expected.scores[expected.indices])
    assert found.facts["own_plan_cost"] == pytest.approx(expected.cost)


def test_transport_without_alignment_is_the_selector_without_groups(make):
    expected = transport_select(VECTORS, TARGET, 9)
    assert run_method("transport", make(align=False, quality=None)).rows.tolist() == expected.indices.tolist()


def test_lava_takes_the_lowest_gradients_and_within_quotas_those_of_each_language(make):
    material = make()
    potentials = fit_transport(material.vectors, material.space.target).score(material.vectors)
    order = np.argsort(calibrated_gradient(potentials), kind="stable")
    assert run_method("lava", material).rows.tolist() == order[:9].tolist()
    within = [
        row for row in order if np.flatnonzero(order[LANGUAGES[order] == LANGUAGES[row]] == row)[0] < 4 - LANGUAGES[row]
    ]
    assert run_method("lava", make(quotas=QUOTAS)).rows.tolist() == within


def test_longest_and_quality_orders_are_those_of_sorting(make):
    assert run_method("longest", make()).rows.tolist() == list(range(9))
    found = run_method("mdaq", make(quotas={"l0": 6, "l1": 0, "l2": 3}, options={"ratio": 100}))
    best = np.argsort(-QUALITY)
    expected = {code: [row for row in best if LANGUAGES[row] == code][:n] for code, n in ((0, 6), (2, 3))}
    assert {code: [row for row in found.rows if LANGUAGES[row] == code] for code in (0, 2)} == expected


def test_round_robin_lets_targets_take_their_nearest_in_turn(make):
    material = make()
    cosines = material.vectors @ material.space.target.T
    taken = []
    for place in range(9):
        column = cosines[:, place % 6].copy()
        column[taken] = -2
        taken.append(int(column.argmax()))
    assert run_method("round_robin", material).rows.tolist() == taken


def test_reliability_holds_back_a_language_whose_vectors_cannot_be_trusted(make):
    counts = {}
    for name, trust in (("plain", None), ("weighed", TRUST)):
        rows = {
            method: run_method(method, make(reliability=trust)).rows for method in ("transport", "round_robin", "uot")
        }
        counts[name] = {method: int((LANGUAGES[chosen] == 2).sum()) for method, chosen in rows.items()}
    assert all(counts["weighed"][method] < counts["plain"][method] for method in counts["plain"]), counts


@pytest.mark.parametrize("method", ["laser", "mig", "deita"])
@pytest.mark.parametrize("lowest", [0, -200])
def test_a_report_lowers_the_share_of_languages_that_cannot_be_trusted(method, lowest, make):
    chosen = [
        run_method(method, replace(make(reliability=trust, quality=QUALITY + lowest), budget=20)).rows
        for trust in (None, TRUST)
    ]
    plain, weighed = (np.bincount(LANGUAGES[rows], minlength=3) for rows in chosen)
    assert weighed[2] < plain[2], (plain, weighed)
    assert weighed[0] > plain[0], (plain, weighed)


def test_laser_scales_quality_within_languages_and_then_weighs_it_by_reliability(make):
    found = run_method("laser", replace(make(reliability=TRUST), budget=60))
    expected = robust_scale(QUALITY, LANGUAGES) * np.array([1.0, 0.6, 0.1])[LANGUAGES]
    assert found.scores == pytest.approx(expected[found.rows])


def test_mdaq_says_that_reliability_changes_no_order_within_languages(make):
    plain, weighed = make(), make(reliability=TRUST, options={"n_clusters": 1})
    assert (
        run_method("mdaq", replace(plain, options={"n_clusters": 1})).rows.tolist()
        == run_method("mdaq", weighed).rows.tolist()
    )
    assert any("reliability changes no order" in note for note in weighed.notes)


def test_reliability_multiplies_quality_of_which_no_value_is_negative_as_it_is(make):
    material = make(reliability=TRUST)
    assert material.quality == pytest.approx(QUALITY * np.array([1.0, 0.6, 0.1])[LANGUAGES])
    assert material.notes == []


def test_one_quality_far_below_the_others_leaves_these_apart(make):
    quality = -QUALITY - 1
    plain = make(quality=quality).quality
    spoilt = quality.copy()
    spoilt[QUALITY.argmax()] = -1e7
    material = make(quality=np.concatenate([spoilt]))
    assert material.quality.min() == 0
    assert np.argsort(-material.quality)[:58].tolist() == np.argsort(-plain)[:58].tolist()
    many = np.concatenate([[-1e7], -np.random.default_rng(0).lognormal(3, 1, 1999)])
    found = from_zero(many)
    assert found[many >= np.percentile(many, 2)].min() > 0
    assert found.max() / np.median(found) == pytest.approx(
        (many.max() - np.percentile(many, 1)) / (np.median(many) - np.percentile(many, 1))
    )
    assert len(material.notes) == 1
    assert "values below 0" in material.notes[0]


def test_equal_qualities_weigh_alike_whatever_their_sign():
    assert from_zero(np.full(5, -3.0)).tolist() == [1.0] * 5
    assert from_zero(np.array([-1.0] * 300 + [4.0])).tolist() == [0.0] * 300 + [5.0]


def by_category(make, n=20, **arguments):
    names = np.array([("maths", "code")[row >= n] for row in range(60)], dtype=object)
    material = replace(make(**arguments), budget=30)
    return replace(material, pool=replace(material.pool, categories=names))


def test_laser_tells_what_categories_lacked_and_its_thresholds(make):
    material = by_category(make, n=10, options={"shares": {"maths": 0.5, "code": 0.5}})
    found = run_method("laser", material)
    scores = robust_scale(QUALITY, LANGUAGES)
    assert found.facts["shortfall"] == {"maths": 5}
    assert found.facts["thresholds"]["code"] == pytest.approx(np.percentile(scores[10:], 80))
    assert material.notes == [
        "laser: categories have fewer rows than their shares ask for (maths 5); others gave these"
    ]


def test_laser_tells_thresholds_by_language_where_these_have_quotas(make):
    found = run_method("laser", by_category(make, quotas={"l0": 10, "l1": 8, "l2": 12}))
    assert set(found.facts["thresholds"]) == {f"l{code} {name}" for code in range(3) for name in ("maths", "code")}
    assert found.facts["shortfall"] == {}


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"math": 0.5, "code": 0.5}, r"got 'math' \(did you mean 'maths'\?\); they have code, maths"),
        ("equal", r"shares must map categories to shares of the budget, got 'equal'"),
    ],
)
def test_laser_refuses_categories_that_no_row_has(shares, told, make):
    with pytest.raises(SettingError, match=told):
        run_method("laser", by_category(make, options={"shares": shares}))


def test_semdedup_draws_among_rows_that_are_not_too_like_one_before(make):
    material = make(options={"threshold": 0.8}, seed=4)
    kept = semantic_deduplicate(material.vectors, threshold=0.8).indices
    found = run_method("semdedup", material)
    assert found.rows.tolist() == [row for row in material.drawn_order if row in set(kept)][:9]
    assert found.facts == {"kept": len(kept), "of": 60, "shortfall": 0}
    assert run_method("semdedup", replace(material, seed=5)).rows.tolist() != found.rows.tolist()


def test_semdedup_says_what_is_lacking_where_too_little_is_left(make):
    material = make(options={"threshold": -0.9}, quotas=QUOTAS)
    found = run_method("semdedup", material)
    assert len(found.rows) < 9
    assert material.notes == [
        f"semdedup: {9 - len(found.rows)} rows fewer than the budget, the others are near-duplicates"
    ]


def test_gotd_is_the_gradient_of_moving_a_mixture_with_the_base(make):
    material = make(options={"mixing": 0.2, "base": "any"})
    x, y, base = material.vectors, material.space.target, material.base.target
    expected = gradient_select(x, y, 9, base=base, mixing=0.2)
    found = run_method("gotd", material)
    assert found.rows.tolist() == expected.indices.tolist()
    assert found.scores == pytest.approx(expected.gradients[expected.indices])
    assert found.scores.tolist() != pytest.approx(run_method("lava", make()).scores.tolist())


def test_gotd_asks_what_the_model_was_trained_on(make):
    with pytest.raises(SettingError, match=r"gotd: it weighs the pool beside what a model has been trained on"):
        run_method("gotd", make(base=None))


def test_labels_that_are_missing_are_clusters_and_that_is_said(make):
    material = make(quality=None)
    run_method("mig", material)
    assert material.notes == [
        "mig: no quality was given, all rows count alike",
        "mig: rows have no labels, 8 clusters of their vectors stand for them",
        "mig: 0 of 8 labels have neighbours of a cosine of 0.9 or more, with which they share",
    ]


@pytest.mark.parametrize("options", [{"threshold": 0.2}, {"threshold": 0.2, "graph": False}])
def test_clusters_whose_centres_are_alike_share_what_they_carry(options, make):
    material = make(options=options | {"n_clusters": 12})
    labels = material.cluster(12)
    centres = np.stack([material.vectors[labels == label].mean(axis=0) for label in range(12)])
    graph = None if "graph" in options else cosines(centres)
    order = material.drawn_order
    expected = information_gain_select(
        tags_from_clusters(labels)[order], QUALITY[order], 9, similarity=graph, threshold=0.2
    )
    assert run_method("mig", material).rows.tolist() == order[expected.indices].tolist()
    told = [note for note in material.notes if "neighbours" in note]
    if graph is None:
        assert told == []
    else:
        n = int(((graph >= 0.2).sum(axis=0) > 1).sum())
        assert n > 0
        assert told == [f"mig: {n} of 12 labels have neighbours of a cosine of 0.2 or more, with which they share"]


def cosines(x):
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x @ x.T


NAMES = ("algebra", "algebras", "chess", "nowhere")


def embed(names):
    known = {"algebra": [1, 0, 0], "algebras": [1, 0.1, 0], "chess": [0, 0, 1], "nowhere": [0, 0, 0]}
    return np.array([known[name] for name in names], dtype=np.float32)


@pytest.mark.parametrize("graph", [True, False])
def test_labels_whose_names_are_alike_to_the_model_share_what_they_carry(graph, make):
    tags = csr_array(np.random.default_rng(1).integers(0, 2, (60, 4)).astype(np.int8))
    material = make(quality=QUALITY + 0.5, encode=embed, options={} if graph else {"graph": False})
    material = replace(material, pool=replace(material.pool, tags=tags, labels=NAMES))
    similarity = np.eye(4)
    similarity[0, 1] = similarity[1, 0] = 1 / np.sqrt(1.01)
    expected = information_gain_select(tags, material.quality, 9, similarity=similarity if graph else None)
    found = run_method("mig", material)
    assert found.facts["information"] == pytest.approx(expected.information)
    assert found.rows.tolist() == expected.indices.tolist()
    told = "mig: 2 of 4 labels have neighbours of a cosine of 0.9 or more, with which they share"
    assert material.notes == ([told] if graph else [])


def ties(make, *, shuffle=None, seed=0, tags=None, **arguments):
    """Every row carries the same label: all tie, until quotas or qualities tell them apart."""
    material = make(quality=None, seed=seed, **arguments)
    order = np.arange(60) if shuffle is None else shuffle
    of_all = csr_array(np.ones((60, 1), dtype=np.int8)) if tags is None else tags
    pool = replace(
        material.pool, tags=of_all[order], texts=material.pool.texts[order], languages=material.pool.languages[order]
    )
    return order[run_method("mig", replace(material, pool=pool)).rows]


def test_rows_that_tie_for_mig_are_drawn_by_the_seed_wherever_they_stand(make):
    drawn = [ties(make, seed=seed) for seed in range(40)]
    places = np.concatenate(drawn)
    assert len({tuple(rows) for rows in drawn}) == 40
    assert 25 < places.mean() < 35  # of 0..59: by chance 29.5 within 0.9
    assert np.bincount(places, minlength=60).max() < 20  # by chance 6 of 40 draws
    assert drawn[3].tolist() == ties(make, seed=3).tolist()


def test_the_order_of_the_pool_decides_nothing_for_mig(make):
    shuffle = np.random.default_rng(0).permutation(60)
    tags = csr_array(np.random.default_rng(1).integers(0, 2, (60, 4)).astype(np.int8))
    assert ties(make, shuffle=shuffle).tolist() == ties(make).tolist()
    assert ties(make, shuffle=shuffle, tags=tags).tolist() == ties(make, tags=tags).tolist()
    within = [ties(make, shuffle=order, tags=tags, quotas=QUOTAS) for order in (None, shuffle)]
    assert within[0].tolist() == within[1].tolist()
    assert np.bincount(LANGUAGES[within[0]], minlength=3).tolist() == [4, 3, 2]


def test_a_text_that_stands_in_several_languages_is_drawn_alike_in_any_order(make):
    material, shuffle = make(seed=4), np.random.default_rng(0).permutation(60)
    texts = np.repeat(np.arange(20, dtype=np.uint64), 3)  # row by row in languages 0, 1, 2
    one = replace(material, pool=replace(material.pool, texts=texts))
    shuffled = {name: getattr(one.pool, name)[shuffle] for name in ("texts", "languages", "lengths")}
    other = replace(material, pool=replace(one.pool, **shuffled))
    assert one.drawn_order.tolist() == shuffle[other.drawn_order].tolist()
    assert (texts[one.drawn_order].reshape(20, 3) == texts[one.drawn_order][::3, None]).all()


def test_where_qualities_differ_mig_is_the_selector_itself(make):
    tags = csr_array(np.random.default_rng(1).integers(0, 2, (60, 4)).astype(np.int8))
    material = make(quality=QUALITY + 0.5)
    found = run_method("mig", replace(material, pool=replace(material.pool, tags=tags)))
    expected = information_gain_select(tags, material.quality, 9)
    assert found.rows.tolist() == expected.indices.tolist()
    assert found.scores.tolist() == expected.gains.tolist()


def test_the_multilingual_form_counts_labels_by_language(make):
    plain = run_method("mig", make())
    shared = run_method("mig", make(options={"multilingual": True}))
    assert shared.facts["information"] > plain.facts["information"]


def test_an_unknown_method_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"method must be one of .*got 'mdaqq'"):
        find_method("mdaqq")
