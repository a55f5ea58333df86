"""Each method is its selector on the pool's arrays: the same rows as the selector called by hand, or by brute force."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from selection.data import calibrated_gradient, fit_transport, information_gain_select, transport_select
from xalign.errors import SettingError, UnknownNameError
from xalign.selecting.materials import Material
from xalign.selecting.methods import METHODS, find_method, run_method
from xalign.selecting.reliability import Reliability
from xalign.selecting.targets import Target

RNG = np.random.default_rng(2)
VECTORS = RNG.normal(size=(60, 6)).astype(np.float32)
TARGET = (VECTORS[5:11] + 0.1).astype(np.float32)
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
        return Material(space.pool, target, space, 9, **arguments)

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
    assert found.facts["cost"] == pytest.approx(expected.cost)


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


def test_reliability_multiplies_quality_which_starts_at_zero(make):
    material = make(reliability=TRUST, quality=QUALITY - 30)
    expected = QUALITY * np.array([1.0, 0.6, 0.1])[LANGUAGES]
    assert material.quality == pytest.approx(expected)


def test_labels_that_are_missing_are_clusters_and_that_is_said(make):
    material = make(quality=None)
    run_method("mig", material)
    assert material.notes == [
        "mig: no quality was given, all rows count alike",
        "mig: rows have no labels, 8 clusters of their vectors stand for them",
    ]


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
