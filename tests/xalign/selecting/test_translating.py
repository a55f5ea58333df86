"""A row counts as far as it is nearer to its own translation than to the neighbours of both."""

import numpy as np
import pytest

from selection.data.transport import margin_reliability
from xalign.errors import SettingError
from xalign.selecting.material.margins import measure_margins
from xalign.selecting.material.matrices import ShardedMatrix

K = 4


def by_definition(x, y, *, align=True):
    """Artetxe & Schwenk's ratio margin of each gold pair, with loops; both sides centred."""
    if align:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    cosines = x @ y.T
    margins = []
    for row in range(len(x)):
        near = np.sort(cosines[row])[-K:].mean(), np.sort(cosines[:, row])[-K:].mean()
        margins.append(cosines[row, row] / (sum(near) / 2))
    return np.array(margins)


@pytest.fixture
def paired(make_pool, tmp_path):
    """A pool of two languages of which rows have translations, those of the second language wrong."""

    def make(n=60, lacking=(), seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(1, 1, size=(2 * n, 6))
        y = (x + rng.normal(0, 0.2, size=x.shape)).astype(np.float32)
        y[n:] = np.roll(y[n:], 1, axis=0)
        y[list(lacking)] = 0
        np.save(tmp_path / "translations.npy", y)
        pool = make_pool(x, languages=np.repeat([0, 1], n))
        stored = ShardedMatrix((tmp_path / "translations.npy",), (np.ones(2 * n, dtype=bool),), 6)
        object.__setattr__(pool, "translations", stored)
        return pool, x.astype(np.float32), y

    return make


@pytest.mark.parametrize("align", [True, False])
def test_margins_are_the_published_ones_within_each_language(align, paired):
    pool, x, y = paired()
    found = measure_margins(pool, align=align, k=K)
    for own in (slice(0, 60), slice(60, 120)):
        np.testing.assert_allclose(found[own], by_definition(x[own], y[own], align=align), rtol=1e-4, atol=1e-5)


def test_rows_count_by_their_margin(paired):
    pool, _, _ = paired()
    found = measure_margins(pool, k=K)
    assert np.median(margin_reliability(found)[:60]) > 2 * np.median(margin_reliability(found)[60:])


def test_copies_of_a_row_are_no_neighbours_of_it(paired):
    pool, _, _ = paired()
    vectors, translations = (side.rows(np.arange(120)) for side in (pool.vectors, pool.translations))
    vectors[1:6], translations[1:6] = vectors[0], translations[0]
    for side, rows in ((pool.vectors, vectors), (pool.translations, translations)):
        np.save(side.paths[0], rows)
    pool.texts[:6] = pool.texts[0]
    found = measure_margins(pool, align=False, k=K)
    alone = [0, *range(6, 60)]
    expected = by_definition(vectors[alone], translations[alone], align=False)
    np.testing.assert_allclose(found[alone], expected, rtol=1e-4)
    np.testing.assert_allclose(found[1:6], found[0], rtol=1e-6)


def test_the_order_of_the_pool_draws_no_other_sample(paired, monkeypatch):
    monkeypatch.setattr("xalign.selecting.material.margins.NEIGHBOURS", 30)
    pool, x, y = paired()
    found = measure_margins(pool, align=False, k=K)
    order = np.random.default_rng(1).permutation(60)
    order = np.concatenate([order, order + 60])
    np.save(pool.vectors.paths[0], x[order])
    np.save(pool.translations.paths[0], y[order])
    pool.texts[:] = pool.texts[order]
    np.testing.assert_allclose(measure_margins(pool, align=False, k=K), found[order], rtol=1e-5)


@pytest.mark.parametrize("method", ["mig", "mdaq", "laser", "deita"])
@pytest.mark.usefixtures("quick_model")
def test_methods_that_weigh_rows_take_fewer_that_are_far_from_their_translation(method, select, translated):
    wrong = [
        np.mean(
            [int(name) % 3 == 0 for name in select(translated, budget=16, method=method, quality="length", **some).ids]
        )
        for some in ({}, {"translation": "other"})
    ]
    assert wrong[1] < wrong[0] or wrong[0] == 0, wrong


@pytest.mark.usefixtures("quick_model")
def test_a_method_that_weighs_no_row_says_that_translations_change_nothing(select, translated):
    found = select(translated, budget=16, method="round_robin", translation="other")
    assert any("translations change nothing, no method here weighs rows" in note for note in found.warnings)
    assert found.ids == select(translated, budget=16, method="round_robin").ids


def test_rows_without_a_translation_and_languages_with_few_have_no_margin(paired):
    pool, x, y = paired(lacking=(3, *range(60, 101)))
    found = measure_margins(pool, k=K)
    there = [row for row in range(60) if row != 3]
    np.testing.assert_allclose(found[there], by_definition(x[there], y[there]), rtol=1e-4)
    assert np.isnan(found[[3, *range(60, 120)]]).all()


def test_neighbours_of_a_sample_give_nearly_the_margins_of_all(paired, monkeypatch):
    pool, _, _ = paired(n=400)
    exact = measure_margins(pool, k=K)
    monkeypatch.setattr("xalign.selecting.material.margins.NEIGHBOURS", 200)
    sampled = measure_margins(pool, k=K)
    assert np.corrcoef(exact, sampled)[0, 1] > 0.99
    assert not np.array_equal(exact, sampled)


@pytest.fixture
def translated(rows, tmp_path, write_jsonl):
    """Rows with themselves as translations, but for every third, which has that of a row of other letters."""
    changed = [
        row
        | {"id": str(place), "language": "eng_Latn"}
        | {"other": rows[(place * 7 + 5) % len(rows)]["text"] if place % 3 == 0 else row["text"]}
        for place, row in enumerate(rows)
    ]
    return write_jsonl(tmp_path / "pool.jsonl", changed)


@pytest.mark.usefixtures("quick_model")
def test_transport_takes_fewer_rows_that_are_far_from_their_translation(select, translated):
    plain = select(translated, budget=16)
    found = select(translated, budget=16, translation="other")
    wrong = [np.mean([int(name) % 3 == 0 for name in chosen.ids]) for chosen in (plain, found)]
    assert wrong[1] < wrong[0] / 2, wrong
    assert any("48 of 48 rows are weighed by their translation" in note for note in found.warnings)
    assert found.run["arguments"]["translation"] == "other"
    assert np.isfinite(found.rows["margin"]).all()
    assert plain.rows["margin"].isna().all()
    assert f"margin {found.rows['margin'].iloc[0]:.4g}" in found.rows["reason"].iloc[0]


@pytest.mark.usefixtures("quick_model")
def test_a_field_of_translations_that_no_row_has_is_refused(select, translated):
    with pytest.raises(SettingError, match=r"--translation \(translation\) must name a field of .* got 'others' \(did"):
        select(translated, budget=30, translation="others")


@pytest.mark.usefixtures("quick_model")
def test_too_few_translations_weigh_nothing_and_that_is_told(select, pool, rows, tmp_path, write_jsonl):
    some = write_jsonl(tmp_path / "some.jsonl", [row | {"other": row["text"]} for row in rows])
    found = select(some, budget=12, translation="other")
    assert any("no language has 20 rows with a translation" in note for note in found.warnings)
    assert found.ids == select(pool, budget=12).ids
