"""Language means are taken away, reliability scales cosines, and what is too large for memory is mapped unchanged."""

import numpy as np
import pytest

from xalign.selecting.material.spaces import make_space
from xalign.selecting.material.targets import Target
from xalign.selecting.pools.reading import UNKNOWN

RNG = np.random.default_rng(1)
MEANING = RNG.normal(size=(30, 6))
SHIFTS = 5 * RNG.normal(size=(3, 6))
VECTORS = np.concatenate([MEANING + shift for shift in SHIFTS])
LANGUAGES = np.repeat(np.arange(3), 30)


def test_translations_meet_once_the_means_of_their_languages_are_gone(make_space_of):
    aligned = make_space_of(VECTORS, VECTORS[:30], languages=LANGUAGES, align=True)
    plain = make_space_of(VECTORS, VECTORS[:30], languages=LANGUAGES, align=False)
    same = np.einsum("ij,ij->i", aligned.rows(np.arange(60, 90)), aligned.target)
    assert same == pytest.approx(np.ones(30), abs=1e-5)
    apart = np.einsum("ij,ij->i", plain.rows(np.arange(60, 90)), plain.target)
    assert apart.mean() < 0.9


def test_blocks_rows_and_matrix_are_the_same_directions_of_length_one(make_space_of):
    space = make_space_of(VECTORS, VECTORS[:5], languages=LANGUAGES, align=True, n_shards=4)
    whole = space.matrix()
    assert np.linalg.norm(whole, axis=1) == pytest.approx(np.ones(90), abs=1e-5)
    assert np.array_equal(np.concatenate([block for _, block in space.blocks()]), whole)
    assert np.array_equal(space.rows(np.array([80, 3])), whole[[80, 3]])


def test_reliability_scales_cosines_with_the_target_and_across_languages(make_space_of):
    space = make_space_of(VECTORS, VECTORS[:5], languages=LANGUAGES, align=True)
    trust = {"l0": 1.0, "l1": 0.5, "l2": 0.2}
    plain, weighed = space.matrix(), space.matrix(trust)
    scale = np.array([1.0, 0.5, 0.2])[LANGUAGES]
    assert np.linalg.norm(weighed, axis=1) == pytest.approx(np.ones(90), abs=1e-5)
    assert weighed @ space.target_beside(trust).T == pytest.approx(scale[:, None] * (plain @ space.target.T), abs=1e-5)
    across = LANGUAGES[:, None] != LANGUAGES[None]
    expected = scale[:, None] * scale[None] * (plain @ plain.T)
    assert (weighed @ weighed.T)[across] == pytest.approx(expected[across], abs=1e-5)


def test_a_matrix_too_large_for_memory_is_mapped_from_a_file_and_the_same(make_space_of, monkeypatch):
    space = make_space_of(VECTORS, VECTORS[:5], languages=LANGUAGES, align=True, n_shards=3)
    whole, raw = space.matrix(), space.raw()
    monkeypatch.setattr("xalign.selecting.material.spaces.IN_MEMORY", 0)
    for mapped, held in ((space.matrix(), whole), (space.raw(), raw)):
        assert isinstance(mapped, np.memmap)
        assert np.array_equal(mapped, held)
    assert len(list((space.folder / "joined").iterdir())) == 2


def test_a_language_the_pool_lacks_has_its_own_mean_if_it_has_rows_enough_else_that_of_all(make_space_of):
    far = MEANING + 50
    spoken = ["xx"] * 30 + ["yy"] * 3 + [UNKNOWN] * 2
    target = np.concatenate([far, MEANING[:5]])
    space = make_space_of(VECTORS, target, languages=LANGUAGES, align=True, spoken=spoken)
    centred = MEANING - MEANING.mean(axis=0)
    own = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert space.target[:30] == pytest.approx(own, abs=1e-4)
    means = [VECTORS[language == LANGUAGES].mean(axis=0) for language in range(3)]
    few = MEANING[:5] - np.mean(means, axis=0)
    assert space.target[30:] == pytest.approx(few / np.linalg.norm(few, axis=1, keepdims=True), abs=1e-4)


def test_a_space_knows_which_rows_of_the_pool_its_targets_are(make_space_of, make_pool, tmp_path):
    pool, rows = make_pool(VECTORS, languages=LANGUAGES), np.array([7, 40, 3])
    target = Target(VECTORS[rows], ("l0", "l1", "l0"), ("a", "b", "c"), "own rows", rows=rows)
    for align in (True, False):
        space = make_space(pool, target, align=align, folder=tmp_path)
        asked, among = np.array([3, 8, 40, 7]), np.array([2, 1])
        of_rows, of_targets = space.themselves(asked)
        assert dict(zip(asked[of_rows].tolist(), of_targets.tolist(), strict=True)) == {3: 2, 7: 0, 40: 1}
        of_rows, of_targets = space.themselves(asked, among)
        assert dict(zip(asked[of_rows].tolist(), among[of_targets].tolist(), strict=True)) == {3: 2, 40: 1}
    assert len(make_space_of(VECTORS, VECTORS[:5]).themselves(np.arange(5))[0]) == 0


def test_the_only_row_of_its_language_keeps_its_own_direction(make_space_of):
    vectors = np.concatenate([MEANING, [[3.0, 4, 0, 0, 0, 0]]])
    space = make_space_of(vectors, MEANING[:2], languages=[*[0] * 30, 1], align=True)
    assert space.rows(np.array([30]))[0] == pytest.approx([0.6, 0.8, 0, 0, 0, 0], abs=1e-6)


def test_a_mapped_matrix_follows_mended_languages_even_where_their_counts_stay(make_space_of, monkeypatch):
    mended = LANGUAGES.copy()
    mended[[0, 30]] = mended[[30, 0]]
    trust = {"l0": 1.0, "l1": 0.5, "l2": 0.2}
    for align, reliability in ((True, None), (True, trust), (False, trust)):
        spaces = [make_space_of(VECTORS, VECTORS[:5], languages=spoken, align=align) for spoken in (LANGUAGES, mended)]
        held = [space.matrix(reliability) for space in spaces]
        assert np.abs(held[0] - held[1]).max() > 0.01
        with monkeypatch.context() as patch:
            patch.setattr("xalign.selecting.material.spaces.IN_MEMORY", 0)
            for space, expected in zip(spaces, held, strict=True):
                assert np.array_equal(space.matrix(reliability), expected)
